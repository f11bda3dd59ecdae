//! The reconciliation of a period: every finding that had to be decided, and what became of it.
//!
//! This is the population of CC7.3. Nothing leaves it: what an exception covers, what another product
//! archived or suppressed and what is history stand in it by name; what is left out (too mild, or
//! a rule that was only tried) is counted beside it, and the sums add up to all that was found.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wk_model::Timestamp;
use wk_model::triage::Disposition;

use crate::triage::{Case, Policy, Standing};

/// What became of the findings of a period.
#[derive(Debug)]
pub struct Reconciliation<'a> {
    /// The population: findings at or above the policy's severity, in the order they became known.
    pub population: Vec<Case<'a>>,
    /// How the population is divided.
    pub standings: BTreeMap<Standing, u64>,
    /// Everything that became known in the period.
    pub found: u64,
    /// Too mild to be in the population.
    pub below: u64,
    /// Of a rule that was only being tried, at or above the severity.
    pub dry_run: u64,
    /// Decided within their time.
    pub in_time: u64,
    /// Decided too late.
    pub decided_late: u64,
    /// Open, and their time is not over.
    pub open: u64,
    /// Open for longer than they may be.
    pub overdue: u64,
    now: Timestamp,
}

impl<'a> Reconciliation<'a> {
    /// Reconciles what became known from `since` to before `until`.
    pub fn of(
        cases: Vec<Case<'a>>,
        policy: &Policy,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let mut all = Self {
            population: Vec::new(),
            standings: BTreeMap::new(),
            found: 0,
            below: 0,
            dry_run: 0,
            in_time: 0,
            decided_late: 0,
            open: 0,
            overdue: 0,
            now,
        };
        for case in cases {
            let known = case.known;
            if since.is_some_and(|since| known < since) || until.is_some_and(|until| known >= until)
            {
                continue;
            }
            all.take(case, policy);
        }
        all.population.sort_by(|a, b| (a.known, &a.finding.id).cmp(&(b.known, &b.finding.id)));
        all
    }

    fn take(&mut self, case: Case<'a>, policy: &Policy) {
        self.found += 1;
        if case.finding.severity < policy.severity_min {
            self.below += 1;
            return;
        }
        if case.standing == Standing::DryRun {
            self.dry_run += 1;
            return;
        }
        *self.standings.entry(case.standing).or_default() += 1;
        let late = case.is_late(self.now);
        match (case.standing.is_open(), late) {
            (true, false) => self.open += 1,
            (true, true) => self.overdue += 1,
            (false, false) => self.in_time += 1,
            (false, true) => self.decided_late += 1,
        }
        self.population.push(case);
    }

    /// How many of the population have no disposition.
    pub fn missing(&self) -> u64 {
        self.open + self.overdue
    }

    /// Whether every finding is accounted for, once.
    pub fn adds_up(&self) -> bool {
        let population = self.population.len() as u64;
        let divided: u64 = self.standings.values().sum();
        let timed = self.in_time + self.decided_late + self.open + self.overdue;
        self.found == self.below + self.dry_run + population
            && divided == population
            && timed == population
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let standings: BTreeMap<&str, u64> = Standing::ALL
            .iter()
            .filter_map(|s| Some((s.as_str(), *self.standings.get(s)?)))
            .collect();
        json!({
            "at": self.now.to_string(),
            "found": self.found,
            "below_severity": self.below,
            "dry_run": self.dry_run,
            "population": self.population.len(),
            "standings": standings,
            "in_time": self.in_time,
            "decided_late": self.decided_late,
            "open": self.open,
            "overdue": self.overdue,
            "without_disposition": self.missing(),
            "adds_up": self.adds_up(),
            "findings": self.population.iter().map(|case| row(case, self.now)).collect::<Vec<_>>(),
        })
    }
}

/// A finding of the population, for machines.
pub fn row(case: &Case<'_>, now: Timestamp) -> Value {
    let finding = case.finding;
    let step = case.state.disposed.as_ref();
    let mut row = json!({
        "id": finding.id,
        "rule": finding.rule.id,
        "product": finding.rule.product,
        "title": finding.title,
        "severity": finding.severity.number(),
        "account": finding.account,
        "origin": finding.origin.as_str(),
        "known": case.known.to_string(),
        "due": case.due.to_string(),
        "state": case.standing.as_str(),
        "owner": case.state.owner,
        "late": case.is_late(now),
        "decided_at": case.decided_at().map(|at| at.to_string()),
        "decided_by": case.decided_by(),
        "reason": step.map(|step| step.reason.as_str()).or(case.accepted.map(|e| e.reason.as_str())),
        "evidence": step.map(|step| &step.evidence),
    });
    match case.state.disposition() {
        Some(Disposition::TruePositive { incident }) => row["incident"] = json!(incident),
        Some(Disposition::Duplicate { of }) => row["duplicate_of"] = json!(of),
        Some(Disposition::BenignTruePositive | Disposition::FalsePositive) | None => {}
    }
    if let Some(exception) = case.accepted {
        row["exception"] = json!(exception.id);
        row["ticket"] = json!(exception.ticket);
    }
    if let Some(exception) = case.ended {
        row["exception_ended"] = json!(exception.id);
    }
    row
}

#[cfg(test)]
mod tests {
    use wk_model::triage::{Deed, Step};
    use wk_model::{Exception, Finding, Severity};

    use super::*;
    use crate::exceptions::Exceptions;
    use crate::reports::testing::finding;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_seconds(1_708_000_000 + hour * 3_600)
    }

    fn found(id: &str, tenths: u8, rule: &str) -> Finding {
        let mut found = finding();
        found.id.0 = id.to_owned();
        found.severity = Severity::from_tenths(tenths);
        found.rule.id = rule.to_owned();
        found
    }

    #[test]
    fn nothing_leaves_the_population_and_its_sums_add_up() {
        let mut tried = found("tried", 80, "r");
        tried.dry_run = true;
        let mut archived = found("archived", 80, "r");
        archived.title.push_str(" (archived in GuardDuty)");
        let all = [
            found("mild", 10, "r"),
            tried,
            archived,
            found("excepted", 80, "x"),
            found("decided", 80, "r"),
            found("late", 95, "r"),
        ];
        let exception = Exception {
            id: "x-1".into(),
            rules: vec!["x".into()],
            pattern: None,
            reason: "r".into(),
            owner: "o".into(),
            approver: "bert".into(),
            ticket: "t".into(),
            granted: at(0),
            until: at(100),
            revoked: None,
            settled: None,
        };
        let exceptions = Exceptions::new(vec![exception]).0;
        let policy = Policy::default();
        let case = |found| {
            let finding: &Finding = found;
            let step = Step {
                finding: finding.id.clone(),
                nth: 1,
                at: at(2),
                who: "anna".into(),
                deed: Deed::Disposed { disposition: Disposition::FalsePositive },
                reason: "r".into(),
                evidence: vec![],
            };
            let steps = if finding.id.0 == "decided" { vec![step] } else { vec![] };
            Case::of(finding, at(0), &steps, &exceptions, &policy, at(5))
        };
        let sums = Reconciliation::of(all.iter().map(case).collect(), &policy, None, None, at(5));
        assert!(sums.adds_up());
        assert_eq!((sums.found, sums.below, sums.dry_run, sums.population.len()), (6, 1, 1, 4));
        assert_eq!((sums.in_time, sums.open, sums.overdue, sums.missing()), (2, 1, 1, 2));
        let json = sums.to_json();
        let rows = json["findings"].as_array().unwrap();
        let of = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
        assert_eq!(of("excepted")["exception"], "x-1");
        assert_eq!(of("archived")["state"], "new", "archived elsewhere is not decided here");
        assert_eq!(of("late")["late"], true);
    }

    #[test]
    fn a_period_holds_what_became_known_in_it() {
        let (found, none) = (found("f", 80, "r"), Exceptions::default());
        let policy = Policy::default();
        let sums = |since, until| {
            let case = Case::of(&found, at(5), &[], &none, &policy, at(6));
            Reconciliation::of(vec![case], &policy, Some(at(since)), Some(at(until)), at(6)).found
        };
        assert_eq!((sums(5, 6), sums(0, 5), sums(6, 9)), (1, 0, 0));
    }
}
