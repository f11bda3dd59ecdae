//! What matches and what does not, one sentence a test.

use super::*;
use crate::json::Tape;

const HEAD: &str = "title: t\nlogsource: {product: aws}\n";

fn rules(detection: &str) -> Vec<Rule> {
    let reading = read_rules(&format!("{HEAD}detection:\n{detection}"));
    assert_eq!(reading.errors, [], "{detection}");
    reading.rules
}

fn matches(rules: &[Rule], event: &str) -> bool {
    let source = LogSource::new("aws", "cloudtrail");
    let set = RuleSet::compile(rules).unwrap();
    let mut tape = Tape::new();
    let mut matching = Vec::new();
    set.matches(&tape.parse(event).unwrap(), &set.readers(&source), &mut matching);
    assert!(matching.is_empty() || set.may_match(event), "the prefilter says no to {event}");
    !matching.is_empty()
}

/// One search, given by its members, on events.
fn check(search: &str, fires: &[&str], quiet: &[&str]) {
    let rules = rules(&format!("  s:\n    {search}\n  condition: s\n"));
    for event in fires {
        assert!(matches(&rules, event), "{search} should fire on {event}");
    }
    for event in quiet {
        assert!(!matches(&rules, event), "{search} should stay quiet on {event}");
    }
}

/// A whole detection on an event.
fn detects(detection: &str, event: &str) -> bool {
    matches(&rules(detection), event)
}

fn refusal(text: &str) -> String {
    let reading = read_rules(text);
    reading.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn refused(search: &str) -> String {
    refusal(&format!("{HEAD}detection:\n  s:\n    {search}\n  condition: s\n"))
}

#[test]
fn plain_values_are_equal_in_any_letter_case() {
    check("f: Abc", &[r#"{"f":"abc"}"#, r#"{"f":"ABC"}"#], &[r#"{"f":"abcd"}"#, r#"{"g":"abc"}"#]);
    check("f: é", &[r#"{"f":"É"}"#, r#"{"f":"\u00c9"}"#], &[r#"{"f":"e"}"#]);
    check("f: [a, b]", &[r#"{"f":"a"}"#, r#"{"f":"B"}"#], &[r#"{"f":"c"}"#, "{}"]);
    let long = "f: [a, b, c, d, e, g, h, k]";
    check(long, &[r#"{"f":"K"}"#, r#"{"f":["x","h"]}"#], &[r#"{"f":"l"}"#, r#"{"f":{"a":"a"}}"#]);
}

#[test]
fn numbers_and_truth_are_equal_to_their_texts() {
    check("v: 1.08", &[r#"{"v":"1.08"}"#, r#"{"v":1.08}"#], &[r#"{"v":"1.080"}"#, r#"{"v":1}"#]);
    check("v: '1.08'", &[r#"{"v":"1.08"}"#, r#"{"v":1.08}"#], &[r#"{"v":1.080}"#]);
    check(
        "v: 1",
        &[r#"{"v":1}"#, r#"{"v":1.0}"#, r#"{"v":"1"}"#, r#"{"v":10e-1}"#],
        &[r#"{"v":"1.0"}"#, r#"{"v":true}"#],
    );
    check("v: 1.10", &[r#"{"v":"1.10"}"#, r#"{"v":"1.1"}"#, r#"{"v":1.1}"#], &[r#"{"v":"1.100"}"#]);
    check("v: 0x1F", &[r#"{"v":31}"#, r#"{"v":"0x1f"}"#], &[r#"{"v":"1f"}"#]);
    check("v: 0", &[r#"{"v":-0}"#, r#"{"v":0.0}"#], &[r#"{"v":""}"#]);
    check("v: true", &[r#"{"v":true}"#, r#"{"v":"True"}"#], &[r#"{"v":1}"#, r#"{"v":false}"#]);
    check("v: 'false'", &[r#"{"v":false}"#], &[r#"{"v":null}"#]);
}

#[test]
fn null_is_absent_or_null_and_the_empty_text_is_only_itself() {
    check(
        "f: null",
        &["{}", r#"{"f":null}"#, r#"{"f":[1,null]}"#],
        &[r#"{"f":""}"#, r#"{"f":[]}"#, r#"{"f":{}}"#],
    );
    check("f: ''", &[r#"{"f":""}"#, r#"{"f":["x",""]}"#], &["{}", r#"{"f":null}"#, r#"{"f":" "}"#]);
    check("f: [null, x]", &["{}", r#"{"f":"X"}"#], &[r#"{"f":"y"}"#]);
    check("f: ", &["{}"], &[r#"{"f":"y"}"#]);
    check(
        "a.b: null",
        &[r#"{"a":null}"#, r#"{"a":[]}"#, r#"{"a":[{}]}"#],
        &[r#"{"a":[{},{"b":1}]}"#],
    );
}

#[test]
fn wildcards() {
    check("f: a*c", &[r#"{"f":"AbC"}"#], &[r#"{"f":"ab"}"#]);
    check("f: a?c", &[r#"{"f":"aéc"}"#], &[r#"{"f":"ac"}"#]);
    check(r"f: a\*c", &[r#"{"f":"a*c"}"#], &[r#"{"f":"abc"}"#]);
    check(
        "f: '*'",
        &[r#"{"f":""}"#, r#"{"f":0}"#, r#"{"f":{}}"#],
        &["{}", r#"{"f":null}"#, r#"{"f":[]}"#],
    );
}

#[test]
fn parts_of_texts() {
    check("f|contains: bc", &[r#"{"f":"aBCd"}"#, r#"{"f":"bc"}"#], &[r#"{"f":"b c"}"#, "{}"]);
    check("f|startswith: ab", &[r#"{"f":"ABc"}"#], &[r#"{"f":"cab"}"#]);
    check("f|endswith: ab", &[r#"{"f":"cAB"}"#], &[r#"{"f":"abc"}"#]);
    check("f|contains: [x, y]", &[r#"{"f":"ay"}"#], &[r#"{"f":"a"}"#]);
    check("f|contains|all: [x, y]", &[r#"{"f":"yax"}"#, r#"{"f":["x","y"]}"#], &[r#"{"f":"ax"}"#]);
    check("f|startswith: 1", &[r#"{"f":12}"#, r#"{"f":"1x"}"#], &[r#"{"f":21}"#]);
    check("f|contains: a*b", &[r#"{"f":"xaxbx"}"#], &[r#"{"f":"ba"}"#]);
    check("f|contains: '*'", &[r#"{"f":"x"}"#, r#"{"f":[{"a":1}]}"#], &["{}", r#"{"f":null}"#]);
}

#[test]
fn an_object_is_its_compact_text_for_operators_on_parts() {
    let event = r#"{"f": { "Status" : "Suspended", "n":[1, 2] } }"#;
    check(r#"f|contains: '"status":"suspended"'"#, &[event], &[r#"{"f":{"Status":"Enabled"}}"#]);
    check("f|startswith: '{\"status'", &[event], &[r#"{"f":{}}"#]);
    check("f|endswith: '[1,2]}'", &[event], &[r#"{"f":{}}"#]);
    check(r#"f|re: '"n":\[1,2\]'"#, &[event], &[r#"{"f":{"n":[1]}}"#]);
    check("f: '*suspended*'", &[event, r#"{"f":[{"a":"suspended"}]}"#], &[r#"{"f":{}}"#]);
    check("f: '{}'", &[r#"{"f":"{}"}"#], &[r#"{"f":{}}"#]);
}

#[test]
fn regular_expressions_mind_case_unless_told() {
    check(
        "f|re: ^a.c",
        &[r#"{"f":"abcd"}"#, r#"{"f":["x","abc"]}"#],
        &[r#"{"f":"ABC"}"#, r#"{"f":"xabc"}"#],
    );
    check("f|re|i: B$", &[r#"{"f":"ab"}"#], &[r#"{"f":"ba"}"#]);
    check("f|re|m: ^b$", &[r#"{"f":"a\nb"}"#], &[r#"{"f":"ab"}"#]);
    check("f|re|s: a.b", &[r#"{"f":"a\nb"}"#], &[r#"{"f":"ab"}"#]);
    check("f|re: a.b", &[r#"{"f":"a b"}"#], &[r#"{"f":"a\nb"}"#]);
    check(
        "f|re: '.+:assumed-role/aws:.+'",
        &[r#"{"f":"x:assumed-role/aws:y"}"#],
        &[r#"{"f":"x:assumed-role/aws:"}"#],
    );
    check("f|re: ^4\\d\\d$", &[r#"{"f":404}"#, r#"{"f":"404"}"#], &[r#"{"f":4040}"#]);
}

#[test]
fn networks() {
    check(
        "ip|cidr: 10.0.0.0/8",
        &[r#"{"ip":"10.9.8.7"}"#, r#"{"ip":["x","10.0.0.1"]}"#],
        &[r#"{"ip":"11.0.0.1"}"#, r#"{"ip":"AWS Internal"}"#],
    );
    check(
        "ip|cidr: [192.0.2.0/24, 2001:db8::/32]",
        &[r#"{"ip":"2001:DB8::1"}"#],
        &[r#"{"ip":"2001:db9::1"}"#],
    );
}

#[test]
fn letter_case_counts_if_asked() {
    check("f|cased: Ab", &[r#"{"f":"Ab"}"#], &[r#"{"f":"ab"}"#]);
    check("f|contains|cased: Ab", &[r#"{"f":"xAbx"}"#], &[r#"{"f":"xabx"}"#]);
    check("f|startswith|cased: [A, B]", &[r#"{"f":"Bx"}"#], &[r#"{"f":"bx"}"#]);
}

#[test]
fn existence_is_presence() {
    check("f|exists: true", &[r#"{"f":1}"#, r#"{"f":null}"#, r#"{"f":[]}"#], &["{}"]);
    check("f|exists: false", &["{}"], &[r#"{"f":null}"#]);
    check("a.b|exists: true", &[r#"{"a":[{},{"b":0}]}"#], &[r#"{"a":[{}]}"#, r#"{"a":1}"#]);
}

#[test]
fn other_fields() {
    check(
        "f|fieldref: g",
        &[r#"{"f":"A","g":"a"}"#, r#"{"f":["x","y"],"g":["y"]}"#, r#"{"f":1,"g":"1"}"#],
        &[r#"{"f":"a","g":"b"}"#, r#"{"f":"a"}"#, "{}"],
    );
    check(
        "f|fieldref|endswith: g.h",
        &[r#"{"f":"user/Bob","g":{"h":"bob"}}"#],
        &[r#"{"f":"bob/x","g":{"h":"bob"}}"#],
    );
    check(
        "f|fieldref|startswith: g",
        &[r#"{"f":"bob/x","g":"bob"}"#],
        &[r#"{"f":"x/bob","g":"bob"}"#],
    );
    check("f|contains|fieldref: g", &[r#"{"f":"xbobx","g":"bob"}"#], &[r#"{"f":"b","g":"bob"}"#]);
    check("f|fieldref|neq: g", &[r#"{"f":"a","g":"b"}"#], &[r#"{"f":"a","g":"a"}"#]);
    check("f|fieldref|cased: g", &[r#"{"f":"a","g":"a"}"#], &[r#"{"f":"A","g":"a"}"#]);
}

#[test]
fn comparisons_of_numbers() {
    check("n|gt: 5", &[r#"{"n":6}"#, r#"{"n":"5.1"}"#], &[r#"{"n":5}"#, r#"{"n":"x"}"#, "{}"]);
    check("n|gte: 5", &[r#"{"n":5.0}"#], &[r#"{"n":4.9}"#]);
    check("n|lt: -1.5", &[r#"{"n":-2}"#], &[r#"{"n":-1}"#, r#"{"n":null}"#]);
    check("n|lte: 5", &[r#"{"n":5}"#, r#"{"n":[9,1]}"#], &[r#"{"n":6}"#]);
}

#[test]
fn different_is_the_opposite_of_equal() {
    check("f|neq: a", &[r#"{"f":"b"}"#, "{}"], &[r#"{"f":"A"}"#, r#"{"f":["x","a"]}"#]);
    check("f|neq: [a, 1]", &[r#"{"f":"b"}"#], &[r#"{"f":"a"}"#, r#"{"f":1}"#]);
    check("f|contains|neq: a", &[r#"{"f":"xyz"}"#], &[r#"{"f":"xay"}"#]);
    check("f|neq: null", &[r#"{"f":""}"#], &["{}", r#"{"f":null}"#]);
}

#[test]
fn base64_in_its_three_places() {
    check("f|base64: 'foo'", &[r#"{"f":"Zm9v"}"#], &[r#"{"f":"foo"}"#]);
    let encoded = |before: &str| {
        use base64::Engine as _;
        let text =
            base64::engine::general_purpose::STANDARD.encode(format!("{before}secret{before}"));
        format!(r#"{{"f":"x {text} x"}}"#)
    };
    for before in ["", "a", "ab", "abc"] {
        check("f|base64offset|contains: secret", &[&encoded(before)], &[r#"{"f":"secret"}"#]);
    }
    check("f|wide|base64: 'ab'", &[r#"{"f":"YQBiAA=="}"#], &[r#"{"f":"YWI="}"#]);
    check("f|utf16le|base64: 'ab'", &[r#"{"f":"YQBiAA=="}"#], &[]);
    check("f|utf16be|base64: 'ab'", &[r#"{"f":"AGEAYg=="}"#], &[]);
    check("f|utf16|base64: 'ab'", &[r#"{"f":"//5hAGIA"}"#], &[]);
    check("f|wide: 'ab'", &[r#"{"f":"a\u0000b\u0000"}"#], &[r#"{"f":"ab"}"#]);
}

#[test]
fn dashes_of_windows_commands() {
    let all = [
        r#"{"f":"cmd /c x"}"#,
        r#"{"f":"cmd –c x"}"#,
        r#"{"f":"cmd ―c x"}"#,
        r#"{"f":"cmd -c x"}"#,
    ];
    check("f|windash|contains: ' -c '", &all, &[r#"{"f":"cmd c x"}"#]);
    check("f|windash: 'a-b -c'", &[r#"{"f":"a-b /c"}"#], &[r#"{"f":"a/b -c"}"#]);
    assert_eq!(
        refused("f|windash: '-a -b -c -d -e'"),
        "line 5, column 16: detection.s.f|windash: forms of \"-a -b -c -d -e\": more than 1000"
    );
}

#[test]
fn parts_of_times_are_numbers() {
    let at = |time: &str| format!(r#"{{"t":"{time}"}}"#);
    check(
        "t|hour: 22",
        &[&at("2026-11-22T22:59:00Z")],
        &[&at("2026-11-22T23:00:00Z"), &at("soon")],
    );
    check("t|hour|gte: 22", &[&at("2026-11-22T23:59:00Z")], &[&at("2026-11-22T01:00:00Z")]);
    check("t|minute: [1, 2]", &[&at("2026-11-22T22:02:00Z")], &[&at("2026-11-22T22:03:00Z")]);
    check("t|day|lt: 2", &[&at("2026-11-01T22:02:00Z")], &[&at("2026-11-02T22:03:00Z")]);
    check("t|week: 47", &[&at("2026-11-22")], &[&at("2026-11-23")]);
    check("t|month: 11", &[&at("2026-11-22"), r#"{"t":1795305600}"#], &[&at("2026-12-23")]);
    check("t|year: 2026", &[&at("2026-11-22")], &[&at("2025-12-23")]);
}

#[test]
fn keywords_are_looked_for_in_all_texts() {
    check("- needle", &[r#"{"a":[{"b":"a NEEDLE b"}]}"#], &[r#"{"needle":1}"#]);
    check("- one\n    - two", &[r#"{"a":"two"}"#], &[r#"{"a":"three"}"#]);
    check("'|all': [one, two]", &[r#"{"a":"one","b":["two"]}"#], &[r#"{"a":"one"}"#]);
    check("'|re': ^o.e$", &[r#"{"a":{"b":"one"}}"#], &[r#"{"a":"a one"}"#]);
    check("'|startswith': on", &[r#"{"a":"one"}"#], &[r#"{"a":"a one"}"#]);
    check("plain", &[r#"{"a":"a plain one"}"#], &[r#"{"a":1}"#]);
    check("- 4625", &[r#"{"a":"id 4625"}"#], &[r#"{"a":4625}"#]);
    check("- needle\n    - f: x", &[r#"{"f":"x"}"#, r#"{"g":"needle"}"#], &[r#"{"g":"x"}"#]);
}

#[test]
fn paths_cross_arrays_and_keys_with_dots() {
    check(
        "a.b: x",
        &[
            r#"{"a":{"b":"x"}}"#,
            r#"{"a":[{"b":"y"},{"b":"x"}]}"#,
            r#"{"a.b":"x"}"#,
            r#"{"a":[[{"b":["x"]}]]}"#,
        ],
        &[r#"{"a":"x"}"#, r#"{"b":"x"}"#],
    );
    check(
        "a.b.c: x",
        &[r#"{"a":{"b.c":"x"}}"#, r#"{"a.b":{"c":"x"}}"#, r#"{"a.b.c":"x"}"#],
        &[r#"{"a.b":"x"}"#],
    );
}

#[test]
fn maps_join_with_and_lists_with_or() {
    let detection = "  s:\n    f: a\n    g: b\n  condition: s\n";
    assert!(detects(detection, r#"{"f":"a","g":"b"}"#) && !detects(detection, r#"{"f":"a"}"#));
    let detection = "  s:\n    - f: a\n      g: b\n    - h: c\n  condition: s\n";
    assert!(detects(detection, r#"{"h":"c"}"#) && !detects(detection, r#"{"f":"a"}"#));
}

#[test]
fn conditions_combine_searches() {
    let searches = "  sel_a: {f: a}\n  sel_b: {g: b}\n  filter_x: {h: c}\n  _other: {k: d}\n";
    let detects = |condition: &str, event: &str| {
        detects(&format!("{searches}  condition: {condition}\n"), event)
    };
    assert!(detects("sel_a and not filter_x", r#"{"f":"a"}"#));
    assert!(!detects("sel_a and not filter_x", r#"{"f":"a","h":"c"}"#));
    assert!(detects("1 of sel_*", r#"{"g":"b"}"#));
    assert!(!detects("all of sel_*", r#"{"g":"b"}"#));
    assert!(!detects("1 of them", r#"{"k":"d"}"#));
    assert!(detects("[sel_a and sel_b, filter_x]", r#"{"h":"c"}"#));
    assert!(detects("not 1 of them", r#"{"k":"d"}"#));
    assert!(detects("sel_a or sel_b and filter_x", r#"{"f":"a"}"#));
}

#[test]
fn a_log_source_that_is_named_must_be_the_records() {
    let named = |logsource: &str| {
        let text =
            format!("title: t\nlogsource: {logsource}\ndetection: {{s: {{f: a}}, condition: s}}\n");
        matches(&read_rules(&text).rules, r#"{"f":"a"}"#)
    };
    assert!(named("{product: aws, service: cloudtrail}") && named("{product: AWS}") && named("{}"));
    assert!(!named("{product: aws, service: eks}") && !named("{category: webserver}"));
}

#[test]
fn a_rule_says_everything_about_itself() {
    let reading = read_rules(
        "title: Trail stopped\nid: 4db60cc0-36fb-42b7-9b58-a5b53019fb74\nstatus: test\n\
         level: high\ntags: [attack.t1562.008, cc7.2]\nauthor: A\nreferences: [https://x]\n\
         date: 2024-01-01\nlicense: MIT\nlogsource: {product: aws, service: cloudtrail}\n\
         detection: {s: {eventName: StopLogging}, condition: s}\nfalsepositives: [Moves]\n\
         watchkeeper:\n  severity: 8.5\n  requirements: [R-123]\n  techniques: [aws.x.y]\n  \
         resource: [requestParameters.name]\n  window: 15m\n  triage: [Look]\n  tests:\n  \
         - name: stops\n    fires: {eventName: StopLogging, n: 1.50}\n  \
         - name: starts\n    quiet: '{\"eventName\":\"StartLogging\"}'\n",
    );
    assert_eq!(reading.errors, []);
    let rule = &reading.rules[0];
    assert_eq!(rule.title, "Trail stopped");
    assert_eq!((rule.status, rule.level), (Some(Status::Test), Some(wk_model::SeverityWord::High)));
    assert_eq!(rule.tags, ["attack.t1562.008", "cc7.2"]);
    let extension = &rule.extension;
    assert_eq!(extension.severity.map(|s| s.number()), Some(8.5));
    assert_eq!(extension.window_seconds, Some(900));
    assert_eq!(extension.resource[0].as_str(), "requestParameters.name");
    assert_eq!(extension.tests[0].event, r#"{"eventName":"StopLogging","n":1.50}"#);
    assert_eq!(extension.tests[1].expected, Expected::Quiet);
    for test in &extension.tests {
        assert_eq!(matches(&reading.rules, &test.event), test.expected == Expected::Fires);
    }
}

#[test]
fn a_bad_document_does_not_take_the_others_with_it() {
    let good = format!("{HEAD}detection: {{s: {{f: a}}, condition: s}}\n");
    let reading = read_rules(&format!(
        "{good}---\ntitle: c\ncorrelation: {{}}\n---\ntitle: f\nfilter: {{}}\n---\n{good}"
    ));
    assert_eq!(reading.rules.len(), 2);
    let errors: Vec<_> =
        reading.errors.iter().map(|e| (e.rule.as_deref(), e.to_string())).collect();
    assert_eq!(
        errors,
        [
            (Some("c"), "line 6, column 14: the rule has no type under correlation".to_owned()),
            (Some("f"), "line 8, column 1: the rule has no logsource".to_owned()),
        ]
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        (
            "f|contians: a",
            "line 5, column 5: detection.s.f|contians: \"contians\" is not known; did you mean contains?",
        ),
        (
            "f|re: 'a('",
            "line 5, column 11: detection.s.f|re: \"a(\" cannot be used as a regular expression: unclosed group",
        ),
        (
            "f|re: '(?=a)'",
            "line 5, column 11: detection.s.f|re: \"(?=a)\" cannot be used as a regular expression: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "f|cidr: 10.0.0/8",
            "line 5, column 13: detection.s.f|cidr: \"10.0.0/8\" is not a network such as 10.0.0.0/8",
        ),
        ("f|gt: many", "line 5, column 11: detection.s.f|gt: \"many\" is not a number"),
        (
            "f|exists: maybe",
            "line 5, column 15: detection.s.f|exists: \"maybe\" should be true or false",
        ),
        (
            "f|expand: '%admins%'",
            "line 5, column 15: detection.s.f|expand: there is no list %admins%",
        ),
        (
            "f|contains: null",
            "line 5, column 17: detection.s.f|contains: \"null\" cannot be compared so",
        ),
        (
            "f|base64: 'a*'",
            "line 5, column 15: detection.s.f|base64: \"a*\" has wildcards, which cannot be encoded",
        ),
        (
            "f|utf16: 'a'",
            "line 5, column 14: detection.s.f|utf16: \"a\" is no text in UTF-16; base64 should follow",
        ),
        (
            "f: {g: h}",
            "line 5, column 8: detection.s.f is a mapping; it should be a text, a number, true, false or null",
        ),
        ("f: []", "line 5, column 8: detection.s.f: \"[]\" is an empty list"),
        (
            "{}",
            "line 5, column 5: detection.s is an empty mapping; it should be a mapping of fields or a list of keywords",
        ),
    ];
    for (search, expected) in cases {
        assert_eq!(refused(search), expected);
    }
    let cases = [
        ("a: 1", "line 1, column 1: the rule has no title"),
        ("title: t", "line 1, column 1: the rule has no logsource"),
        ("- t", "line 1, column 1: a rule is a list; it should be a mapping"),
        ("title: t\nlogsource: {}", "line 1, column 1: the rule has no detection"),
        (
            "title: t\nlogsource: {}\ndetection: {s: {f: a}}",
            "line 3, column 12: the rule has no detection.condition",
        ),
        (
            "title: t\nlogsource: {}\nlevel: hihg\ndetection: {s: {f: a}, condition: s}",
            "line 3, column 8: level: \"hihg\" is not known; did you mean high?",
        ),
        (
            "title: t\nlogsource: {}\ndetection: {s: {f: a}, condition: s}\nwatchkeeper: {windo: 1h}",
            "line 4, column 15: watchkeeper: \"windo\" is not known; did you mean window?",
        ),
        (
            "title: t\nlogsource: {}\ndetection: {s: {f: a}, condition: s}\nwatchkeeper: {window: soon}",
            "line 4, column 23: watchkeeper.window: \"soon\" is not a time such as 15m, 1h or 1d",
        ),
        ("title: [", "line 1, column 8: unclosed bracket '['"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn the_number_of_expressions_has_a_limit() {
    let values = vec!["a?b"; 101].join(", ");
    let expected = "regular expressions and patterns with ? in a rule: more than 100";
    assert!(refused(&format!("f: [{values}]")).ends_with(expected));
    let lists = |n: usize| vec!["a.b"; n].join(", ");
    let both = format!("f|re: [{}]\n    g|re: [{}]", lists(60), lists(41));
    assert!(refused(&both).ends_with(expected));
    check(&format!("f|re: [{}]", lists(100)), &[r#"{"f":"a b"}"#], &["{}"]);
}

#[test]
fn a_percent_sign_is_no_placeholder_without_expand_or_with_a_backslash() {
    check("f: '%x%'", &[r#"{"f":"%x%"}"#], &[]);
    check(r"f|expand: '\%x\%'", &[r#"{"f":"%x%"}"#], &[]);
}

/// Whether a search matches an event, where `%empty%` is a list without entries.
fn matches_with_an_empty_list(search: &str, event: &str) -> bool {
    let mut lists = Lists::none();
    lists.add("empty", Vec::new()).unwrap();
    let text = format!("{HEAD}detection:\n  s:\n    {search}\n  condition: s\n");
    let reading = read_rules_with(&text, &lists);
    assert_eq!(reading.errors, [], "{search}");
    matches(&reading.rules, event)
}

#[test]
fn a_list_without_entries_is_never_met_whatever_stands_beside_it() {
    let modifiers = [
        "",
        "|cased",
        "|contains",
        "|startswith",
        "|endswith",
        "|contains|cased",
        "|base64",
        "|base64offset|contains",
        "|wide|base64",
        "|utf16|base64",
        "|utf16be|base64",
        "|windash",
        "|windash|contains",
        "|cidr",
    ];
    let events = [r#"{"f":"a","g":"a"}"#, r#"{"f":["10.0.0.1",7]}"#, r#"{"f":null}"#, "{}"];
    for (modifier, event) in modifiers.iter().flat_map(|m| events.map(|event| (m, event))) {
        for all in ["", "|all"] {
            let key = format!("f|expand{modifier}{all}");
            assert!(
                !matches_with_an_empty_list(&format!("{key}: '%empty%'"), event),
                "{key} {event}"
            );
            // Nothing is among the entries of an empty list, so everything is not.
            let not = format!("f|expand{modifier}{all}|neq");
            assert!(
                matches_with_an_empty_list(&format!("{not}: '%empty%'"), event),
                "{not} {event}"
            );
        }
    }
    for keyword in ["'|expand'", "'|expand|all'"] {
        assert!(
            !matches_with_an_empty_list(&format!("{keyword}: '%empty%'"), events[0]),
            "{keyword}"
        );
    }
    // What stands beside it is still asked.
    assert!(matches_with_an_empty_list("f|expand|contains|all: [a, '%empty%']", events[0]));
    assert!(!matches_with_an_empty_list("f|expand|contains|all: [b, '%empty%']", events[0]));
}

#[test]
fn the_prefilter_says_no_only_for_what_cannot_match() {
    let rules = rules("  s:\n    eventName: [StopLogging, 12]\n    a.b: x\n  condition: s\n");
    let set = RuleSet::compile(&rules).unwrap();
    for no in [
        "{}",
        r#"{"eventName":"Start"}"#,
        r#"{"a":"StopLogging"}"#,
        r#"{"x":"eventName"}"#,
        r#"{"myeventName":"StopLogging"}"#,
    ] {
        assert!(!set.may_match(no), "{no}");
    }
    for perhaps in [
        r#"{"eventName":"stopLogging"}"#,
        r#"{"x":{"eventName" : "STOPLOGGING"}}"#,
        r#"{"eventName":12}"#,
        r#"{"eventName":["a"]}"#,
        r#"{"x.eventName":"StopLogging"}"#,
        r#"{"eventName":"Stop\u004cogging"}"#,
        r#"{"event\u004eame":"StopLogging"}"#,
        "{\"eventName\"\n:\n\"StopLogging\"}",
    ] {
        assert!(set.may_match(perhaps), "{perhaps}");
    }
}

#[test]
fn the_prefilter_does_not_deny_wants_that_are_met_by_different_elements_of_an_array() {
    check(
        "tags.key|contains|all: [a, b]",
        &[r#"{"tags":[{"key":"a"},{"key":"b"}]}"#, r#"{"tags":[{"key":"xaybz"}]}"#],
        &[r#"{"tags":[{"key":"a"},{"key":"c"}]}"#],
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(pieces in proptest::collection::vec(
        proptest::sample::select(vec![
            "title: t\n", "logsource: {}\n", "detection:\n", "  s:\n", "    f: a\n", "    - ", "    f|re: (", "'", "\"",
            "  condition: ", "s", "1 of ", "them", "not ", "(", ")", "[", "]", "{", "}", ": ", ", ", "|all", "|windash", "|base64offset",
            "f|contains: ", "*", "\\", "?", "&a ", "*a ", "---\n", "watchkeeper:\n", "  window: 1h\n", "  tests: ", "é", "\t", "\n", "! ", "| ", "> ",
        ]),
        0..40,
    )) {
        let reading = read_rules(&pieces.concat());
        let set = RuleSet::compile(&reading.rules);
        proptest::prop_assert_eq!(set.map(|set| set.len()), Ok(reading.rules.len()));
    }
}
