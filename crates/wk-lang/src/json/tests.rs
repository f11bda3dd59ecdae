//! The tape against serde_json.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value as Peer;

use super::*;

/// A value as serde_json has it. A key that occurs twice: the last one, as there.
fn to_peer(value: Value<'_>) -> Peer {
    match value.kind() {
        Kind::Null => Peer::Null,
        Kind::Bool => value.as_bool().into(),
        Kind::Number => match (value.as_i64(), value.as_u64()) {
            (Some(n), _) => n.into(),
            (None, Some(n)) => n.into(),
            (None, None) => value.as_f64().into(),
        },
        Kind::String => value.as_str().unwrap().into_owned().into(),
        Kind::Array => value.items().map(to_peer).collect(),
        Kind::Object => value.fields().map(|(k, v)| (k.into_owned(), to_peer(v))).collect(),
    }
}

/// Equal, but for the last digit of fractions, which serde_json misses without its feature
/// `float_roundtrip`.
fn alike(ours: &Peer, peer: &Peer) -> bool {
    match (ours, peer) {
        (Peer::Number(a), Peer::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-14
        }
        (Peer::Array(a), Peer::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Peer::Object(a), Peer::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && alike(a, b))
        }
        _ => ours == peer,
    }
}

/// Whether serde_json takes the text as one document. `IgnoredAny` checks the grammar and nothing
/// else: no limits on numbers, depth or surrogates.
fn peer_accepts(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn defect(text: &str) -> String {
    Tape::new().parse(text).map_or_else(|d| d.to_string(), |v| format!("accepted {v:?}"))
}

#[test]
fn what_is_no_json_is_refused_with_place_and_reason() {
    for (text, expected) in [
        ("", "the text ends too early at byte 0"),
        ("  ", "the text ends too early at byte 2"),
        ("{\"a\":1} x", "there is text behind the document at byte 8"),
        ("{\"a\":1,}", "here should be a key at byte 7"),
        ("{\"a\" 1}", "here should be a colon at byte 5"),
        ("{\"a\":1]", "here should be a comma or a brace at byte 6"),
        ("[1 2]", "here should be a comma or a bracket at byte 3"),
        ("[1,]", "here should be a value at byte 3"),
        ("[01]", "here should be a comma or a bracket at byte 2"),
        ("[-]", "here should be a digit at byte 2"),
        ("[1.e3]", "here should be a digit at byte 3"),
        ("[1e]", "here should be a digit at byte 3"),
        ("[+1]", "here should be a value at byte 1"),
        ("[nul]", "here should be a value at byte 1"),
        ("[truer]", "here should be a comma or a bracket at byte 5"),
        ("\"a", "a string is not closed at byte 2"),
        ("\"a\nb\"", "a control character in a string at byte 2"),
        ("\"a\tb", "a control character in a string at byte 2"),
        ("\"\\x\"", "an escape that JSON does not have at byte 1"),
        ("\"\\u12g4\"", "an escape that JSON does not have at byte 1"),
        ("\"\\u12\"34\"", "an escape that JSON does not have at byte 1"),
        ("\\\"a\"", "here should be a value at byte 0"),
        ("[\\\"a\"]", "here should be a value at byte 1"),
        ("\u{feff}{}", "here should be a value at byte 0"),
        ("{\"a\":\u{b}1}", "here should be a value at byte 5"),
        ("\0", "here should be a value at byte 0"),
    ] {
        assert_eq!(defect(text), expected, "{text:?}");
        assert!(!peer_accepts(text), "{text:?}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(Tape::new().parse(&nested(Tape::DEPTH_MAX)).is_ok());
    let deeper = nested(Tape::DEPTH_MAX + 1);
    assert_eq!(defect(&deeper), "there are more than 128 levels at byte 128");
    assert!(!defect(&"[{\"a\":".repeat(1 << 20)).contains("accepted"));
}

#[test]
fn the_number_of_values_has_a_limit() {
    let list = |n: usize| format!("[{}0]", "0,".repeat(n));
    assert!(Tape::new().parse(&list(Tape::VALUES_MAX - 2)).is_ok());
    assert!(defect(&list(Tape::VALUES_MAX)).starts_with("there are more than 4,194,304 values"));
}

#[test]
fn members_are_found_by_their_unescaped_key() {
    let text = r#" {"a":1,"b\u0063":{"":[true,{"d":null}]},"a":2} "#;
    let mut tape = Tape::new();
    let root = tape.parse(text).unwrap();
    assert_eq!(root.get("a").unwrap().raw(), "1", "the first of two");
    assert_eq!(root.at(&["bc", ""]).unwrap().raw(), r#"[true,{"d":null}]"#);
    assert!(root.get("b\\u0063").is_none() && root.at(&["a", "x"]).is_none());
    let list = root.at(&["bc", ""]).unwrap();
    let last = list.items().last().unwrap();
    assert!(last.get("d").unwrap().is_null());
    let keys: Vec<_> = root.fields().map(|(k, _)| k).collect();
    assert_eq!(keys, ["a", "bc", "a"]);
    assert_eq!((list.fields().count(), root.items().count()), (0, 0));
}

#[test]
fn strings_and_numbers_are_read() {
    let text = r#"{"s":"a\né","t":"plain","n":-12,"u":18446744073709551615,"f":1.5e3,"b":false}"#;
    let mut tape = Tape::new();
    let root = tape.parse(text).unwrap();
    assert_eq!(root.text("s").unwrap(), "a\né");
    assert!(matches!(root.text("t").unwrap(), std::borrow::Cow::Borrowed("plain")));
    assert_eq!(root.text("n"), None);
    assert_eq!(root.get("n").unwrap().as_i64(), Some(-12));
    assert_eq!(root.get("n").unwrap().as_u64(), None);
    assert_eq!(root.get("u").unwrap().as_u64(), Some(u64::MAX));
    assert_eq!(root.get("f").unwrap().as_f64(), Some(1500.0));
    assert_eq!(root.get("b").unwrap().as_bool(), Some(false));
    assert_eq!(root.get("s").unwrap().raw(), r#""a\né""#);
}

#[test]
fn white_space_is_noticed_and_removed() {
    let mut tape = Tape::new();
    for (text, spaced) in [("{}", false), (" {} ", false), ("{ }", true), ("[1,\n2]", true)] {
        let root = tape.parse(text).unwrap();
        assert_eq!(root.has_whitespace(), spaced, "{text}");
    }
    let root = tape.parse(" { \"a b\" : [ 1 , \" \" ] } ").unwrap();
    assert_eq!(root.compact(), "{\"a b\":[1,\" \"]}");
    assert_eq!(root.get("a b").unwrap().compact(), "[1,\" \"]");
}

#[test]
fn a_tape_is_used_again() {
    let mut tape = Tape::new();
    let long = format!("[{}1]", "\"x\",".repeat(100_000));
    assert_eq!(tape.parse(&long).unwrap().items().count(), 100_001);
    assert!(tape.parse("[\"").is_err());
    assert_eq!(tape.parse("[\"a\"]").unwrap().items().count(), 1);
}

fn document() -> impl Strategy<Value = Peer> {
    let text = "[a-z\"\\\\/\u{0}-\u{1f}é😀]{0,70}";
    let leaf = prop_oneof![
        Just(Peer::Null),
        any::<bool>().prop_map(Peer::from),
        any::<i64>().prop_map(Peer::from),
        any::<u64>().prop_map(Peer::from),
        (-1e300f64..1e300).prop_map(Peer::from),
        text.prop_map(Peer::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Peer::from),
            prop::collection::btree_map(text, inner, 0..8)
                .prop_map(|m| Peer::Object(m.into_iter().collect())),
        ]
    })
}

/// A document with a few bytes changed, or parts of documents.
fn mutated() -> impl Strategy<Value = String> {
    let change =
        (any::<prop::sample::Index>(), prop::sample::select(MUTATIONS.to_vec()), any::<bool>());
    (document(), any::<bool>(), prop::collection::vec(change, 0..4)).prop_map(
        |(document, pretty, changes)| {
            let text = if pretty {
                serde_json::to_string_pretty(&document)
            } else {
                serde_json::to_string(&document)
            };
            let mut chars: Vec<char> = text.unwrap().chars().collect();
            for (place, new, replace) in changes {
                let place = place.index(chars.len() + 1).min(chars.len());
                let until = if replace { (place + 1).min(chars.len()) } else { place };
                chars.splice(place..until, new.chars());
            }
            chars.into_iter().collect()
        },
    )
}

const MUTATIONS: &[&str] = &[
    "", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "0", "-", ".", "e", "1", "\\u",
    "\\ud800", "\\n", "true", "null", "\u{1}", "\u{7f}", "é", "{\"a\":", "],[",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_documents_have_the_same_values(document in document(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&document)
        } else {
            serde_json::to_string(&document)
        }.unwrap();
        let mut tape = Tape::new();
        let root = tape.parse(&text).unwrap();
        prop_assert!(alike(&to_peer(root), &document));
        prop_assert_eq!(root.compact(), serde_json::to_string(&document).unwrap());
        prop_assert_eq!(root.raw(), text.as_str());
        prop_assert_eq!(root.has_whitespace(), compact(&text) != text);
    }

    #[test]
    fn mutated_documents_are_accepted_and_refused_alike(text in mutated()) {
        let mut tape = Tape::new();
        let ours = tape.parse(&text);
        prop_assert_eq!(ours.is_ok(), peer_accepts(&text), "{:?}", ours);
        // serde_json's own values refuse lone surrogates and numbers beyond f64.
        if let (Ok(ours), Ok(peer)) = (ours, serde_json::from_str::<Peer>(&text)) {
            prop_assert!(alike(&to_peer(ours), &peer), "{peer}");
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        prop_assert_eq!(Tape::new().parse(&text).is_ok(), peer_accepts(&text));
    }
}
