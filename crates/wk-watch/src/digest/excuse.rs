//! Gaps that somebody accounts for.

use serde::Deserialize;
use serde_json::Value;
use wk_model::Timestamp;

use super::problem::{Kind, Problem};

/// Somebody's word that a time without digests is accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excuse {
    /// The account; none is any.
    pub account: Option<String>,
    /// The region; none is any.
    pub region: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who says so.
    pub by: String,
    /// Why there are none.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    account: Option<String>,
    region: Option<String>,
    from: String,
    until: String,
    by: String,
    why: String,
}

/// Reads JSON lines of account, region, from, until, by and why.
///
/// # Errors
/// If a line is something else; says which and why.
pub fn read_excuses(text: &str) -> Result<Vec<Excuse>, String> {
    let mut excuses = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let told = |why: String| format!("line {}: {why}", n + 1);
        let value: Value = serde_json::from_str(line).map_err(|e| told(e.to_string()))?;
        let written: Written = serde_json::from_value(value).map_err(|e| told(e.to_string()))?;
        let time = |text: &str| Timestamp::parse(text).map_err(|e| told(e.to_string()));
        let (from, until) = (time(&written.from)?, time(&written.until)?);
        if from >= until || written.by.trim().is_empty() || written.why.trim().is_empty() {
            return Err(told("it needs a from before its until, and who says why".into()));
        }
        let Written { account, region, by, why, .. } = written;
        excuses.push(Excuse { account, region, from, until, by, why });
    }
    Ok(excuses)
}

impl Excuse {
    /// Whether it accounts for the whole of a gap.
    pub fn covers(&self, problem: &Problem) -> bool {
        let here = |mine: &Option<String>, its: &str| mine.as_deref().is_none_or(|m| m == its);
        let then = problem.from.is_some_and(|from| from >= self.from)
            && problem.until.is_some_and(|until| until <= self.until);
        problem.kind == Kind::Gap
            && here(&self.account, &problem.account)
            && here(&self.region, &problem.region)
            && then
    }
}
