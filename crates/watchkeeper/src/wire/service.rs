//! Puts the service together: every job with what it needs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use wk_engine::selfwatch::Selfwatch;
use wk_engine::service::detection::Detection;
use wk_engine::service::folder::FolderPull;
use wk_engine::service::intake::{Door, Intake};
use wk_engine::service::listing::ListingPull;
use wk_engine::service::notices::Notices;
use wk_engine::service::queue::{self, QueuePull};
use wk_engine::service::rounds::RoundsPull;
use wk_engine::service::schedule::{self, Scheduled, When};
use wk_engine::service::selfwatch::{More, SelfwatchJob};
use wk_engine::service::spool::SpoolPull;
use wk_engine::service::supervisor::Patience;
use wk_engine::service::{Board, InForce, Job, Post, Tools, folder, intake, listing};
use wk_model::Timestamp;
use wk_seam::bookmarks::Bookmarks;
use wk_seam::objects::Buckets;
use wk_seam::queue::Queue;
use wk_seam::spool::Spool;
use wk_seam::{Answer, Failure};
use wk_store::bookmarks::SqliteBookmarks;
use wk_store::objects::{LocalTree, Reach, S3Buckets, S3Settings};
use wk_store::spool::FolderSpool;
use wk_watch::detect::{BadRule, Detections};
use wk_watch::selfwatch::Heard;
use wk_watch::selfwatch::facts::{ClockFacts, RuleFacts};

use super::changes::{self, ChangeWatch};
use super::rules::Said;
use super::{App, reload, tell_bad_rules};
use crate::api::otlp::Receiver;
use crate::api::{self, Shown};
use crate::cli::drill::{self, Which};
use crate::config::service as config;

/// A service that is put together and not begun.
pub(crate) struct Service {
    /// Its jobs.
    pub(crate) jobs: Vec<Job>,
    /// What they work with.
    pub(crate) tools: Tools,
    /// How they are.
    pub(crate) board: Arc<Board>,
    /// How long it has patience.
    pub(crate) patience: Patience,
}

/// What the jobs are made with.
struct Parts {
    app: Arc<App>,
    bookmarks: Arc<dyn Bookmarks>,
    door: Door,
    /// Who tells what another clock says.
    clocks: Vec<OtherClock>,
}

impl Service {
    /// The service that config.toml describes.
    pub(crate) async fn of(app: &Arc<App>) -> anyhow::Result<Self> {
        let config = &app.config;
        if config::watches_nothing(config) {
            anyhow::bail!(
                "there is nothing to watch: name a [[folder]], a [[queue]], a [[listing]], a [[cloudwatch]] or an [otlp] address in {}",
                app.home.config().display()
            );
        }
        if let Some((key, why)) = config::mistakes(config).into_iter().next() {
            anyhow::bail!("{key}: {why}; watchkeeper config check names everything that is wrong");
        }
        let tools = Tools::new(app.clock.clone());
        let board = Arc::new(Board::new(app.clock.clone()));
        let bookmarks = Arc::new(SqliteBookmarks::open(app.home.path(), app.clock.clone())?);
        let (detections, broken) = app.detections_and_bad()?;
        tell_bad_rules(&broken);
        tools.hear(|heard| heard.rules = Some(rules(&detections, &broken, app.clock.now())));
        let ingest = Arc::new(app.ingest(None, detections).await?);
        // A lake of another ledger is refused above, before anything is noted in this one.
        let rules = InForce::of(ingest.detections.clone());
        app.note_rules(&rules.now(), &Said::default()).await?;
        let limits = intake::Limits {
            gather: Duration::from_secs(config.service.gather_seconds),
            ..intake::Limits::default()
        };
        let (intake, door) = Intake::under(rules.clone(), ingest, limits, tools.clone());
        let mut parts = Parts { app: app.clone(), bookmarks, door, clocks: Vec::new() };
        let mut jobs = vec![job("intake", intake, |intake, post| {
            Box::pin(async move { intake.run(&post).await })
        })];
        for folder in &config.folder {
            jobs.push(parts.folder(folder)?);
        }
        for queue in &config.queue {
            jobs.push(parts.queue(queue).await?);
        }
        for listing in &config.listing {
            jobs.push(parts.listing(listing).await?);
        }
        for group in &config.cloudwatch {
            jobs.push(parts.cloudwatch(group).await?);
        }
        jobs.extend(parts.otlp(&tools)?);
        jobs.extend(parts.scheduled()?);
        jobs.push(parts.look_back(rules.clone()));
        jobs.push(parts.detection(rules.clone()));
        jobs.push(reload::job(app, rules, &broken)?);
        jobs.extend(parts.posture()?);
        jobs.extend(parts.notices().await?);
        jobs.push(parts.selfwatch()?);
        if let Some(address) = config::loopback("[service] listen", &config.service.listen)? {
            let shown = Shown { tools: tools.clone(), board: board.clone() };
            jobs.push(api::serve::job("http", address, api::pages(shown))?);
        }
        let to_stop = Duration::from_secs(config.service.stop_seconds);
        Ok(Self { jobs, tools, board, patience: Patience { to_stop, ..Patience::default() } })
    }
}

type Running = wk_seam::Future<'static, Answer<()>>;

/// Tells what another clock says, once it has said something.
type OtherClock = Arc<dyn Fn() -> Option<ClockFacts> + Send + Sync>;

fn clock_of(by: &'static str, client: &wk_aws::Client) -> OtherClock {
    let client = client.clone();
    Arc::new(move || {
        let ahead_seconds = client.clock_ahead_seconds()?.saturating_neg();
        Some(ClockFacts { by: by.to_owned(), ahead_seconds })
    })
}

/// Of several clocks the one that is nearest to ours: that ours is wrong, all of them say.
fn least_apart(clocks: impl Iterator<Item = ClockFacts>) -> Option<ClockFacts> {
    clocks.min_by_key(|clock| clock.ahead_seconds.unsigned_abs())
}

/// What is known of the rules that run.
pub(super) fn rules(detections: &Detections, broken: &[BadRule], since: Timestamp) -> RuleFacts {
    let failed = broken.iter().map(ToString::to_string).collect();
    RuleFacts { loaded: detections.rules().len() as u64, failed, since }
}

fn unheard(error: anyhow::Error) -> Failure {
    Failure::new("hear of the disk, the outbox and the drills", error).transient()
}

/// A job that runs something that is shared by all its beginnings.
pub(super) fn job<T: Send + Sync + 'static>(
    name: impl Into<String>,
    of: Arc<T>,
    run: impl Fn(Arc<T>, Post) -> Running + Send + Sync + 'static,
) -> Job {
    Job { name: name.into(), work: Box::new(move |post| run(of.clone(), post)) }
}

impl Parts {
    fn folder(&self, config: &config::Folder) -> anyhow::Result<Job> {
        let path = std::path::absolute(&config.path)
            .with_context(|| format!("could not find the [[folder]] {:?}", config.path))?;
        let path = path.display().to_string();
        let pull = FolderPull {
            place: Arc::new(LocalTree::new(&path)),
            bookmarks: self.bookmarks.clone(),
            door: self.door.clone(),
            limits: folder::Limits {
                poll: Duration::from_secs(config.poll_seconds),
                settle_seconds: i64::try_from(config.settle_seconds).unwrap_or(i64::MAX),
                ..folder::Limits::default()
            },
            path: path.clone(),
        };
        Ok(job(format!("folder {path}"), Arc::new(pull), |pull, post| {
            Box::pin(async move { pull.run(&post).await })
        }))
    }

    async fn queue(&mut self, config: &config::Queue) -> anyhow::Result<Job> {
        let settings = wk_aws::Settings {
            profile: config.profile.clone(),
            region: config.region.clone(),
            endpoint: config.endpoint.clone(),
            role: None,
        };
        let queue = sqs("url", &config.url, &settings).await?;
        self.clocks.push(clock_of("SQS", queue.client()));
        let dead_letters: Option<Arc<dyn Queue>> = match &config.dead_letters {
            Some(dead) => Some(Arc::new(sqs("dead_letters", dead, &settings).await?)),
            None => None,
        };
        let (region, endpoint) = (config.region.clone(), config.endpoint.clone());
        let reach = Reach {
            settings: S3Settings { region, endpoint, sse_kms_key: None },
            allowed: config.buckets.clone(),
        };
        let pull = QueuePull {
            queue: Arc::new(queue),
            dead_letters,
            buckets: buckets(config.profile.as_deref(), reach).await?,
            door: self.door.clone(),
            limits: queue::Limits {
                invisible_seconds: config.invisible_seconds,
                held: config.held,
                ..queue::Limits::default()
            },
        };
        let name = config.url.rsplit(['/', ':']).next().unwrap_or(&config.url);
        Ok(job(format!("queue {name}"), Arc::new(pull), |pull, post| {
            Box::pin(async move { pull.run(&post).await })
        }))
    }

    async fn listing(&self, config: &config::Listing) -> anyhow::Result<Job> {
        let (bucket, prefix) = config.parts()?;
        let (region, endpoint) = (config.region.clone(), config.endpoint.clone());
        let reach = Reach {
            settings: S3Settings { region, endpoint, sse_kms_key: None },
            allowed: vec![bucket.clone()],
        };
        let pull = ListingPull {
            bucket,
            prefix,
            buckets: buckets(config.profile.as_deref(), reach).await?,
            ledger: Arc::new(self.app.ledger.clone()),
            bookmarks: self.bookmarks.clone(),
            door: self.door.clone(),
            limits: listing::Limits {
                every: Duration::from_secs(config.every_minutes * 60),
                grace_seconds: i64::from(config.grace_minutes) * 60,
                first_days: i32::from(config.first_days),
                overlap_days: i32::from(config.overlap_days),
            },
            location: config.location.clone(),
        };
        let name = format!("listing {}", config.location);
        Ok(job(name, Arc::new(pull), |pull, post| Box::pin(async move { pull.run(&post).await })))
    }

    async fn cloudwatch(&mut self, config: &config::CloudWatch) -> anyhow::Result<Job> {
        let logs = super::cloudwatch::LogGroup::open(config, self.app.clock.now()).await?;
        self.clocks.push(clock_of("CloudWatch Logs", &logs.client));
        let pull = RoundsPull {
            logs: Arc::new(logs),
            path: "logs",
            bookmarks: self.bookmarks.clone(),
            door: self.door.clone(),
            every: Duration::from_secs(config.every_seconds),
        };
        Ok(job(format!("cloudwatch {}", config.log_group), Arc::new(pull), |pull, post| {
            Box::pin(async move { pull.run(&post).await })
        }))
    }

    /// What takes logs, and what reads the spool in which it keeps them. A spool of an earlier run
    /// is read even if nothing is taken any more.
    fn otlp(&self, tools: &Tools) -> anyhow::Result<Vec<Job>> {
        let config = &self.app.config.otlp;
        let folder = self.app.home.path().join("spool");
        let http = config::loopback("[otlp] http", &config.http)?;
        let grpc = config::loopback("[otlp] grpc", &config.grpc)?;
        if http.is_none() && grpc.is_none() && !folder.try_exists()? {
            return Ok(Vec::new());
        }
        let spool = FolderSpool::open(&folder, config.spool_bytes, self.app.clock.clone())?;
        let spool: Arc<dyn Spool> = Arc::new(spool);
        let receiver = Receiver::new(spool.clone(), tools.clone());
        let mut jobs = Vec::new();
        for (name, address) in [("otlp http", http), ("otlp grpc", grpc)] {
            if let Some(address) = address {
                jobs.push(api::serve::job(name, address, receiver.clone().pages())?);
            }
        }
        let poll = Duration::from_secs(1);
        let pull = SpoolPull { spool, path: "otlp", door: self.door.clone(), poll };
        jobs.push(job("otlp spool", Arc::new(pull), |pull, post| {
            Box::pin(async move { pull.run(&post).await })
        }));
        Ok(jobs)
    }

    /// What makes findings of what several events are together.
    fn detection(&self, rules: Arc<InForce>) -> Job {
        let detector = self.app.detector(rules.now());
        let of = Arc::new(Detection { detector, rules, every: Duration::from_secs(1) });
        job("detection", of, |of, post| Box::pin(async move { of.run(&post).await }))
    }

    /// What finds in the lake what came too late for it.
    fn look_back(&self, rules: Arc<InForce>) -> Job {
        let (app, bookmarks) = (self.app.clone(), self.bookmarks.clone());
        let name = "look back".to_owned();
        let scheduled = Scheduled {
            name: name.clone(),
            when: When::Every(3_600),
            work: Box::new(move |_| {
                let (app, bookmarks) = (app.clone(), bookmarks.clone());
                let detections = rules.now();
                done("look back over what came late", async move {
                    app.look_back_at_its_time(&detections, bookmarks.as_ref()).await
                })
            }),
            bookmarks: self.bookmarks.clone(),
            limits: schedule::Limits::default(),
        };
        job(format!("schedule {name}"), Arc::new(scheduled), |scheduled, post| {
            Box::pin(async move { scheduled.run(&post).await })
        })
    }

    /// What asks AWS every day how accounts are set up, and judges that; and what looks again at once
    /// at what a change touches.
    fn posture(&self) -> anyhow::Result<Vec<Job>> {
        let Some(seconds) = self.app.config.inventory.seconds()? else { return Ok(Vec::new()) };
        let app = self.app.clone();
        let name = "inventory".to_owned();
        let scheduled = Scheduled {
            name: name.clone(),
            when: When::Daily(seconds),
            work: Box::new(move |post| {
                let app = app.clone();
                done("ask AWS how accounts are set up, and judge it", async move {
                    let way = app.way(None).await?;
                    changes::daily(&app, &way, &post.tools.counts).await.map(Some)
                })
            }),
            bookmarks: self.bookmarks.clone(),
            limits: schedule::Limits::default(),
        };
        let mut jobs = vec![job(format!("schedule {name}"), Arc::new(scheduled), |of, post| {
            Box::pin(async move { of.run(&post).await })
        })];
        if self.app.config.inventory.watch_changes {
            let app = self.app.clone();
            let ways: changes::Ways = Box::new(move || {
                let app = app.clone();
                Box::pin(async move { app.way(None).await })
            });
            let watch = ChangeWatch::new(self.app.clone(), ways, self.bookmarks.clone());
            jobs.push(job("check changes again", Arc::new(watch), |of, post| {
                Box::pin(async move { of.run(&post).await })
            }));
        }
        Ok(jobs)
    }

    /// The watch over the watch.
    fn selfwatch(&self) -> anyhow::Result<Job> {
        let (ledger, clock) = (Arc::new(self.app.ledger.clone()), self.app.clock.clone());
        let writer = format!("{}-selfwatch", super::writer(clock.as_ref()));
        let limits = self.app.config.selfwatch.limits()?;
        let selfwatch = Selfwatch::new(ledger, clock, limits, writer);
        let (app, clocks) = (self.app.clone(), self.clocks.clone());
        let more: More = Box::new(move || {
            let app = app.clone();
            let clock = least_apart(clocks.iter().filter_map(|clock| clock()));
            Box::pin(async move {
                let heard = super::heard::heard(&app).await.map_err(unheard)?;
                Ok(Heard { clock, ..heard })
            })
        });
        let (every, bookmarks) = (Duration::from_secs(60), self.bookmarks.clone());
        let of = SelfwatchJob { selfwatch, every, more, bookmarks };
        let run = |of: Arc<SelfwatchJob>, post: Post| -> Running {
            Box::pin(async move { of.run(&post).await })
        };
        Ok(job("selfwatch", Arc::new(of), run))
    }

    /// What tells people.
    async fn notices(&mut self) -> anyhow::Result<Vec<Job>> {
        let every = Duration::from_secs(60);
        let courier = Arc::new(self.app.courier().await?);
        let by = courier.clone();
        self.clocks.push(Arc::new(move || {
            by.clock_ahead().map(|(by, ahead_seconds)| ClockFacts { by, ahead_seconds })
        }));
        let heartbeat = self.app.config.notify.heartbeat.clone();
        let notices = Arc::new(Notices {
            notify: self.app.notify_by(courier)?,
            every: Duration::from_secs(2),
            heartbeat: heartbeat.map(|channel| (channel, every)),
        });
        let mut jobs = vec![
            job("notices route", notices.clone(), |notices, post| {
                Box::pin(async move { notices.route(&post).await })
            }),
            job("notices deliver", notices.clone(), |notices, post| {
                Box::pin(async move { notices.deliver(&post).await })
            }),
        ];
        if notices.notify.paging.is_some() {
            jobs.push(job("pagerduty", notices.clone(), |notices, post| {
                Box::pin(async move { notices.hear(&post).await })
            }));
        }
        if notices.heartbeat.is_some() {
            jobs.push(job("heartbeat", notices, |notices, post| {
                Box::pin(async move { notices.beat(&post).await })
            }));
        }
        Ok(jobs)
    }

    /// What is done at its times.
    fn scheduled(&self) -> anyhow::Result<Vec<Job>> {
        const MINUTE: i64 = 60;
        let mut jobs = vec![
            self.at("compact", When::Every(60 * MINUTE), compact),
            self.at("own", When::Every(60 * MINUTE), gather_own),
            self.at("sweep", When::Daily(3 * 3600), sweep),
            self.at("expire", When::Daily(4 * 3600), expire),
            self.at("journal", When::Every(10 * MINUTE), journal),
            self.at("forget", When::Daily(5 * 3600), forget),
        ];
        let backup = &self.app.config.backup;
        if backup.target(self.app.home.path())?.is_some() {
            jobs.push(self.at("backup", When::Daily(backup.seconds()?), back_up));
        }
        if !self.app.config.drill.off {
            // While somebody is there to read what came of it.
            jobs.push(self.at("drill detection", When::Daily(9 * 3600), detection_drill));
            jobs.push(self.at("drill queries", When::Daily(9 * 3600 + 1800), queries_drill));
            if !self.app.config.drill.contacts.is_empty() {
                jobs.push(self.at("drill contacts", When::Daily(10 * 3600), contacts_drill));
            }
        }
        Ok(jobs)
    }

    fn at(&self, name: &str, when: When, work: fn(Arc<App>) -> Done) -> Job {
        let app = self.app.clone();
        let scheduled = Scheduled {
            name: name.to_owned(),
            when,
            work: Box::new(move |_| work(app.clone())),
            bookmarks: self.bookmarks.clone(),
            limits: schedule::Limits::default(),
        };
        job(format!("schedule {name}"), Arc::new(scheduled), |scheduled, post| {
            Box::pin(async move { scheduled.run(&post).await })
        })
    }
}

/// How scheduled work ends.
type Done = wk_seam::Future<'static, Answer<Option<String>>>;

/// What the program's own functions answer, as the engine has it.
fn done(
    doing: &'static str,
    work: impl Future<Output = anyhow::Result<Option<String>>> + Send + 'static,
) -> Done {
    Box::pin(async move { work.await.map_err(|e| Failure::new(doing, e)) })
}

/// Accounts, addresses and hosts that are ours: rules ask about them.
fn gather_own(app: Arc<App>) -> Done {
    done("put together what is ours", async move {
        if app.config.own.is_off() {
            return Ok(None);
        }
        let (own, differs) = app.gather_own().await?;
        let said = format!(
            "{} accounts, {} addresses and {} hosts are ours",
            own.accounts.len(),
            own.addresses.len(),
            own.hosts.len()
        );
        Ok(differs.then_some(said))
    })
}

fn compact(app: Arc<App>) -> Done {
    done("compact the lake", async move {
        let upkeep = app.upkeep().await?;
        let (removed, _) = upkeep.remove_left().await?;
        let plan = upkeep.plan(false).await?;
        let compacted = upkeep.compact(&plan, &mut |_| ()).await?;
        let said = format!(
            "{} days rewritten: {} files became {}; {removed} replaced files were removed",
            compacted.heaps, compacted.files.0, compacted.files.1
        );
        Ok((compacted.heaps + removed > 0).then_some(said))
    })
}

fn detection_drill(app: Arc<App>) -> Done {
    done("hold a drill", async move { hold(&app, Which::Detection).await.map(Some) })
}

fn queries_drill(app: Arc<App>) -> Done {
    done("hold a drill", async move { monthly(&app, Which::Queries).await })
}

fn contacts_drill(app: Arc<App>) -> Done {
    done("hold a drill", async move { monthly(&app, Which::Contacts).await })
}

/// Every month: the other days there is nothing to do.
async fn monthly(app: &App, which: Which) -> anyhow::Result<Option<String>> {
    let month_ago = app.clock.now().plus_seconds(-which.every_seconds());
    let held = app.ledger.drills(1_000).await?;
    match held.iter().any(|d| d.name == which.name() && d.at > month_ago) {
        true => Ok(None),
        false => hold(app, which).await.map(Some),
    }
}

async fn hold(app: &App, which: Which) -> anyhow::Result<String> {
    let drilled = drill::hold(app, which, Duration::from_secs(300)).await?;
    let word = if drilled.passed() { "passed" } else { "failed" };
    let last = drilled.failure().map_or(String::new(), |why| format!(": {why}"));
    Ok(format!("the drill {} {word}{last}", drilled.name))
}

/// Removes what a crash left: staged files that no commit names, a day old at least.
fn sweep(app: Arc<App>) -> Done {
    done("sweep the lake", async move {
        use wk_seam::lake::Lake as _;
        use wk_seam::ledger::Ledger as _;
        let before = app.clock.now().plus_seconds(-86_400);
        let named = app.ledger.named_paths().await?;
        let swept = app.lake().await?.sweep(&named, before).await?;
        Ok((swept > 0).then(|| format!("{swept} files that nothing names were removed")))
    })
}

/// Says what is past its term. To delete it is for people: `lake expire --apply`.
fn expire(app: Arc<App>) -> Done {
    done("look for what is past its term", async move {
        let policy = Arc::new(app.config.retention.policy()?);
        let due = app.upkeep().await?.due(&policy).await?;
        let rows: u64 = due.iter().filter(|d| d.held_by.is_empty()).map(|d| d.rows).sum();
        let said = format!("{rows} rows are past their term: watchkeeper lake expire shows them");
        Ok((rows > 0).then_some(said))
    })
}

fn back_up(app: Arc<App>) -> Done {
    done("make a backup", async move { super::backup::make(&app).await })
}

/// Forgets notices that were settled long ago; the log keeps their lines.
fn forget(app: Arc<App>) -> Done {
    done("forget old notices", async move {
        let gone = app.forget_notices().await?;
        Ok((gone > 0).then(|| format!("{gone} notices are forgotten; their lines in the log stay")))
    })
}

fn journal(app: Arc<App>) -> Done {
    done("write the journal", async move {
        crate::cli::journal::write(&app).await?;
        Ok(None)
    })
}

/// A queue of SQS that a key of `[[queue]]` names.
pub(crate) async fn sqs(
    key: &str,
    address: &str,
    settings: &wk_aws::Settings,
) -> anyhow::Result<wk_aws::Sqs> {
    wk_aws::Sqs::open(address, settings, Arc::new(wk_aws::LoggedCalls))
        .await
        .with_context(|| format!("could not open the [[queue]] with {key} = {address:?}"))
}

/// The buckets that a profile reaches.
pub(super) async fn buckets(
    profile: Option<&str>,
    reach: Reach,
) -> anyhow::Result<Arc<dyn Buckets>> {
    let credentials = wk_aws::CliCredentials::load(profile).await?;
    Ok(Arc::new(S3Buckets::new(Arc::new(credentials), reach)))
}
