//! Hostile texts: an answer or a mistake, quickly, and never a deep recursion.

use crate::insights::{TEXT_BYTES_MAX, parse};

/// The first mistake of a query that is refused.
fn refusal(text: &str) -> String {
    parse(text).expect_err("it is beyond a limit").remove(0).to_string()
}

#[test]
fn ten_thousand_parentheses_are_a_mistake() {
    let text = format!("filter {}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(refusal(&text), "1:73: more than 64 levels within each other");
}

#[test]
fn ten_thousand_nots_and_minuses_are_a_mistake() {
    let text = format!("filter {} a", "not ".repeat(10_000));
    assert!(refusal(&text).ends_with("more than 64 levels within each other"));
    let text = format!("fields {}a", "-".repeat(10_000));
    assert!(refusal(&text).ends_with("more than 64 levels within each other"));
    let text = format!("fields {}a", "a ^ ".repeat(10_000));
    assert!(refusal(&text).ends_with("more than 64 levels within each other"));
    let text = format!("filter {}a", "a in (filter ".repeat(10_000));
    assert!(refusal(&text).ends_with("more than 64 levels within each other"));
}

#[test]
fn a_chain_of_a_hundred_thousand_terms_is_a_mistake() {
    let text = format!("fields a{}", " + a".repeat(100_000));
    assert!(refusal(&text).contains("at most 200 operators within each other"));
    let text = format!("filter a{}", " or a".repeat(100_000));
    assert!(refusal(&text).contains("at most 10000 parts"));
    let text = format!("filter a{}", "[0]".repeat(100_000));
    assert!(refusal(&text).contains("at most 200 operators within each other"));
    let text = format!("filter f(){}", ".a".repeat(100_000));
    assert!(refusal(&text).contains("at most 200 operators within each other"));
}

#[test]
fn four_thousand_alternatives_are_read() {
    let text = format!("filter a = 1{}", " or a = 1".repeat(2_000));
    assert!(parse(&text).is_ok());
}

#[test]
fn a_text_beyond_a_megabyte_is_refused_unread() {
    let text = " ".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(refusal(&text), "1:1: the query has 1048577 bytes; 1048576 are read");
}

#[test]
fn much_of_anything_is_read_in_linear_time() {
    // A megabyte in an optimised build; what takes the square of it is stopped by the runner.
    let bytes = if cfg!(debug_assertions) { 150_000 } else { TEXT_BYTES_MAX - 20 };
    let units = [
        "| ",
        "a ",
        "'",
        "\\'",
        "/[",
        "/\\",
        "`",
        "(",
        ")",
        "[",
        "{",
        "a like /[/ or ",
        "#",
        ";",
        "| limit 1 ",
        "fields a, ",
        "| estimate /[",
        "| estimate '\\",
        "a.",
        "5m",
        "\u{200b}",
        "like /",
    ];
    for unit in units {
        for head in ["", "filter ", "parse ", "estimate ", "SOURCE ", "x | estimate "] {
            let text = format!("{head}{}", unit.repeat(bytes / unit.len()));
            if let Err(mistakes) = parse(&text) {
                assert!(mistakes.iter().all(|mistake| mistake.to_string().len() < 300));
                assert!(mistakes.iter().all(|mistake| mistake.render(&text).len() < 1_500));
            }
        }
    }
}
