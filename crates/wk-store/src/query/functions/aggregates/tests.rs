//! Every aggregate over two partitions of rows, so that parts are merged.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::query::functions::{coerce, describe_aggregate, register};

/// Rows: group, seconds, mixed text, numbers as text.
const ROWS: &[(&str, i64, Option<&str>, Option<&str>)] = &[
    ("a", 5, Some("b10"), Some("2")),
    ("a", 1, Some("b9"), Some("10")),
    ("b", 3, Some("7"), Some("1.5")),
    ("a", 9, None, Some("x")),
    ("b", 3, Some("é"), Some("-1e1")),
    ("a", 2, Some("b9"), None),
    ("b", 4, Some("10"), Some("true")),
];

fn batch(rows: &[(&str, i64, Option<&str>, Option<&str>)]) -> RecordBatch {
    let times: TimestampMicrosecondArray = rows.iter().map(|r| Some(r.1 * 1_000_000)).collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("g", Arc::new(rows.iter().map(|r| Some(r.0)).collect::<StringArray>())),
        ("t", Arc::new(times.with_timezone("UTC"))),
        ("x", Arc::new(rows.iter().map(|r| r.2).collect::<StringArray>())),
        ("n", Arc::new(rows.iter().map(|r| r.3).collect::<StringArray>())),
        ("i", Arc::new(rows.iter().map(|r| Some(r.1)).collect::<Int64Array>())),
        ("late", Arc::new(rows.iter().map(|r| Some(r.1 > 3)).collect::<BooleanArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true))).expect("a batch")
}

fn context() -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    register(&context);
    let (left, right) = ROWS.split_at(4);
    let parts = vec![vec![batch(left)], vec![batch(right)]];
    let table = MemTable::try_new(parts[0][0].schema(), parts).expect("a table");
    context.register_table("rows", Arc::new(table)).expect("a table");
    context
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("a runtime").block_on(future)
}

/// The aggregate for group a, for group b, and over all rows.
fn of(name: &str, arguments: &[Expr]) -> [String; 3] {
    run(async {
        let frame = context().table("rows").await.expect("the table");
        let aggregate = describe_aggregate(name).expect("an aggregate");
        let value = aggregate.over(arguments.to_vec(), ident("t")).expect("its arguments");
        let grouped = frame.clone().aggregate(vec![ident("g")], vec![value.clone().alias("v")]);
        let grouped = grouped.expect("a plan").sort_by(vec![ident("g")]).expect("a plan");
        let grouped = grouped.select(vec![ident("v")]).expect("a plan");
        let whole = frame.aggregate(vec![], vec![value.alias("v")]).expect("a plan");
        let mut shown = Vec::new();
        for batch in [grouped.collect().await, whole.collect().await].map(|b| b.expect("rows")) {
            for batch in batch {
                let texts = coerce::texts(batch.column(0)).expect("texts");
                shown.extend(texts.iter().map(|t| t.unwrap_or("~").to_owned()));
            }
        }
        shown.try_into().expect("three answers")
    })
}

#[test]
fn every_aggregate_by_group_and_over_all() {
    for (name, arguments, expected) in [
        ("count", vec![], ["4", "3", "7"]),
        ("count", vec![ident("x")], ["3", "3", "6"]),
        ("countDistinct", vec![ident("x")], ["2", "3", "5"]),
        ("count_distinct", vec![ident("late")], ["2", "2", "2"]),
        ("countOverTime", vec![ident("n")], ["3", "3", "6"]),
        ("sum", vec![ident("n")], ["12", "-7.5", "4.5"]),
        ("sum", vec![ident("late")], ["2", "1", "3"]),
        ("sumOverTime", vec![ident("i")], ["17", "10", "27"]),
        ("avg", vec![ident("n")], ["6", "-2.5", "0.9"]),
        ("AVG", vec![ident("x")], ["~", "8.5", "8.5"]),
        ("variance", vec![ident("n")], ["16", "28.1666666666666", "40.64"]),
        ("stddev", vec![ident("i")], ["3.112", "0.471", "2.415"]),
        ("min", vec![ident("x")], ["b10", "7", "7"]),
        ("max", vec![ident("x")], ["b9", "10", "10"]),
        ("min", vec![ident("n")], ["2", "-1e1", "-1e1"]),
        ("max", vec![ident("i")], ["9", "4", "9"]),
        (
            "max",
            vec![ident("t")],
            ["1970-01-01 00:00:09.000", "1970-01-01 00:00:04.000", "1970-01-01 00:00:09.000"],
        ),
        ("sortsFirst", vec![ident("x")], ["b9", "é", "b9"]),
        ("sortsLast", vec![ident("x")], ["b10", "10", "10"]),
        ("earliest", vec![ident("x")], ["b9", "é", "b9"]),
        ("latest", vec![ident("x")], ["b10", "10", "b10"]),
        ("latest", vec![ident("late")], ["true", "true", "true"]),
        ("pct", vec![ident("i"), lit(50)], ["2", "3", "3"]),
        ("pct", vec![ident("n"), lit(99.9)], ["10", "1.5", "10"]),
        (
            "values",
            vec![ident("x")],
            [r#"["b9","b10"]"#, r#"["é","7","10"]"#, r#"["b9","b10","é","7","10"]"#],
        ),
        ("topk", vec![lit(1), ident("x")], [r#"["b9"]"#, r#"["é"]"#, r#"["b9"]"#]),
    ] {
        let got = of(name, &arguments);
        let same = got.iter().zip(expected).all(|(got, expected)| match expected.split_once('.') {
            // Of long fractions the beginning is looked at.
            Some((_, digits)) if digits.len() > 2 && !expected.contains(':') => {
                got.starts_with(expected)
            }
            _ => got == expected,
        });
        assert!(same, "{name}: {got:?}, not {expected:?}");
    }
}

#[test]
fn what_is_wrong_with_an_aggregate_is_said() {
    let sum = describe_aggregate("sum").expect("an aggregate");
    let error = sum.over(vec![], ident("t")).expect_err("no argument").strip_backtrace();
    assert!(error.contains("sum(number) was given 0 arguments"), "{error}");
    for (sql, part) in [
        ("SELECT pct(i, 101) FROM rows", "pct takes a percentage from 0 to 100"),
        ("SELECT pct(i, i) FROM rows", "the second argument of pct has to be a number"),
        ("SELECT topk(x, 0) FROM rows", "topk takes 1 to 10000 values"),
    ] {
        let answer = run(async { context().sql(sql).await?.collect().await });
        let error = answer.expect_err(sql).to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }
}

#[test]
fn sql_finds_functions_under_its_own_names() {
    let sql =
        "SELECT cidr_contains('10.0.0.0/8', '10.1.2.3'), json_path('{\"a\":{\"b\":7}}', 'a.b'),
        arn_service('arn:aws:s3:::b'), round(2.5), isipinsubnet('10.0.0.1', '10.0.0.0/8')";
    let batches = run(async { context().sql(sql).await?.collect().await }).expect("an answer");
    let row: Vec<String> = batches[0]
        .columns()
        .iter()
        .map(|c| coerce::texts(c).expect("texts").get(0).unwrap_or("~").to_owned())
        .collect();
    assert_eq!(row, ["true", "7", "s3", "3", "true"]);
    let sql = "SELECT latest(x, t), pct(i, 50), values_of, topk(x, 1) FROM rows, (SELECT 1 AS values_of) GROUP BY values_of";
    let batches = run(async { context().sql(sql).await?.collect().await }).expect("an answer");
    assert_eq!(coerce::texts(batches[0].column(0)).expect("texts").get(0), Some("b10"));
    let floats = batches[0].column(1).as_any().downcast_ref::<Float64Array>().expect("numbers");
    assert_eq!(floats.value(0), 3.0);
}
