//! Where a finding stands: what people decided, which exception covers it, until when it must be
//! decided.
//!
//! * A finding's time runs from when it was committed first, not from when it happened: what was
//!   read late is not late by that. It runs anew when the finding is reopened, or its exception ends.
//! * What a person decided counts before an exception that would cover the finding too.

use wk_model::triage::{Disposition, State, Step};
use wk_model::{Exception, Finding, Severity, SeverityWord, Timestamp};

use crate::exceptions::Exceptions;

/// From which severity on a finding must be decided, and within which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// At or above it each finding must end in a disposition.
    pub severity_min: Severity,
    /// Seconds, from informational to critical.
    pub seconds: [i64; 5],
}

/// A finding and where it stands.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// When it was committed first.
    pub known: Timestamp,
    /// What people did.
    pub state: State,
    /// The exception that covers it now.
    pub accepted: Option<&'a Exception>,
    /// The last exception that covered it and has ended.
    pub ended: Option<&'a Exception>,
    /// Until when it must be decided.
    pub due: Timestamp,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nobody has looked at it.
    New,
    /// Somebody looks at it.
    Acknowledged,
    /// It was what it says, and became an incident.
    TruePositive,
    /// It was what it says, and as it should be.
    BenignTruePositive,
    /// It was not what it says.
    FalsePositive,
    /// It is the same as another.
    Duplicate,
    /// An exception covers it.
    Accepted,
    /// Its rule is only being tried: no decision is asked for.
    DryRun,
}

impl Default for Policy {
    fn default() -> Self {
        const DAY: i64 = 86_400;
        Self {
            severity_min: Severity::least_of_word(SeverityWord::Medium),
            seconds: [90 * DAY, 30 * DAY, 7 * DAY, DAY, DAY / 6],
        }
    }
}

impl Policy {
    /// How long a finding of this severity may be open.
    pub fn seconds_of(&self, severity: Severity) -> i64 {
        let [informational, low, medium, high, critical] = self.seconds;
        match severity.word() {
            SeverityWord::Informational => informational,
            SeverityWord::Low => low,
            SeverityWord::Medium => medium,
            SeverityWord::High => high,
            SeverityWord::Critical => critical,
        }
    }
}

impl<'a> Case<'a> {
    /// Where a finding stands now. `steps` are its own, in their order.
    pub fn of(
        finding: &'a Finding,
        known: Timestamp,
        steps: &[Step],
        exceptions: &'a Exceptions,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let state = State::of(steps);
        let accepted = exceptions.active(finding, now);
        // What ended before the finding became known never covered it.
        let ended = exceptions.ended(finding, now).filter(|e| e.ends() > known);
        let mut begins = known.max(state.reopened.unwrap_or(known));
        // An exception that ended after a person decided changes nothing about what was decided.
        let decided = state.disposed.as_ref().map(|step| step.at);
        if let Some(end) = ended.map(Exception::ends)
            && decided.is_none_or(|decided| end <= decided)
        {
            begins = begins.max(end);
        }
        let due = begins.plus_seconds(policy.seconds_of(finding.severity));
        let standing = standing(finding, &state, accepted);
        Self { finding, known, state, accepted, ended, due, standing }
    }

    /// When it was decided, by a person or by an exception.
    pub fn decided_at(&self) -> Option<Timestamp> {
        match (&self.state.disposed, self.accepted) {
            (Some(step), _) => Some(step.at),
            (None, Some(exception)) => Some(exception.granted.max(self.known)),
            (None, None) => None,
        }
    }

    /// Who decided it.
    pub fn decided_by(&self) -> Option<&str> {
        match (&self.state.disposed, self.accepted) {
            (Some(step), _) => Some(&step.who),
            (None, Some(exception)) => Some(&exception.approver),
            (None, None) => None,
        }
    }

    /// Whether it was decided too late, or is open for longer than it may be.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.standing != Standing::DryRun && self.decided_at().unwrap_or(now) > self.due
    }
}

fn standing(finding: &Finding, state: &State, accepted: Option<&Exception>) -> Standing {
    match state.disposition() {
        Some(Disposition::TruePositive { .. }) => Standing::TruePositive,
        Some(Disposition::BenignTruePositive) => Standing::BenignTruePositive,
        Some(Disposition::FalsePositive) => Standing::FalsePositive,
        Some(Disposition::Duplicate { .. }) => Standing::Duplicate,
        None if finding.dry_run => Standing::DryRun,
        None if accepted.is_some() => Standing::Accepted,
        None if state.acknowledged.is_some() || state.owner.is_some() => Standing::Acknowledged,
        None => Standing::New,
    }
}

impl Standing {
    /// Every one, in its order.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Acknowledged,
        Self::TruePositive,
        Self::BenignTruePositive,
        Self::FalsePositive,
        Self::Duplicate,
        Self::Accepted,
        Self::DryRun,
    ];

    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::TruePositive => "true-positive",
            Self::BenignTruePositive => "benign-true-positive",
            Self::FalsePositive => "false-positive",
            Self::Duplicate => "duplicate",
            Self::Accepted => "accepted",
            Self::DryRun => "dry-run",
        }
    }

    /// Whether it waits for a decision.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use wk_model::triage::Deed;

    use super::*;
    use crate::reports::testing::finding;

    const HOUR: i64 = 3_600;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_seconds(1_708_000_000 + hour * HOUR)
    }

    fn exception(until: i64) -> Exceptions {
        let exception = Exception {
            id: "x-1".into(),
            rules: vec![finding().rule.id],
            pattern: None,
            reason: "r".into(),
            owner: "o".into(),
            approver: "bert".into(),
            ticket: "t".into(),
            granted: at(0),
            until: at(until),
            revoked: None,
            settled: None,
        };
        Exceptions::new(vec![exception]).0
    }

    fn step(nth: u64, hour: i64, deed: Deed) -> Step {
        Step {
            finding: finding().id,
            nth,
            at: at(hour),
            who: "anna".into(),
            deed,
            reason: "r".into(),
            evidence: vec![],
        }
    }

    #[test]
    fn a_finding_is_late_when_its_time_is_over_whoever_read_it_late() {
        let (found, none) = (finding(), Exceptions::default());
        let case = Case::of(&found, at(0), &[], &none, &Policy::default(), at(23));
        assert_eq!(
            (case.standing, case.is_late(at(24)), case.is_late(at(25))),
            (Standing::New, false, true)
        );
        let disposed = Deed::Disposed { disposition: Disposition::FalsePositive };
        let steps = [step(1, 1, Deed::Acknowledged), step(2, 30, disposed)];
        let case = Case::of(&found, at(0), &steps, &none, &Policy::default(), at(40));
        assert_eq!((case.standing, case.is_late(at(40))), (Standing::FalsePositive, true));
        assert_eq!(case.decided_by(), Some("anna"));
    }

    #[test]
    fn a_finding_is_open_again_when_its_exception_ends() {
        let (found, all) = (finding(), exception(100));
        let of = |hour| Case::of(&found, at(0), &[], &all, &Policy::default(), at(hour));
        assert_eq!((of(99).standing, of(99).decided_by()), (Standing::Accepted, Some("bert")));
        let case = of(101);
        assert_eq!((case.standing, case.due), (Standing::New, at(124)), "its time runs anew");
        assert!(!case.is_late(at(120)) && case.is_late(at(125)));
    }

    #[test]
    fn a_dry_run_asks_for_no_decision_and_a_person_counts_before_an_exception() {
        let (mut found, all) = (finding(), exception(100));
        let disposed = Deed::Disposed { disposition: Disposition::BenignTruePositive };
        let steps = [step(1, 1, disposed)];
        let case = Case::of(&found, at(0), &steps, &all, &Policy::default(), at(2));
        assert_eq!(case.standing, Standing::BenignTruePositive);
        found.dry_run = true;
        let none = Exceptions::default();
        let case = Case::of(&found, at(0), &[], &none, &Policy::default(), at(999));
        assert_eq!((case.standing, case.is_late(at(999))), (Standing::DryRun, false));
    }
}
