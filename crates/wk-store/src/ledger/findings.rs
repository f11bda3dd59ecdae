//! Findings in the ledger: folded from sightings, listed by query.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter};
use wk_model::Timestamp;
use wk_model::finding::{Finding, Folded, Rule, Sighting};
use wk_model::triage::Update;
use wk_seam::ledger::{Commit, FindingQuery};

use super::{signed, triage};

/// Takes what new events say into their findings, which this version changes so.
pub(super) fn fold(tx: &Transaction<'_>, version: u64, commit: &Commit) -> rusqlite::Result<()> {
    let mut by_finding: BTreeMap<&str, News<'_>> = BTreeMap::new();
    for sighting in &commit.sightings {
        by_finding.entry(&sighting.finding.0).or_default().sightings.push(sighting);
    }
    for folded in commit.folded.iter() {
        by_finding.entry(&folded.finding.id.0).or_default().folded.push(folded);
    }
    let recorded = commit.recorded;
    let mut there = tx.prepare_cached("SELECT body, known FROM finding WHERE id = ?1")?;
    for (id, news) in by_finding {
        let found: Option<(String, i64)> =
            there.query_row([id], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
        let write = if found.is_some() { UPDATE } else { INSERT };
        let known = found.as_ref().map_or(recorded, |(_, known)| Timestamp::from_micros(*known));
        let finding = found.map(|(body, _)| parse(&body)).transpose()?;
        let reports = news.sightings.iter().filter(|sighting| sighting.rule.product != Rule::OWN);
        for sighting in reports {
            triage::note_update(tx, &Update::of(sighting, recorded))?;
        }
        if let Some(finding) = news.into_finding(finding) {
            put(tx, write, (version, known), &finding)?;
        }
    }
    Ok(())
}

/// What a commit says of one finding.
#[derive(Default)]
struct News<'a> {
    sightings: Vec<&'a Sighting>,
    folded: Vec<&'a Folded>,
}

impl<'a> News<'a> {
    /// The finding as it is with this.
    fn into_finding(self, before: Option<Finding>) -> Option<Cow<'a, Finding>> {
        if let (None, [], [folded]) = (&before, &self.sightings[..], &self.folded[..]) {
            return Some(Cow::Borrowed(&folded.finding));
        }
        let mut finding = before;
        for sighting in self.sightings {
            match &mut finding {
                Some(finding) => finding.fold(sighting),
                None => finding = Some(Finding::begin(sighting)),
            }
        }
        for folded in self.folded {
            match &mut finding {
                Some(finding) => finding.join(folded),
                None => finding = Some(folded.finding.clone()),
            }
        }
        finding.map(Cow::Owned)
    }
}

/// Two statements, and not one that does either: such a one would take the place of what the table of
/// changes does with a row that is there twice.
const INSERT: &str =
    "INSERT INTO finding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const UPDATE: &str = "UPDATE finding SET severity = ?2, first_seen = ?3, last_seen = ?4,
    account = ?5, actor = ?6, rule = ?7, title = ?8, product = ?9, body = ?10, changed = ?11,
    known = ?12 WHERE id = ?1";

fn put(
    tx: &Transaction<'_>,
    write: &str,
    (version, known): (u64, Timestamp),
    f: &Finding,
) -> rusqlite::Result<()> {
    let body =
        serde_json::to_string(f).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    tx.prepare_cached(write)?
        .execute(params![
            f.id.0,
            f.severity.tenths(),
            f.first_seen.micros(),
            f.last_seen.micros(),
            f.account,
            f.actor,
            f.rule.id,
            f.title,
            f.rule.product,
            body,
            signed(version),
            known.micros()
        ])
        .map(drop)
}

/// Findings, newest first.
pub(super) fn list(c: &Connection, query: &FindingQuery) -> rusqlite::Result<Vec<Finding>> {
    let mut text = "SELECT body FROM finding WHERE 1".to_owned();
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            text.push_str(" AND ");
            text.push_str(condition);
            values.push(value);
        }
    };
    let word = |t: &Option<String>| t.clone().map(Value::Text);
    and("id GLOB ? || '*'", query.id.as_deref().map(|id| Value::Text(literal(id))));
    and("instr(lower(rule || ' ' || title), lower(?)) > 0", word(&query.rule));
    and("severity >= ?", query.severity_tenths_min.map(|n| Value::Integer(n.into())));
    and("account = ?", word(&query.account));
    and("instr(lower(actor), lower(?)) > 0", word(&query.actor));
    and("product = ?", word(&query.product));
    and("last_seen >= ?", query.since.map(|t| Value::Integer(t.micros())));
    and("first_seen < ?", query.until.map(|t| Value::Integer(t.micros())));
    text.push_str(" ORDER BY last_seen DESC, severity DESC, id LIMIT ?");
    values.push(Value::Integer(query.limit.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1)));
    let mut rows = c.prepare(&text)?;
    let bodies = rows.query_map(params_from_iter(values), |r| r.get::<_, String>(0))?;
    bodies.map(|body| parse(&body?)).collect()
}

/// Text without the characters that GLOB reads as patterns.
fn literal(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

pub(super) fn parse(body: &str) -> rusqlite::Result<Finding> {
    serde_json::from_str(body).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, e.into())
    })
}
