//! `[triage]`: which findings must be decided, and within which time.

use anyhow::Context as _;
use serde::Deserialize;
use wk_case::triage::Policy;
use wk_model::{Severity, SeverityWord};

/// `[triage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Triage {
    /// From this severity on.
    severity: String,
    /// Hours for critical findings.
    critical_hours: u32,
    /// Hours for high findings.
    high_hours: u32,
    /// Hours for medium findings.
    medium_hours: u32,
    /// Hours for low findings.
    low_hours: u32,
    /// Hours for informational findings.
    informational_hours: u32,
}

impl Default for Triage {
    fn default() -> Self {
        let policy = Policy::default();
        let hours = policy.seconds.map(|seconds| u32::try_from(seconds / 3600).unwrap_or(u32::MAX));
        Self {
            severity: policy.severity_min.word().as_str().to_owned(),
            informational_hours: hours[0],
            low_hours: hours[1],
            medium_hours: hours[2],
            high_hours: hours[3],
            critical_hours: hours[4],
        }
    }
}

impl Triage {
    /// The policy that it describes.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        let word = SeverityWord::parse(&self.severity).with_context(|| {
            format!("[triage] severity: {:?} is no severity such as medium", self.severity)
        })?;
        let hours = [
            self.informational_hours,
            self.low_hours,
            self.medium_hours,
            self.high_hours,
            self.critical_hours,
        ];
        Ok(Policy {
            severity_min: Severity::least_of_word(word),
            seconds: hours.map(|hours| i64::from(hours) * 3600),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_policys_and_a_wrong_word_is_named() {
        assert_eq!(Triage::default().policy().unwrap(), Policy::default());
        let wrong = Triage { severity: "bad".to_owned(), ..Triage::default() };
        assert!(wrong.policy().unwrap_err().to_string().contains("\"bad\""));
    }
}
