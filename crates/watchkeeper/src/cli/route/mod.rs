//! `watchkeeper route`

mod explain;
mod lint;
mod list;
mod test;

use std::io::Write;

use clap::{Args, Subcommand};

use super::Exit;
use crate::config::Home;
use crate::wire::App;

/// Who is told of what: event patterns, and what follows from them.
#[derive(Args)]
pub(crate) struct Route {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    Test(test::Test),
    Lint(lint::Lint),
    List(list::List),
    Explain(explain::Explain),
    Suppressed(explain::Suppressed),
}

impl Route {
    pub(crate) async fn run(
        self,
        home: impl FnOnce() -> anyhow::Result<Home>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        match self.command {
            What::Test(test) => test.run(out),
            What::Lint(lint) => lint.run(home, out),
            What::List(list) => list.run(&home()?, out),
            What::Explain(explain) => explain.run(home, out).await,
            What::Suppressed(list) => list.run(&App::open(home()?)?, out).await,
        }
    }
}
