//! `[channels]`, `[notify]`, `[escalation]` and their like: who is told, and how.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use wk_act::notices::{
    ChannelPolicy, Escalation, Inhibition, Interval, IntervalText, Matcher, ONCALL, Policy, RECORD,
};
use wk_act::notifiers::Channel;
use wk_model::notice::NoticeKind;
use wk_model::{Notice, Severity, SeverityWord, Timestamp};

use super::Config;

/// A key, and why what it says cannot be.
pub(crate) type Mistake = (String, String);

/// `[channels.NAME]`: `kind` says which notifier; `watchkeeper notify kinds` lists their keys.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ChannelText {
    pub(super) kind: String,
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

impl Config {
    /// How people are told.
    pub(crate) fn notices(&self) -> anyhow::Result<Policy> {
        let policy = self.policy()?;
        match self.misnamed(&policy).into_iter().next() {
            Some((_, why)) => bail!("{why}"),
            None => Ok(policy),
        }
    }

    fn policy(&self) -> anyhow::Result<Policy> {
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
        policy.asked = self.asked()?;
        Ok(policy)
    }

    fn intervals(&self) -> anyhow::Result<BTreeMap<String, Interval>> {
        let read = |(name, text): (&String, &IntervalText)| {
            let interval = Interval::read(text).with_context(|| format!("[time_intervals.{name}]"));
            interval.map(|interval| (name.clone(), interval))
        };
        self.time_intervals.iter().map(read).collect()
    }

    /// What of the sections about people cannot be, each with the key that says it. Asks nobody.
    pub(crate) fn people_mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut intervals = BTreeMap::new();
        for (name, text) in &self.time_intervals {
            match Interval::read(text) {
                Ok(interval) => drop(intervals.insert(name.clone(), interval)),
                Err(e) => found.push((format!("[time_intervals.{name}]"), e.to_string())),
            }
        }
        let mut look = |key: String, looked: anyhow::Result<()>| {
            found.extend(looked.err().map(|e| (key, format!("{e:#}"))));
        };
        for (name, channel) in &self.channels {
            look(format!("[channels.{name}]"), channel.policy(name, &intervals).map(drop));
        }
        for inhibit in &self.inhibit {
            look("[[inhibit]]".to_owned(), inhibit.inhibition().map(drop));
        }
        look("[smtp]".to_owned(), self.smtp().map(drop));
        look("[oncall.pagerduty]".to_owned(), self.asked().map(drop));
        for (key, looked) in self.oncall.looked_at(&intervals) {
            look(key, looked);
        }
        // Names can be held against each other once each part can be read.
        if found.is_empty() {
            match self.policy() {
                Ok(policy) => found.extend(self.misnamed(&policy)),
                Err(e) => found.push(("[notify]".to_owned(), format!("{e:#}"))),
            }
        }
        found
    }

    /// Names that mean no channel and no person.
    fn misnamed(&self, policy: &Policy) -> Vec<Mistake> {
        let known = |name: &String| {
            policy.channels.contains_key(name) || policy.people.contains_key(name) || name == ONCALL
        };
        let there: Vec<&str> =
            policy.channels.keys().chain(policy.people.keys()).map(String::as_str).collect();
        let steps = policy.escalation.steps.iter().flatten().map(|n| ("[escalation] steps", n));
        let digest = policy.digest.iter().map(|n| ("[notify] digest", n));
        let drills = policy.drill.iter().map(|n| ("[notify] drill", n));
        let oncall = policy.oncall_channel.iter().map(|n| ("[oncall] channel", n));
        let contacts = self.drill.contacts.iter().map(|n| ("[drill] contacts", n));
        let named = steps.chain(contacts).chain(digest).chain(drills).chain(oncall);
        let mut found: Vec<Mistake> = named
            .filter(|(_, name)| !known(name))
            .map(|(key, name)| {
                let why = format!(
                    "{key} names {name:?}, which is neither a channel nor a person; there are: {}",
                    there.join(", ")
                );
                (key.to_owned(), why)
            })
            .collect();
        let beat = self.notify.heartbeat.iter().map(|n| ("[notify] heartbeat", n));
        for (key, name) in beat.chain(self.drill.channel.iter().map(|n| ("[drill] channel", n))) {
            let kind = match key {
                "[drill] channel" => NoticeKind::Drill,
                _ => NoticeKind::Heartbeat,
            };
            found.extend(
                cannot_carry(policy, name, kind)
                    .map(|why| (key.to_owned(), format!("{key}: {why}"))),
            );
        }
        for (person, channels) in &policy.people {
            for name in channels.iter().filter(|name| !policy.channels.contains_key(*name)) {
                let why = format!("[people.{person}] names a channel that is not there: {name:?}");
                found.push((format!("[people.{person}] channels"), why));
            }
        }
        let turns = policy.rota.layers.iter().flat_map(|layer| &layer.people);
        for name in turns.chain(policy.rota.overrides.iter().map(|o| &o.person)) {
            if !policy.people.contains_key(name) {
                let why =
                    format!("[oncall] names {name:?}; say by [people.{name}] how to reach them");
                found.push(("[oncall]".to_owned(), why));
            }
        }
        found
    }
}

/// Why a channel carries no notice of a kind, if it does not.
fn cannot_carry(policy: &Policy, name: &str, kind: NoticeKind) -> Option<String> {
    let Some(channel) = policy.channels.get(name) else {
        return Some(format!("there is no channel {name:?}"));
    };
    let severity = Severity::from_tenths(0);
    let notice = Notice::new("check", name, kind, severity, Timestamp::default());
    let notifier = channel.channel.notifier;
    let carries = (notifier.parcel)(&notice, &channel.channel, None).is_some();
    (!carries).then(|| {
        format!(
            "the channel {name:?} is of kind {}, which carries no {}",
            notifier.name,
            kind.as_str()
        )
    })
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
pagerduty = "Ada@example.com"
[oncall.pagerduty]
token = "env:PAGER"
schedules = ["PSCHED1"]
url = "https://api.eu.pagerduty.com"
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
        assert_eq!(policy.asked.unwrap()["ada@example.com"], "ada");
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
            ("env:PAGER", "s3cret", "[oncall.pagerduty] token must say where"),
            ("url = \"https", "url = \"ftp", "begins with neither https:// nor"),
            ("pagerduty = \"Ada@", "#", "nobody could be told"),
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
