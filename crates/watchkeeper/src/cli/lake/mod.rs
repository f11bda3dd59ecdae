//! `watchkeeper lake`

mod compact;
mod erase;
mod expire;
mod status;

use std::io::Write;

use clap::{Args, Subcommand};

use super::Exit;
use crate::wire::App;

/// Keep the lake fit: see how it lies, make many small files few sorted ones, let old rows go.
#[derive(Args)]
pub(crate) struct Lake {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Status(status::Status),
    Compact(compact::Compact),
    Expire(expire::Expire),
    Erase(erase::Erase),
    Fsck(super::fsck::Fsck),
    Rebuild(super::rebuild::Rebuild),
}

impl Lake {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            What::Status(status) => status.run(app, out).await,
            What::Compact(compact) => compact.run(app, out).await,
            What::Expire(expire) => expire.run(app, out).await,
            What::Erase(erase) => erase.run(app, out).await,
            What::Fsck(fsck) => fsck.run(app, out).await,
            What::Rebuild(rebuild) => rebuild.run(app, out).await,
        }
    }
}
