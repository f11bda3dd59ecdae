//! How quamina does what `PatternSet` does: `bench-quamina PATTERNS EVENTS ROUNDS` asks all patterns
//! of a file, one a line, of every event of a file, ROUNDS times, and prints counts as JSON.
//!
//! One thread, one event at a time, the library as it comes.

use quamina::Quamina;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let patterns = std::fs::read_to_string(args.next().ok_or("which file of patterns?")?)?;
    let events = std::fs::read_to_string(args.next().ok_or("which file of events?")?)?;
    let rounds: u64 = args.next().ok_or("how many rounds?")?.parse()?;
    let mut engine = Quamina::new();
    let (mut count, mut refused) = (0u64, 0u64);
    for (place, pattern) in patterns.lines().enumerate() {
        count += 1;
        if engine.add_pattern(place, pattern).is_err() {
            refused += 1;
        }
    }
    let (mut asked, mut matches) = (0u64, 0u64);
    for _ in 0..rounds {
        for event in events.lines() {
            matches += engine.matches_for_event(event.as_bytes())?.len() as u64;
            asked += 1;
        }
    }
    println!("{{\"patterns\":{count},\"refused\":{refused},\"events\":{asked},\"matches\":{matches}}}");
    Ok(())
}
