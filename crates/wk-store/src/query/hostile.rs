//! Hostile texts against the real parser, planner and optimiser, on the stack that they are
//! promised: an answer or an error that says why. A stack that is used up would end the process.

use super::*;

/// Asks over a lake without tables, on the program's stack. Answers the rows, or the error.
fn asked(sql: String) -> String {
    let ask = async move |files: &Files| {
        let questions = Questions::over(files, &Snapshot::default(), &[], Limits::default())?;
        questions.ask(&sql).await?.write(Format::JsonLines, &mut Vec::new()).await
    };
    let run = move || {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::Local(folder.path().to_path_buf());
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_stack_size(STACK_BYTES).build().unwrap();
        match runtime.block_on(ask(&files)) {
            Ok(rows) => format!("{rows} rows"),
            Err(error) => error.to_string(),
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap();
    thread.join().unwrap()
}

/// `before`, something `n` times, and `after`.
fn many(before: &str, again: &str, n: usize, after: &str) -> String {
    [before, &again.repeat(n), after].concat()
}

/// Something opened `n` times around a middle, and closed again.
fn nested(open: &str, n: usize, middle: &str, close: &str) -> String {
    format!("SELECT {}{middle}{}", open.repeat(n), close.repeat(n))
}

fn check(cases: Vec<(&str, String, &str)>) {
    for (name, sql, expected) in cases {
        let answer = asked(sql);
        assert!(answer.contains(expected), "{name}: {answer}");
    }
}

#[test]
fn what_is_deep_is_refused_with_the_place() {
    let deep = "more than 64 brackets are open at line 1";
    let limit = "RecursionLimitExceeded";
    check(vec![
        ("parentheses", nested("(", 10_000, "1", ")"), deep),
        ("calls", nested("upper(", 10_000, "'a'", ")"), deep),
        ("arrays", nested("[", 10_000, "1", "]"), deep),
        ("subqueries", nested("* FROM (SELECT ", 10_000, "1", ")"), deep),
        ("subqueries that are tests", nested("EXISTS (SELECT ", 10_000, "1", ")"), deep),
        ("joins in brackets", nested("* FROM (", 10_000, "t", ")"), deep),
        ("minus", nested("- ", 900, "1", ""), limit),
        ("names with dots", many("SELECT a", ".a", 900, ""), limit),
        ("not", nested("NOT ", 900, "true", ""), "ParserError"),
        ("cases", nested("CASE WHEN true THEN ", 300, "1", " END"), "ParserError"),
        ("types", many("SELECT CAST(1 AS ", "STRUCT<a ", 600, ")"), "ParserError"),
        ("open comments", many("SELECT 1 ", "/*", 100_000, ""), "comment"),
        ("intervals", many("SELECT ", "INTERVAL ", 60, "1"), "more than 8 times INTERVAL"),
    ]);
}

#[test]
fn what_is_long_is_answered_or_refused() {
    let chained = "follow each other without a comma at line 1";
    let longest = bounds::TEXT_BYTES_MAX;
    check(vec![
        ("a megabyte of additions", many("SELECT 1", "+1", longest / 2 - 4, ""), chained),
        ("a megabyte of conditions", many("SELECT 1", " OR 1", 200_000, ""), chained),
        ("a megabyte of casts", many("SELECT 1", "::int", 200_000, ""), chained),
        ("a megabyte of commas", many("SELECT 1", ",", longest - 8, ""), "ParserError"),
        ("a megabyte of text", many("SELECT 'a", "a", longest - 10, "'"), "1 rows"),
        ("more than a megabyte", many("SELECT '", "a", longest, "'"), "longer than 1048576"),
        ("brackets", nested("(", 60, "1", ")"), "1 rows"),
        ("keys", many("SELECT 1 WHERE '1' IN ('1'", ", '123'", 20_000, ")"), "1 rows"),
        ("no SQL", "'\u{0}\u{ffff}".to_owned(), "Unterminated"),
        ("unions", many("SELECT 1", " UNION SELECT 1", 60, ""), "1 rows"),
        ("too many unions", many("SELECT 1", " UNION SELECT 1", 10_000, ""), "more than 100 times"),
        ("conditions", many("SELECT 1 WHERE 1 = 2", " OR 1 = 1", 490, ""), "1 rows"),
        ("casts", many("SELECT 1", "::int", 490, ""), "1 rows"),
        ("joins", many("SELECT 1 FROM t", " JOIN t ON true", 300, ""), "more than 200 tables"),
        ("tables", many("SELECT 1 FROM t", ", t", 10_000, ""), "more than 200 tables"),
        ("subqueries", many("SELECT 1", ", (SELECT 1)", 10_000, ""), "more than 200 tables"),
        ("one after another", many("SELECT 1", "; SELECT 1", 100, ""), "one statement"),
    ]);
}

#[test]
fn a_with_that_doubles_itself_is_refused() {
    let more = |i: usize| format!(", a{i} AS (SELECT x.n FROM a{} x, a{} y)", i - 1, i - 1);
    let all = |n: usize| (1..=n).map(more).collect::<String>();
    let sql = |n: usize| format!("WITH a0 AS (SELECT 1 AS n){} SELECT n FROM a{n}", all(n));
    check(vec![("few", sql(3), "1 rows"), ("many", sql(40), "more than 200 tables")]);
}
