//! `watchkeeper anchor`

use std::io::Write;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use wk_seam::ledger::Ledger as _;
use wk_store::log::tiles;

use super::Exit;
use crate::wire::{Access, App, anchors};

/// Lay the newest checkpoint of the record where whoever writes the record cannot change it.
///
/// A folder on other media, or better a bucket of another account with object lock. `verify --anchor`
/// holds the record against everything that lies there.
#[derive(Args)]
pub(crate) struct Anchor {
    /// A folder, or s3://bucket/prefix
    #[arg(value_name = "PLACE")]
    place: String,
    /// The whole log too, for others to read: tiles, leaves and the key (C2SP tlog-tiles)
    #[arg(long)]
    tiles: bool,
    /// Profile of the AWS CLI
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Endpoint of an S3-compatible store
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Anchor {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let access = Access {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint_url.clone(),
            without_identity: false,
        };
        let files = anchors::place(&self.place, &access).await?;
        let head = app.ledger.verify_log().await?;
        let head = head.context("the log is empty: there is nothing to anchor")?;
        let mut written = 0;
        if self.tiles {
            let mut lines = app.ledger.leaves().await?;
            lines.truncate(usize::try_from(head.size).unwrap_or(usize::MAX));
            let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
            for (path, bytes) in tiles::files(&lines)? {
                written += u64::from(anchors::write_new(&files, &path, bytes).await?);
            }
            files.write("key", format!("{}\n", app.ledger.verifier()).into_bytes()).await?;
        }
        // The checkpoint comes last: what it speaks of is there.
        let note = head.note.clone().into_bytes();
        let new = anchors::write_new(&files, &anchors::path(head.size), note.clone()).await?;
        files.write("checkpoint", note).await?;
        if self.json {
            let told = json!({"place": self.place, "leaves": head.size,
                "root": head.root.to_string(), "new": new, "tiles": written});
            writeln!(out, "{told:#}")?;
        } else {
            let word = if new { "anchored" } else { "anchored before" };
            writeln!(out, "{word}: {} leaves, root {}", head.size, head.root)?;
            if self.tiles {
                writeln!(out, "{written} files of the log were new there")?;
            }
        }
        Ok(Exit::Ok)
    }
}
