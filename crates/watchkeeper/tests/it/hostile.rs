//! Input that is broken or hostile: complaints, exit code 4, the rest stored, memory bounded.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;
use wk_store::inflate::gzip;

use crate::program::{Ended, Home, ended, peak_kib};

/// The most memory that an ingest may take, in KiB.
const MEMORY_KIB: u64 = 400 << 10;

fn record(number: u32, padding: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2024-02-15T14:23:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","eventID":"00000000-0000-4000-8000-{number:012}","recipientAccountId":"111122223333","requestParameters":{{"n":"{}"}}}}"#,
        "x".repeat(padding)
    )
}

fn document(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let records: Vec<String> = numbers.map(|n| record(n, 0)).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
}

/// Ingests a folder; answers how it ended, its report and its largest memory in KiB.
fn ingest(home: &Home, folder: &Path) -> (Ended, Value, u64) {
    let mut command =
        home.command([OsStr::new("ingest"), OsStr::new("--json"), folder.as_os_str()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (output, peak) = watched(child);
    let ended = ended(output);
    let report = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended, report, peak)
}

/// Waits for a child and asks for its memory until it has ended.
fn watched(child: Child) -> (std::process::Output, u64) {
    let mut peak = 0;
    let mut child = child;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_kib(&child).unwrap_or(0));
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        assert!(never.recv_timeout(std::time::Duration::from_millis(5)).is_err());
    }
    (child.wait_with_output().unwrap(), peak)
}

fn complaints(home: &Home) -> Vec<(String, String)> {
    let listed = home.run(["complaints", "--json", "--limit", "1000"]);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    let text = |c: &Value, name: &str| c[name].as_str().unwrap().to_owned();
    let name = |c: &Value| text(c, "object").rsplit('/').next().unwrap().to_owned();
    let mut all: Vec<_> = listed["complaints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (name(c), text(c, "reason")))
        .collect();
    all.sort();
    all
}

fn count(home: &Home) -> u64 {
    let sql = "SELECT count(*) AS n FROM cloudtrail";
    let answer = home.run(["query", "--format", "json", "--sql", sql]);
    serde_json::from_str::<Value>(&answer.out).unwrap()[0]["n"].as_u64().unwrap()
}

/// Gzip that expands a thousandfold to 120 MB, member by member.
fn bomb() -> Vec<u8> {
    gzip(&vec![b' '; 1 << 20]).unwrap().repeat(120)
}

/// Zeros that are packed again and again.
fn bomb_in_bombs() -> Vec<u8> {
    (0..3).fold(vec![0u8; 10 << 20], |bytes, _| gzip(&bytes).unwrap())
}

fn hostile_folder(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("good.json", &document(0..10));
    write("empty", b"");
    let noise = (0u32..50_000).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    write("binary", &noise.collect::<Vec<_>>());
    write("bomb.gz", &bomb());
    write("bomb-in-bombs.gz", &bomb_in_bombs());
    let whole = gzip(&document(100..400)).unwrap();
    write("cut.json.gz", &whole[..whole.len() * 2 / 3]);
    std::os::unix::fs::symlink(folder, folder.join("loop")).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", folder.join("unreadable")).unwrap();
    std::os::unix::fs::symlink(folder.join("nowhere"), folder.join("dangling")).unwrap();
    large(&folder.join("large.json"));
}

/// 40 MB, with one record of 20 MB in the middle and one of 10 MB.
fn large(path: &Path) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    file.write_all(br#"{"Records":["#).unwrap();
    for number in 1000..1300 {
        let padding = match number {
            1100 => 20 << 20,
            1200 => 10 << 20,
            _ => 30 << 10,
        };
        let comma = if number > 1000 { "," } else { "" };
        write!(file, "{comma}{}", record(number, padding)).unwrap();
    }
    file.write_all(b"]}").unwrap();
}

#[test]
fn slow_hostile_input_is_complained_about_and_the_rest_is_stored() {
    let (folder, home) = (tempfile::tempdir().unwrap(), Home::new());
    hostile_folder(folder.path());
    let (ended, report, peak) = ingest(&home, folder.path());
    eprintln!("peak {} MiB", peak >> 10);
    assert_eq!((ended.code, &report["adds_up"]), (Some(4), &true.into()), "{report:#}");
    assert_eq!((&report["objects"]["read"], &report["objects"]["failed"]), (&7.into(), &1.into()));
    let failure = report["failures"][0]["reason"].as_str().unwrap();
    assert!(failure.contains("unreadable: Input/output error"), "{failure}");
    let unknown = "not a kind of log that Watchkeeper knows; --source names one";
    let expected = [
        ("binary", unknown),
        ("bomb-in-bombs.gz", unknown),
        ("bomb.gz", "the gzip stream expands beyond the limits"),
        ("cut.json.gz", "the gzip stream is cut short or damaged"),
        ("cut.json.gz", "the text ends inside a record"),
        ("large.json", "record larger than 16777216 bytes"),
    ];
    let expected = expected.map(|(object, reason)| (object.to_owned(), reason.to_owned()));
    assert_eq!(complaints(&home), expected);
    let cut = report["sources"]["cloudtrail"]["stored"].as_u64().unwrap() - 10 - 299;
    assert!(cut > 100, "what came before the cut counts: {cut}");
    assert_eq!(count(&home), 10 + 299 + cut);
    assert!(peak < MEMORY_KIB, "{peak} KiB");
}

#[test]
fn slow_twenty_thousand_tiny_files_need_little_memory() {
    const FILES: u32 = 20_000;
    let (folder, home) = (tempfile::tempdir().unwrap(), Home::new());
    for number in 0..FILES {
        let place = folder.path().join(format!("{:03}", number / 100));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(format!("{number}.json")), record(number, 0)).unwrap();
    }
    let (ended, report, peak) = ingest(&home, folder.path());
    eprintln!("peak {} MiB, {} commits", peak >> 10, report["commits"]);
    assert_eq!((ended.code, &report["total"]["stored"]), (Some(0), &FILES.into()), "{report:#}");
    assert_eq!(count(&home), u64::from(FILES));
    assert!(peak < MEMORY_KIB, "{peak} KiB");
}
