//! What patterns mean, case by case; the table of right answers is read by `tests/it/patterns.rs`.

use crate::json::Tape;

use super::{Pattern, PatternSet, Scratch, Verdict};

fn verdict(pattern: &str, event: &str) -> Verdict {
    let pattern = Pattern::parse(pattern).unwrap();
    let mut tape = Tape::new();
    let event = tape.parse(event).unwrap();
    let one = pattern.verdict(event);
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    PatternSet::new([&pattern]).verdicts(event, &mut scratch, &mut out);
    assert_eq!(out.first().map_or(Verdict::No, |(_, verdict)| *verdict), one, "the set differs");
    one
}

fn yes(pattern: &str, event: &str) {
    assert_eq!(verdict(pattern, event), Verdict::Yes, "{pattern} {event}");
}

fn no(pattern: &str, event: &str) {
    assert_eq!(verdict(pattern, event), Verdict::No, "{pattern} {event}");
}

fn refused(pattern: &str) -> String {
    Pattern::parse(pattern).unwrap_err().reason
}

#[test]
fn severities_from_seven_up_match_and_the_list_of_three_misses_one() {
    let from_seven = r#"{"source":["aws.guardduty"],"detail":{"severity":[{"numeric":[">=",7]}]}}"#;
    let three = r#"{"source":["aws.guardduty"],"detail":{"severity":[7,8,8.8]}}"#;
    let event = |n: &str| format!(r#"{{"source":"aws.guardduty","detail":{{"severity":{n}}}}}"#);
    for severity in ["7", "7.0", "7.5", "8.9", "9.5"] {
        yes(from_seven, &event(severity));
    }
    no(from_seven, &event("6.9"));
    yes(three, &event("8.80"));
    no(three, &event("7.5"));
}

#[test]
fn fields_of_one_element_belong_together() {
    let pattern = r#"{"people":{"name":["Ann"],"job":["cook"]}}"#;
    no(pattern, r#"{"people":[{"name":"Ann","job":"clerk"},{"name":"Bob","job":"cook"}]}"#);
    yes(pattern, r#"{"people":[{"name":"Bob","job":"clerk"},{"name":"Ann","job":["x","cook"]}]}"#);
    no(pattern, r#"{"people":[[{"name":"Ann"}],[{"job":"cook"}]]}"#);
}

#[test]
fn absence_is_asked_of_the_element_that_was_chosen_before() {
    let later = r#"{"people":{"name":["Ann"],"wage":[{"exists":false}]}}"#;
    yes(later, r#"{"people":[{"name":"Ann"},{"name":"Bob","wage":1}]}"#);
    no(later, r#"{"people":[{"name":"Ann","wage":2},{"name":"Bob"}]}"#);
    let earlier = r#"{"people":{"name":["Ann"],"age":[{"exists":false}]}}"#;
    no(earlier, r#"{"people":[{"name":"Ann"},{"name":"Bob","age":1}]}"#);
}

#[test]
fn dots_in_keys_are_steps_on_both_sides() {
    for pattern in [r#"{"a.b.c":[1]}"#, r#"{"a":{"b.c":[1]}}"#, r#"{"a":{"b":{"c":[1]}}}"#] {
        for event in [r#"{"a.b.c":1}"#, r#"{"a":{"b":[{"c":1}]}}"#, r#"{"a.b":{"c":1.0}}"#] {
            yes(pattern, event);
        }
    }
    yes(r#"{"":{"a":["x"]}}"#, r#"{"":{"a":"x"}}"#);
    no(r#"{"":{"a":["x"]}}"#, r#"{"a":"x"}"#);
}

#[test]
fn a_key_that_occurs_twice() {
    no(r#"{"a":[1],"a":[2]}"#, r#"{"a":1}"#);
    yes(r#"{"a":{"b":[1]},"a.b":[2]}"#, r#"{"a":{"b":2}}"#);
    yes(r#"{"a":[1]}"#, r#"{"a":1,"a":2}"#);
    yes(r#"{"a":[2]}"#, r#"{"a":1,"a":2}"#);
}

#[test]
fn anything_but_wants_something_else_that_is_there() {
    for pattern in [
        r#"{"a":[{"anything-but":"x"}]}"#,
        r#"{"a":[{"anything-but":{"prefix":"x"}}]}"#,
        r#"{"a":[{"anything-but":{"suffix":["y","x"]}}]}"#,
        r#"{"a":[{"anything-but":{"equals-ignore-case":"X"}}]}"#,
        r#"{"a":[{"anything-but":{"wildcard":"*x*"}}]}"#,
    ] {
        no(pattern, r#"{"a":"x"}"#);
        no(pattern, r#"{"b":"z"}"#);
        yes(pattern, r#"{"a":null}"#);
        yes(pattern, r#"{"a":["x","z"]}"#);
        yes(pattern, r#"{"a":7}"#);
    }
    yes(r#"{"a":[{"anything-but":[1,2]}]}"#, r#"{"a":"1"}"#);
    no(r#"{"a":[{"anything-but":[1,2]}]}"#, r#"{"a":2.0}"#);
}

#[test]
fn an_address_is_met_in_any_spelling() {
    yes(r#"{"ip":["2001:db8::1"]}"#, r#"{"ip":"2001:DB8:0:0:0:0:0:1"}"#);
    no(r#"{"ip":[{"exactly":"2001:db8::1"}]}"#, r#"{"ip":"2001:DB8::1"}"#);
    no(r#"{"ip":[{"anything-but":"::1"}]}"#, r#"{"ip":"::1"}"#);
    yes(r#"{"ip":[{"anything-but":"::1"}]}"#, r#"{"ip":"0::1"}"#);
    yes(r#"{"ip":[{"cidr":"10.0.0.77/8"}]}"#, r#"{"ip":["x","10.1.2.3"]}"#);
    no(r#"{"ip":[{"cidr":"10.0.0.0/8"}]}"#, r#"{"ip":167772161}"#);
}

#[test]
fn or_distributes_over_the_rest_and_the_last_word_on_a_field_counts() {
    let pattern = r#"{"s":["a"],"$or":[{"x":[1]},{"y":[2],"$or":[{"z":[3]},{"z":[4]}]}]}"#;
    yes(pattern, r#"{"s":"a","x":1}"#);
    yes(pattern, r#"{"s":"a","y":2,"z":4}"#);
    no(pattern, r#"{"s":"a","y":2}"#);
    no(pattern, r#"{"x":1}"#);
    yes(r#"{"n":["a"],"$or":[{"n":[{"anything-but":"a"}]},{"c":[1]}]}"#, r#"{"n":"a","c":1}"#);
}

#[test]
fn reasons_are_those_of_aws() {
    for (pattern, reason) in [
        ("[1]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a":{}}"#, "Empty objects are not allowed"),
        (r#"{"a":[]}"#, "Empty arrays are not allowed"),
        (r#"{"a":"x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a":[[1]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a":[{}]}"#, "Match expression name not found"),
        (r#"{"a":[{"PREFIX":"x"}]}"#, "Unrecognized match type PREFIX"),
        (r#"{"a":[{"prefix":1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a":[{"cidr":["x"]}]}"#, "prefix match pattern must be a string"),
        (r#"{"a":[{"prefix":{"x":"y"}}]}"#, "Unsupported prefix pattern: x"),
        (r#"{"a":[{"prefix":"a","suffix":"b"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a":[{"exists":1}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a":[{"cidr":"foo"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a":[{"cidr":"10.0.0.0/a"}]}"#, "Malformed CIDR, mask bits must be an integer"),
        (r#"{"a":[{"cidr":"10.0.0.0/32"}]}"#, "IPv4 mask bits must be < 32"),
        (r#"{"a":[{"cidr":"xx.11.xx/8"}]}"#, "Nonstandard IP address: xx.11.xx"),
        (r#"{"a":[{"numeric":10}]}"#, "Value of numeric must be an array."),
        (r#"{"a":[{"numeric":[]}]}"#, "Invalid member in numeric match: ]"),
        (r#"{"a":[{"numeric":["="]}]}"#, "Value of equals must be numeric"),
        (r#"{"a":[{"numeric":[">",0,"<"]}]}"#, "Value of < must be numeric"),
        (r#"{"a":[{"numeric":[">",0,">",1]}]}"#, "Bad numeric range operator: >"),
        (r#"{"a":[{"numeric":[">",5,"<",5]}]}"#, "Bottom must be less than top"),
        (r#"{"a":[{"numeric":["<",5,">",1]}]}"#, "Too many elements in numeric expression"),
        (
            r#"{"a":[{"anything-but":["a",1]}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        (
            r#"{"a":[{"anything-but":[null]}]}"#,
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            r#"{"a":[{"anything-but":true}]}"#,
            "Value of anything-but must be an array or single string/number value.",
        ),
        (r#"{"a":[{"anything-but":{"prefix":""}}]}"#, "Null prefix/suffix not allowed"),
        (r#"{"$or":[{"a":[1]}]}"#, "There must have at least 2 Objects in $or relationship."),
        (r#"{"$or":{"a":[1]}}"#, "It must be an Array followed with $or."),
        (r#"{"$or":[{"a":[1]},1]}"#, "Only JSON object is allowed in array of $or relationship."),
        (
            r#"{"$or":[{"cidr":[1]},{"a":[1]}]}"#,
            "cidr is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ] {
        assert_eq!(refused(pattern), reason, "{pattern}");
    }
}

#[test]
fn a_refusal_says_where() {
    let refused =
        Pattern::parse("{\"source\": [\"a\"],\n \"b\": [{\"numeric\": [\"<>\", 1]}]}").unwrap_err();
    assert_eq!((refused.line, refused.column), (2, 21));
    assert_eq!(
        refused.to_string(),
        "Event pattern is not valid. Reason: Unrecognized numeric range operator: <>"
    );
    assert_eq!(Pattern::parse("{\"a\": [1").unwrap_err().line, 1);
}

#[test]
fn branches_and_depth_and_length_have_limits() {
    let one = r#"[{"a":[1]},{"a":[2]},{"a":[3]},{"a":[4]}]"#;
    let mut pattern = r#"{"a":[1]}"#.to_owned();
    for _ in 0..6 {
        pattern = format!(r#"{{"$or":{one},"x":{pattern}}}"#);
    }
    assert_eq!(refused(&pattern), "$or makes more than 1000 branches");
    assert!(refused(&"{\"a\":".repeat(200)).contains("128 levels"));
    assert!(refused(&" ".repeat(70_000)).contains("longer than 65536 bytes"));
}

#[test]
fn an_event_that_is_made_to_take_long_is_unclear_and_soon_so() {
    // One field under seven keys of one name: seven arrays from which each field may take elements.
    let pattern = r#"{"x":{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[2]}}"#;
    let array = vec![r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#; 60].join(",");
    let keys = vec![format!(r#""x":[{array}]"#); 7].join(",");
    let event = format!(r#"{{{keys},"x":{{"f":2}}}}"#);
    assert_eq!(verdict(pattern, &event), Verdict::Yes, "what needs no search is found");
    // Six arrays of which each gives one field can never give seven; only trying would tell.
    let pattern = r#"{"x":{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1],"g":[1]}}"#;
    let each = ["a", "b", "c", "d", "e", "f", "g"].map(|key| format!(r#"{{"{key}":1}}"#));
    let keys = vec![format!(r#""x":[{}]"#, vec![each.join(","); 30].join(",")); 6].join(",");
    assert_eq!(verdict(pattern, &format!("{{{keys}}}")), Verdict::Unclear);
    let many = vec!["1"; 200_000].join(",");
    assert_eq!(verdict(r#"{"x":[2]}"#, &format!(r#"{{"x":[{many}]}}"#)), Verdict::Unclear);
}

#[test]
fn what_is_no_object_is_no_event() {
    for event in ["[]", "null", "7", "[{\"a\":1}]"] {
        no(r#"{"a":[{"exists":false}]}"#, event);
    }
}

#[test]
fn a_pattern_can_be_looked_at() {
    let pattern = Pattern::parse(
        r#"{"source":["aws.guardduty"],"detail":{"severity":[7,8,8.8],"x":[{"exists":false}]}}"#,
    )
    .unwrap();
    let branch = pattern.branches().next().unwrap();
    let severity = branch.iter().find(|field| field.path == "detail.severity").unwrap();
    assert_eq!(severity.numbers, Some(vec![7.0, 8.0, 8.8]));
    assert!(branch.iter().any(|f| f.path == "source" && f.texts == Some(vec!["aws.guardduty"])));
    assert!(branch.iter().any(|f| f.path == "detail.x" && !f.required));
}
