//! Who is told of findings, over a world in memory: whatever fails, and wherever a process ends,
//! nothing is lost and nothing is sent more often than at-least-once allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use wk_act::notices::{Advice, ChannelPolicy, Escalation, Policy};
use wk_act::notifiers::Channel;
use wk_act::routes::Routes;
use wk_engine::notify::{Asked, Notify, Turned};
use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::notice::NoticeKind;
use wk_model::triage::{Deed, Disposition, Step};
use wk_model::{Exception, Notice, Severity, SeverityWord, Timestamp};
use wk_seam::Answer;
use wk_seam::clock::StandingClock;
use wk_seam::courier::{Outcome, Parcel, Proof};
use wk_seam::fakes::{Fault, Faults, MemoryCourier, MemoryLedger};
use wk_seam::ledger::{Commit, Ledger as _};
use wk_seam::outbox::{Outbox as _, PostQuery, Standing};
use wk_seam::triage::{Stepped, Steps, Triage as _};

/// A Thursday, at noon.
pub(crate) const NOON: Timestamp = Timestamp::from_seconds(1_707_998_400);

const ROUTES: &str = "
- name: high
  pattern: {source: [watchkeeper], detail: {severity: [{numeric: ['>=', 7]}]}}
  notify: {channels: [hook, chat], group_by: [rule]}
- name: medium
  pattern: {source: [watchkeeper], detail: {severity: [{numeric: ['>=', 4, '<', 7]}]}}
  notify: {channels: [chat], group_by: [rule]}
";

/// What processes share, and what the world outside got.
struct World {
    ledger: MemoryLedger,
    courier: MemoryCourier,
    clock: Arc<StandingClock>,
    seconds: i64,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        let mut policy = Policy::default();
        for (name, kind, settings) in [
            ("hook", "webhook", &[("url", "https://hooks.example/in"), ("secrets", "env:K")][..]),
            ("chat", "webhook", &[("url", "https://chat.example/in"), ("secrets", "env:K")][..]),
            ("page", "pagerduty", &[("routing_key", "env:K")][..]),
            ("switch", "heartbeat", &[("url", "https://switch.example/")][..]),
        ] {
            let settings: BTreeMap<String, Vec<String>> =
                settings.iter().map(|(k, v)| ((*k).to_owned(), vec![(*v).to_owned()])).collect();
            let channel = Channel::new(name, kind, settings).unwrap();
            policy.channels.insert(name.to_owned(), ChannelPolicy::of(channel));
        }
        Self {
            ledger: MemoryLedger::default(),
            courier: MemoryCourier::willing(),
            clock: Arc::new(StandingClock::at(NOON)),
            seconds: 0,
            policy,
        }
    }

    /// A process with these faults.
    fn process(&self, by: &str, faults: Vec<(u64, Fault)>) -> (Notify, Arc<Faults>) {
        let faults = Arc::new(Faults::at(faults));
        let notify = Notify {
            outbox: Arc::new(self.ledger.with_faults(faults.clone())),
            triage: Arc::new(self.ledger.with_faults(faults.clone())),
            courier: Arc::new(self.courier.clone()),
            clock: self.clock.clone(),
            routes: routes(),
            policy: Arc::new(self.policy.clone()),
            advice: Arc::new(|_| Advice::default()),
            is_drill: Arc::new(|finding| finding.actor.as_deref() == Some("exerciser")),
            reports: None,
            paging: None,
            by: by.to_owned(),
        };
        (notify, faults)
    }

    fn turn(&self) -> Turned {
        run(self.process("calm", vec![]).0.turn()).unwrap()
    }

    fn pass(&mut self, seconds: i64) {
        self.seconds += seconds;
        self.clock.set(NOON.plus_seconds(self.seconds));
    }

    /// Findings are committed: id, rule, severity in tenths.
    fn see(&self, findings: &[(&str, &str, u8)]) {
        let now = NOON.plus_seconds(self.seconds);
        let sightings = findings.iter().map(|(id, rule, tenths)| sighting(id, rule, *tenths, now));
        self.commit(sightings.collect());
    }

    fn commit(&self, sightings: Vec<Sighting>) {
        let commit = Commit { writer: "test".to_owned(), sightings, ..Commit::default() };
        run(self.ledger.commit(&commit)).unwrap();
    }

    /// The ids of the notices that were carried, in order, as often as they were.
    fn carried(&self) -> Vec<String> {
        self.courier.carried().iter().filter_map(id_of).collect()
    }

    fn posted(&self, standing: Standing) -> Vec<Notice> {
        let query = PostQuery { standings: vec![standing], ..PostQuery::default() };
        run(self.ledger.posted(&query)).unwrap().into_iter().map(|p| p.notice).collect()
    }
}

pub(crate) fn sighting(id: &str, rule: &str, tenths: u8, time: Timestamp) -> Sighting {
    Sighting {
        finding: FindingId(id.to_owned()),
        rule: Arc::new(Rule {
            id: rule.to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        }),
        title: format!("{rule} happened").into(),
        severity: Severity::from_tenths(tenths),
        account: Some("111122223333".to_owned()),
        region: None,
        actor: None,
        resources: vec![],
        event: EventRef { time, table: "cloudtrail".to_owned(), id: id.to_owned() },
        first_seen: time,
        last_seen: time,
        reported_count: None,
        origin: Origin::Live,
        ended: None,
        grounds: Default::default(),
    }
}

fn id_of(parcel: &Parcel) -> Option<String> {
    match parcel {
        Parcel::Http { proof: Proof::StandardWebhook { id, .. }, .. } => Some(id.clone()),
        _ => None,
    }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

fn routes() -> Arc<Routes> {
    static READ: OnceLock<Arc<Routes>> = OnceLock::new();
    let read = || {
        let (routes, bad) = Routes::with_own([("test", ROUTES)]);
        assert!(bad.is_empty(), "{bad:?}");
        Arc::new(routes)
    };
    READ.get_or_init(read).clone()
}

/// A day in which findings come, a process routes and delivers them, and something fails once.
fn a_day(faults: Vec<(u64, Fault)>) -> (World, u64) {
    let mut world = World::new();
    let (troubled, calls) = world.process("troubled", faults);
    world.see(&[("f1", "root", 80), ("f2", "s3", 50)]);
    // Whoever runs the loop hears of the failure and goes on, or has ended.
    let _first: Answer<Turned> = run(troubled.turn());
    world.pass(31);
    let _second: Answer<Turned> = run(troubled.turn());
    world.see(&[("f3", "s3", 50), ("f4", "key", 90)]);
    let _third: Answer<Turned> = run(troubled.turn());
    let calls = calls.calls();
    // Another process takes over once the claims of the first are over.
    for _ in 0..20 {
        world.pass(121);
        world.turn();
    }
    (world, calls)
}

#[test]
fn whatever_fails_wherever_a_process_ends_nothing_is_lost() {
    let (calm, calls) = a_day(vec![]);
    let expected: BTreeSet<String> = calm.carried().into_iter().collect();
    assert_eq!(expected.len(), calm.carried().len(), "undisturbed, each is sent once");
    // Two alarms to two channels each, one to one, and its update.
    assert_eq!(expected.len(), 6);
    assert!(calls > 15, "{calls} calls");
    for fault in
        [Fault::Transient, Fault::Final, Fault::AnswerLost, Fault::Killed, Fault::KilledAfter]
    {
        for call in 1..=calls {
            let (world, _) = a_day(vec![(call, fault)]);
            let carried = world.carried();
            let distinct: BTreeSet<&String> = carried.iter().collect();
            let told: BTreeSet<FindingId> =
                world.posted(Standing::Accepted).into_iter().flat_map(|n| n.covers).collect();
            let ids: Vec<&str> = told.iter().map(|id| id.0.as_str()).collect();
            let place = format!("{fault:?} at call {call}");
            assert_eq!(ids, ["f1", "f2", "f3", "f4"], "{place}: everybody was told");
            assert_eq!(world.posted(Standing::Waiting), [], "{place}: nothing is left");
            assert_eq!(world.posted(Standing::Dead), [], "{place}");
            // What was on its way when the process ended may come twice; up to four are.
            let twice = carried.len() - distinct.len();
            assert!(twice <= 4, "{place}: {twice} came twice");
            let receipts = world.ledger.outbox_lines();
            let receipts = receipts.iter().filter(|line| line.starts_with("receipt")).count();
            assert_eq!(receipts, distinct.len(), "{place}: each has one receipt");
        }
    }
}

#[test]
fn a_channel_that_fails_is_tried_again_and_does_not_hold_up_the_others() {
    let mut world = World::new();
    let busy = |parcel: &Parcel| match parcel {
        Parcel::Http { url, .. } if format!("{url:?}").contains("hooks") => {
            Outcome::Later { reason: "503".to_owned(), after_seconds: Some(90) }
        }
        _ => Outcome::Accepted { receipt: "ok".to_owned(), reference: None },
    };
    world.courier.answer(busy);
    world.see(&[("f1", "root", 80), ("f2", "key", 80)]);
    let turned = world.turn();
    assert_eq!((turned.queued, turned.delivered.accepted, turned.delivered.later), (4, 2, 2));
    assert!(turned.next >= Some(NOON.plus_seconds(90)), "what was asked for is waited: {turned:?}");
    world.pass(89);
    assert_eq!(world.turn().delivered.later, 0, "not before");
    world.courier.answer(|_| Outcome::Accepted { receipt: "ok".to_owned(), reference: None });
    world.pass(20);
    assert_eq!(world.turn().delivered.accepted, 2);
    let carried = world.carried();
    let distinct: BTreeSet<&String> = carried.iter().collect();
    assert_eq!((carried.len(), distinct.len()), (6, 4), "tried again under the same id");
}

#[test]
fn what_nobody_takes_for_a_day_is_a_dead_letter_that_can_be_tried_again() {
    let mut world = World::new();
    world.courier.answer(|_| Outcome::Later { reason: "503".to_owned(), after_seconds: None });
    world.see(&[("f1", "s3", 50)]);
    world.turn();
    for _ in 0..60 {
        world.pass(1800);
        world.turn();
    }
    let dead = world.posted(Standing::Dead);
    assert_eq!(dead.len(), 1);
    world.courier.answer(|_| Outcome::Accepted { receipt: "ok".to_owned(), reference: None });
    let now = NOON.plus_seconds(world.seconds);
    assert_eq!(run(world.ledger.retry(Some(&dead[0].id), now, "Ada")).unwrap(), 1);
    assert_eq!(world.turn().delivered.accepted, 1);
}

#[test]
fn a_refusal_is_a_dead_letter_at_once() {
    let world = World::new();
    world.courier.answer(|_| Outcome::Refused { reason: "401".to_owned() });
    world.see(&[("f1", "root", 80)]);
    let turned = world.turn();
    assert_eq!((turned.delivered.dead, turned.delivered.later), (2, 0));
    assert_eq!(world.posted(Standing::Dead).len(), 2);
}

#[test]
fn two_processes_send_each_notice_once() {
    let world = World::new();
    world.see(&[("f1", "root", 80), ("f2", "key", 80), ("f3", "s3", 80)]);
    let (one, two) = (world.process("one", vec![]).0, world.process("two", vec![]).0);
    run(async {
        let (first, second) = tokio::join!(one.turn(), two.turn());
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.queued + second.queued, 6);
        assert_eq!(first.delivered.accepted + second.delivered.accepted, 6);
    });
    let distinct: BTreeSet<String> = world.carried().into_iter().collect();
    assert_eq!((world.carried().len(), distinct.len()), (6, 6));
}

#[test]
fn a_year_of_history_pages_nobody_and_ends_in_one_digest() {
    let mut world = World::new();
    for month in 0..12i64 {
        let old = |n: i64| {
            let time = NOON.plus_seconds(-(month * 30 + n + 2) * 86_400);
            let mut old = sighting(&format!("f{month}-{n}"), "root", 95, time);
            old.origin = Origin::BackFill;
            old
        };
        world.commit((0..30).map(old).collect());
        world.turn();
        world.pass(60);
    }
    for _ in 0..100 {
        world.pass(900);
        world.turn();
    }
    assert_eq!(world.courier.carried(), [Parcel::Keep], "the record, and nobody else");
    let told = world.posted(Standing::Accepted);
    assert_eq!((told.len(), told[0].kind, told[0].covers.len()), (1, NoticeKind::Digest, 360));
}

#[test]
fn a_simulated_month_pages_each_high_finding_once_and_no_medium_one() {
    let mut world = World::new();
    let routes = ROUTES.replace("[hook, chat]", "[page]");
    let mut high = 0;
    let (mut process, _) = world.process("month", vec![]);
    process.routes = Arc::new(Routes::with_own([("test", routes.as_str())]).0);
    for hour in 0..30 * 24 {
        if hour % 7 == 0 {
            world.see(&[(&format!("m{hour}"), "s3", 50)]);
        }
        if hour % 29 == 0 {
            high += 1;
            world.see(&[(&format!("h{hour}"), &format!("rule-{hour}"), 80)]);
        }
        for _ in 0..4 {
            run(process.turn()).unwrap();
            world.pass(900);
        }
    }
    let pages: Vec<String> = world
        .courier
        .carried()
        .iter()
        .filter_map(|parcel| match parcel {
            Parcel::Http { body, proof: Proof::BodyMember { .. }, .. } => {
                Some(String::from_utf8(body.clone()).unwrap())
            }
            _ => None,
        })
        .collect();
    assert_eq!(pages.len(), high, "each High finding pages once");
    assert!(pages.iter().all(|page| page.contains("\"severity\":\"error\"")), "and no medium one");
    let backlog = run(world.ledger.backlog()).unwrap();
    assert_eq!((backlog.waiting, backlog.dead), (0, 0));
}

#[test]
fn a_drill_has_a_receipt_and_pages_nobody() {
    let mut world = World::new();
    world.policy.drill = vec!["chat".to_owned()];
    let mut exercise = sighting("f1", "root", 95, NOON);
    exercise.actor = Some("exerciser".to_owned());
    world.commit(vec![exercise]);
    let turned = world.turn();
    assert_eq!((turned.queued, turned.delivered.accepted), (1, 1));
    let told = world.posted(Standing::Accepted);
    assert_eq!((told[0].kind, told[0].channel.as_str()), (NoticeKind::Drill, "chat"));
}

#[test]
fn a_sign_of_life_goes_past_the_outbox() {
    let world = World::new();
    let process = world.process("beat", vec![]).0;
    assert!(matches!(run(process.heartbeat("switch")), Outcome::Accepted { .. }));
    assert!(matches!(run(process.heartbeat("chat")), Outcome::Refused { .. }), "no switch");
    assert!(matches!(run(process.heartbeat("none")), Outcome::Refused { .. }), "no channel");
    assert_eq!(world.posted(Standing::Waiting), [], "nothing is left for later");
}

#[test]
fn acknowledging_by_the_beginning_of_the_key_stops_the_escalation() {
    let mut world = World::new();
    world.policy.escalation = Escalation {
        within_seconds: BTreeMap::from([(SeverityWord::High, 3600)]),
        steps: vec![vec!["page".to_owned()]],
    };
    world.see(&[("f1", "root", 80), ("f2", "key", 80)]);
    world.turn();
    let process = world.process("cli", vec![]).0;
    let open = run(process.open_alarms()).unwrap();
    assert_eq!(open.len(), 2);
    let key: String = open[0].alarm.chars().take(8).collect();
    let asked = run(process.acknowledge(&key, "Ada", "looking")).unwrap();
    assert_eq!(asked, Asked::Done(open[0].alarm.clone()));
    assert_eq!(run(process.acknowledge(&key, "Ben", "")).unwrap(), Asked::Already);
    assert_eq!(run(process.acknowledge("zzz", "Ben", "")).unwrap(), Asked::Nothing);
    assert!(matches!(run(process.acknowledge("", "Ben", "")).unwrap(), Asked::Several(_)));
    world.pass(3600);
    assert_eq!(world.turn().counts.escalated, 1, "only what nobody took");
    let lines = world.ledger.outbox_lines();
    assert!(lines.iter().any(|line| line.contains("\"kind\":\"acknowledged\"")), "{lines:?}");
}

#[test]
fn what_an_exception_covers_is_counted_and_told_of_when_it_ends() {
    let mut world = World::new();
    let exception = Exception {
        id: "x-1".to_owned(),
        rules: vec!["root".to_owned()],
        pattern: Some(r#"{"actor":[{"exists":false}]}"#.to_owned()),
        reason: "known".to_owned(),
        owner: "anna".to_owned(),
        approver: "bert".to_owned(),
        ticket: "T-1".to_owned(),
        granted: NOON,
        until: NOON.plus_seconds(3_600),
        revoked: None,
        settled: None,
    };
    run(world.ledger.grant(&exception)).unwrap();
    world.see(&[("f1", "root", 80), ("f2", "s3", 80)]);
    let turned = world.turn();
    assert_eq!((turned.counts.changed, turned.counts.excepted), (2, 1));
    world.pass(60);
    world.turn();
    let told = |world: &World| -> BTreeSet<String> {
        let posted = world.posted(Standing::Accepted);
        posted.into_iter().flat_map(|n| n.covers).map(|id| id.0).collect()
    };
    assert_eq!(told(&world), BTreeSet::from(["f2".to_owned()]), "only what nobody accepts");
    let next = run(world.process("calm", vec![]).0.next()).unwrap().unwrap();
    assert!(next <= exception.until, "the end of an exception is not slept over");
    world.pass(3_600);
    let turned = world.turn();
    assert_eq!((turned.counts.reopened, turned.counts.excepted), (1, 0));
    world.pass(60);
    assert_eq!(world.turn().counts.reopened, 0, "once");
    assert!(told(&world).contains("f1"), "what it covered is told of when it ends");
}

#[test]
fn a_finding_that_was_decided_is_told_of_again_only_when_it_is_open_again() {
    let mut world = World::new();
    world.see(&[("f1", "root", 80)]);
    world.turn();
    world.pass(60);
    world.turn();
    let told = |world: &World| world.posted(Standing::Accepted).len();
    let before = told(&world);
    assert!(before > 0);
    let step = |nth: u64, deed: Deed| Step {
        finding: wk_model::finding::FindingId("f1".to_owned()),
        nth,
        at: NOON.plus_seconds(100),
        who: "anna".to_owned(),
        deed,
        reason: "known work".to_owned(),
        evidence: Vec::new(),
    };
    let keep = |world: &World, step: Step| {
        let seen = vec![(step.finding.clone(), step.nth - 1)];
        let steps = Steps { seen, steps: vec![step], settles: None };
        assert_eq!(run(world.ledger.keep_steps(&steps)).unwrap(), Stepped::Done);
    };
    keep(&world, step(1, Deed::Disposed { disposition: Disposition::FalsePositive }));
    world.pass(86_400);
    world.see(&[("f1", "root", 80)]);
    let turned = world.turn();
    assert_eq!((turned.counts.changed, turned.counts.decided), (1, 1));
    world.pass(86_400);
    world.turn();
    assert_eq!(told(&world), before, "it went on, and somebody had decided");
    keep(&world, step(2, Deed::Reopened));
    assert_eq!(world.turn().counts.decided, 0);
    world.pass(86_400);
    world.turn();
    assert!(told(&world) > before, "it is open again");
}

#[test]
fn findings_of_a_dry_run_are_counted_and_told_to_nobody() {
    let mut world = World::new();
    let mut tried = sighting("f1", "root", 90, NOON);
    tried.grounds.dry_run = true;
    world.commit(vec![tried]);
    let turned = world.turn();
    assert_eq!((turned.counts.changed, turned.counts.dry_run, turned.queued), (1, 1, 0));
    world.pass(600);
    world.turn();
    assert_eq!(world.carried(), [""; 0]);
}
