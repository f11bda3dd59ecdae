//! Real queries, read where they lie beside the checkout.

use std::fmt::Write as _;

use expect_test::expect;

use wk_lang::insights::{COMMANDS, Checked, check, parse};

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
    let mut told = String::new();
    for (ordinal, text) in (1..).zip(&queries) {
        let (mistakes, warnings) = match parse(text) {
            Err(mistakes) => (mistakes, Vec::new()),
            Ok(query) => {
                let again = parse(&query.to_string()).unwrap();
                assert_eq!(again.to_string(), query.to_string());
                let Checked { mistakes, warnings } = check(text, &query);
                (mistakes, warnings)
            }
        };
        for mistake in mistakes {
            writeln!(told, "{ordinal} refused {mistake}").unwrap();
        }
        for warning in warnings {
            writeln!(told, "{ordinal} warned {warning}").unwrap();
        }
    }
    expect![[r#"
        86 warned 4:8: there is no count after stats; rows are sorted by count()
        91 warned 6:8: there is no @timestamp after stats; rows are sorted by bin(@timestamp, 1h)
        99 warned 4:8: there is no @timestamp after stats; rows are sorted by bin(5m)
        100 refused 5:11: ' begins here and has no second '
        101 refused 4:11: ' begins here and has no second '
        102 refused 4:11: ' begins here and has no second '
        103 refused 6:11: ' begins here and has no second '
        109 refused 7:24: a value should stand here, not <
        167 refused 2:3: outlier is not there yet
        168 refused 2:3: sessionize is not there yet
        169 refused 3:3: estimate is not there yet
    "#]]
    .assert_eq(&told);
}

#[test]
fn the_guide_names_every_command_that_does_not_run_yet() {
    let guide = std::fs::read_to_string(crate::workspace().join("docs/guide.md")).unwrap();
    let (_, rest) = guide.split_once("do not run yet are refused by name:").unwrap();
    let (listed, _) = rest.split_once(". What is wrong").unwrap();
    let listed: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    let waiting = COMMANDS.iter().filter(|command| !command.runs).map(|command| command.name);
    assert_eq!(listed, waiting.collect::<Vec<_>>());
}
