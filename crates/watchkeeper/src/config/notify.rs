//! `[channels]`, `[notify]`, `[escalation]`, `[oncall]` and their like: who is told, and how.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;
use wk_act::notices::{
    ChannelPolicy, Escalation, Inhibition, Interval, IntervalText, Layer, Matcher, ONCALL,
    Override, Policy, RECORD, Rota,
};
use wk_act::notifiers::Channel;
use wk_courier::{Protection, Smtp};
use wk_model::{Severity, SeverityWord, Timestamp};
use wk_seam::courier::SecretName;

use super::Config;

/// `[channels.NAME]`: `kind` says which notifier; `watchkeeper notify kinds` lists their keys.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ChannelText {
    kind: String,
    /// Notices in a minute; each kind has a default.
    per_minute: Option<u32>,
    /// Minutes after which an alarm that needs somebody is repeated; 0: never.
    repeat_minutes: Option<u32>,
    /// Names of [time_intervals] in which it carries nothing.
    #[serde(default)]
    mute_time_intervals: Vec<String>,
    /// Names of [time_intervals] in which alone it carries something.
    #[serde(default)]
    active_time_intervals: Vec<String>,
    /// From this severity on, neither counts. Default: critical.
    never_muted: Option<SeverityWord>,
    #[serde(flatten)]
    settings: BTreeMap<String, OneOrMany>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// `[notify]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotifyText {
    group_wait_seconds: Option<u32>,
    group_interval_seconds: Option<u32>,
    close_after_hours: Option<u32>,
    digest: Option<Vec<String>>,
    digest_wait_minutes: Option<u32>,
    digest_max_hours: Option<u32>,
    drill: Option<Vec<String>>,
    flood_max: Option<u32>,
    flood_seconds: Option<u32>,
    inhibit_minutes: Option<u32>,
    /// The beginning of runbooks' addresses; their names follow.
    runbooks: Option<String>,
    /// Days for which receipts and dead letters are kept. 400.
    pub(crate) keep_days: Option<u32>,
    /// The channel of signs of life.
    pub(crate) heartbeat: Option<String>,
    /// Profile of the AWS CLI that publishes to SNS.
    pub(crate) sns_profile: Option<String>,
    /// Region in which text messages are sent; a topic names its own.
    pub(crate) sns_region: Option<String>,
    /// Endpoint of SNS, where it is not AWS's own.
    pub(crate) sns_endpoint: Option<String>,
}

/// `[smtp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmtpText {
    host: String,
    port: Option<u16>,
    /// starttls (default), tls or none; none to this machine only.
    security: Option<String>,
    user: Option<String>,
    password: Option<String>,
}

/// `[[inhibit]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InhibitText {
    source: Vec<String>,
    target: Vec<String>,
    #[serde(default)]
    equal: Vec<String>,
}

/// `[escalation]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EscalationText {
    critical_minutes: Option<u32>,
    high_minutes: Option<u32>,
    medium_minutes: Option<u32>,
    low_minutes: Option<u32>,
    steps: Vec<OneOrMany>,
}

/// `[oncall]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OncallText {
    /// The channel that reaches whoever is on call, where another product keeps the rota.
    channel: Option<String>,
    layer: Vec<LayerText>,
    #[serde(rename = "override")]
    overrides: Vec<OverrideText>,
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
    channels: Vec<String>,
}

impl Config {
    /// How people are told.
    pub(crate) fn notices(&self) -> anyhow::Result<Policy> {
        let mut policy = Policy::default();
        let text = &self.notify;
        let seconds = |n: u32, unit: i64| i64::from(n) * unit;
        let set = |place: &mut i64, value: Option<u32>, unit: i64| {
            if let Some(value) = value {
                *place = seconds(value, unit);
            }
        };
        set(&mut policy.group_wait_seconds, text.group_wait_seconds, 1);
        set(&mut policy.group_interval_seconds, text.group_interval_seconds, 1);
        set(&mut policy.close_after_seconds, text.close_after_hours, 3600);
        set(&mut policy.digest_wait_seconds, text.digest_wait_minutes, 60);
        set(&mut policy.digest_max_seconds, text.digest_max_hours, 3600);
        set(&mut policy.flood_seconds, text.flood_seconds, 1);
        set(&mut policy.inhibit_seconds, text.inhibit_minutes, 60);
        policy.flood_max = text.flood_max.unwrap_or(policy.flood_max).max(1);
        policy.live_seconds = i64::from(self.backfill.live_hours) * 3600;
        policy.runbooks.clone_from(&text.runbooks);
        let intervals = self.intervals()?;
        for (name, channel) in &self.channels {
            ensure!(name != RECORD, "[channels.{RECORD}] is there already: it keeps the record");
            let channel = channel.policy(name, &intervals)?;
            policy.channels.insert(name.clone(), channel);
        }
        policy.people =
            self.people.iter().map(|(name, p)| (name.clone(), p.channels.clone())).collect();
        policy.digest = text.digest.clone().unwrap_or(policy.digest);
        policy.drill = text.drill.clone().unwrap_or(policy.drill);
        policy.inhibit =
            self.inhibit.iter().map(InhibitText::inhibition).collect::<Result<_, _>>()?;
        policy.escalation = self.escalation.escalation();
        policy.oncall_channel.clone_from(&self.oncall.channel);
        policy.rota = self.oncall.rota(&intervals)?;
        self.names_fit(&policy)?;
        Ok(policy)
    }

    /// The server that takes mail.
    pub(crate) fn smtp(&self) -> anyhow::Result<Option<Smtp>> {
        let Some(text) = &self.smtp else {
            let mails = self.channels.iter().find(|(_, channel)| channel.kind == "email");
            if let Some((name, _)) = mails {
                bail!("[channels.{name}] sends mail, and [smtp] names no server");
            }
            return Ok(None);
        };
        let protection = match text.security.as_deref() {
            None | Some("starttls") => Protection::StartTls,
            Some("tls") => Protection::Tls,
            Some("none") => Protection::None,
            Some(other) => bail!("[smtp] security {other:?} is not one of: starttls, tls, none"),
        };
        let login = match (&text.user, &text.password) {
            (Some(user), Some(name)) => {
                let secret = name.starts_with("env:") || name.starts_with("file:");
                ensure!(secret, "[smtp] password must say where it lies: env:NAME or file:PATH");
                Some((user.clone(), SecretName(name.clone())))
            }
            (None, None) => None,
            _ => bail!("[smtp] needs both user and password, or neither"),
        };
        Ok(Some(Smtp { host: text.host.clone(), port: text.port, protection, login }))
    }

    fn intervals(&self) -> anyhow::Result<BTreeMap<String, Interval>> {
        let read = |(name, text): (&String, &IntervalText)| {
            let interval = Interval::read(text).with_context(|| format!("[time_intervals.{name}]"));
            interval.map(|interval| (name.clone(), interval))
        };
        self.time_intervals.iter().map(read).collect()
    }

    /// Whether every name of a channel or person means one.
    fn names_fit(&self, policy: &Policy) -> anyhow::Result<()> {
        let known = |name: &String| {
            policy.channels.contains_key(name) || policy.people.contains_key(name) || name == ONCALL
        };
        let steps = policy.escalation.steps.iter().flatten().map(|n| ("[escalation] steps", n));
        let digest = policy.digest.iter().map(|n| ("[notify] digest", n));
        let drill = policy.drill.iter().map(|n| ("[notify] drill", n));
        let beat = self.notify.heartbeat.iter().map(|n| ("[notify] heartbeat", n));
        let oncall = policy.oncall_channel.iter().map(|n| ("[oncall] channel", n));
        for (place, name) in steps.chain(digest).chain(drill).chain(beat).chain(oncall) {
            ensure!(
                known(name),
                "{place} names {name:?}, which is neither a channel nor a person; there are: {}",
                policy
                    .channels
                    .keys()
                    .chain(policy.people.keys())
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        for (person, channels) in &policy.people {
            for name in channels {
                let there = policy.channels.contains_key(name);
                ensure!(there, "[people.{person}] names a channel that is not there: {name:?}");
            }
        }
        let turns = policy.rota.layers.iter().flat_map(|layer| &layer.people);
        for name in turns.chain(policy.rota.overrides.iter().map(|o| &o.person)) {
            let there = policy.people.contains_key(name);
            ensure!(there, "[oncall] names {name:?}; say by [people.{name}] how to reach them");
        }
        Ok(())
    }
}

impl ChannelText {
    /// Whether it goes by SNS.
    pub(crate) fn is_of_sns(&self) -> bool {
        matches!(self.kind.as_str(), "sns" | "sms")
    }

    fn policy(
        &self,
        name: &str,
        intervals: &BTreeMap<String, Interval>,
    ) -> anyhow::Result<ChannelPolicy> {
        let values = |value: &OneOrMany| match value {
            OneOrMany::One(one) => vec![one.clone()],
            OneOrMany::Many(many) => many.clone(),
        };
        let settings = self.settings.iter().map(|(key, v)| (key.clone(), values(v))).collect();
        let channel = Channel::new(name, &self.kind, settings)?;
        let named = |key: &str, names: &[String]| -> anyhow::Result<Vec<Interval>> {
            let find = |interval: &String| {
                intervals.get(interval).cloned().with_context(|| {
                    format!("[channels.{name}] {key} names {interval:?}, which is not in [time_intervals]")
                })
            };
            names.iter().map(find).collect()
        };
        let mut policy = ChannelPolicy::of(channel);
        policy.mute = named("mute_time_intervals", &self.mute_time_intervals)?;
        policy.active = named("active_time_intervals", &self.active_time_intervals)?;
        if let Some(word) = self.never_muted {
            policy.never_muted = Severity::least_of_word(word);
        }
        if let Some(per_minute) = self.per_minute {
            ensure!(per_minute > 0, "[channels.{name}] per_minute must be at least 1");
            policy.per_minute = per_minute;
        }
        match self.repeat_minutes {
            Some(0) => policy.repeat_seconds = None,
            Some(minutes) => policy.repeat_seconds = Some(i64::from(minutes) * 60),
            None => {}
        }
        Ok(policy)
    }
}

impl InhibitText {
    fn inhibition(&self) -> anyhow::Result<Inhibition> {
        let read = |key: &str, texts: &[String]| -> anyhow::Result<Vec<Matcher>> {
            ensure!(!texts.is_empty(), "[[inhibit]] {key} is empty: it would fit everything");
            texts.iter().map(|t| Matcher::parse(t).context("[[inhibit]]")).collect()
        };
        let (source, target) = (read("source", &self.source)?, read("target", &self.target)?);
        Ok(Inhibition { source, target, equal: self.equal.clone() })
    }
}

impl EscalationText {
    fn escalation(&self) -> Escalation {
        use SeverityWord::{Critical, High, Low, Medium};
        let within = [
            (Critical, Some(self.critical_minutes.unwrap_or(15))),
            (High, Some(self.high_minutes.unwrap_or(60))),
            (Medium, self.medium_minutes),
            (Low, self.low_minutes),
        ];
        let within = within.into_iter().filter_map(|(word, minutes)| Some((word, minutes?)));
        let names = |step: &OneOrMany| match step {
            OneOrMany::One(name) => vec![name.clone()],
            OneOrMany::Many(names) => names.clone(),
        };
        Escalation {
            // 0 asks for nobody.
            within_seconds: within
                .filter(|(_, minutes)| *minutes > 0)
                .map(|(word, minutes)| (word, i64::from(minutes) * 60))
                .collect(),
            steps: self.steps.iter().map(names).collect(),
        }
    }
}

impl OncallText {
    fn rota(&self, intervals: &BTreeMap<String, Interval>) -> anyhow::Result<Rota> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
[channels.page]
kind = "pagerduty"
routing_key = "env:PD"
[channels.mail]
kind = "email"
from = "watch@example.com"
to = ["a@example.com", "b@example.com"]
active_time_intervals = ["office"]
repeat_minutes = 0
[smtp]
host = "mail.example.com"
user = "watch"
password = "file:/run/secrets/smtp"
[time_intervals.office]
times = ["09:00-17:00"]
weekdays = ["monday:friday"]
location = "Europe/Berlin"
[people.ada]
channels = ["mail"]
[escalation]
steps = ["oncall", ["page", "ada"]]
[[oncall.layer]]
name = "primary"
people = ["ada"]
start = "2026-01-05"
[[inhibit]]
source = ["rule=selfwatch.silence"]
target = ["rule=~selfwatch\\..*"]
[notify]
digest = ["mail"]
"#;

    fn read(text: &str) -> Result<Policy, String> {
        let config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
        config.smtp().map_err(|e| format!("{e:#}"))?;
        config.notices().map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn everything_that_can_be_said_is_read() {
        let policy = read(WHOLE).unwrap();
        assert_eq!(
            policy.escalation.steps,
            [vec!["oncall".to_owned()], vec!["page".to_owned(), "ada".to_owned()]]
        );
        assert_eq!(policy.escalation.within_seconds[&SeverityWord::Critical], 900);
        assert_eq!(policy.channels["mail"].repeat_seconds, None);
        assert_eq!(policy.channels["mail"].active.len(), 1);
        assert_eq!(policy.rota.layers[0].every_days, 7);
        assert!(policy.channels.contains_key(RECORD));
        assert!(read("").is_ok());
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_place() {
        for (from, to, named) in [
            ("kind = \"pagerduty\"", "kind = \"pager\"", "kind \"pager\" is unknown"),
            ("env:PD", "s3cret", "env:NAME or file:PATH"),
            ("[\"office\"]", "[\"nights\"]", "\"nights\", which is not in [time_intervals]"),
            ("09:00-17:00", "9 to 5", "[time_intervals.office]"),
            ("[\"page\", \"ada\"]", "\"bob\"", "[escalation] steps names \"bob\""),
            ("people = [\"ada\"]", "people = [\"eve\"]", "[people.eve]"),
            ("2026-01-05", "Monday", "no day such as"),
            ("host = ", "hots = ", "hots"),
            ("digest = [\"mail\"]", "digest = [\"fax\"]", "[notify] digest names \"fax\""),
            ("rule=selfwatch.silence", "planet=mars", "no label \"planet\""),
        ] {
            let text = WHOLE.replace(from, to);
            assert_ne!(text, WHOLE, "{from}");
            let error = read(&text).unwrap_err();
            assert!(error.contains(named), "{to}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
