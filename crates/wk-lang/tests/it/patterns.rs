//! Event patterns: the table of right answers, a plain second meaning, and many patterns at once.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use wk_lang::json::Tape;
use wk_lang::pattern::{Pattern, PatternSet, Scratch, Verdict};

/// Rows of the table, which lies beside the checkout.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn table() -> Option<Vec<Value>> {
    let file = crate::workspace().join("../shared/conformance/event-patterns.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn said(pattern: &str, event: Option<&str>) -> Result<Verdict, String> {
    let pattern = Pattern::parse(pattern).map_err(|refused| refused.to_string())?;
    let mut tape = Tape::new();
    Ok(event.map_or(Verdict::No, |event| pattern.verdict(tape.parse(event).unwrap())))
}

#[test]
fn event_patterns_match_as_in_eventbridge() {
    let Some(rows) = table() else { return };
    assert!(rows.len() >= 629, "{} rows", rows.len());
    let mut wrong = String::new();
    for row in &rows {
        let (pattern, event) = (row["pattern"].as_str().unwrap(), row["event"].as_str());
        let answer = match said(pattern, event) {
            Ok(Verdict::Yes) => "true",
            Ok(Verdict::No) => "false",
            Ok(Verdict::Unclear) => "unclear",
            Err(reason) => {
                assert!(reason.starts_with("Event pattern is not valid. Reason: "), "{reason}");
                "invalid"
            }
        };
        if row["expected"] != answer {
            writeln!(wrong, "{}: {answer}, not {}: {pattern}", row["id"], row["expected"]).unwrap();
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn all_patterns_of_the_table_at_once_say_what_each_says() {
    let Some(rows) = table() else { return };
    let patterns: Vec<Pattern> =
        rows.iter().filter_map(|row| Pattern::parse(row["pattern"].as_str()?).ok()).collect();
    let set = PatternSet::new(&patterns);
    let (mut tape, mut scratch, mut found) = (Tape::new(), Scratch::default(), Vec::new());
    let mut events: Vec<&str> = rows.iter().filter_map(|row| row["event"].as_str()).collect();
    events.sort_unstable();
    events.dedup();
    for event in events {
        let event = tape.parse(event).unwrap();
        set.verdicts(event, &mut scratch, &mut found);
        assert_eq!(found, each(&patterns, event));
    }
}

fn each(patterns: &[Pattern], event: wk_lang::json::Value<'_>) -> Vec<(usize, Verdict)> {
    let verdicts = patterns.iter().map(|pattern| pattern.verdict(event)).enumerate();
    verdicts.filter(|(_, verdict)| *verdict != Verdict::No).collect()
}

/// The plain second meaning: every choice of elements is tried.
mod plain {
    use serde_json::Value;

    /// Path, value, and which element of which array.
    type Cell<'a> = (String, &'a Value, Vec<(usize, usize)>);

    pub(super) fn matches(pattern: &Value, event: &Value) -> bool {
        let mut cells = Vec::new();
        flatten(event, "", &mut Vec::new(), &mut 0, &mut cells);
        branches(pattern, "", vec![Vec::new()]).iter().any(|fields| {
            let mut fields = fields.clone();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            search(&fields, &cells, &[])
        })
    }

    fn join(path: &str, key: &str) -> String {
        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
    }

    fn flatten<'a>(
        value: &'a Value,
        path: &str,
        trail: &mut Vec<(usize, usize)>,
        arrays: &mut usize,
        out: &mut Vec<Cell<'a>>,
    ) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    flatten(value, &join(path, key), trail, arrays, out);
                }
            }
            Value::Array(items) => {
                let number = *arrays;
                *arrays += 1;
                for (place, item) in items.iter().enumerate() {
                    if item.is_object() || item.is_array() {
                        trail.push((number, place));
                        flatten(item, path, trail, arrays, out);
                        trail.pop();
                    } else {
                        out.push((path.to_owned(), item, trail.clone()));
                    }
                }
            }
            leaf => out.push((path.to_owned(), leaf, trail.clone())),
        }
    }

    type Fields<'p> = Vec<(String, &'p [Value])>;

    fn branches<'p>(pattern: &'p Value, path: &str, mut all: Vec<Fields<'p>>) -> Vec<Fields<'p>> {
        for (key, value) in pattern.as_object().unwrap() {
            match value {
                Value::Array(list) if key == "$or" => {
                    let before = all;
                    all = list
                        .iter()
                        .flat_map(|object| branches(object, path, before.clone()))
                        .collect();
                }
                Value::Array(list) => {
                    let path = join(path, key);
                    for fields in &mut all {
                        fields.retain(|(own, _)| *own != path);
                        fields.push((path.clone(), list));
                    }
                }
                object => all = branches(object, &join(path, key), all),
            }
        }
        all
    }

    fn search(
        fields: &[(String, &[Value])],
        cells: &[Cell<'_>],
        chosen: &[(usize, usize)],
    ) -> bool {
        let Some(((path, wants), rest)) = fields.split_first() else { return true };
        let fits = |trail: &[(usize, usize)]| {
            trail
                .iter()
                .all(|(array, place)| chosen.iter().all(|(own, at)| own != array || at == place))
        };
        let here: Vec<_> = cells.iter().filter(|cell| cell.0 == *path && fits(&cell.2)).collect();
        let absent = wants.iter().any(|want| want["exists"] == false);
        if absent && here.is_empty() && search(rest, cells, chosen) {
            return true;
        }
        here.iter().filter(|cell| wants.iter().any(|want| is(want, cell.1))).any(|cell| {
            let both: Vec<_> = chosen.iter().chain(&cell.2).copied().collect();
            search(rest, cells, &both)
        })
    }

    fn is(want: &Value, value: &Value) -> bool {
        let Some((operator, operand)) = want.as_object().and_then(|o| o.iter().next()) else {
            return match (want.as_f64(), value.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => want == value,
            };
        };
        let text = value.as_str();
        let own = operand.as_str().unwrap_or_default();
        match operator.as_str() {
            "exists" => operand == true,
            "prefix" => text.is_some_and(|text| text.starts_with(own)),
            "suffix" => text.is_some_and(|text| text.ends_with(own)),
            "equals-ignore-case" => {
                text.is_some_and(|text| text.to_lowercase() == own.to_lowercase())
            }
            "anything-but" => !operand.as_array().unwrap().iter().any(|want| is(want, value)),
            "numeric" => value.as_f64().is_some_and(|n| {
                operand.as_array().unwrap().chunks(2).all(|pair| {
                    let bound = pair[1].as_f64().unwrap();
                    match pair[0].as_str().unwrap() {
                        "<" => n < bound,
                        "<=" => n <= bound,
                        ">" => n > bound,
                        ">=" => n >= bound,
                        _ => n == bound,
                    }
                })
            }),
            other => panic!("{other}"),
        }
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["", "a", "ab", "b", "B", "aB"]).prop_map(Value::from),
        4 => (-2i32..4).prop_map(|n| json!(f64::from(n) / 2.0)),
        2 => (0i32..3).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["x", "y", "z", "x.y"]).prop_map(str::to_owned)
}

fn event() -> impl Strategy<Value = Value> {
    let value = leaf().prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(key(), value, 1..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn want() -> impl Strategy<Value = Value> {
    let text = || prop::sample::select(vec!["a", "ab", "b", "B"]);
    let number = || (-2i32..4).prop_map(|n| f64::from(n) / 2.0);
    prop_oneof![
        4 => leaf(),
        2 => any::<bool>().prop_map(|there| json!({"exists": there})),
        1 => text().prop_map(|t| json!({"prefix": t})),
        1 => text().prop_map(|t| json!({"suffix": t})),
        1 => text().prop_map(|t| json!({"equals-ignore-case": t})),
        1 => prop::collection::vec(text(), 1..3).prop_map(|t| json!({"anything-but": t})),
        1 => prop::collection::vec(number(), 1..3).prop_map(|n| json!({"anything-but": n})),
        1 => (prop::sample::select(vec!["<", "<=", ">", ">=", "="]), number())
            .prop_map(|(o, n)| json!({"numeric": [o, n]})),
        1 => (number(), 1i32..3).prop_map(|(n, more)| {
            json!({"numeric": [">=", n, "<", n + f64::from(more)]})
        }),
    ]
}

fn pattern() -> impl Strategy<Value = Value> {
    let list = prop::collection::vec(want(), 1..3).prop_map(Value::from).boxed();
    let object = |inner: BoxedStrategy<Value>| {
        prop::collection::btree_map(key(), inner, 1..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
            .boxed()
    };
    let flat = object(list.clone());
    let deep = object(prop_oneof![2 => list, 1 => flat.clone()].boxed());
    let or = (deep.clone(), prop::collection::vec(flat, 2..3)).prop_map(|(mut pattern, either)| {
        pattern["$or"] = Value::from(either);
        pattern
    });
    prop_oneof![3 => deep, 1 => or]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn patterns_match_as_the_plainest_meaning_does(pattern in pattern(), event in event()) {
        let read = Pattern::parse(&pattern.to_string()).unwrap();
        let (mut tape, text) = (Tape::new(), event.to_string());
        let verdict = read.verdict(tape.parse(&text).unwrap());
        let expected = if plain::matches(&pattern, &event) { Verdict::Yes } else { Verdict::No };
        prop_assert_eq!(verdict, expected, "{} {}", pattern, event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_set_says_what_each_pattern_says(
        patterns in prop::collection::vec(pattern(), 1..20),
        events in prop::collection::vec(event(), 1..6),
    ) {
        let read: Vec<Pattern> =
            patterns.iter().map(|pattern| Pattern::parse(&pattern.to_string()).unwrap()).collect();
        let set = PatternSet::new(&read);
        let (mut tape, mut scratch, mut found) = (Tape::new(), Scratch::default(), Vec::new());
        for event in &events {
            let text = event.to_string();
            let event = tape.parse(&text).unwrap();
            set.verdicts(event, &mut scratch, &mut found);
            prop_assert_eq!(&found, &each(&read, event), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in r#"[\{\}\[\]:,"a-e$or0-9<>= .\\*-]{0,60}"#) {
        let _read_or_refused = Pattern::parse(&text).map_err(|refused| refused.to_string());
    }
}
