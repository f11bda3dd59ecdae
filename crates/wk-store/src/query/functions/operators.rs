//! What the operators of the language mean between values of any type.
//!
//! Comparison, as we chose it where AWS says nothing:
//!
//! * Nothing compares with nothing: every comparison with a missing value is false, `!=` too.
//! * Two texts are equal when they are the same text: `"1.0" = "1"` is false. Of two texts `<` and
//!   `>` compare the numbers where both are numbers, else character by character in Unicode order.
//! * Where one side is a number, a boolean or a time and the other side can be taken for a number,
//!   the numbers are compared: `"7" = 7`, `"10" > 9`, `true = 1`.
//! * A time and a text that reads as a time compare as times.
//! * Else the two are different: `=` is false, `!=` is true, and neither is less. A text that says
//!   `true` or `false` equals the boolean.

use std::cmp::Ordering;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use wk_lang::insights::meaning::number;

use super::coerce::{self, is_text};
use super::scalar::{Call, Gives, Scalar};

const COMPARE: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "value, value",
    arity: (2, 2),
    gives: Gives::Truth,
    says: "",
    run: |call| compare(call, false, |order| order == Some(Ordering::Equal)),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar { sql: &["insights_equal"], says: "`a = b` as Logs Insights compares.", ..COMPARE },
    Scalar {
        sql: &["insights_not_equal"],
        says: "`a != b` as Logs Insights compares.",
        run: |call| compare(call, false, |order| order != Some(Ordering::Equal)),
        ..COMPARE
    },
    Scalar {
        sql: &["insights_less"],
        says: "`a < b` as Logs Insights compares.",
        run: |call| compare(call, true, |order| order == Some(Ordering::Less)),
        ..COMPARE
    },
    Scalar {
        sql: &["insights_less_or_equal"],
        says: "`a <= b` as Logs Insights compares.",
        run: |call| compare(call, true, |order| order.is_some_and(Ordering::is_le)),
        ..COMPARE
    },
    Scalar {
        sql: &["insights_greater"],
        says: "`a > b` as Logs Insights compares.",
        run: |call| compare(call, true, |order| order == Some(Ordering::Greater)),
        ..COMPARE
    },
    Scalar {
        sql: &["insights_greater_or_equal"],
        says: "`a >= b` as Logs Insights compares.",
        run: |call| compare(call, true, |order| order.is_some_and(Ordering::is_ge)),
        ..COMPARE
    },
    Scalar {
        sql: &["insights_truth"],
        takes: "value",
        arity: (1, 1),
        says: "Whether a value counts as yes in a filter; a missing value is a no.",
        run: |call| {
            let truths = call.truths(0)?;
            call.each_truth(|row| Some(truths.get(row) == Some(true)))
        },
        ..COMPARE
    },
    Scalar {
        sql: &["insights_text", "to_text"],
        takes: "value",
        arity: (1, 1),
        gives: Gives::Text,
        says: "The value as text.",
        run: |call| coerce::texts(call.array(0)?)?.into_array(),
        ..COMPARE
    },
    Scalar {
        sql: &["insights_time", "to_time"],
        takes: "value",
        arity: (1, 1),
        gives: Gives::Time,
        says: "The value as a time: RFC 3339, or epoch milliseconds.",
        run: |call| {
            let times = call.times(0)?;
            call.each_time(|row| times.get(row))
        },
        ..COMPARE
    },
];

/// What two values are compared as.
enum Ground {
    Texts,
    Times,
    Numbers,
}

fn ground(left: &DataType, right: &DataType) -> Ground {
    let is_time = |kind: &DataType| matches!(kind, DataType::Timestamp(..));
    match (left, right) {
        (l, r) if is_time(l) && (is_time(r) || is_text(r)) => Ground::Times,
        (l, r) if is_time(r) && is_text(l) => Ground::Times,
        (l, r) if is_text(l) && is_text(r) => Ground::Texts,
        (DataType::List(_), _) | (_, DataType::List(_)) => Ground::Texts,
        _ => Ground::Numbers,
    }
}

/// `judge` is given the order of two values that are there; `None` where they have none.
fn compare(
    call: &Call<'_>,
    ordered: bool,
    judge: fn(Option<Ordering>) -> bool,
) -> Result<ArrayRef> {
    let ground = ground(call.array(0)?.data_type(), call.array(1)?.data_type());
    match ground {
        Ground::Texts => {
            let (left, right) = (call.texts(0)?, call.texts(1)?);
            let order = if ordered { order_of_texts } else { |l: &str, r: &str| l.cmp(r) };
            call.each_truth(|row| {
                let both = left.get(row).zip(right.get(row));
                Some(both.is_some_and(|(l, r)| judge(Some(order(l, r)))))
            })
        }
        Ground::Times => {
            let (left, right) = (call.times(0)?, call.times(1)?);
            let present = both_present(call)?;
            call.each_truth(|row| {
                let order = left.get(row).zip(right.get(row)).map(|(l, r)| l.cmp(&r));
                Some(present(row) && judge(order))
            })
        }
        Ground::Numbers => {
            let (left, right) = (call.numbers(0)?, call.numbers(1)?);
            let present = both_present(call)?;
            call.each_truth(|row| {
                let order = left.get(row).zip(right.get(row)).and_then(|(l, r)| l.partial_cmp(&r));
                Some(present(row) && judge(order))
            })
        }
    }
}

/// Whether both values of a row are there, whatever they can be taken for.
fn both_present<'c>(call: &'c Call<'_>) -> Result<impl Fn(usize) -> bool + 'c> {
    let (left, right) = (call.array(0)?, call.array(1)?);
    let (l, r) = (call.is_constant(0), call.is_constant(1));
    Ok(move |row| {
        let at = |constant| if constant { 0 } else { row };
        left.is_valid(at(l)) && right.is_valid(at(r))
    })
}

fn order_of_texts(left: &str, right: &str) -> Ordering {
    let numbers = number::of(left).zip(number::of(right));
    numbers.and_then(|(l, r)| l.partial_cmp(&r)).unwrap_or_else(|| left.cmp(right))
}
