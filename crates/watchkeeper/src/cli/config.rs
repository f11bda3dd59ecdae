//! `watchkeeper config check`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Exit, table};
use crate::config::Home;
use crate::wire::check::{Check, State};

/// Look at config.toml
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(CheckArgs),
}

/// Say of everything that config.toml names whether it is there and can be reached; exit code 2 if
/// anything does not work.
#[derive(Args)]
struct CheckArgs {
    /// Ask nobody outside this machine
    #[arg(long)]
    offline: bool,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    pub(crate) async fn run(self, home: Home, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Command::Check(args) = self.command;
        let check = Check::of(home, !args.offline).await;
        if args.json {
            let one = |l: &crate::wire::check::Looked| json!({"file": l.file, "key": l.key, "state": l.state.word(), "say": l.say});
            let all: Vec<Value> = check.all.iter().map(one).collect();
            writeln!(out, "{:#}", json!({"ok": !check.is_wrong(), "looked_at": all}))?;
        } else {
            let mut file = "";
            let mut rows: Vec<Vec<String>> = Vec::new();
            for looked in &check.all {
                // Each file is named where its keys begin.
                let named = if looked.file == file { String::new() } else { looked.file.clone() };
                file = &looked.file;
                let (state, key) = (looked.state.word().to_owned(), looked.key.clone());
                rows.push(vec![state, key, looked.say.clone(), named]);
            }
            table::print(&["", "key", "what was found", "file"], &rows, out)?;
            let count = |state: State| check.all.iter().filter(|l| l.state == state).count();
            let (wrong, doubtful) = (count(State::Wrong), count(State::Doubtful));
            writeln!(out, "\n{wrong} errors, {doubtful} warnings")?;
        }
        Ok(if check.is_wrong() { Exit::Usage } else { Exit::Ok })
    }
}
