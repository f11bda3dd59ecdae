//! What a commit promises, on a real file.

use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::{Complaint, Day, Severity, Sha256, Tally, Timestamp};
use wk_seam::Answer;
use wk_seam::lake::{File, Run};
use wk_seam::ledger::{Commit, Committed, FindingQuery, Ledger as _, ObjectRow};

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
    };
    Commit {
        writer: writer.to_owned(),
        recorded: Timestamp::from_seconds(1),
        objects: vec![object(name)],
        files: vec![file],
        runs: vec![(run(name), vec![])],
        checked_at: 0,
        sightings: vec![sighting(name)],
    }
}

fn sighting(event: &str) -> Sighting {
    let time = DAY.start();
    Sighting {
        finding: FindingId("f".to_owned()),
        rule: Rule {
            id: "rule".to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        },
        title: "seen".to_owned(),
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
