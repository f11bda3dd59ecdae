//! How a check is tested: answers of AWS, made up, and the verdicts on them.

use serde_json::{Value, json};
use wk_model::capture::{GLOBAL, Outcome};
use wk_model::{Capture, Sha256};

use super::{Check, Overrides};
use crate::posture::Posture;

/// The account of made answers where none is named.
pub(crate) const ACCOUNT: &str = "111122223333";
/// When they were caught.
pub(crate) const AT: &str = "2026-11-22T10:00:00Z";

/// A made answer.
#[derive(Clone)]
pub(crate) struct Made {
    account: &'static str,
    region: &'static str,
    key: &'static str,
    parameters: Value,
    outcome: Outcome,
    pages: Vec<Value>,
}

impl Made {
    pub(crate) fn answer(region: &'static str, key: &'static str, page: Value) -> Self {
        let (outcome, pages) = (Outcome::Answered, vec![page]);
        Self { account: ACCOUNT, region, key, parameters: json!({}), outcome, pages }
    }
    pub(crate) fn global(key: &'static str, page: Value) -> Self {
        Self::answer(GLOBAL, key, page)
    }
    pub(crate) fn absent(region: &'static str, key: &'static str) -> Self {
        Self { outcome: Outcome::Absent, pages: Vec::new(), ..Self::answer(region, key, json!({})) }
    }
    pub(crate) fn denied(region: &'static str, key: &'static str) -> Self {
        Self { outcome: Outcome::Denied, ..Self::absent(region, key) }
    }
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters[name] = value.into();
        self
    }
    pub(crate) fn of(self, account: &'static str) -> Self {
        Self { account, ..self }
    }
}

/// The posture of made answers.
pub(crate) fn world(made: &[Made]) -> Posture {
    let capture = |made: &Made| {
        let (service, operation) = made.key.split_once(':').unwrap();
        let id = Capture::id_of("r", made.key, made.account, made.region, &made.parameters);
        Capture {
            id,
            run: "r".into(),
            service: service.into(),
            operation: operation.into(),
            parameters: made.parameters.clone(),
            account: made.account.into(),
            region: made.region.into(),
            at: AT.into(),
            principal: "arn:aws:iam::111122223333:role/reader".into(),
            request_ids: Vec::new(),
            outcome: made.outcome,
            reason: None,
            answer_sha256: Sha256::of(b""),
            masked: Vec::new(),
            answer: made.pages.clone(),
        }
    };
    Posture::of(made.iter().map(capture).collect())
}

/// The verdicts of a check: `VERDICT resource, VERDICT resource`. What the check reads and has not
/// said that it reads is a mistake.
pub(crate) fn verdicts(check: &Check, made: &[Made]) -> String {
    verdicts_with(check, made, &[])
}

/// The same with parameters.
pub(crate) fn verdicts_with(check: &Check, made: &[Made], set: &[(&str, &str)]) -> String {
    let overrides: Overrides = set
        .iter()
        .map(|(name, value)| ((check.id.to_owned(), (*name).to_owned()), (*value).to_owned()))
        .collect();
    let rows = check.run(&world(made), &overrides);
    let said = rows.iter().map(|row| format!("{} {}", row.verdict, row.resource));
    said.collect::<Vec<_>>().join(", ")
}

/// Why the check says so, of the one row that there is.
pub(crate) fn why(check: &Check, made: &[Made]) -> String {
    let rows = check.run(&world(made), &Overrides::new());
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].why.clone()
}
