//! Too many notices for a channel within a time: what is more goes together into one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wk_model::finding::FindingId;
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Sha256, Timestamp};

use super::policy::Policy;

/// What a channel got, and what is held back for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Flood {
    since: Timestamp,
    count: u32,
    held: Vec<Held>,
}

/// A notice that was not sent by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    alarm: String,
    worst: NoticeFinding,
    findings: u64,
    covers: Vec<FindingId>,
}

impl Flood {
    /// Whether the channel may carry one more notice now.
    pub(super) fn admits(&mut self, policy: &Policy, now: Timestamp) -> bool {
        if now >= self.since.plus_seconds(policy.flood_seconds) && self.held.is_empty() {
            (self.since, self.count) = (now, 0);
        }
        if self.count >= policy.flood_max || !self.held.is_empty() {
            return false;
        }
        self.count += 1;
        true
    }

    /// Holds a notice back.
    pub(super) fn hold(&mut self, notice: Notice) {
        let findings = notice.count();
        if let Some(worst) = notice.findings.into_iter().next() {
            self.held.push(Held { alarm: notice.key, worst, findings, covers: notice.covers });
        }
    }

    /// When what is held back is told of.
    pub(super) fn due(&self, policy: &Policy) -> Option<Timestamp> {
        (!self.held.is_empty()).then(|| self.since.plus_seconds(policy.flood_seconds))
    }

    /// Everything that was held back, as one notice.
    pub(super) fn release(&mut self, channel: &str, now: Timestamp) -> Option<Notice> {
        let mut held = std::mem::take(&mut self.held);
        let alarms = held.len();
        held.sort_by_key(|h| std::cmp::Reverse(h.worst.severity));
        let worst = held.first()?.worst.clone();
        let findings: u64 = held.iter().map(|h| h.findings).sum();
        let begun = self.since.micros().to_be_bytes();
        let key = Sha256::of_parts(&[b"flood", channel.as_bytes(), &begun]).to_string();
        let key: String = key.chars().take(32).collect();
        let named: Vec<&str> =
            held.iter().take(Notice::LISTED_MAX).map(|h| h.alarm.as_str()).collect();
        let mut covers: Vec<FindingId> = held.iter().flat_map(|h| h.covers.clone()).collect();
        covers.sort();
        covers.dedup();
        let made = Notice::new(&key, channel, NoticeKind::Trigger, worst.severity, now);
        let notice = Notice {
            title: format!("{alarms} more alarms, the worst: {}", worst.title),
            analysis: format!(
                "Too many alarms for one channel: {alarms} alarms with {findings} findings are told of together. None was dropped; the first of them: {}",
                named.join(", ")
            ),
            more: findings.saturating_sub(alarms as u64),
            findings: held.into_iter().map(|h| h.worst).collect(),
            labels: BTreeMap::new(),
            covers,
            ..made
        };
        (self.since, self.count) = (now, 1);
        Some(notice.bounded())
    }
}
