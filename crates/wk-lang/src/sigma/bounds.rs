//! Amounts and what is asked of them: `gte: 5`.

use super::error::{Problem, RuleError};
use super::reader::Reader;
use crate::yaml::{Key, Node};

/// A number that adds up to the same in any order: exact to six decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Amount(i128);

/// How an amount must compare to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
    /// `eq`
    Equal,
    /// `neq`
    NotEqual,
}

/// What is asked of an amount; all of it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds(Vec<(Operator, Amount)>);

const OPERATORS: [(&str, Operator); 6] = [
    ("gt", Operator::Greater),
    ("gte", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("lte", Operator::LessOrEqual),
    ("eq", Operator::Equal),
    ("neq", Operator::NotEqual),
];

impl Amount {
    const ONE: i128 = 1_000_000;
    /// The largest amount that is read; larger ones are taken for it.
    const MAX: i128 = i64::MAX as i128 * Self::ONE;

    /// A whole number.
    pub const fn whole(n: u64) -> Self {
        Self(n as i128 * Self::ONE)
    }
    /// In millionths.
    pub const fn millionths(self) -> i128 {
        self.0
    }
    /// From millionths.
    pub const fn from_millionths(n: i128) -> Self {
        Self(n)
    }
    /// Together with another.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// Without another.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// So many times.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n as i128))
    }

    /// Reads a number as records and rules write it: `12`, `-0.5`, `1e6`.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Self(i128::from(whole) * Self::ONE));
        }
        let number = crate::yaml::number(text)?;
        if number.is_finite() { Some(Self::nearest(number)) } else { None }
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "clamped")]
    fn nearest(number: f64) -> Self {
        let millionths = (number * Self::ONE as f64).round() as i128;
        Self(millionths.clamp(-Self::MAX, Self::MAX))
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) =
            (self.0.unsigned_abs() / Self::ONE.unsigned_abs(), self.0.unsigned_abs() % 1_000_000);
        let rest = format!("{rest:06}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            rest => write!(f, "{sign}{whole}.{rest}"),
        }
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, (operator, amount)) in self.0.iter().enumerate() {
            let name = OPERATORS.iter().find(|(_, o)| o == operator).map_or("", |(name, _)| name);
            write!(f, "{}{name} {amount}", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Bounds {
    /// These bounds; all must hold.
    pub fn new(bounds: Vec<(Operator, Amount)>) -> Self {
        Self(bounds)
    }

    /// Each of them.
    pub fn all(&self) -> &[(Operator, Amount)] {
        &self.0
    }

    /// Whether they hold of an amount.
    pub fn hold(&self, amount: Amount) -> bool {
        self.0.iter().all(|(operator, wanted)| operator.holds(amount.cmp(wanted)))
    }

    /// Whether they hold of the mean of so many numbers with this sum; nothing is rounded.
    pub fn hold_of_mean(&self, sum: Amount, count: u64) -> bool {
        self.0.iter().all(|(operator, wanted)| operator.holds(sum.cmp(&wanted.times(count))))
    }

    /// Whether more can only make them true: there are lower bounds and nothing else.
    pub fn only_grow(&self) -> bool {
        let lower = |o: &Operator| matches!(o, Operator::Greater | Operator::GreaterOrEqual);
        self.0.iter().all(|(operator, _)| lower(operator))
    }

    /// The largest whole number that they name, rounded down.
    pub fn largest(&self) -> u64 {
        let largest = self.0.iter().map(|(_, amount)| amount.0 / Amount::ONE).max().unwrap_or(0);
        u64::try_from(largest).unwrap_or(0)
    }

    /// Reads the operators of a condition; keys among `others` are for someone else.
    pub(super) fn read(node: &Node, others: &[&str]) -> Result<Self, RuleError> {
        let reader = Reader { node, path: "correlation.condition." };
        let Some(members) = node.members() else {
            let reader = Reader { node, path: "correlation." };
            return Err(reader.kind(node, "condition", "a mapping such as {gte: 5}"));
        };
        let mut bounds = Vec::new();
        for (key, value) in members.iter().filter(|(key, _)| !others.contains(&key.text.as_str())) {
            bounds.push((operator(key, others)?, amount(&reader, key, value)?));
        }
        if bounds.is_empty() {
            return Err(Problem::Missing("bound under correlation.condition").at(node.place));
        }
        Ok(Self(bounds))
    }
}

fn operator(key: &Key, others: &[&str]) -> Result<Operator, RuleError> {
    let known = OPERATORS.iter().find(|(name, _)| *name == key.text);
    known.map(|(_, operator)| *operator).ok_or_else(|| {
        let known = OPERATORS.iter().map(|(name, _)| *name).chain(others.iter().copied());
        Problem::unknown("correlation.condition", &key.text, known).at(key.place)
    })
}

fn amount(reader: &Reader<'_>, key: &Key, value: &Node) -> Result<Amount, RuleError> {
    let text = value.scalar().ok_or_else(|| reader.kind(value, &key.text, "a number"))?;
    Amount::read(text).ok_or_else(|| reader.kind(value, &key.text, "a number"))
}

impl Operator {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact_to_six_places() {
        for (text, shown) in
            [("12", "12"), ("-0.5", "-0.5"), ("1e6", "1000000"), ("0.1234567", "0.123457")]
        {
            assert_eq!(Amount::read(text).unwrap().to_string(), shown);
        }
        assert_eq!(Amount::read("1e300"), Some(Amount(Amount::MAX)));
        assert!(Amount::read("inf").is_none() && Amount::read("x").is_none());
        let [a, b] = ["0.1", "0.2"].map(|t| Amount::read(t).unwrap());
        assert_eq!(a.plus(b), Amount::read("0.3").unwrap());
    }

    #[test]
    fn bounds_hold_together() {
        let bounds = Bounds(vec![
            (Operator::Greater, Amount::whole(100)),
            (Operator::LessOrEqual, Amount::whole(200)),
        ]);
        let hold = [100, 101, 200, 201].map(|n| bounds.hold(Amount::whole(n)));
        assert_eq!((hold, bounds.only_grow()), ([false, true, true, false], false));
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_none(text in "\\PC{0,30}") {
            if let Some(amount) = Amount::read(&text) {
                prop_assert_eq!(Amount::read(&amount.to_string()), Some(amount));
            }
        }
    }
}
