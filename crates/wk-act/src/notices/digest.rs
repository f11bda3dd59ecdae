//! What a digest says of its findings: how many, by rule and account, and over which time.

use std::collections::BTreeMap;

use wk_model::notice::NoticeFinding;
use wk_model::{Severity, Timestamp};

/// Rules that have a line of their own.
const RULES_MAX: usize = 15;
/// Accounts that a rule's line tells apart.
const ACCOUNTS_MAX: usize = 4;

/// Findings of one rule.
struct OfRule {
    severity: Severity,
    span: Span,
    accounts: BTreeMap<String, Span>,
}

/// How many findings, and from when to when.
#[derive(Clone, Copy)]
struct Span {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

/// A line for each rule, the worst first: how many findings it has, from when to when, and the same
/// for its accounts, those with the most first. What does not fit is counted.
pub(super) fn by_rule(findings: &[&NoticeFinding]) -> String {
    let mut rules: BTreeMap<&str, OfRule> = BTreeMap::new();
    let mut titles: BTreeMap<&str, (&str, Severity)> = BTreeMap::new();
    for finding in findings {
        let span = Span { count: 0, first: finding.first_seen, last: finding.last_seen };
        let none = || OfRule { severity: finding.severity, span, accounts: BTreeMap::new() };
        let rule = rules.entry(&finding.rule).or_insert_with(none);
        rule.severity = rule.severity.max(finding.severity);
        rule.span.take(finding);
        let account = finding.account.clone().unwrap_or_else(|| "no account".to_owned());
        rule.accounts.entry(account).or_insert(span).take(finding);
        // A rule is told by the title of its worst finding.
        let title = titles.entry(&finding.rule).or_insert((&finding.title, finding.severity));
        if finding.severity > title.1 {
            *title = (&finding.title, finding.severity);
        }
    }
    let mut lines: Vec<(&str, &OfRule)> = rules.iter().map(|(id, rule)| (*id, rule)).collect();
    lines.sort_by_key(|(_, rule)| std::cmp::Reverse((rule.severity, rule.span.count)));
    let left_out = lines.iter().skip(RULES_MAX);
    let (more, unsaid) = left_out.fold((0, 0), |(n, sum), (_, r)| (n + 1, sum + r.span.count));
    let mut said: Vec<String> = lines
        .iter()
        .take(RULES_MAX)
        .map(|(id, rule)| rule.line(titles.get(id).map_or("", |(title, _)| title)))
        .collect();
    if more > 0 {
        said.push(format!("and {more} more rules with {unsaid} findings"));
    }
    said.join("\n")
}

impl OfRule {
    fn line(&self, title: &str) -> String {
        let title: String = title.chars().take(80).collect();
        let head = format!("{} {title}: {}", self.severity, self.span.say());
        let mut accounts: Vec<(&String, &Span)> = self.accounts.iter().collect();
        accounts.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(b.0)));
        let mut parts: Vec<String> = accounts
            .iter()
            .take(ACCOUNTS_MAX)
            .map(|(account, span)| match accounts.len() {
                1 => format!("all in {account}"),
                _ => format!("{account} {}", span.say()),
            })
            .collect();
        let left_out = accounts.iter().skip(ACCOUNTS_MAX);
        let (more, unsaid) = left_out.fold((0, 0), |(n, sum), (_, span)| (n + 1, sum + span.count));
        if more > 0 {
            parts.push(format!("{more} more accounts {unsaid}"));
        }
        format!("{head}; {}", parts.join("; "))
    }
}

impl Span {
    fn take(&mut self, finding: &NoticeFinding) {
        self.count += 1;
        self.first = self.first.min(finding.first_seen);
        self.last = self.last.max(finding.last_seen);
    }

    fn say(&self) -> String {
        let (first, last) = (self.first.day().to_string(), self.last.day().to_string());
        match first == last {
            true => format!("{} (on {first})", self.count),
            false => format!("{} ({first} to {last})", self.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use wk_model::finding::FindingId;

    use super::*;

    fn found(rule: &str, tenths: u8, account: Option<&str>, day: i64) -> NoticeFinding {
        let time = Timestamp::from_seconds(1_707_998_400 + day * 86_400);
        NoticeFinding {
            id: FindingId(format!("{rule}-{day}")),
            rule: rule.to_owned(),
            product: "watchkeeper".to_owned(),
            title: format!("{rule} happened"),
            severity: Severity::from_tenths(tenths),
            account: account.map(str::to_owned),
            region: None,
            actor: None,
            resources: vec![],
            resources_more: 0,
            first_seen: time,
            last_seen: time,
            count: 1,
        }
    }

    fn said(all: &[NoticeFinding]) -> String {
        by_rule(&all.iter().collect::<Vec<_>>())
    }

    #[test]
    fn findings_are_counted_by_rule_account_and_time() {
        let (one, two) = (Some("111122223333"), Some("444455556666"));
        let all = [
            found("root", 90, one, 0),
            found("root", 90, one, 3),
            found("root", 90, two, 1),
            found("s3", 50, None, 2),
        ];
        let lines = [
            "9.0 root happened: 3 (2024-02-15 to 2024-02-18); 111122223333 2 (2024-02-15 to 2024-02-18); 444455556666 1 (on 2024-02-16)",
            "5.0 s3 happened: 1 (on 2024-02-17); all in no account",
        ];
        assert_eq!(said(&all), lines.join("\n"));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut all = Vec::new();
        for rule in 0..40u8 {
            for account in 0..10 {
                let account = format!("{account:012}");
                all.push(found(&format!("rule-{rule}"), 50, Some(&account), 0));
            }
        }
        let said = said(&all);
        assert!(said.ends_with("and 25 more rules with 250 findings"), "{said}");
        assert!(said.contains("6 more accounts 6"), "{said}");
        assert!(said.chars().count() < 3_800, "it fits a notice: {}", said.chars().count());
    }
}
