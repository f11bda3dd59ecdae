//! `watchkeeper setup`

mod export;
mod lint;
mod plan;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use wk_model::Capture;
use wk_watch::setup::foundation::{self, Foundation, Mistake};

use super::{Exit, Usage};
use crate::config::Home;
use crate::wire::App;
use crate::wire::inventory::captures_of_files;

/// The foundation of logging and monitoring: what is wanted, and what has to be done for it.
///
/// Nothing is changed in AWS by any of these.
#[derive(Args)]
pub(crate) struct Setup {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    Example(Example),
    Lint(lint::Lint),
    Plan(plan::Plan),
    Export(export::Export),
}

/// Print an example of a foundation file, with every key explained.
#[derive(Args)]
struct Example {}

/// What AWS answered.
#[derive(Args)]
struct Inventory {
    /// The walk whose answers are looked at [default: the newest in the lake]
    #[arg(long, value_name = "RUN")]
    inventory: Option<String>,
    /// Take captures of files (lines of JSON) instead
    #[arg(long, value_name = "FILE", conflicts_with = "inventory")]
    captures: Vec<PathBuf>,
}

impl Inventory {
    /// The name of a walk and its captures; nothing where there is no walk yet.
    async fn caught(&self, app: &App) -> anyhow::Result<Option<(String, Vec<Capture>)>> {
        if !self.captures.is_empty() {
            return Ok(Some(("files".into(), captures_of_files(&self.captures)?)));
        }
        let run = match &self.inventory {
            Some(run) => run.clone(),
            None => match app.newest_walk().await? {
                Some(run) => run,
                None => return Ok(None),
            },
        };
        let caught = app.caught(&run).await?;
        if caught.is_empty() {
            bail!("there is no walk {run:?} in the lake");
        }
        Ok(Some((run, caught)))
    }
}

/// The example, as docs/foundation.yaml has it.
const EXAMPLE: &str = include_str!("../../../../docs/foundation.yaml");

/// The largest file that is read.
const BYTES_MAX: u64 = 16 << 20;

impl Setup {
    pub(crate) async fn run(
        self,
        home: impl Fn() -> anyhow::Result<Home>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        match self.command {
            What::Example(Example {}) => {
                out.write_all(EXAMPLE.as_bytes())?;
                Ok(Exit::Ok)
            }
            What::Lint(command) => command.run(out),
            What::Plan(command) => command.run(&App::open(home()?)?, out).await,
            What::Export(command) => command.run(&App::open(home()?)?, out).await,
        }
    }
}

/// The text of a file that a user wrote, as far as that is read.
fn text_of(path: &Path) -> anyhow::Result<String> {
    let about = || format!("could not read {}", path.display());
    let size = std::fs::metadata(path).with_context(about)?.len();
    if size > BYTES_MAX {
        bail!("{} has {size} bytes; {BYTES_MAX} are read", path.display());
    }
    let bytes = std::fs::read(path).with_context(about)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The foundation: of this file, else of the home directory. What is doubtful in it goes to stderr.
fn foundation(named: Option<&PathBuf>, app: &App) -> anyhow::Result<Foundation> {
    let path = match named {
        Some(path) => path.clone(),
        None => app.home.path().join("foundation.yaml"),
    };
    if named.is_none() && !path.try_exists()? {
        let why =
            format!("there is no {}; begin with: watchkeeper setup example > {0}", path.display());
        return Err(Usage::error(why));
    }
    match foundation::read(&path.display().to_string(), &text_of(&path)?) {
        Ok((foundation, told)) => {
            warn(&told);
            Ok(foundation)
        }
        Err(wrong) => {
            let lines: Vec<String> = wrong.iter().map(said).collect();
            Err(Usage::error(format!("the foundation cannot be used:\n  {}", lines.join("\n  "))))
        }
    }
}

fn said(mistake: &Mistake) -> String {
    let lint = mistake.lint.map(|id| format!(" [{id}]")).unwrap_or_default();
    format!("{}, {}: {}{lint}", mistake.file, mistake.place, mistake.why)
}

#[expect(clippy::print_stderr, reason = "what is doubtful is told beside the answer")]
fn warn(told: &[Mistake]) {
    for mistake in told {
        eprintln!("warning: {}", said(mistake));
    }
}
