//! `watchkeeper inventory`

mod run;
mod show;

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wk_watch::inventory::{Fan, Item, items};

use super::{Exit, table};
use crate::config::Home;
use crate::wire::App;

/// Ask AWS how accounts are set up, and keep the answers.
#[derive(Args)]
pub(crate) struct Inventory {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    Run(run::Run),
    Show(show::Show),
    /// List what is asked
    Questions(Questions),
}

/// List what is asked of AWS, and the permission that each question needs.
#[derive(Args)]
struct Questions {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inventory {
    pub(crate) async fn run(
        self,
        home: impl Fn() -> anyhow::Result<Home>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        match self.command {
            What::Questions(command) => command.run(out),
            What::Show(command) => command.run(&App::open(home()?)?, out).await,
            What::Run(command) => {
                let app = App::open(home()?)?;
                let exit = command.run(&app, out).await?;
                super::journal::write(&app).await?;
                Ok(exit)
            }
        }
    }
}

impl Questions {
    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.json {
            let told: Vec<Value> = items().map(as_json).collect();
            writeln!(out, "{:#}", Value::Array(told))?;
            return Ok(Exit::Ok);
        }
        let row = |item: &Item| {
            let permission = item.operation.permission.to_owned();
            vec![item.key(), often(item), permission, item.asks.to_owned()]
        };
        let rows: Vec<Vec<String>> = items().map(row).collect();
        table::print(&["question", "asked", "permission", "for"], &rows, out)?;
        Ok(Exit::Ok)
    }
}

fn often(item: &Item) -> String {
    match item.fan {
        Fan::Account => "once an account".into(),
        Fan::Region => "once a region".into(),
        Fan::Each { of, .. } => format!("for each of {of}"),
    }
}

fn as_json(item: &Item) -> Value {
    json!({
        "question": item.key(),
        "asked": often(item),
        "permission": item.operation.permission,
        "for": item.asks,
        "masked": item.masks,
    })
}
