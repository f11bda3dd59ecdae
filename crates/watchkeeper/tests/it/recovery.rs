//! A lake that can prove itself and come back: fsck, verify, rebuild, backup and restore.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::corpus::{Corpus, moved_copy};
use crate::program::{Home, command_at, ended, seen_at};

fn filled() -> (Home, Corpus) {
    let (corpus, home) = (Corpus::write(), Home::new());
    for files in corpus.files.chunks(corpus.files.len().div_ceil(3)) {
        assert_eq!(home.ingest(files).0, 0);
    }
    (home, corpus)
}

fn run(home: &Home, args: &[&str], code: i32) -> String {
    let ended = home.run(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}{}", ended.out, ended.err);
    ended.out
}

fn json(home: &Home, args: &[&str], code: i32) -> Value {
    serde_json::from_str(&run(home, args, code)).unwrap()
}

/// The files below a folder of the lake, sorted.
fn files(home: &Home, folder: &str) -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path().is_dir() {
                true => below(&entry.path(), found),
                false => found.push(entry.path()),
            }
        }
    }
    let mut found = Vec::new();
    below(&home.path().join("lake").join(folder), &mut found);
    found.sort();
    found
}

fn lose_ledger(home: &Home) {
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let path = home.path().join(name);
        if path.try_exists().unwrap() {
            fs::remove_file(path).unwrap();
        }
    }
}

/// Changes the ledger behind the program's back.
fn sql(home: &Home, statement: &str) {
    const SCRIPT: &str =
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", SCRIPT]).arg(home.path().join("ledger.sqlite")).arg(statement);
    let done = python.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn slow_a_ledger_that_was_deleted_comes_back_as_it_was() {
    let (home, corpus) = filled();
    let seen = home.seen();
    for compacted in [false, true] {
        if compacted {
            run(&home, &["lake", "compact"], 0);
        }
        let head = json(&home, &["verify", "--json"], 0);
        lose_ledger(&home);
        let refused = home.run(["ingest", &corpus.path().display().to_string()]);
        assert_eq!(refused.code, Some(3), "nothing is doubled by a ledger that knows nothing");
        assert!(refused.err.contains("lake rebuild"), "{}", refused.err);
        let planned = json(&home, &["lake", "rebuild", "--dry-run", "--json"], 0);
        assert!(planned["rows"]["object"].as_u64().unwrap() > 0, "{planned:#}");
        let done = json(&home, &["lake", "rebuild", "--json"], 0);
        assert_eq!(done["lake"]["orphans"].as_array().unwrap().len(), 0, "{done:#}");
        assert_eq!(home.seen(), seen, "compacted: {compacted}");
        let told = json(&home, &["verify", "--json"], 0);
        assert_eq!(told["rebuilt"].as_array().unwrap().len(), 1 + usize::from(compacted));
        let leaves = |report: &Value| report["leaves"].as_u64().unwrap();
        assert_eq!(leaves(&told), leaves(&head) + 1, "the log goes on");
        assert!(run(&home, &["verify"], 0).contains("was rebuilt"));
        let again = run(&home, &["lake", "rebuild"], 3);
        assert_eq!(again, "", "a ledger that is there is left alone");
    }
    // What was read is known, and what comes from elsewhere is recognised.
    let (_, report) = home.ingest([corpus.path()]);
    assert_eq!(report["objects"]["read"], 0, "{report:#}");
    let copies = tempfile::tempdir().unwrap();
    moved_copy(&corpus.files, copies.path());
    home.ingest([copies.path()]);
    assert_eq!(home.seen().digest, seen.digest);
}

#[test]
fn slow_what_no_journal_entry_holds_is_told_and_read_again() {
    let (home, corpus) = filled();
    let seen = home.seen();
    // As if the last command had been killed before it wrote its entry.
    fs::remove_file(files(&home, "journal").last().unwrap()).unwrap();
    lose_ledger(&home);
    let done = json(&home, &["lake", "rebuild", "--json"], 0);
    assert!(!done["lake"]["orphans"].as_array().unwrap().is_empty(), "{done:#}");
    assert!(home.seen().events < seen.events);
    assert_eq!(home.ingest([corpus.path()]).0, 0);
    let now = home.seen();
    assert_eq!((now.digest, now.findings), (seen.digest, seen.findings));
    assert_eq!(json(&home, &["verify", "--json"], 0)["log"], "consistent, not anchored");
}

#[test]
fn slow_a_backup_restored_elsewhere_gives_the_same_answers() {
    let (home, _corpus) = filled();
    fs::write(home.path().join("config.toml"), "[sources]\n").unwrap();
    let seen = home.seen();
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    run(&home, &["backup", &at("whole"), "--with-lake"], 0);
    run(&home, &["backup", &at("small")], 0);
    run(&home, &["backup", &at("small")], 3);
    let restore =
        |args: &[&str], into: &str| ended(command_at(Path::new(&at(into)), args).output().unwrap());
    let done = restore(&["restore", &at("whole")], "one");
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert_eq!(seen_at(Path::new(&at("one"))), seen, "same rows, same findings");
    let verified = restore(&["verify", "--json"], "one");
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    let lake = home.path().join("lake").display().to_string();
    let done = restore(&["restore", &at("small"), "--lake", &lake], "two");
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    assert_eq!(seen_at(Path::new(&at("two"))), seen);
    let twice = restore(&["restore", &at("whole")], "one");
    assert!(twice.code == Some(3) && twice.err.contains("not empty"), "{}", twice.err);
    let without = restore(&["restore", &at("small")], "three");
    assert_eq!(without.code, Some(1), "a lake that is not there is told: {}", without.out);
    fs::write(place.path().join("small/config.toml"), "[lake]\n").unwrap();
    let damaged = restore(&["restore", &at("small")], "four");
    assert_eq!(damaged.code, Some(3));
    assert!(damaged.err.contains("config.toml is not as it was backed up"), "{}", damaged.err);
}

/// What is done to a sound home, the command that must find it, and a word of what it says.
type Harm = (&'static str, fn(&Home), &'static [&'static str], &'static str);

const HARMS: &[Harm] = &[
    ("lost file", |h| fs::remove_file(&files(h, "data")[0]).unwrap(), &["lake", "fsck"], "is lost"),
    ("cut file", |h| cut(&files(h, "data")[1]), &["lake", "fsck"], "bytes instead of"),
    ("changed byte", |h| flip(&files(h, "data")[2]), &["lake", "fsck", "--deep"], "its SHA-256 is"),
    ("changed byte", |h| flip(&files(h, "data")[2]), &["verify"], "its SHA-256 is"),
    (
        "swapped files",
        |h| {
            let all = files(h, "data");
            let spare = h.path().join("spare");
            fs::rename(&all[0], &spare).unwrap();
            fs::rename(&all[3], &all[0]).unwrap();
            fs::rename(&spare, &all[3]).unwrap();
        },
        &["lake", "fsck", "--deep"],
        "its SHA-256 is",
    ),
    ("cut run", |h| cut(&files(h, "ids")[0]), &["lake", "fsck"], "bytes instead of"),
    ("changed run", |h| flip(&files(h, "ids")[0]), &["lake", "fsck", "--deep"], "its SHA-256 is"),
    (
        "edited leaf",
        |h| sql(h, "UPDATE leaf SET line = replace(line, '\"rows\":', '\"rows\":1') WHERE seq = 3"),
        &["verify"],
        "not those of their checkpoint",
    ),
    ("lost leaf", |h| sql(h, "DELETE FROM leaf WHERE seq = 2"), &["verify"], "leaf 2"),
    (
        "edited manifest",
        |h| sql(h, "UPDATE file SET rows = rows + 1"),
        &["lake", "fsck"],
        "do not say the same",
    ),
    (
        "a file taken out of the manifest",
        |h| sql(h, "DELETE FROM file WHERE path = (SELECT min(path) FROM file)"),
        &["lake", "fsck"],
        "the ledger does not know it",
    ),
];

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 24]).unwrap();
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => copied(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn slow_every_harm_is_found_and_named() {
    let (home, _corpus) = filled();
    assert!(run(&home, &["lake", "fsck", "--deep"], 0).contains("0 wrong, 0 not read"));
    assert!(run(&home, &["verify"], 0).contains("consistent, not anchored"));
    for (harm, harming, command, word) in HARMS {
        let other = Home::new();
        copied(&home.path(), &other.path());
        harming(&other);
        let told = run(&other, command, 1);
        assert!(told.contains(word), "{harm}: {told}");
    }
}

#[test]
fn slow_a_query_over_a_lost_file_names_it_and_says_what_to_do() {
    let (home, _corpus) = filled();
    let lost = files(&home, "data").remove(0);
    fs::remove_file(&lost).unwrap();
    let ended = home.run(["query", "--sql", "SELECT sum(length(raw)) FROM events"]);
    assert_eq!(ended.code, Some(3), "{}", ended.out);
    let name = lost.file_name().unwrap().to_str().unwrap();
    assert!(ended.err.contains(name) && ended.err.contains("lake fsck"), "{}", ended.err);
}

#[test]
fn slow_only_old_files_that_nothing_names_are_removed() {
    let (home, _corpus) = filled();
    let (seen, table) = (home.seen(), home.path().join("lake/data/table=cloudtrail"));
    let (old, young) = (table.join("old.parquet"), table.join("young.parquet"));
    for path in [&old, &young] {
        fs::write(path, "left by a crash").unwrap();
    }
    let file = fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let told = run(&home, &["lake", "fsck"], 0);
    assert!(told.contains("old.parquet") && told.contains("2 that nothing names"), "{told}");
    assert!(old.try_exists().unwrap(), "fsck alone removes nothing");
    let told = run(&home, &["lake", "fsck", "--remove-orphans"], 0);
    assert!(told.contains("1 files that nothing names were removed"), "{told}");
    assert!(!old.try_exists().unwrap() && young.try_exists().unwrap());
    assert_eq!(home.seen(), seen);
}
