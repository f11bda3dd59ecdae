//! Drills: what proves that an alarm still goes its whole way.
//!
//! The mark of a drill is its own home: made-up events are read there and nowhere else, and no record
//! can say of itself that it is one.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A drill that was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drilled {
    /// Which one.
    pub name: String,
    /// When it began.
    pub at: Timestamp,
    /// Its steps, in order; those after one that failed were not tried.
    pub steps: Vec<DrillStep>,
}

/// A step of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillStep {
    /// `read`, `detect`, `route`, `receipt`, `sql`, `insights`.
    pub name: String,
    /// How it ended.
    pub how: StepEnd,
    /// What was seen.
    pub said: String,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepEnd {
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// The configuration does not ask for it, so nothing is proved.
    Skipped,
}

impl Drilled {
    /// Whether no step failed.
    pub fn passed(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.how != StepEnd::Failed)
    }

    /// Whether every step was tried and passed.
    pub fn is_complete(&self) -> bool {
        self.passed() && self.steps.iter().all(|step| step.how == StepEnd::Passed)
    }

    /// Where it stopped: the step that failed and what was seen.
    pub fn failure(&self) -> Option<String> {
        let failed = self.steps.iter().find(|step| step.how == StepEnd::Failed);
        failed.map(|step| format!("{}: {}", step.name, step.said))
    }
}

impl StepEnd {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_without_steps_or_with_a_failed_one_did_not_pass() {
        let drill = |ends: &[StepEnd]| {
            let step = |how: &StepEnd| DrillStep { name: "s".into(), how: *how, said: "x".into() };
            let steps = ends.iter().map(step).collect();
            Drilled { name: "d".into(), at: Timestamp::default(), steps }
        };
        use StepEnd::{Failed, Passed, Skipped};
        assert!(!drill(&[]).passed());
        assert!(drill(&[Passed]).is_complete());
        assert!(drill(&[Passed, Skipped]).passed() && !drill(&[Passed, Skipped]).is_complete());
        assert_eq!(drill(&[Passed, Failed]).failure().as_deref(), Some("s: x"));
    }
}
