//! How bad a finding is: a number from 0 to 10 and its word.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Severity in tenths, 0.0 to 10.0, on GuardDuty's scale
/// (<https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Severity(u8); // invariant: tenths, at most 100

/// The words of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeverityWord {
    /// Below 1.0: worth keeping, not worth a look by itself.
    Informational,
    /// 1.0 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
}

/// The number is not a severity.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{number} is not a severity from 0 to 10")]
pub struct NotASeverity {
    /// The number as it came.
    pub number: f64,
}

impl Severity {
    /// The severity of a word where no number is given: the middle of its range, rounded.
    pub const fn of_word(word: SeverityWord) -> Self {
        Self(match word {
            SeverityWord::Informational => 0,
            SeverityWord::Low => 20,
            SeverityWord::Medium => 50,
            SeverityWord::High => 80,
            SeverityWord::Critical => 95,
        })
    }
    /// Where the range of a word begins.
    pub const fn least_of_word(word: SeverityWord) -> Self {
        Self(match word {
            SeverityWord::Informational => 0,
            SeverityWord::Low => 10,
            SeverityWord::Medium => 40,
            SeverityWord::High => 70,
            SeverityWord::Critical => 90,
        })
    }
    /// The number, 0.0 to 10.0.
    pub fn number(self) -> f64 {
        f64::from(self.0) / 10.0
    }
    /// Tenths, 0 to 100.
    pub const fn tenths(self) -> u8 {
        self.0
    }
    /// From tenths; more than 100 is 100.
    pub const fn from_tenths(tenths: u8) -> Self {
        Self(if tenths > 100 { 100 } else { tenths })
    }
    /// The word for the number.
    pub const fn word(self) -> SeverityWord {
        match self.0 {
            0..=9 => SeverityWord::Informational,
            10..=39 => SeverityWord::Low,
            40..=69 => SeverityWord::Medium,
            70..=89 => SeverityWord::High,
            _ => SeverityWord::Critical,
        }
    }
}

impl SeverityWord {
    /// Lower case, as rules and commands write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
    /// Reads the word in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical]
            .into_iter()
            .find(|word| word.as_str().eq_ignore_ascii_case(text))
    }
}

impl TryFrom<f64> for Severity {
    type Error = NotASeverity;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 100 by the check"
    )]
    fn try_from(number: f64) -> Result<Self, NotASeverity> {
        let whole = (0.0..=10.0).contains(&number);
        if whole { Ok(Self((number * 10.0).round() as u8)) } else { Err(NotASeverity { number }) }
    }
}

impl From<Severity> for f64 {
    fn from(severity: Severity) -> Self {
        severity.number()
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", self.number())
    }
}

impl fmt::Display for SeverityWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_begins_at_its_least_severity() {
        use SeverityWord::{Critical, High, Informational, Low, Medium};
        for word in [Informational, Low, Medium, High, Critical] {
            let least = Severity::least_of_word(word);
            assert_eq!(least.word(), word);
            let below = least.tenths().checked_sub(1).map(|t| Severity::from_tenths(t).word());
            assert!(below.is_none_or(|below| below < word), "{word}");
        }
    }

    #[test]
    fn the_words_begin_where_guardduty_says() {
        let word = |n: f64| Severity::try_from(n).unwrap().word().as_str();
        assert_eq!(
            [word(0.9), word(1.0), word(3.9), word(4.0), word(5.0)],
            ["informational", "low", "low", "medium", "medium"]
        );
        assert_eq!(
            [word(6.9), word(7.0), word(8.9), word(9.0)],
            ["medium", "high", "high", "critical"]
        );
        for n in [-0.1, 10.1, f64::NAN] {
            assert!(Severity::try_from(n).is_err());
        }
    }
}
