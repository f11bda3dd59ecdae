//! What a field may be, and whether a value is that.

use std::cmp::Ordering;

use super::address::{Address, Range};
use super::fold::Folded;
use super::number::{Number, Written};
use super::walk::Leaf;
use super::wildcard::Wildcard;

/// One member of a field's list. Any of them is enough.
#[derive(Debug, Clone)]
pub(super) enum Want {
    Text(Box<str>),
    /// An address written as a text, or a `cidr`.
    Addresses(Range),
    Number(Number),
    Bool(bool),
    Null,
    /// `exists: true`
    Present,
    /// `exists: false`; no value is that.
    Absent,
    Prefix(Box<str>),
    Suffix(Box<str>),
    Folded(Folded),
    FoldedPrefix(Folded),
    FoldedSuffix(Folded),
    Wildcard(Wildcard),
    Between(Between),
    /// `anything-but`: any value that none of these is.
    But(Box<[Want]>),
}

/// `numeric` with an order: bounds, and whether they belong to it.
#[derive(Debug, Clone)]
pub(super) struct Between {
    pub(super) low: Option<(Number, bool)>,
    pub(super) high: Option<(Number, bool)>,
}

impl Want {
    /// Whether a value that is there is what is wanted.
    pub(super) fn is(&self, leaf: &Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Present, _) => true,
            (Self::Absent, _) => false,
            (Self::But(not), leaf) => !not.iter().any(|want| want.is(leaf)),
            (Self::Null, Leaf::Null) => true,
            (Self::Bool(own), Leaf::Bool(value)) => own == value,
            (Self::Number(own), Leaf::Number(text)) => Written::read(text).compare(own).is_eq(),
            (Self::Between(own), Leaf::Number(text)) => own.holds(Written::read(text)),
            (own, Leaf::Text(text)) => own.is_text(text),
            _ => false,
        }
    }

    fn is_text(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => **own == *text,
            Self::Addresses(range) => Address::read(text).is_some_and(|ip| range.holds(ip)),
            Self::Prefix(own) => text.starts_with(&**own),
            Self::Suffix(own) => text.ends_with(&**own),
            Self::Folded(own) => own.equals(text),
            Self::FoldedPrefix(own) => own.begins(text),
            Self::FoldedSuffix(own) => own.ends(text),
            Self::Wildcard(own) => own.matches(text),
            _ => false,
        }
    }
}

impl Between {
    pub(super) fn holds(&self, number: Written<'_>) -> bool {
        let above = |(low, included): &(Number, bool)| match number.compare(low) {
            Ordering::Less => false,
            Ordering::Equal => *included,
            Ordering::Greater => true,
        };
        let below = |(high, included): &(Number, bool)| match number.compare(high) {
            Ordering::Less => true,
            Ordering::Equal => *included,
            Ordering::Greater => false,
        };
        self.low.as_ref().is_none_or(above) && self.high.as_ref().is_none_or(below)
    }
}
