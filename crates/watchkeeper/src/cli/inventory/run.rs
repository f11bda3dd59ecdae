//! `watchkeeper inventory run`

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_engine::inventory::{Progress, Walk, Walked};
use wk_model::AccountId;
use wk_model::complaint::printable;
use wk_seam::aws::{AwsRead as _, ReadCall, Target};
use wk_watch::inventory::{items, named};
use wk_watch::posture::members::{list, text, word};
use wk_watch::sources;

use crate::cli::{Exit, Usage};
use crate::wire::App;
use crate::wire::inventory::{FolderShelf, make_private, take_in};

/// An interrupted walk is gone on with if it is not older than this; then too much may have changed.
const GOES_ON_SECONDS: i64 = 6 * 3600;
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
        let mut settings = app.config.aws.settings()?;
        settings.profile = self.profile.clone().or(settings.profile);
        let client = wk_aws::Client::load(&settings, Arc::new(wk_aws::LoggedCalls)).await?;
        let Some(home_region) = client.region().map(str::to_owned) else {
            bail!("no region is named: set AWS_REGION, or the region of the profile or of [aws]");
        };
        let accounts = self.accounts(&client, &home_region).await?;
        if !accounts.is_empty() && settings.role.is_none() {
            let why = "other accounts are entered by a role: name it as [aws] role in config.toml";
            return Err(Usage::error(why));
        }
        let (run, folder) = self.place(app, &accounts)?;
        let walk = Walk {
            aws: Arc::new(client),
            shelf: Arc::new(FolderShelf::open(&folder)?),
            clock: app.clock.clone(),
            run: run.clone(),
            accounts,
            regions: self.region.clone(),
            home_region,
            services: self.service.clone(),
        };
        let progress = Arc::new(Progress::default());
        let walked = shown(&progress, walk.run(&progress)).await?;
        take_in(app, &folder, &sources::inventory::SOURCE).await?;
        forget_plan(&folder)?;
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

    async fn accounts(
        &self,
        client: &wk_aws::Client,
        home_region: &str,
    ) -> anyhow::Result<Vec<AccountId>> {
        let read = |id: &str| {
            AccountId::try_from(id.to_owned()).map_err(|e| Usage::error(format!("--account: {e}")))
        };
        let mut accounts: Vec<AccountId> =
            self.account.iter().map(|id| read(id)).collect::<anyhow::Result<_>>()?;
        if self.organization {
            let Some(item) = named("organizations:ListAccounts").next() else {
                bail!("nobody asks for the organization's accounts");
            };
            let call = ReadCall {
                operation: &item.operation,
                parameters: json!({}),
                target: Target::region(home_region),
                pages_max: item.pages_max,
                from: None,
            };
            let whole = client.read(&call).await.map_err(|e| {
                anyhow::Error::new(e).context("could not list the organization's accounts")
            })?;
            if !whole.is_whole() {
                bail!("the organization has more accounts than are listed; name them by --account");
            }
            for account in whole.pages.iter().flat_map(|page| list(page, "Accounts")) {
                if matches!(word(account, "Status"), "" | "ACTIVE") {
                    accounts.extend(text(account, "Id").map(read).transpose()?);
                }
            }
        }
        accounts.sort();
        accounts.dedup();
        Ok(accounts)
    }

    /// The walk to go on with, or a new one: its name and its folder.
    fn place(&self, app: &App, accounts: &[AccountId]) -> anyhow::Result<(String, PathBuf)> {
        let all = app.home.path().join("inventory");
        make_private(&all)?;
        let plan = json!({
            "accounts": accounts,
            "regions": self.region,
            "services": self.service,
            "profile": self.profile,
        });
        let now = app.clock.now();
        let mut walks = Vec::new();
        for entry in fs::read_dir(&all).context("could not read the folder of walks")? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "json") {
                walks.push(path);
            }
        }
        walks.sort();
        for path in walks.into_iter().rev().filter(|_| !self.anew) {
            let told: Value = serde_json::from_slice(&fs::read(&path)?)
                .with_context(|| format!("could not read {}", path.display()))?;
            let begun = told["begun"].as_i64().unwrap_or(0);
            let young = begun >= now.plus_seconds(-GOES_ON_SECONDS).seconds();
            let name = path.file_stem().and_then(|n| n.to_str());
            if let Some(name) = name.filter(|_| young && told["plan"] == plan) {
                tell(&format!("going on with the walk {name}, which was interrupted"));
                return Ok((name.to_owned(), all.join(name)));
            }
        }
        let name: String = now.to_string().chars().filter(|c| *c != ':').collect();
        let told = json!({"begun": now.seconds(), "plan": plan});
        fs::write(all.join(format!("{name}.json")), told.to_string())
            .context("could not note the walk")?;
        let folder = all.join(&name);
        Ok((name, folder))
    }
}

/// A walk that is in the lake is not gone on with.
fn forget_plan(folder: &std::path::Path) -> anyhow::Result<()> {
    let plan = folder.with_file_name(format!(
        "{}.json",
        folder.file_name().and_then(|n| n.to_str()).unwrap_or_default()
    ));
    fs::remove_file(&plan).with_context(|| format!("could not remove {}", plan.display()))
}

#[expect(clippy::print_stderr, reason = "what goes on beside the answer is told where errors are")]
fn tell(what: &str) {
    eprintln!("{}", printable(what.as_bytes()));
}

/// Runs a walk and shows how far it is, where a person looks.
async fn shown<T>(progress: &Arc<Progress>, work: impl Future<Output = T>) -> T {
    use std::io::IsTerminal as _;
    use std::sync::atomic::Ordering;
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let bar = indicatif::ProgressBar::new_spinner();
    tokio::pin!(work);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            _ = tick.tick() => {
                let asked = progress.asked.load(Ordering::Relaxed);
                let known = progress.known.load(Ordering::Relaxed);
                let regions = progress.regions.load(Ordering::Relaxed);
                bar.set_message(format!("{asked} questions, {known} known before, {regions} regions done"));
                bar.tick();
            }
        }
    }
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
