//! The page `docs/query-functions.md`, made from the functions' own words and compared with them.
//!
//! `cargo xtask docs` writes it anew: it runs this test with `UPDATE_DOCS=1`.

use std::fmt::Write as _;

use super::*;

#[test]
#[expect(clippy::disallowed_methods, reason = "cargo's folder, and the word of cargo xtask docs")]
fn the_page_of_functions_is_current() {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let path = std::path::Path::new(&folder).join("../../docs/query-functions.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some_and(|word| word == "1") {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/query-functions.md is not current; run: cargo xtask docs");
}

fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for (subject, functions) in SCALARS {
        heading(&mut page, subject);
        for function in *functions {
            row(&mut page, function.insights, function.takes, function.sql, function.says);
        }
    }
    heading(&mut page, "Aggregates");
    for aggregate in AGGREGATES {
        row(&mut page, aggregate.insights, aggregate.takes, aggregate.sql, aggregate.says);
    }
    heading(&mut page, "Answered from the query and its clock");
    for function in wk_lang::insights::FUNCTIONS.iter().filter(|f| PLANNED.contains(&f.name)) {
        let takes = if function.name == "bin" { "period" } else { "" };
        row(&mut page, &[function.name], takes, &[], function.doc);
    }
    writeln!(page, "\nKnown, and refused as not yet: {}.", code(NOT_YET, "")).expect("a string");
    page
}

fn heading(page: &mut String, subject: &str) {
    let head =
        format!("\n## {subject}\n\n| Logs Insights | SQL | what it answers |\n|---|---|---|\n");
    page.push_str(&head);
}

fn row(page: &mut String, insights: &[&str], takes: &str, sql: &[&str], says: &str) {
    let takes = format!("({takes})");
    let (insights, sql) =
        (code(insights, &takes), code(sql, if insights.is_empty() { &takes } else { "" }));
    writeln!(page, "| {insights} | {sql} | {} |", says.replace('|', "\\|")).expect("a string");
}

fn code(names: &[&str], behind: &str) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("`{name}{behind}`")).collect();
    all.join(", ")
}

const INTRODUCTION: &str = "# Functions of queries

<!-- Made by `cargo xtask docs` from the functions' own words; do not edit. -->

Every function takes values of any type. A missing value in gives a missing value out, unless the
function says otherwise. What is wrong with a record's value gives nothing; what is wrong with the
query itself, such as a regular expression, is an error.

| taken as | text | number | boolean | time | list |
|---|---|---|---|---|---|
| number | if it says one and nothing else; `true` is 1, `false` is 0 | itself | 1 or 0 | milliseconds of the epoch | nothing |
| text | itself | shortest form, without `.0` | `true`, `false` | `2026-01-31 09:00:00.000` in UTC | JSON |
| yes or no | `true`, or a number that is not 0 | not 0 | itself | nothing | nothing |
| time | RFC 3339, the form above, or milliseconds | milliseconds of the epoch | nothing | itself | nothing |

Comparison in Logs Insights, as we chose it where AWS says nothing: a comparison with a missing
value is false, `!=` too; two texts are equal when they are the same text, and `<` or `>` of two texts
compares numbers where both are; beside a number, a boolean or a time a text is taken for one, and if
it is none, it differs and is neither less nor greater. `sort` puts missing values first, then texts, then
numbers; runs of digits in texts go by length, then value. Numbers that are not finite are nothing.

In SQL a name of Logs Insights may be used too, in any case, where SQL has no function of that name
(`case`, `if` and `log` keep SQL's meaning).
";
