//! The corpus of the benches, for those who have no other: `bench_corpus` writes the CloudTrail
//! files of [`Plan::bench`] to its standard output, each as a line `LENGTH PATH` and that many
//! bytes. The last is `truth.json`: how many files and records there were. Compressing and laying
//! them down is left to `bench/corpora.py`. A number on the command line makes another week of the
//! same kind.

use std::io::{BufWriter, Write, stdout};

use wk_sim::{Plan, Simulation};

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut week = Simulation::new(&Plan::bench(seed));
    for file in week.by_ref().filter(|file| file.source == "cloudtrail") {
        put(&mut out, &file.path, &file.bytes)?;
    }
    let counted = week.truth().sources.get("cloudtrail").copied().unwrap_or_default();
    let truth = format!(
        "{{\"files\": {}, \"events\": {}, \"distinct\": {}}}\n",
        counted.files, counted.records, counted.distinct
    );
    put(&mut out, "truth.json", truth.as_bytes())?;
    out.flush()
}

fn put(out: &mut impl Write, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    writeln!(out, "{} {path}", bytes.len())?;
    out.write_all(bytes)
}
