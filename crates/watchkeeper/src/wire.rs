//! The only file that knows every part: it puts them together for a command.

pub(crate) mod anchors;
mod backtest;
pub(crate) mod backup;
pub(crate) mod changes;
pub(crate) mod check;
mod cloudwatch;
pub(crate) mod doctor;
pub(crate) mod heard;
mod insights;
pub(crate) mod inventory;
pub(crate) mod lists;
pub(crate) mod look_back;
pub(crate) mod notify;
pub(crate) mod own;
pub(crate) mod own_checks;
mod period;
#[cfg(test)]
mod period_tests;
mod reload;
pub(crate) mod reports;
pub(crate) mod rules;
pub(crate) mod service;
pub(crate) mod verdicts;
pub(crate) mod verify;
pub(crate) mod walks;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use wk_act::routes::{BadRoute, Routes};
use wk_engine::detector::{Detector, Turned};
use wk_engine::ingest::{Progress, Report};
use wk_engine::scan::Scanned;
use wk_lang::json::Tape;
use wk_model::Table;
use wk_model::complaint::printable;
use wk_seam::clock::Clock;
use wk_seam::ledger::{Ledger as _, Snapshot};
use wk_seam::objects::Objects;
use wk_store::files::Files;
use wk_store::lake::ParquetLake;
use wk_store::ledger::SqliteLedger;
use wk_store::objects::{LocalTree, S3Place, S3Settings};
use wk_store::query::{Limits, Questions};
use wk_watch::columns;
use wk_watch::detect::{BadRule, Detections};
use wk_watch::sources::{self, Settings, Source};

use crate::clock::SystemClock;
use crate::config::{Config, Home, event_rules};

/// What a command works with.
pub(crate) struct App {
    /// The user's directory.
    pub(crate) home: Home,
    /// What the user says.
    pub(crate) config: Config,
    /// What is true.
    pub(crate) ledger: SqliteLedger,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
}

/// How paths and `s3://` addresses are reached.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// Profile of the AWS CLI.
    pub(crate) profile: Option<String>,
    /// Region, where the profile's is not the bucket's.
    pub(crate) region: Option<String>,
    /// Endpoint of an S3-compatible store.
    pub(crate) endpoint: Option<String>,
    /// For readers that keep nothing: local files are read once.
    pub(crate) without_identity: bool,
}

impl App {
    /// Opens the home directory and what lies in it.
    pub(crate) fn open(home: Home) -> anyhow::Result<Self> {
        let config = Config::read(&home.config())?;
        let ledger = SqliteLedger::open(home.path())?;
        Ok(Self { home, config, ledger, clock: Arc::new(SystemClock) })
    }

    /// The same with another clock.
    pub(crate) fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The files of the lake.
    pub(crate) async fn files(&self) -> anyhow::Result<Files> {
        let lake = &self.config.lake;
        let Some(location) = &lake.location else {
            return Ok(Files::Local(self.home.lake()));
        };
        let credentials = wk_aws::CliCredentials::load(lake.profile.as_deref()).await?;
        let settings = S3Settings {
            region: lake.region.clone(),
            endpoint: lake.endpoint.clone(),
            sse_kms_key: lake.sse_kms_key.clone(),
        };
        Ok(S3Place::open(location, &settings, Arc::new(credentials))?.into_files())
    }

    /// The lake, which belongs to this home's ledger.
    pub(crate) async fn lake(&self) -> anyhow::Result<ParquetLake> {
        let lake = ParquetLake::new(self.files().await?, self.home.path().join("scratch"));
        lake.belongs_to(&self.ledger.name()).await?;
        Ok(lake)
    }

    /// Everything that upkeep needs.
    pub(crate) async fn upkeep(&self) -> anyhow::Result<wk_engine::upkeep::Upkeep> {
        Ok(wk_engine::upkeep::Upkeep {
            lake: Arc::new(self.lake().await?),
            ledger: Arc::new(self.ledger.clone()),
            clock: self.clock.clone(),
            writer: writer(self.clock.as_ref()),
            tables: tables(),
            limits: wk_engine::upkeep::Limits::default(),
        })
    }

    /// Everything that an ingest needs.
    pub(crate) async fn ingest(
        &self,
        source: Option<&'static Source>,
        detections: Detections,
    ) -> anyhow::Result<wk_engine::ingest::Ingest> {
        Ok(wk_engine::ingest::Ingest {
            lake: Arc::new(self.lake().await?),
            ledger: Arc::new(self.ledger.clone()),
            clock: self.clock.clone(),
            unpack: wk_store::unpack::Unpacker::boxed,
            detections: Arc::new(detections),
            settings: self.settings(),
            source,
            writer: writer(self.clock.as_ref()),
            limits: self.ingest_limits(),
        })
    }

    /// What makes findings of what several events are together.
    pub(crate) fn detector(&self, detections: Arc<Detections>) -> Detector {
        let ledger = Arc::new(self.ledger.clone());
        Detector {
            ledger: ledger.clone(),
            states: ledger,
            clock: self.clock.clone(),
            detections,
            writer: format!("{}-detector", writer(self.clock.as_ref())),
        }
    }

    /// Reads every object of these places that was not read before, and makes findings of it.
    pub(crate) async fn read_all(
        &self,
        ingest: &wk_engine::ingest::Ingest,
        places: &[Arc<dyn Objects>],
        progress: &Progress,
    ) -> anyhow::Result<(Report, Turned)> {
        let report = ingest.run(places, progress).await?;
        // Without rules nothing may be taken from those that wait for another process.
        let turned = match ingest.detections.stateful().rules() {
            [] => Turned::default(),
            _ => self.detector(ingest.detections.clone()).drain().await?,
        };
        Ok((report, turned))
    }

    fn ingest_limits(&self) -> wk_engine::ingest::Limits {
        wk_engine::ingest::Limits {
            live_seconds: i64::from(self.config.backfill.live_hours) * 3600,
            first_load_seconds: i64::from(self.config.backfill.first_load_minutes) * 60,
            ..wk_engine::ingest::Limits::default()
        }
    }

    /// The watch over the watch; a turn is due every minute.
    pub(crate) fn selfwatch(&self) -> anyhow::Result<wk_engine::selfwatch::Selfwatch> {
        Ok(wk_engine::selfwatch::Selfwatch::new(
            Arc::new(self.ledger.clone()),
            self.clock.clone(),
            self.config.selfwatch.limits()?,
            writer(self.clock.as_ref()),
        ))
    }

    /// What the user says about logs that do not describe themselves.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            flow_log_format: self.config.sources.flow_log_format.clone(),
            time_field: self.config.sources.time_field.clone(),
            inflate: wk_store::inflate::small,
        }
    }

    /// The built-in pack, the user's own rules in `rules` of the home directory, and what the user's
    /// routes ask of events. Own rules that are broken are told and left out.
    pub(crate) fn detections(&self) -> anyhow::Result<Detections> {
        let (detections, bad) = self.detections_and_bad()?;
        tell_bad_rules(&bad);
        Ok(detections)
    }

    /// The same, with the own rules that are broken.
    pub(crate) fn detections_and_bad(&self) -> anyhow::Result<(Detections, Vec<BadRule>)> {
        let (routes, bad) = self.home.routes()?;
        tell_bad_routes(&bad);
        let (detections, bad, told) = self.detections_with(&routes)?;
        told.iter().for_each(|line| tell(line));
        Ok((detections, bad))
    }

    /// The same with these routes, and with what is wrong with lists and databases.
    fn detections_with(
        &self,
        routes: &Routes,
    ) -> anyhow::Result<(Detections, Vec<BadRule>, Vec<String>)> {
        let own = self.home.path().join("rules");
        let events = event_rules(routes);
        let (modes, lateness) = (self.config.detect.modes()?, self.config.detect.lateness()?);
        let files = if own.try_exists()? { rule_files(&own)? } else { Vec::new() };
        let (lists, surroundings, told) = self.surroundings();
        let (detections, bad) = Detections::built_in_and_with(files.into_iter(), &lists);
        let detections =
            detections.with_surroundings(surroundings).with_event_rules(events).with_modes(modes);
        let detections = detections.with_lateness(&lateness);
        tell_dead_modes(&detections);
        Ok((detections, bad, told))
    }

    /// Questions over the newest version of the lake.
    pub(crate) async fn questions(&self) -> anyhow::Result<Questions> {
        self.questions_over(&self.ledger.snapshot().await?, Limits::default()).await
    }

    /// Questions over some files of the lake.
    pub(crate) async fn questions_over(
        &self,
        snapshot: &Snapshot,
        limits: Limits,
    ) -> anyhow::Result<Questions> {
        let files = self.files().await?;
        if let Files::Local(root) = &files {
            fs::create_dir_all(root)
                .with_context(|| format!("could not make {}", root.display()))?;
        }
        Ok(Questions::over(&files, snapshot, &tables(), limits)?)
    }
}

impl App {
    /// Runs rules over every event of the lake: JSON records as they came, rows of text logs by
    /// their columns.
    pub(crate) async fn scan_lake(&self, detections: &Detections) -> anyhow::Result<Scanned> {
        let questions = self.questions().await?;
        let matches = vec![0; detections.rules().len()];
        let mut scanned = Scanned { matches, ..Scanned::default() };
        for source in sources::ALL.iter().filter(|s| s.service.is_some()) {
            let mut rows = questions.rows(source.table).await?;
            while let Some(batch) = rows.next().await? {
                scan_batch(source, &batch, detections, &mut scanned);
            }
        }
        Ok(scanned)
    }
}

fn scan_batch(
    source: &'static Source,
    batch: &RecordBatch,
    detections: &Detections,
    scanned: &mut Scanned,
) {
    let (mut tape, mut matching) = (Tape::default(), Vec::new());
    for place in 0..batch.num_rows() {
        let raw = columns::text(batch, "raw", place).unwrap_or_default();
        scanned.records += 1;
        match tape.parse(raw) {
            Ok(record) if source.json.is_some() => {
                detections.matches(source, record, &mut matching)
            }
            _ => {
                let row = columns::row(source.table, batch, place);
                detections.matches_row(source, &row, &mut matching);
            }
        }
        matching.iter().for_each(|rule| scanned.matches[*rule] += 1);
    }
}

/// The files of rules below a folder, or the one file, with their texts, in the order of names.
pub(crate) fn rule_files(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut waiting = vec![path.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let failed = || format!("could not read the rules in {}", path.display());
        if fs::metadata(&path).with_context(failed)?.is_dir() {
            for entry in fs::read_dir(&path).with_context(failed)? {
                let below = entry.with_context(failed)?.path();
                let is_rule = below.extension().is_some_and(|e| e == "yml" || e == "yaml");
                if is_rule || fs::metadata(&below).is_ok_and(|m| m.is_dir()) {
                    waiting.push(below);
                }
            }
        } else {
            let text = fs::read_to_string(&path).with_context(failed)?;
            files.push((path.display().to_string(), text));
        }
    }
    files.sort();
    Ok(files)
}

/// Tells which routes were left out, and why, where errors are told.
#[expect(clippy::print_stderr, reason = "broken routes are told where errors are told")]
pub(crate) fn tell_bad_routes(bad: &[BadRoute]) {
    for route in bad {
        eprintln!("warning: {route}; the route is left out");
    }
}

/// Tells which entries of `[[detect.mode]]` mean nothing, where errors are told.
#[expect(clippy::print_stderr, reason = "what means nothing is told where errors are told")]
fn tell_dead_modes(detections: &Detections) {
    for dead in detections.dead_modes() {
        eprintln!("warning: [[detect.mode]]: {dead}");
    }
}

/// Tells which rules were left out, and why, where errors are told.
pub(crate) fn tell_bad_rules(bad: &[BadRule]) {
    for rule in bad {
        tell(&rule.to_string());
    }
}

/// Tells the user of something that is left out.
#[expect(clippy::print_stderr, reason = "what is left out is told where errors are told")]
fn tell(what: &str) {
    eprintln!("warning: {}", printable(what.as_bytes()));
}

/// The place that a path or an `s3://` address names.
pub(crate) async fn place(address: &str, access: &Access) -> anyhow::Result<Arc<dyn Objects>> {
    if !address.starts_with("s3://") {
        let tree = if access.without_identity {
            LocalTree::without_identity(address)
        } else {
            LocalTree::new(address)
        };
        return Ok(Arc::new(tree));
    }
    let credentials = wk_aws::CliCredentials::load(access.profile.as_deref()).await?;
    let settings = S3Settings {
        region: access.region.clone(),
        endpoint: access.endpoint.clone(),
        sse_kms_key: None,
    };
    Ok(Arc::new(S3Place::open(address, &settings, Arc::new(credentials))?))
}

/// Every table that the lake knows, once.
pub(crate) fn tables() -> Vec<&'static Table> {
    let mut tables: Vec<&'static Table> = Vec::new();
    for source in sources::ALL {
        if !tables.iter().any(|t| t.name == source.table.name) {
            tables.push(source.table);
        }
    }
    tables
}

/// A name that no other process has: process number and time.
pub(crate) fn writer(clock: &dyn Clock) -> String {
    format!("{}-{}", std::process::id(), clock.now().micros())
}
