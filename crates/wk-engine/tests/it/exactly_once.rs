//! Every event is visible once, whatever happens on the way.

use std::ops::Range;

use proptest::prelude::*;
use wk_seam::fakes::Fault;

use crate::world::{Ends, Item, LARGE, Process, Seen, Thing, World};

pub(crate) const CALM: Process = Process {
    workers: 1,
    fetches: 1,
    whole_bytes: 1 << 20,
    window_bytes: 1 << 20,
    batch_bytes: 1 << 20,
    commit_seconds: 5,
    faults: Vec::new(),
};

fn item(ids: Range<u8>) -> impl Strategy<Value = Item> {
    prop_oneof![
        12 => (ids, 0u8..2, prop_oneof![6 => Just(0u8), 1 => Just(1), 1 => Just(2)])
            .prop_map(|(id, day, variant)| Item::Event { id, day, variant }),
        1 => Just(Item::Nameless),
        1 => Just(Item::Broken),
    ]
}

fn ends() -> impl Strategy<Value = Ends> {
    prop_oneof![
        6 => Just(Ends::Well),
        1 => (0usize..6).prop_map(Ends::Damaged),
        2 => (0usize..6, 1u32..3).prop_map(|(after, times)| Ends::BreaksOff(after, times)),
        1 => (0usize..6).prop_map(Ends::NeverReadable),
        1 => (1u32..3).prop_map(Ends::Closed),
    ]
}

fn thing() -> impl Strategy<Value = Thing> {
    let small = proptest::collection::vec(item(0..24), 0..8);
    // Large enough to be written in several stretches.
    let large = proptest::collection::vec(item(LARGE..24), 30..60);
    let sized = prop_oneof![8 => small, 1 => large];
    (sized, ends(), any::<bool>()).prop_map(|(items, ends, identity_listed)| {
        let ends = match ends {
            Ends::Damaged(after) => Ends::Damaged(after.min(items.len())),
            other => other,
        };
        Thing { items, ends, identity_listed, blank_lines: 0 }
    })
}

/// Objects: those that end well may be copies of each other.
pub(crate) fn things() -> impl Strategy<Value = Vec<Thing>> {
    proptest::collection::vec(thing(), 1..12).prop_map(|mut things| {
        for (number, thing) in things.iter_mut().enumerate() {
            thing.blank_lines = if matches!(thing.ends, Ends::Well) { 0 } else { number + 1 };
        }
        things
    })
}

pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::Slow),
        1 => Just(Fault::Transient),
        1 => Just(Fault::Final),
        1 => Just(Fault::AnswerLost),
        1 => Just(Fault::Killed),
        1 => Just(Fault::KilledAfter),
    ]
}

pub(crate) fn process() -> impl Strategy<Value = Process> {
    (
        1usize..5,
        1usize..5,
        prop_oneof![Just(0u64), Just(1 << 20)],
        prop_oneof![Just(500usize), Just(70_000), Just(1 << 20)],
        prop_oneof![Just(1usize), Just(2_000), Just(1 << 20)],
        prop_oneof![Just(0i64), Just(5)],
        proptest::collection::vec((1u64..60, fault()), 0..6),
    )
        .prop_map(
            |(workers, fetches, whole_bytes, window_bytes, batch_bytes, commit_seconds, faults)| {
                Process {
                    workers,
                    fetches,
                    whole_bytes,
                    window_bytes,
                    batch_bytes,
                    commit_seconds,
                    faults,
                }
            },
        )
}

/// Rounds of processes that run side by side.
fn rounds() -> impl Strategy<Value = Vec<Vec<Process>>> {
    proptest::collection::vec(proptest::collection::vec(process(), 1..4), 1..4)
}

/// One process, one object after another, nothing fails.
fn undisturbed(things: &[Thing]) -> Seen {
    let calm = things.iter().cloned().map(|thing| match thing.ends {
        Ends::Damaged(_) => thing,
        Ends::NeverReadable(_) => Thing { items: Vec::new(), ends: Ends::Well, ..thing },
        Ends::Well | Ends::BreaksOff(..) | Ends::Closed(_) => Thing { ends: Ends::Well, ..thing },
    });
    let world = World::of(&calm.collect::<Vec<_>>());
    world.run("calm", &CALM).expect("nothing fails");
    world.seen()
}

fn whatever_happens(things: &[Thing], rounds: &[Vec<Process>]) {
    let world = World::of(things);
    for (number, processes) in rounds.iter().enumerate() {
        world.run_together(number, processes);
        world.check_every_version(things);
    }
    // Until nothing is left to do: what breaks off does so twice at most.
    for round in 0..4 {
        world.run(&format!("last {round}"), &CALM).expect("nothing fails any more");
    }
    let report = world.run("idle", &CALM).expect("nothing fails any more");
    assert_eq!((report.objects_read, report.commits), (0, 0), "nothing is left to do");
    world.check_every_version(things);
    let (seen, calm) = (world.seen(), undisturbed(things));
    assert!(seen.tallies.iter().all(|(_, tally)| tally.adds_up()));
    assert_eq!(seen.tallies, calm.tallies);
    assert_eq!(seen.findings, calm.findings);
    assert_eq!((seen.complaints, seen.conflicts), (calm.complaints, calm.conflicts));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slow_every_event_is_visible_once_whatever_happens(
        (things, rounds) in (things(), rounds())
    ) {
        whatever_happens(&things, &rounds);
    }
}

#[test]
fn what_events_of_several_objects_are_together_is_found_once() {
    let event = |id| Item::Event { id, day: 0, variant: 0 };
    let thing = |items| Thing { items, ends: Ends::Well, identity_listed: false, blank_lines: 0 };
    // Users are made at minutes 0, 2, 4, 6 and 20; the third comes twice.
    let things = [vec![event(2), event(10)], vec![event(0), event(2)], vec![event(1), event(3)]];
    let seen = undisturbed(&things.map(thing));
    let together: Vec<_> = seen.findings.iter().filter(|f| f.title.contains("Many")).collect();
    assert_eq!(together.len(), 1);
    assert_eq!((together[0].count, together[0].events.len()), (4, 4), "{together:?}");
}
