//! Event patterns over events that came by EventBridge: what the user's routes ask to be told of,
//! although it is no finding by itself.
//!
//! * The first pattern that matches decides, unless it says that those behind it are asked too.
//! * What an event is told by is a finding of the rule `route.NAME`; who routes findings gives it to
//!   the route NAME.
//! * An event that is a finding already, such as a failed backup, is told again only for a pattern
//!   that asks for what the finding has not kept: something in `detail`.

use wk_lang::json::Value;
use wk_lang::pattern::{Pattern, PatternSet, Scratch, Verdict};
use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::{Row, Severity, Timestamp};

/// The table whose events are asked.
const TABLE: &str = "eventbridge";
/// Repeats within an hour are one finding.
const WINDOW_SECONDS: i64 = 3600;

/// A route, as far as it is about events.
#[derive(Debug)]
pub struct EventRule {
    /// The route's name.
    pub name: String,
    /// The pattern.
    pub pattern: Pattern,
    /// Whether it asks for something to be told or done. `false`: it suppresses.
    pub asks: bool,
    /// Until when it suppresses.
    pub until: Option<Timestamp>,
    /// Whether those behind it are asked too.
    pub goes_on: bool,
    /// How bad an event of it is.
    pub severity: Severity,
}

/// Routes over events, in their order.
#[derive(Debug, Default)]
pub(crate) struct EventRules {
    rules: Vec<EventRule>,
    set: PatternSet,
}

impl EventRules {
    pub(crate) fn new(rules: Vec<EventRule>) -> Self {
        let set = PatternSet::new(rules.iter().map(|rule| &rule.pattern));
        Self { rules, set }
    }

    /// Asks every rule of an event.
    pub(crate) fn run(&self, row: &Row<'_>, record: Value<'_>, see: &mut dyn FnMut(Sighting)) {
        if self.rules.is_empty() || row.table.name != TABLE {
            return;
        }
        let (mut scratch, mut found) = (Scratch::default(), Vec::new());
        self.set.verdicts(record, &mut scratch, &mut found);
        for (place, verdict) in found {
            let Some(rule) = self.rules.get(place) else { continue };
            let over = rule.until.is_some_and(|until| row.time.is_some_and(|time| until <= time));
            // What only may match is told, and keeps nothing from being told.
            let unclear = verdict == Verdict::Unclear;
            if over || (unclear && !rule.asks) {
                continue;
            }
            if rule.asks && !(row.sighting.is_some() && rule.asks_envelope_only()) {
                see(rule.sighting(row, record));
            }
            if !rule.goes_on && !unclear {
                return;
            }
        }
    }
}

impl EventRule {
    /// Whether a branch asks for nothing in `detail`.
    fn asks_envelope_only(&self) -> bool {
        let in_detail = |path: &str| path == "detail" || path.starts_with("detail.");
        self.pattern.branches().any(|fields| !fields.iter().any(|field| in_detail(field.path)))
    }

    /// The machinery fills in the event's id and origin.
    fn sighting(&self, row: &Row<'_>, record: Value<'_>) -> Sighting {
        let time = row.time.unwrap_or_default();
        let id = format!("{}{}", Rule::OF_ROUTE, self.name);
        let own = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let text = |key: &str| record.text(key).unwrap_or_default();
        let mut resources: Vec<String> =
            row.resources.iter().map(|resource| resource.clone().into_owned()).collect();
        resources.truncate(wk_model::Finding::RESOURCES_MAX);
        let (account, actor) = (own(&row.account), own(&row.actor));
        let finding = FindingId::of_rule(
            &id,
            account.as_deref().unwrap_or_default(),
            actor.as_deref().unwrap_or_default(),
            resources.first().map_or("", String::as_str),
            time.floor_to(WINDOW_SECONDS),
        );
        Sighting {
            finding,
            rule: Rule {
                id,
                version: "1".to_owned(),
                product: "watchkeeper".to_owned(),
                attack: Vec::new(),
                controls: Vec::new(),
            },
            title: format!("{} from {}", text("detail-type"), text("source")),
            severity: self.severity,
            account,
            region: own(&row.region),
            actor,
            resources,
            event: EventRef { time, table: row.table.name.to_owned(), id: String::new() },
            first_seen: time,
            last_seen: time,
            reported_count: None,
            origin: Origin::BackFill,
            ended: None,
            grounds: Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use wk_model::SeverityWord;

    use super::*;
    use crate::detect::Detections;
    use crate::reader::{ObjectFacts, Reader, Sink};
    use crate::sources::{Settings, Source};

    fn rule(name: &str, pattern: &str, asks: bool, goes_on: bool) -> EventRule {
        EventRule {
            name: name.to_owned(),
            pattern: Pattern::parse(pattern).unwrap(),
            asks,
            until: None,
            goes_on,
            severity: Severity::of_word(SeverityWord::Medium),
        }
    }

    /// Runs rules over what is read.
    struct Told {
        detections: Detections,
        names: Vec<String>,
    }

    impl Sink for Told {
        fn event(
            &mut self,
            source: &'static Source,
            row: Row<'_>,
            record: Option<Value<'_>>,
            _: u64,
        ) {
            let names = &mut self.names;
            self.detections.run(source, &row, record, &mut Vec::new(), &mut |sighting| {
                names.push(format!("{} {}", sighting.rule.id, sighting.title));
            });
        }
        fn refuse(&mut self, source: &str, _: u64, reason: &str, _: &[u8]) {
            panic!("{source}: {reason}");
        }
    }

    /// What rules see in an event.
    fn seen(rules: Vec<EventRule>, source: &str, kind: &str, detail: &str) -> Vec<String> {
        let event = format!(
            r#"{{"version":"0","id":"e-1","detail-type":"{kind}","source":"{source}","account":"111122223333","time":"2024-02-15T14:00:00Z","region":"eu-west-1","resources":[],"detail":{detail}}}"#
        );
        let facts = ObjectFacts { uri: "object", modified: Timestamp::default(), metadata: &[] };
        let detections = Detections::none().with_event_rules(rules);
        let mut told = Told { detections, names: Vec::new() };
        let settings = Settings::default();
        Reader::new(facts, &settings, None, 16 << 20).read(event.as_bytes(), true, &mut told);
        told.names
    }

    const TAG: &str = r#"{"source":["aws.tag"],"detail":{"service":["ec2"]}}"#;

    #[test]
    fn an_event_that_a_route_asks_for_is_told() {
        let rules = || vec![rule("tags", TAG, true, false), rule("late", TAG, true, false)];
        let told = seen(rules(), "aws.tag", "Tag Change on Resource", r#"{"service":"ec2"}"#);
        assert_eq!(told, ["route.tags Tag Change on Resource from aws.tag"]);
        assert!(
            seen(rules(), "aws.tag", "Tag Change on Resource", r#"{"service":"s3"}"#).is_empty()
        );
    }

    #[test]
    fn the_first_decides_and_a_suppression_keeps_those_behind_it_quiet() {
        let event = ("aws.tag", "Tag Change on Resource", r#"{"service":"ec2"}"#);
        let told = |rules| seen(rules, event.0, event.1, event.2).len();
        assert_eq!(told(vec![rule("a", TAG, true, true), rule("b", TAG, true, false)]), 2);
        assert_eq!(told(vec![rule("a", TAG, false, false), rule("b", TAG, true, false)]), 0);
        let mut over = rule("a", TAG, false, false);
        over.until = Timestamp::parse("2024-02-15T14:00:00Z").ok();
        assert_eq!(told(vec![over, rule("b", TAG, true, false)]), 1);
    }

    #[test]
    fn a_failure_that_is_a_finding_is_told_again_only_for_what_lies_in_its_detail() {
        let failed = |pattern| {
            let rules = vec![rule("backups", pattern, true, false)];
            seen(rules, "aws.backup", "Backup Job State Change", r#"{"state":"FAILED"}"#).len()
        };
        assert_eq!(failed(r#"{"source":["aws.backup"]}"#), 0);
        assert_eq!(failed(r#"{"source":["aws.backup"],"detail":{"state":["FAILED"]}}"#), 1);
    }
}
