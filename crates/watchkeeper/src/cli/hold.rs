//! `watchkeeper hold`

use std::io::Write;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use wk_model::hold::{Hold as Held, Release as Released, Scope};
use wk_seam::ledger::Ledger as _;

use super::{Exit, people, table};
use crate::wire::{self, App};

/// Keep rows from being deleted, whatever the retention policy says.
#[derive(Args)]
pub(crate) struct Hold {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Add(Add),
    Release(Release),
    List(List),
}

/// Place a hold. It counts at once, also for an expiry that runs.
#[derive(Args)]
struct Add {
    /// all, or parts such as "table=cloudtrail from=2024-02-01 until=2024-02-29
    /// account=111122223333 actor=arn:…". Files are held as a whole: every file of the tables and
    /// days, as any may have rows of the account or actor
    #[arg(long, value_name = "SCOPE")]
    scope: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who places it
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Who agrees; another person
    #[arg(long, value_name = "NAME")]
    second_person: String,
    /// Print the hold as JSON
    #[arg(long)]
    json: bool,
}

/// Release a hold. What is past its term goes with the next expiry.
#[derive(Args)]
struct Release {
    /// Its name, as `hold list` shows it
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who releases it
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Who agrees; another person
    #[arg(long, value_name = "NAME")]
    second_person: String,
}

/// List holds, released ones too.
#[derive(Args)]
struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Hold {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            What::Add(add) => add.run(app, out).await,
            What::Release(release) => release.run(app, out).await,
            What::List(list) => list.run(app, out).await,
        }
    }
}

impl Add {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let scope = Scope::parse(&self.scope)?;
        let tables = wire::tables();
        if let Some(none) =
            scope.tables.iter().find(|name| !tables.iter().any(|t| t.name == **name))
        {
            bail!("there is no table {none:?}; watchkeeper query --sql 'SHOW TABLES' lists them");
        }
        let by = people::name("--by", &self.by)?;
        let second_person = people::second(&by, &self.second_person)?;
        let reason = people::name("--reason", &self.reason)?;
        let now = app.clock.now();
        let id = Held::name(&scope, &reason, now);
        let placed = now.to_string();
        let hold = Held { id, scope, reason, by, second_person, placed, released: None };
        app.ledger.place_hold(&hold).await?;
        if self.json {
            writeln!(out, "{:#}", json!(hold))?;
        } else {
            writeln!(out, "{} holds {}", hold.id, hold.scope)?;
        }
        Ok(Exit::Ok)
    }
}

impl Release {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let by = people::name("--by", &self.by)?;
        let second_person = people::second(&by, &self.second_person)?;
        let reason = people::name("--reason", &self.reason)?;
        let how = Released { reason, by, second_person, at: app.clock.now().to_string() };
        if !app.ledger.release_hold(&self.id, &how).await? {
            bail!("no hold {:?} counts now; watchkeeper hold list shows them", self.id);
        }
        writeln!(out, "{} is released", self.id)?;
        Ok(Exit::Ok)
    }
}

impl List {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let holds = app.ledger.holds().await?;
        if self.json {
            writeln!(out, "{:#}", json!(holds))?;
            return Ok(Exit::Ok);
        }
        let row = |hold: &Held| {
            let state = match &hold.released {
                None => "holds".to_owned(),
                Some(how) => format!("released {} by {}, {}", how.at, how.by, how.second_person),
            };
            let people = format!("{}, {}", hold.by, hold.second_person);
            let scope = hold.scope.to_string();
            vec![hold.id.clone(), hold.placed.clone(), scope, people, state, hold.reason.clone()]
        };
        let rows: Vec<Vec<String>> = holds.iter().map(row).collect();
        table::print(&["id", "placed", "scope", "by", "state", "reason"], &rows, out)?;
        Ok(Exit::Ok)
    }
}
