//! `watchkeeper complaints`

use std::io::Write;

use clap::Args;
use serde_json::json;
use wk_seam::ledger::Ledger as _;

use super::{Exit, table};
use crate::wire::App;

/// List what could not be read: object, position, reason and first bytes.
#[derive(Args)]
pub(crate) struct Complaints {
    /// At most so many, newest first
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Complaints {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (count, filed) = app.ledger.complaints(self.limit).await?;
        if self.json {
            writeln!(out, "{:#}", json!({"count": count, "complaints": filed}))?;
            return Ok(Exit::Ok);
        }
        let rows: Vec<Vec<String>> = filed
            .iter()
            .map(|f| {
                let c = &f.complaint;
                let kept = if c.kept { " (stored all the same)" } else { "" };
                vec![
                    c.source.clone(),
                    f.object.clone(),
                    c.position.to_string(),
                    format!("{}{kept}", c.reason),
                    table::cut(&c.sample, 60),
                ]
            })
            .collect();
        table::print(&["source", "object", "position", "reason", "begins"], &rows, out)?;
        let more = count.saturating_sub(filed.len() as u64);
        match more {
            0 => writeln!(out, "{count} complaints")?,
            _ => writeln!(out, "{count} complaints; {more} are not shown: --limit shows more")?,
        }
        Ok(Exit::Ok)
    }
}
