//! Findings that tell one story: by what they share, in the order in which they happened.
//!
//! * Two findings belong together if not more than a span lies between them and the same principal
//!   did both, one did something to the principal that did the other, they touch the same resource,
//!   or come from the same address. What is shared by very many findings ties none together.
//! * A story has at least two findings of different rules. It says what ties each of them to those
//!   before, and which steps of an attack are there, in their order.
//! * Sharing is no proof: a story is what to read together, not a verdict.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wk_model::attack::{Tactic, tactic, tactic_of_purpose};
use wk_model::{Finding, Severity, Timestamp};

/// How long may lie between two findings of a story, unless somebody says otherwise: a day.
pub const SPAN_SECONDS: i64 = 86_400;
/// A resource or address of more findings than this is everybody's.
const SHARED_MAX: usize = 30;
/// Findings of a story that are listed.
pub const LISTED_MAX: usize = 200;
/// Letters below which a name is too common to tie anything.
const NAME_MIN: usize = 3;

/// Findings that tell one story.
#[derive(Debug)]
pub struct Story<'a> {
    /// Its name: `s-` and the beginning of its first finding's id.
    pub id: String,
    /// What happened, in the order in which it began.
    pub parts: Vec<Part<'a>>,
    /// Tactics of ATT&CK that are there, in the order of an attack.
    pub tactics: Vec<&'static Tactic>,
    /// Of the worst finding.
    pub severity: Severity,
    /// When it began.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
}

/// A finding of a story.
#[derive(Debug)]
pub struct Part<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// Its tactics, in the order of an attack.
    pub tactics: Vec<&'static Tactic>,
    /// What ties it to findings before it.
    pub because: BTreeSet<String>,
}

/// What two findings may share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    Actor(String),
    Resource(String),
    Address(String),
}

/// What is learnt while findings are tied together.
struct Ties<'a> {
    findings: Vec<&'a Finding>,
    parents: Vec<usize>,
    because: Vec<BTreeSet<String>>,
    span_seconds: i64,
}

/// The stories that findings tell, the worst and longest chains first.
pub fn stories<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    span_seconds: i64,
) -> Vec<Story<'a>> {
    let mut findings: Vec<&Finding> = findings.into_iter().collect();
    findings.sort_by_key(|finding| (finding.first_seen, &finding.id));
    let count = findings.len();
    let mut ties = Ties {
        findings,
        parents: (0..count).collect(),
        because: vec![BTreeSet::new(); count],
        span_seconds,
    };
    ties.by_what_they_share();
    ties.by_handing_over();
    ties.told()
}

impl<'a> Ties<'a> {
    fn by_what_they_share(&mut self) {
        let mut shared: BTreeMap<Tie, Vec<usize>> = BTreeMap::new();
        for (place, finding) in self.findings.iter().enumerate() {
            for tie in ties_of(finding) {
                shared.entry(tie).or_default().push(place);
            }
        }
        for (tie, places) in shared {
            if places.len() > SHARED_MAX && !matches!(tie, Tie::Actor(_)) {
                continue;
            }
            let mut until: Option<(usize, Timestamp)> = None;
            for place in places {
                let finding = self.findings[place];
                if let Some((before, last)) = until
                    && self.is_near(last, finding.first_seen)
                {
                    self.tie(before, place, tie.said());
                }
                let last = until.map_or(finding.last_seen, |(_, l)| l.max(finding.last_seen));
                until = Some((place, last));
            }
        }
    }

    /// What was done to a principal, and what that principal did then.
    fn by_handing_over(&mut self) {
        let mut touched: BTreeMap<(String, String), usize> = BTreeMap::new();
        for place in 0..self.findings.len() {
            let finding = self.findings[place];
            let account = finding.account.clone().unwrap_or_default();
            for name in finding.actor.iter().flat_map(|actor| principals(actor)) {
                let Some(before) = touched.get(&(account.clone(), name.clone())).copied() else {
                    continue;
                };
                let last = self.findings[before].last_seen;
                if before != place && self.is_near(last, finding.first_seen) {
                    self.tie(before, place, format!("{name}, which was touched before, acts"));
                }
            }
            for name in finding.resources.iter().flat_map(|resource| touchable(resource)) {
                touched.insert((account.clone(), name), place);
            }
        }
    }

    fn is_near(&self, last: Timestamp, first: Timestamp) -> bool {
        first.seconds() - last.seconds() <= self.span_seconds
    }

    fn tie(&mut self, before: usize, place: usize, why: String) {
        let (a, b) = (self.root(before), self.root(place));
        self.parents[b.max(a)] = b.min(a);
        self.because[place].insert(why);
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.parents[place] != place {
            self.parents[place] = self.parents[self.parents[place]];
            place = self.parents[place];
        }
        place
    }

    fn told(mut self) -> Vec<Story<'a>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in 0..self.findings.len() {
            let root = self.root(place);
            groups.entry(root).or_default().push(place);
        }
        let mut stories: Vec<Story<'a>> =
            groups.into_values().filter_map(|places| self.story(&places)).collect();
        stories.sort_by(|a, b| {
            let rank = |s: &Story<'_>| (s.severity, s.tactics.len(), s.last);
            rank(b).cmp(&rank(a)).then_with(|| a.id.cmp(&b.id))
        });
        stories
    }

    fn story(&mut self, places: &[usize]) -> Option<Story<'a>> {
        let of = |place: &usize| self.findings[*place];
        let rules: BTreeSet<&str> = places.iter().map(|p| of(p).rule.id.as_str()).collect();
        if rules.len() < 2 {
            return None;
        }
        let first = places.first().map(of)?;
        let last = places.iter().map(|p| of(p).last_seen).max()?;
        let severity = places.iter().map(|p| of(p).severity).max()?;
        let parts: Vec<Part<'a>> = places
            .iter()
            .map(|place| Part {
                finding: self.findings[*place],
                tactics: tactics_of(self.findings[*place]),
                because: std::mem::take(&mut self.because[*place]),
            })
            .collect();
        let tactics: BTreeSet<&'static Tactic> =
            parts.iter().flat_map(|part| part.tactics.iter().copied()).collect();
        let id = format!("s-{}", first.id.0.chars().take(8).collect::<String>());
        let tactics = tactics.into_iter().collect();
        Some(Story { id, parts, tactics, severity, first: first.first_seen, last })
    }
}

impl Tie {
    fn said(&self) -> String {
        match self {
            Self::Actor(actor) => format!("the same actor, {actor}"),
            Self::Resource(resource) => format!("the same resource, {resource}"),
            Self::Address(address) => format!("the same address, {address}"),
        }
    }
}

fn ties_of(finding: &Finding) -> Vec<Tie> {
    let mut ties = Vec::new();
    if let Some(actor) = &finding.actor
        && !is_service(actor)
    {
        ties.push(Tie::Actor(actor.clone()));
        // An instance's session is the instance at work.
        ties.extend(instance_of(actor).map(|id| Tie::Resource(id.to_owned())));
    }
    for resource in finding.resources.iter().filter(|r| is_particular(r)) {
        let plain = instance_of(resource).unwrap_or(resource);
        ties.push(Tie::Resource(plain.to_owned()));
    }
    let addresses = finding.source_ips.iter().filter(|address| !is_service(address));
    ties.extend(addresses.cloned().map(Tie::Address));
    ties.sort();
    ties.dedup();
    ties
}

/// A service of AWS acts for everybody.
fn is_service(actor: &str) -> bool {
    actor.ends_with(".amazonaws.com") || actor == "AWS Internal"
}

/// Not an account, a wildcard, or a text too short to mean one thing.
fn is_particular(resource: &str) -> bool {
    let is_account = resource.len() == 12 && resource.bytes().all(|b| b.is_ascii_digit());
    resource.len() > NAME_MIN && !is_account && !resource.contains('*')
}

/// The instance that a session or an ARN is of: `i-` and its digits at the end.
fn instance_of(text: &str) -> Option<&str> {
    let last = text.rsplit('/').next()?;
    let digits = last.strip_prefix("i-")?;
    let is = (8..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is.then_some(last)
}

/// The names of the user or role that an actor is.
fn principals(actor: &str) -> Vec<String> {
    let tail = actor.splitn(6, ':').nth(5).unwrap_or_default();
    let mut parts = tail.split('/');
    let name = match parts.next() {
        Some("user") => parts.next_back(),
        Some("assumed-role" | "role") => parts.next(),
        _ => None,
    };
    name.filter(|name| name.len() >= NAME_MIN).map(str::to_owned).into_iter().collect()
}

/// The name that a resource has, if it may be a user or role: its ARN, or a bare name.
fn touchable(resource: &str) -> Vec<String> {
    if resource.starts_with("arn:") {
        let is_principal = resource.contains(":user/") || resource.contains(":role/");
        let name = resource.rsplit('/').next().filter(|_| is_principal);
        return name.map(str::to_owned).into_iter().collect();
    }
    let bare = resource.len() >= NAME_MIN && !resource.contains(['/', ':']);
    bare.then(|| resource.to_owned()).into_iter().collect()
}

fn tactics_of(finding: &Finding) -> Vec<&'static Tactic> {
    let tags = finding.rule.attack.iter().filter_map(|tag| tactic(tag));
    let mut tactics: Vec<&'static Tactic> = tags.collect();
    if tactics.is_empty() && finding.rule.product == "guardduty" {
        tactics.extend(tactic_of_purpose(&finding.rule.id));
    }
    tactics.sort();
    tactics.dedup();
    tactics
}

impl Story<'_> {
    /// For machines.
    pub fn to_json(&self) -> Value {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .take(LISTED_MAX)
            .map(|part| {
                let tactics: Vec<&str> = part.tactics.iter().map(|t| t.tag).collect();
                json!({"finding": part.finding.id, "title": part.finding.title,
                    "severity": part.finding.severity.number(),
                    "first_seen": part.finding.first_seen, "last_seen": part.finding.last_seen,
                    "actor": part.finding.actor, "resources": part.finding.resources,
                    "tactics": tactics, "because": part.because})
            })
            .collect();
        json!({"id": self.id, "severity": self.severity.number(), "first": self.first,
            "last": self.last, "tactics": self.tactics.iter().map(|t| t.tag).collect::<Vec<_>>(),
            "findings": self.parts.len(), "parts": parts})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::testing::finding;

    struct Seen {
        id: &'static str,
        hour: i64,
        rule: &'static str,
        actor: &'static str,
        resource: &'static str,
        tactic: &'static str,
    }

    fn findings(all: &[Seen]) -> Vec<Finding> {
        let one = |seen: &Seen| {
            let mut one = finding();
            one.id.0 = seen.id.to_owned();
            one.rule.id = seen.rule.to_owned();
            one.rule.attack = vec![seen.tactic.to_owned()];
            one.actor = Some(seen.actor.to_owned());
            one.resources = vec![seen.resource.to_owned()];
            one.first_seen = Timestamp::from_seconds(1_708_000_000 + seen.hour * 3_600);
            one.last_seen = one.first_seen;
            one
        };
        all.iter().map(one).collect()
    }

    const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0";
    const EVE: &str = "arn:aws:iam::111122223333:user/eve";
    const BOB: &str = "arn:aws:iam::111122223333:user/bob";

    fn attack() -> Vec<Finding> {
        let seen = |id, hour, rule, actor, resource, tactic| Seen {
            id,
            hour,
            rule,
            actor,
            resource,
            tactic,
        };
        findings(&[
            seen("a", 0, "probe", "198.51.100.7", "i-0123456789abcdef0", "initial-access"),
            seen("b", 3, "theft", ROLE, "secret-1", "credential-access"),
            seen("c", 5, "new-user", ROLE, "eve", "persistence"),
            seen(
                "d",
                9,
                "stop",
                EVE,
                "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all",
                "stealth",
            ),
            seen("e", 10, "other", BOB, "bucket-of-bob", "discovery"),
            seen("f", 200, "late", EVE, "elsewhere", "impact"),
        ])
    }

    #[test]
    fn a_chain_of_machine_session_and_new_user_is_one_story_in_its_order() {
        let found = attack();
        let told = stories(&found, SPAN_SECONDS);
        assert_eq!(told.len(), 1, "{told:#?}");
        let ids: Vec<&str> = told[0].parts.iter().map(|part| part.finding.id.0.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        let tactics: Vec<&str> = told[0].tactics.iter().map(|tactic| tactic.tag).collect();
        assert_eq!(
            tactics,
            ["initial-access", "persistence", "defense-evasion", "credential-access"]
        );
        let because =
            |place: usize| told[0].parts[place].because.iter().cloned().collect::<String>();
        assert!(because(0).is_empty());
        assert!(because(1).contains("the same resource, i-0123456789abcdef0"), "{}", because(1));
        assert!(because(3).contains("eve, which was touched before, acts"), "{}", because(3));
    }

    #[test]
    fn the_order_in_which_findings_come_changes_nothing() {
        let found = attack();
        let shown = |all: Vec<&Finding>| -> Vec<Value> {
            stories(all, SPAN_SECONDS).iter().map(Story::to_json).collect()
        };
        let straight = shown(found.iter().collect());
        assert_eq!(straight, shown(found.iter().rev().collect()));
    }

    #[test]
    fn what_everybody_shares_ties_nothing_together() {
        let mut all = Vec::new();
        for n in 0..40i64 {
            let mut one = finding();
            one.id.0 = format!("{n:03}");
            one.rule.id = format!("rule-{n}");
            one.actor = Some(format!("arn:aws:iam::111122223333:user/u{n}"));
            one.resources = vec!["arn:aws:s3:::everybodys".to_owned(), "111122223333".to_owned()];
            all.push(one);
        }
        assert_eq!(stories(&all, SPAN_SECONDS).len(), 0);
        assert_eq!(stories(&all[..10], SPAN_SECONDS).len(), 1);
    }

    #[test]
    fn repeats_of_one_rule_are_no_story() {
        let seen =
            |id, hour| Seen { id, hour, rule: "r", actor: EVE, resource: "x-1", tactic: "impact" };
        assert_eq!(stories(&findings(&[seen("a", 0), seen("b", 1)]), SPAN_SECONDS).len(), 0);
    }
}
