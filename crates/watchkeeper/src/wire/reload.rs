//! Reads rules, lists and databases again while the service runs, when their files change.
//!
//! * What cannot be read takes nothing away: what held before goes on, and that is told and counted.
//! * Every hour they are read anew in any case: lists and what is ours grow old.
//! * What config.toml says, and routes, are read when the service begins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use wk_act::routes::Routes;
use wk_engine::service::{InForce, Job, Post, counts};
use wk_seam::Answer;
use wk_watch::detect::BadRule;

use super::rules::Said;
use super::{App, rule_files};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(10);
/// After so many looks everything is read anew.
const LOOKS_MAX: u32 = 360;

/// The job that does so.
pub(super) fn job(app: &Arc<App>, rules: Arc<InForce>, bad: &[BadRule]) -> anyhow::Result<Job> {
    let (routes, _) = app.home.routes()?;
    let known = bad.iter().map(ToString::to_string).chain(app.surroundings().2).collect();
    let routes = Arc::new(routes);
    let of = Reload { app: app.clone(), rules, routes, begun: app.marks()?, known };
    Ok(super::service::job("rules", Arc::new(of), |of, post| {
        Box::pin(async move { of.run(&post).await })
    }))
}

/// Files by their paths, each with the time of its last change and its length.
type Marks = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

struct Reload {
    app: Arc<App>,
    rules: Arc<InForce>,
    /// Those that the service began with.
    routes: Arc<Routes>,
    /// How the files were when the service began.
    begun: Marks,
    /// What was wrong then: it is no news.
    known: BTreeSet<String>,
}

impl Reload {
    async fn run(&self, post: &Post) -> Answer<()> {
        let (mut marks, mut looks) = (self.begun.clone(), 0);
        while post.stop.pause(LOOK).await {
            looks += 1;
            let now = match self.app.marks() {
                Ok(now) => now,
                Err(e) => {
                    post.trouble(
                        "the files of rules and lists cannot be looked at",
                        &format!("{e:#}"),
                    );
                    continue;
                }
            };
            if now == marks && looks < LOOKS_MAX {
                continue;
            }
            (marks, looks) = (now, 0);
            match self.read().await {
                Ok(became) => {
                    post.tools.counts.add(counts::RELOADS, &[("became", became)], 1);
                    post.well();
                }
                Err(e) => {
                    post.tools.counts.add(counts::RELOADS, &[("became", "refused")], 1);
                    let what = "changed rules or lists cannot be read; those of before go on";
                    post.trouble(what, &format!("{e:#}"));
                }
            }
        }
        Ok(())
    }

    /// Reads everything and puts it in force. Answers what became of it.
    async fn read(&self) -> anyhow::Result<&'static str> {
        let (app, routes) = (self.app.clone(), self.routes.clone());
        let read = tokio::task::spawn_blocking(move || app.detections_with(&routes));
        let (detections, bad, told) = read.await.context("reading them broke off")??;
        let news: Vec<String> = bad
            .iter()
            .map(ToString::to_string)
            .chain(told.into_iter().filter(|line| is_unreadable(line)))
            .filter(|line| !self.known.contains(line))
            .collect();
        anyhow::ensure!(news.is_empty(), "{}", news.join("; "));
        let same = detections.hash() == self.rules.now().hash();
        if !same {
            self.app.note_rules(&detections, &Said::default()).await?;
            tracing::info!(
                ruleset = detections.hash(),
                rules = detections.rules().len(),
                lists = detections.surroundings().lists_text().lines().count(),
                "changed rules or lists are in force"
            );
        }
        self.rules.put(Arc::new(detections));
        Ok(if same { "the same" } else { "taken" })
    }
}

/// Whether a list or database could not be read at all; that one grows old is no reason to keep what
/// was read before.
fn is_unreadable(told: &str) -> bool {
    told.starts_with('[')
}

impl App {
    /// How the files of rules, lists and databases are now.
    fn marks(&self) -> anyhow::Result<Marks> {
        let home = self.home.path();
        let lists = self.config.list.iter().map(|list| home.join(&list.file));
        let databases = self.config.places.databases.iter().map(|file| home.join(file));
        let mut paths: Vec<PathBuf> = lists.chain(databases).collect();
        paths.push(home.join("own.json"));
        let own = home.join("rules");
        if own.try_exists()? {
            paths.extend(rule_files(&own)?.into_iter().map(|(file, _)| PathBuf::from(file)));
        }
        let mark = |path: &PathBuf| match fs::metadata(path) {
            Ok(about) => (about.modified().ok(), about.len()),
            Err(_) => (None, 0),
        };
        Ok(paths.into_iter().map(|path| (path.clone(), mark(&path))).collect())
    }
}
