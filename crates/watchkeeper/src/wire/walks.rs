//! Walks over accounts and regions: where one is kept until the lake has it, and how its captures come
//! out again with those of later walks over parts of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use wk_engine::inventory::{Progress, Walk, Walked};
use wk_model::complaint::printable;
use wk_model::{AccountId, Capture};
use wk_seam::aws::{AwsRead, ReadCall, Target};
use wk_watch::inventory::named;
use wk_watch::posture::members::{list, text, word};
use wk_watch::posture::{changes, renewed};
use wk_watch::sources;

use super::App;
use super::inventory::{FolderShelf, captures, make_private, rows, take_in};

/// An interrupted walk is gone on with if it is not older than this; then too much may have changed.
const GOES_ON_SECONDS: i64 = 6 * 3600;
/// What stands between the name of a walk and that of a later walk over a part of it.
const AGAIN: char = '+';
/// Where the captures of a look at a part lie until the lake has them.
const AGAIN_FOLDER: &str = "again";

/// The way to AWS, and where what is one for an account is asked.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) aws: Arc<dyn AwsRead>,
    pub(crate) home_region: String,
}

/// What is walked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Accounts besides our own.
    pub(crate) accounts: Vec<AccountId>,
    /// Only these regions; none are all that each account has switched on.
    pub(crate) regions: Vec<String>,
    /// Only questions to these services; none are all.
    pub(crate) services: Vec<String>,
    /// Profile of the AWS CLI.
    pub(crate) profile: Option<String>,
    /// Begin anew, also where an interrupted walk could be gone on with.
    pub(crate) anew: bool,
    /// Who walks: walks of others are not gone on with.
    pub(crate) by: &'static str,
}

impl App {
    /// The way to AWS that `[aws]` describes, by this profile if one is named.
    pub(crate) async fn way(&self, profile: Option<&str>) -> anyhow::Result<Way> {
        let mut settings = self.config.aws.settings()?;
        settings.profile = profile.map(str::to_owned).or(settings.profile);
        let client = wk_aws::Client::load(&settings, Arc::new(wk_aws::LoggedCalls)).await?;
        let Some(home_region) = client.region().map(str::to_owned) else {
            bail!("no region is named: set AWS_REGION, or the region of the profile or of [aws]");
        };
        Ok(Way { aws: Arc::new(client), home_region })
    }

    /// Walks everything that is wanted, and takes what was caught into the lake. Answers the name of
    /// the walk too.
    pub(crate) async fn walk(
        &self,
        way: &Way,
        wanted: &Wanted,
        progress: &Progress,
    ) -> anyhow::Result<(String, Walked)> {
        let (run, folder) = place(self, wanted)?;
        let walk = Walk {
            aws: way.aws.clone(),
            shelf: Arc::new(FolderShelf::open(&folder)?),
            clock: self.clock.clone(),
            run: run.clone(),
            accounts: wanted.accounts.clone(),
            only_accounts: false,
            regions: wanted.regions.clone(),
            home_region: way.home_region.clone(),
            services: wanted.services.clone(),
        };
        let walked = walk.run(progress).await?;
        take_in(self, &folder, &sources::inventory::SOURCE).await?;
        forget_plan(&folder)?;
        Ok((run, walked))
    }

    /// Walks a part of what a walk saw again, and takes it into the lake.
    pub(crate) async fn walk_again(
        &self,
        way: &Way,
        base: &str,
        look: &changes::Look,
    ) -> anyhow::Result<Walked> {
        let folder = self.home.path().join("inventory").join(AGAIN_FOLDER);
        if folder.try_exists()? {
            // A look was killed: what it caught is true of its time.
            take_in(self, &folder, &sources::inventory::SOURCE).await?;
        }
        let account = AccountId::try_from(look.account.clone())
            .with_context(|| format!("{:?} is no account", look.account))?;
        let run = format!("{base}{AGAIN}{}", name_of(self));
        let walk = Walk {
            aws: way.aws.clone(),
            shelf: Arc::new(FolderShelf::open(&folder)?),
            clock: self.clock.clone(),
            run,
            accounts: vec![account],
            only_accounts: true,
            regions: look.region.clone().into_iter().collect(),
            home_region: way.home_region.clone(),
            services: look.services.iter().map(|s| (*s).to_owned()).collect(),
        };
        let walked = walk.run(&Progress::default()).await?;
        take_in(self, &folder, &sources::inventory::SOURCE).await?;
        Ok(walked)
    }

    /// The captures of a walk, with those of later walks over parts of it in their place.
    pub(crate) async fn caught(&self, run: &str) -> anyhow::Result<Vec<Capture>> {
        let mut all = captures(self, run, "").await?;
        let looks = format!("SELECT DISTINCT run FROM inventory WHERE strpos(run, '{AGAIN}') > 0");
        // A walk takes a while: a look at a part may have been made meanwhile, beside the walk before.
        let time = |look: &String| look.split_once(AGAIN).map(|(_, time)| time.to_owned());
        let mut later: Vec<String> = rows(self, &looks).await?.into_iter().flatten().collect();
        later.retain(|look| time(look).is_some_and(|time| time.as_str() > run));
        later.sort_by_key(time);
        for again in later {
            all = renewed(all, captures(self, &again, "").await?);
        }
        Ok(all)
    }

    /// The name of the newest walk in the lake that was no second look at a part of another.
    pub(crate) async fn newest_walk(&self) -> anyhow::Result<Option<String>> {
        let sql = format!(
            "SELECT run FROM inventory WHERE strpos(run, '{AGAIN}') = 0 \
             GROUP BY run ORDER BY max(event_time) DESC LIMIT 1"
        );
        Ok(rows(self, &sql).await?.into_iter().flatten().next())
    }
}

/// Every active account of the organization.
pub(crate) async fn organization(way: &Way) -> anyhow::Result<Vec<AccountId>> {
    let Some(item) = named("organizations:ListAccounts").next() else {
        bail!("nobody asks for the organization's accounts");
    };
    let call = ReadCall {
        operation: &item.operation,
        parameters: json!({}),
        target: Target::region(&way.home_region),
        pages_max: item.pages_max,
        from: None,
    };
    let whole =
        way.aws.read(&call).await.map_err(|e| {
            anyhow::Error::new(e).context("could not list the organization's accounts")
        })?;
    if !whole.is_whole() {
        bail!("the organization has more accounts than are listed; name them by --account");
    }
    let mut accounts = Vec::new();
    for account in whole.pages.iter().flat_map(|page| list(page, "Accounts")) {
        if matches!(word(account, "Status"), "" | "ACTIVE")
            && let Some(id) = text(account, "Id")
        {
            accounts.push(AccountId::try_from(id.to_owned())?);
        }
    }
    Ok(accounts)
}

/// The walk to go on with, or a new one: its name and its folder.
fn place(app: &App, wanted: &Wanted) -> anyhow::Result<(String, PathBuf)> {
    let all = app.home.path().join("inventory");
    make_private(&all)?;
    let plan = json!({
        "accounts": wanted.accounts,
        "regions": wanted.regions,
        "services": wanted.services,
        "profile": wanted.profile,
        "by": wanted.by,
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
    for path in walks.into_iter().rev().filter(|_| !wanted.anew) {
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
    let name = name_of(app);
    let told = json!({"begun": now.seconds(), "plan": plan});
    fs::write(all.join(format!("{name}.json")), told.to_string())
        .context("could not note the walk")?;
    let folder = all.join(&name);
    Ok((name, folder))
}

/// A name for what is begun now.
pub(crate) fn name_of(app: &App) -> String {
    app.clock.now().to_string().chars().filter(|c| *c != ':').collect()
}

/// A walk that is in the lake is not gone on with.
fn forget_plan(folder: &Path) -> anyhow::Result<()> {
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
