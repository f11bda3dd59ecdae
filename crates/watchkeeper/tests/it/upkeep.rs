//! The lake looks after itself: fewer files, the same answers, whatever happens meanwhile.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::program::{Home, Seen};

/// A home that was filled in many small ingests, and what can be seen of it.
fn filled() -> (Home, Seen, Corpus) {
    let (corpus, home) = (Corpus::write(), Home::new());
    for files in corpus.files.chunks(corpus.files.len().div_ceil(6)) {
        let (code, report) = home.ingest(files);
        assert_eq!(code, 0, "{report:#}");
    }
    let seen = home.seen();
    (home, seen, corpus)
}

fn json(home: &Home, args: &[&str]) -> Value {
    let ended = home.run(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

fn compact(home: &Home) -> Value {
    json(home, &["lake", "compact", "--json"])
}

fn data_files(home: &Home) -> usize {
    fn below(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries.map(|e| if e.path().is_dir() { below(&e.path()) } else { 1 }).sum()
    }
    below(&home.path().join("lake/data"))
}

#[test]
fn slow_a_compacted_lake_gives_the_same_answers_from_fewer_files() {
    let (home, seen, _) = filled();
    let before = data_files(&home);
    let plan = json(&home, &["lake", "compact", "--dry-run", "--json"]);
    let heaps = plan["heaps"].as_array().unwrap();
    assert!(heaps.len() > 5, "{plan:#}");
    assert_eq!(data_files(&home), before, "a dry run changes nothing");
    let done = compact(&home);
    let files = |when: &str| done["files"][when].as_u64().unwrap();
    assert_eq!(done["days"], heaps.len());
    assert_eq!((files("before"), files("after")), (before as u64, heaps.len() as u64), "{done:#}");
    assert_eq!(home.seen(), seen);
    assert_eq!(data_files(&home), before + heaps.len(), "readers may still read the old ones");
    let again = compact(&home);
    assert_eq!((&again["days"], &again["removed"]["files"]), (&0.into(), &0.into()));
    let scratch = fs::read_dir(home.path().join("scratch")).unwrap();
    assert_eq!(scratch.count(), 1, "only the lock is left");
}

#[test]
fn crash_compactions_that_are_killed_or_run_twice_change_no_answer() {
    let (home, seen, corpus) = filled();
    let start = |args: &[&str]| {
        home.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut killed = 0;
    for millis in [40, 80, 120, 160, 200, 240, 300] {
        let mut child = start(&["lake", "compact", "--all"]);
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        assert!(never.recv_timeout(std::time::Duration::from_millis(millis)).is_err());
        killed += usize::from(child.try_wait().unwrap().is_none());
        drop(child.kill());
        child.wait().unwrap();
        assert_eq!(home.seen(), seen, "killed after {millis} ms");
    }
    assert!(killed > 0);
    let copies = tempfile::tempdir().unwrap();
    crate::corpus::moved_copy(&corpus.files, copies.path());
    let both = [start(&["lake", "compact"]), start(&["lake", "compact"])];
    let ingest = home.start_ingest(&[copies.path().to_path_buf()]);
    for child in both.into_iter().chain([ingest]) {
        let ended = crate::program::ended(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    }
    assert_eq!(home.seen(), seen);
    assert_eq!(compact(&home)["days"], 0, "nothing is left to do");
}

fn rows(home: &Home) -> Value {
    let sql = "SELECT source, count(*) AS n FROM events GROUP BY source ORDER BY source";
    let ended = home.run(["query", "--format", "json", "--sql", sql]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

fn refused(home: &Home, args: &[&str], with: &str) {
    let ended = home.run(args);
    assert!(ended.code != Some(0) && ended.err.contains(with), "{args:?}: {ended:?}");
}

#[test]
fn slow_rows_expire_by_policy_and_not_while_they_are_held() {
    let (home, _, corpus) = filled();
    let all = rows(&home);
    let config = home.path().join("config.toml");
    let none = home.run(["lake", "expire"]);
    assert!(none.out.contains("nothing is ever deleted"), "{none:?}");
    fs::write(&config, "[retention]\npreset = ['cc7', 'gdpr']\n").unwrap();
    refused(&home, &["lake", "expire"], "cc7: S3 access logs");
    let own = "[[retention.class]]\nname = 'network'\ntables = ['vpc_flow']\nminimum_days = 100\n";
    let more =
        "[[retention.class]]\nname = 'calls'\ntables = ['cloudtrail']\nminimum_days = 5000\n";
    fs::write(&config, [own, more].concat()).unwrap();
    let plan = json(&home, &["lake", "expire", "--json"]);
    let due = plan["due"].as_array().unwrap();
    assert!(!due.is_empty() && plan["dry_run"] == true);
    assert!(due.iter().all(|d| d["table"] == "vpc_flow"), "{plan:#}");
    assert_eq!(rows(&home), all, "a dry run changes nothing");
    refused(&home, &["lake", "expire", "--apply"], "--authorised-by");

    let people = ["--reason", "a case", "--by", "Ann", "--second-person"];
    let place = [&["hold", "add", "--scope", "all", "--json"], &people[..]].concat();
    refused(&home, &[&place[..], &["ann"]].concat(), "another person");
    refused(
        &home,
        &[
            "hold",
            "add",
            "--scope",
            "table=x",
            "--reason",
            "r",
            "--by",
            "a",
            "--second-person",
            "b",
        ],
        "\"x\"",
    );
    let hold = json(&home, &[&place[..], &["Ben"]].concat());
    let apply = ["lake", "expire", "--json", "--apply", "--authorised-by", "Ann"];
    let done = json(&home, &apply);
    assert_eq!((&done["deleted"]["rows"], rows(&home)), (&0.into(), all.clone()));
    let id = hold["id"].as_str().unwrap();
    let release = [&["hold", "release", id], &people[..], &["Ben"]].concat();
    assert_eq!(home.run(&release).code, Some(0));
    assert_eq!(json(&home, &["hold", "list", "--json"])[0]["released"]["by"], "Ann");

    let done = json(&home, &apply);
    assert!(done["deleted"]["rows"].as_u64() > Some(0), "{done:#}");
    let kept = rows(&home);
    assert_ne!(kept, all);
    assert!(json(&home, &["lake", "expire", "--json"])["due"].as_array().unwrap().is_empty());
    home.ingest([corpus.path()]);
    assert_eq!(rows(&home), kept, "what expired does not come back with its object");
    home.seen();

    fs::write(
        &config,
        "[[retention.class]]\nname = 'less'\ntables = ['cloudtrail']\nminimum_days = 2000\n",
    )
    .unwrap();
    refused(&home, &apply, "--second-person");
    let second = [&apply[..], &["--second-person", "Ben"]].concat();
    assert_eq!(json(&home, &second)["shortens"].as_array().map(Vec::len), Some(1));
    let status = json(&home, &["lake", "status", "--json"]);
    let tables = status["tables"].as_array().unwrap();
    assert!(tables.iter().any(|t| t["table"] == "cloudtrail" && t["next_expiry"].is_string()));
}

#[test]
fn slow_a_person_is_erased_with_a_tombstone_that_does_not_name_them() {
    let (home, _, corpus) = filled();
    let count = |of: &str| {
        let sql = format!("SELECT count(*) AS n FROM events WHERE raw LIKE '%{of}%'");
        json(&home, &["query", "--format", "json", "--sql", &sql])[0]["n"].as_u64().unwrap()
    };
    let sql = "SELECT actor, count(*) AS n FROM cloudtrail WHERE actor LIKE 'arn:%' GROUP BY actor ORDER BY n, actor LIMIT 1";
    let actor = json(&home, &["query", "--format", "json", "--sql", sql])[0]["actor"].clone();
    let subject = actor.as_str().unwrap();
    let (of_subject, all) = (count(subject), count(""));
    let erase = ["lake", "erase", "--subject", subject, "--json", "--request", "T-17"];
    let plan = json(&home, &erase);
    assert!(plan["dry_run"] == true && of_subject > 0 && count("") == all, "{plan:#}");
    refused(&home, &[&erase[..], &["--apply"]].concat(), "--authorised-by");
    refused(&home, &["lake", "erase", "--subject", "ana", "--request", "Ana leaves"], "ticket");
    let people = ["--apply", "--authorised-by", "Ann", "--second-person"];
    refused(&home, &[&erase[..], &people, &["ANN"]].concat(), "another person");
    let ended = home.run([&erase[..], &people, &["Ben"]].concat());
    let done: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(done["deleted"]["rows"], of_subject, "{done:#}");
    let findings = done["findings_that_name_it"].as_u64().unwrap();
    assert_eq!(ended.code, Some(if findings > 0 { 4 } else { 0 }), "findings stay, and it says so");
    assert_eq!((count(subject), count("")), (0, all - of_subject));
    home.ingest([corpus.path()]);
    assert_eq!(count(subject), 0, "who was erased does not come back with the object");
    assert_eq!(home.run(["lake", "fsck"]).code, Some(0));
    let leaves = fs::read_dir(home.path().join("lake/journal")).unwrap().count();
    assert!(leaves > 0);
}
