//! Patterns over events: `pattern_bench PATTERNS EVENTS ROUNDS [alone]` asks all patterns of a file,
//! one a line, of every event of a file, ROUNDS times, and prints counts as JSON. With `alone` each
//! pattern is asked by itself, without an index. `cargo xtask bench patterns` measures it.
#![expect(clippy::print_stdout, reason = "the answer goes to standard output")]

use wk_lang::json::Tape;
use wk_lang::pattern::{Pattern, PatternSet, Scratch, Verdict};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let patterns = std::fs::read_to_string(args.next().ok_or("which file of patterns?")?)?;
    let events = std::fs::read_to_string(args.next().ok_or("which file of events?")?)?;
    let rounds: u64 = args.next().ok_or("how many rounds?")?.parse()?;
    let alone = args.next().is_some_and(|word| word == "alone");
    let patterns: Vec<Pattern> = patterns.lines().map(Pattern::parse).collect::<Result<_, _>>()?;
    let set = PatternSet::new(if alone { &[] } else { patterns.as_slice() });
    let (mut tape, mut scratch, mut found) = (Tape::new(), Scratch::default(), Vec::new());
    let (mut asked, mut matches) = (0u64, 0);
    for _ in 0..rounds {
        for event in events.lines() {
            let event = tape.parse(event)?;
            set.verdicts(event, &mut scratch, &mut found);
            matches += found.len();
            if alone {
                let hits = patterns.iter().filter(|own| own.verdict(event) != Verdict::No);
                matches += hits.count();
            }
            asked += 1;
        }
    }
    let count = patterns.len();
    println!("{{\"patterns\":{count},\"refused\":0,\"events\":{asked},\"matches\":{matches}}}");
    Ok(())
}
