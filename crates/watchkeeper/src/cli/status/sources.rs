//! The sources of `watchkeeper status`.

use std::io::Write;

use serde_json::{Map, Value, json};
use wk_model::Timestamp;
use wk_model::arrivals::Path;
use wk_watch::selfwatch::measures::Measure;
use wk_watch::selfwatch::span;

use super::super::table;
use super::ago;

/// The table of sources.
pub(super) fn print(
    sources: &[Measure],
    now: Timestamp,
    gaps: &[(String, usize)],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if sources.is_empty() {
        writeln!(out, "no source ever brought an event: watchkeeper ingest, or watchkeeper run")?;
        return Ok(());
    }
    let row = |m: &Measure| {
        vec![
            m.source.clone(),
            m.state.as_str().to_owned(),
            ago(m.last_event, now),
            m.last_live.map_or("never".to_owned(), |at| ago(at, now)),
            lag(m, Path::EventDelivered),
            lag(m, Path::DeliveredReceived),
            lag(m, Path::ReceivedRecorded),
            lag(m, Path::EventFinding),
            beside(m.hour),
            beside(m.day),
            gaps_of(m, gaps).to_string(),
            m.intake.complaints.to_string(),
            m.intake.late.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = sources.iter().map(row).collect();
    let heads = [
        "source",
        "state",
        "last event",
        "last live",
        "event-delivered",
        "-received",
        "-recorded",
        "event-finding",
        "hour (usual)",
        "day (usual)",
        "gaps",
        "complaints",
        "back-fill",
    ];
    table::print(&heads, &rows, out)?;
    writeln!(
        out,
        "Lag is median/95 of 100 of live events of this hour and the one before, at most a quarter too high. \
         Gaps are of 30 days, complaints and back-fill of 24 hours."
    )?;
    Ok(())
}

fn lag(m: &Measure, path: Path) -> String {
    let seconds = |ms: u64| match ms {
        ..1_000 => format!("{ms} ms"),
        _ => span(i64::try_from(ms / 1000).unwrap_or(i64::MAX)),
    };
    m.lags
        .get(&path)
        .map_or("-".to_owned(), |(p50, p95)| format!("{}/{}", seconds(*p50), seconds(*p95)))
}

fn beside((rows, usual): (u64, Option<u64>)) -> String {
    let usual = usual.map_or("-".to_owned(), |usual| usual.to_string());
    format!("{rows} ({usual})")
}

fn gaps_of(m: &Measure, gaps: &[(String, usize)]) -> usize {
    gaps.iter().find(|(source, _)| *source == m.source).map_or(0, |(_, n)| *n)
}

/// A source as JSON.
pub(super) fn json(m: &Measure, gaps: &[(String, usize)]) -> Value {
    let lags = m.lags.iter().map(|(path, (p50, p95))| {
        (path.as_str().to_owned(), json!({"p50_ms": p50, "p95_ms": p95}))
    });
    let i = &m.intake;
    json!({
        "source": m.source,
        "state": m.state.as_str(),
        "begun": m.begun,
        "last_event": m.last_event,
        "last_live": m.last_live,
        "lag": lags.collect::<Map<_, _>>(),
        "hour": {"events": m.hour.0, "usual": m.hour.1},
        "day": {"events": m.day.0, "usual": m.day.1},
        "intake_24h": {"read": i.read, "stored": i.stored, "duplicates": i.duplicates,
            "complaints": i.complaints, "back_fill": i.late},
        "gaps_30d": gaps_of(m, gaps),
    })
}
