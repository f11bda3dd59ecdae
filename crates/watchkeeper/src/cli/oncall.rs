//! `watchkeeper oncall`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;
use wk_act::notices::{Policy, Shift};

use super::when::{When, when};
use super::{Exit, table};
use crate::wire::App;

/// Who is on call, as [oncall] in config.toml says.
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

/// List shifts.
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
    pub(crate) fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let policy = app.config.notices()?;
        let now = app.clock.now();
        match self.what {
            What::Who(who) => {
                let at = who.at.map_or(now, |at| at.at(now));
                if let Some(channel) = &policy.oncall_channel {
                    writeln!(out, "whoever {channel} reaches: another product keeps the rota")?;
                    return Ok(Exit::Ok);
                }
                match policy.rota.who(at) {
                    Some(person) => {
                        writeln!(out, "{person}, by {}", reached(&policy, person))?;
                        Ok(Exit::Ok)
                    }
                    None => {
                        writeln!(out, "nobody")?;
                        Ok(Exit::Found)
                    }
                }
            }
            What::List(list) => {
                let until = now.plus_seconds(i64::from(list.days) * 86_400);
                print(&policy.rota.shifts(now, until), list.json, out)
            }
        }
    }
}

fn reached(policy: &Policy, person: &str) -> String {
    policy.people.get(person).map(|channels| channels.join(", ")).unwrap_or_default()
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
