//! CloudWatch Logs filter patterns over JSON: `{ $.eventName = StopLogging && $.errorCode NOT EXISTS }`.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
//!
//! * Text becomes a checked [`Filter`], or is refused by place.
//! * A selector that lands nowhere, on a list or on an object meets no comparison, `!=` neither.
//! * A star counts at the beginning and the end of a value; in between it is a letter.
//! * Patterns of terms and of fields between spaces, and regular expressions, are not read here.

use crate::json::{Kind, Value};

/// Four times what CloudWatch Logs takes, in bytes.
const BYTES_MAX: usize = 4 << 10;
/// Parentheses that may stand around each other.
const DEPTH_MAX: usize = 32;

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {why}")]
pub struct Unread {
    /// Where.
    pub at: usize,
    /// Why.
    pub why: &'static str,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Compare { path: Vec<Step>, how: How },
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    Element(usize),
}

#[derive(Debug, Clone, PartialEq)]
enum How {
    Equal(Wanted),
    NotEqual(Wanted),
    Order(Order, f64),
    IsNull,
    IsTrue,
    IsFalse,
    NotExists,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// A value that is compared with: text with stars at its ends, and what it is as a number.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    text: String,
    begins: bool,
    ends: bool,
    number: Option<f64>,
}

impl Filter {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If it is none over JSON, or none that CloudWatch Logs would take.
    pub fn parse(text: &str) -> Result<Self, Unread> {
        let mut reader = Reader { text, at: 0 };
        if text.len() > BYTES_MAX {
            return Err(reader.unread("it is longer than CloudWatch Logs takes"));
        }
        reader.expect("{", "a pattern over JSON begins with {")?;
        let node = reader.any(0)?;
        reader.expect("}", "&&, || or } is wanted here")?;
        if !reader.rest().trim().is_empty() {
            return Err(reader.unread("something stands behind the }"));
        }
        Ok(Self(node))
    }

    /// Whether a record meets it.
    pub fn meets(&self, record: Value<'_>) -> bool {
        meets(&self.0, record)
    }
}

fn meets(node: &Node, record: Value<'_>) -> bool {
    match node {
        Node::All(nodes) => nodes.iter().all(|node| meets(node, record)),
        Node::Any(nodes) => nodes.iter().any(|node| meets(node, record)),
        Node::Compare { path, how } => compare(path, how, record),
    }
}

fn compare(path: &[Step], how: &How, record: Value<'_>) -> bool {
    let found = path.iter().try_fold(record, |at, step| match step {
        Step::Member(name) => at.get(name),
        Step::Element(number) if at.kind() == Kind::Array => at.items().nth(*number),
        Step::Element(_) => None,
    });
    let Some(found) = found else { return *how == How::NotExists };
    let simple = !matches!(found.kind(), Kind::Array | Kind::Object) && !found.is_null();
    match how {
        How::NotExists => false,
        How::IsNull => found.is_null(),
        How::IsTrue => found.as_bool() == Some(true),
        How::IsFalse => found.as_bool() == Some(false),
        How::Equal(wanted) => simple && wanted.is(found),
        How::NotEqual(wanted) => simple && !wanted.is(found),
        How::Order(order, wanted) => found.as_f64().is_some_and(|have| match order {
            Order::Less => have < *wanted,
            Order::LessOrEqual => have <= *wanted,
            Order::More => have > *wanted,
            Order::MoreOrEqual => have >= *wanted,
        }),
    }
}

impl Wanted {
    fn of(text: &str) -> Self {
        let (ends, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (begins, rest) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        let number = text.parse().ok().filter(|n: &f64| n.is_finite());
        // "*" alone is any value.
        Self { text: rest.to_owned(), begins: begins || text == "*", ends, number }
    }

    fn is(&self, found: Value<'_>) -> bool {
        if let (Some(wanted), Some(have)) = (self.number, found.as_f64()) {
            return (wanted - have).abs() <= f64::EPSILON * wanted.abs().max(1.0);
        }
        let written = found.raw();
        let text = found.as_str();
        let have = text.as_deref().unwrap_or(written);
        match (self.ends, self.begins) {
            (true, true) => have.contains(&self.text),
            (true, false) => have.ends_with(&self.text),
            (false, true) => have.starts_with(&self.text),
            (false, false) => have == self.text,
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn unread(&self, why: &'static str) -> Unread {
        Unread { at: self.at, why }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes this text if it comes next, behind blanks.
    fn take(&mut self, wanted: &str) -> bool {
        self.skip_blanks();
        let there = self.rest().starts_with(wanted);
        if there {
            self.at += wanted.len();
        }
        there
    }

    fn expect(&mut self, wanted: &str, why: &'static str) -> Result<(), Unread> {
        if self.take(wanted) { Ok(()) } else { Err(self.unread(why)) }
    }

    fn any(&mut self, depth: usize) -> Result<Node, Unread> {
        let mut nodes = vec![self.all(depth)?];
        while self.take("||") {
            nodes.push(self.all(depth)?);
        }
        Ok(one_or(nodes, Node::Any))
    }

    /// `&&` binds closer than `||`.
    fn all(&mut self, depth: usize) -> Result<Node, Unread> {
        let mut nodes = vec![self.single(depth)?];
        while self.take("&&") {
            nodes.push(self.single(depth)?);
        }
        Ok(one_or(nodes, Node::All))
    }

    fn single(&mut self, depth: usize) -> Result<Node, Unread> {
        if self.take("(") {
            if depth >= DEPTH_MAX {
                return Err(self.unread("parentheses nest too deeply"));
            }
            let node = self.any(depth + 1)?;
            self.expect(")", "a ) is wanted here")?;
            return Ok(node);
        }
        let path = self.path()?;
        Ok(Node::Compare { path, how: self.how()? })
    }

    fn path(&mut self) -> Result<Vec<Step>, Unread> {
        self.expect("$", "a selector begins with $")?;
        let mut path = Vec::new();
        loop {
            if self.rest().starts_with('.') {
                self.at += 1;
                let name = self.letters(|c| c.is_alphanumeric() || c == '_' || c == '-');
                if name.is_empty() {
                    return Err(self.unread("the name of a member is wanted here"));
                }
                path.push(Step::Member(name.to_owned()));
            } else if self.rest().starts_with('[') {
                self.at += 1;
                let number = self.letters(|c| c.is_ascii_digit());
                let number = number
                    .parse()
                    .map_err(|_| self.unread("the number of an element is wanted"))?;
                path.push(Step::Element(number));
                if !self.rest().starts_with(']') {
                    return Err(self.unread("a ] is wanted here"));
                }
                self.at += 1;
            } else {
                break;
            }
        }
        if path.is_empty() { Err(self.unread("a selector names a member")) } else { Ok(path) }
    }

    fn how(&mut self) -> Result<How, Unread> {
        for (word, order) in [
            ("<=", Order::LessOrEqual),
            (">=", Order::MoreOrEqual),
            ("<", Order::Less),
            (">", Order::More),
        ] {
            if self.take(word) {
                let text = self.value()?;
                let number = text.text.parse().ok().filter(|n: &f64| n.is_finite());
                let number = number.ok_or_else(|| self.unread("a number is wanted here"))?;
                return Ok(How::Order(order, number));
            }
        }
        if self.take("!=") {
            return Ok(How::NotEqual(self.value()?));
        }
        if self.take("=") {
            return Ok(How::Equal(self.value()?));
        }
        self.skip_blanks();
        let begun = self.at;
        let words = [
            ("IS", "NULL", How::IsNull),
            ("IS", "TRUE", How::IsTrue),
            ("IS", "FALSE", How::IsFalse),
            ("NOT", "EXISTS", How::NotExists),
        ];
        let first = self.letters(|c| c.is_ascii_alphabetic()).to_ascii_uppercase();
        self.skip_blanks();
        let second = self.letters(|c| c.is_ascii_alphabetic()).to_ascii_uppercase();
        let found = words.into_iter().find(|(a, b, _)| *a == first && *b == second);
        found.map(|(_, _, how)| how).ok_or(Unread {
            at: begun,
            why: "=, !=, <, <=, >, >=, IS NULL, IS TRUE, IS FALSE or NOT EXISTS is wanted",
        })
    }

    fn value(&mut self) -> Result<Wanted, Unread> {
        self.skip_blanks();
        if self.rest().starts_with('%') {
            return Err(self.unread("regular expressions are not read here"));
        }
        if self.take("\"") {
            let inside = self.letters(|c| c != '"').to_owned();
            if !self.rest().starts_with('"') {
                return Err(self.unread("the text has no end"));
            }
            self.at += 1;
            return Ok(Wanted::of(&inside));
        }
        let bare = self.letters(|c| !c.is_whitespace() && !"(){}&|=<>!\"".contains(c));
        if bare.is_empty() {
            return Err(self.unread("a value is wanted here"));
        }
        Ok(Wanted::of(bare))
    }

    fn letters(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }
}

fn one_or(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    if nodes.len() == 1 { nodes.remove(0) } else { many(nodes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tape;

    fn says(pattern: &str, record: &str) -> bool {
        let mut tape = Tape::default();
        Filter::parse(pattern).unwrap().meets(tape.parse(record).unwrap())
    }

    #[test]
    fn members_are_compared_with_text_and_numbers() {
        let event =
            r#"{"name":"StopLogging","code":404,"flag":true,"none":null,"list":["a",{"id":2}]}"#;
        for pattern in [
            "{ $.name = StopLogging }",
            "{$.name=\"StopLogging\"}",
            "{ $.name = Stop* && $.code = 4* }",
            "{ $.name = \"*Logging\" || $.nothing = x }",
            "{ $.name != StartLogging }",
            "{ $.code >= 404 && $.code < 4.05e2 }",
            "{ $.flag IS TRUE && $.none IS NULL && $.nothing NOT EXISTS }",
            "{ $.list[1].id = 2 && $.list[0] = a }",
            "{ ($.name = x || $.code = 404) && ($.flag is true) }",
        ] {
            assert!(says(pattern, event), "{pattern}");
        }
        for pattern in [
            "{ $.name = stoplogging }",
            "{ $.name = St*ing }",
            "{ $.nothing != x }",
            "{ $.list != a }",
            "{ $.list = a }",
            "{ $.code > 404 }",
            "{ $.name > 4 }",
            "{ $.nothing IS NULL }",
            "{ $.name NOT EXISTS }",
            "{ $.name = x || $.code = 404 && $.flag IS FALSE }",
        ] {
            assert!(!says(pattern, event), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_by_place() {
        let deep = format!("{{ {} $.a = 1 {} }}", "(".repeat(100), ")".repeat(100));
        for pattern in [
            "",
            "ERROR",
            "{}",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a EXISTS }",
            "{ $.a IS NOT NULL }",
            "{ $.a = 1",
            "{ ($.a = 1 }",
            "{ a = 1 }",
            "{ $.a = 1 } x",
            "{ $.a < b }",
            "{ $.a[x] = 1 }",
            &deep,
        ] {
            assert!(Filter::parse(pattern).is_err(), "{pattern}");
        }
        assert_eq!(Filter::parse("{ $.a EXISTS }").unwrap_err().at, 6);
    }

    /// The table of right answers, where it is at hand: its patterns over JSON.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the set-up names the folder of tables")]
    fn the_table_of_filter_patterns_agrees() {
        let Some(folder) = std::env::var_os("WATCHKEEPER_CONFORMANCE") else {
            println!("skipped: WATCHKEEPER_CONFORMANCE names no folder");
            return;
        };
        let path = std::path::Path::new(&folder).join("filter-patterns.jsonl");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: {} is not there", path.display());
            return;
        };
        let (mut asked, mut tape, mut inner) = (0, Tape::default(), Tape::default());
        for line in text.lines() {
            let row = tape.parse(line).unwrap();
            let pattern = row.text("pattern").unwrap();
            if !pattern.trim_start().starts_with('{') || pattern.contains('%') {
                continue;
            }
            asked += 1;
            let said = match (Filter::parse(&pattern), row.text("event")) {
                (Err(_), _) => "invalid",
                (Ok(filter), Some(event)) => {
                    let met = inner.parse(&event).is_ok_and(|e| filter.meets(e));
                    if met { "true" } else { "false" }
                }
                (Ok(_), None) => "valid",
            };
            let expected = row.get("expected").unwrap();
            let expected =
                expected.as_str().map_or_else(|| expected.raw().to_owned(), |t| t.into_owned());
            assert_eq!(said, expected.to_lowercase(), "{pattern} on {:?}", row.text("event"));
        }
        println!("{asked} patterns over JSON agree");
        assert!(asked > 70, "{asked}");
    }
}
