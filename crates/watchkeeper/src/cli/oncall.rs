//! `watchkeeper oncall`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;
use wk_act::notices::{Duty, ONCALL, Policy, Shift};
use wk_model::Timestamp;
use wk_model::complaint::printable;

use super::when::{When, when};
use super::{Exit, table};
use crate::wire::App;

/// Who is on call, as [oncall] in config.toml says, and PagerDuty where it is asked.
#[derive(Args)]
pub(crate) struct Oncall {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Who(Who),
    List(List),
}

/// Who is on call. Exit code 1 if nobody is.
#[derive(Args)]
struct Who {
    /// At this time; default: now
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    at: Option<When>,
}

/// List shifts of the own rota.
#[derive(Args)]
struct List {
    /// So many days from now on
    #[arg(long, default_value_t = 14, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Oncall {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let policy = app.config.notices()?;
        let now = app.clock.now();
        match self.what {
            What::Who(who) => {
                let at = who.at.map_or(now, |at| at.at(now));
                self::who(app, &policy, at, out).await
            }
            What::List(list) => {
                let until = now.plus_seconds(i64::from(list.days) * 86_400);
                print(&policy.rota.shifts(now, until), list.json, out)
            }
        }
    }
}

/// Whoever is told where a route or a step names `oncall`.
async fn who(
    app: &App,
    policy: &Policy,
    at: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let duty = match app.pager()?.filter(|_| policy.asked.is_some()) {
        None => Duty::default(),
        Some(pager) => match pager.on_call(at, at.plus_seconds(60)).await {
            Ok(all) => Duty { said: Some((at, all)), failed: None },
            Err(why) => Duty { said: None, failed: Some(why.reason) },
        },
    };
    if policy.asked.is_some() {
        for one in duty.at(at).unwrap_or_default() {
            let (name, id) = (printable(one.name.as_bytes()), printable(one.id.as_bytes()));
            writeln!(out, "PagerDuty: {name} ({id})")?;
        }
    }
    let meant = policy.meant(&[ONCALL.to_owned()], at, &duty);
    if let Some(note) = &meant.note {
        writeln!(out, "{}", printable(note.as_bytes()))?;
    }
    if meant.channels == [ONCALL] {
        writeln!(out, "nobody")?;
        return Ok(Exit::Found);
    }
    let by = meant.channels.join(", ");
    if policy.asked.is_some() {
        writeln!(out, "told by {by}")?;
    } else if let Some(channel) = &policy.oncall_channel {
        writeln!(out, "whoever {channel} reaches: another product keeps the rota")?;
    } else {
        writeln!(out, "{}, by {by}", policy.rota.who(at).unwrap_or_default())?;
    }
    Ok(Exit::Ok)
}

fn print(shifts: &[Shift], as_json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if as_json {
        let all: Vec<_> = shifts
            .iter()
            .map(|s| json!({"person": s.person, "from": s.from.to_string(), "until": s.until.to_string()}))
            .collect();
        writeln!(out, "{:#}", json!(all))?;
        return Ok(Exit::Ok);
    }
    let row = |s: &Shift| {
        let person = s.person.clone().unwrap_or_else(|| "nobody".to_owned());
        vec![person, s.from.to_string(), s.until.to_string()]
    };
    let rows: Vec<Vec<String>> = shifts.iter().map(row).collect();
    table::print(&["person", "from", "until"], &rows, out)?;
    Ok(Exit::Ok)
}
