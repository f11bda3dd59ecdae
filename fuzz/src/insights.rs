//! Any text is a query or is refused by place; a query means the same when it is printed and read
//! again, and can be checked and looked through.

use wk_lang::insights::ast::Query;
use wk_lang::insights::{MISTAKES_MAX, Mistake, check as judge, parse};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let query = match parse(text) {
        Ok(query) => query,
        Err(mistakes) => return placed(text, &mistakes),
    };
    let told = judge(text, &query);
    for mistakes in [&told.mistakes, &told.warnings] {
        if !mistakes.is_empty() {
            placed(text, mistakes);
        }
    }
    again(&query, told.mistakes.len());
    let read = query.fields_read();
    assert!(read.iter().all(|name| name.len() <= text.len()), "a field from nowhere: {read:?}");
}

/// What is printed is read as what is printed, and has as many mistakes.
fn again(query: &Query, mistakes: usize) {
    let printed = query.to_string();
    let read = match parse(&printed) {
        Ok(read) => read,
        // Back ticks and parentheses may make it longer than what is read.
        Err(told) if beyond_a_limit(&told) => return,
        Err(told) => panic!("{printed}\n{told:?}"),
    };
    assert_eq!(read.to_string(), printed, "it is read otherwise");
    // Names that AWS makes from an expression's text may be one in print and two as written.
    let told = judge(&printed, &read).mistakes;
    let named = |told: &[Mistake]| told.iter().any(|it| it.message.starts_with("two columns"));
    assert!(told.len() == mistakes || named(&told), "{printed}: {mistakes} mistakes, now {told:?}");
}

fn beyond_a_limit(mistakes: &[Mistake]) -> bool {
    let limits = ["at most", "more than", "within 16384 bytes"];
    mistakes.iter().all(|mistake| limits.iter().any(|limit| mistake.message.contains(limit)))
}

/// Every mistake has a place in the text, and can be shown.
fn placed(text: &str, mistakes: &[Mistake]) {
    assert!((1..=MISTAKES_MAX + 1).contains(&mistakes.len()));
    for mistake in mistakes {
        let span = mistake.span;
        assert!(text.get(span.start..span.end).is_some(), "{mistake:?} is no place of the text");
        assert!(mistake.line <= text.lines().count() + 1, "{mistake:?}");
        assert!(mistake.column <= text.len() + 1, "{mistake:?}");
        let shown = mistake.render(text);
        assert!(shown.len() < 2_000, "{} bytes of {mistake:?}", shown.len());
        assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}");
    }
}
