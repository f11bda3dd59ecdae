//! The command line.
//!
//! Exit codes: 0 ok; 1 findings at or above `--fail-on`, or proved invalid; 2 usage; 3 runtime
//! error; 4 partial or incomplete.

mod anchor;
pub(crate) mod backup;
mod changes;
mod check;
mod complaints;
mod config;
mod consistency;
mod demo;
mod detect;
mod doctor;
pub(crate) mod drill;
mod entity;
mod exception;
mod findings;
mod fsck;
mod hold;
mod ingest;
mod init;
mod inventory;
pub(crate) mod journal;
mod lake;
mod list;
mod notify;
mod oncall;
mod people;
mod progress;
mod prove;
mod query;
mod rebuild;
mod restore;
mod route;
mod run;
mod runbook;
mod setup;
mod silence;
mod status;
mod stop;
pub(crate) mod table;
mod tail;
mod verify;
mod when;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use wk_store::query::STACK_BYTES;

use crate::config::Home;
use crate::wire::App;

/// SOC 2 CC7 "System Operations" for AWS: logs and findings in, a searchable lake, detections,
/// and the record that proves it.
#[derive(Parser)]
#[command(name = "watchkeeper", version, propagate_version = true)]
struct Cli {
    /// Directory that holds everything: configuration, ledger, lake, keys
    /// [default: $WATCHKEEPER_HOME, else watchkeeper in the user's data directory]
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    Doctor(doctor::Doctor),
    Run(run::Run),
    Config(config::Config),
    Ingest(ingest::Ingest),
    Query(query::Query),
    Tail(tail::Tail),
    Entity(entity::Entity),
    Changes(changes::Changes),
    Detect(detect::Detect),
    Inventory(inventory::Inventory),
    Check(check::Checks),
    Setup(setup::Setup),
    Findings(findings::Findings),
    Exception(exception::Exception),
    Route(route::Route),
    Notify(notify::Notify),
    Silence(silence::Silence),
    Oncall(oncall::Oncall),
    Demo(demo::Demo),
    Complaints(complaints::Complaints),
    Status(status::Status),
    Runbook(runbook::Runbook),
    Drill(drill::Drill),
    Lake(lake::Lake),
    Hold(hold::Hold),
    List(list::List),
    Verify(verify::Verify),
    Prove(prove::Prove),
    Consistency(consistency::Consistency),
    Anchor(anchor::Anchor),
    Backup(backup::Backup),
    Restore(restore::Restore),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    /// Findings at or above `--fail-on`, or proved invalid.
    Found = 1,
    /// The command line is wrong.
    Usage = 2,
    /// It failed while it ran.
    Failed = 3,
    /// It was done in part.
    Partial = 4,
}

/// The words of the command line do not go together: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl Usage {
    fn error(why: impl Into<String>) -> anyhow::Error {
        Self(why.into()).into()
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Reads the words, runs the command, prints errors with their whole chain.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse(); // ends with 2 on usage errors
    // Every thread has the stack that a deep question needs; memory is taken as it is used.
    let main = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run_with(cli));
    match main.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(e) => told(&anyhow::Error::from(e).context("could not start")),
    }
}

fn run_with(cli: Cli) -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_stack_size(STACK_BYTES).enable_all();
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(e) => return told(&anyhow::Error::from(e).context("could not start")),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let ended = runtime.block_on(run(cli, &mut out));
    let flushed = out.flush();
    // A question that was stopped may compute a little longer; nobody waits for it.
    runtime.shutdown_background();
    match (ended, flushed) {
        (Ok(exit), Ok(())) => ExitCode::from(exit as u8),
        (Ok(exit), Err(e)) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(exit as u8),
        (Ok(_), Err(e)) => told(&anyhow::Error::from(e).context("could not write the answer")),
        (Err(e), _) => told(&e),
    }
}

async fn run(cli: Cli, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let home = || Home::open(cli.home.as_deref());
    match cli.command {
        Command::Init(command) => command.run(&mut io::stderr(), out),
        Command::Doctor(command) => command.run(&home()?, out).await,
        Command::Ingest(command) => {
            let app = App::open(home()?)?;
            let exit = command.run(&app, out).await?;
            journal::write(&app).await?;
            Ok(exit)
        }
        Command::Config(command) => command.run(home()?, out).await,
        Command::Run(command) => command.run(Arc::new(App::open(home()?)?), out).await,
        Command::Query(command) => command.run(&App::open(home()?)?, out).await,
        Command::Tail(command) => command.run(&App::open(home()?)?, out).await,
        Command::Changes(command) => command.run(&App::open(home()?)?, out).await,
        Command::Entity(command) => command.run(&App::open(home()?)?, out).await,
        Command::Detect(command) => command.run(|| App::open(home()?), out).await,
        Command::Inventory(command) => command.run(home, out).await,
        Command::Check(command) => command.run(home, out).await,
        Command::Setup(command) => command.run(home, out).await,
        Command::Demo(command) => command.run(cli.home.as_deref(), out).await,
        Command::Findings(command) => command.run(&App::open(home()?)?, out).await,
        Command::Exception(command) => command.run(&App::open(home()?)?, out).await,
        Command::List(command) => command.run(&App::open(home()?)?, out).await,
        Command::Route(command) => command.run(home, out).await,
        Command::Notify(command) => command.run(&App::open(home()?)?, out).await,
        Command::Silence(command) => command.run(&App::open(home()?)?, out).await,
        Command::Oncall(command) => command.run(&App::open(home()?)?, out).await,
        Command::Complaints(command) => command.run(&App::open(home()?)?, out).await,
        Command::Status(command) => command.run(&App::open(home()?)?, out).await,
        Command::Runbook(command) => command.run(out),
        Command::Drill(command) => command.run(&App::open(home()?)?, out).await,
        Command::Hold(command) => {
            let app = App::open(home()?)?;
            let exit = command.run(&app, out).await?;
            journal::write(&app).await?;
            Ok(exit)
        }
        Command::Lake(command) => {
            let exit = command.run(&App::open(home()?)?, out).await?;
            // Opened anew: a rebuild makes it another ledger.
            journal::write(&App::open(home()?)?).await?;
            Ok(exit)
        }
        Command::Verify(command) => command.run(&App::open(home()?)?, out).await,
        Command::Prove(command) => command.run(&App::open(home()?)?, out).await,
        Command::Consistency(command) => command.run(&App::open(home()?)?, out).await,
        Command::Anchor(command) => command.run(&App::open(home()?)?, out).await,
        Command::Backup(command) => command.run(&App::open(home()?)?, out).await,
        Command::Restore(command) => command.run(home()?, out).await,
    }
}

#[expect(clippy::print_stderr, reason = "this is where errors are told")]
fn told(error: &anyhow::Error) -> ExitCode {
    if let Some(io) = error.chain().find_map(|e| e.downcast_ref::<io::Error>())
        && io.kind() == io::ErrorKind::BrokenPipe
    {
        return ExitCode::SUCCESS; // whoever reads has seen enough
    }
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let mut lines = chain.clone();
    // Some sources are repeated by the error above them.
    lines.dedup_by(|inner, outer| outer.contains(inner.as_str()));
    eprintln!("error: {}", lines.join("\n  because: "));
    ExitCode::from(if error.is::<Usage>() { Exit::Usage } else { Exit::Failed } as u8)
}
