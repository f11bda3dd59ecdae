//! Tests that stand in a rule: events that fire, and events that stay quiet.

use super::error::{Problem, RuleError};
use super::reader::Reader;
use crate::yaml::{Content, Node};

/// What a rule does on an event, or on a story of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// What the rule must do.
    pub expected: Expected,
    /// The event, as compact JSON; empty where there is a story.
    pub event: String,
    /// Events with their times; empty where there is one event.
    pub story: Vec<Moment>,
    /// What is known around the events.
    pub around: Around,
}

/// What a test supposes to be known around its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// Where addresses are: each with its position, such as `DE EU 52.52 13.40 20`.
    pub places: Vec<(String, String)>,
    /// Lists by name, with their entries.
    pub lists: Vec<(String, Vec<String>)>,
    /// Hosts by their ids, with the addresses by which they go out.
    pub hosts: Vec<(String, Vec<String>)>,
}

impl Around {
    /// Whether nothing is supposed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.lists.is_empty() && self.hosts.is_empty()
    }
}

/// What a rule must do on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Match.
    Fires,
    /// Not match.
    Quiet,
}

/// An event of a story, perhaps several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When it happens, in seconds from the beginning.
    pub at_seconds: i64,
    /// How often it happens.
    pub times: u32,
    /// How far apart, in seconds.
    pub every_seconds: i64,
    /// The source whose record it is, where it is not that of the rule.
    pub source: Option<String>,
    /// The event, as compact JSON.
    pub event: String,
}

/// How many events a story may have.
const EVENTS_MAX: u32 = 20_000;
/// How long after its beginning a story may end, in seconds.
const STORY_SECONDS_MAX: i64 = 2 * 366 * 86_400;

pub(super) fn read_rule_tests(nodes: &[Node]) -> Result<Vec<RuleTest>, RuleError> {
    nodes.iter().map(read_rule_test).collect()
}

fn read_rule_test(node: &Node) -> Result<RuleTest, RuleError> {
    let reader = Reader { node, path: "watchkeeper.tests." };
    let known = ["name", "fires", "quiet", "around"];
    let members = node.members().unwrap_or_default();
    if let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.text.as_str())) {
        return Err(Problem::unknown("watchkeeper.tests", &key.text, known).at(key.place));
    }
    let (expected, event) = match (node.get("fires"), node.get("quiet")) {
        (Some(event), None) => (Expected::Fires, event),
        (None, Some(event)) => (Expected::Quiet, event),
        _ => return Err(reader.kind(node, "fires", "an event under either fires or quiet")),
    };
    let name = reader.text("name")?.ok_or_else(|| reader.kind(node, "name", "a text"))?;
    let (event, story) = match &event.content {
        Content::List(moments) => (String::new(), read_story(moments, "at")?),
        _ => (read_event(&reader, event)?, Vec::new()),
    };
    let around = read_around(&reader)?;
    Ok(RuleTest { name, expected, event, story, around })
}

/// How many places, lists or hosts a test may suppose.
const SUPPOSED_MAX: usize = 100;

/// Reads `around: {places: {ADDRESS: POSITION}, lists: {NAME: [ENTRY]}, hosts: {ID: [ADDRESS]}}`.
fn read_around(reader: &Reader<'_>) -> Result<Around, RuleError> {
    const KEYS: [&str; 3] = ["places", "lists", "hosts"];
    let mut around = Around::default();
    let Some(node) = reader.node.get("around") else { return Ok(around) };
    let wanted = "a mapping with places, lists, hosts or several of them";
    for (key, value) in node.members().ok_or_else(|| reader.kind(node, "around", wanted))? {
        let inner = Reader { node: value, path: "watchkeeper.tests.around." };
        let of_names = |wanted| value.members().ok_or_else(|| inner.kind(value, &key.text, wanted));
        let members = match key.text.as_str() {
            "places" => of_names("a mapping of addresses to positions")?,
            "lists" => of_names("a mapping of names to lists of entries")?,
            "hosts" => of_names("a mapping of ids of hosts to lists of addresses")?,
            _ => {
                return Err(
                    Problem::unknown("watchkeeper.tests.around", &key.text, KEYS).at(key.place)
                );
            }
        };
        if members.len() > SUPPOSED_MAX {
            let what = "watchkeeper.tests.around".to_owned();
            return Err(Problem::TooMany { what, max: SUPPOSED_MAX }.at(value.place));
        }
        for (name, _) in members {
            if key.text == "lists" {
                around.lists.push((name.text.clone(), inner.texts(&name.text)?));
            } else if key.text == "hosts" {
                around.hosts.push((name.text.clone(), inner.texts(&name.text)?));
            } else if let Some(position) = inner.text(&name.text)? {
                around.places.push((name.text.clone(), position));
            }
        }
    }
    Ok(around)
}

fn read_event(reader: &Reader<'_>, event: &Node) -> Result<String, RuleError> {
    match &event.content {
        Content::Map(_) => Ok(event.to_json()),
        Content::Text(text) => Ok(text.trim().to_owned()),
        _ => {
            Err(reader.kind(event, "fires", "an event, its JSON text, or a list of events with at"))
        }
    }
}

/// Reads a story; `at` is what the offset is called.
fn read_story(nodes: &[Node], at: &str) -> Result<Vec<Moment>, RuleError> {
    let mut story = Vec::new();
    let mut events = 0u32;
    for node in nodes {
        let moment = read_moment(node, at)?;
        events = events.saturating_add(moment.times);
        if events > EVENTS_MAX {
            let what = "watchkeeper.tests: events of a story".to_owned();
            let max = usize::try_from(EVENTS_MAX).unwrap_or(usize::MAX);
            return Err(Problem::TooMany { what, max }.at(node.place));
        }
        story.push(moment);
    }
    Ok(story)
}

fn read_moment(node: &Node, at: &str) -> Result<Moment, RuleError> {
    let reader = Reader { node, path: "watchkeeper.tests." };
    let known = [at, "event", "times", "every", "source"];
    let members = node.members().unwrap_or_default();
    if let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.text.as_str())) {
        return Err(Problem::unknown("watchkeeper.tests", &key.text, known).at(key.place));
    }
    let event = node.get("event").ok_or_else(|| reader.kind(node, "event", "an event"))?;
    let times = match reader.text("times")? {
        None => 1,
        Some(text) => match text.parse() {
            Ok(times @ 1..=EVENTS_MAX) => times,
            _ => return Err(refuse(&reader, "times", text, "is not a number from 1 to 20000")),
        },
    };
    let moment = Moment {
        at_seconds: time(&reader, at)?,
        times,
        every_seconds: time(&reader, "every")?,
        source: reader.text("source")?,
        event: read_event(&reader, event)?,
    };
    let last = moment.every_seconds.saturating_mul(i64::from(times));
    if moment.at_seconds.saturating_add(last) > STORY_SECONDS_MAX {
        return Err(refuse(
            &reader,
            at,
            String::new(),
            "lies more than two years behind the beginning",
        ));
    }
    Ok(moment)
}

/// A time from the beginning; the beginning where it is not there.
fn time(reader: &Reader<'_>, key: &str) -> Result<i64, RuleError> {
    let Some(text) = reader.text(key)? else { return Ok(0) };
    offset(&text)
        .ok_or_else(|| refuse(reader, key, text, "is not a time such as +90s, +3m, +1h30m or +14d"))
}

fn refuse(reader: &Reader<'_>, key: &str, value: String, why: &str) -> RuleError {
    let (place, key) = (reader.place(key), format!("{}{key}", reader.path));
    Problem::Value { key, value, why: why.to_owned() }.at(place)
}

/// `+3m`, `90s`, `1h30m`, `0`.
fn offset(text: &str) -> Option<i64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text == "0" {
        return Some(0);
    }
    let (mut seconds, mut number) = (0i64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        let count: i64 = number.parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && !text.is_empty()).then_some(seconds)
}

/// Reads the tests that rules of rsigma carry: `rsigma: {exemplars: [...]}`.
pub(super) fn read_exemplars(document: &Node) -> Result<Vec<RuleTest>, RuleError> {
    let exemplars = document.get("rsigma").and_then(|node| node.get("exemplars"));
    let items = exemplars.map(Node::items).unwrap_or_default();
    items.iter().enumerate().map(|(n, node)| read_exemplar(node, n + 1)).collect()
}

fn read_exemplar(node: &Node, number: usize) -> Result<RuleTest, RuleError> {
    let reader = Reader { node, path: "rsigma.exemplars." };
    let expect = reader.text("expect")?.unwrap_or_default();
    let expected = match expect.as_str() {
        "match" => Expected::Fires,
        "no-match" | "no_match" => Expected::Quiet,
        _ => {
            let known = ["match", "no-match"];
            let problem = Problem::unknown("rsigma.exemplars.expect", &expect, known);
            return Err(problem.at(reader.place("expect")));
        }
    };
    let name = reader.text("name")?.unwrap_or_else(|| format!("exemplar {number}"));
    let (event, story) = match (node.get("event"), node.get("events")) {
        (Some(event), None) => (read_event(&reader, event)?, Vec::new()),
        (None, Some(events)) => (String::new(), read_story(events.items(), "offset")?),
        _ => {
            return Err(reader.kind(
                node,
                "event",
                "an event under event, or several under events",
            ));
        }
    };
    Ok(RuleTest { name, expected, event, story, around: Around::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_from_the_beginning() {
        let expected = [
            ("+3m", Some(180)),
            ("90s", Some(90)),
            ("1h30m", Some(5_400)),
            ("+14d", Some(14 * 86_400)),
            ("0", Some(0)),
            ("3", None),
            ("", None),
            ("m", None),
            ("-3m", None),
            ("99999999999999999999d", None),
        ];
        for (text, seconds) in expected {
            assert_eq!(offset(text), seconds, "{text}");
        }
    }
}
