//! The text of a query: read or refused, on the stack that the program has, and never for long.

#[path = "../../crates/wk-store/src/query/names.rs"]
mod names;
#[path = "../../crates/wk-store/src/query/bounds.rs"]
mod bounds;

use std::sync::LazyLock;

use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use wk_model::Table;

/// As much as the program's threads have; a debug build needs more of it than the program.
const STACK_BYTES: usize = 64 << 20;

static TABLES: LazyLock<Vec<&'static Table>> =
    LazyLock::new(|| wk_watch::sources::ALL.iter().map(|s| s.table).collect());

/// The first four bytes name a stretch of the text and how often it is said: nobody finds a deep
/// text by chance.
pub fn check(data: &[u8]) {
    let [from, length, times, more, rest @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let times = usize::from(*times) << (more % 6);
    let from = usize::from(*from).min(text.len());
    let to = (from + usize::from(*length)).min(text.len());
    let (Some(start), Some(again), Some(end)) =
        (text.get(..from), text.get(from..to), text.get(to..))
    else {
        return;
    };
    let text = [start, &again.repeat(times), end].concat();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let read = thread.spawn(move || read(&text)).expect("a thread");
    assert!(read.join().is_ok(), "it panicked");
}

fn read(text: &str) {
    let Ok(tokens) = bounds::tokens(text) else { return };
    let parsed = Parser::new(&GenericDialect {})
        .with_recursion_limit(64)
        .with_tokens_with_locations(tokens)
        .parse_statements();
    let Ok(statements) = parsed else { return };
    for mut statement in statements {
        if bounds::parts(&statement).is_ok() {
            names::Names::of(&TABLES).join_in(&mut statement);
            assert!(!statement.to_string().is_empty());
        }
    }
}
