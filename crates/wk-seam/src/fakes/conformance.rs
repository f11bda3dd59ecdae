//! What every ledger must answer of arrivals, whoever keeps it.

use wk_model::arrivals::{Arrived, Fed, Histogram, OTHER, PLACES_MAX, Path, PlaceHour, hour_of};
use wk_model::selfwatch::SelfFacts;
use wk_model::{Arrivals, Sha256, Tally, Timestamp};

use crate::ledger::{Commit, Committed, Ledger, ObjectRow};

const START: Timestamp = Timestamp::from_seconds(1_708_000_000 - 1_708_000_000 % 3600);

fn arrivals(account: &str, rows: u64, at: Timestamp, live: bool) -> Arrivals {
    let place = PlaceHour::new("cloudtrail", account, "eu-west-1", hour_of(at));
    let (event, received) = (at, at.plus_seconds(90));
    let arrived =
        Arrived { rows, first_received: received, last_received: received, last_event: event };
    let fed = Fed {
        live: if live { rows } else { 0 },
        late: if live { 0 } else { rows },
        first_received: received,
        last_live: live.then_some(received),
        last_event: event,
    };
    let mut lags = Histogram::default();
    lags.count(90_000_000);
    Arrivals {
        places: [(place, arrived)].into(),
        feeds: [("cloudtrail".to_owned(), fed)].into(),
        lags: [(("cloudtrail".to_owned(), Path::EventDelivered), lags)].into(),
    }
}

async fn commit(ledger: &dyn Ledger, name: &str, at: Timestamp, arrivals: Arrivals) {
    let rows = arrivals.places.values().map(|a| a.rows).sum();
    let tally = Tally { read: rows + 2, stored: rows, duplicates: 1, complaints: 1 };
    let object = ObjectRow {
        identity: Sha256::of(name.as_bytes()),
        uri: name.to_owned(),
        size: 1,
        modified: at,
        tallies: vec![("cloudtrail".to_owned(), tally)],
        complaints: Vec::new(),
    };
    let recorded = at.plus_seconds(100);
    let commit = Commit { objects: vec![object], recorded, arrivals, ..Commit::default() };
    let done = ledger.commit(&commit).await;
    assert!(matches!(done, Ok(Committed::Done { .. })), "{done:?}");
}

/// What a commit brings is added; a stale commit adds nothing; places are bounded.
///
/// # Panics
/// Where the ledger answers otherwise.
pub async fn arrivals_add_up(ledger: &dyn Ledger) {
    let hour = |n: i64| START.plus_seconds(n * 3600);
    commit(ledger, "one", hour(0), arrivals("1", 10, hour(0), true)).await;
    commit(ledger, "two", hour(2), arrivals("1", 5, hour(2), true)).await;
    commit(ledger, "late", hour(2), arrivals("2", 7, hour(0), false)).await;
    let mut unknown = Commit { recorded: hour(2), ..Commit::default() };
    unknown.objects.push(ObjectRow {
        identity: Sha256::of(b"unknown"),
        uri: "unknown".to_owned(),
        size: 1,
        modified: hour(2),
        tallies: vec![("unknown".to_owned(), Tally { read: 3, complaints: 3, ..Tally::default() })],
        complaints: Vec::new(),
    });
    let done = ledger.commit(&unknown).await;
    assert!(matches!(done, Ok(Committed::Done { .. })), "{done:?}");
    let again = Commit {
        objects: vec![ObjectRow {
            identity: Sha256::of(b"two"),
            uri: "two".to_owned(),
            size: 1,
            modified: hour(0),
            tallies: Vec::new(),
            complaints: Vec::new(),
        }],
        arrivals: arrivals("1", 1000, hour(2), true),
        ..Commit::default()
    };
    let stale = ledger.commit(&again).await;
    assert!(matches!(stale, Ok(Committed::Stale { .. })), "{stale:?}");

    let facts = ledger.self_facts(hour(2).plus_seconds(200)).await.expect("facts can be read");
    check(&facts, hour(0), hour(2));
    let years = hour(3 * 365 * 24);
    let later = ledger.self_facts(years).await.expect("facts can be read");
    let of = &later.sources["cloudtrail"];
    assert_eq!(
        (of.volume.len(), of.intake.len(), of.lags.len()),
        (2, 0, 0),
        "what was usual stays"
    );
    let begun = ledger.feeds_begun().await.expect("feeds can be read");
    assert_eq!(begun.get("cloudtrail"), Some(&hour(0).plus_seconds(90)));
    let (from, until) = (hour_of(hour(0)), hour_of(hour(3)));
    let places = ledger.place_hours(from, until).await.expect("hours can be read");
    let of = |n: usize| places[n].hours.iter().map(|h| h - from).collect::<Vec<_>>();
    assert_eq!((places.len(), of(0), of(1)), (2, vec![0, 2], vec![0]));
}

fn check(facts: &SelfFacts, first: Timestamp, last: Timestamp) {
    let of = &facts.sources["cloudtrail"];
    assert_eq!(of.begun, first.plus_seconds(90));
    assert_eq!((of.last_live, of.last_event), (Some(last.plus_seconds(90)), last));
    let volume: Vec<(i64, u64)> = of.volume.iter().map(|(h, n)| (*h, *n)).collect();
    assert_eq!(volume, [(hour_of(first), 17), (hour_of(last), 5)], "late events fill their hour");
    let now = of.intake[&hour_of(last)];
    assert_eq!((now.read, now.stored, now.duplicates, now.complaints), (16, 12, 2, 2));
    assert_eq!(now.late, 7);
    assert_eq!(of.lags[&Path::EventDelivered].total(), 2, "of this hour and the one before");
    assert_eq!(of.pauses.total(), 1, "from one live arrival to the next");
    assert!(of.pauses.quantile(500).is_some_and(|ms| (7_200_000..=9_000_000).contains(&ms)));
    assert_eq!(facts.folded, 0);
    assert_eq!(facts.unread[&hour_of(last)].complaints, 3);
}

/// Accounts and regions without end become one place, and are counted.
///
/// # Panics
/// Where the ledger answers otherwise.
pub async fn places_are_bounded(ledger: &dyn Ledger) {
    let mut many = Arrivals::default();
    (0..PLACES_MAX + 5).for_each(|n| many.add(arrivals(&format!("{n:012}"), 2, START, true)));
    commit(ledger, "many", START, many).await;
    let known = arrivals("000000000000", 1, START.plus_seconds(3600), true);
    commit(ledger, "known", START.plus_seconds(3600), known).await;
    let facts = ledger.self_facts(START.plus_seconds(3700)).await.expect("facts can be read");
    assert_eq!(facts.folded, 10);
    let hour = hour_of(START);
    let places = ledger.place_hours(hour, hour + 2).await.expect("hours can be read");
    assert_eq!(places.len(), PLACES_MAX + 1);
    assert_eq!(places[0].hours.count(), 2, "a known place stays told apart");
    assert_eq!(places.iter().filter(|p| p.account == OTHER && p.region == OTHER).count(), 1);
}

/// What happened more than 400 days before a commit is not kept by the hour; nor is what has become
/// that old.
///
/// # Panics
/// Where the ledger answers otherwise.
pub async fn old_hours_are_forgotten(ledger: &dyn Ledger) {
    let days = |n: i64| START.plus_seconds(n * 86_400);
    let mut old = arrivals("1", 3, days(-500), false);
    old.add(arrivals("1", 4, days(0), true));
    commit(ledger, "first", days(0), old).await;
    let hours = |from, until| async move {
        let places = ledger.place_hours(hour_of(from), hour_of(until)).await;
        places.expect("hours can be read").iter().map(|p| p.hours.count()).sum::<u32>()
    };
    assert_eq!(hours(days(-600), days(1)).await, 1);
    commit(ledger, "second", days(401), arrivals("1", 5, days(401), true)).await;
    assert_eq!(hours(days(-600), days(402)).await, 1, "what is old now is forgotten");
    let facts = ledger.self_facts(days(401)).await.expect("facts can be read");
    assert_eq!(facts.sources["cloudtrail"].begun, days(-500).plus_seconds(90), "the begin stays");
}
