//! The state machine over a simulated clock: what people are told, and when.

use std::collections::BTreeMap;

use wk_model::finding::{EventRef, Finding, FindingId, Origin, Rule};
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Severity, SeverityWord, Timestamp};
use wk_seam::outbox::GroupRow;

use super::interval::{Interval, IntervalText};
use super::*;
use crate::notifiers::Channel;
use crate::routes::{Outcome, QuietReason, Tell};

/// A Thursday, at noon.
const NOON: &str = "2024-02-15T12:00:00Z";

/// Keeps what turns make, as the outbox does.
struct World {
    policy: Policy,
    now: Timestamp,
    desk: String,
    rows: BTreeMap<String, GroupRow>,
    notices: Vec<Notice>,
    counts: Counts,
    lines: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut policy = Policy::default();
        for (name, kind, key, value) in [
            ("page", "pagerduty", "routing_key", "env:K"),
            ("chat", "slack", "url", "env:S"),
            ("boss", "sms", "to", "+4915112345678"),
        ] {
            let settings = BTreeMap::from([(key.to_owned(), vec![value.to_owned()])]);
            let channel = Channel::new(name, kind, settings).unwrap();
            policy.channels.insert(name.to_owned(), ChannelPolicy::of(channel));
        }
        Self {
            policy,
            now: Timestamp::parse(NOON).unwrap(),
            desk: String::new(),
            rows: BTreeMap::new(),
            notices: Vec::new(),
            counts: Counts::default(),
            lines: Vec::new(),
        }
    }

    fn turn(&mut self, work: impl FnOnce(&mut Turn<'_>)) -> Vec<String> {
        let advice = |_: &NoticeFinding| Advice::default();
        let rows: Vec<GroupRow> =
            self.rows.values().filter(|row| !row.body.is_empty()).cloned().collect();
        let mut turn = Turn::new(&self.policy, &advice, self.now, &self.desk, &rows).unwrap();
        work(&mut turn);
        turn.ripen();
        let made = turn.finish().unwrap();
        self.desk = made.desk;
        for row in made.groups {
            self.rows.insert(row.key.clone(), row);
        }
        let said = made.notices.iter().map(say).collect();
        self.notices.extend(made.notices);
        self.lines.extend(made.lines);
        self.counts.add(&made.counts);
        said
    }

    /// Findings change, and a route wants them told to these channels, grouped by rule.
    fn see(&mut self, findings: &[Finding], channels: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for finding in findings {
            let outcome = notify(channels);
            let (now, counts) = (self.now, &mut self.counts);
            all.extend(wanted(finding, &[outcome], &self.policy, now, counts).0);
        }
        self.turn(|turn| all.iter().for_each(|wanted| turn.absorb(wanted)))
    }

    /// Lets time pass; what was said, with the minutes after which it was.
    fn pass(&mut self, minutes: i64) -> Vec<String> {
        let (begin, end) = (self.now, self.now.plus_seconds(minutes * 60));
        let mut said = Vec::new();
        while self.now < end {
            self.now = self.now.plus_seconds(30);
            let after = (self.now.seconds() - begin.seconds()) / 60;
            said.extend(self.turn(|_| {}).into_iter().map(|line| format!("{after} {line}")));
        }
        said
    }
}

fn say(notice: &Notice) -> String {
    let count = notice.count();
    format!("{} {} {} ({count})", notice.channel, notice.kind.as_str(), notice.title)
}

fn notify(channels: &[&str]) -> Outcome {
    let channels = channels.iter().map(|c| (*c).to_owned()).collect();
    let tell = Tell { channels, group_by: vec!["rule".to_owned()] };
    Outcome::Notify { route: "r".to_owned(), tell }
}

fn finding(id: &str, rule: &str, severity: u8) -> Finding {
    let time = Timestamp::parse(NOON).unwrap();
    let event = EventRef { time, table: "t".to_owned(), id: id.to_owned() };
    Finding {
        id: FindingId(id.to_owned()),
        rule: Rule {
            id: rule.to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        },
        title: format!("{rule} {id}"),
        severity: Severity::from_tenths(severity),
        account: Some("111122223333".to_owned()),
        region: None,
        actor: None,
        resources: vec![],
        first_seen: time,
        last_seen: time,
        count: 1,
        events: vec![event.clone()],
        origin: Origin::Live,
        latest: event,
        ended: None,
        source_ips: vec![],
        matched: vec![],
        ruleset: None,
        dry_run: false,
    }
}

#[test]
fn high_severity_pages_at_once_and_once() {
    let mut world = World::new();
    assert_eq!(world.see(&[finding("a", "root", 80)], &["page"]), ["page trigger root a (1)"]);
    let mut again = finding("a", "root", 80);
    again.count = 7;
    assert_eq!(world.see(&[again], &["page"]), [""; 0], "more of the same is no news");
    assert_eq!(world.pass(24 * 60), [""; 0]);
}

#[test]
fn a_group_waits_then_tells_what_is_new_after_its_interval() {
    let mut world = World::new();
    assert_eq!(world.see(&[finding("a", "s3", 50), finding("b", "s3", 50)], &["chat"]), [""; 0]);
    assert_eq!(world.pass(1), ["0 chat trigger s3 a (and 1 more) (2)"]);
    assert_eq!(world.see(&[finding("c", "s3", 50)], &["chat"]), [""; 0]);
    assert_eq!(world.pass(10), ["4 chat update s3 c (and 2 more) (3)"]);
    let keys: Vec<&str> = world.notices.iter().map(|n| n.key.as_str()).collect();
    assert_eq!(keys[0], keys[1], "one alarm");
    assert_ne!(world.notices[0].id, world.notices[1].id, "two messages");
}

#[test]
fn what_becomes_worse_is_news() {
    let mut world = World::new();
    world.see(&[finding("a", "s3", 50)], &["chat"]);
    world.pass(1);
    world.see(&[finding("a", "s3", 90)], &["chat"]);
    assert_eq!(world.pass(6), ["4 chat update s3 a (1)"]);
}

#[test]
fn a_quiet_group_is_closed_and_opens_as_another_alarm() {
    let mut world = World::new();
    world.see(&[finding("a", "s3", 50)], &["chat"]);
    world.pass(25 * 60);
    assert_eq!(world.counts.closed, 1);
    let mut later = finding("b", "s3", 50);
    later.last_seen = world.now;
    world.see(&[later], &["chat"]);
    assert_eq!(world.pass(1), ["0 chat trigger s3 b (1)"]);
    assert_ne!(world.notices[0].key, world.notices[1].key);
}

#[test]
fn back_fill_pages_nobody_and_ends_in_one_digest() {
    let mut world = World::new();
    let old = |n: usize| {
        let mut old = finding(&format!("f{n}"), &format!("rule-{}", n % 3), 95);
        old.origin = Origin::BackFill;
        old
    };
    let year: Vec<Finding> = (0..100).map(old).collect();
    assert_eq!(world.see(&year[..50], &["page"]), [""; 0]);
    world.pass(10);
    assert_eq!(world.see(&year[50..], &["page"]), [""; 0]);
    let said = world.pass(24 * 60);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("15 record digest 100 findings came as history"), "{said:?}");
    let digest = &world.notices[0];
    assert_eq!(digest.covers.len(), 100);
    assert!(digest.analysis.contains("9.5 rule-0 f"), "{}", digest.analysis);
}

#[test]
fn what_was_live_when_it_came_is_history_after_a_day() {
    let mut world = World::new();
    world.now = world.now.plus_seconds(25 * 3600);
    assert_eq!(world.see(&[finding("a", "root", 95)], &["page"]), [""; 0]);
    assert_eq!(world.pass(20).len(), 1, "the watch was down for a day: a digest says so");
    assert_eq!(world.counts.digested, 1);
}

#[test]
fn a_drill_goes_to_its_own_channel_with_its_mark() {
    let mut world = World::new();
    world.policy.drill = vec!["chat".to_owned()];
    let instead_of = Box::new(notify(&["page"]));
    let outcome = Outcome::Quiet { reason: QuietReason::Drill, instead_of };
    let mut counts = Counts::default();
    let (all, _) =
        wanted(&finding("a", "root", 95), &[outcome], &world.policy, world.now, &mut counts);
    let said = world.turn(|turn| all.iter().for_each(|wanted| turn.absorb(wanted)));
    assert_eq!(said, ["chat drill Exercise: root a (1)"]);
}

#[test]
fn a_silence_holds_back_until_it_ends_and_drops_nothing() {
    let mut world = World::new();
    let silence = Silence {
        id: "silence-1".to_owned(),
        matchers: vec![Matcher::parse("rule=root").unwrap()],
        starts: world.now,
        ends: world.now.plus_seconds(3600),
        author: "Ada".to_owned(),
        owner: "Ada".to_owned(),
        comment: "migration".to_owned(),
    };
    world.turn(|turn| turn.silence(silence));
    assert!(world.lines[0].contains("\"author\":\"Ada\""), "{:?}", world.lines);
    assert_eq!(world.see(&[finding("a", "root", 80)], &["page"]), [""; 0]);
    assert_eq!(world.see(&[finding("b", "other", 80)], &["page"]), ["page trigger other b (1)"]);
    assert_eq!(world.counts.silenced, 1);
    assert_eq!(world.pass(61), ["60 page trigger root a (1)"]);
    world.turn(|turn| assert!(!turn.expire("silence-1", "Ada"), "it is over"));
}

#[test]
fn a_silence_that_is_ended_early_counts_no_more() {
    let mut world = World::new();
    let ends = world.now.plus_seconds(3600);
    let silence = Silence {
        id: "silence-1".to_owned(),
        matchers: vec![Matcher::parse("rule=root").unwrap()],
        starts: world.now,
        ends,
        author: "Ada".to_owned(),
        owner: "Ada".to_owned(),
        comment: "migration".to_owned(),
    };
    world.turn(|turn| turn.silence(silence));
    world.turn(|turn| assert!(turn.expire("silence-1", "Ben")));
    assert_eq!(world.see(&[finding("a", "root", 80)], &["page"]).len(), 1);
}

#[test]
fn one_alarm_holds_back_what_follows_from_it() {
    let mut world = World::new();
    let matcher = |text: &str| vec![Matcher::parse(text).unwrap()];
    world.policy.inhibit = vec![Inhibition {
        source: matcher("rule=selfwatch.silence"),
        target: matcher("rule=~selfwatch\\..*"),
        equal: vec!["account".to_owned()],
    }];
    let silent = finding("a", "selfwatch.silence", 80);
    assert_eq!(world.see(&[silent], &["page"]).len(), 1);
    assert_eq!(world.see(&[finding("b", "selfwatch.lag", 80)], &["page"]), [""; 0]);
    let mut elsewhere = finding("c", "selfwatch.gap", 80);
    elsewhere.account = Some("444455556666".to_owned());
    assert_eq!(world.see(&[elsewhere], &["page"]).len(), 1, "another account");
    assert_eq!(world.counts.inhibited, 1);
    let said = world.pass(61);
    assert_eq!(said, ["60 page trigger selfwatch.lag b (1)"], "held back, not dropped");
}

#[test]
fn a_muted_channel_hears_of_it_in_the_morning_unless_it_is_critical() {
    let mut world = World::new();
    let office = IntervalText { times: vec!["09:00-17:00".to_owned()], ..IntervalText::default() };
    let office = Interval::read(&office).unwrap();
    world.policy.channels.get_mut("chat").unwrap().active = vec![office];
    world.now = Timestamp::parse("2024-02-15T23:00:00Z").unwrap();
    assert_eq!(world.see(&[finding("a", "root", 80)], &["chat"]), [""; 0]);
    assert_eq!(world.counts.muted, 1);
    assert_eq!(world.see(&[finding("b", "fire", 95)], &["chat"]), ["chat trigger fire b (1)"]);
    assert_eq!(world.pass(11 * 60), ["600 chat trigger root a (1)"]);
}

#[test]
fn a_flood_becomes_one_notice_that_counts_what_it_holds() {
    let mut world = World::new();
    world.policy.flood_max = 3;
    let all: Vec<Finding> =
        (0..40).map(|n| finding(&format!("f{n}"), &format!("r{n}"), 80)).collect();
    assert_eq!(world.see(&all, &["page"]).len(), 3);
    assert_eq!(world.counts.flooded, 37);
    let said = world.pass(6);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("5 page trigger 37 more alarms"), "{said:?}");
    let covered: usize = world.notices.iter().map(|n| n.covers.len()).sum();
    assert_eq!(covered, 40, "none was dropped");
}

fn with_steps(world: &mut World) {
    world.policy.escalation = Escalation {
        within_seconds: BTreeMap::from([
            (SeverityWord::Critical, 15 * 60),
            (SeverityWord::High, 3600),
        ]),
        steps: vec![vec!["chat".to_owned()], vec!["boss".to_owned()]],
    };
}

#[test]
fn nobody_acknowledges_so_the_next_step_and_then_the_commander_are_asked() {
    let mut world = World::new();
    with_steps(&mut world);
    world.see(&[finding("a", "root", 95)], &["page"]);
    let said = world.pass(60);
    let expected = [
        "15 chat trigger Not acknowledged for 15 min: root a (1)",
        "30 boss trigger Not acknowledged for 30 min: root a (1)",
    ];
    assert_eq!(said, expected, "critical has 15 minutes for each step");
    assert!(world.notices[2].analysis.contains("commands incidents"));
    let mut high = World::new();
    with_steps(&mut high);
    high.see(&[finding("a", "root", 80)], &["page"]);
    assert_eq!(high.pass(59), [""; 0], "high has an hour");
    assert_eq!(high.pass(2).len(), 1);
    let mut medium = World::new();
    with_steps(&mut medium);
    medium.see(&[finding("a", "root", 50)], &["chat"]);
    medium.pass(1);
    assert_eq!(medium.pass(24 * 60), [""; 0], "medium needs nobody");
}

#[test]
fn who_acknowledges_ends_the_asking_until_it_becomes_worse() {
    let mut world = World::new();
    with_steps(&mut world);
    world.see(&[finding("a", "root", 80)], &["page"]);
    world.pass(30);
    let slot = world.rows.keys().next().unwrap().clone();
    let said = world.turn(|turn| assert!(turn.acknowledge(&slot, "Ada", "looking")));
    assert_eq!(said, ["page acknowledge Taken by Ada: root a (1)"]);
    world.turn(|turn| assert!(!turn.acknowledge(&slot, "Ben", ""), "it is taken"));
    assert_eq!(world.pass(12 * 60), [""; 0], "nobody is asked, nothing repeated");
    let mut worse = finding("a", "root", 95);
    worse.last_seen = world.now;
    world.see(&[worse], &["page"]);
    let said = world.pass(20);
    assert_eq!(
        said.last().map(String::as_str),
        Some("15 chat trigger Not acknowledged for 15 min: root a (1)"),
        "{said:?}"
    );
    assert!(world.lines.iter().any(|line| line.contains("reopened")));
}

#[test]
fn what_nobody_takes_is_repeated_but_not_to_a_pager_that_does_it_itself() {
    let mut world = World::new();
    with_steps(&mut world);
    world.policy.escalation.steps = vec![vec!["boss".to_owned()]];
    world.see(&[finding("a", "root", 80)], &["page", "chat"]);
    let said = world.pass(5 * 60);
    let repeats: Vec<&String> = said.iter().filter(|line| line.contains("Still open")).collect();
    assert_eq!(
        repeats,
        ["240 boss update Still open: root a (1)", "240 chat update Still open: root a (1)"]
    );
}

#[test]
fn a_self_alert_that_is_over_is_resolved() {
    let mut world = World::new();
    world.see(&[finding("a", "selfwatch.silence", 80)], &["page"]);
    let mut over = finding("a", "selfwatch.silence", 80);
    over.ended = Some(world.now);
    assert_eq!(world.see(&[over], &["page"]), ["page resolve Over: selfwatch.silence a (1)"]);
    assert_eq!(world.counts.closed, 1);
}

#[test]
fn a_person_can_end_an_alarm() {
    let mut world = World::new();
    world.see(&[finding("a", "root", 80)], &["page"]);
    let slot = world.rows.keys().next().unwrap().clone();
    let said = world.turn(|turn| assert!(turn.resolve(&slot, "Ada", "a test of ours")));
    assert_eq!(said, ["page resolve Over: root a (1)"]);
    assert_eq!(world.rows[&slot].body, "", "the group is closed");
}

#[test]
fn a_channel_that_is_not_configured_loses_nothing() {
    let mut world = World::new();
    let said = world.see(&[finding("a", "root", 80)], &["pager"]);
    assert_eq!(said, ["record trigger root a (1)"]);
    assert!(world.notices[0].analysis.contains("\"pager\" is not configured"));
    assert_eq!(world.counts.unconfigured, 1);
}

#[test]
fn on_call_is_whoever_has_the_shift() {
    let mut world = World::new();
    world.policy.people = BTreeMap::from([
        ("ada".to_owned(), vec!["chat".to_owned()]),
        ("ben".to_owned(), vec!["boss".to_owned(), "page".to_owned()]),
    ]);
    world.policy.rota.overrides = vec![Override {
        person: "ben".to_owned(),
        from: world.now.plus_seconds(-60),
        until: world.now.plus_seconds(60),
    }];
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
    let meant = |world: &World, said: &[&str], seconds: i64| {
        let at = world.now.plus_seconds(seconds);
        world.policy.meant(&names(said), at, &Duty::default()).channels
    };
    assert_eq!(meant(&world, &["oncall", "ada", "page"], 0), names(&["boss", "page", "chat"]));
    let nobody = meant(&world, &["oncall"], 60);
    assert_eq!(nobody, names(&["oncall"]), "nobody: the record says so");
    world.policy.oncall_channel = Some("page".to_owned());
    assert_eq!(meant(&world, &["oncall"], 0), names(&["page"]));
}

#[test]
fn an_escalation_that_falls_back_to_the_own_rota_says_so() {
    let mut world = World::new();
    world.policy.asked = Some(BTreeMap::from([("P1".to_owned(), "ada".to_owned())]));
    world.policy.people = BTreeMap::from([
        ("ada".to_owned(), vec!["chat".to_owned()]),
        ("ben".to_owned(), vec!["boss".to_owned()]),
    ]);
    world.policy.escalation = Escalation {
        within_seconds: BTreeMap::from([(SeverityWord::High, 3600)]),
        steps: vec![vec!["oncall".to_owned()]],
    };
    world.policy.rota.overrides = vec![Override {
        person: "ben".to_owned(),
        from: world.now,
        until: world.now.plus_seconds(86_400),
    }];
    world.see(&[finding("a", "root", 80), finding("b", "key", 80)], &["page"]);
    let (now, asked) = (world.now.plus_seconds(3600), wk_seam::pager::OnCall::default());
    let ada = wk_seam::pager::OnCall { id: "P1".to_owned(), ..asked };
    world.now = now;
    let answered = Duty { said: Some((now, vec![ada])), failed: None };
    let failed = Some("no answer in time from api.example".to_owned());
    let advice = |_: &NoticeFinding| Advice::default();
    let rows: Vec<GroupRow> = world.rows.values().cloned().collect();
    for (duty, channel, says) in [
        (answered, "chat", ""),
        (Duty { said: None, failed }, "boss", "no answer in time from api.example. ben is asked"),
    ] {
        let turn = Turn::new(&world.policy, &advice, now, &world.desk, &rows).unwrap();
        let mut turn = turn.with_duty(duty);
        turn.ripen();
        let made = turn.finish().unwrap();
        assert_eq!(made.counts.escalated, 2);
        assert_eq!(made.counts.oncall_doubts, if says.is_empty() { 0 } else { 2 });
        for notice in &made.notices {
            assert_eq!(notice.channel, channel);
            assert!(notice.title.starts_with("Not acknowledged for 60 min"), "{}", notice.title);
            assert!(notice.analysis.contains(says), "{}", notice.analysis);
        }
        let lines = made.lines.iter().filter(|line| line.contains("\"on-call\"")).count();
        assert_eq!(
            lines,
            if says.is_empty() { 0 } else { 2 },
            "the record says how: {:?}",
            made.lines
        );
    }
}

#[test]
fn a_request_is_kept_once_however_often_its_finding_changes() {
    let world = World::new();
    let outcome = Outcome::Request { route: "r".into(), request: crate::routes::Request::Incident };
    let mut counts = Counts::default();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (finding, outcomes) = (finding("a", "root", 80), std::slice::from_ref(&outcome));
        let (_, made) = wanted(&finding, outcomes, &world.policy, world.now, &mut counts);
        assert_eq!((made.len(), made[0].kind), (1, NoticeKind::Trigger));
        ids.push(made[0].id.clone());
    }
    assert_eq!(ids[0], ids[1], "the outbox keeps an id once");
}
