//! `watchkeeper verify`

mod cloudtrail;
mod record;

use std::io::Write;

use clap::{Args, Subcommand};

use super::Exit;
use crate::wire::App;

/// Prove the record and the lake, or the logs that AWS delivered.
///
/// Without a word it is the record: every leaf and signed checkpoint of the log, every file of the
/// lake against its leaf. Ends with 0 if all fits together, 1 if something is proved invalid, 4 if
/// something could not be proved.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Verify {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    record: record::Record,
}

#[derive(Subcommand)]
enum What {
    Cloudtrail(cloudtrail::CloudTrail),
    /// Prove the record alone: every leaf, every signed checkpoint, what was anchored outside
    Record(record::Record),
    Lake(record::Lake),
}

impl Verify {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            None => self.record.run(app, record::What::Both, out).await,
            Some(What::Record(command)) => command.run(app, record::What::Record, out).await,
            Some(What::Lake(command)) => command.run(app, out).await,
            Some(What::Cloudtrail(command)) => command.run(app, out).await,
        }
    }
}
