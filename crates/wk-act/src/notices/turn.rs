//! One turn: findings that changed and groups that are due go in; notices come out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Timestamp};
use wk_seam::outbox::GroupRow;

use super::counts::Counts;
use super::desk::Desk;
use super::duty::Duty;
use super::group::{Group, GroupKind, Ladder, Taken};
use super::label::labels;
use super::policy::Policy;
use super::render::Advice;
use super::tell::{Heard, Limits};
use super::wanted::Wanted;

/// What a turn makes.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The desk as it is now.
    pub desk: String,
    /// Groups that changed or were closed.
    pub groups: Vec<GroupRow>,
    /// Notices that are to be sent.
    pub notices: Vec<Notice>,
    /// Lines for the log.
    pub lines: Vec<String>,
    /// What became of everything.
    pub counts: Counts,
}

/// A turn.
pub struct Turn<'a> {
    pub(super) policy: &'a Policy,
    pub(super) advice: &'a dyn Fn(&NoticeFinding) -> Advice,
    pub(super) now: Timestamp,
    pub(super) desk: Desk,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) closed: BTreeSet<String>,
    pub(super) made: Made,
    duty: Duty,
}

impl<'a> Turn<'a> {
    /// A turn over what the outbox kept.
    ///
    /// # Errors
    /// If what it kept was written by a newer version.
    pub fn new(
        policy: &'a Policy,
        advice: &'a dyn Fn(&NoticeFinding) -> Advice,
        now: Timestamp,
        desk: &str,
        rows: &[GroupRow],
    ) -> Result<Self, serde_json::Error> {
        let desk = if desk.is_empty() { Desk::default() } else { serde_json::from_str(desk)? };
        let mut groups = BTreeMap::new();
        for row in rows {
            groups.insert(row.key.clone(), serde_json::from_str(&row.body)?);
        }
        let (closed, made) = (BTreeSet::new(), Made::default());
        let duty = Duty::default();
        Ok(Self { policy, advice, now, desk, groups, closed, made, duty })
    }

    /// The same, knowing what another product says about who is on call.
    #[must_use]
    pub fn with_duty(self, duty: Duty) -> Self {
        Self { duty, ..self }
    }

    /// Takes a finding in. Its group must be among the rows, if it is open.
    pub fn absorb(&mut self, wanted: &Wanted) {
        let group =
            self.groups.entry(wanted.slot.clone()).or_insert_with(|| Group::open(wanted, self.now));
        group.absorb(wanted, self.policy, self.now);
        if wanted.kind == GroupKind::Alarm {
            let labels = labels(&wanted.finding, &wanted.route);
            let id = &wanted.finding.id.0;
            self.desk.note_inhibitor(id, &labels, wanted.ended, self.policy, self.now);
        }
    }

    /// Does what is due.
    pub fn ripen(&mut self) {
        self.release_floods();
        let slots: Vec<String> = self.groups.keys().cloned().collect();
        for slot in slots {
            if let Some(mut group) = self.groups.remove(&slot) {
                if self.look_at(&mut group) {
                    self.made.counts.closed += 1;
                    self.closed.insert(slot);
                } else {
                    self.groups.insert(slot, group);
                }
            }
        }
    }

    /// Everything that this turn changes.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn finish(mut self) -> Result<Made, serde_json::Error> {
        self.desk.tidy(self.now);
        self.made.desk = serde_json::to_string(&self.desk)?;
        for group in self.groups.values() {
            self.made.groups.push(group.row(self.policy)?);
        }
        for slot in self.closed {
            self.made.groups.push(GroupRow { key: slot, due: None, body: String::new() });
        }
        Ok(self.made)
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The groups that were given.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The channels that are meant by these names now, and what there is to say about how whoever is
    /// on call was found.
    pub(super) fn meant(&mut self, alarm: &str, names: &[String]) -> (Vec<String>, String) {
        let meant = self.policy.meant(names, self.now, &self.duty);
        let note = meant.note.unwrap_or_default();
        if !note.is_empty() {
            self.made.counts.oncall_doubts += 1;
            let line = json!({"alarm": alarm, "at": self.now.to_string(), "kind": "on-call",
                "note": note});
            self.made.lines.push(line.to_string());
        }
        (meant.channels, note)
    }

    /// Does what is due of a group. True: it is closed.
    fn look_at(&mut self, group: &mut Group) -> bool {
        let now = self.now;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if group.kind == GroupKind::Alarm && group.is_over() {
            if group.told.is_some() {
                self.tell_followers(group, NoticeKind::Resolve, "Over: ", "", Heard::Here);
            }
            return true;
        }
        self.reopen(group);
        if due(group.flush_at) {
            match group.kind {
                GroupKind::Alarm => self.flush(group),
                GroupKind::Digest => {
                    self.tell_digest(group);
                    return true;
                }
                GroupKind::Drill => {
                    let (channels, note) = self.meant(&group.alarm, &group.channels.clone());
                    for channel in channels {
                        let (kind, lead) = (NoticeKind::Drill, "Exercise: ");
                        self.tell(group, &channel, kind, lead, &note, Limits::None);
                    }
                    return true;
                }
            }
        }
        let free: Vec<String> = group
            .waiting
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for channel in free {
            group.waiting.remove(&channel);
            self.tell_or_wait(group, &channel, "");
        }
        if group.taken.is_none() && due(group.ladder.as_ref().and_then(|ladder| ladder.next)) {
            self.escalate(group);
        }
        if due(group.repeat_at) {
            self.repeat(group);
        }
        due(group.close_at(self.policy))
    }

    /// An alarm that became worse than it was when somebody took it is nobody's again.
    fn reopen(&mut self, group: &mut Group) {
        let severity = group.severity();
        let worse = |taken: &Taken| severity.word() > taken.severity.word();
        if group.taken.as_ref().is_some_and(worse) {
            group.taken = None;
            let line = json!({"alarm": group.alarm, "at": self.now.to_string(),
                "kind": "reopened", "severity": severity.number()});
            self.made.lines.push(line.to_string());
        }
    }

    /// Tells of what is new in a group, as far as nothing holds it back.
    fn flush(&mut self, group: &mut Group) {
        group.flush_at = None;
        let mut held: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (id, member) in group.members.iter().filter(|(_, m)| m.wants_telling()) {
            let labels = labels(&member.shown, &group.route);
            if let Some(until) = self.desk.silenced_until(&labels, self.now) {
                self.made.counts.silenced += 1;
                held.insert(id.clone(), until);
            } else if let Some(until) =
                self.desk.inhibited_until(id, &labels, self.policy, self.now)
            {
                self.made.counts.inhibited += 1;
                held.insert(id.clone(), until);
            }
        }
        group.flush_at = held.values().min().copied();
        let open = group.members.iter().any(|(id, m)| m.wants_telling() && !held.contains_key(id));
        if !open {
            return;
        }
        let (channels, note) = self.meant(&group.alarm, &group.channels.clone());
        // What is held back is left out while the notices are made.
        let kept: BTreeMap<_, _> = held
            .keys()
            .filter_map(|id| group.members.remove(id).map(|member| (id.clone(), member)))
            .collect();
        for channel in channels {
            self.tell_or_wait(group, &channel, &note);
        }
        group.members.values_mut().filter(|m| m.wants_telling()).for_each(|m| m.tell());
        self.ask_for_somebody(group);
        group.members.extend(kept);
        group.told = Some(self.now);
    }

    /// From now on, somebody must acknowledge the alarm if its severity asks for that.
    fn ask_for_somebody(&mut self, group: &mut Group) {
        if group.taken.is_some() {
            return;
        }
        let Some(within_seconds) = self.policy.escalation.within(group.severity()) else { return };
        if group.ladder.is_none() {
            let next = Some(self.now.plus_seconds(within_seconds));
            group.ladder = Some(Ladder { step: 0, next, within_seconds });
        }
        self.plan_repeat(group);
    }

    fn plan_repeat(&self, group: &mut Group) {
        let all = group.sent.keys().filter_map(|name| self.policy.channels.get(name));
        let soonest = all.filter_map(|channel| channel.repeat_seconds).min();
        group.repeat_at = soonest.map(|seconds| self.now.plus_seconds(seconds));
    }

    /// Asks the next step's people.
    fn escalate(&mut self, group: &mut Group) {
        let Some(ladder) = group.ladder.as_mut() else { return };
        let step = ladder.step;
        let Some(names) = self.policy.escalation.steps.get(step) else {
            ladder.next = None;
            return;
        };
        ladder.step += 1;
        let last = ladder.step >= self.policy.escalation.steps.len();
        ladder.next = (!last).then(|| self.now.plus_seconds(ladder.within_seconds));
        let minutes =
            self.now.seconds().saturating_sub(group.told.unwrap_or(group.opened).seconds()) / 60;
        let lead = format!("Not acknowledged for {minutes} min: ");
        let (channels, mut note) = self.meant(&group.alarm, names);
        if last {
            note = format!("This is the last step: whoever commands incidents is asked. {note}");
        }
        self.made.counts.escalated += 1;
        let line = json!({"alarm": group.alarm, "at": self.now.to_string(), "kind": "escalated",
            "step": step + 1, "to": names});
        self.made.lines.push(line.to_string());
        for channel in channels {
            let first = !group.sent.contains_key(&channel);
            let kind = if first { NoticeKind::Trigger } else { NoticeKind::Update };
            self.tell(group, &channel, kind, &lead, note.trim_end(), Limits::None);
        }
    }

    /// Repeats what nobody took to the channels that do not keep it open by themselves.
    fn repeat(&mut self, group: &mut Group) {
        self.made.counts.repeated += 1;
        let told: Vec<String> = group.sent.keys().cloned().collect();
        for channel in told {
            let repeats = self.policy.channels.get(&channel).and_then(|c| c.repeat_seconds);
            if repeats.is_some() {
                let lead = "Still open: ";
                self.tell(group, &channel, NoticeKind::Update, lead, "", Limits::Flood);
            }
        }
        self.plan_repeat(group);
    }
}
