//! The view from one region of one account, which notes what was looked at.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;
use wk_model::capture::{GLOBAL, Outcome};
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Capture, Timestamp};

use super::{Posture, members};

/// The most captures that a verdict names as its evidence; the first ones say what was asked.
const EVIDENCE_MAX: usize = 200;

/// What is seen from a region of an account.
pub struct View<'a> {
    posture: &'a Posture,
    account: &'a str,
    region: &'a str,
    seen: RefCell<BTreeSet<&'a str>>,
}

/// It cannot be told: denied, failed, cut short, or never asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// Which question, of whom, and what became of it.
    pub why: String,
    /// The captures that say so.
    pub evidence: Vec<String>,
}

impl<'a> View<'a> {
    pub(super) fn new(posture: &'a Posture, account: &'a str, region: &'a str) -> Self {
        Self { posture, account, region, seen: RefCell::default() }
    }

    /// The account.
    pub fn account(&self) -> &'a str {
        self.account
    }

    /// The region, or [`GLOBAL`].
    pub fn region(&self) -> &'a str {
        self.region
    }

    /// Everything.
    pub fn posture(&self) -> &'a Posture {
        self.posture
    }

    /// The time of the last capture.
    pub fn now(&self) -> Timestamp {
        self.posture.now()
    }

    /// The regions of this account.
    pub fn regions(&self) -> Vec<&'a str> {
        self.posture.regions(self.account).collect()
    }

    /// The same account seen from another region, with nothing seen yet.
    #[must_use]
    pub fn in_region(&self, region: &'a str) -> View<'a> {
        View::new(self.posture, self.account, region)
    }

    /// What is one for the account, with nothing seen yet.
    #[must_use]
    pub fn global(&self) -> View<'a> {
        self.in_region(GLOBAL)
    }

    /// Another account, seen from a region of it.
    #[must_use]
    pub fn of_account(&self, account: &'a str, region: &'a str) -> View<'a> {
        View::new(self.posture, account, region)
    }

    /// The same view for one thing: it begins with what was seen so far, and what it sees stays its
    /// own.
    #[must_use]
    pub fn aside(&self) -> View<'a> {
        let seen = RefCell::new(self.seen.borrow().clone());
        View { posture: self.posture, account: self.account, region: self.region, seen }
    }

    /// Takes over what another view saw.
    pub fn also(&self, other: &View<'a>) {
        self.seen.borrow_mut().extend(other.seen.borrow().iter());
    }

    /// The pages of the answers to a question in this region, whatever its parameters; `None` if the
    /// service says that there is nothing.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn ask(&self, key: &str) -> Result<Option<Vec<&'a Value>>, Blind> {
        let here = self.posture.asked(self.account, key, None);
        self.pages(key, here.filter(|c| c.region == self.region))
    }

    /// The same for the question with this value among its parameters, asked in whichever region.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn ask_of(&self, key: &str, value: &str) -> Result<Option<Vec<&'a Value>>, Blind> {
        self.pages(key, self.posture.asked(self.account, key, Some(value)))
    }

    /// The first page of [`View::ask_of`].
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn one_of(&self, key: &str, value: &str) -> Result<Option<&'a Value>, Blind> {
        Ok(self.ask_of(key, value)?.and_then(|pages| pages.first().copied()))
    }

    /// The elements of a list over all pages of [`View::ask`]; none if the service says that there is
    /// nothing. The list's name is looked for in each of these forms.
    ///
    /// # Errors
    /// If it cannot be told, also where only a part was read.
    pub fn list(&self, key: &str, names: &[&str]) -> Result<Vec<&'a Value>, Blind> {
        let pages = self.ask(key)?.unwrap_or_default();
        Ok(pages.into_iter().flat_map(|page| members::first_list(page, names)).collect())
    }

    /// The same over all pages of [`View::ask_of`].
    ///
    /// # Errors
    /// If it cannot be told, also where only a part was read.
    pub fn list_of(&self, key: &str, value: &str, names: &[&str]) -> Result<Vec<&'a Value>, Blind> {
        let pages = self.ask_of(key, value)?.unwrap_or_default();
        Ok(pages.into_iter().flat_map(|page| members::first_list(page, names)).collect())
    }

    fn pages(
        &self,
        key: &str,
        captures: impl Iterator<Item = &'a Capture>,
    ) -> Result<Option<Vec<&'a Value>>, Blind> {
        let (mut pages, mut absent, mut any) = (Vec::new(), false, false);
        for capture in captures {
            any = true;
            self.seen.borrow_mut().insert(&capture.id);
            match capture.outcome {
                Outcome::Answered => pages.extend(&capture.answer),
                Outcome::Absent => absent = true,
                Outcome::Partial | Outcome::Denied | Outcome::Failed => {
                    return Err(Blind::of(capture));
                }
            }
        }
        match (pages.is_empty(), absent, any) {
            (false, _, _) => Ok(Some(pages)),
            (true, true, _) => Ok(None),
            (true, false, true) => Ok(Some(pages)),
            (true, false, false) => Err(self.not_asked(key)),
        }
    }

    fn not_asked(&self, key: &str) -> Blind {
        if let Some(capture) = self.posture.not_entered(self.account) {
            let why = capture.reason.as_deref().unwrap_or("no reason was given");
            let why = format!("account {} could not be entered: {why}", self.account);
            return Blind { why, evidence: vec![capture.id.clone()] };
        }
        let place = if self.region == GLOBAL { "" } else { " in this region" };
        Blind { why: format!("{key} was not asked{place}"), evidence: Vec::new() }
    }

    /// A verdict on a resource; its evidence is what was seen so far.
    pub fn verdict(
        &self,
        resource: impl Into<String>,
        verdict: Verdict,
        why: impl Into<String>,
    ) -> CheckResult {
        let seen = self.seen.borrow();
        CheckResult {
            check: String::new(),
            resource: resource.into(),
            account: self.account.to_owned(),
            region: self.region.to_owned(),
            verdict,
            why: why.into(),
            evidence: seen.iter().take(EVIDENCE_MAX).map(|id| (*id).to_owned()).collect(),
        }
    }

    /// It is as it should be.
    pub fn good(&self, resource: impl Into<String>, why: impl Into<String>) -> CheckResult {
        self.verdict(resource, Verdict::Compliant, why)
    }

    /// It is not as it should be.
    pub fn bad(&self, resource: impl Into<String>, why: impl Into<String>) -> CheckResult {
        self.verdict(resource, Verdict::NonCompliant, why)
    }

    /// Good or bad.
    pub fn judged(
        &self,
        resource: impl Into<String>,
        good: bool,
        why: impl Into<String>,
    ) -> CheckResult {
        let verdict = if good { Verdict::Compliant } else { Verdict::NonCompliant };
        self.verdict(resource, verdict, why)
    }

    /// There is nothing to say of it.
    pub fn beside(&self, resource: impl Into<String>, why: impl Into<String>) -> CheckResult {
        self.verdict(resource, Verdict::NotApplicable, why)
    }

    /// It cannot be told.
    pub fn blind(&self, resource: impl Into<String>, blind: &Blind) -> CheckResult {
        let mut result = self.verdict(resource, Verdict::NoData, blind.why.clone());
        result.evidence.extend(blind.evidence.iter().cloned());
        result.evidence.sort();
        result.evidence.dedup();
        result
    }

    /// Judges one thing after another, each with evidence of its own; where one cannot be told, that
    /// one is without data and the others are judged all the same.
    pub fn each<T>(
        &self,
        things: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
        judge: impl Fn(&View<'a>, &str, &T) -> Result<CheckResult, Blind>,
    ) -> Vec<CheckResult> {
        let judged = things.into_iter().map(|thing| {
            let (view, name) = (self.aside(), name(&thing));
            judge(&view, &name, &thing).unwrap_or_else(|blind| view.blind(name, &blind))
        });
        judged.collect()
    }
}

impl Blind {
    fn of(capture: &Capture) -> Self {
        let happened = match capture.outcome {
            Outcome::Denied => "was denied",
            Outcome::Partial => "was read in part",
            _ => "failed",
        };
        let of: Vec<&str> = match &capture.parameters {
            Value::Object(members) => members.values().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let of = if of.is_empty() { String::new() } else { format!(" of {}", of.join(", ")) };
        let reason = capture.reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
        let why = format!("{}{of} in {} {happened}{reason}", capture.key(), capture.region);
        Self { why, evidence: vec![capture.id.clone()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Made, world};
    use serde_json::json;

    #[test]
    fn what_is_there_what_is_not_and_what_cannot_be_told_are_three_answers() {
        let posture = world(&[
            Made::answer("eu-west-1", "cloudtrail:DescribeTrails", json!({"trailList": [{}]})),
            Made::absent("eu-west-1", "securityhub:DescribeHub"),
            Made::denied("eu-west-1", "guardduty:ListDetectors"),
        ]);
        let view = posture.view("111122223333", "eu-west-1");
        assert_eq!(view.list("cloudtrail:DescribeTrails", &["trailList"]).unwrap().len(), 1);
        assert_eq!(view.ask("securityhub:DescribeHub").unwrap(), None);
        let denied = view.ask("guardduty:ListDetectors").unwrap_err();
        assert!(denied.why.contains("was denied"), "{}", denied.why);
        let never = view.ask("config:DescribeConfigRules").unwrap_err();
        assert_eq!(never.why, "config:DescribeConfigRules was not asked in this region");
        assert_eq!(view.good("x", "").evidence.len(), 3);
    }

    #[test]
    fn an_account_that_could_not_be_entered_says_so_of_every_question() {
        let posture = world(&[Made::denied("eu-west-1", "sts:GetCallerIdentity")]);
        let view = posture.view("111122223333", GLOBAL);
        let blind = view.ask("iam:ListUsers").unwrap_err();
        assert!(blind.why.contains("could not be entered"), "{}", blind.why);
        assert_eq!(blind.evidence.len(), 1);
    }

    #[test]
    fn one_thing_that_cannot_be_told_hides_no_other() {
        let posture = world(&[
            Made::answer("eu-west-1", "kms:DescribeKey", json!({"On": true})).with("KeyId", "a"),
            Made::denied("eu-west-1", "kms:DescribeKey").with("KeyId", "b"),
        ]);
        let view = posture.view("111122223333", "eu-west-1");
        let judged = view.each(
            ["a", "b"],
            |k| (*k).to_owned(),
            |view, name, _| {
                view.one_of("kms:DescribeKey", name)?;
                Ok(view.good(name, "seen"))
            },
        );
        let verdicts: Vec<Verdict> = judged.iter().map(|r| r.verdict).collect();
        assert_eq!(verdicts, [Verdict::Compliant, Verdict::NoData]);
        assert!(judged.iter().all(|r| r.evidence.len() == 1));
    }
}
