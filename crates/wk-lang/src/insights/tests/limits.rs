//! Hostile texts: an answer or a mistake, quickly, and never a deep recursion.

use crate::insights::{TEXT_BYTES_MAX, check, parse};

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

#[test]
fn wide_queries_are_checked_in_bounded_time() {
    let columns: Vec<String> = (0..999).map(|n| format!("max(f{n}) as n{n}")).collect();
    let keys: Vec<String> = (0..999).map(|n| format!("k{n} / 2")).collect();
    let stats = format!("stats {} by {}", columns.join(", "), keys.join(", "));
    let terms: Vec<String> = (0..1_000).map(|n| format!("(n{n} + 1) * x > k7 / 2")).collect();
    let text = format!("{stats} | filter {} | sort {}", terms.join(" or "), keys.join(","));
    let query = parse(&text).expect("it is within the limits");
    assert_eq!(check(&text, &query).mistakes.len(), 21);
    let deep = format!("fields {}a", "a.b + ".repeat(190));
    let query = parse(&format!("{stats} | {deep} | {deep}")).expect("it is within the limits");
    assert_eq!(check(&text, &query).mistakes.len(), 21);
}

#[test]
fn an_expression_that_is_large_when_compiled_is_a_mistake() {
    let text = format!("filter a like /{}/", "(x{50}){50}".repeat(200));
    let query = parse(&text).expect("its form is right");
    let told = check(&text, &query).mistakes;
    assert_eq!(told.len(), 1);
    assert!(told[0].message.contains("too large"), "{}", told[0]);
}

#[test]
fn more_mistakes_than_are_told_are_mentioned() {
    let mistakes = parse(&"nosuch | ".repeat(30)).expect_err("there is no such command");
    assert_eq!(mistakes.len(), 21);
    assert_eq!(mistakes[20].message, "nothing is read behind so many mistakes");
    let text = format!("fields {}", ["nosuch(a)"; 30].join(", "));
    let told = check(&text, &parse(&text).expect("its form is right")).mistakes;
    assert_eq!(told.len(), 21);
    assert_eq!(told[20].message, "and more that are not told");
}
