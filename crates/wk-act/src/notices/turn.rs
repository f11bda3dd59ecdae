//! One turn: findings that changed and groups that are due go in; notices come out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use wk_model::finding::{Finding, Origin};
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Sha256, Timestamp};
use wk_seam::outbox::GroupRow;

use super::desk::{Desk, Silence};
use super::group::{Group, GroupKind, Ladder, Taken};
use super::label::labels;
use super::policy::{Policy, RECORD};
use super::render::{self, Advice, Content};
use crate::routes::{Outcome, QuietReason};

/// The slot of the digest.
const DIGEST: &str = "digest";

/// That a finding is to be told of.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The group it goes to.
    pub slot: String,
    /// What the group is.
    pub kind: GroupKind,
    /// The route that says so.
    pub route: String,
    /// The channels that the route names.
    pub channels: Vec<String>,
    /// What the findings of the group have in common.
    pub labels: BTreeMap<String, String>,
    /// The finding as notices show it.
    pub finding: NoticeFinding,
    /// Whether it is over.
    pub ended: bool,
}

/// What became of the findings and groups of a turn. Every finding that was not told of at once is
/// counted somewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings that changed.
    pub changed: u64,
    /// Findings that a route suppresses.
    pub suppressed: u64,
    /// Findings that were opened again because the exception that covered them ended.
    pub reopened: u64,
    /// Findings that an exception covers: nobody is told while it counts.
    pub excepted: u64,
    /// Findings of rules that are only being tried.
    pub dry_run: u64,
    /// Findings that no route wants.
    pub unrouted: u64,
    /// Findings that went into the digest.
    pub digested: u64,
    /// Requests that were kept.
    pub requested: u64,
    /// Findings held back by a silence, when their group was due.
    pub silenced: u64,
    /// Findings held back by another alarm, when their group was due.
    pub inhibited: u64,
    /// Notices held back because their channel is muted.
    pub muted: u64,
    /// Notices that went together with others because there were too many.
    pub flooded: u64,
    /// Notices that went to the record because their channel is not configured.
    pub unconfigured: u64,
    /// Alarms that nobody acknowledged in time.
    pub escalated: u64,
    /// Alarms that were repeated.
    pub repeated: u64,
    /// Groups that were closed.
    pub closed: u64,
}

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
    policy: &'a Policy,
    advice: &'a dyn Fn(&NoticeFinding) -> Advice,
    now: Timestamp,
    desk: Desk,
    groups: BTreeMap<String, Group>,
    closed: BTreeSet<String>,
    made: Made,
}

/// What follows from what routes decided about a finding: where it is wanted, and what is asked for.
pub fn wanted(
    finding: &Finding,
    outcomes: &[Outcome],
    policy: &Policy,
    now: Timestamp,
    counts: &mut Counts,
) -> (Vec<Wanted>, Vec<Notice>) {
    counts.changed += 1;
    counts.unrouted += u64::from(outcomes.is_empty());
    let age = now.seconds().saturating_sub(finding.last_seen.seconds());
    let live = finding.origin == Origin::Live && age <= policy.live_seconds;
    let shown = NoticeFinding::of(finding);
    let (mut all, mut requests): (Vec<Wanted>, Vec<Notice>) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let (quiet, outcome) = match outcome {
            Outcome::Quiet { reason, instead_of } => (Some(*reason), instead_of.as_ref()),
            loud => (None, loud),
        };
        // What the route takes for news may be history by now: the watch was down.
        let quiet = quiet.or((!live).then_some(QuietReason::BackFill));
        match (outcome, quiet) {
            (Outcome::Suppress { .. }, _) => counts.suppressed += 1,
            (Outcome::Quiet { .. }, _) => {}
            (_, Some(QuietReason::BackFill)) => {
                if !all.iter().any(|wanted| wanted.kind == GroupKind::Digest) {
                    counts.digested += 1;
                    all.push(Wanted::quiet(finding, &shown, GroupKind::Digest, policy));
                }
            }
            (_, Some(QuietReason::Drill)) => {
                if !all.iter().any(|wanted| wanted.kind == GroupKind::Drill) {
                    all.push(Wanted::quiet(finding, &shown, GroupKind::Drill, policy));
                }
            }
            (Outcome::Notify { route, tell }, None) => {
                all.push(Wanted::alarm(finding, &shown, route, &tell.channels, &tell.group_by));
            }
            (Outcome::Request { route, request }, None) => {
                requests.push(request_notice(&shown, route, &request.to_string(), now));
            }
        }
    }
    (all, requests)
}

/// A request, kept in the record once for each finding and route.
fn request_notice(shown: &NoticeFinding, route: &str, request: &str, now: Timestamp) -> Notice {
    let key = digest(&["request", route, request, &shown.id.0], 32);
    let made = Notice::new(&key, RECORD, NoticeKind::Trigger, shown.severity, now);
    Notice {
        title: format!("Requested: {request}, for {}", shown.title),
        route: Some(route.to_owned()),
        account: shown.account.clone(),
        region: shown.region.clone(),
        resources: shown.resources.clone(),
        labels: BTreeMap::from([("request".to_owned(), request.to_owned())]),
        covers: vec![shown.id.clone()],
        findings: vec![shown.clone()],
        ..made
    }
    .bounded()
}

fn digest(parts: &[&str], digits: usize) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Sha256::of_parts(&parts).to_string().chars().take(digits).collect()
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, more: &Self) {
        self.changed += more.changed;
        self.suppressed += more.suppressed;
        self.reopened += more.reopened;
        self.excepted += more.excepted;
        self.dry_run += more.dry_run;
        self.unrouted += more.unrouted;
        self.digested += more.digested;
        self.requested += more.requested;
        self.silenced += more.silenced;
        self.inhibited += more.inhibited;
        self.muted += more.muted;
        self.flooded += more.flooded;
        self.unconfigured += more.unconfigured;
        self.escalated += more.escalated;
        self.repeated += more.repeated;
        self.closed += more.closed;
    }
}

impl Wanted {
    fn alarm(
        finding: &Finding,
        shown: &NoticeFinding,
        route: &str,
        channels: &[String],
        group_by: &[String],
    ) -> Self {
        let mut labels = labels(shown, route);
        labels.retain(|name, _| group_by.contains(name));
        let mut parts = vec!["alarm", route];
        for name in group_by {
            parts.extend([name.as_str(), labels.get(name).map_or("", String::as_str)]);
        }
        Self {
            slot: digest(&parts, 24),
            kind: GroupKind::Alarm,
            route: route.to_owned(),
            channels: channels.to_vec(),
            labels,
            finding: shown.clone(),
            ended: finding.ended.is_some(),
        }
    }

    fn quiet(finding: &Finding, shown: &NoticeFinding, kind: GroupKind, policy: &Policy) -> Self {
        let (slot, channels) = match kind {
            GroupKind::Drill => (digest(&["drill", &finding.id.0], 24), &policy.drill),
            _ => (DIGEST.to_owned(), &policy.digest),
        };
        Self {
            slot,
            kind,
            route: if kind == GroupKind::Drill { "drill" } else { DIGEST }.to_owned(),
            channels: channels.clone(),
            labels: BTreeMap::new(),
            finding: shown.clone(),
            ended: false,
        }
    }
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
        Ok(Self { policy, advice, now, desk, groups, closed, made })
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

    /// Notes who takes an alarm: nobody else is asked, nothing is repeated, and the channels hear of
    /// it. False if there is no such group, or somebody took it before.
    pub fn acknowledge(&mut self, slot: &str, by: &str, note: &str) -> bool {
        let Some(mut group) = self.groups.remove(slot) else { return false };
        let free = group.taken.is_none();
        if free {
            let severity = group.severity();
            let (by, note) = (by.to_owned(), note.to_owned());
            self.tell_followers(
                &mut group,
                NoticeKind::Acknowledge,
                &format!("Taken by {by}: "),
                &note,
            );
            let line = json!({"alarm": group.alarm, "at": self.now.to_string(), "by": by,
                "kind": "acknowledged", "note": note});
            self.made.lines.push(line.to_string());
            group.taken = Some(Taken { by, at: self.now, note, severity });
            (group.ladder, group.repeat_at) = (None, None);
        }
        self.groups.insert(slot.to_owned(), group);
        free
    }

    /// Ends an alarm because a person says that it is over. False if there is no such group.
    pub fn resolve(&mut self, slot: &str, by: &str, note: &str) -> bool {
        let Some(mut group) = self.groups.remove(slot) else { return false };
        self.tell_followers(&mut group, NoticeKind::Resolve, "Over: ", note);
        let line = json!({"alarm": group.alarm, "at": self.now.to_string(), "by": by,
            "kind": "resolved", "note": note});
        self.made.lines.push(line.to_string());
        self.closed.insert(slot.to_owned());
        true
    }

    /// Places a silence.
    pub fn silence(&mut self, silence: Silence) {
        let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
        let line = json!({"author": silence.author, "comment": silence.comment,
            "ends": silence.ends.to_string(), "id": silence.id, "kind": "silence",
            "matchers": matchers, "owner": silence.owner, "starts": silence.starts.to_string()});
        self.made.lines.push(line.to_string());
        self.desk.silences.push(silence);
    }

    /// Ends a silence now. False if none of this name counts or will count.
    pub fn expire(&mut self, id: &str, by: &str) -> bool {
        let now = self.now;
        let found = self.desk.silences.iter_mut().find(|s| s.id == id && s.ends > now);
        let Some(silence) = found else { return false };
        silence.ends = now;
        let line = json!({"at": now.to_string(), "by": by, "id": id, "kind": "silence-expired"});
        self.made.lines.push(line.to_string());
        true
    }

    /// Does what is due of a group. True: it is closed.
    fn look_at(&mut self, group: &mut Group) -> bool {
        let now = self.now;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if group.kind == GroupKind::Alarm && group.is_over() {
            if group.told.is_some() {
                self.tell_followers(group, NoticeKind::Resolve, "Over: ", "");
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
                    let channels = self.policy.meant(&group.channels, now);
                    for channel in channels {
                        self.tell(
                            group,
                            &channel,
                            NoticeKind::Drill,
                            "Exercise: ",
                            "",
                            Limits::None,
                        );
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
            self.tell_or_wait(group, &channel);
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
        let channels = self.policy.meant(&group.channels, self.now);
        // What is held back is left out while the notices are made.
        let kept: BTreeMap<_, _> = held
            .keys()
            .filter_map(|id| group.members.remove(id).map(|member| (id.clone(), member)))
            .collect();
        for channel in channels {
            self.tell_or_wait(group, &channel);
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

    /// Tells a channel what is new to it, or waits until it is muted no more.
    fn tell_or_wait(&mut self, group: &mut Group, channel: &str) {
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
        self.tell(group, channel, kind, "", "", Limits::Flood);
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
        let note =
            if last { "This is the last step: whoever commands incidents is asked." } else { "" };
        self.made.counts.escalated += 1;
        let line = json!({"alarm": group.alarm, "at": self.now.to_string(), "kind": "escalated",
            "step": step + 1, "to": names});
        self.made.lines.push(line.to_string());
        for channel in self.policy.meant(names, self.now) {
            let first = !group.sent.contains_key(&channel);
            let kind = if first { NoticeKind::Trigger } else { NoticeKind::Update };
            self.tell(group, &channel, kind, &lead, note, Limits::None);
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

    /// Tells the channels that were told of an alarm, and that want to know, what became of it.
    fn tell_followers(&mut self, group: &mut Group, kind: NoticeKind, lead: &str, note: &str) {
        let told: Vec<String> = group.sent.keys().cloned().collect();
        for channel in told {
            if self.policy.channels.get(&channel).is_some_and(|c| c.channel.notifier.follows) {
                self.tell(group, &channel, kind, lead, note, Limits::None);
            }
        }
    }

    /// Makes a notice for a channel, or holds it back if there were too many.
    fn tell(
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

    fn release_floods(&mut self) {
        let now = self.now;
        for (channel, flood) in &mut self.desk.floods {
            if flood.due(self.policy).is_some_and(|at| at <= now) {
                self.made.notices.extend(flood.release(channel, now));
            }
        }
    }

    fn tell_digest(&mut self, group: &mut Group) {
        let findings: Vec<&NoticeFinding> = group.members.values().map(|m| &m.shown).collect();
        let count = (findings.len() as u64).saturating_add(group.more);
        let content = Content {
            alarm: &group.alarm,
            route: Some(&group.route),
            labels: &group.labels,
            lead: format!("{count} findings came as history and paged nobody; the worst: "),
            note: format!("By rule:\n{}", render::by_rule(&findings)),
            findings,
            more: group.more,
        };
        for (nth, channel) in self.policy.meant(&group.channels, self.now).iter().enumerate() {
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

/// Whether a notice may be held back because there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limits {
    Flood,
    None,
}
