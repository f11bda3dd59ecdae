//! `retention`: how long log groups keep what they hold.

use wk_lang::yaml::Node;

use super::fields::{Fields, ITEMS_MAX, cut};
use crate::setup::retention::{Keep, Match, Policy, Rule, next_term, years_without_leap_days};

/// What the mission's document asks for, with explicit kinds and with terms that AWS takes.
const DEFAULTS: [(&str, &str, u32); 8] = [
    ("prefix", "/aws/lambda/", 90),
    ("prefix", "/aws/rds/", 90),
    ("prefix", "/aws/ecs/", 60),
    ("prefix", "/aws/eks/", 90),
    ("prefix", "/aws/vpc/", 90),
    ("prefix", "/aws/cloudtrail/", 2557),
    ("contains", "security", 2557),
    ("contains", "audit", 2557),
];
const DEFAULT_DAYS: u32 = 30;

pub(super) fn policy(fields: &mut Fields<'_>, root: &Node) -> Policy {
    let mut policy = built_in();
    let Some(node) = root.get("retention") else { return policy };
    if !fields.mapping(node, "retention", &["default_days", "rules", "archive_after_days"]) {
        return policy;
    }
    if let Some(default) = node.get("default_days") {
        policy.default = keep(fields, default, "default_days").unwrap_or(policy.default);
    }
    if let Some(rules) = node.get("rules") {
        if rules.items().len() > ITEMS_MAX {
            let count = rules.items().len();
            fields.wrong(rules, format!("there are {count} rules; {ITEMS_MAX} are read"));
        }
        let rules = rules.items().iter().take(ITEMS_MAX);
        policy.rules = rules.filter_map(|node| rule(fields, node)).collect();
    }
    if let Some(age) = node.get("archive_after_days") {
        policy.archive_after_days = fields.whole(age, "archive_after_days", 0, 3653);
        let late = policy.archived_too_late();
        if !late.is_empty() {
            let why = format!(
                "what is exported at this age is deleted already where groups keep no longer: {}. Right: \
                 an age below every term, or no archive_after_days, so that logs are streamed as they come",
                late.join(", ")
            );
            fields.wrong(age, why);
        }
    }
    policy
}

fn built_in() -> Policy {
    let rule = |(kind, text, days): (&str, &str, u32)| {
        let meets = Match::read(kind, text).ok()?;
        Some(Rule { meets, keep: Keep::Days(days) })
    };
    let rules = DEFAULTS.into_iter().filter_map(rule).collect();
    Policy { rules, default: Keep::Days(DEFAULT_DAYS), archive_after_days: None }
}

/// One key says how it meets, one how long.
fn rule(fields: &mut Fields<'_>, node: &Node) -> Option<Rule> {
    for old in ["match", "name", "pattern", "group"] {
        if let Some(text) = node.get(old) {
            fields.known(text, "substring-match");
            return None;
        }
    }
    let keys = [&Match::KINDS[..], &["days"]].concat();
    if !fields.mapping(node, "a retention rule", &keys) {
        return None;
    }
    let kinds: Vec<&str> =
        Match::KINDS.into_iter().filter(|kind| node.get(kind).is_some()).collect();
    let [kind] = kinds[..] else {
        let why = format!("a rule meets names in one way: {}", Match::KINDS.join(", "));
        fields.wrong(node, why);
        return None;
    };
    let of = node.get(kind)?;
    let text = fields.text(of, kind)?;
    let meets = match Match::read(kind, &text) {
        Ok(meets) => meets,
        Err(why) => {
            fields.wrong(of, why);
            return None;
        }
    };
    let Some(days) = node.get("days") else {
        fields.wrong(node, format!("the rule of {} says no days", cut(&text)));
        return None;
    };
    let keep = keep(fields, days, "days")?;
    Some(Rule { meets, keep })
}

/// Days, or `never` for what is never deleted.
fn keep(fields: &mut Fields<'_>, node: &Node, what: &str) -> Option<Keep> {
    if node.scalar() == Some("never") {
        return Some(Keep::Forever);
    }
    let days = fields.whole(node, what, 1, 100_000)?;
    match next_term(days) {
        _ if years_without_leap_days(days) => {
            fields.known(node, "retention-term");
            return None;
        }
        None => {
            let why =
                format!("{days} days are longer than CloudWatch Logs takes (3653); write never");
            fields.wrong(node, why);
            return None;
        }
        Some(term) if term != days => {
            let why = format!(
                "{days} days are no term of CloudWatch Logs; {term}, the next longer one, is used"
            );
            fields.doubt(node, why);
        }
        Some(_) => {}
    }
    Some(Keep::Days(days))
}
