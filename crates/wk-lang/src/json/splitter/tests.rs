use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const KEYS: &[&str] = &["Records", "findings"];

/// Every step, with places in the stream; the windows grow by these many bytes.
fn split(text: &[u8], bytes_max: usize, mut sizes: impl Iterator<Item = usize>) -> Vec<String> {
    let mut splitter = Splitter::new(KEYS).with_record_bytes_max(bytes_max);
    let (mut window, mut given, mut out) = (Vec::new(), 0, Vec::new());
    loop {
        let base = usize::try_from(splitter.base()).unwrap();
        match splitter.step(&window, given == text.len()) {
            Step::Record { start, end } => {
                let context = match splitter.list_key() {
                    Some(key) => format!(" in {key} of {}", printed(splitter.head())),
                    None => String::new(),
                };
                let record = printed(&window[start..end]);
                out.push(format!("{}: {record}{context}", base + start));
            }
            Step::Defect { start, end, flaw } => {
                let bytes = printed(&window[start..end]);
                out.push(format!("{}: {bytes} <- {flaw}", base + start));
            }
            Step::NeedMore { keep_from } => {
                assert!(given < text.len(), "asked for more at the end");
                window.drain(..keep_from);
                let held = bytes_max.max(Splitter::HEAD_BYTES_MAX) + 64;
                assert!(window.len() <= held, "{} bytes are held", window.len());
                let more = sizes.next().unwrap_or(usize::MAX).min(text.len() - given);
                window.extend_from_slice(&text[given..given + more]);
                given += more;
            }
            Step::End => return out,
        }
    }
}

fn printed(bytes: &[u8]) -> String {
    wk_model::complaint::printable(bytes)
}

fn check(text: &str, expected: &Expect) {
    let whole = split(text.as_bytes(), 1 << 20, std::iter::empty());
    assert_eq!(whole, split(text.as_bytes(), 1 << 20, std::iter::repeat(1)), "byte by byte");
    expected.assert_eq(&whole.join("\n"));
}

fn check_with_limit(bytes_max: usize, text: &str, expected: &Expect) {
    let whole = split(text.as_bytes(), bytes_max, std::iter::empty());
    assert_eq!(whole, split(text.as_bytes(), bytes_max, std::iter::repeat(1)), "byte by byte");
    expected.assert_eq(&whole.join("\n"));
}

#[test]
fn json_lines() {
    check(
        "{\"a\":1}\n\n  {\"b\":\"}{\"} \r\n{\"c\":3}",
        &expect![[r#"
        0: {"a":1}
        11: {"b":"}{"}
        24: {"c":3}"#]],
    );
    check("\u{feff}{\"a\":1}\n", &expect![[r#"3: {"a":1}"#]]);
    check("", &expect![""]);
    check(" \n\t\r\n", &expect![""]);
}

#[test]
fn a_broken_line_is_one_defect_and_the_others_go_on() {
    check(
        "{\"a\":1}\n{\"b\":\"x\nplain text\n[\"x\"]\n{\"c\":3}\n{\"d\":",
        &expect![[r#"
        0: {"a":1}
        8: {"b":"x <- the line ends inside a record
        16: plain text <- not a JSON object
        28: "x" <- not a JSON object
        33: {"c":3}
        41: {"d": <- the text ends inside a record"#]],
    );
}

#[test]
fn a_broken_first_line_is_one_defect_too() {
    check(
        "{\"a\":\"x\n{\"b\":1}\n{\"c\":3}\n",
        &expect![[r#"
        0: {"a":"x <- the line ends inside a record
        8: {"b":1}
        16: {"c":3}"#]],
    );
    check(
        "{\"a\":{\"x\":1\n{\"b\":1}\n{\"c\":3}\n",
        &expect![[r#"
        0: {"a":{"x":1 <- the line ends inside a record
        12: {"b":1}
        20: {"c":3}"#]],
    );
}

#[test]
fn documents_one_after_the_other() {
    check(
        "{\"a\":1}{\"b\":2} {\"c\":[{}]}\n{\"d\":4}",
        &expect![[r#"
        0: {"a":1}
        7: {"b":2}
        15: {"c":[{}]}
        26: {"d":4}"#]],
    );
    check(
        "{\n \"a\": 1\n}\n{\n \"b\": {}\n}\n",
        &expect![[r#"
        0: {\u{a} "a": 1\u{a}}
        12: {\u{a} "b": {}\u{a}}"#]],
    );
}

#[test]
fn arrays_of_records() {
    check(
        "[{\"a\":1},\n  {\"b\":[1,{}]}]",
        &expect![[r#"
        1: {"a":1}
        12: {"b":[1,{}]}"#]],
    );
    check(
        "[{\"a\":1}][{\"b\":2}]\n[]\n[ {\"c\":3} ]",
        &expect![[r#"
        1: {"a":1}
        10: {"b":2}
        24: {"c":3}"#]],
    );
    check(
        "[1,\"x\",[{}],{\"a\":1},null}]",
        &expect![[r#"
        1: 1 <- not a JSON object
        3: "x" <- not a JSON object
        7: [{}] <- not a JSON object
        12: {"a":1}
        20: null <- not a JSON object
        24: } <- not a JSON object"#]],
    );
}

#[test]
fn envelopes_give_their_records_and_show_their_head() {
    check(
        r#"{"owner":"1","Records":[{"a":1},{"b":2}],"more":{"Records":[{}]}}"#,
        &expect![[r#"
        24: {"a":1} in Records of {"owner":"1","Records":[
        32: {"b":2} in Records of {"owner":"1","Records":["#]],
    );
    check(
        "{\n \"Records\" : [\n  {\"a\":1}\n ]\n}\n{\"findings\":[{\"b\":2}]}",
        &expect![[r#"
        19: {"a":1} in Records of {\u{a} "Records" : [
        45: {"b":2} in findings of {"findings":["#]],
    );
    check(
        r#"{"Records":[]}{"a":1}{"Records":[{}],"findings":[{}]}"#,
        &expect![[r#"
        14: {"a":1}
        33: {} in Records of {"Records":[
        49: {} in findings of {"Records":["#]],
    );
}

#[test]
fn a_list_key_counts_only_at_the_top_and_before_objects() {
    check(r#"{"x":{"Records":[{}]}}"#, &expect![[r#"0: {"x":{"Records":[{}]}}"#]]);
    check(r#"{"x":"Records","y":[{}]}"#, &expect![[r#"0: {"x":"Records","y":[{}]}"#]]);
    check(r#"{"Records":[1,2]}"#, &expect![[r#"0: {"Records":[1,2]}"#]]);
    check(r#"{"Records":null}"#, &expect![[r#"0: {"Records":null}"#]]);
    check(
        r#"{"Records":[ "[" ],"a":1,"findings":[{}]}"#,
        &expect![[r#"37: {} in findings of {"Records":[ "[" ],"a":1,"findings":["#]],
    );
}

#[test]
fn envelopes_and_long_documents_among_lines() {
    check(
        "{\"a\":1}\n{\"Records\":[{\"b\":2}]}\n{\n\"c\":3\n}\n{\"d\":4}\n",
        &expect![[r#"
        0: {"a":1}
        20: {"b":2} in Records of {"Records":[
        30: {\u{a}"c":3\u{a}}
        40: {"d":4}"#]],
    );
}

#[test]
fn what_is_no_object_is_a_defect_up_to_its_line_end() {
    check(
        "\"just a string\"\n42\n{\"a\":1}",
        &expect![[r#"
        0: "just a string" <- not a JSON object
        16: 42 <- not a JSON object
        19: {"a":1}"#]],
    );
}

#[test]
fn an_end_inside_a_record_is_told() {
    check("{\"a\":1", &expect![[r#"0: {"a":1 <- the text ends inside a record"#]]);
    check(
        "[{\"a\":1},{\"b\"",
        &expect![[r#"
        1: {"a":1}
        9: {"b" <- the text ends inside a record"#]],
    );
    check(
        "{\"Records\":[{\"a\":1}",
        &expect![[r#"
        12: {"a":1} in Records of {"Records":[
        19:  <- the text ends inside a list of records"#]],
    );
    check(
        "{\"Records\":[{\"a\":1}]",
        &expect![[r#"
        12: {"a":1} in Records of {"Records":[
        20:  <- the text ends inside a list of records"#]],
    );
}

#[test]
fn a_string_that_meets_a_line_break_ends_its_record() {
    check(
        "[{\"a\":\"x\n{\"b\":2}]",
        &expect![[r#"
        1: {"a":"x <- the line ends inside a record
        9: {"b":2}"#]],
    );
}

#[test]
fn documents_that_are_no_json_end_where_their_brackets_balance() {
    check(
        "{a:1}{\"b\" 2}{\"c\":}{\"d\":]",
        &expect![[r#"
        0: {a:1}
        5: {"b" 2}
        12: {"c":}
        18: {"d":]"#]],
    );
}

#[test]
fn a_record_beyond_the_limit_is_one_defect_and_the_others_go_on() {
    check_with_limit(
        12,
        r#"[{"a":1},{"b":"0123456789"},{"c":3}]"#,
        &expect![[r#"
        1: {"a":1}
        9: {"b":"012345 <- record larger than 12 bytes
        28: {"c":3}"#]],
    );
    check_with_limit(
        12,
        "{\"a\":1}\n{\"b\":\"0123456789\"}\n{\"c\":3}\n",
        &expect![[r#"
        0: {"a":1}
        8: {"b":"012345 <- record larger than 12 bytes
        27: {"c":3}"#]],
    );
    check_with_limit(
        12,
        r#"{"b":"0123456789"}{"c":3}"#,
        &expect![[r#"
        0: {"b":"012345 <- record larger than 12 bytes
        18: {"c":3}"#]],
    );
    check_with_limit(
        12,
        r#"{"b":"0123456789","Records":[{"c":3}]}"#,
        &expect![[r#"
        0: {"b":"012345 <- record larger than 12 bytes
        29: {"c":3} in Records of "#]],
    );
    check_with_limit(
        12,
        r#"{"Records":                [{"c":3}]}"#,
        &expect![[r#"
        0: {"Records":  <- record larger than 12 bytes
        28: {"c":3} in Records of "#]],
    );
}

#[test]
fn long_keys_and_texts_cross_blocks_and_windows() {
    let key = "k".repeat(3_000);
    let text = format!(r#"{{"Records":[{{"{key}":"\\\""}}],"{key}":[1],"findings":[{{}}]}}"#);
    let steps = split(text.as_bytes(), 1 << 20, std::iter::repeat(7));
    assert_eq!(steps.len(), 2);
    assert_eq!(steps, split(text.as_bytes(), 1 << 20, std::iter::empty()));
}

/// Pieces of JSON and of what is not JSON, put together at random.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\n",
        " ",
        "\r\n",
        "\"Records\":[",
        "\"findings\":",
        "{\"a\":1}",
        "{\"a\":1}\n",
        "{\"Records\":[{\"x\":1}]}",
        "\"k\"",
        "null",
        "12",
        "{\"k\":\"",
        "\"long text that is longer than a block of bytes, much longer indeed\"",
        "\u{feff}",
        "é",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|p| p.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn windows_never_show_in_the_answer(
        text in pieces(),
        sizes in prop::collection::vec(0usize..90, 1..20),
        bytes_max in prop_oneof![Just(1usize), 1usize..100, Just(1 << 20)],
    ) {
        let whole = split(&text, bytes_max, std::iter::empty());
        // A size of 0 is a read that brought nothing yet; not all of them are.
        let parts = split(&text, bytes_max, sizes.into_iter().chain([1]).cycle());
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn records_come_out_as_they_went_in(
        records in prop::collection::vec(record(), 0..20),
        size in 1usize..200,
        form in 0usize..6,
    ) {
        let (texts, stream) = stream(&records, form);
        let steps = split(stream.as_bytes(), 1 << 20, std::iter::repeat(size));
        let found: Vec<_> = steps
            .iter()
            .map(|s| s.split_once(": ").unwrap().1.split(" in Records of").next().unwrap())
            .collect();
        let expected: Vec<_> = texts.iter().map(|t| printed(t.as_bytes())).collect();
        prop_assert_eq!(found, expected);
    }
}

fn record() -> impl Strategy<Value = serde_json::Value> {
    let text = "[a-z\"\\\\{}\\[\\],: \n]{0,80}";
    let value = prop_oneof![
        text.prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        prop::collection::vec(text, 0..3).prop_map(serde_json::Value::from),
    ];
    prop::collection::btree_map(text, value, 0..6)
        .prop_map(|members| serde_json::Value::Object(members.into_iter().collect()))
}

/// The records' texts and a stream that holds them.
fn stream(records: &[serde_json::Value], form: usize) -> (Vec<String>, String) {
    let plain: Vec<_> = records.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
    let pretty: Vec<_> = records.iter().map(|r| serde_json::to_string_pretty(r).unwrap()).collect();
    match form {
        0 => (plain.clone(), plain.join("\n")),
        1 => (plain.clone(), plain.concat()),
        2 => (pretty.clone(), pretty.join("\n")),
        3 => (plain.clone(), format!("[{}]", plain.join(","))),
        4 => (pretty.clone(), format!("[\n{}\n]\n", pretty.join(",\n"))),
        _ => (plain.clone(), format!("{{\"v\":1,\"Records\":[{}],\"w\":2}}", plain.join(","))),
    }
}

#[test]
fn a_record_that_is_not_closed_takes_no_other_with_it() {
    let text = b"[\n  {\"a\": {\n    \"b\": [\n      {\"x\": 1}\n    ]\n  },\n  {\"c\": 2},\n  {\"d\": {}\n]\n[\n  {\"e\": 3}\n]\n";
    let steps = split(text, 1 << 20, std::iter::repeat(7));
    let kinds: Vec<_> = steps.iter().map(|s| s.split_once(": ").unwrap().1).collect();
    assert_eq!(kinds.len(), 4, "{kinds:#?}");
    assert!(kinds[0].contains("not closed"), "{kinds:#?}");
    assert!(kinds[1].starts_with("{\"c\": 2}"), "{kinds:#?}");
    assert!(kinds[2].starts_with("{\"d\": {}"), "{kinds:#?}"); // for the tape to refuse
    assert!(kinds[3].starts_with("{\"e\": 3}"), "{kinds:#?}");
}

#[test]
fn a_stream_of_records_that_are_never_closed_ends_in_bounded_time() {
    let text = "[\n".to_owned() + &"{\n".repeat(200_000);
    let steps = split(text.as_bytes(), 1 << 20, std::iter::empty());
    assert!(steps.len() < 200, "{}", steps.len());
}
