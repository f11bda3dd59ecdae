//! `watchkeeper silence`

use std::io::Write;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;
use wk_act::notices::{Matcher, Silence as Placed};

use super::when::{When, duration, when};
use super::{Exit, people, table};
use crate::wire::App;

/// No silence is longer, in days.
const DAYS_MAX: i64 = 90;

/// Tell nobody of some findings for a time. They are kept, and told of when it ends.
#[derive(Args)]
pub(crate) struct Silence {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Add(Add),
    Expire(Expire),
    List(List),
}

/// Place a silence. All matchers must fit.
#[derive(Args)]
struct Add {
    /// Such as account=111122223333, rule!=x, actor=~"arn:.*/build-.*"; labels: account, actor,
    /// finding, product, region, resource, route, rule, severity, title
    #[arg(required = true, value_name = "MATCHER")]
    matchers: Vec<String>,
    /// How long: 30m, 3h, 7d
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    length: i64,
    /// From when on; default: now
    #[arg(long, value_name = "TIME", value_parser = when)]
    from: Option<When>,
    /// Who places it
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Who answers for it; default: who places it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    comment: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// End a silence now.
#[derive(Args)]
struct Expire {
    /// Its name, as `silence list` shows it
    id: String,
    /// Who ends it
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// List silences, those that are over too.
#[derive(Args)]
struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Silence {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self.what {
            What::Add(add) => add.run(app, out).await,
            What::Expire(expire) => {
                let by = people::name("--by", &expire.by)?;
                if !app.notify().await?.expire(&expire.id, &by).await? {
                    bail!(
                        "no silence {:?} counts or will count; watchkeeper silence list",
                        expire.id
                    );
                }
                super::journal::write(app).await?;
                writeln!(out, "{} is over", expire.id)?;
                Ok(Exit::Ok)
            }
            What::List(list) => list.run(app, out).await,
        }
    }
}

impl Add {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let read = |text: &String| Matcher::parse(text).context("could not place the silence");
        let matchers: Vec<Matcher> = self.matchers.iter().map(read).collect::<Result<_, _>>()?;
        ensure!(
            !matchers.iter().all(Matcher::fits_nothing_said),
            "these matchers fit every finding: a silence over everything is none that anybody means"
        );
        ensure!(self.length > 0, "--for must be longer than nothing");
        ensure!(self.length <= DAYS_MAX * 86_400, "a silence is at most {DAYS_MAX} days long");
        let author = people::name("--by", &self.by)?;
        let comment = people::name("--comment", &self.comment)?;
        let owner = match &self.owner {
            Some(owner) => people::name("--owner", owner)?,
            None => author.clone(),
        };
        let now = app.clock.now();
        let starts = self.from.map_or(now, |from| from.at(now));
        let ends = starts.plus_seconds(self.length);
        ensure!(ends > now, "it would be over before it begins");
        let id = Placed::name(&author, &comment, now);
        let placed = Placed { id, matchers, starts, ends, author, owner, comment };
        app.notify().await?.silence(&placed).await?;
        super::journal::write(app).await?;
        if self.json {
            writeln!(out, "{:#}", json!(placed))?;
        } else {
            writeln!(out, "{} counts from {} until {}", placed.id, placed.starts, placed.ends)?;
        }
        Ok(Exit::Ok)
    }
}

impl List {
    async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let silences = app.notify().await?.silences().await?;
        if self.json {
            writeln!(out, "{:#}", json!(silences))?;
            return Ok(Exit::Ok);
        }
        let now = app.clock.now();
        let row = |s: &Placed| {
            let state = match s.is_active(now) {
                true => "counts",
                false if s.ends <= now => "over",
                false => "will count",
            };
            let matchers: Vec<String> = s.matchers.iter().map(ToString::to_string).collect();
            let people = format!("{} ({})", s.author, s.owner);
            vec![
                s.id.clone(),
                state.to_owned(),
                s.starts.to_string(),
                s.ends.to_string(),
                people,
                matchers.join(" "),
                s.comment.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = silences.iter().map(row).collect();
        let heads = ["id", "state", "from", "until", "by (owner)", "what", "why"];
        table::print(&heads, &rows, out)?;
        Ok(Exit::Ok)
    }
}
