//! Fields of records: paths, values, and how a path finds values in JSON.

use std::borrow::Cow;

use crate::json::{Kind, Value};

/// The name of a field, with dots where it leads into nested objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    text: String,
    /// Where the dots are.
    dots: Vec<usize>,
    /// Place in [`super::RuleSet::fields`], once the rule is in a set.
    pub(super) index: usize,
}

impl FieldPath {
    /// A path such as `userIdentity.type`.
    pub fn new(text: &str) -> Self {
        let dots = text.match_indices('.').map(|(at, _)| at).collect();
        Self { text: text.to_owned(), dots, index: usize::MAX }
    }
    /// A path of a rule set.
    pub(super) fn at(text: &str, index: usize) -> Self {
        Self { index, ..Self::new(text) }
    }
    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Its place in [`super::RuleSet::fields`]; for callers that look fields up by number. A path
    /// that is not from a rule set has none.
    pub fn index(&self) -> Option<usize> {
        (self.index != usize::MAX).then_some(self.index)
    }
    /// Its last part: the key in the innermost object, unless that key itself contains dots.
    pub fn last(&self) -> &str {
        self.text.rsplit('.').next().unwrap_or("")
    }
}

/// A record whose fields can be asked for.
pub trait Record {
    /// The value of a field.
    fn field(&self, path: &FieldPath) -> FieldValue<'_>;
    /// Shows every text in the record to `look` until it answers true, and says whether it did.
    /// Keywords are looked for in these.
    fn any_text(&self, look: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// The value of a field.
#[derive(Debug, Clone)]
pub enum FieldValue<'a> {
    /// The record has no such field.
    Absent,
    /// It is there, and null.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Several texts; what is asked must be true of one.
    Texts(&'a [Cow<'a, str>]),
    /// JSON; of an array, what is asked must be true of one element.
    Json(Value<'a>),
    /// Several pieces of JSON, because the path crosses an array.
    Many(Vec<Value<'a>>),
}

/// A single value, as predicates see it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'a> {
    Null,
    Text(&'a str),
    /// A number as it is written.
    Number(&'a str),
    Bool(bool),
    Object(Value<'a>),
}

impl FieldValue<'_> {
    /// Shows the text of each single value to `look`; null and what is absent have none.
    pub fn each_text(&self, look: &mut dyn FnMut(&str)) {
        self.any(&mut |leaf| {
            match leaf {
                Leaf::Null => {}
                Leaf::Text(text) | Leaf::Number(text) => look(text),
                Leaf::Bool(truth) => look(if truth { "true" } else { "false" }),
                Leaf::Object(value) => look(&value.compact()),
            }
            false
        });
    }

    /// Its text, if it is a text and nothing else.
    #[inline]
    pub(super) fn single_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Json(value) => value.as_str(),
            _ => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Shows each single value to `look` until it answers true, and says whether it did.
    #[inline]
    pub(super) fn any(&self, look: &mut impl FnMut(Leaf<'_>) -> bool) -> bool {
        match self {
            Self::Absent => false,
            Self::Null => look(Leaf::Null),
            Self::Text(text) => look(Leaf::Text(text)),
            Self::Int(n) => look(Leaf::Number(&n.to_string())),
            Self::Float(n) => look(Leaf::Number(&n.to_string())),
            Self::Bool(b) => look(Leaf::Bool(*b)),
            Self::Texts(texts) => texts.iter().any(|text| look(Leaf::Text(text))),
            Self::Json(value) => any_leaf(*value, look),
            Self::Many(values) => values.iter().any(|value| any_leaf(*value, look)),
        }
    }
}

/// The single values in a JSON value: itself, or those of its elements.
#[inline]
fn any_leaf(value: Value<'_>, look: &mut impl FnMut(Leaf<'_>) -> bool) -> bool {
    match value.kind() {
        Kind::Null => look(Leaf::Null),
        Kind::Bool => look(Leaf::Bool(value.as_bool() == Some(true))),
        Kind::Number => look(Leaf::Number(value.raw())),
        Kind::String => look(Leaf::Text(&value.as_str().unwrap_or_default())),
        Kind::Object => look(Leaf::Object(value)),
        Kind::Array => any_element(value, look),
    }
}

#[inline(never)]
fn any_element(value: Value<'_>, look: &mut impl FnMut(Leaf<'_>) -> bool) -> bool {
    value.items().any(|item| any_leaf(item, look))
}

impl Record for Value<'_> {
    #[inline]
    fn field(&self, path: &FieldPath) -> FieldValue<'_> {
        let mut found = Found::Nothing;
        find(*self, &path.text, &path.dots, 0, &mut found);
        match found {
            Found::Nothing => FieldValue::Absent,
            Found::One(value) => FieldValue::Json(value),
            Found::Many(values) => FieldValue::Many(values),
        }
    }

    fn any_text(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        match self.kind() {
            Kind::String => look(&self.as_str().unwrap_or_default()),
            Kind::Array => self.items().any(|item| item.any_text(look)),
            Kind::Object => self.members().any(|member| member.any_text(look)),
            Kind::Null | Kind::Bool | Kind::Number => false,
        }
    }
}

/// What a path has found so far.
enum Found<'a> {
    Nothing,
    One(Value<'a>),
    Many(Vec<Value<'a>>),
}

impl<'a> Found<'a> {
    fn add(&mut self, value: Value<'a>) {
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::One(value),
            Self::One(first) => Self::Many(vec![first, value]),
            Self::Many(mut values) => {
                values.push(value);
                Self::Many(values)
            }
        };
    }
}

/// Finds the values at the rest of a path, which begins at `from`; says whether there were any.
///
/// At an object the key is the path up to its next dot; if that leads nowhere, up to the dot after,
/// and so on: keys may contain dots. An array stands for each of its elements.
fn find<'a>(
    value: Value<'a>,
    path: &str,
    dots: &[usize],
    from: usize,
    found: &mut Found<'a>,
) -> bool {
    match value.kind() {
        Kind::Object => {
            for (n, dot) in dots.iter().enumerate() {
                let key = path.get(from..*dot).unwrap_or("");
                if let Some(member) = value.get(key)
                    && find(member, path, dots.get(n + 1..).unwrap_or(&[]), dot + 1, found)
                {
                    return true;
                }
            }
            match value.get(path.get(from..).unwrap_or("")) {
                Some(member) => {
                    found.add(member);
                    true
                }
                None => false,
            }
        }
        Kind::Array => {
            let mut any = false;
            for item in value.items() {
                any |= find(item, path, dots, from, found);
            }
            any
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tape;

    fn get(json: &str, path: &str) -> String {
        let mut tape = Tape::new();
        let value = tape.parse(json).unwrap();
        match value.field(&FieldPath::new(path)) {
            FieldValue::Absent => "absent".to_owned(),
            FieldValue::Json(value) => value.raw().to_owned(),
            FieldValue::Many(values) => format!("{values:?}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn paths_lead_into_objects_and_arrays() {
        assert_eq!(get(r#"{"a":{"b":1}}"#, "a.b"), "1");
        assert_eq!(get(r#"{"a":{"b":null}}"#, "a.b"), "null");
        assert_eq!(get(r#"{"a":{"b":1}}"#, "a.c"), "absent");
        assert_eq!(get(r#"{"a":"b"}"#, "a.b"), "absent");
        assert_eq!(get(r#"{"a":[{"b":1},{"c":2},{"b":[3]}]}"#, "a.b"), "[1, [3]]");
        assert_eq!(get(r#"{"a":[[{"b":1}]]}"#, "a.b"), "1");
        assert_eq!(get(r#"{"a":[]}"#, "a.b"), "absent");
        assert_eq!(get(r#"{"a":[]}"#, "a"), "[]");
    }

    #[test]
    fn keys_that_contain_dots_are_tried_too() {
        assert_eq!(get(r#"{"a.b":1}"#, "a.b"), "1");
        assert_eq!(get(r#"{"a.b":{"c":1}}"#, "a.b.c"), "1");
        assert_eq!(get(r#"{"a":{"b.c":1}}"#, "a.b.c"), "1");
        assert_eq!(get(r#"{"a":{"x":0},"a.b":{"c":1}}"#, "a.b.c"), "1");
        assert_eq!(get(r#"{"a":{"b":0},"a.b":1}"#, "a.b"), "0");
    }
}
