//! Which findings an exception covers.
//!
//! * An exception names rules, and may ask more by an event pattern over what is known of a finding:
//!   `account`, `region`, `actor`, `product`, `rule`, `title`, `severity`, `resource`, `source_ip`.
//! * It covers a finding only as a whole: each of its resources and addresses must fit. Where a
//!   finding may have more of them than it lists, a pattern that asks for them does not cover it.
//! * What a pattern cannot decide it does not cover: more is seen then, not less.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wk_lang::json::Tape;
use wk_lang::pattern::{Pattern, Refused, Verdict};
use wk_model::check::CheckResult;
use wk_model::finding::{EventRef, FindingId, Origin, Rule};
use wk_model::{Exception, Finding, Severity, Timestamp};

/// The fields that a pattern may ask for.
pub const FIELDS: [&str; 9] =
    ["account", "actor", "product", "region", "resource", "rule", "severity", "source_ip", "title"];

/// Exceptions, made ready to be asked.
#[derive(Debug, Default)]
pub struct Exceptions {
    all: Vec<Ready>,
    by_rule: BTreeMap<String, Vec<usize>>,
}

/// An exception, made ready to be asked.
#[derive(Debug)]
struct Ready {
    exception: Exception,
    pattern: Option<Pattern>,
}

/// An exception that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadPattern {
    /// It is no event pattern.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It asks for something that findings do not have.
    #[error("findings have no {field:?}; a pattern may ask for {}", FIELDS.join(", "))]
    Field {
        /// What it asks for.
        field: String,
    },
}

/// Reads a pattern of an exception.
///
/// # Errors
/// If it is none, or asks for a field that findings do not have.
pub fn pattern(text: &str) -> Result<Pattern, BadPattern> {
    let pattern = Pattern::parse(text)?;
    for branch in pattern.branches() {
        if let Some(field) = branch.iter().find(|field| !FIELDS.contains(&field.path)) {
            return Err(BadPattern::Field { field: field.path.to_owned() });
        }
    }
    Ok(pattern)
}

impl Exceptions {
    /// Exceptions as they are kept. One whose pattern cannot be read any more covers nothing, and its
    /// name is answered.
    pub fn new(exceptions: Vec<Exception>) -> (Self, Vec<String>) {
        let (mut ready, mut bad) = (Self::default(), Vec::new());
        for exception in exceptions {
            let pattern = match exception.pattern.as_deref().map(pattern).transpose() {
                Ok(pattern) => pattern,
                Err(_) => {
                    bad.push(exception.id.clone());
                    continue;
                }
            };
            for rule in &exception.rules {
                ready.by_rule.entry(rule.clone()).or_default().push(ready.all.len());
            }
            ready.all.push(Ready { exception, pattern });
        }
        (ready, bad)
    }

    /// The exception that covers a finding at this time; of several the one that lasts longest.
    pub fn active<'a>(&'a self, finding: &'a Finding, at: Timestamp) -> Option<&'a Exception> {
        let active = self.covering(finding).filter(move |exception| exception.is_active(at));
        active.max_by_key(|exception| (exception.ends(), exception.id.clone()))
    }

    /// Of the exceptions that covered a finding and ended at or before this time the last one.
    pub fn ended<'a>(&'a self, finding: &'a Finding, at: Timestamp) -> Option<&'a Exception> {
        let known = move |exception: &&Exception| exception.ends() <= at;
        let ended = self.covering(finding).filter(known);
        ended.max_by_key(|exception| (exception.ends(), exception.id.clone()))
    }

    /// Whether an exception, by its name, covers a finding, whenever it counts.
    pub fn covers(&self, id: &str, finding: &Finding) -> bool {
        self.covering(finding).any(|exception| exception.id == id)
    }

    fn covering<'a>(&'a self, finding: &'a Finding) -> impl Iterator<Item = &'a Exception> {
        let places = self.by_rule.get(&finding.rule.id).into_iter().flatten();
        let of_rule = places.filter_map(|place| self.all.get(*place));
        of_rule.filter(move |ready| ready.fits(finding)).map(|ready| &ready.exception)
    }
}

impl Ready {
    fn fits(&self, finding: &Finding) -> bool {
        let Some(pattern) = &self.pattern else { return true };
        let asks = |name| pattern.branches().any(|b| b.iter().any(|field| field.path == name));
        let (by_resource, by_address) = (asks("resource"), asks("source_ip"));
        let more = |len, max| len >= max;
        if (by_resource && more(finding.resources.len(), Finding::RESOURCES_MAX))
            || (by_address && more(finding.source_ips.len(), Finding::SOURCES_MAX))
        {
            return false;
        }
        let resources = each(&finding.resources, by_resource);
        let addresses = each(&finding.source_ips, by_address);
        let mut all = resources.iter().flat_map(|r| addresses.iter().map(move |a| (*r, *a)));
        all.all(|(resource, address)| {
            let text = facts(finding, resource, address).to_string();
            let mut tape = Tape::new();
            tape.parse(&text).is_ok_and(|event| pattern.verdict(event) == Verdict::Yes)
        })
    }
}

/// The product of findings of our checks.
pub const POSTURE: &str = "posture";

/// What a check says of a resource, as the finding that it would be: that is what exceptions are held
/// against, so one exception covers the row of a check and its findings alike.
pub fn of_check(row: &CheckResult, title: &str, severity: Severity, at: Timestamp) -> Finding {
    let event = EventRef { time: at, table: "checks".to_owned(), id: String::new() };
    let native = [&row.check, &row.account, &row.region, &row.resource].map(String::as_str);
    Finding {
        id: FindingId::of_report(POSTURE, &native.join("/")),
        rule: Rule {
            id: row.check.clone(),
            version: String::new(),
            product: POSTURE.to_owned(),
            attack: Vec::new(),
            controls: Vec::new(),
        },
        title: title.to_owned(),
        severity,
        account: Some(row.account.clone()),
        region: Some(row.region.clone()),
        actor: None,
        resources: vec![row.resource.clone()],
        first_seen: at,
        last_seen: at,
        count: 1,
        events: vec![event.clone()],
        origin: Origin::Live,
        latest: event,
        ended: None,
        source_ips: Vec::new(),
        matched: Vec::new(),
        ruleset: None,
        dry_run: false,
    }
}

/// Each of a list, if it is asked for; else, and where there is none, nothing once.
fn each(list: &[String], asked: bool) -> Vec<Option<&str>> {
    if !asked || list.is_empty() {
        return vec![None];
    }
    list.iter().map(|item| Some(item.as_str())).collect()
}

/// What a pattern is held against.
fn facts(finding: &Finding, resource: Option<&str>, address: Option<&str>) -> Value {
    let mut facts = Map::new();
    let texts = [
        ("account", finding.account.as_deref()),
        ("actor", finding.actor.as_deref()),
        ("product", Some(finding.rule.product.as_str())),
        ("region", finding.region.as_deref()),
        ("resource", resource),
        ("rule", Some(finding.rule.id.as_str())),
        ("source_ip", address),
        ("title", Some(finding.title.as_str())),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            facts.insert(name.to_owned(), json!(text));
        }
    }
    facts.insert("severity".to_owned(), json!(finding.severity.number()));
    Value::Object(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::testing::finding;

    fn exception(pattern: Option<&str>) -> Exceptions {
        let at = Timestamp::from_seconds;
        let exception = Exception {
            id: "x-1".into(),
            rules: vec![finding().rule.id],
            pattern: pattern.map(str::to_owned),
            reason: "r".into(),
            owner: "o".into(),
            approver: "a".into(),
            ticket: "t".into(),
            granted: at(10),
            until: at(20),
            revoked: None,
            settled: None,
        };
        let (exceptions, bad) = Exceptions::new(vec![exception]);
        assert!(bad.is_empty());
        exceptions
    }

    #[test]
    fn an_exception_covers_a_finding_while_it_counts() {
        let (all, at) = (exception(None), Timestamp::from_seconds);
        assert!(all.active(&finding(), at(10)).is_some());
        assert!(all.active(&finding(), at(20)).is_none());
        assert_eq!(all.ended(&finding(), at(20)).map(|e| e.id.as_str()), Some("x-1"));
        assert!(all.ended(&finding(), at(19)).is_none());
        let mut other = finding();
        other.rule.id = "other".into();
        assert!(all.active(&other, at(10)).is_none());
    }

    #[test]
    fn one_resource_that_does_not_fit_keeps_a_finding_in_sight() {
        let at = Timestamp::from_seconds(10);
        let all = exception(Some(r#"{"resource":[{"prefix":"arn:aws:s3:::build-"}]}"#));
        let mut found = finding();
        found.resources = vec!["arn:aws:s3:::build-1".into(), "arn:aws:s3:::build-2".into()];
        assert!(all.active(&found, at).is_some());
        found.resources.push("arn:aws:s3:::ledger".into());
        assert!(all.active(&found, at).is_none());
        found.resources.clear();
        assert!(all.active(&found, at).is_none(), "what names no resource does not fit");
    }

    #[test]
    fn addresses_are_asked_by_network_and_a_full_list_covers_nothing() {
        let at = Timestamp::from_seconds(10);
        let all = exception(Some(r#"{"source_ip":[{"cidr":"192.0.2.0/24"}]}"#));
        let mut found = finding();
        found.source_ips = vec!["192.0.2.7".into(), "192.0.2.9".into()];
        assert!(all.active(&found, at).is_some());
        found.source_ips.push("198.51.100.1".into());
        assert!(all.active(&found, at).is_none());
        found.source_ips = (0..Finding::SOURCES_MAX).map(|n| format!("192.0.2.{n}")).collect();
        assert!(all.active(&found, at).is_none(), "there may be more addresses than are listed");
    }

    #[test]
    fn a_pattern_over_what_findings_do_not_have_is_refused() {
        for bad in [r#"{"sourceIPAddress":["1"]}"#, r#"{"detail":{"x":["1"]}}"#, "[]", "{"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
        assert!(
            pattern(r#"{"account":["111122223333"],"severity":[{"numeric":["<",7]}]}"#).is_ok()
        );
    }
}
