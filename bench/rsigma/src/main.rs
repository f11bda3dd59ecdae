//! How rsigma does what `watchkeeper detect run` does: `bench-rsigma RULES_DIR FILE` runs all rules
//! of a folder over a file of one JSON record a line, and prints records and matches as JSON.
//! `bench-rsigma --each RULES_DIR FILE` prints for each record the titles of the rules that match it.
//!
//! One thread, one record at a time, the engine as it comes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::parse_sigma_directory;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1).peekable();
    let each = args.next_if(|arg| arg == "--each").is_some();
    let engine = engine(Path::new(&args.next().ok_or("which folder of rules?")?))?;
    let file = File::open(args.next().ok_or("which file?")?)?;
    if each {
        return say_each(&engine, BufReader::new(file));
    }
    let (records, matches) = run(&engine, BufReader::with_capacity(256 << 10, file))?;
    println!("{}", json!({"rules": engine.rule_count(), "records": records, "matches": matches}));
    Ok(())
}

fn engine(rules: &Path) -> Outcome<Engine> {
    let mut engine = Engine::new();
    engine.add_collection(&parse_sigma_directory(rules)?)?;
    Ok(engine)
}

fn run(engine: &Engine, mut lines: impl BufRead) -> Outcome<(u64, usize)> {
    let (mut records, mut matches) = (0, 0);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let record: Value = serde_json::from_slice(&line)?;
        matches += engine.evaluate(&JsonEvent::borrow(&record)).len();
        records += 1;
        line.clear();
    }
    Ok((records, matches))
}

fn say_each(engine: &Engine, lines: impl BufRead) -> Outcome<()> {
    for line in lines.lines() {
        let record: Value = serde_json::from_str(&line?)?;
        let found = engine.evaluate(&JsonEvent::borrow(&record));
        let mut titles: Vec<String> = found.iter().map(|m| m.header.rule_title.clone()).collect();
        titles.sort();
        println!("{}", json!(titles));
    }
    Ok(())
}
