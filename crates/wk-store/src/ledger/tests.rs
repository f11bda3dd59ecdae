//! What a commit promises, on a real file.

use std::sync::Arc;

use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::hold::{Hold, Release, Scope};
use wk_model::retention::{Policy, preset};
use wk_model::{Complaint, Day, Severity, Sha256, Tally, Timestamp};
use wk_seam::Answer;
use wk_seam::lake::{File, Run};
use wk_seam::ledger::{
    Applied, Authority, Commit, Committed, Exchange, Exchanged, FindingQuery, Ledger as _,
    ObjectRow, Why,
};

use super::SqliteLedger;

const DAY: Day = Day::from_number(19_768);

fn object(name: &str) -> ObjectRow {
    let tally = Tally { read: 3, stored: 1, duplicates: 1, complaints: 1 };
    ObjectRow {
        identity: Sha256::of(name.as_bytes()),
        uri: name.to_owned(),
        size: 1,
        modified: Timestamp::default(),
        tallies: vec![("cloudtrail".to_owned(), tally)],
        complaints: vec![Complaint::new("cloudtrail", 7, "is not JSON", b"{")],
    }
}

fn run(name: &str) -> Run {
    Run { path: format!("ids/{name}"), table: "cloudtrail".to_owned(), day: DAY, keys: 1 }
}

fn commit(writer: &str, name: &str) -> Commit {
    let file = File {
        path: format!("data/{name}"),
        table: "cloudtrail".to_owned(),
        day: DAY,
        sha256: Sha256::of(name.as_bytes()),
        bytes: 10,
        rows: 1,
        first: DAY.start(),
        last: DAY.start(),
        layout: 0,
    };
    Commit {
        writer: writer.to_owned(),
        recorded: Timestamp::from_seconds(1),
        objects: vec![object(name)],
        files: vec![file],
        runs: vec![(run(name), vec![])],
        checked_at: 0,
        sightings: vec![sighting(name)],
        ..Commit::default()
    }
}

fn sighting(event: &str) -> Sighting {
    let time = DAY.start();
    Sighting {
        finding: FindingId("f".to_owned()),
        rule: Arc::new(Rule {
            id: "rule".to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        }),
        title: "seen".into(),
        severity: Severity::from_tenths(50),
        account: None,
        region: None,
        actor: None,
        resources: vec![],
        event: EventRef { time, table: "cloudtrail".to_owned(), id: event.to_owned() },
        first_seen: time,
        last_seen: time,
        reported_count: None,
        origin: Origin::BackFill,
        ended: None,
        grounds: Default::default(),
    }
}

fn with_ledger(test: impl AsyncFnOnce(SqliteLedger, SqliteLedger) -> Answer<()>) {
    let folder = tempfile::tempdir().unwrap();
    let open = || SqliteLedger::open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(test(open(), open())).unwrap();
}

#[test]
fn a_commit_makes_everything_visible_together() {
    with_ledger(async |ledger, other| {
        assert_eq!(ledger.commit(&commit("a", "one")).await?, Committed::Done { version: 1 });
        assert_eq!(
            other.objects_known(&[object("one").identity, object("two").identity]).await?,
            [true, false]
        );
        assert_eq!(other.snapshot().await?.files.len(), 1);
        assert_eq!(other.findings(&FindingQuery::default()).await?[0].count, 1);
        assert_eq!(other.complaints(10).await?.0, 1);
        let tally = Tally { read: 3, stored: 1, duplicates: 1, complaints: 1 };
        assert_eq!(other.tallies().await?, [("cloudtrail".to_owned(), tally)]);
        assert_eq!(other.verify_log().await?.map(|c| c.size), Some(2));
        Ok(())
    });
}

#[test]
fn an_object_is_committed_once_whoever_reads_it() {
    with_ledger(async |ledger, other| {
        ledger.commit(&commit("a", "one")).await?;
        let mut second = commit("b", "two");
        second.objects.push(object("one"));
        let stale = Committed::Stale { objects: vec![object("one").identity] };
        assert_eq!(other.commit(&second).await?, stale);
        assert_eq!(other.snapshot().await?.files.len(), 1, "nothing of it is visible");
        Ok(())
    });
}

#[test]
fn a_commit_that_was_checked_before_anothers_keys_is_stale() {
    with_ledger(async |ledger, other| {
        ledger.commit(&commit("a", "one")).await?;
        assert_eq!(other.commit(&commit("b", "two")).await?, Committed::Stale { objects: vec![] });
        let mut own = commit("a", "two");
        assert!(
            matches!(ledger.commit(&own).await?, Committed::Done { .. }),
            "its own keys are claimed"
        );
        own = commit("b", "three");
        own.checked_at = 2;
        assert!(matches!(other.commit(&own).await?, Committed::Done { .. }));
        own = commit("b", "four");
        own.checked_at = 3;
        own.runs = vec![(run("merged"), vec![run("one"), run("gone")])];
        assert_eq!(other.commit(&own).await?, Committed::Stale { objects: vec![] });
        Ok(())
    });
}

#[test]
fn findings_grow_by_commits_and_are_found_by_query() {
    with_ledger(async |ledger, _| {
        ledger.commit(&commit("a", "one")).await?;
        ledger.commit(&commit("a", "two")).await?;
        let list = async |query: FindingQuery| ledger.findings(&query).await.map(|f| f.len());
        assert_eq!(ledger.findings(&FindingQuery::default()).await?[0].count, 2);
        let query = || FindingQuery::default();
        assert_eq!(list(FindingQuery { id: Some("f".into()), ..query() }).await?, 1);
        assert_eq!(list(FindingQuery { id: Some("*x".into()), ..query() }).await?, 0);
        assert_eq!(list(FindingQuery { rule: Some("SEEN".into()), ..query() }).await?, 1);
        assert_eq!(list(FindingQuery { severity_tenths_min: Some(51), ..query() }).await?, 0);
        assert_eq!(list(FindingQuery { until: Some(DAY.start()), ..query() }).await?, 0);
        assert_eq!(list(FindingQuery { limit: Some(0), ..query() }).await?, 0);
        Ok(())
    });
}

#[test]
fn a_changed_leaf_is_found() {
    with_ledger(async |ledger, _| {
        ledger.commit(&commit("a", "one")).await?;
        {
            let connection = ledger.0.connection.lock().unwrap();
            connection
                .execute("UPDATE leaf SET line = replace(line, 'one', 'own') WHERE seq = 1", [])
                .unwrap();
        }
        assert!(ledger.verify_log().await.is_err());
        Ok(())
    });
}

fn exchange(leaving: &[File], entering: &[File]) -> Exchange {
    let (leaving, entering) = (leaving.to_vec(), entering.to_vec());
    let recorded = Timestamp::from_seconds(50);
    Exchange { writer: "c".to_owned(), recorded, leaving, entering, why: Why::Compacted }
}

fn file(name: &str, rows: u64) -> File {
    let file = commit("a", name).files.remove(0);
    File { rows, layout: 1, ..file }
}

#[test]
fn files_give_way_to_others_as_one_and_only_once() {
    with_ledger(async |ledger, other| {
        ledger.commit(&commit("a", "one")).await?;
        ledger.commit(&commit("a", "two")).await?;
        let before = ledger.snapshot().await?.files;
        let merged = exchange(&before, &[file("both", 2)]);
        assert_eq!(ledger.exchange(&merged).await?, Exchanged::Done { version: 3 });
        let again = exchange(&before, &[file("other", 2)]);
        assert_eq!(other.exchange(&again).await?, Exchanged::Stale, "another was faster");
        let snapshot = other.snapshot().await?;
        assert_eq!((snapshot.version, &snapshot.files), (3, &vec![file("both", 2)]));
        assert_eq!(other.named_paths().await?.len(), 5, "what left lies there still");
        let left = other.left().await?;
        assert_eq!(left.iter().map(|l| &l.file).collect::<Vec<_>>(), [&before[0], &before[1]]);
        assert!(left.iter().all(|l| l.at == Timestamp::from_seconds(50)));
        let lines = ledger.leaves().await?;
        let farewells = lines.iter().filter(|(_, l)| l.contains(r#""kind":"compacted""#));
        assert!(farewells.clone().all(|(_, l)| l.contains(r#""by":["data/both"]"#)));
        assert_eq!(farewells.count(), 2);
        let gone: Vec<String> = before.iter().map(|f| f.path.clone()).collect();
        ledger.removed(&gone, Timestamp::from_seconds(99)).await?;
        assert!(other.left().await?.is_empty());
        assert_eq!(other.named_paths().await?.len(), 3, "one file and two runs");
        assert!(other.verify_log().await?.is_some());
        Ok(())
    });
}

#[test]
fn an_exchange_that_would_lose_a_row_is_an_error() {
    with_ledger(async |ledger, _| {
        ledger.commit(&commit("a", "one")).await?;
        let before = ledger.snapshot().await?.files;
        assert!(ledger.exchange(&exchange(&before, &[file("more", 2)])).await.is_err());
        assert!(ledger.exchange(&exchange(&before, &[])).await.is_err());
        assert_eq!(ledger.snapshot().await?.files, before);
        Ok(())
    });
}

fn expiry(leaving: &[File], entering: &[File]) -> Exchange {
    let why = Why::Expired(Authority {
        policy: "p".to_owned(),
        terms: vec!["30 days: debug".to_owned()],
        authorised_by: "ann".to_owned(),
        second_person: None,
    });
    Exchange { why, ..exchange(leaving, entering) }
}

#[test]
fn a_hold_stops_an_expiry_until_it_is_released() {
    with_ledger(async |ledger, other| {
        ledger.commit(&commit("a", "one")).await?;
        let before = ledger.snapshot().await?.files;
        let hold = Hold {
            id: "h-1".to_owned(),
            scope: Scope::parse(&format!("table=cloudtrail from={DAY}")).unwrap(),
            reason: "a case".to_owned(),
            by: "ann".to_owned(),
            second_person: "ben".to_owned(),
            placed: "2024-02-15T00:00:00Z".to_owned(),
            released: None,
        };
        other.place_hold(&hold).await?;
        assert!(other.place_hold(&hold).await.is_err(), "its name is taken");
        let held = Exchanged::Held(vec!["h-1".to_owned()]);
        assert_eq!(ledger.exchange(&expiry(&before, &[])).await?, held);
        assert_eq!(ledger.snapshot().await?.files, before);
        assert_eq!(ledger.named_paths().await?.len(), 2);
        let (reason, at) = ("closed".to_owned(), "2024-03-01T00:00:00Z".to_owned());
        let how = Release { reason, by: "ann".to_owned(), second_person: "ben".to_owned(), at };
        assert!(ledger.release_hold("h-1", &how).await?);
        assert!(!ledger.release_hold("h-1", &how).await?);
        assert_eq!(other.holds().await?, [Hold { released: Some(how), ..hold }]);
        let done = ledger.exchange(&expiry(&before, &[])).await?;
        assert_eq!(done, Exchanged::Done { version: 2 });
        assert!(other.snapshot().await?.files.is_empty());
        let (_, runs) = other.runs(&[("cloudtrail".to_owned(), DAY)]).await?;
        assert!(runs.is_empty(), "an empty day has no id index");
        assert_eq!(other.objects_known(&[object("one").identity]).await?, [true]);
        let lines: Vec<String> = other.leaves().await?.into_iter().map(|(_, l)| l).collect();
        for part in [r#""kind":"hold""#, r#""kind":"hold-released""#, r#""kind":"tombstone""#] {
            assert_eq!(lines.iter().filter(|l| l.contains(part)).count(), 1, "{part}");
        }
        assert!(lines.last().unwrap().contains(r#""rows_deleted":1"#), "{lines:?}");
        assert!(other.verify_log().await?.is_some());
        Ok(())
    });
}

#[test]
fn an_expiry_of_some_rows_says_how_many() {
    with_ledger(async |ledger, _| {
        let mut first = commit("a", "one");
        first.files[0].rows = 5;
        ledger.commit(&first).await?;
        assert!(ledger.exchange(&expiry(&first.files, &[file("more", 6)])).await.is_err());
        ledger.exchange(&expiry(&first.files, &[file("rest", 3)])).await?;
        let lines = ledger.leaves().await?;
        assert!(lines.last().unwrap().1.contains(r#""rows_deleted":2"#));
        let (_, runs) = ledger.runs(&[("cloudtrail".to_owned(), DAY)]).await?;
        assert_eq!(runs.len(), 1, "the day is not empty");
        Ok(())
    });
}

#[test]
fn the_policy_that_was_applied_last_is_remembered() {
    with_ledger(async |ledger, other| {
        assert_eq!(ledger.applied_policy().await?, None);
        for name in ["cc7", "hipaa"] {
            let applied = Applied {
                policy: Policy::new(preset(name).unwrap()).unwrap(),
                authorised_by: "ann".to_owned(),
                second_person: Some("ben".to_owned()),
                at: DAY.start(),
            };
            ledger.apply_policy(&applied).await?;
            assert_eq!(other.applied_policy().await?, Some(applied));
        }
        assert!(other.verify_log().await?.is_some());
        Ok(())
    });
}

#[test]
fn a_ledger_of_form_1_is_read_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
    old.execute_batch(include_str!("form_1.sql")).unwrap();
    drop(old);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ledger = SqliteLedger::open(folder.path()).unwrap();
        let before = ledger.snapshot().await.unwrap();
        let layouts: Vec<(u64, u8)> = before.files.iter().map(|f| (f.rows, f.layout)).collect();
        assert_eq!((before.version, layouts), (1, vec![(1, 0), (1, 0)]));
        assert_eq!(ledger.findings(&FindingQuery::default()).await.unwrap()[0].count, 1);
        assert_eq!(ledger.complaints(9).await.unwrap().0, 1);
        assert_eq!(ledger.fingerprint_seed(), 3_366_918_225_031_390_657);
        let sum = ledger.tallies().await.unwrap();
        assert_eq!(sum[0].1, Tally { read: 3, stored: 2, duplicates: 0, complaints: 1 });
        let mut tree = crate::log::Tree::default();
        for (_, line) in ledger.leaves().await.unwrap() {
            tree.push(crate::log::leaf_hash(line.as_bytes()));
        }
        assert_eq!(ledger.checkpoint().await.unwrap().unwrap().root, tree.root());
        let mut next = commit("b", "two");
        next.checked_at = 1;
        assert_eq!(ledger.commit(&next).await.unwrap(), Committed::Done { version: 2 });
        let exchanged = exchange(&before.files[..1], &[file("anew", 1)]);
        assert_eq!(ledger.exchange(&exchanged).await.unwrap(), Exchanged::Done { version: 3 });
        drop(ledger);
        let again = SqliteLedger::open(folder.path()).unwrap();
        assert_eq!(again.snapshot().await.unwrap().files.len(), 3);
    });
}

#[test]
fn only_this_user_can_read_ledger_and_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteLedger::open(folder.path()).unwrap());
    for name in ["ledger.sqlite", "keys/log.ed25519"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn arrivals_add_up_as_in_every_ledger() {
    with_ledger(async |ledger, _| {
        wk_seam::fakes::conformance::arrivals_add_up(&ledger).await;
        Ok(())
    });
}

#[test]
fn places_are_bounded_as_in_every_ledger() {
    with_ledger(async |ledger, _| {
        wk_seam::fakes::conformance::places_are_bounded(&ledger).await;
        Ok(())
    });
}

#[test]
fn triage_keeps_its_promises_and_leaves_lines_in_the_log() {
    with_ledger(async |ledger, other| {
        wk_seam::fakes::triage_promises::check(&ledger).await?;
        let lines: Vec<String> = other.leaves().await?.into_iter().map(|(_, line)| line).collect();
        for kind in ["triage", "exception", "exception-revoked", "ruleset"] {
            let of_kind = format!(r#""kind":"{kind}""#);
            assert!(lines.iter().any(|line| line.contains(&of_kind)), "{kind}: {lines:#?}");
        }
        let disposed = lines.iter().find(|line| line.contains("false-positive")).unwrap();
        for part in [r#""by":"anna""#, r#""reason":"seen""#, r#""finding":"f""#] {
            assert!(disposed.contains(part), "{part}: {disposed}");
        }
        assert!(other.verify_log().await?.is_some());
        Ok(())
    });
}

#[test]
fn signals_are_taken_once_as_in_every_ledger() {
    with_ledger(async |ledger, _| {
        wk_seam::fakes::states_promises::signals_are_taken_once(&ledger).await;
        Ok(())
    });
}

#[test]
fn states_are_kept_as_in_every_ledger() {
    with_ledger(async |ledger, _| {
        wk_seam::fakes::states_promises::states_are_kept(&ledger).await;
        Ok(())
    });
}

#[test]
fn the_outbox_keeps_its_promises() {
    with_ledger(async |ledger, other| {
        wk_seam::fakes::outbox_promises::check(&ledger).await?;
        let lines: Vec<String> = other.leaves().await?.into_iter().map(|(_, line)| line).collect();
        for kind in ["notice", "receipt", "dead-letter", "retried", "notices-forgotten"] {
            let said = format!("\"kind\":\"{kind}\"");
            assert!(lines.iter().any(|line| line.contains(&said)), "{kind} is no line of the log");
        }
        assert!(other.verify_log().await?.is_some(), "and the log verifies");
        Ok(())
    });
}

#[test]
fn a_drill_is_kept_with_a_leaf_in_the_log() {
    use wk_model::drill::{DrillStep, Drilled, StepEnd};
    with_ledger(async |ledger, other| {
        let step = |how| DrillStep { name: "route".into(), how, said: "page".into() };
        let drilled = |seconds, how| Drilled {
            name: "detection".into(),
            at: Timestamp::from_seconds(seconds),
            steps: vec![step(how)],
        };
        ledger.note_drill(&drilled(1, StepEnd::Passed)).await?;
        ledger.note_drill(&drilled(2, StepEnd::Failed)).await?;
        let held = other.drills(10).await?;
        assert_eq!(held, [drilled(2, StepEnd::Failed), drilled(1, StepEnd::Passed)]);
        assert_eq!(other.drills(1).await?.len(), 1);
        let leaves = other.leaves().await?;
        assert!(leaves[1].1.contains(r#""kind":"drill","name":"detection","passed":false"#));
        assert_eq!(other.verify_log().await?.map(|c| c.size), Some(2));
        Ok(())
    });
}

#[test]
fn old_hours_are_forgotten_as_in_every_ledger() {
    with_ledger(async |ledger, _| {
        wk_seam::fakes::conformance::old_hours_are_forgotten(&ledger).await;
        Ok(())
    });
}
