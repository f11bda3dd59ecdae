//! All about one principal, key, address, resource or instance, from the events that touch it.
//!
//! * Events come in any order and give the same profile; every list and map has a bound, and what
//!   it left out is counted.
//! * Events before the asked span only serve to tell what is new in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wk_model::Timestamp;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A principal: ARN, user, role or session name.
    Principal,
    /// An access key.
    Key,
    /// An address.
    Ip,
    /// A resource: ARN, id or name.
    Resource,
    /// An EC2 instance.
    Instance,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Key => "key",
            Self::Ip => "ip",
            Self::Resource => "resource",
            Self::Instance => "instance",
        }
    }

    /// Tells the kind by the value's shape. A plain name is taken for a principal's.
    pub fn of(value: &str) -> Self {
        let service = value.split(':').nth(2).filter(|_| value.starts_with("arn:"));
        let is_id = |text: &str, prefixes: &[&str]| prefixes.iter().any(|p| text.starts_with(p));
        if value.parse::<core::net::IpAddr>().is_ok() {
            Self::Ip
        } else if is_id(value, &["AKIA", "ASIA", "ABIA", "ACCA"]) && is_unique_id(value) {
            Self::Key
        } else if is_id(value, &["AIDA", "AROA"]) && is_unique_id(value) {
            Self::Principal
        } else if value.starts_with("i-") && value.bytes().skip(2).all(|b| b.is_ascii_hexdigit()) {
            Self::Instance
        } else if let Some(service) = service {
            match service {
                "iam" | "sts" => Self::Principal,
                "ec2" if value.contains(":instance/") => Self::Instance,
                _ => Self::Resource,
            }
        } else if has_resource_prefix(value) {
            Self::Resource
        } else {
            Self::Principal
        }
    }
}

/// Twenty letters and digits, as IAM makes them.
fn is_unique_id(value: &str) -> bool {
    (16..=128).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Ids such as `sg-0a1b2c3d`: a short prefix, a hyphen, hexadecimal digits.
fn has_resource_prefix(value: &str) -> bool {
    value.split_once('-').is_some_and(|(prefix, digits)| {
        (1..=8).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_lowercase())
            && (8..=17).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// One event, as the profile sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fact<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// The table it is in.
    pub source: &'a str,
    /// Account.
    pub account: Option<&'a str>,
    /// Region.
    pub region: Option<&'a str>,
    /// Who.
    pub actor: Option<&'a str>,
    /// Access key.
    pub access_key: Option<&'a str>,
    /// Where from.
    pub source_ip: Option<&'a str>,
    /// Client.
    pub user_agent: Option<&'a str>,
    /// What.
    pub action: Option<&'a str>,
    /// `success`, `failure` or `denied`.
    pub outcome: Option<&'a str>,
}

/// Different values of one column that are told apart.
const VALUES_MAX: usize = 10_000;
/// Bars of the histogram at most.
const BARS_MAX: i64 = 400;

/// Values of one column, with how often each was seen and when first.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    values: BTreeMap<String, Count>,
    /// Events whose value was not told apart any more.
    beyond: u64,
}

/// How often a value was seen, and when first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    /// In the asked span.
    events: u64,
    /// In the whole lake.
    first: Timestamp,
}

impl Counted {
    fn add(&mut self, value: Option<&str>, time: Timestamp, inside: bool) {
        let Some(value) = value else { return };
        if let Some(count) = self.values.get_mut(value) {
            count.events += u64::from(inside);
            count.first = count.first.min(time);
        } else if self.values.len() < VALUES_MAX {
            let count = Count { events: u64::from(inside), first: time };
            self.values.insert(value.to_owned(), count);
        } else {
            self.beyond += u64::from(inside);
        }
    }

    /// The values seen most often in the span, each with count, first time, and whether the lake
    /// never saw it before the span.
    pub fn top(&self, most: usize, since: Option<Timestamp>) -> Vec<Top<'_>> {
        let mut all: Vec<Top<'_>> = self
            .values
            .iter()
            .filter(|(_, c)| c.events > 0)
            .map(|(value, c)| Top {
                value,
                events: c.events,
                first: c.first,
                is_new: since.is_some_and(|since| c.first >= since),
            })
            .collect();
        all.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(b.value)));
        all.truncate(most);
        all
    }

    /// How many different values there were in the span.
    pub fn different(&self) -> usize {
        self.values.values().filter(|c| c.events > 0).count()
    }
}

/// A value that was seen often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top<'a> {
    /// The value.
    pub value: &'a str,
    /// Events in the span.
    pub events: u64,
    /// First seen in the whole lake.
    pub first: Timestamp,
    /// Whether that was in the span.
    pub is_new: bool,
}

/// The profile, growing event by event.
#[derive(Debug, Clone)]
pub struct Profile {
    since: Option<Timestamp>,
    /// Events in the span.
    pub events: u64,
    /// Events before it.
    pub events_before: u64,
    /// First and last event in the span.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// First event in the whole lake.
    pub first_ever: Option<Timestamp>,
    hours: BTreeMap<i64, u64>,
    /// Columns by name.
    columns: [(&'static str, Counted); 9],
}

const HOUR: i64 = 3600;

impl Profile {
    /// An empty profile of what happened since a time, or ever.
    pub fn since(since: Option<Timestamp>) -> Self {
        let names = [
            "actions",
            "outcomes",
            "tables",
            "accounts",
            "regions",
            "addresses",
            "agents",
            "keys",
            "actors",
        ];
        Self {
            since,
            events: 0,
            events_before: 0,
            seen: None,
            first_ever: None,
            hours: BTreeMap::new(),
            columns: names.map(|name| (name, Counted::default())),
        }
    }

    /// Adds an event.
    pub fn add(&mut self, fact: &Fact<'_>) {
        let inside = self.since.is_none_or(|since| fact.time >= since);
        self.first_ever = Some(self.first_ever.map_or(fact.time, |t| t.min(fact.time)));
        if inside {
            self.events += 1;
            let (first, last) = self.seen.unwrap_or((fact.time, fact.time));
            self.seen = Some((first.min(fact.time), last.max(fact.time)));
            *self.hours.entry(fact.time.seconds().div_euclid(HOUR)).or_default() += 1;
        } else {
            self.events_before += 1;
        }
        let values = [
            fact.action,
            fact.outcome,
            Some(fact.source),
            fact.account,
            fact.region,
            fact.source_ip,
            fact.user_agent,
            fact.access_key,
            fact.actor,
        ];
        for ((_, counted), value) in self.columns.iter_mut().zip(values) {
            counted.add(value, fact.time, inside);
        }
    }

    /// Every column with its name.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &Counted)> {
        self.columns.iter().map(|(name, counted)| (*name, counted))
    }

    /// Values of a column.
    pub fn column(&self, name: &str) -> Option<&Counted> {
        self.columns().find(|(n, _)| *n == name).map(|(_, counted)| counted)
    }

    /// The share of events that failed or were denied, from 0 to 1; `None` without outcomes.
    pub fn error_ratio(&self) -> Option<f64> {
        let outcomes = self.column("outcomes")?;
        let count = |word| outcomes.values.get(word).map_or(0, |c: &Count| c.events);
        let bad = count("failure") + count("denied");
        let all = bad + count("success");
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = bad as f64 / all as f64;
        (all > 0).then_some(ratio)
    }

    /// Events by time: start and count of each bar, and the bars' width in seconds. Hours, days
    /// where those are many, or longer stretches. Bars without events are there.
    pub fn histogram(&self, bars_max: i64) -> (i64, Vec<(Timestamp, u64)>) {
        let (Some((first, _)), Some((last, _))) =
            (self.hours.first_key_value(), self.hours.last_key_value())
        else {
            return (HOUR, Vec::new());
        };
        // Two at least: a time before 1970 and one after it never share a bar.
        let bars_max = bars_max.clamp(2, BARS_MAX);
        let bars = |width: i64| last.div_euclid(width) - first.div_euclid(width) + 1;
        let mut width = [1, 6, 24].into_iter().find(|w| bars(*w) <= bars_max).unwrap_or(7 * 24);
        while bars(width) > bars_max {
            width *= 2;
        }
        let mut counts: BTreeMap<i64, u64> =
            (first.div_euclid(width)..=last.div_euclid(width)).map(|bar| (bar, 0)).collect();
        for (hour, count) in &self.hours {
            *counts.entry(hour.div_euclid(width)).or_default() += count;
        }
        let start = |bar: i64| Timestamp::from_seconds(bar.saturating_mul(width * HOUR));
        (width * HOUR, counts.into_iter().map(|(bar, count)| (start(bar), count)).collect())
    }

    /// The profile as JSON, with the most frequent values of each column.
    pub fn to_json(&self, most: usize) -> Value {
        let (width_s, bars) = self.histogram(BARS_MAX);
        let columns: serde_json::Map<String, Value> = self
            .columns()
            .map(|(name, counted)| {
                let top: Vec<Value> = counted
                    .top(most, self.since)
                    .into_iter()
                    .map(|t| json!({"value": t.value, "events": t.events, "first_ever": t.first, "new": t.is_new}))
                    .collect();
                let facts = json!({"different": counted.different(), "not_told_apart": counted.beyond, "top": top});
                (name.to_owned(), facts)
            })
            .collect();
        json!({
            "events": self.events,
            "events_before": self.events_before,
            "first": self.seen.map(|(first, _)| first),
            "last": self.seen.map(|(_, last)| last),
            "first_ever": self.first_ever,
            "error_ratio": self.error_ratio(),
            "histogram": {
                "width_s": width_s,
                "bars": bars.iter().map(|(at, count)| json!({"start": at, "events": count})).collect::<Vec<_>>(),
            },
            "columns": columns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn fact<'a>(time: &str, action: &'a str, outcome: &'a str) -> Fact<'a> {
        let (action, outcome) = (Some(action), Some(outcome));
        Fact { time: at(time), source: "cloudtrail", action, outcome, ..Fact::default() }
    }

    #[test]
    fn the_kind_is_told_by_the_shape() {
        for (value, kind) in [
            ("198.51.100.7", Kind::Ip),
            ("2001:db8::7", Kind::Ip),
            ("AKIAIOSFODNN7EXAMPLE", Kind::Key),
            ("AROA1234567890EXAMPLE", Kind::Principal),
            ("i-0abcd1234ef567890", Kind::Instance),
            ("sg-0abcd1234ef567890", Kind::Resource),
            ("arn:aws:s3:::bucket", Kind::Resource),
            ("arn:aws:iam::111122223333:user/ann", Kind::Principal),
            ("arn:aws:ec2:eu-west-1:111122223333:instance/i-0abcd123", Kind::Instance),
            ("ann", Kind::Principal),
            ("deploy-production", Kind::Principal),
            ("", Kind::Principal),
        ] {
            assert_eq!(Kind::of(value), kind, "{value}");
        }
    }

    #[test]
    fn what_the_lake_never_saw_before_the_span_is_new() {
        let mut profile = Profile::since(Some(at("2024-02-15T00:00:00Z")));
        let facts = [
            fact("2024-02-15T10:00:00Z", "s3:GetObject", "success"),
            fact("2024-02-15T11:00:00Z", "iam:CreateUser", "denied"),
            fact("2024-02-14T10:00:00Z", "s3:GetObject", "success"),
        ];
        facts.iter().for_each(|f| profile.add(f));
        let top = profile.column("actions").unwrap().top(9, profile.since);
        let news: Vec<_> = top.iter().map(|t| (t.value, t.events, t.is_new)).collect();
        assert_eq!(news, [("iam:CreateUser", 1, true), ("s3:GetObject", 1, false)]);
        assert_eq!((profile.events, profile.events_before), (2, 1));
        assert_eq!(profile.error_ratio(), Some(0.5));
        assert_eq!(profile.first_ever, Some(at("2024-02-14T10:00:00Z")));
        let mut other = Profile::since(profile.since);
        facts.iter().rev().for_each(|f| other.add(f));
        assert_eq!(other.to_json(9), profile.to_json(9), "the order does not count");
    }

    #[test]
    fn bars_are_bounded_whatever_the_times_are() {
        let mut profile = Profile::since(None);
        for micros in [0, i64::MAX, i64::MIN, 1_700_000_000_000_000] {
            let time = Timestamp::from_micros(micros);
            profile.add(&Fact { time, source: "t", ..Fact::default() });
        }
        let (_, bars) = profile.histogram(48);
        assert!(bars.len() <= 48, "{}", bars.len());
        assert_eq!(bars.iter().map(|(_, count)| count).sum::<u64>(), 4);
    }

    #[test]
    fn values_beyond_the_bound_are_counted() {
        let mut profile = Profile::since(None);
        for n in 0..VALUES_MAX + 5 {
            let action = n.to_string();
            profile.add(&Fact { action: Some(&action), source: "t", ..Fact::default() });
        }
        assert_eq!(profile.column("actions").unwrap().beyond, 5);
    }
}
