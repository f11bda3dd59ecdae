//! Handles on the values of a parsed document.

use std::borrow::Cow;
use std::fmt;

use super::tape::Node;
use super::text::{compact, unescape};

/// A value of a document. It borrows the tape and the text, and costs nothing to copy.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    nodes: &'a [Node],
    text: &'a str,
    index: u32,
    spaced: bool,
}

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number.
    Number,
    /// Any string.
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

impl<'a> Value<'a> {
    pub(super) fn root(nodes: &'a [Node], text: &'a str, spaced: bool) -> Self {
        Self { nodes, text, index: 0, spaced }
    }

    #[inline]
    fn node(&self) -> &'a Node {
        &self.nodes[self.index as usize]
    }

    /// Its kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.node().kind
    }

    /// Exactly its bytes in the text; a string has its quotes.
    #[inline]
    pub fn raw(&self) -> &'a str {
        let node = self.node();
        let quote = usize::from(node.kind == Kind::String);
        let start = node.value.start as usize - quote;
        self.text.get(start..node.value.end() + quote).unwrap_or("")
    }

    /// The byte of the document where it begins; a string begins with its quote.
    pub fn position(&self) -> usize {
        let node = self.node();
        (node.value.start as usize).saturating_sub(usize::from(node.kind == Kind::String))
    }

    /// The member of an object with this key, the first if there are several.
    #[inline]
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.members().find(|member| member.has_key(key))
    }

    /// The value at the end of a path of keys.
    #[inline]
    pub fn at(&self, path: &[&str]) -> Option<Value<'a>> {
        path.iter().try_fold(*self, |value, key| value.get(key))
    }

    /// The members of an object in their order; none for other kinds.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        Fields { members: self.members() }
    }

    /// The values of an object's members.
    pub(crate) fn members(&self) -> Items<'a> {
        self.children(Kind::Object)
    }

    /// The elements of an array in their order; none for other kinds.
    #[inline]
    pub fn items(&self) -> Items<'a> {
        self.children(Kind::Array)
    }

    /// A string without its escapes, borrowed where it has none.
    #[inline]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        let node = self.node();
        if node.kind != Kind::String {
            return None;
        }
        let inner = node.value.of(self.text);
        Some(if node.value.escaped() { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) })
    }

    /// The string of a member.
    #[inline]
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.as_str()
    }

    /// A whole number that fits; `1.0` and `1e3` are not written as whole numbers.
    pub fn as_i64(&self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    /// A whole number that fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// The nearest floating point number, if it is finite.
    pub fn as_f64(&self) -> Option<f64> {
        self.number()?.parse().ok().filter(|f: &f64| f.is_finite())
    }

    /// `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// Whether it is `null`.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether white space that means nothing occurs anywhere inside the document (around it does
    /// not count).
    pub fn has_whitespace(&self) -> bool {
        self.spaced
    }

    /// Its text without white space that means nothing.
    pub fn compact(&self) -> Cow<'a, str> {
        if self.spaced { compact(self.raw()) } else { Cow::Borrowed(self.raw()) }
    }

    /// Whether it is a member with this key.
    #[inline]
    fn has_key(&self, key: &str) -> bool {
        let span = self.node().key;
        if span.escaped() {
            return unescape(span.of(self.text)) == key;
        }
        span.end() - span.start as usize == key.len() && span.of(self.text) == key
    }

    /// Its key, if it is a member of an object.
    #[inline]
    fn key(&self) -> Cow<'a, str> {
        let span = self.node().key;
        let raw = span.of(self.text);
        if span.escaped() { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    fn number(&self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    #[inline]
    fn children(&self, kind: Kind) -> Items<'a> {
        let node = self.node();
        let end = if node.kind == kind { self.index + node.skip } else { 0 };
        Items { next: Value { index: self.index + 1, ..*self }, end }
    }
}

/// See [`Value::items`].
#[derive(Clone)]
pub struct Items<'a> {
    next: Value<'a>,
    end: u32,
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;
    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.next.index >= self.end {
            return None;
        }
        let item = self.next;
        self.next.index += item.node().skip;
        Some(item)
    }
}

/// See [`Value::fields`].
#[derive(Clone)]
pub struct Fields<'a> {
    members: Items<'a>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let value = self.members.next()?;
        Some((value.key(), value))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}
