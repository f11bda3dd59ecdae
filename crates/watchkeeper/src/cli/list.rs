//! `watchkeeper list`

mod own;

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wk_model::complaint::printable;
use wk_watch::lists::{Loaded, STANDARD, State};

use super::{Exit, table};
use crate::wire::App;

/// The lists that rules may ask about: what they hold, how old they are, what was left out.
#[derive(Args)]
pub(crate) struct List {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Show every list of config.toml; exit with 4 if one cannot be read or is expired
    Show(Show),
    Own(own::Shown),
}

#[derive(Args)]
struct Show {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.command {
            What::Show(show) => show.run(app, out),
            What::Own(own) => own.run(app, out).await,
        }
    }
}

impl Show {
    fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (loaded, bad) = app.lists();
        if self.json {
            let lists: Vec<Value> = loaded.iter().map(as_json).collect();
            writeln!(out, "{:#}", json!({"lists": lists, "unreadable": bad}))?;
        } else {
            print(&loaded, out)?;
            for why in &bad {
                writeln!(out, "cannot be read: {}", printable(why.as_bytes()))?;
            }
        }
        let expired = loaded.iter().any(|list| list.state == State::Expired);
        Ok(if expired || !bad.is_empty() { Exit::Partial } else { Exit::Ok })
    }
}

fn print(loaded: &[Loaded], out: &mut dyn Write) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = loaded
        .iter()
        .map(|list| {
            vec![
                list.name.clone(),
                list.entries.len().to_string(),
                left_out(list).to_string(),
                format!("{} h", list.age_hours),
                state(list).to_owned(),
                table::cut(&printable(list.source.as_bytes()), 60),
            ]
        })
        .collect();
    table::print(&["list", "entries", "left out", "age", "state", "source"], &rows, out)?;
    for list in loaded.iter().filter(|list| left_out(list) > 0) {
        writeln!(out, "{}", printable(list.say().as_bytes()))?;
    }
    let missing: Vec<&str> = STANDARD
        .iter()
        .map(|standard| standard.name)
        .filter(|name| loaded.iter().all(|list| list.name != *name))
        .collect();
    if !missing.is_empty() {
        writeln!(
            out,
            "\nRules know these names too, and you have no such list: {}",
            missing.join(", ")
        )?;
    }
    Ok(())
}

fn left_out(list: &Loaded) -> u64 {
    list.left_out_count.values().sum()
}

fn state(list: &Loaded) -> &'static str {
    match list.state {
        State::Fresh => "fresh",
        State::Stale => "stale",
        State::Expired => "expired",
    }
}

fn as_json(list: &Loaded) -> Value {
    json!({
        "name": list.name,
        "source": list.source,
        "format": list.format.as_str(),
        "taken_at": list.taken_at.to_string(),
        "age_hours": list.age_hours,
        "state": state(list),
        "version": list.version,
        "entries": list.entries.len(),
        "left_out": list.left_out_count,
    })
}
