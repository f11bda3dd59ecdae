//! How fast are the splitter, the tape and paths? `json_bench FILE lines|elements|tape|PATH` reads
//! the first 64 MiB of a file of JSON lines and prints records, CPU seconds and GB/s over ten rounds
//! in memory: `lines` splits JSON lines, `elements` splits the same records as one array, `tape`
//! parses them, a dotted path such as `userIdentity.arn` counts the records that have a value there.
#![expect(clippy::print_stdout, reason = "a measuring program: it prints what it measured")]

use std::fs::File;
use std::io::Read;

use wk_lang::insights::meaning::Path;
use wk_lang::json::{Splitter, Step, Tape};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let mut text = Vec::new();
    File::open(args.next().ok_or("which file?")?)?.take(64 << 20).read_to_end(&mut text)?;
    text.truncate(memchr::memrchr(b'\n', &text).map_or(text.len(), |n| n + 1));
    let mode = args.next().unwrap_or_default();
    if mode == "elements" {
        let elements = text.trim_ascii().split(|b| *b == b'\n').collect::<Vec<_>>().join(&b',');
        text = [b"{\"Records\":[".to_vec(), elements, b"]}".to_vec()].concat();
    }
    let before = cpu_seconds()?;
    let mut records = 0;
    for _ in 0..10 {
        records += match mode.as_str() {
            "tape" => parse(&text)?,
            "lines" | "elements" => split(&text)?,
            path => find(&text, path)?,
        };
    }
    let cpu = cpu_seconds()? - before;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let bytes = text.len() as f64 * 10.0;
    println!("{records} records, {cpu:.2} CPU s, {:.2} GB per CPU s", bytes / 1e9 / cpu);
    Ok(())
}

fn parse(text: &[u8]) -> Outcome<u64> {
    let mut tape = Tape::new();
    let mut records = 0;
    for line in std::str::from_utf8(text)?.lines() {
        tape.parse(line)?;
        records += 1;
    }
    Ok(records)
}

fn find(text: &[u8], path: &str) -> Outcome<u64> {
    let path = Path::parse(path).ok_or("lines, elements, tape or a path?")?;
    let lines = std::str::from_utf8(text)?.lines();
    let there = |line: &&str| path.find(line).and_then(|found| found.text().map(drop)).is_some();
    Ok(lines.filter(there).count() as u64)
}

fn split(text: &[u8]) -> Outcome<u64> {
    let mut splitter = Splitter::new(&["Records"]);
    let mut records = 0;
    loop {
        match splitter.step(text, true) {
            Step::Record { .. } => records += 1,
            Step::Defect { flaw, .. } => return Err(flaw.into()),
            Step::NeedMore { .. } | Step::End => return Ok(records),
        }
    }
}

/// User and system time of this process so far; the kernel counts in hundredths.
fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat has another form")?;
    let ticks: Vec<u32> = fields.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    Ok(f64::from(ticks.iter().sum::<u32>()) / 100.0)
}
