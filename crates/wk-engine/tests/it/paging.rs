//! What PagerDuty says is taken over: who is on call there, and what people did there with an alarm.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wk_act::notices::{Advice, ChannelPolicy, Escalation, Override, Policy};
use wk_act::notifiers::Channel;
use wk_act::routes::Routes;
use wk_engine::notify::{Notify, Paging, Turned};
use wk_model::{SeverityWord, Timestamp};
use wk_seam::Future;
use wk_seam::clock::StandingClock;
use wk_seam::courier::{Parcel, Proof};
use wk_seam::fakes::{MemoryCourier, MemoryLedger};
use wk_seam::ledger::{Commit, Ledger as _};
use wk_seam::pager::{Incident, OnCall, Pager, Unheard};

use crate::notify::{NOON, run, sighting};

const ROUTES: &str = "
- name: high
  pattern: {source: [watchkeeper]}
  notify: {channels: [page], group_by: [rule]}
";

/// A pager that answers as it is told to, and counts how often it is asked.
#[derive(Default)]
struct Told {
    on_call: Mutex<Option<Result<Vec<OnCall>, Unheard>>>,
    incident: Mutex<Option<Result<Incident, Unheard>>>,
    asked: Mutex<(u64, u64)>,
}

impl Pager for Told {
    fn on_call(&self, _: Timestamp, _: Timestamp) -> Future<'_, Result<Vec<OnCall>, Unheard>> {
        self.asked.lock().unwrap().0 += 1;
        let said = self.on_call.lock().unwrap().clone().unwrap_or_else(|| Ok(Vec::new()));
        Box::pin(std::future::ready(said))
    }
    fn incident<'a>(&'a self, _: &'a str) -> Future<'a, Result<Option<Incident>, Unheard>> {
        self.asked.lock().unwrap().1 += 1;
        let said = self.incident.lock().unwrap().clone().transpose();
        Box::pin(std::future::ready(said))
    }
}

struct World {
    ledger: MemoryLedger,
    courier: MemoryCourier,
    clock: Arc<StandingClock>,
    told: Arc<Told>,
    notify: Notify,
    seconds: i64,
}

impl World {
    /// High findings page; after an hour whoever is on call is asked, then the commander.
    fn new() -> Self {
        let (ledger, courier) = (MemoryLedger::default(), MemoryCourier::willing());
        let clock = Arc::new(StandingClock::at(NOON));
        let told = Arc::new(Told::default());
        let mut policy = Policy::default();
        for (name, kind, key, value) in [
            ("page", "pagerduty", "routing_key", "env:K"),
            ("ada", "slack", "url", "https://ada.example/"),
            ("ben", "slack", "url", "https://ben.example/"),
            ("boss", "slack", "url", "https://boss.example/"),
        ] {
            let settings = BTreeMap::from([(key.to_owned(), vec![value.to_owned()])]);
            let channel = Channel::new(name, kind, settings).unwrap();
            policy.channels.insert(name.to_owned(), ChannelPolicy::of(channel));
        }
        policy.people = ["ada", "ben"].map(|name| (name.to_owned(), vec![name.to_owned()])).into();
        policy.asked = Some(BTreeMap::from([("P1".to_owned(), "ada".to_owned())]));
        let (from, until) = (NOON, NOON.plus_seconds(10 * 86_400));
        policy.rota.overrides = vec![Override { person: "ben".to_owned(), from, until }];
        policy.escalation = Escalation {
            within_seconds: BTreeMap::from([(SeverityWord::High, 3600)]),
            steps: vec![vec!["oncall".to_owned()], vec!["boss".to_owned()]],
        };
        let notify = Notify {
            outbox: Arc::new(ledger.clone()),
            triage: Arc::new(ledger.clone()),
            courier: Arc::new(courier.clone()),
            clock: clock.clone(),
            routes: Arc::new(Routes::with_own([("test", ROUTES)]).0),
            policy: Arc::new(policy),
            advice: Arc::new(|_| Advice::default()),
            is_drill: Arc::new(|_| false),
            reports: None,
            paging: Some(Arc::new(Paging::new(told.clone()))),
            by: "test".to_owned(),
        };
        Self { ledger, courier, clock, told, notify, seconds: 0 }
    }

    fn see(&self, id: &str) {
        let now = NOON.plus_seconds(self.seconds);
        let sightings = vec![sighting(id, id, 80, now)];
        let commit = Commit { writer: "test".to_owned(), sightings, ..Commit::default() };
        run(self.ledger.commit(&commit)).unwrap();
    }

    fn turn(&self) -> Turned {
        run(self.notify.turn()).unwrap()
    }

    fn pass(&mut self, seconds: i64) -> Turned {
        self.seconds += seconds;
        self.clock.set(NOON.plus_seconds(self.seconds));
        self.turn()
    }

    /// Whom parcels went to: the host, or what PagerDuty was told.
    fn carried(&self) -> Vec<String> {
        let one = |parcel: &Parcel| match parcel {
            Parcel::Http { body, proof: Proof::BodyMember { .. }, .. } => {
                let event: serde_json::Value = serde_json::from_slice(body).unwrap();
                event["event_action"].as_str().unwrap().to_owned()
            }
            Parcel::Http { url, .. } => format!("{url:?}").replace(['"'], ""),
            other => format!("{other:?}"),
        };
        self.courier.carried().iter().map(one).collect()
    }
}

fn ada() -> OnCall {
    OnCall { id: "P1".to_owned(), name: "Ada".to_owned(), ..OnCall::default() }
}

fn limited(seconds: u64) -> Unheard {
    Unheard { reason: "429".to_owned(), after_seconds: Some(seconds) }
}

#[test]
fn the_escalation_asks_whoever_pagerduty_has_on_call() {
    let mut world = World::new();
    *world.told.on_call.lock().unwrap() = Some(Ok(vec![ada()]));
    world.see("f1");
    world.turn();
    let turned = world.pass(3600);
    assert_eq!((turned.counts.escalated, turned.counts.oncall_doubts), (1, 0));
    assert_eq!(world.carried(), ["trigger", "ada.example"]);
    world.pass(3600);
    assert_eq!(world.carried(), ["trigger", "ada.example", "boss.example"], "the last step");
}

#[test]
fn where_pagerduty_cannot_be_reached_the_own_rota_is_asked_and_it_is_not_asked_too_often() {
    let mut world = World::new();
    *world.told.on_call.lock().unwrap() = Some(Err(limited(600)));
    world.see("f1");
    world.turn();
    let asked = |world: &World| world.told.asked.lock().unwrap().0;
    assert_eq!(asked(&world), 1);
    for minute in 1..=9 {
        world.see(&format!("f1-{minute}"));
        world.pass(60);
    }
    assert_eq!(asked(&world), 1, "it asked for ten minutes of peace");
    let turned = world.pass(3600 - 540);
    assert_eq!((turned.counts.escalated, turned.counts.oncall_doubts), (1, 1));
    assert_eq!(asked(&world), 2);
    assert_eq!(world.carried().last().map(String::as_str), Some("ben.example"));
    let said = world.courier.carried().iter().any(|parcel| match parcel {
        Parcel::Http { body, .. } => {
            String::from_utf8_lossy(body).contains("ben is asked, as the own rota says")
        }
        _ => false,
    });
    assert!(said, "whoever is told reads why");
}

#[test]
fn what_somebody_took_in_pagerduty_is_escalated_no_more() {
    let mut world = World::new();
    world.see("f1");
    world.turn();
    *world.told.incident.lock().unwrap() = Some(Ok(Incident::Open));
    world.pass(1800);
    *world.told.incident.lock().unwrap() = Some(Ok(Incident::Taken { by: "Ada".to_owned() }));
    let turned = world.pass(60);
    assert_eq!((turned.read_back.asked, turned.read_back.taken), (1, 1));
    let open = run(world.notify.open_alarms()).unwrap();
    assert_eq!(open[0].taken.as_ref().map(|(by, _)| by.as_str()), Some("Ada"));
    for _ in 0..5 {
        assert_eq!(world.pass(3600).counts.escalated, 0);
    }
    assert_eq!(world.carried(), ["trigger"], "it does not hear its own words again");
    assert_eq!(world.turn().read_back.asked, 0, "what is taken is asked about no more");
}

#[test]
fn what_somebody_ended_in_pagerduty_is_over() {
    let mut world = World::new();
    world.see("f1");
    world.turn();
    *world.told.incident.lock().unwrap() = Some(Ok(Incident::Over { by: "Ada".to_owned() }));
    assert_eq!(world.pass(60).read_back.over, 1);
    assert_eq!(run(world.notify.open_alarms()).unwrap(), []);
    let lines = world.ledger.outbox_lines();
    assert!(lines.iter().any(|l| l.contains("\"resolved\"") && l.contains("in PagerDuty")));
}

#[test]
fn a_pagerduty_that_limits_is_left_alone_and_the_escalation_goes_on() {
    let mut world = World::new();
    for n in 0..3 {
        world.see(&format!("f{n}"));
    }
    world.turn();
    *world.told.incident.lock().unwrap() = Some(Err(limited(300)));
    let before = world.told.asked.lock().unwrap().1;
    let failed = world.pass(60).read_back;
    assert_eq!((failed.asked, failed.failed.as_deref()), (1, Some("429")));
    assert_eq!(world.pass(299).read_back.asked, 0, "not before it may be asked");
    assert_eq!(world.told.asked.lock().unwrap().1, before + 1);
    assert_eq!(world.pass(3600).counts.escalated, 3, "nobody took them");
}
