//! What a run is told as: for people, and as JSON.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use wk_engine::verify::{ChainReport, Report, Verify};
use wk_model::complaint::printable;
use wk_watch::digest::{Kind, Problem, Verdict};

use super::word;
use crate::cli::table;

/// Problems of a kind that people are told of one by one; `--json` tells more.
const TOLD_MAX: usize = 20;
/// Chains that people are told of one by one when all is well with them.
const CHAINS_MAX: usize = 200;

pub(super) fn print(
    verify: &Verify,
    report: &Report,
    noted: usize,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let how = if verify.original.is_some() { "as it was delivered" } else { "a copy" };
    writeln!(out, "place: {}{} ({how})", safe(&verify.address), safe(&verify.prefix))?;
    chains(report, out)?;
    lake(verify, report, out)?;
    problems(report, out)?;
    for (gap, by, why) in &report.excused {
        let (by, why) = (safe(by), safe(why));
        writeln!(
            out,
            "accounted for: gap{} of {} {}: {why} ({by})",
            span(gap),
            gap.account,
            gap.region
        )?;
    }
    if report.not_yet_listed > 0 {
        writeln!(out, "{} logs are younger than the newest digest", report.not_yet_listed)?;
    }
    if noted > 0 {
        writeln!(out, "{noted} chains are proven further than before; the record keeps how far")?;
    }
    let told = match word(report) {
        "proven" => "proven: every log of the period is what AWS delivered, and none is missing",
        "invalid" => "invalid: something is not as AWS delivered it",
        _ => "incomplete: nothing was found to be wrong, and not everything is proved",
    };
    writeln!(out, "{told}")?;
    Ok(())
}

fn chains(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    if report.chains.is_empty() {
        return Ok(());
    }
    let row = |chain: &ChainReport| {
        let time = |t: Option<wk_model::Timestamp>| t.map_or("-".to_owned(), |t| t.to_string());
        let counts = &chain.counts;
        let trail = if chain.backfill {
            format!("{} (backfill)", chain.trail)
        } else {
            chain.trail.clone()
        };
        vec![
            chain.account.clone(),
            chain.region.clone(),
            trail,
            time(chain.from),
            time(chain.until),
            percent(chain),
            format!("{}/{}", counts.digests_proven, counts.digests),
            format!("{}/{}", counts.logs_proven, counts.logs),
        ]
    };
    let rows: Vec<Vec<String>> = report.chains.iter().take(CHAINS_MAX).map(row).collect();
    let heads = ["account", "region", "trail", "from", "until", "covered", "digests", "logs"];
    table::print(&heads, &rows, out)?;
    if report.chains.len() > CHAINS_MAX {
        writeln!(out, "{} more chains: see --json", report.chains.len() - CHAINS_MAX)?;
    }
    Ok(())
}

fn lake(verify: &Verify, report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    match (&report.lake, &verify.ledger) {
        (Some(lake), _) => {
            let by_name = match lake.held_by_name {
                0 => String::new(),
                n => format!(", {n} by name only (it was read from another copy)"),
            };
            writeln!(
                out,
                "lake: of {} proved logs it holds {}{by_name}, {} are missing, {} are more than the digests list",
                lake.proven, lake.held, lake.missing, lake.more
            )?;
        }
        (None, Some(_)) => writeln!(out, "lake: it holds none of these logs; not compared")?,
        (None, None) => writeln!(out, "lake: not compared")?,
    }
    let place = |hour: &wk_engine::verify::HourDifference| {
        let lake = hour.in_lake.map_or("-".to_owned(), |n| n.to_string());
        let (account, region) = (hour.account.clone(), hour.region.clone());
        let from = hour.from.to_string();
        vec![account, region, from, hour.listed.to_string(), hour.in_bucket.to_string(), lake]
    };
    if !report.hours.is_empty() {
        let rows: Vec<Vec<String>> = report.hours.iter().take(TOLD_MAX).map(place).collect();
        let heads = ["account", "region", "hour", "in digest", "in bucket", "in lake"];
        table::print(&heads, &rows, out)?;
        let more = (report.hours.len() - rows.len()) as u64 + report.hours_more;
        if more > 0 {
            writeln!(out, "{more} more hours differ: see --json")?;
        }
    }
    Ok(())
}

fn problems(report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut by_kind: BTreeMap<Kind, Vec<&Problem>> = BTreeMap::new();
    for problem in &report.problems {
        by_kind.entry(problem.kind).or_default().push(problem);
    }
    for (kind, problems) in by_kind {
        let count = report.by_kind.get(&kind).copied().unwrap_or_default();
        writeln!(out, "\n{} ({}, {count}): {}", kind.name(), verdict(kind), kind.means())?;
        for problem in problems.iter().take(TOLD_MAX) {
            writeln!(
                out,
                "  {}{}: {}",
                safe(&problem.subject),
                span(problem),
                safe(&problem.says)
            )?;
        }
        let more = count.saturating_sub(problems.len().min(TOLD_MAX) as u64);
        if more > 0 {
            writeln!(out, "  and {more} more: see --json")?;
        }
        writeln!(out, "  to do: {}", kind.what_to_do())?;
    }
    if !report.by_kind.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn span(problem: &Problem) -> String {
    match (problem.from, problem.until) {
        (Some(from), Some(until)) => format!(" from {from} until {until}"),
        _ => String::new(),
    }
}

fn verdict(kind: Kind) -> &'static str {
    match kind.verdict() {
        Verdict::Invalid => "invalid",
        Verdict::Incomplete => "incomplete",
    }
}

/// How much of a chain's period is proved, rounded down.
fn percent(chain: &ChainReport) -> String {
    match chain.covered() {
        Some(hundredths) => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
        None => "-".to_owned(),
    }
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

pub(super) fn as_json(verify: &Verify, report: &Report, noted: usize) -> Value {
    let chain = |chain: &ChainReport| {
        json!({
            "account": chain.account,
            "region": chain.region,
            "trail": chain.trail,
            "backfill": chain.backfill,
            "from": chain.from,
            "until": chain.until,
            "seconds": chain.seconds(),
            "covered_seconds": chain.covered_seconds,
            "covered_percent": chain.covered().map(|hundredths| hundredths as f64 / 100.0),
            "digests": chain.counts.digests,
            "digests_proven": chain.counts.digests_proven,
            "logs": chain.counts.logs,
            "logs_proven": chain.counts.logs_proven,
            "bytes": chain.counts.bytes,
            "proven_until": chain.proven_until.as_ref().map(|held| held.end),
        })
    };
    let counts: serde_json::Map<String, Value> =
        report.by_kind.iter().map(|(kind, n)| (kind.name().to_owned(), (*n).into())).collect();
    json!({
        "verdict": word(report),
        "place": format!("{}{}", verify.address, verify.prefix),
        "copy": verify.original.is_none(),
        "since": verify.scope.since,
        "until": verify.scope.until,
        "chains": report.chains.iter().map(chain).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "problems_more": report.problems_more(),
        "problem_counts": counts,
        "excused": report.excused.iter().map(|(gap, by, why)| json!({"account": gap.account,
            "region": gap.region, "from": gap.from, "until": gap.until, "by": by, "why": why}))
            .collect::<Vec<_>>(),
        "lake": report.lake.map(|lake| json!({"proven": lake.proven, "held": lake.held,
            "held_by_name": lake.held_by_name, "missing": lake.missing, "more": lake.more})),
        "hours_that_differ": report.hours.iter().map(|hour| json!({"account": hour.account,
            "region": hour.region, "hour": hour.from, "in_digest": hour.listed,
            "in_bucket": hour.in_bucket, "in_lake": hour.in_lake})).collect::<Vec<_>>(),
        "hours_more": report.hours_more,
        "not_yet_listed": report.not_yet_listed,
        "chains_noted": noted,
    })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "name": problem.kind.name(),
        "verdict": verdict(problem.kind),
        "account": problem.account,
        "region": problem.region,
        "subject": problem.subject,
        "from": problem.from,
        "until": problem.until,
        "says": problem.says,
        "means": problem.kind.means(),
        "to_do": problem.kind.what_to_do(),
    })
}
