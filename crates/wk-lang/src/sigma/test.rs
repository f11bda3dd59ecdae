//! A test: what a rule asks of one field, or, as a keyword, of all texts of a record.

use std::borrow::Cow;
use std::cmp::Ordering;

use wk_model::{Day, Timestamp};

use super::expression::Expression;
use super::field::{FieldPath, FieldValue, Leaf, Record};
use super::fold::fold;
use super::network::Networks;
use super::number::Number;
use super::pattern::Pattern;

/// What a rule asks of a field.
#[derive(Debug, Clone)]
pub struct Test {
    /// The field; `None` asks all texts of the record.
    pub field: Option<FieldPath>,
    /// The values that are wanted.
    pub wants: Vec<Want>,
    /// Whether all of them must be there; else one is enough.
    pub all: bool,
    /// Whether the answer is turned round (`neq`).
    pub negated: bool,
}

/// A value that is wanted.
#[derive(Debug, Clone)]
pub enum Want {
    /// The field is absent or null.
    Null,
    /// The field is there, or not, whatever its value.
    Exists(bool),
    /// A text like this.
    Text(Pattern),
    /// This number, or its text.
    Number(Number),
    /// A text in which this expression is found.
    Regex(Box<Expression>),
    /// An address in one of these networks.
    Networks(Networks),
    /// A number that compares so.
    Compare(Comparison, Number),
    /// A time whose part compares so.
    Time(TimePart, Comparison, Number),
    /// The text of another field.
    Field(Reference),
}

/// How a value compares to the number in the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A part of a point in time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Of the month, 1 to 31.
    Day,
    /// Of the year, by ISO 8601.
    Week,
    /// 1 to 12.
    Month,
    /// Such as 2026.
    Year,
}

/// Another field of the same record, and how its text must be there.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The other field.
    pub field: FieldPath,
    /// Where its text must be in the first field's.
    pub part: Part,
    /// Whether letter case counts.
    pub cased: bool,
}

/// Which part of a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Any part of it.
    Inside,
    /// Its beginning.
    Start,
    /// Its end.
    End,
}

impl Test {
    /// Whether it is true of the record.
    pub fn holds<R: Record + ?Sized>(&self, record: &R) -> bool {
        match &self.field {
            Some(field) => self.holds_for(&record.field(field), record),
            None => {
                self.join(|want| record.any_text(&mut |text| want.found_in(text))) != self.negated
            }
        }
    }

    /// The same, when the field's value is at hand.
    #[inline]
    pub(super) fn holds_for<R: Record + ?Sized>(&self, value: &FieldValue<'_>, record: &R) -> bool {
        self.join(|want| want.holds(value, record)) != self.negated
    }

    /// Whether a test that is not negated can be true of a field with this value among others,
    /// whatever the rest of the record. Where all wants must be true, each may be of another value.
    pub(super) fn may_hold_for(&self, value: &FieldValue<'_>) -> bool {
        let mut wants = self.wants.iter();
        wants.any(|want| matches!(want, Want::Field(_)) || want.holds(value, &NoRecord))
    }

    /// Whether it is true only of records that have the field.
    pub(super) fn needs_field(&self) -> bool {
        let needs = |want: &Want| !matches!(want, Want::Null | Want::Exists(false));
        self.field.is_some() && !self.negated && self.wants.iter().all(needs)
    }

    /// How many regular expressions it holds.
    pub(super) fn expressions(&self) -> usize {
        self.wants.iter().filter(|want| want.is_expression()).count()
    }

    /// Where nothing is wanted, as of an empty list, nothing is found: all of nothing would be
    /// true of every record.
    #[inline]
    fn join(&self, holds: impl FnMut(&Want) -> bool) -> bool {
        let mut wants = self.wants.iter();
        if self.all { !self.wants.is_empty() && wants.all(holds) } else { wants.any(holds) }
    }
}

/// A record without fields.
struct NoRecord;

impl Record for NoRecord {
    fn field(&self, _: &FieldPath) -> FieldValue<'_> {
        FieldValue::Absent
    }
    fn any_text(&self, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }
}

impl Want {
    /// Whether it is matched by a regular expression.
    pub(super) fn is_expression(&self) -> bool {
        match self {
            Self::Regex(_) => true,
            Self::Text(pattern) => pattern.is_expression(),
            _ => false,
        }
    }

    #[inline]
    fn holds<R: Record + ?Sized>(&self, value: &FieldValue<'_>, record: &R) -> bool {
        match self {
            Self::Null => value.is_absent() || value.any(&mut |leaf| matches!(leaf, Leaf::Null)),
            Self::Exists(wanted) => value.is_absent() != *wanted,
            Self::Text(pattern) => value.any(&mut |leaf| pattern.holds(leaf)),
            Self::Number(number) => value.any(&mut |leaf| match leaf {
                Leaf::Text(text) => number.is_text(text),
                Leaf::Number(text) => number.is_number(text),
                Leaf::Null | Leaf::Bool(_) | Leaf::Object(_) => false,
            }),
            Self::Regex(regex) => {
                value.any(&mut |leaf| text_of(leaf, true).is_some_and(|text| regex.is_match(&text)))
            }
            Self::Networks(networks) => {
                value.any(&mut |leaf| matches!(leaf, Leaf::Text(text) if networks.contain(text)))
            }
            Self::Compare(comparison, number) => value.any(&mut |leaf| match leaf {
                Leaf::Text(text) | Leaf::Number(text) => comparison.holds(number.compare_to(text)),
                Leaf::Null | Leaf::Bool(_) | Leaf::Object(_) => false,
            }),
            Self::Time(part, comparison, number) => value.any(&mut |leaf| {
                let part = time_of(leaf).map(|time| part.of(time));
                comparison.holds(part.and_then(|part| number.compare_to_whole(part)))
            }),
            Self::Field(reference) => reference.holds(value, &record.field(&reference.field)),
        }
    }

    /// For keywords: whether the text has it somewhere.
    fn found_in(&self, text: &str) -> bool {
        match self {
            Self::Text(pattern) => pattern.matches(text),
            Self::Regex(regex) => regex.is_match(text),
            _ => false,
        }
    }
}

impl Pattern {
    #[inline]
    fn holds(&self, leaf: Leaf<'_>) -> bool {
        match leaf {
            Leaf::Text(text) | Leaf::Number(text) => self.matches(text),
            other => {
                let asks_for_parts = self.equals().is_none();
                text_of(other, asks_for_parts).is_some_and(|text| self.matches(&text))
            }
        }
    }
}

/// The text of a value. An object has one, its compact JSON, only for operators that look at parts
/// of texts.
fn text_of(leaf: Leaf<'_>, objects: bool) -> Option<Cow<'_, str>> {
    match leaf {
        Leaf::Text(text) | Leaf::Number(text) => Some(Cow::Borrowed(text)),
        Leaf::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
        Leaf::Object(value) if objects => Some(value.compact()),
        Leaf::Null | Leaf::Object(_) => None,
    }
}

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        order.is_some_and(|order| match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

impl Reference {
    /// Whether one of the texts stands to one of the other field's texts as asked.
    fn holds(&self, value: &FieldValue<'_>, other: &FieldValue<'_>) -> bool {
        let case = |text: &str| if self.cased { text.to_owned() } else { fold(text) };
        value.any(&mut |leaf| {
            let Some(text) = text_of(leaf, false).map(|text| case(&text)) else { return false };
            other.any(&mut |leaf| {
                let Some(other) = text_of(leaf, false).map(|text| case(&text)) else {
                    return false;
                };
                match self.part {
                    Part::Whole => text == other,
                    Part::Inside => text.contains(&other),
                    Part::Start => text.starts_with(&other),
                    Part::End => text.ends_with(&other),
                }
            })
        })
    }
}

/// The time that a value says: RFC 3339, a date, or seconds, milliseconds or microseconds since
/// 1970, told apart by their size.
fn time_of(leaf: Leaf<'_>) -> Option<Timestamp> {
    let (Leaf::Text(text) | Leaf::Number(text)) = leaf else { return None };
    if let Ok(time) = Timestamp::parse(text) {
        return Some(time);
    }
    if let Some(day) = Day::parse(text) {
        return Some(day.start());
    }
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    match whole.parse::<i64>().ok()? {
        n @ 0..100_000_000_000 => Some(Timestamp::from_seconds(n)),
        n @ 100_000_000_000..100_000_000_000_000 => Some(Timestamp::from_millis(n)),
        n @ 100_000_000_000_000.. => Some(Timestamp::from_micros(n)),
        _ => None,
    }
}

impl TimePart {
    fn of(self, time: Timestamp) -> i64 {
        let (year, month, day) = time.day().civil();
        let of_day = time.seconds().rem_euclid(86_400);
        match self {
            Self::Minute => of_day / 60 % 60,
            Self::Hour => of_day / 3_600,
            Self::Day => i64::from(day),
            Self::Week => iso_week(time.day()),
            Self::Month => i64::from(month),
            Self::Year => year,
        }
    }
}

/// The week of ISO 8601: weeks begin on Monday and belong to the year of their Thursday.
fn iso_week(day: Day) -> i64 {
    let number = i64::from(day.number());
    let thursday = number - (number + 3).rem_euclid(7) + 3;
    let year = i32::try_from(thursday).map(|n| Day::from_number(n).civil().0).unwrap_or(1970);
    let new_year = i32::try_from(year).ok().and_then(|year| Day::from_civil(year, 1, 1));
    new_year.map_or(0, |new_year| (thursday - i64::from(new_year.number())) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_times() {
        let time = |text| time_of(Leaf::Text(text)).unwrap();
        let all = |text| {
            use TimePart::*;
            [Minute, Hour, Day, Week, Month, Year].map(|part| part.of(time(text)))
        };
        assert_eq!(all("2026-11-22T23:59:01Z"), [59, 23, 22, 47, 11, 2026]);
        assert_eq!(all("2027-01-03"), [0, 0, 3, 53, 1, 2027]);
        assert_eq!(all("2024-12-30T00:00:00+00:00"), [0, 0, 30, 1, 12, 2024]);
        assert_eq!(all("1700000000"), all("1700000000123"));
        assert_eq!(all("1700000000.5"), all("1700000000000000"));
        assert!(time_of(Leaf::Text("soon")).is_none() && time_of(Leaf::Bool(true)).is_none());
    }
}
