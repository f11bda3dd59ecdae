//! `watchkeeper detect learn`

use std::io::Write;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use crate::cli::Exit;
use crate::cli::when::Span;
use crate::wire::App;

/// Let rules over several events that know nothing yet know what the lake holds: a new rule, or all of
/// them after the ledger was rebuilt. What they would have found is not told.
///
/// Without a span it is the last 90 days that the lake has.
#[derive(Args)]
pub(super) struct Learn {
    #[command(flatten)]
    span: Span,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Days that are looked at where nobody says how many.
const DAYS: i32 = 90;

impl Learn {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (since, until) = self.span.resolve(app.clock.now())?;
        let Some((since, until)) = app.history(since, until, DAYS).await? else {
            bail!("the lake holds no events of that time");
        };
        let detections = Arc::new(app.detections()?);
        let (rules, turned) = app.learn(detections, since, until).await?;
        if self.json {
            let told = json!({
                "since": since.to_string(), "until": until.to_string(), "rules": rules,
                "steps": turned.steps, "late": turned.late, "dropped": turned.dropped,
            });
            writeln!(out, "{told:#}")?;
        } else if rules.is_empty() {
            writeln!(out, "Every rule over several events knows something already.")?;
        } else {
            writeln!(
                out,
                "{} rules know what happened from {since} to {until}; {} events were too many for them",
                rules.len(),
                turned.dropped
            )?;
        }
        Ok(Exit::Ok)
    }
}
