//! `[oncall]` and `[people]`: who is on call, and how people are reached.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;
use wk_act::notices::{Interval, Layer, Override, Rota};
use wk_model::Timestamp;
use wk_seam::courier::SecretName;

use super::Config;

/// `[oncall]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OncallText {
    /// The channel that reaches whoever is on call, where another product keeps the rota.
    pub(super) channel: Option<String>,
    /// PagerDuty, which is asked who is on call.
    pagerduty: Option<PagerDutyText>,
    layer: Vec<LayerText>,
    #[serde(rename = "override")]
    overrides: Vec<OverrideText>,
}

/// `[oncall.pagerduty]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PagerDutyText {
    /// Where a token of the REST API lies that may read.
    token: String,
    /// Ids of the schedules that say who is on call.
    #[serde(default)]
    schedules: Vec<String>,
    /// Another address than https://api.pagerduty.com, for the EU service region.
    url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerText {
    name: String,
    people: Vec<String>,
    start: String,
    #[serde(default = "nine")]
    handover: String,
    #[serde(default = "week")]
    every_days: u16,
    #[serde(default = "utc")]
    time_zone: String,
    /// The name of one of [time_intervals].
    only: Option<String>,
}

fn nine() -> String {
    "09:00".to_owned()
}
fn week() -> u16 {
    7
}
fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideText {
    person: String,
    from: String,
    until: String,
}

/// `[people.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonText {
    pub(super) channels: Vec<String>,
    /// The person's id or mail address in PagerDuty.
    pagerduty: Option<String>,
}

/// PagerDuty, as far as it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedPagerDuty {
    /// The address of its REST API.
    pub(crate) url: String,
    /// Where the token lies.
    pub(crate) token: SecretName,
    /// Schedules that say who is on call; none: only what became of alarms is read there.
    pub(crate) schedules: Vec<String>,
}

/// Where its REST API is, unless the configuration names another address.
const PAGERDUTY: &str = "https://api.pagerduty.com";

impl Config {
    /// PagerDuty, where it is asked who is on call and what became of alarms.
    pub(crate) fn pagerduty(&self) -> anyhow::Result<Option<AskedPagerDuty>> {
        let Some(text) = &self.oncall.pagerduty else { return Ok(None) };
        let token = &text.token;
        let named = token.starts_with("env:") || token.starts_with("file:");
        ensure!(named, "[oncall.pagerduty] token must say where it lies: env:NAME or file:PATH");
        let url = text.url.as_deref().unwrap_or(PAGERDUTY);
        let fits = url.starts_with("https://") || url.starts_with("http://");
        ensure!(fits, "[oncall.pagerduty] url {url:?} begins with neither https:// nor http://");
        let schedules = text.schedules.clone();
        ensure!(
            schedules.iter().all(|id| !id.trim().is_empty()),
            "[oncall.pagerduty] schedules holds an empty id"
        );
        let (url, token) = (url.to_owned(), SecretName(token.clone()));
        Ok(Some(AskedPagerDuty { url, token, schedules }))
    }

    /// Who is whom in PagerDuty, where it is asked who is on call.
    pub(super) fn asked(&self) -> anyhow::Result<Option<BTreeMap<String, String>>> {
        let asked = self.pagerduty()?.is_some_and(|asked| !asked.schedules.is_empty());
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (person, text) in &self.people {
            let Some(there) = &text.pagerduty else { continue };
            // An id is written as PagerDuty shows it, an address in any case.
            let there = if there.contains('@') { there.to_lowercase() } else { there.clone() };
            if let Some(other) = known.insert(there.clone(), person.clone()) {
                anyhow::bail!(
                    "[people.{person}] pagerduty {there:?} is that of [people.{other}] too"
                );
            }
        }
        ensure!(
            !asked || !known.is_empty(),
            "[oncall.pagerduty] schedules: nobody could be told: say in [people.NAME] by pagerduty = \"…\" (an id or a mail address there) who is who"
        );
        Ok(asked.then_some(known))
    }
}

impl OncallText {
    /// Each layer and override by its key, and whether it can be read.
    pub(super) fn looked_at(
        &self,
        intervals: &BTreeMap<String, Interval>,
    ) -> Vec<(String, anyhow::Result<()>)> {
        let layers = self.layer.iter().map(|layer| {
            (format!("[[oncall.layer]] {:?}", layer.name), layer.read(intervals).map(drop))
        });
        let overrides = self
            .overrides
            .iter()
            .map(|text| (format!("[[oncall.override]] {:?}", text.person), text.read().map(drop)));
        layers.chain(overrides).collect()
    }

    pub(super) fn rota(&self, intervals: &BTreeMap<String, Interval>) -> anyhow::Result<Rota> {
        let layers = self.layer.iter().map(|layer| layer.read(intervals));
        let overrides = self.overrides.iter().map(OverrideText::read);
        Ok(Rota {
            layers: layers.collect::<Result<_, _>>()?,
            overrides: overrides.collect::<Result<_, _>>()?,
        })
    }
}

impl LayerText {
    fn read(&self, intervals: &BTreeMap<String, Interval>) -> anyhow::Result<Layer> {
        let name = &self.name;
        let at = |key: &str| format!("[[oncall.layer]] {name:?}: {key}");
        ensure!(!self.people.is_empty(), "{} names nobody", at("people"));
        ensure!(self.every_days > 0, "{} must be at least 1", at("every_days"));
        let only = match &self.only {
            None => None,
            Some(named) => {
                let interval = intervals.get(named).cloned();
                Some(interval.with_context(|| {
                    format!("{} {named:?} is not in [time_intervals]", at("only"))
                })?)
            }
        };
        Ok(Layer {
            name: name.clone(),
            people: self.people.clone(),
            start: NaiveDate::parse_from_str(&self.start, "%Y-%m-%d").with_context(|| {
                format!("{} {:?} is no day such as 2026-01-05", at("start"), self.start)
            })?,
            handover: NaiveTime::parse_from_str(&self.handover, "%H:%M").with_context(|| {
                format!("{} {:?} is no time such as 09:00", at("handover"), self.handover)
            })?,
            every_days: i64::from(self.every_days),
            zone: self.time_zone.parse().ok().with_context(|| {
                format!(
                    "{} {:?} is no time zone such as Europe/Berlin",
                    at("time_zone"),
                    self.time_zone
                )
            })?,
            only,
        })
    }
}

impl OverrideText {
    fn read(&self) -> anyhow::Result<Override> {
        let time = |text: &str| Timestamp::parse(text).context("[[oncall.override]]");
        let (from, until) = (time(&self.from)?, time(&self.until)?);
        ensure!(from < until, "[[oncall.override]] of {:?} ends before it begins", self.person);
        Ok(Override { person: self.person.clone(), from, until })
    }
}
