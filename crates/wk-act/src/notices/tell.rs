//! How a turn makes notices: for one channel, for those that follow an alarm, for a digest.

use wk_model::notice::{NoticeFinding, NoticeKind};

use super::digest;
use super::group::Group;
use super::policy::RECORD;
use super::render::{self, Advice, Content};
use super::turn::Turn;

/// Whether a notice may be held back because there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    Flood,
    None,
}

/// Where a person said what became of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Here,
    InPagerDuty,
}

impl Turn<'_> {
    /// Tells a channel what is new to it, or waits until it is muted no more.
    pub(super) fn tell_or_wait(&mut self, group: &mut Group, channel: &str, note: &str) {
        let severity = group.severity();
        let muted =
            self.policy.channels.get(channel).and_then(|c| c.muted_until(severity, self.now));
        if let Some(until) = muted {
            self.made.counts.muted += 1;
            group.waiting.insert(channel.to_owned(), until);
            return;
        }
        let first = !group.sent.contains_key(channel);
        let kind = if first { NoticeKind::Trigger } else { NoticeKind::Update };
        self.tell(group, channel, kind, "", note, Limits::Flood);
    }

    /// Tells the channels that were told of an alarm, and that want to know, what became of it.
    pub(super) fn tell_followers(
        &mut self,
        group: &mut Group,
        kind: NoticeKind,
        lead: &str,
        note: &str,
        heard: Heard,
    ) {
        let notifier = |name: &str| self.policy.channels.get(name).map(|c| c.channel.notifier);
        let there = |name: &str| notifier(name).is_some_and(|n| n.name == "pagerduty");
        let follows = |name: &&String| notifier(name).is_some_and(|n| n.follows);
        let mut told: Vec<String> = group.sent.keys().filter(follows).cloned().collect();
        // Where several services of PagerDuty were told, the others have not heard of it.
        if heard == Heard::InPagerDuty && told.iter().filter(|name| there(name)).count() == 1 {
            told.retain(|name| !there(name));
        }
        for channel in told {
            self.tell(group, &channel, kind, lead, note, Limits::None);
        }
    }

    /// Makes a notice for a channel, or holds it back if there were too many.
    pub(super) fn tell(
        &mut self,
        group: &mut Group,
        name: &str,
        kind: NoticeKind,
        lead: &str,
        note: &str,
        limits: Limits,
    ) {
        let mut note = note.to_owned();
        let known = self.policy.channels.contains_key(name);
        let channel = if known { name } else { RECORD };
        if !known {
            self.made.counts.unconfigured += 1;
            note = format!(
                "The channel {name:?} is not configured: this is kept in the record only. {note}"
            );
        }
        let news = group.members.values().filter(|m| m.wants_telling()).count() as u64;
        // An update tells of what is new, as far as that is what it is for.
        let only_news = kind == NoticeKind::Update && news > 0;
        let shown = group.members.values().filter(|m| !only_news || m.wants_telling());
        let findings: Vec<&NoticeFinding> = shown.map(|m| &m.shown).collect();
        let others = group.members.len() as u64 - findings.len() as u64;
        let content = Content {
            alarm: &group.alarm,
            route: Some(&group.route),
            labels: &group.labels,
            findings,
            more: group.more.saturating_add(others),
            lead: lead.to_owned(),
            note,
        };
        let made = render::notice(&content, channel, kind, group.made, self.advice, self.now);
        group.made += 1;
        *group.sent.entry(name.to_owned()).or_default() += 1;
        let flood = self.desk.floods.entry(channel.to_owned()).or_default();
        if limits == Limits::Flood && channel != RECORD && !flood.admits(self.policy, self.now) {
            self.made.counts.flooded += 1;
            flood.hold(made);
        } else {
            self.made.notices.push(made);
        }
    }

    pub(super) fn release_floods(&mut self) {
        let now = self.now;
        for (channel, flood) in &mut self.desk.floods {
            if flood.due(self.policy).is_some_and(|at| at <= now) {
                self.made.notices.extend(flood.release(channel, now));
            }
        }
    }

    pub(super) fn tell_digest(&mut self, group: &mut Group) {
        let findings: Vec<&NoticeFinding> = group.members.values().map(|m| &m.shown).collect();
        let count = (findings.len() as u64).saturating_add(group.more);
        let content = Content {
            alarm: &group.alarm,
            route: Some(&group.route),
            labels: &group.labels,
            lead: format!("{count} findings came as history and paged nobody; the worst: "),
            note: format!("By rule and account:\n{}", digest::by_rule(&findings)),
            findings,
            more: group.more,
        };
        let (channels, _) = self.meant(&group.alarm, &group.channels.clone());
        for (nth, channel) in channels.iter().enumerate() {
            let known = self.policy.channels.contains_key(channel);
            self.made.counts.unconfigured += u64::from(!known);
            let channel = if known { channel } else { RECORD };
            let kind = NoticeKind::Digest;
            let none = |_: &NoticeFinding| Advice::default();
            self.made
                .notices
                .push(render::notice(&content, channel, kind, nth as u64, &none, self.now));
        }
    }
}
