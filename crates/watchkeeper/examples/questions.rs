//! Asks a lake the same questions many times in one process and prints what each costs, as JSON
//! lines: the median of the CPU seconds of all threads, rows, and a digest of the answer.
//!
//! `questions HOME QUESTIONS RUNS`; QUESTIONS holds a JSON object a line: name, language, text.
#![expect(clippy::print_stdout, reason = "a program of the bench")]
#![expect(clippy::disallowed_methods, reason = "a program of the bench measures real time")]

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wk_model::Sha256;
use wk_seam::ledger::Ledger as _;
use wk_store::files::Files;
use wk_store::ledger::SqliteLedger;
use wk_store::query::{AskOptions, Format, Limits, Questions};
use wk_watch::sources;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().ok_or("questions HOME QUESTIONS RUNS");
    let (home, list, runs) = (word()?, word()?, word()?.parse()?);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let questions = open(Path::new(&home)).await?;
        let options =
            AskOptions { lookups: Some(Path::new(&home).join("lookups")), ..AskOptions::default() };
        for line in std::fs::read_to_string(list)?.lines() {
            let question: Value = serde_json::from_str(line)?;
            println!("{}", measure(&questions, &options, &question, runs).await?);
        }
        Ok(())
    })
}

async fn open(home: &Path) -> Result<Questions, Failed> {
    let files = Files::Local(home.join("lake"));
    let ledger = SqliteLedger::open(home)?;
    let snapshot = ledger.snapshot().await?;
    let mut tables: Vec<_> = sources::ALL.iter().map(|s| s.table).collect();
    tables.dedup_by_key(|t| t.name);
    Ok(Questions::over(&files, &snapshot, &tables, Limits::default())?)
}

async fn measure(
    questions: &Questions,
    options: &AskOptions,
    question: &Value,
    runs: usize,
) -> Result<Value, Failed> {
    let text = question["text"].as_str().unwrap_or_default();
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let (mut rows, mut answer) = (0, Vec::new());
    for run in 0..=runs {
        let (began, used) = (Instant::now(), cpu_ns()?);
        answer.clear();
        let started = match question["language"].as_str() {
            Some("insights") => questions.ask_insights(text, options).await?,
            _ => questions.ask_sql(text, options).await?,
        };
        rows = started.write(Format::JsonLines, &mut answer).await?;
        if run > 0 {
            cpu.push(cpu_ns()? - used);
            wall.push(began.elapsed().as_micros());
        }
    }
    cpu.sort_unstable();
    wall.sort_unstable();
    Ok(json!({
        "name": question["name"], "language": question["language"], "rows": rows,
        "cpu_ms": cpu[cpu.len() / 2] as f64 / 1e6, "cpu_ms_least": cpu[0] as f64 / 1e6,
        "wall_ms": wall[wall.len() / 2] as f64 / 1e3,
        "answer": Sha256::of(&answer).short(),
    }))
}

/// Nanoseconds that this process's threads have run, as Linux counts them.
fn cpu_ns() -> Result<u64, Failed> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(sum)
}
