//! What stands beside a finding: similar ones and what became of them, what else its actor did, and
//! whether it is the first of its kind.

use std::collections::BTreeMap;

use crate::triage::{Case, Standing};
use wk_model::Finding;

/// How far back an actor's other findings are counted.
const DAYS: i64 = 7;

/// What stands beside a finding.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// Findings of the same rule with the same actor or one of the same resources, newest first.
    pub similar: Vec<&'a Case<'a>>,
    /// How the similar ones stand.
    pub similar_standings: BTreeMap<Standing, u64>,
    /// The actor's findings of the seven days up to this one, itself too: title and rule, how many.
    pub actor_rules: Vec<(&'a str, &'a str, u64)>,
    /// What is a first.
    pub firsts: Vec<&'static str>,
}

impl<'a> Surroundings<'a> {
    /// Looks around a finding among all that there are.
    pub fn of(finding: &Finding, all: &'a [Case<'a>]) -> Self {
        let mut similar: Vec<&Case<'_>> =
            all.iter().filter(|case| is_similar(case.finding, finding)).collect();
        similar.sort_by_key(|case| std::cmp::Reverse((case.finding.last_seen, &case.finding.id)));
        let mut similar_standings = BTreeMap::new();
        for case in &similar {
            *similar_standings.entry(case.standing).or_default() += 1;
        }
        Self {
            similar,
            similar_standings,
            actor_rules: actor_rules(finding, all),
            firsts: firsts(finding, all),
        }
    }
}

fn is_similar(other: &Finding, finding: &Finding) -> bool {
    let same_actor = other.actor.is_some() && other.actor == finding.actor;
    let shares = || other.resources.iter().any(|r| finding.resources.binary_search(r).is_ok());
    other.id != finding.id && other.rule.id == finding.rule.id && (same_actor || shares())
}

fn actor_rules<'a>(finding: &Finding, all: &'a [Case<'a>]) -> Vec<(&'a str, &'a str, u64)> {
    let since = finding.last_seen.plus_seconds(-DAYS * 86_400);
    let mut counts: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for case in all {
        let other = case.finding;
        let in_time = other.last_seen >= since && other.first_seen <= finding.last_seen;
        if other.actor.is_some() && other.actor == finding.actor && in_time {
            counts.entry(&other.rule.id).or_insert((&other.title, 0)).1 += 1;
        }
    }
    let mut sorted: Vec<(&str, &str, u64)> =
        counts.into_iter().map(|(rule, (title, count))| (title, rule, count)).collect();
    sorted.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.cmp(b)));
    sorted
}

fn firsts(finding: &Finding, all: &[Case<'_>]) -> Vec<&'static str> {
    let earlier: Vec<&Finding> = all
        .iter()
        .map(|case| case.finding)
        .filter(|other| {
            (other.first_seen, &other.id) < (finding.first_seen, &finding.id)
                && other.id != finding.id
        })
        .collect();
    let none = |same: &dyn Fn(&Finding) -> bool| !earlier.iter().any(|other| same(other));
    let mut firsts = Vec::new();
    if none(&|other| other.rule.id == finding.rule.id) {
        firsts.push("the first finding of this rule");
    }
    if finding.actor.is_some() && none(&|other| other.actor == finding.actor) {
        firsts.push("the first finding of this actor");
    }
    let shares = |other: &Finding| {
        other.resources.iter().any(|r| finding.resources.binary_search(r).is_ok())
    };
    if !finding.resources.is_empty() && none(&shares) {
        firsts.push("the first finding of these resources");
    }
    let same_address = |other: &Finding| {
        other.source_ips.iter().any(|ip| finding.source_ips.binary_search(ip).is_ok())
    };
    if !finding.source_ips.is_empty() && none(&same_address) {
        firsts.push("the first finding from these addresses");
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exceptions::Exceptions;
    use crate::reports::testing::finding;
    use crate::triage::Policy;

    fn found(id: &str, rule: &str, actor: &str, day: i64) -> Finding {
        let mut found = finding();
        found.id.0 = id.to_owned();
        found.rule.id = rule.to_owned();
        found.actor = Some(actor.to_owned());
        found.resources = vec![format!("of-{id}")];
        found.first_seen = found.first_seen.plus_seconds(day * 86_400);
        found.last_seen = found.first_seen;
        found
    }

    #[test]
    fn similar_findings_and_the_actors_week_stand_beside_a_finding() {
        let all = [
            found("a", "r", "eve", 0),
            found("b", "r", "eve", 8),
            found("c", "s", "eve", 9),
            found("d", "r", "bob", 9),
            found("e", "r", "eve", 10),
        ];
        let (none, policy) = (Exceptions::default(), Policy::default());
        let now = all[4].last_seen;
        let cases: Vec<Case<'_>> =
            all.iter().map(|f| Case::of(f, f.first_seen, &[], &none, &policy, now)).collect();
        let beside = Surroundings::of(&all[4], &cases);
        let similar: Vec<&str> = beside.similar.iter().map(|c| c.finding.id.0.as_str()).collect();
        assert_eq!(similar, ["b", "a"]);
        let week: Vec<(&str, u64)> = beside.actor_rules.iter().map(|(_, r, n)| (*r, *n)).collect();
        assert_eq!(week, [("r", 2), ("s", 1)], "ten days ago is no part of the week");
        assert_eq!(beside.firsts, ["the first finding of these resources"]);
        let first = Surroundings::of(&all[0], &cases);
        assert_eq!(first.firsts.len(), 3, "{:?}", first.firsts);
    }
}
