//! Triage: what people did about findings, step by step, and where that leaves each of them.
//!
//! * A step is only ever added. A finding's state is the fold of its steps, in their order.
//! * A finding ends in one disposition. A second one is refused until somebody reopens the finding,
//!   and says why.

use serde::{Deserialize, Serialize};

use crate::finding::{EventRef, FindingId, Sighting};
use crate::severity::Severity;
use crate::time::Timestamp;

/// One thing that somebody did about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The finding.
    pub finding: FindingId,
    /// The how many-th step of this finding it is; the first is 1.
    pub nth: u64,
    /// When.
    pub at: Timestamp,
    /// Who. Nobody proves who they are: it is what was said.
    pub who: String,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
    /// Why, or what was seen.
    pub reason: String,
    /// Where that can be looked up: queries, tickets, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub enum Deed {
    /// Somebody looks at it.
    Acknowledged,
    /// It is somebody's.
    Assigned {
        /// Whose.
        to: String,
    },
    /// Something was written down.
    Noted,
    /// It is decided what it was.
    Disposed {
        /// What.
        disposition: Disposition,
    },
    /// The decision does not hold any more.
    Reopened,
}

/// What a finding was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "disposition", rename_all = "kebab-case")]
pub enum Disposition {
    /// What it says, and bad: it became an incident.
    TruePositive {
        /// The incident, under which it is worked on.
        incident: String,
    },
    /// What it says, and as it should be.
    BenignTruePositive,
    /// Not what it says.
    FalsePositive,
    /// The same as another finding, which says what becomes of it.
    Duplicate {
        /// The other finding.
        of: FindingId,
    },
}

/// Where a finding stands by what people did about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// How many steps there are.
    pub steps: u64,
    /// Who looked at it first, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Whose it is.
    pub owner: Option<String>,
    /// The step that decided what it was, if one holds.
    pub disposed: Option<Step>,
    /// When it was reopened last.
    pub reopened: Option<Timestamp>,
}

/// An update of a finding that another product keeps, as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The finding.
    pub finding: FindingId,
    /// When it was committed.
    pub recorded: Timestamp,
    /// The row of the lake that says it.
    pub event: EventRef,
    /// What was seen, in the words of this update.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How often, where it says so.
    pub count: Option<u64>,
    /// Last time of the activity.
    pub last_seen: Timestamp,
}

impl Update {
    /// What a sighting says, as an update of its finding.
    pub fn of(sighting: &Sighting, recorded: Timestamp) -> Self {
        Self {
            finding: sighting.finding.clone(),
            recorded,
            event: sighting.event.clone(),
            title: sighting.title.to_string(),
            severity: sighting.severity,
            count: sighting.reported_count,
            last_seen: sighting.last_seen,
        }
    }
}

impl Step {
    /// Characters of a reason, and of each piece of evidence.
    pub const TEXT_CHARS: usize = 2_000;
    /// Pieces of evidence.
    pub const EVIDENCE_MAX: usize = 20;
}

impl State {
    /// The state after these steps, which are in their order.
    pub fn of<'s>(steps: impl IntoIterator<Item = &'s Step>) -> Self {
        let mut state = Self::default();
        steps.into_iter().for_each(|step| state.take(step));
        state
    }

    /// The state after one more step.
    pub fn take(&mut self, step: &Step) {
        self.steps = step.nth;
        match &step.deed {
            Deed::Acknowledged => {
                self.acknowledged.get_or_insert_with(|| (step.who.clone(), step.at));
            }
            Deed::Assigned { to } => self.owner = Some(to.clone()),
            Deed::Noted => {}
            Deed::Disposed { .. } => self.disposed = Some(step.clone()),
            Deed::Reopened => {
                self.disposed = None;
                self.reopened = Some(step.at);
            }
        }
    }

    /// What it was, where that is decided.
    pub fn disposition(&self) -> Option<&Disposition> {
        match &self.disposed.as_ref()?.deed {
            Deed::Disposed { disposition } => Some(disposition),
            _ => None,
        }
    }

    /// Why this cannot be done now, if it cannot.
    pub fn refuses(&self, deed: &Deed) -> Option<String> {
        let disposed = self.disposed.as_ref().zip(self.disposition());
        match (deed, disposed) {
            (
                Deed::Disposed { .. } | Deed::Acknowledged | Deed::Assigned { .. },
                Some((step, is)),
            ) => Some(format!(
                "it is {} since {}, by {}; findings reopen takes that back",
                is.as_str(),
                step.at,
                step.who
            )),
            (Deed::Reopened, None) => Some("it is open".to_owned()),
            _ => None,
        }
    }
}

impl Deed {
    /// The word in commands and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Assigned { .. } => "assigned",
            Self::Noted => "noted",
            Self::Disposed { .. } => "disposed",
            Self::Reopened => "reopened",
        }
    }
}

impl Disposition {
    /// The word in commands and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TruePositive { .. } => "true-positive",
            Self::BenignTruePositive => "benign-true-positive",
            Self::FalsePositive => "false-positive",
            Self::Duplicate { .. } => "duplicate",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(nth: u64, deed: Deed) -> Step {
        Step {
            finding: FindingId("f".into()),
            nth,
            at: Timestamp::from_seconds(i64::try_from(nth).unwrap()),
            who: "anna".into(),
            deed,
            reason: "r".into(),
            evidence: vec![],
        }
    }

    #[test]
    fn a_finding_has_one_disposition_until_it_is_reopened() {
        let disposed = || Deed::Disposed { disposition: Disposition::FalsePositive };
        let mut state = State::of(&[step(1, Deed::Acknowledged), step(2, disposed())]);
        assert_eq!(state.disposition(), Some(&Disposition::FalsePositive));
        let refused = state.refuses(&disposed()).unwrap();
        assert!(refused.contains("false-positive") && refused.contains("anna"), "{refused}");
        assert_eq!(state.refuses(&Deed::Noted), None);
        assert_eq!(state.refuses(&Deed::Reopened), None);
        state.take(&step(3, Deed::Reopened));
        assert_eq!((state.disposition(), state.steps), (None, 3));
        assert_eq!(state.refuses(&disposed()), None);
        assert!(state.refuses(&Deed::Reopened).is_some());
    }
}
