//! What happens in the month: the files of a small organisation as they are delivered, and what is laid
//! over them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use wk_model::{Day, Timestamp};
use wk_sim::{File, Plan, Simulation, Truth};

use super::outside::Outside;
use super::{BEGINS, DAY, DAYS, HOUR, MINUTE, STEP};
use crate::service::{Told, notice};

/// The trail stops on the fourth Tuesday at ten, for four hours.
pub(super) const STOPPED: i64 = 22 * DAY + 10 * HOUR;
/// Storage is out of reach on the second Tuesday, and the ledger on the third.
pub(super) const STORE_FAILS: std::ops::Range<i64> = 8 * DAY + 14 * HOUR..8 * DAY + 16 * HOUR;
pub(super) const LEDGER_FAILS: std::ops::Range<i64> = 15 * DAY + 9 * HOUR..15 * DAY + 11 * HOUR;
/// Calls that the trail brings in every hour besides the simulator's.
const CALLS: u64 = 20;
const ACCOUNT: &str = "111122223333";

/// Whoever writes logs.
#[derive(Debug)]
pub(super) struct Feed {
    simulation: Simulation,
    next: Option<File>,
    /// Objects that are told of much later.
    late: Vec<(i64, String)>,
    /// Records that were sent, by what they are.
    pub(super) sent: BTreeMap<&'static str, u64>,
    /// Calls among them, each once.
    pub(super) calls: BTreeSet<String>,
    /// Findings of GuardDuty that were planted, by the beginning of their titles.
    pub(super) high: Vec<String>,
    pub(super) medium: Vec<String>,
    /// Findings that lay there before the watch began.
    pub(super) old: u64,
    /// Records that nobody can read.
    pub(super) broken: u64,
    /// Objects that were told of twice, and that nobody was told of.
    pub(super) twice: u64,
    pub(super) untold: u64,
    objects: u64,
}

impl Feed {
    pub(super) fn new() -> Self {
        let (start, days) = (BEGINS.day(), u32::try_from(DAYS).unwrap());
        let mut simulation = Simulation::new(&Plan { start, days, scale: 0.01, ..Plan::demo(7) });
        Self {
            next: simulation.next(),
            simulation,
            late: Vec::new(),
            sent: BTreeMap::new(),
            calls: BTreeSet::new(),
            high: Vec::new(),
            medium: Vec::new(),
            old: 0,
            broken: 0,
            twice: 0,
            untold: 0,
            objects: 0,
        }
    }

    pub(super) fn truth(&self) -> &Truth {
        self.simulation.truth()
    }

    /// Days on which something happens that somebody must be told of: the week of the stories, and days
    /// on which something was planted, failed or stopped.
    pub(super) fn busy_days(&self) -> BTreeSet<i64> {
        (0..DAYS).filter(|day| *day < 7 || matches!(day % 7, 1 | 3)).collect()
    }

    /// What lay there before the watch began.
    pub(super) fn history(&mut self, outside: &Outside) {
        for n in 0..6 {
            let at = BEGINS.plus_seconds(-3 * DAY - n * HOUR);
            let key = format!("AWSLogs/{ACCOUNT}/GuardDuty/eu-west-1/{}/old-{n}.jsonl", folder(at));
            let (_, detail) = finding(&format!("Old{n}"), 80, at);
            outside.buckets.put("logs", &key, detail, at.plus_seconds(200));
            self.sent("guardduty", 1);
            self.old += 1;
        }
    }

    /// What happens in the step that ends so many seconds after the beginning.
    pub(super) fn step(&mut self, outside: &Outside, second: i64) {
        self.tell_late(outside, second);
        if second > DAYS * DAY {
            return;
        }
        let end = BEGINS.plus_seconds(second);
        let stops = (STOPPED..STOPPED + 4 * HOUR).contains(&(second - 1));
        while self.next.as_ref().is_some_and(|file| file.delivered <= end) {
            let Some(file) = self.next.take() else { break };
            self.next = self.simulation.next();
            // Digests are read by another command; and where the trail stops nothing is written.
            let digest = file.source == "cloudtrail-digest";
            let not_written = stops && file.source.starts_with("cloudtrail");
            if !(digest || not_written) {
                self.file(outside, &file, second);
            }
        }
        if !stops {
            self.calls(outside, second);
        }
        if second % (7 * DAY) == 4 * DAY + 11 * HOUR {
            let text = "{\"Records\":[{\"eventVersion\": broken}]}";
            self.broken += 1;
            self.sent("broken", 1);
            self.put(outside, "broken", text.as_bytes(), end);
        }
        self.plant(outside, second);
    }

    fn file(&mut self, outside: &Outside, file: &File, second: i64) {
        self.sent(file.source, file.records);
        if file.source == "cloudtrail" {
            self.note_calls(&file.bytes);
        }
        outside.buckets.put("logs", &file.path, file.bytes.clone(), file.delivered);
        self.tell(outside, &file.path, second);
    }

    /// Calls of an ordinary hour. Now and then the object is there twice under another name.
    fn calls(&mut self, outside: &Outside, second: i64) {
        let end = BEGINS.plus_seconds(second);
        let number = u64::try_from(second / STEP).unwrap();
        let call = |n: u64| {
            let at = end.plus_seconds(-5 * MINUTE - i64::try_from(n).unwrap() * 150);
            json!({"eventVersion": "1.08", "eventTime": at.to_string(), "eventType": "AwsApiCall",
                "eventID": format!("00000000-0000-4000-8000-{:012}", number * 100 + n),
                "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances",
                "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT, "readOnly": true,
                "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli",
                "userIdentity": {"type": "AssumedRole", "accountId": ACCOUNT,
                    "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deployer/x")}})
        };
        let records: Vec<_> = (0..CALLS).map(call).collect();
        let text = json!({"Records": records}).to_string();
        let key = self.put(outside, "calls", text.as_bytes(), end);
        self.sent("cloudtrail", CALLS);
        self.note_calls(text.as_bytes());
        // At once: two hours told late would be a silence of the trail.
        outside.queue.send(notice(Told::Notification, &key));
        if number % 9 == 0 {
            let key = self.put(outside, "copied", text.as_bytes(), end);
            self.sent("cloudtrail", CALLS);
            self.tell(outside, &key, second);
        }
    }

    /// Findings of GuardDuty by EventBridge, on Tuesdays and Thursdays after the week of the stories.
    fn plant(&mut self, outside: &Outside, second: i64) {
        let (day, hour) = (second / DAY, second % DAY);
        if day < 7 || !matches!(day % 7, 1 | 3) || hour % HOUR != 0 {
            return;
        }
        let (word, tenths) = match hour / HOUR {
            2 | 20 => ("High", 80),
            7 | 13 | 19 => ("Medium", 50),
            _ => return,
        };
        let name = format!("{word}{}", second / HOUR);
        let (event, _) = finding(&name, tenths, BEGINS.plus_seconds(second - 2 * MINUTE));
        outside.queue.send(event);
        self.sent("guardduty", 1);
        let of = if tenths >= 70 { &mut self.high } else { &mut self.medium };
        of.push(format!("{name} was seen"));
    }

    /// The queue is told of an object: once mostly, twice or hours later at times, or never. In the week
    /// of the stories it is told in time: a story whose parts come hours apart is found by a look back
    /// over the lake, which pages nobody and has a test of its own.
    fn tell(&mut self, outside: &Outside, key: &str, second: i64) {
        const WAYS: [Told; 4] =
            [Told::Notification, Told::InSns, Told::ByEventBridge, Told::ByTrail];
        self.objects += 1;
        let number = self.objects;
        let way = WAYS[usize::try_from(number % 4).unwrap()];
        match number % 40 {
            0 | 10 | 30 if second <= 7 * DAY => outside.queue.send(notice(way, key)),
            0 => self.untold += 1,
            10 | 30 => self.late.push((second + 5 * HOUR, key.to_owned())),
            20 => {
                self.twice += 1;
                (0..2).for_each(|_| outside.queue.send(notice(way, key)));
            }
            _ => outside.queue.send(notice(way, key)),
        }
    }

    fn tell_late(&mut self, outside: &Outside, second: i64) {
        let (due, waits) = self.late.drain(..).partition(|(at, _)| *at <= second);
        self.late = waits;
        for (_, key) in due {
            outside.queue.send(notice(Told::Notification, &key));
        }
    }

    fn put(&mut self, outside: &Outside, name: &str, bytes: &[u8], end: Timestamp) -> String {
        let day = folder(end);
        let key =
            format!("AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{day}/{name}-{}.json", end.seconds());
        outside.buckets.put("logs", &key, bytes, end.plus_seconds(-MINUTE));
        key
    }

    fn sent(&mut self, what: &'static str, records: u64) {
        *self.sent.entry(what).or_default() += records;
    }

    fn note_calls(&mut self, bytes: &[u8]) {
        let file: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let ids = file["Records"].as_array().unwrap().iter().map(|call| &call["eventID"]);
        self.calls.extend(ids.map(|id| id.as_str().unwrap().to_owned()));
    }
}

/// The folder of a day, as AWS names it.
fn folder(at: Timestamp) -> String {
    let day: Day = at.day();
    day.to_string().replace('-', "/")
}

/// A finding of GuardDuty: as EventBridge brings it, and as it is exported.
fn finding(name: &str, tenths: u64, at: Timestamp) -> (String, String) {
    let at = at.to_string();
    let detail = json!({
        "schemaVersion": "2.0", "accountId": ACCOUNT, "region": "eu-west-1", "id": name,
        "type": format!("Behavior:EC2/{name}"), "severity": tenths / 10,
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-1"}},
        "service": {"serviceName": "guardduty", "archived": false, "count": 1,
            "eventFirstSeen": at, "eventLastSeen": at},
        "createdAt": at, "updatedAt": at, "title": format!("{name} was seen"),
    });
    let event = json!({"version": "0", "id": name, "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty", "account": ACCOUNT, "time": at, "region": "eu-west-1",
        "resources": [], "detail": detail});
    (event.to_string(), detail.to_string())
}
