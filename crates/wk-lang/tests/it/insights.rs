//! Real queries, read where they lie beside the checkout.

use std::fmt::Write as _;

use expect_test::expect;

use wk_lang::insights::parse;

/// Queries of the file, in its order.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn queries() -> Option<Vec<String>> {
    let file = crate::workspace().join("../shared/conformance/insights-queries.txt");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    };
    let mut queries: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("# source:") {
            queries.push(String::new());
        } else if let Some(query) = queries.last_mut() {
            query.push_str(line);
            query.push('\n');
        }
    }
    Some(queries)
}

#[test]
fn real_queries_are_read_or_refused_with_a_reason() {
    let Some(queries) = queries() else { return };
    assert_eq!(queries.len(), 170);
    let mut refused = String::new();
    for (ordinal, query) in (1..).zip(&queries) {
        if let Err(mistakes) = parse(query) {
            for mistake in mistakes {
                writeln!(refused, "{ordinal}: {mistake}").unwrap();
            }
        }
    }
    expect![[r#"
        100: 5:11: ' begins here and has no second '
        101: 4:11: ' begins here and has no second '
        102: 4:11: ' begins here and has no second '
        103: 6:11: ' begins here and has no second '
        109: 7:24: a value should stand here, not <
    "#]]
    .assert_eq(&refused);
}
