//! `watchkeeper inventory run`

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::{Value, json};
use wk_engine::inventory::{Progress, Walked};
use wk_model::AccountId;
use wk_model::complaint::printable;
use wk_watch::inventory::items;

use crate::cli::progress::told;
use crate::cli::{Exit, Usage};
use crate::wire::App;
use crate::wire::walks::{Wanted, Way, organization};

/// Blind questions that people are told of; `--json` tells more.
const TOLD_MAX: usize = 20;

/// Ask every account and region, and keep the answers in the lake.
///
/// What is denied or fails is kept as that, and never taken for "there is none". A walk that was
/// interrupted goes on where it was. Nothing is changed in AWS.
#[derive(Args)]
pub(super) struct Run {
    /// Only this region; may be repeated [default: all that each account has switched on]
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// An account besides our own, entered by the role of config.toml; may be repeated
    #[arg(long, value_name = "ID")]
    account: Vec<String>,
    /// Every active account of the organization
    #[arg(long)]
    organization: bool,
    /// Only questions to this service; may be repeated
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,
    /// Profile of the AWS CLI
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Begin anew, also where an interrupted walk could be gone on with
    #[arg(long)]
    anew: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        self.check_services()?;
        let way = app.way(self.profile.as_deref()).await?;
        let accounts = self.accounts(&way).await?;
        if !accounts.is_empty() && app.config.aws.role.is_none() {
            let why = "other accounts are entered by a role: name it as [aws] role in config.toml";
            return Err(Usage::error(why));
        }
        let wanted = Wanted {
            accounts,
            regions: self.region.clone(),
            services: self.service.clone(),
            profile: self.profile.clone(),
            anew: self.anew,
            by: "a person",
        };
        let progress = Arc::new(Progress::default());
        let (run, walked) = told(|| how_far(&progress), app.walk(&way, &wanted, &progress)).await?;
        if self.json {
            writeln!(out, "{:#}", as_json(&run, &walked))?;
        } else {
            print(&run, &walked, out)?;
        }
        Ok(if walked.is_whole() { Exit::Ok } else { Exit::Partial })
    }

    fn check_services(&self) -> anyhow::Result<()> {
        for service in &self.service {
            if !items().any(|item| item.operation.service == service) {
                let mut known: Vec<&str> = items().map(|item| item.operation.service).collect();
                known.sort_unstable();
                known.dedup();
                let known = known.join(", ");
                return Err(Usage::error(format!("--service {service}: there are {known}")));
            }
        }
        Ok(())
    }

    async fn accounts(&self, way: &Way) -> anyhow::Result<Vec<AccountId>> {
        let read = |id: &String| {
            AccountId::try_from(id.clone()).map_err(|e| Usage::error(format!("--account: {e}")))
        };
        let mut accounts: Vec<AccountId> =
            self.account.iter().map(read).collect::<anyhow::Result<_>>()?;
        if self.organization {
            accounts.extend(organization(way).await?);
        }
        accounts.sort();
        accounts.dedup();
        Ok(accounts)
    }
}

/// How far a walk is.
fn how_far(progress: &Progress) -> String {
    let asked = progress.asked.load(Ordering::Relaxed);
    let known = progress.known.load(Ordering::Relaxed);
    let regions = progress.regions.load(Ordering::Relaxed);
    format!("{asked} questions, {known} known before, {regions} regions done")
}

fn as_json(run: &str, walked: &Walked) -> Value {
    json!({
        "run": run,
        "accounts": walked.accounts,
        "not_entered": walked.not_entered.iter().map(|(id, why)| json!({"account": id, "why": why})).collect::<Vec<_>>(),
        "regions": walked.regions,
        "captures": walked.outcomes,
        "whole": walked.is_whole(),
        "blind": walked.blind,
        "blind_more": walked.blind_more,
    })
}

fn print(run: &str, walked: &Walked, out: &mut dyn Write) -> anyhow::Result<()> {
    let counts: Vec<String> = walked.outcomes.iter().map(|(w, n)| format!("{n} {w}")).collect();
    writeln!(
        out,
        "walk {run}: {} accounts, {} regions; {}",
        walked.accounts.len(),
        walked.regions,
        counts.join(", ")
    )?;
    for (account, why) in &walked.not_entered {
        writeln!(out, "not entered: {account}: {}", printable(why.as_bytes()))?;
    }
    if !walked.blind.is_empty() {
        writeln!(out, "\nNot seen, and not taken for absent:")?;
    }
    for line in walked.blind.iter().take(TOLD_MAX) {
        writeln!(out, "  {}", printable(line.as_bytes()))?;
    }
    let more = walked.blind.len().saturating_sub(TOLD_MAX) as u64 + walked.blind_more;
    if more > 0 {
        writeln!(out, "  and {more} more: watchkeeper inventory show --state denied")?;
    }
    writeln!(
        out,
        "\nwatchkeeper check run judges it; SQL: SELECT * FROM inventory WHERE run = '{run}'"
    )?;
    Ok(())
}
