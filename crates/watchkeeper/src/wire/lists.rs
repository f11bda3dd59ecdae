//! What rules may ask about: the lists and the databases of places that the user keeps.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context as _, ensure};
use wk_model::Timestamp;
use wk_watch::detect::Detections;
use wk_watch::lists::{self, Loaded, State};
use wk_watch::own::{Aged, Own};
use wk_watch::places::Places;
use wk_watch::silent::Silent;
use wk_watch::surroundings::Surroundings;

use super::App;
use crate::config::{Config, Home};

/// The largest database of places, in bytes.
const DATABASE_BYTES_MAX: u64 = 512 << 20;

impl App {
    /// The lists of `[[list]]`, and why others could not be read. A path is below the home directory
    /// unless it begins at the root.
    pub(crate) fn lists(&self) -> (Vec<Loaded>, Vec<String>) {
        let now = self.clock.now();
        let (mut loaded, mut bad) = read_lists(&self.home, &self.config, now);
        match self.own_and_age() {
            Ok((own, aged)) => loaded.extend(own.lists(now, aged)),
            Err(error) => bad.push(format!("[own]: {error:#}")),
        }
        (loaded, bad)
    }

    /// What is ours, as it was put together last, and how old it may be.
    fn own_and_age(&self) -> anyhow::Result<(Own, Aged)> {
        Ok((self.own()?.unwrap_or_default(), self.config.own.aged()?))
    }

    /// The databases of `[places]`, and why others could not be read.
    pub(crate) fn places(&self) -> (Places, Vec<String>) {
        read_places(&self.home, &self.config)
    }

    /// What rules may ask about, for placeholders and for fields, and what of it cannot be used.
    pub(crate) fn surroundings(&self) -> (wk_lang::sigma::Lists, Surroundings, Vec<String>) {
        let (loaded, mut told) = self.lists();
        let (places, bad) = self.places();
        let (for_rules, cut) = lists::for_rules(&loaded);
        let old = loaded.iter().filter(|list| list.state != State::Fresh).map(Loaded::say);
        told.extend(old.chain(bad).chain(cut));
        // What is wrong with it was told with the lists.
        let (own, aged) = self.own_and_age().unwrap_or_default();
        (for_rules, Surroundings::new(places, &loaded).with_own(own, aged), told)
    }
}

fn read_lists(home: &Home, config: &Config, now: Timestamp) -> (Vec<Loaded>, Vec<String>) {
    let (mut loaded, mut bad) = (Vec::new(), Vec::new());
    for spec in &config.list {
        let path = home.path().join(&spec.file);
        let read = bytes(&path, lists::BYTES_MAX as u64)
            .and_then(|(bytes, taken_at)| Ok(lists::read(spec, &bytes, taken_at, now)?));
        match read {
            Ok(list) => loaded.push(list),
            Err(error) => bad.push(format!("[[list]] {}: {error:#}", spec.name)),
        }
    }
    (loaded, bad)
}

fn read_places(home: &Home, config: &Config) -> (Places, Vec<String>) {
    let (mut places, mut bad) = (Places::none(), Vec::new());
    for file in &config.places.databases {
        let path: PathBuf = home.path().join(file);
        let added = bytes(&path, DATABASE_BYTES_MAX)
            .and_then(|(bytes, _)| places.add(file, bytes).map(drop).map_err(anyhow::Error::from));
        if let Err(error) = added {
            bad.push(format!("[places] databases: {error:#}"));
        }
    }
    (places, bad)
}

/// The built-in rules that can tell nothing with the lists and databases of a home; for who has no
/// [`App`].
pub(crate) fn silent_rules(home: &Home, config: &Config, now: Timestamp) -> Vec<Silent> {
    let ((mut loaded, _), (places, _)) = (read_lists(home, config, now), read_places(home, config));
    let own = super::own::own(home, config).ok().flatten().unwrap_or_default();
    let aged = config.own.aged().unwrap_or_default();
    loaded.extend(own.lists(now, aged));
    let (for_rules, _) = lists::for_rules(&loaded);
    let (pack, _) = Detections::built_in_and_with(std::iter::empty(), &for_rules);
    let surroundings = Surroundings::new(places, &loaded).with_own(own, aged);
    pack.with_surroundings(surroundings).silent()
}

fn bytes(path: &Path, most: u64) -> anyhow::Result<(Vec<u8>, Timestamp)> {
    let failed = || format!("could not read {}", path.display());
    let about = fs::metadata(path).with_context(failed)?;
    ensure!(about.len() <= most, "{} is larger than {} MiB", path.display(), most >> 20);
    let modified = about.modified().with_context(failed)?;
    let seconds = modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let taken_at = Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(0));
    Ok((fs::read(path).with_context(failed)?, taken_at))
}
