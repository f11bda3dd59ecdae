//! A group: findings that are told of together, and how far that has come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wk_model::notice::NoticeFinding;
use wk_model::{Severity, SeverityWord, Sha256, Timestamp};
use wk_seam::outbox::GroupRow;

use super::policy::Policy;
use super::wanted::Wanted;

/// Findings that an alarm holds; the count goes on.
const MEMBERS_MAX: usize = 1_000;
/// Findings that a digest holds; the count goes on.
const DIGEST_MAX: usize = 10_000;

/// Findings that are told of together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Which group it is: the route and the labels.
    pub slot: String,
    /// The key of its notices. A group that was closed and is opened again has another one.
    pub alarm: String,
    /// What it is.
    pub kind: GroupKind,
    /// The route that asked for it.
    pub route: String,
    /// The channels that the route names.
    pub channels: Vec<String>,
    /// What its findings have in common.
    pub labels: BTreeMap<String, String>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it changed last.
    pub changed: Timestamp,
    /// Its findings by id.
    pub members: BTreeMap<String, Member>,
    /// Changes of findings that it has no room for.
    pub more: u64,
    /// Who took it.
    pub taken: Option<Taken>,
    /// When it was told of last.
    pub told: Option<Timestamp>,
    /// How many notices were made for each channel.
    pub(super) sent: BTreeMap<String, u64>,
    /// How many notices were made.
    pub(super) made: u64,
    /// When it is to be told of.
    pub(super) flush_at: Option<Timestamp>,
    /// Channels that are muted, and until when.
    pub(super) waiting: BTreeMap<String, Timestamp>,
    /// When it is repeated.
    pub(super) repeat_at: Option<Timestamp>,
    /// That somebody must acknowledge it.
    pub(super) ladder: Option<Ladder>,
}

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// People are told at once.
    Alarm,
    /// Back-fill: people are told when it is over.
    Digest,
    /// An exercise.
    Drill,
}

/// A finding of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Member {
    /// What is shown of it.
    pub shown: NoticeFinding,
    /// Its severity when it was told of; `None`: it was not yet.
    pub told: Option<Severity>,
    /// Whether it is over.
    pub ended: bool,
}

/// Who took an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said.
    pub note: String,
    /// How bad it was then.
    pub severity: Severity,
}

/// How far an alarm was escalated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ladder {
    /// The step that comes next.
    pub(super) step: usize,
    /// When; `None`: there is none left.
    pub(super) next: Option<Timestamp>,
    /// How long each step has, in seconds.
    pub(super) within_seconds: i64,
}

impl Group {
    /// A new group for a finding.
    pub(super) fn open(wanted: &Wanted, now: Timestamp) -> Self {
        let opened = now.micros().to_be_bytes();
        let digest = Sha256::of_parts(&[wanted.slot.as_bytes(), &opened]).to_string();
        let born: String = digest.chars().take(8).collect();
        Self {
            slot: wanted.slot.clone(),
            alarm: format!("{}{born}", wanted.slot),
            kind: wanted.kind,
            route: wanted.route.clone(),
            channels: wanted.channels.clone(),
            labels: wanted.labels.clone(),
            opened: now,
            changed: now,
            members: BTreeMap::new(),
            more: 0,
            taken: None,
            told: None,
            sent: BTreeMap::new(),
            made: 0,
            flush_at: None,
            waiting: BTreeMap::new(),
            repeat_at: None,
            ladder: None,
        }
    }

    /// Takes a finding in as it is now, and settles when it is told of.
    pub(super) fn absorb(&mut self, wanted: &Wanted, policy: &Policy, now: Timestamp) {
        self.changed = now;
        // The route may name other channels by now.
        self.channels.clone_from(&wanted.channels);
        let room = if self.kind == GroupKind::Digest { DIGEST_MAX } else { MEMBERS_MAX };
        let full = self.members.len() >= room;
        match self.members.get_mut(&wanted.finding.id.0) {
            Some(member) => {
                member.shown = wanted.finding.clone();
                member.ended = wanted.ended;
            }
            None if full => self.more = self.more.saturating_add(1),
            None => {
                let shown = wanted.finding.clone();
                let member = Member { shown, told: None, ended: wanted.ended };
                self.members.insert(wanted.finding.id.0.clone(), member);
            }
        }
        let flush = self.flush_time(policy, now);
        self.flush_at = match self.flush_at {
            // A digest waits until no more comes; an alarm does not wait for ever.
            Some(at) if self.kind != GroupKind::Digest => flush.map(|f| f.min(at)).or(Some(at)),
            _ => flush,
        };
    }

    fn flush_time(&self, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
        match self.kind {
            GroupKind::Drill => Some(now),
            GroupKind::Digest => {
                let latest = self.opened.plus_seconds(policy.digest_max_seconds);
                Some(now.plus_seconds(policy.digest_wait_seconds).min(latest))
            }
            GroupKind::Alarm if !self.has_news() => None,
            GroupKind::Alarm => Some(match self.told {
                None if self.severity().word() >= SeverityWord::High => now,
                None => self.opened.plus_seconds(policy.group_wait_seconds).max(now),
                Some(told) => told.plus_seconds(policy.group_interval_seconds).max(now),
            }),
        }
    }

    /// Whether there is a finding that was not told of, or that has become worse since.
    pub(super) fn has_news(&self) -> bool {
        self.members.values().any(Member::is_news)
    }

    /// The channels that were told of it.
    pub fn told_channels(&self) -> impl Iterator<Item = &str> {
        self.sent.keys().map(String::as_str)
    }

    /// Of its worst finding.
    pub fn severity(&self) -> Severity {
        let all = self.members.values().map(|member| member.shown.severity);
        all.max().unwrap_or(Severity::from_tenths(0))
    }

    /// Whether everything that it told of is over.
    pub(super) fn is_over(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(|member| member.ended)
    }

    /// When it is to be looked at.
    pub(super) fn due(&self, policy: &Policy) -> Option<Timestamp> {
        let ladder = self.ladder.as_ref().filter(|_| self.taken.is_none()).and_then(|l| l.next);
        let all = [self.flush_at, self.repeat_at, ladder, self.close_at(policy)];
        all.into_iter().flatten().chain(self.waiting.values().copied()).min()
    }

    /// When it is closed because nothing happens any more; never while somebody is needed.
    pub(super) fn close_at(&self, policy: &Policy) -> Option<Timestamp> {
        let needed = self.ladder.is_some() && self.taken.is_none();
        let quiet = self.flush_at.is_none() && self.waiting.is_empty() && !needed;
        quiet.then(|| self.changed.plus_seconds(policy.close_after_seconds))
    }

    /// The group as the outbox keeps it.
    pub(super) fn row(&self, policy: &Policy) -> Result<GroupRow, serde_json::Error> {
        let body = serde_json::to_string(self)?;
        Ok(GroupRow { key: self.slot.clone(), due: self.due(policy), body })
    }
}

impl Member {
    fn is_news(&self) -> bool {
        let worse = |told: Severity| self.shown.severity.word() > told.word();
        !self.ended && self.told.is_none_or(worse)
    }
    /// Notes that it is told of as it is.
    pub(super) fn tell(&mut self) {
        self.told = Some(self.shown.severity);
    }
    /// Whether it was not told of as it is.
    pub(super) fn wants_telling(&self) -> bool {
        self.is_news()
    }
}
