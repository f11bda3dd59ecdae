//! `watchkeeper list own`

use std::io::Write;

use clap::Args;
use wk_model::Timestamp;
use wk_model::complaint::printable;
use wk_watch::own::{Origin, Own};

use crate::cli::{Exit, table};
use crate::wire::App;

/// Show which accounts, addresses and hosts are ours, who says so, and of when that is.
///
/// It is put together from what AWS answered to our own inventory and from items of AWS Config that
/// are in the lake; nothing is ours because it was seen in use. The service does so every hour.
#[derive(Args)]
pub(super) struct Shown {
    /// Put it together anew from the lake first
    #[arg(long)]
    refresh: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Shown {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        app.config.own.aged()?;
        let known = if self.refresh { Some(app.gather_own().await?.0) } else { app.own()? };
        let Some(own) = known else {
            let why = match app.config.own.is_off() {
                true => "it is switched off: [own] sources is empty",
                false => "nothing was put together yet: watchkeeper list own --refresh",
            };
            writeln!(out, "{why}")?;
            return Ok(Exit::Partial);
        };
        if self.json {
            writeln!(out, "{:#}", serde_json::to_value(&own)?)?;
        } else {
            print(&own, app.clock.now(), out)?;
        }
        Ok(if own.is_empty() || !own.blind.is_empty() { Exit::Partial } else { Exit::Ok })
    }
}

fn print(own: &Own, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<()> {
    if own.is_empty() {
        writeln!(
            out,
            "the lake says nothing of what is ours: watchkeeper inventory run, or deliver AWS Config"
        )?;
    } else {
        let age = |origin: &Origin| format!("{} h", (now.seconds() - origin.at.seconds()) / 3_600);
        let row = |what: &str, name: String, of: String, origin: &Origin| {
            let (by, evidence) = (origin.by.clone(), origin.evidence.clone());
            vec![what.to_owned(), name, of, age(origin), by, table::cut(&evidence, 40)]
        };
        let mut rows = Vec::new();
        for (id, origin) in &own.organizations {
            rows.push(row("organization", id.clone(), String::new(), origin));
        }
        for (id, origin) in &own.accounts {
            rows.push(row("account", id.clone(), String::new(), origin));
        }
        for (address, origin) in &own.addresses {
            rows.push(row("address", address.to_string(), String::new(), origin));
        }
        for (id, host) in &own.hosts {
            let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
            let addresses = match addresses.is_empty() {
                true => "no public address is known".to_owned(),
                false => addresses.join(" "),
            };
            let profile = host.profile.as_ref().map_or(String::new(), |p| format!("{p}: "));
            let of = printable(format!("{profile}{addresses}").as_bytes()).to_string();
            rows.push(row("host", id.clone(), table::cut(&of, 70), &host.origin));
        }
        table::print(&["", "id", "goes out by", "age", "said by", "evidence"], &rows, out)?;
    }
    for why in &own.blind {
        writeln!(out, "not told: {}", printable(why.as_bytes()))?;
    }
    Ok(())
}
