//! The watch watches itself: judgements over facts, one file each.
//!
//! * A judgement is pure: the same facts give the same alerts. It says what it judges, how bad it
//!   is, which runbook helps and which promises it serves; [`ALL`] is the catalogue.
//! * An alert becomes a finding like any other, of the product `watchkeeper`, by a rule that is named
//!   `selfwatch.NAME`. Its window begins when the trouble began, so that it stays one finding.
//! * What is usual is learned from a source's own history ([`usual`]): a quiet weekend of a source
//!   that is always quiet at weekends is no alert. A source without a day of history is learning.
//! * Silence is the loudest state.

mod clock_skew;
mod complaints_burst;
mod dead_letters;
mod disk_full;
mod drill_failed;
pub mod facts;
pub mod gap;
mod heartbeat_lost;
mod job_failed;
mod job_overdue;
mod lag;
mod limits;
pub mod measures;
mod nothing_arrives;
mod outbox_dead;
mod outbox_stuck;
mod queue_growing;
mod queue_old;
mod rules_broken;
pub mod silence;
mod source_state;
#[cfg(test)]
mod testing;
pub mod usual;
pub mod volume_drop;

use std::sync::Arc;

use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::selfwatch::{PlaceFacts, SelfFacts};
use wk_model::{Severity, SeverityWord, Timestamp};

pub use facts::Heard;
pub use limits::{Limits, SourceLimits};
pub use source_state::{State, state};

/// Every judgement, sorted by name.
pub const ALL: &[&Judgement] = &[
    &clock_skew::JUDGEMENT,
    &complaints_burst::JUDGEMENT,
    &dead_letters::JUDGEMENT,
    &disk_full::JUDGEMENT,
    &drill_failed::JUDGEMENT,
    &gap::JUDGEMENT,
    &heartbeat_lost::JUDGEMENT,
    &job_failed::JUDGEMENT,
    &job_overdue::JUDGEMENT,
    &lag::JUDGEMENT,
    &nothing_arrives::JUDGEMENT,
    &outbox_dead::JUDGEMENT,
    &outbox_stuck::JUDGEMENT,
    &queue_growing::JUDGEMENT,
    &queue_old::JUDGEMENT,
    &rules_broken::JUDGEMENT,
    &silence::JUDGEMENT,
    &volume_drop::JUDGEMENT,
];

/// One thing that the watch judges about itself.
pub struct Judgement {
    /// Its name; also the name of its runbook in `rules/runbooks/`.
    pub name: &'static str,
    /// The id of the rule in findings: `selfwatch.NAME`.
    pub id: &'static str,
    /// What it raises, for people.
    pub title: &'static str,
    /// How bad an alert is, unless it says otherwise itself.
    pub severity: SeverityWord,
    /// Why that matters.
    pub why: &'static str,
    /// When it stays quiet though something looks like it.
    pub quiet_when: &'static str,
    /// The promises it serves.
    pub serves: &'static [&'static str],
    /// Points of SOC 2 CC7 that it serves.
    pub controls: &'static [&'static str],
    /// Whether what it judges by is known: an alert is over only where it is.
    pub known: fn(&Heard) -> bool,
    /// Raises alerts.
    pub judge: fn(&Facts<'_>, &mut Vec<Alert>),
}

/// Everything that is judged by.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Now.
    pub now: Timestamp,
    /// What the ledger knows.
    pub ledger: &'a SelfFacts,
    /// In which hours of the last [`gap::DAYS`] days each place had events.
    pub places: &'a [PlaceFacts],
    /// What the process knows of itself.
    pub heard: &'a Heard,
    /// What is too much.
    pub limits: &'a Limits,
}

/// Something is wrong with the watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Who says so: [`Judgement::id`].
    pub rule: &'static str,
    /// Points of SOC 2 CC7.
    pub controls: &'static [&'static str],
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a source, a queue, a job. With the rule it is the alert's identity while
    /// it lasts.
    pub subject: String,
    /// When the trouble began.
    pub since: Timestamp,
    /// What is wrong, in a sentence.
    pub say: String,
    /// What it is about in detail: places, files, rules.
    pub resources: Vec<String>,
    /// Whether it is told anew when it says something else.
    pub retell: bool,
}

/// Raises every alert that the facts give, sorted by rule and subject.
pub fn judge(facts: &Facts<'_>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    ALL.iter().for_each(|judgement| (judgement.judge)(facts, &mut alerts));
    alerts.sort_by(|a, b| (a.rule, &a.subject, a.since).cmp(&(b.rule, &b.subject, b.since)));
    alerts
}

/// The judgement of this name or rule id.
pub fn named(name: &str) -> Option<&'static Judgement> {
    ALL.iter().copied().find(|j| j.name == name || j.id == name)
}

impl Judgement {
    /// An alert of this judgement.
    fn alert(&self, subject: &str, since: Timestamp, say: String) -> Alert {
        Alert {
            rule: self.id,
            controls: self.controls,
            severity: Severity::of_word(self.severity),
            subject: subject.to_owned(),
            since,
            say,
            resources: Vec::new(),
            retell: false,
        }
    }
}

impl Alert {
    /// The finding it belongs to: rule, subject and when the trouble began.
    pub fn finding(&self) -> FindingId {
        FindingId::of_rule(self.rule, "", "", &self.subject, self.since)
    }

    /// The sighting that begins the alert's finding, or goes on with the one given. `ended`: that
    /// it is over.
    pub fn sighting(&self, finding: FindingId, now: Timestamp, ended: bool) -> Sighting {
        let word = if ended { "over" } else { "raised" };
        let mut resources = vec![self.subject.clone()];
        resources.extend(self.resources.iter().cloned());
        Sighting {
            finding,
            rule: Arc::new(Rule {
                id: self.rule.to_owned(),
                version: "1".to_owned(),
                product: "watchkeeper".to_owned(),
                attack: Vec::new(),
                controls: self.controls.iter().map(|c| (*c).to_owned()).collect(),
            }),
            title: self.say.as_str().into(),
            severity: self.severity,
            account: None,
            region: None,
            actor: None,
            resources,
            event: EventRef {
                time: now,
                table: "watchkeeper".to_owned(),
                id: format!("{} {} {word}", self.rule, self.subject),
            },
            first_seen: self.since.min(now),
            last_seen: now,
            reported_count: None,
            origin: Origin::Live,
            ended: ended.then_some(now),
            grounds: Default::default(),
        }
    }
}

/// A length of time for people: `90 min`, `5 h`, `3 days`.
pub fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_says_everything() {
        let names: Vec<&str> = ALL.iter().map(|j| j.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for j in ALL {
            assert_eq!(j.id, format!("selfwatch.{}", j.name));
            let said = [j.title, j.why, j.quiet_when];
            assert!(said.iter().all(|text| text.len() > 15), "{}", j.name);
            assert!(!j.serves.is_empty() && !j.controls.is_empty(), "{}", j.name);
            assert!(j.serves.iter().all(|r| r.starts_with("R-")), "{}", j.name);
        }
    }

    #[test]
    fn nothing_is_wrong_where_nothing_is_known_yet() {
        let (ledger, heard, limits) = Default::default();
        let now = Timestamp::from_seconds(1_708_000_000);
        let facts = Facts { now, ledger: &ledger, places: &[], heard: &heard, limits: &limits };
        assert_eq!(judge(&facts), []);
    }
}
