//! The tape takes exactly the documents that serde_json takes, and reads the same in them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wk_lang::json::{Kind, Tape, Value, compact};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut tape = Tape::new();
    let well_formed = serde_json::from_str::<IgnoredAny>(text);
    match (tape.parse(text), well_formed) {
        (Ok(value), Ok(_)) => both_read(value, text),
        (Err(defect), well_formed) => {
            assert!(defect.position <= text.len(), "{defect} is outside the text");
            assert_eq!(tape.parse(text).err(), Some(defect), "the second reading differs");
            let limit = defect.reason.contains("levels");
            assert!(well_formed.is_err() || limit, "{defect}, but it is JSON");
        }
        (Ok(_), Err(error)) => panic!("accepted, but {error}"),
    }
}

fn both_read(value: Value<'_>, text: &str) {
    assert_eq!(value.raw(), text.trim_matches([' ', '\n', '\r', '\t']));
    let short = compact(text);
    assert_eq!(value.compact(), short);
    let mut again = Tape::new();
    let shortened = again.parse(&short).expect("its compact text is JSON");
    assert!(!shortened.has_whitespace());
    assert_eq!(value.has_whitespace(), value.raw() != short);
    // Strings with half a surrogate pair, numbers beyond a double and deep nesting are more than
    // serde_json reads.
    if let Ok(tree) = serde_json::from_str::<Tree>(text) {
        same(value, &tree);
        same(shortened, &tree);
    } else {
        walk(value);
    }
}

/// Looks at everything in the value.
fn walk(value: Value<'_>) {
    let _ = (value.as_str(), value.as_i64(), value.as_u64(), value.as_f64(), value.as_bool());
    assert!(!value.raw().is_empty());
    value.items().for_each(walk);
    for (key, member) in value.fields() {
        assert!(value.get(&key).is_some());
        walk(member);
    }
}

fn same(value: Value<'_>, tree: &Tree) {
    match tree {
        Tree::Null => assert!(value.is_null()),
        Tree::Bool(truth) => assert_eq!(value.as_bool(), Some(*truth)),
        Tree::Text(text) => assert_eq!(value.as_str().as_deref(), Some(&**text)),
        Tree::Unsigned(n) => assert_eq!(value.as_u64(), Some(*n)),
        Tree::Signed(n) => assert_eq!(value.as_i64(), Some(*n)),
        Tree::Float(n) => {
            // serde_json reads `-0` as a double.
            assert_eq!(value.as_f64().map(f64::to_bits), Some(n.to_bits()), "{value:?}");
            assert!(value.as_i64().is_none_or(|whole| whole == 0));
        }
        Tree::List(items) => {
            assert_eq!(value.kind(), Kind::Array);
            assert_eq!(value.items().count(), items.len());
            value.items().zip(items).for_each(|(item, tree)| same(item, tree));
        }
        Tree::Object(members) => same_members(value, members),
    }
}

fn same_members(value: Value<'_>, members: &[(String, Tree)]) {
    assert_eq!(value.kind(), Kind::Object);
    assert_eq!(value.fields().count(), members.len());
    for ((key, member), (name, tree)) in value.fields().zip(members) {
        assert_eq!(key, *name);
        same(member, tree);
        let (_, first) = members.iter().find(|(other, _)| other == name).expect("it is there");
        same(value.get(name).expect("its keys are found"), first);
    }
}

/// A document as serde_json reads it, with keys in their order and as often as they occur.
enum Tree {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grow)
    }
}

struct Grow;

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E>(self, truth: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(truth))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Tree, E> {
        Ok(Tree::Unsigned(n))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Tree, E> {
        Ok(Tree::Signed(n))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Tree, E> {
        Ok(Tree::Float(n))
    }
    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}
