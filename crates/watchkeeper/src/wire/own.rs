//! What is ours, put together from the lake and kept beside it: for rules that begin without a
//! question to the lake.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;
use wk_model::{Capture, Timestamp};
use wk_watch::own::{CONFIG_TYPES, ConfigItem, Gathering, Own, QUESTIONS};

use super::App;
use super::inventory::{quoted, rows};
use crate::config::{Config, Home};

/// How far back answers and items are looked for: what is older is too old to be used anyway, but for
/// items of AWS Config, which are written only when something changes.
const CAPTURE_DAYS: i64 = 30;
/// The largest file of what is ours.
const BYTES_MAX: u64 = 64 << 20;
/// Resources that are read from AWS Config, at most.
const ITEMS_MAX: usize = 500_000;

impl App {
    /// What is ours, as it was put together last; nothing if it never was, or is switched off.
    pub(crate) fn own(&self) -> anyhow::Result<Option<Own>> {
        own(&self.home, &self.config)
    }

    /// Puts together what is ours from the newest answers and items of the lake, and keeps it. Answers
    /// whether it differs from what was known.
    pub(crate) async fn gather_own(&self) -> anyhow::Result<(Own, bool)> {
        let now = self.clock.now();
        let mut gathering = Gathering::default();
        if self.config.own.by_inventory() {
            self.take_captures(&mut gathering, now).await?;
        }
        let mut cut = false;
        if self.config.own.by_config() {
            cut = self.take_items(&mut gathering).await?;
        }
        let mut own = gathering.finish(now);
        if cut {
            own.blind.push(format!(
                "AWS Config names more than {ITEMS_MAX} resources: not all were read"
            ));
        }
        let differs =
            self.own().ok().flatten().is_none_or(|known| Own { gathered_at: now, ..known } != own);
        keep(&path(&self.home), &own)?;
        Ok((own, differs))
    }

    async fn take_captures(&self, into: &mut Gathering, now: Timestamp) -> anyhow::Result<()> {
        let questions: Vec<String> = QUESTIONS.iter().map(|q| quoted(q)).collect();
        let since = now.plus_seconds(-CAPTURE_DAYS * 86_400);
        let sql = format!(
            "SELECT raw FROM (SELECT raw, row_number() OVER (PARTITION BY account, region, action, \
             parameters, state IN ('answered', 'absent') ORDER BY event_time DESC) AS age \
             FROM inventory WHERE action IN ({}) AND event_time >= {}) WHERE age = 1",
            questions.join(", "),
            quoted(&since.to_string()),
        );
        for row in rows(self, &sql).await? {
            let raw = row.into_iter().next().unwrap_or_default();
            let capture: Capture =
                serde_json::from_str(&raw).context("a capture in the lake cannot be read")?;
            into.capture(capture);
        }
        Ok(())
    }

    /// Answers whether there are more than are read.
    async fn take_items(&self, into: &mut Gathering) -> anyhow::Result<bool> {
        let types: Vec<String> = CONFIG_TYPES.iter().map(|kind| quoted(kind)).collect();
        let sql = format!(
            "SELECT \"resourceType\", \"resourceId\", account, region, \
             coalesce(\"configurationItemStatus\", ''), cast(cast(event_time AS bigint) AS varchar), \
             coalesce(configuration, '') \
             FROM (SELECT *, row_number() OVER (PARTITION BY account, region, \"resourceType\", \
             \"resourceId\" ORDER BY event_time DESC) AS age FROM config \
             WHERE \"resourceType\" IN ({}) AND \"configRuleName\" IS NULL) WHERE age = 1 LIMIT {}",
            types.join(", "),
            ITEMS_MAX + 1,
        );
        let found = rows(self, &sql).await?;
        let cut = found.len() > ITEMS_MAX;
        for row in found.into_iter().take(ITEMS_MAX) {
            let Ok([kind, id, account, region, status, at, configuration]) =
                <[String; 7]>::try_from(row)
            else {
                continue;
            };
            let Ok(at) = at.parse().map(Timestamp::from_micros) else { continue };
            let configuration = parsed(&configuration);
            let deleted = status.starts_with("ResourceDeleted") || configuration.is_null();
            into.item(ConfigItem { kind, id, account, region, deleted, at, configuration });
        }
        Ok(cut)
    }
}

/// A configuration: JSON, or a text that is JSON, as files of the AWS CLI have it.
fn parsed(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::String(inner)) => serde_json::from_str(&inner).unwrap_or(Value::Null),
        Ok(value) => value,
        Err(_) => Value::Null,
    }
}

fn path(home: &Home) -> PathBuf {
    home.path().join("own.json")
}

/// What is ours, as it was put together last.
pub(crate) fn own(home: &Home, config: &Config) -> anyhow::Result<Option<Own>> {
    if config.own.is_off() {
        return Ok(None);
    }
    let path = path(home);
    let failed = || {
        format!("could not read {}; watchkeeper list own --refresh makes it anew", path.display())
    };
    let size = match fs::metadata(&path) {
        Ok(about) => about.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(failed),
    };
    anyhow::ensure!(size <= BYTES_MAX, "{} is larger than {} MiB", path.display(), BYTES_MAX >> 20);
    let text = fs::read_to_string(&path).with_context(failed)?;
    serde_json::from_str(&text).with_context(failed).map(Some)
}

/// Written beside and put in its place: who reads it meanwhile reads the old one or the new one.
fn keep(path: &std::path::Path, own: &Own) -> anyhow::Result<()> {
    let beside = path.with_extension(format!("json.{}", std::process::id()));
    let text = serde_json::to_vec(own).context("could not write down what is ours")?;
    let mut options = fs::OpenOptions::new();
    let written = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&beside, path));
    written.with_context(|| format!("could not write {}", path.display()))
}
