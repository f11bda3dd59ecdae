//! What a notice says.

use std::collections::{BTreeMap, BTreeSet};

use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Severity, Timestamp};

/// What is known of a rule besides its findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// What it sees, and why that matters.
    pub why: String,
    /// The first things to look at.
    pub actions: Vec<String>,
    /// Where more is written.
    pub runbook: Option<String>,
}

/// What a notice is made from.
pub(super) struct Content<'a> {
    pub(super) alarm: &'a str,
    pub(super) route: Option<&'a str>,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) findings: Vec<&'a NoticeFinding>,
    /// Findings besides those.
    pub(super) more: u64,
    /// What stands before the title.
    pub(super) lead: String,
    /// What stands before the analysis.
    pub(super) note: String,
}

/// A notice for a channel, the how many-th of its alarm.
pub(super) fn notice(
    content: &Content<'_>,
    channel: &str,
    kind: NoticeKind,
    nth: u64,
    advice: &dyn Fn(&NoticeFinding) -> Advice,
    now: Timestamp,
) -> Notice {
    let mut findings = content.findings.clone();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
    let worst = findings.first().copied();
    let severity = worst.map_or(Severity::from_tenths(0), |f| f.severity);
    let advice = worst.map(advice).unwrap_or_default();
    let resources: BTreeSet<&String> = findings.iter().flat_map(|f| &f.resources).collect();
    let unlisted: u64 = findings.iter().map(|f| f.resources_more).sum();
    let mut covers: Vec<_> = findings.iter().map(|f| f.id.clone()).collect();
    covers.sort();
    let made = Notice::new(content.alarm, channel, kind, severity, now);
    Notice {
        id: Notice::id_of(content.alarm, channel, kind, nth),
        title: format!("{}{}", content.lead, title(&findings, content.more)),
        analysis: analysis(content, &findings, &advice),
        route: content.route.map(str::to_owned),
        account: same(&findings, |f| f.account.as_deref()),
        region: same(&findings, |f| f.region.as_deref()),
        resources: resources.into_iter().cloned().collect(),
        resources_more: unlisted,
        actions: advice.actions,
        runbook: advice.runbook,
        labels: content.labels.clone(),
        covers,
        findings: findings.into_iter().cloned().collect(),
        more: content.more,
        ..made
    }
    .bounded()
}

fn title(findings: &[&NoticeFinding], more: u64) -> String {
    let Some(worst) = findings.first() else { return "Nothing".to_owned() };
    let others = (findings.len() as u64 - 1).saturating_add(more);
    match others {
        0 => worst.title.clone(),
        n => format!("{} (and {n} more)", worst.title),
    }
}

/// What was seen, how often, by whom and since when, and why that matters.
fn analysis(content: &Content<'_>, findings: &[&NoticeFinding], advice: &Advice) -> String {
    let mut parts = Vec::new();
    if !content.note.is_empty() {
        parts.push(content.note.clone());
    }
    if !advice.why.is_empty() {
        parts.push(advice.why.clone());
    }
    let first = findings.iter().map(|f| f.first_seen).min();
    let last = findings.iter().map(|f| f.last_seen).max();
    if let (Some(first), Some(last)) = (first, last) {
        let count = findings.iter().fold(0u64, |sum, f| sum.saturating_add(f.count));
        let actors: BTreeSet<&String> = findings.iter().filter_map(|f| f.actor.as_ref()).collect();
        let who = match (actors.len(), actors.first()) {
            (1, Some(actor)) => format!(" by {actor}"),
            (0, _) => String::new(),
            (n, _) => format!(" by {n} actors"),
        };
        let events = if count == 1 { "1 event" } else { &format!("{count} events") };
        parts.push(format!("{events}{who}, from {first} to {last}."));
    }
    parts.join("\n")
}

fn same(findings: &[&NoticeFinding], of: fn(&NoticeFinding) -> Option<&str>) -> Option<String> {
    let first = of(findings.first()?)?;
    findings.iter().all(|f| of(f) == Some(first)).then(|| first.to_owned())
}
