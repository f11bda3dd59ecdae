//! Runs the program on a home and looks at what came out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use wk_model::Sha256;
use wk_seam::ledger::Ledger as _;
use wk_store::ledger::SqliteLedger;

/// A home directory that is removed at the end.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What users can see of a home; two homes with the same content are equal, however their files
/// are cut.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) events: usize,
    pub(crate) digest: Sha256,
    pub(crate) findings: Value,
    pub(crate) tallies: String,
    pub(crate) complaints: Value,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A command of the program, in an environment of its own.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        command_at(&self.path(), args)
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ended {
        ended(self.command(args).output().unwrap())
    }

    /// Begins to read files or folders.
    pub(crate) fn start_ingest(&self, places: &[PathBuf]) -> Child {
        let mut command = self.command(["ingest"]);
        command.args(places).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Reads places to the end; answers the exit code and the report.
    pub(crate) fn ingest<A: AsRef<OsStr>>(
        &self,
        places: impl IntoIterator<Item = A>,
    ) -> (i32, Value) {
        let mut command = self.command(["ingest", "--json"]);
        let ended = ended(command.args(places).output().unwrap());
        let report = serde_json::from_str(&ended.out);
        (ended.code.unwrap(), report.unwrap_or_else(|_| panic!("{ended:?}")))
    }

    pub(crate) fn seen(&self) -> Seen {
        seen_at(&self.path())
    }
}

pub(crate) fn command_at<A: AsRef<OsStr>>(
    home: &Path,
    args: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.env_clear().arg("--home").arg(home).args(args);
    command
}

pub(crate) fn ended(output: std::process::Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn answer(home: &Path, args: &[&str]) -> String {
    let ended = ended(command_at(home, args).output().unwrap());
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.err);
    ended.out
}

/// What users can see of a home. Fails if an event is there twice or the log does not verify.
pub(crate) fn seen_at(home: &Path) -> Seen {
    // Events without an id are told apart by object and place; where the others came from is
    // chance, for those that were delivered twice.
    let sql = "SELECT event_time, coalesce(event_id, concat(object, ':', ordinal)) AS id, raw FROM events";
    let answered = answer(home, &["query", "--format", "jsonl", "--sql", sql]);
    let mut lines: Vec<&str> = answered.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with('{')), "one object a line");
    lines.sort_unstable();
    if let Some(twice) = lines.windows(2).find(|pair| pair[0] == pair[1]) {
        panic!("an event is there twice: {}", twice[0]);
    }
    let json = |args: &[&str]| serde_json::from_str::<Value>(&answer(home, args)).unwrap();
    let mut findings = json(&["findings", "list", "--json"]);
    let listed = findings.as_array_mut().unwrap();
    // When a home learnt of a finding is its own.
    listed.iter_mut().for_each(|f| drop(f.as_object_mut().unwrap().remove("triage")));
    listed.sort_by_key(|finding| finding["id"].to_string());
    let mut complaints = json(&["complaints", "--json", "--limit", "100000"])["complaints"].take();
    let listed = complaints.as_array_mut().unwrap();
    listed.iter_mut().for_each(|c| drop(c.as_object_mut().unwrap().remove("object")));
    listed.sort_by_key(Value::to_string);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tallies = runtime.block_on(async {
        let ledger = SqliteLedger::open(home).unwrap();
        ledger.verify_log().await.unwrap().expect("a log");
        format!("{:?}", ledger.tallies().await.unwrap())
    });
    let digest = Sha256::of(lines.join("\n").as_bytes());
    Seen { events: lines.len(), digest, findings, tallies, complaints }
}

/// The largest memory that a child had, in KiB, if it still can be asked.
pub(crate) fn peak_kib(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
