//! Looks at everything that config.toml names, and says of each whether it is there.

mod people;

use std::path::Path;
use std::sync::Arc;

use wk_seam::queue::Queue as _;
use wk_store::objects::{Reach, S3Settings};

use super::cloudwatch::LogGroup;
use super::service::{buckets, sqs};
use super::{App, rule_files};
use crate::config::{Config, Home, service as config};

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The file, and where in it, as far as that is known.
    pub(crate) file: String,
    /// The key: `[[queue]] url`.
    pub(crate) key: String,
    /// How it is.
    pub(crate) state: State,
    /// What was found, or what to do about it.
    pub(crate) say: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// It works, but not as it may be meant.
    Doubtful,
    /// It does not work.
    Wrong,
}

impl State {
    /// In a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubtful => "warning",
            Self::Wrong => "error",
        }
    }
}

/// Everything that was looked at.
#[derive(Debug, Default)]
pub(crate) struct Check {
    /// In the order in which it was looked at.
    pub(crate) all: Vec<Looked>,
    /// The file whose keys are looked at.
    file: String,
}

impl Check {
    /// Looks at the configuration of a home; with `reach`, also at what lies outside this machine.
    pub(crate) async fn of(home: Home, reach: bool) -> Self {
        let file = home.config();
        let mut check = Self { all: Vec::new(), file: file.display().to_string() };
        let config = match Config::read(&file) {
            Ok(config) => config,
            Err(e) => {
                check.wrong("config.toml", format!("{e:#}"));
                return check;
            }
        };
        match file.try_exists() {
            Ok(true) => check.good("config.toml", "it can be read".to_owned()),
            _ => check
                .doubtful("config.toml", "it is not there; every key has its default".to_owned()),
        }
        for (key, why) in config::mistakes(&config) {
            check.wrong(&key, why);
        }
        check.values(&config, &home);
        for folder in &config.folder {
            check.folder(folder, &home);
        }
        check.rules(&home);
        check.routes(&config, &home);
        check.people(&config);
        if config::watches_nothing(&config) {
            let key = "[[folder]], [[queue]], [[listing]], [[cloudwatch]], [otlp]";
            check.doubtful(key, "nothing is watched: watchkeeper run needs one of them".to_owned());
        }
        if reach {
            check.outside(&config, home).await;
        } else if !config.queue.is_empty()
            || !config.listing.is_empty()
            || !config.cloudwatch.is_empty()
            || config.lake.location.is_some()
            || config.smtp.is_some()
            || config.backup.to.starts_with("s3://")
            || matches!(config.pagerduty(), Ok(Some(_)))
        {
            let say = "AWS, mail server and PagerDuty were not asked, because of --offline";
            check.doubtful("--offline", say.to_owned());
        }
        check
    }

    /// Whether anything does not work.
    pub(crate) fn is_wrong(&self) -> bool {
        self.all.iter().any(|looked| looked.state == State::Wrong)
    }

    fn add(&mut self, key: &str, state: State, say: String) {
        let file = self.file.clone();
        self.all.push(Looked { file, key: key.to_owned(), state, say });
    }

    fn good(&mut self, key: &str, say: String) {
        self.add(key, State::Good, say);
    }

    fn doubtful(&mut self, key: &str, say: String) {
        self.add(key, State::Doubtful, say);
    }

    fn wrong(&mut self, key: &str, say: String) {
        self.add(key, State::Wrong, say);
    }

    fn told(&mut self, key: &str, found: anyhow::Result<String>) {
        match found {
            Ok(say) => self.good(key, say),
            Err(e) => self.wrong(key, format!("{e:#}")),
        }
    }

    fn values(&mut self, config: &Config, home: &Home) {
        let policy = config.retention.policy().map(|policy| match policy.is_empty() {
            true => "nothing is ever deleted".to_owned(),
            false => format!("policy {}", policy.digest().short()),
        });
        self.told("[retention]", policy);
        let limits = config.selfwatch.limits().map(|_| "limits are understood".to_owned());
        self.told("[selfwatch]", limits);
        let triage = config.triage.policy().map(|p| format!("from {} on", p.severity_min.word()));
        self.told("[triage]", triage);
        let modes = config.detect.modes().map(|modes| format!("{} modes of rules", modes.len()));
        self.told("[detect]", modes);
        let waits = config.detect.lateness().and_then(|waits| {
            let (minutes, own) = (waits.others / 60, waits.of.len());
            let days = config.detect.look_back_days()?;
            Ok(format!(
                "{minutes} minutes, {own} sources with their own; look back over {days} days"
            ))
        });
        self.told("[detect] lateness", waits);
        let own = config.own.aged().map(|aged| match config.own.is_off() {
            true => "it is not put together what is ours".to_owned(),
            false => format!("at most {} hours old", aged.hours_max),
        });
        self.told("[own]", own);
        let groups = config.log_groups.tables().map(|t| format!("{} patterns", t.len()));
        self.told("[log_groups]", groups);
        self.backup(config, home);
        let inventory = config.inventory.look(config.aws.role.is_some());
        match (&inventory, config.inventory.at.is_empty()) {
            (Ok(say), true) => self.doubtful("[inventory] at", format!("{say}: name a time")),
            _ => self.told("[inventory]", inventory),
        }
        let daily = if config.drill.off { "off" } else { "daily at 09:00, monthly at 09:30" };
        let schedules = format!(
            "compact, look back and what is ours hourly; journal every 10 min; sweep 03:00, expire 04:00, forget 05:00; drills {daily} (UTC)"
        );
        self.good("schedules", schedules);
    }

    fn backup(&mut self, config: &Config, home: &Home) {
        let backup = &config.backup;
        match backup.target(home.path()) {
            Ok(None) => {
                let say =
                    "the service makes no backups; a folder on another disk, or s3://bucket/prefix";
                self.doubtful("[backup] to", say.to_owned());
            }
            Ok(Some(_)) => {
                let (to, at, keep) = (&backup.to, &backup.at, backup.keep);
                self.good("[backup] to", format!("daily at {at} UTC to {to}, {keep} are kept"));
            }
            Err(e) => self.wrong("[backup] to", format!("{e:#}")),
        }
    }

    fn folder(&mut self, folder: &config::Folder, home: &Home) {
        let key = "[[folder]] path";
        let path = Path::new(&folder.path);
        let looked = || -> anyhow::Result<String> {
            let real = std::fs::canonicalize(path)?;
            if home.path().starts_with(&real) || real.starts_with(home.path()) {
                anyhow::bail!(
                    "it holds the home directory, or lies in it: Watchkeeper would read its own files"
                );
            }
            let entries = std::fs::read_dir(&real)?.take(1000).count();
            let some = if entries == 1000 { "1000 entries or more" } else { "can be read" };
            Ok(format!("{:?}: {some}", folder.path))
        };
        let found = looked().map_err(|e| e.context(format!("{:?}", folder.path)));
        self.told(key, found);
    }

    fn rules(&mut self, home: &Home) {
        let own = home.path().join("rules");
        if !own.try_exists().unwrap_or(false) {
            return;
        }
        let config = std::mem::replace(&mut self.file, own.display().to_string());
        let read = rule_files(&own).map(|files| {
            let (detections, bad) = wk_watch::detect::Detections::built_in_and(files.into_iter());
            (detections.rules().len(), bad)
        });
        match read {
            Err(e) => self.wrong("rules", format!("{e:#}")),
            Ok((count, bad)) => {
                self.good("rules", format!("{count} rules"));
                for rule in bad {
                    self.file.clone_from(&rule.file);
                    self.doubtful("rules", format!("left out: {}", rule.error));
                }
            }
        }
        self.file = config;
    }

    /// What AWS, or what stands in for it, says.
    async fn outside(&mut self, config: &Config, home: Home) {
        for queue in &config.queue {
            for (key, address) in
                [("url", Some(&queue.url)), ("dead_letters", queue.dead_letters.as_ref())]
            {
                if let Some(address) = address {
                    let found = look_at_queue(queue, key, address).await;
                    self.told(&format!("[[queue]] {key}"), found);
                }
            }
            if queue.dead_letters.is_none() {
                let say = format!(
                    "{:?} names no dead_letters: what cannot be read is seen by nobody",
                    queue.url
                );
                self.doubtful("[[queue]] dead_letters", say);
            }
        }
        for listing in &config.listing {
            self.told("[[listing]] location", look_at_listing(listing).await);
        }
        for group in &config.cloudwatch {
            self.told("[[cloudwatch]] log_group", look_at_group(group, home.clone()).await);
        }
        if config.lake.location.is_some() {
            self.told("[lake] location", look_at_lake(home.clone()).await);
        }
        if config.backup.to.starts_with("s3://") {
            self.told("[backup] to", look_at_backups(home).await);
        }
        self.people_outside(config).await;
    }
}

async fn look_at_queue(queue: &config::Queue, key: &str, address: &str) -> anyhow::Result<String> {
    let settings = wk_aws::Settings {
        profile: queue.profile.clone(),
        region: queue.region.clone(),
        endpoint: queue.endpoint.clone(),
        role: None,
    };
    let depth = sqs(key, address, &settings).await?.depth().await?;
    Ok(format!("{address}: {} messages wait, {} are in flight", depth.waiting, depth.in_flight))
}

async fn look_at_listing(listing: &config::Listing) -> anyhow::Result<String> {
    let (bucket, prefix) = listing.parts()?;
    let (region, endpoint) = (listing.region.clone(), listing.endpoint.clone());
    let settings = S3Settings { region, endpoint, sse_kms_key: None };
    let reach = Reach { settings, allowed: vec![bucket.clone()] };
    let buckets = buckets(listing.profile.as_deref(), reach).await?;
    let level = buckets.bucket(&bucket, None).await?.level(&prefix).await?;
    let (folders, objects) = (level.folders.len(), level.objects.len());
    Ok(format!("{}: {folders} folders and {objects} objects at its top", listing.location))
}

async fn look_at_group(group: &config::CloudWatch, home: Home) -> anyhow::Result<String> {
    use wk_seam::rounds::Rounds as _;
    let now = App::open(home)?.clock.now();
    let page = LogGroup::open(group, now).await?.page(None, now).await?;
    Ok(format!("{}: {} documents on its first page", group.log_group, page.documents.len()))
}

async fn look_at_lake(home: Home) -> anyhow::Result<String> {
    let app = Arc::new(App::open(home)?);
    let there = app.files().await?.read_small("lake.json").await?.is_some();
    Ok(if there {
        "it holds a lake".to_owned()
    } else {
        "it can be reached and holds no lake yet".to_owned()
    })
}

async fn look_at_backups(home: Home) -> anyhow::Result<String> {
    let app = App::open(home)?;
    let to = app.config.backup.to.clone();
    let there = super::backup::place(&app, &to).await?.list("").await?;
    Ok(format!("it can be listed: {} files", there.len()))
}
