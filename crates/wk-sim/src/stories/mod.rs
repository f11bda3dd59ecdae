//! The stories of the CC7 document, one file each, and the machinery to tell them.
//!
//! * A story is told before the week begins; its day is counted from the plan's first day.
//! * A story whose day the plan does not reach is not told.
//! * Every story says in the truth what a good watch should report.

mod denied_access;
mod failed_jobs;
mod failing_disk;
mod instance_credentials;
mod logging_off;
mod remote_login;
mod ssh_brute_force;

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::agenda::{Agenda, Note};
use crate::clock::DAY_SECONDS;
use crate::delivery::{Filed, records_file, trail_path};
use crate::flow::{Flow, Network};
use crate::identity::Actor;
use crate::record::{Call, Event};
use crate::rng::Rng;
use crate::truth::{ExpectedFinding, Story};
use crate::world::Place;

/// A time without records: the trail, or one network's flow log, was off.
#[derive(Debug, Clone)]
pub(crate) struct Silence {
    /// The network whose log was off; `None`: the organisation trail.
    network: Option<&'static str>,
    from: Timestamp,
    until: Timestamp,
}

impl Silence {
    /// Whether the trail records nothing at this moment.
    pub(crate) fn trail(&self, at: Timestamp) -> bool {
        self.network.is_none() && self.from < at && at < self.until
    }
    /// Whether the network's flow log writes no file at this moment.
    pub(crate) fn flow_log(&self, network: &Network, at: Timestamp) -> bool {
        self.network == Some(network.vpc) && self.from < at && at < self.until
    }
}

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub stories: Vec<Story>,
    pub silences: Vec<Silence>,
}

/// A story's name, its day (0 is the first), and who tells it.
type Plot = (&'static str, i64, fn(&mut Teller<'_>));

const PLOTS: [Plot; 7] = [
    ("failing-disk", 1, failing_disk::tell),
    ("denied-access", 2, denied_access::tell),
    ("failed-jobs", 2, failed_jobs::tell),
    ("ssh-brute-force", 3, ssh_brute_force::tell),
    ("instance-credentials", 3, instance_credentials::tell),
    ("logging-off", 5, logging_off::tell),
    ("remote-login", 6, remote_login::tell),
];

/// Tells every story that the plan reaches.
pub(crate) fn tell(agenda: &mut Agenda, seed: u64, start: Timestamp, end: Timestamp) -> Told {
    let mut told = Told::default();
    for (name, day, plot) in PLOTS {
        let day = start.plus_seconds(day * DAY_SECONDS);
        if day >= end {
            continue;
        }
        let mut teller = Teller {
            rng: Rng::named(seed, &["story", name], 0),
            agenda,
            day,
            silences: Vec::new(),
            calls: Vec::new(),
            story: Story {
                name,
                what: String::new(),
                first: end,
                last: start,
                actor: String::new(),
                resources: Vec::new(),
                events: Vec::new(),
                expect: Vec::new(),
            },
        };
        plot(&mut teller);
        teller.calls.sort();
        teller.story.events = teller.calls.into_iter().map(|(_, id)| id).collect();
        told.stories.push(teller.story);
        told.silences.append(&mut teller.silences);
    }
    told
}

/// Writes one story into the agenda and its truth.
pub(crate) struct Teller<'a> {
    rng: Rng,
    agenda: &'a mut Agenda,
    day: Timestamp,
    silences: Vec<Silence>,
    calls: Vec<(Timestamp, String)>,
    story: Story,
}

impl Teller<'_> {
    /// A time of the story's day.
    fn at(&self, hour: i64, minute: i64, second: i64) -> Timestamp {
        self.day.plus_seconds(hour * 3600 + minute * 60 + second)
    }

    /// What happened, by whom, to what.
    fn about(&mut self, what: &str, actor: &str, resources: &[&str]) {
        self.story.what = what.to_owned();
        self.story.actor = actor.to_owned();
        self.story.resources = resources.iter().map(|r| (*r).to_owned()).collect();
    }

    fn mark(&mut self, at: Timestamp) {
        self.story.first = self.story.first.min(at);
        self.story.last = self.story.last.max(at);
    }

    /// Someone of the story makes a call.
    fn call(&mut self, at: Timestamp, place: Place, actor: &Actor, call: Call) {
        self.mark(at);
        let id = self.agenda.call(&mut self.rng, at, place, actor, call);
        self.calls.push((at, id));
    }

    /// The record of the call that was made last.
    fn last_record(&mut self) -> Value {
        let Some((at, id)) = self.calls.last() else { return Value::Null };
        let calls = &self.agenda.slot(*at).calls;
        let record = calls.iter().find(|event| event.id == *id);
        record.and_then(|event| serde_json::from_str(&event.json).ok()).unwrap_or_default()
    }

    /// EventBridge carries an event of the story.
    fn bridge(
        &mut self,
        at: Timestamp,
        place: Place,
        kind: (&str, &str),
        resources: &[String],
        detail: &Value,
    ) {
        self.mark(at);
        self.agenda.bridge(&mut self.rng, at, place, kind, resources, detail);
    }

    /// GuardDuty reports, or reports again.
    fn finding(&mut self, at: Timestamp, place: Place, finding: &Value) {
        self.mark(at);
        self.agenda.finding(&mut self.rng, at, place, finding);
    }

    /// A flow of the story.
    fn flow(&mut self, flow: Flow) {
        self.mark(flow.start);
        self.agenda.slot(flow.start).flows.push(flow);
    }

    /// A configuration item of the story.
    fn item(&mut self, at: Timestamp, place: Place, item: &Value) {
        let note = Note { time: at, place, json: item.to_string() };
        self.agenda.slot(at).items.push(note);
    }

    /// A time without records of the trail, or of one network's flow log.
    fn silence(&mut self, network: Option<&'static str>, from: Timestamp, until: Timestamp) {
        self.silences.push(Silence { network, from, until });
    }

    /// CloudTrail Insights notices an unusual rate, from `start` for some minutes.
    fn insight(&mut self, start: Timestamp, minutes: i64, place: Place, insight: &Insight<'_>) {
        let shared = self.rng.uuid();
        for (state, at) in [("Start", start), ("End", start.plus_seconds(minutes * 60))] {
            let id = self.rng.uuid();
            let record = insight.record(state, at, place, &id, &shared, minutes);
            let event = Event { time: at, place, id, json: record.to_string() };
            self.agenda.slot(at).insights.push(event);
        }
    }

    /// What a good watch reports of it.
    fn expect(&mut self, finding: ExpectedFinding) {
        self.story.expect.push(finding);
    }
}

/// What CloudTrail Insights noticed.
pub(crate) struct Insight<'a> {
    /// `ApiErrorRateInsight` or `ApiCallRateInsight`.
    kind: &'static str,
    source: &'static str,
    name: &'static str,
    error: &'static str,
    actor: &'a Actor,
    /// Calls a minute, in thousandths: as ever, and now.
    rates: (u64, u64),
}

impl Insight<'_> {
    fn record(
        &self,
        state: &str,
        at: Timestamp,
        place: Place,
        id: &str,
        shared: &str,
        minutes: i64,
    ) -> Value {
        let (usual, now) = (thousandths(self.rates.0), thousandths(self.rates.1));
        let one = |attribute: &str, value: &str| {
            json!({
                "attribute": attribute,
                "insight": [{"value": value, "average": now}],
                "baseline": [{"value": value, "average": usual}],
            })
        };
        let mut statistics = json!({"baseline": {"average": usual}, "insight": {"average": now}});
        if state == "End" {
            statistics["insightDuration"] = json!(minutes);
        }
        statistics["baselineDuration"] = json!(10_062);
        json!({
            "eventVersion": "1.08",
            "eventTime": at.to_string(),
            "awsRegion": place.region,
            "eventID": id,
            "eventType": "AwsCloudTrailInsight",
            "recipientAccountId": place.account,
            "sharedEventID": shared,
            "insightDetails": {
                "state": state,
                "eventSource": format!("{}.amazonaws.com", self.source),
                "eventName": self.name,
                "insightType": self.kind,
                "errorCode": self.error,
                "insightContext": {
                    "statistics": statistics,
                    "attributions": [
                        one("userIdentityArn", &self.actor.arn),
                        one("userAgent", &self.actor.agent),
                    ],
                },
            },
            "eventCategory": "Insight",
        })
    }
}

fn thousandths(rate: u64) -> f64 {
    u32::try_from(rate).map_or(0.0, f64::from) / 1000.0
}

/// Insights events come up to half an hour after what they report.
pub(crate) fn insight_files(seed: u64, slot: Timestamp, events: Vec<Event>) -> Vec<Filed> {
    let mut rng = Rng::named(seed, &["insight-files"], slot.seconds());
    let mut files = Vec::new();
    for event in events {
        let delivered = event.time.plus_seconds(rng.seconds(900, 1_700));
        let path = trail_path(&mut rng, event.place, "CloudTrail-Insight", delivered);
        files.push(records_file("cloudtrail-insight", path, delivered, event.place, &[event]));
    }
    files
}
