//! `watchkeeper detect look-back`

use std::io::Write;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use crate::cli::Exit;
use crate::cli::when::Span;
use crate::wire::App;
use crate::wire::look_back::{Looked, say};

/// Find what came too late for rules over several events. The span is over the times at which rows
/// were received, not at which their events happened.
///
/// Without a span it is the last day. The service does it every hour. What it finds is quiet: nobody is
/// paged. It can be done again at any time; what is known already changes nothing.
#[derive(Args)]
pub(super) struct LookBack {
    #[command(flatten)]
    span: Span,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl LookBack {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let now = app.clock.now();
        let (since, until) = self.span.resolve(now)?;
        let (since, until) = (since.unwrap_or(now.plus_seconds(-86_400)), until.unwrap_or(now));
        let detections = Arc::new(app.detections()?);
        // What waits is judged as ever before it is looked for again.
        app.detector(detections.clone()).drain().await?;
        let told = match app.look_back(&detections, since, until).await? {
            Looked::Behind => bail!("rules over several events are behind: is an ingest running?"),
            Looked::Back(told) => told,
        };
        crate::cli::journal::write(app).await?;
        if self.json {
            let told = json!({
                "received_since": since.to_string(), "received_until": until.to_string(),
                "late": told.late, "keys": told.keys, "keys_left": told.keys_left,
                "rows": told.rows, "findings": told.findings, "sightings": told.sightings,
                "dropped": told.dropped,
            });
            writeln!(out, "{told:#}")?;
        } else {
            writeln!(out, "received from {since} to {until}: {}", say(&told))?;
        }
        Ok(if told.keys_left + told.dropped > 0 { Exit::Partial } else { Exit::Ok })
    }
}
