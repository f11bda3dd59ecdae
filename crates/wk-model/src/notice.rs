//! Notices: what people and their systems are told of findings, and the receipts that prove it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::finding::{Finding, FindingId};
use crate::severity::Severity;
use crate::time::Timestamp;

/// One message to one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Of this message; the same whenever it is sent again.
    pub id: String,
    /// Of the alarm it is about: trigger, update and resolve of one alarm share it.
    pub key: String,
    /// The channel it goes to, by its name in the configuration.
    pub channel: String,
    /// What it is for.
    pub kind: NoticeKind,
    /// Of the worst finding.
    pub severity: Severity,
    /// One line, at most [`Notice::TITLE_CHARS`] characters.
    pub title: String,
    /// First analysis: what was seen and why it matters; at most [`Notice::TEXT_CHARS`] characters.
    pub analysis: String,
    /// The route that asked for it.
    pub route: Option<String>,
    /// The worst findings, worst first; at most [`Notice::LISTED_MAX`].
    pub findings: Vec<NoticeFinding>,
    /// How many findings there are besides those listed.
    pub more: u64,
    /// Every finding it speaks of, sorted.
    pub covers: Vec<FindingId>,
    /// Account, where all findings have the same.
    pub account: Option<String>,
    /// Region, where all findings have the same.
    pub region: Option<String>,
    /// Resources, sorted; at most [`Notice::LISTED_MAX`].
    pub resources: Vec<String>,
    /// How many resources there are besides those listed.
    pub resources_more: u64,
    /// What to do, in order.
    pub actions: Vec<String>,
    /// Where more about it is written.
    pub runbook: Option<String>,
    /// What its findings have in common, by which they were grouped.
    pub labels: BTreeMap<String, String>,
    /// When it was made.
    pub created: Timestamp,
}

/// What a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// Something new.
    Trigger,
    /// More about what was told before.
    Update,
    /// A person has taken it.
    Acknowledge,
    /// It is over.
    Resolve,
    /// What did not page: back-fill, and what was held back.
    Digest,
    /// A user tries a channel.
    Test,
    /// An exercise.
    Drill,
    /// A sign of life for a dead-man switch.
    Heartbeat,
}

/// A finding as a notice shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeFinding {
    /// Its identity.
    pub id: FindingId,
    /// The rule's id, or the product's type of finding.
    pub rule: String,
    /// `watchkeeper`, or the product that reported it.
    pub product: String,
    /// What was seen.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Account.
    pub account: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// What it was done to; at most [`Notice::LISTED_MAX`].
    pub resources: Vec<String>,
    /// How many resources there are besides those listed.
    pub resources_more: u64,
    /// First time of the activity.
    pub first_seen: Timestamp,
    /// Last time of the activity.
    pub last_seen: Timestamp,
    /// How often.
    pub count: u64,
}

/// That the other side took a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The notice's id.
    pub notice: String,
    /// The channel it went to.
    pub channel: String,
    /// When it was taken.
    pub at: Timestamp,
    /// At which attempt; the first is 1.
    pub attempt: u32,
    /// What the other side said; without secrets.
    pub said: String,
    /// The other side's key of what it made: a ticket's number.
    pub reference: Option<String>,
}

impl NoticeKind {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Update => "update",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Digest => "digest",
            Self::Test => "test",
            Self::Drill => "drill",
            Self::Heartbeat => "heartbeat",
        }
    }
}

impl NoticeFinding {
    /// What a notice shows of a finding; long texts are cut.
    pub fn of(finding: &Finding) -> Self {
        let mut shown = Self {
            id: finding.id.clone(),
            rule: finding.rule.id.clone(),
            product: finding.rule.product.clone(),
            title: finding.title.clone(),
            severity: finding.severity,
            account: finding.account.clone(),
            region: finding.region.clone(),
            actor: finding.actor.clone(),
            resources: finding.resources.clone(),
            resources_more: 0,
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            count: finding.count,
        };
        shown.bound();
        shown
    }

    fn bound(&mut self) {
        [&mut self.rule, &mut self.product, &mut self.title].into_iter().for_each(bound_line);
        let all = [&mut self.account, &mut self.region, &mut self.actor];
        all.into_iter().flatten().for_each(bound_line);
        bound_list(&mut self.resources, &mut self.resources_more);
    }
}

fn bound_list(items: &mut Vec<String>, more: &mut u64) {
    *more = more.saturating_add(items.len().saturating_sub(Notice::LISTED_MAX) as u64);
    items.truncate(Notice::LISTED_MAX);
    items.iter_mut().for_each(bound_line);
}

fn bound_line(text: &mut String) {
    *text = cut(text, Notice::LINE_CHARS);
}

impl Notice {
    /// Findings, and resources, that are listed; the count goes on.
    pub const LISTED_MAX: usize = 20;
    /// Characters of the title.
    pub const TITLE_CHARS: usize = 400;
    /// Characters of the analysis.
    pub const TEXT_CHARS: usize = 4_000;
    /// Characters of any other text.
    pub const LINE_CHARS: usize = 300;
    /// Actions that are listed.
    pub const ACTIONS_MAX: usize = 10;

    /// The identity of a message: of which alarm, to whom, what for, the how many-th.
    pub fn id_of(key: &str, channel: &str, kind: NoticeKind, nth: u64) -> String {
        let parts = [key.as_bytes(), channel.as_bytes(), kind.as_str().as_bytes()];
        let nth = nth.to_be_bytes();
        let digest = Sha256::of_parts(&[parts[0], parts[1], parts[2], &nth]);
        digest.to_string().chars().take(32).collect()
    }

    /// A notice about nothing yet: the caller fills in what it tells.
    pub fn new(
        key: &str,
        channel: &str,
        kind: NoticeKind,
        severity: Severity,
        created: Timestamp,
    ) -> Self {
        Self {
            id: Self::id_of(key, channel, kind, 0),
            key: key.to_owned(),
            channel: channel.to_owned(),
            kind,
            severity,
            title: String::new(),
            analysis: String::new(),
            route: None,
            findings: Vec::new(),
            more: 0,
            covers: Vec::new(),
            account: None,
            region: None,
            resources: Vec::new(),
            resources_more: 0,
            actions: Vec::new(),
            runbook: None,
            labels: BTreeMap::new(),
            created,
        }
    }

    /// The same notice, its texts and lists cut to their limits.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.title = cut(&self.title, Self::TITLE_CHARS);
        self.analysis = cut(&self.analysis, Self::TEXT_CHARS);
        let left_out = self.findings.len().saturating_sub(Self::LISTED_MAX) as u64;
        self.more = self.more.saturating_add(left_out);
        self.findings.truncate(Self::LISTED_MAX);
        self.findings.iter_mut().for_each(NoticeFinding::bound);
        bound_list(&mut self.resources, &mut self.resources_more);
        self.actions.truncate(Self::ACTIONS_MAX);
        self.actions.iter_mut().for_each(bound_line);
        self.labels.values_mut().for_each(bound_line);
        let all = [&mut self.route, &mut self.account, &mut self.region, &mut self.runbook];
        all.into_iter().flatten().for_each(bound_line);
        self
    }

    /// How many findings it speaks of.
    pub fn count(&self) -> u64 {
        (self.findings.len() as u64).saturating_add(self.more)
    }
}

/// Text cut to so many characters, with a sign that it was.
fn cut(text: &str, chars_max: usize) -> String {
    if text.len() <= chars_max || text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_megabyte_of_title_is_cut_and_says_so() {
        let mut notice = Notice::new(
            "k",
            "c",
            NoticeKind::Trigger,
            Severity::from_tenths(80),
            Timestamp::default(),
        );
        notice.title = "ä".repeat(1 << 20);
        let notice = notice.bounded();
        assert_eq!(notice.title.chars().count(), Notice::TITLE_CHARS);
        assert!(notice.title.ends_with('…'));
    }

    #[test]
    fn every_message_of_an_alarm_has_an_identity_of_its_own() {
        let id = |channel, kind, nth| Notice::id_of("k", channel, kind, nth);
        let first = id("a", NoticeKind::Trigger, 0);
        assert_eq!(first, id("a", NoticeKind::Trigger, 0));
        assert_eq!(first.len(), 32);
        for other in [
            id("b", NoticeKind::Trigger, 0),
            id("a", NoticeKind::Update, 0),
            id("a", NoticeKind::Trigger, 1),
        ] {
            assert_ne!(first, other);
        }
    }
}
