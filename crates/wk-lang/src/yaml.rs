//! YAML as rules and configuration use it: a tree of nodes that know where they stand.
//!
//! * Every node and key has its line and column, so that an error can point at it.
//! * A number keeps the text it was written in: `1.10` stays `1.10`.
//! * Size, depth and the number of nodes (aliases unfolded) have limits. A key that occurs twice
//!   is refused, and so are keys that are not scalars and merge keys.
//! * Scalars are read by the core schema of YAML 1.2: `yes` is a text, `true` is not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// A place in a text; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// Any other scalar.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in its order.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it begins.
    pub place: Place,
    /// Its text.
    pub text: String,
}

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct YamlError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub problem: String,
}

/// How large a text may be.
const BYTES_MAX: usize = 4 << 20;
/// How many nodes it may have, with aliases unfolded.
const NODES_MAX: usize = 200_000;
/// How deep they may lie.
const DEPTH_MAX: usize = 64;

/// Reads all documents of a text. Empty documents are left out.
///
/// # Errors
/// The first defect; what stands before it is not given.
pub fn read(text: &str) -> Result<Vec<Node>, YamlError> {
    let start = Place { line: 1, column: 1 };
    if text.len() > BYTES_MAX {
        return Err(start.error(format!("the text is larger than {BYTES_MAX} bytes")));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut reader = Reader::default();
    let parser: Parser<'_, StrInput<'_>> = Parser::new_from_str_with_options(text, options);
    for event in parser {
        let (event, span) = event.map_err(|e| syntax_error(&e))?;
        reader.take(event, &span)?;
    }
    Ok(reader.documents)
}

fn syntax_error(error: &ScanError) -> YamlError {
    let marker = error.marker();
    let place = Place { line: marker.line().max(1), column: marker.col() + 1 };
    place.error(error.info())
}

impl Place {
    fn of(span: &Span) -> Self {
        Self { line: span.start.line().max(1), column: span.start.col() + 1 }
    }
    fn error(self, problem: impl Into<String>) -> YamlError {
        YamlError { place: self, problem: problem.into() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Builds nodes from the parser's events.
#[derive(Default)]
struct Reader {
    documents: Vec<Node>,
    /// The collections that are open, outermost first.
    open: Vec<Open>,
    /// Finished nodes that have an anchor.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A collection that is not complete yet.
struct Open {
    node: Node,
    anchor: usize,
    /// In a mapping: the key whose value comes next.
    key: Option<Key>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        let place = Place::of(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|t| t.is_yaml_core_schema_tag("str"));
                let plain = style == ScalarStyle::Plain && !is_text;
                let content =
                    if plain { plain_scalar(&text) } else { Content::Text(text.to_string()) };
                self.add(Node { place, content }, anchor, plain.then_some(&*text))
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(place.error("this alias lies inside its own anchor"));
                };
                self.count(&node, place, self.open.len())?;
                self.add(Node { place, ..node }, 0, None)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(Node { place, content: Content::List(Vec::new()) }, anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(Node { place, content: Content::Map(Vec::new()) }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(done) => self.add(done.node, done.anchor, None),
                None => Ok(()),
            },
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(node.place.error(format!("more than {DEPTH_MAX} levels")));
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// Counts a copy of a node against the limits.
    fn count(&mut self, node: &Node, place: Place, depth: usize) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX || depth > DEPTH_MAX {
            return Err(place.error("the aliases unfold to more than is read"));
        }
        match &node.content {
            Content::List(items) => items.iter().try_for_each(|n| self.count(n, place, depth + 1)),
            Content::Map(members) => {
                members.iter().try_for_each(|(_, n)| self.count(n, place, depth + 1))
            }
            _ => Ok(()),
        }
    }

    /// Puts a finished node where it belongs. `plain` is its text if it is a plain scalar, which
    /// as a key is a text whatever it looks like.
    fn add(&mut self, node: Node, anchor: usize, plain: Option<&str>) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(node.place.error(format!("more than {NODES_MAX} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            if node.content != Content::Null {
                self.documents.push(node);
            }
            return Ok(());
        };
        match (&mut parent.node.content, parent.key.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(members), Some(key)) => members.push((key, node)),
            (Content::Map(members), None) => parent.key = Some(key(node, plain, members)?),
            _ => {}
        }
        Ok(())
    }
}

fn key(node: Node, plain: Option<&str>, members: &[(Key, Node)]) -> Result<Key, YamlError> {
    let place = node.place;
    let text = match (plain, node.content) {
        (Some("<<"), _) => return Err(place.error("merge keys (<<) are not read")),
        (Some(plain), _) => plain.to_owned(),
        (None, Content::Text(text) | Content::Number(text)) => text,
        _ => return Err(place.error("a key must be a scalar")),
    };
    if members.iter().any(|(k, _)| k.text == text) {
        return Err(place.error(format!("the key {text:?} occurs twice")));
    }
    Ok(Key { place, text })
}

/// What a scalar without quotes is, by the core schema.
fn plain_scalar(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        _ if number(text).is_some() => Content::Number(text.to_owned()),
        _ => Content::Text(text.to_owned()),
    }
}

/// The value of a number as YAML's core schema writes it; infinities and NaN are no numbers here.
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    if let Some(hex) = text.strip_prefix("0x").filter(|t| !t.starts_with('+')) {
        #[expect(clippy::cast_precision_loss, reason = "a number is as near as it can be")]
        return radix(hex, 16).map(|n| n as f64);
    }
    if let Some(octal) = text.strip_prefix("0o").filter(|t| !t.starts_with('+')) {
        #[expect(clippy::cast_precision_loss, reason = "a number is as near as it can be")]
        return radix(octal, 8).map(|n| n as f64);
    }
    let begins =
        digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit());
    if !begins || digits.starts_with(['+', '-']) {
        return None;
    }
    text.parse().ok().filter(|f: &f64| f.is_finite())
}

impl Node {
    /// The members, if it is a mapping.
    pub fn members(&self) -> Option<&[(Key, Node)]> {
        match &self.content {
            Content::Map(members) => Some(members),
            _ => None,
        }
    }

    /// A member of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members()?.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// The elements of a sequence; any other value is a sequence of itself, null of nothing.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            Content::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The text of a scalar as it was written; null has none.
    pub fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) | Content::Number(text) => Some(text),
            Content::Bool(true) => Some("true"),
            Content::Bool(false) => Some("false"),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// What it is, for error messages.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "null",
            Content::Bool(_) => "true or false",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    /// The same value as compact JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match &self.content {
            Content::Null => out.push_str("null"),
            Content::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Content::Number(text) => write_json_number(text, out),
            Content::Text(text) => write_json_text(text, out),
            Content::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    item.write_json(out);
                }
                out.push(']');
            }
            Content::Map(members) => {
                out.push('{');
                for (n, (key, value)) in members.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    write_json_text(&key.text, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// A number as it was written, if JSON writes numbers so; else its value.
fn write_json_number(text: &str, out: &mut String) {
    let as_json = crate::json::Tape::new().parse(text).is_ok();
    match number(text) {
        Some(value) if !as_json => out.push_str(&value.to_string()),
        _ => out.push_str(text),
    }
}

fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let written = write!(out, "\\u{:04x}", u32::from(c));
                debug_assert!(written.is_ok(), "writing to a String does not fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        match read(text) {
            Ok(documents) => documents.iter().map(Node::to_json).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn scalars_follow_the_core_schema_and_numbers_keep_their_text() {
        assert_eq!(
            json(
                "[1.10, 0x1F, .5, +3, -4e2, 012, true, yes, ~, null, '1', !!str 2, 2024-01-01, 1.2.3]"
            ),
            r#"[1.10,31,0.5,3,-4e2,12,true,"yes",null,null,"1","2","2024-01-01","1.2.3"]"#
        );
        assert_eq!(
            json("[.inf, -.inf, .nan, inf, nan, 1e999, '']"),
            r#"[".inf","-.inf",".nan","inf","nan","1e999",""]"#
        );
    }

    #[test]
    fn documents_maps_and_texts() {
        assert_eq!(
            json("a: 1\n---\n{b: [x, {c: 'q\"\\'}]}\n---\n"),
            r#"{"a":1} {"b":["x",{"c":"q\"\\"}]}"#
        );
        assert_eq!(json("1: x\ntrue: y\n"), r#"{"1":"x","true":"y"}"#);
        assert_eq!(json("a: |\n  x\n  y\nb: >-\n  x\n  y\n"), r#"{"a":"x\ny\n","b":"x y"}"#);
    }

    #[test]
    fn places_are_counted_from_one() {
        let documents = read("# first\na:\n  - é: x\n    k: [y]\n").unwrap();
        let list = documents[0].get("a").unwrap().items();
        assert_eq!(list[0].place.to_string(), "line 3, column 5");
        let (key, value) = &list[0].members().unwrap()[1];
        assert_eq!((key.place.column, value.items()[0].place.column), (5, 9));
    }

    #[test]
    fn aliases_are_unfolded_within_limits() {
        assert_eq!(json("a: &x {b: 1}\nc: *x\n"), r#"{"a":{"b":1},"c":{"b":1}}"#);
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let uses = vec![format!("*a{}", n - 1); 9].join(", ");
            bomb.extend([format!("a{n}: &a{n} [{uses}]\n")]);
        }
        assert!(json(&bomb).contains("the aliases unfold to more than is read"), "{}", json(&bomb));
        assert!(json("a: &a [*a]").contains("alias"), "{}", json("a: &a [*a]"));
    }

    #[test]
    fn what_is_ambiguous_is_refused_with_its_place() {
        assert_eq!(json("a: 1\na: 2\n"), "line 2, column 1: the key \"a\" occurs twice");
        assert_eq!(
            json("x: &b {}\ny:\n  <<: *b\n"),
            "line 3, column 3: merge keys (<<) are not read"
        );
        assert_eq!(json("[a, b]: c"), "line 1, column 1: a key must be a scalar");
        assert!(json("a: [1").starts_with("line "), "{}", json("a: [1"));
        assert!(json(&"[".repeat(100)).starts_with("line 1"), "{}", json(&"[".repeat(100)));
    }
}
