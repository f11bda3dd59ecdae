//! Functions over values of any type, and the key to sort them by.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BinaryBuilder, BooleanArray, new_null_array};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use wk_lang::insights::meaning::{natural, number};

use super::coerce;
use super::numeric::MANY;
use super::scalar::{Call, Gives, Scalar};

const ANY: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "value",
    arity: (1, 1),
    gives: Gives::Truth,
    says: "",
    run: |call| Ok(call.nothing()),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["isPresent"],
        sql: &["is_present"],
        says: "Whether there is a value; empty text is one, JSON's `null` is none.",
        run: |call| {
            let array = call.array(0)?;
            let row_of = |row| if call.is_constant(0) { 0 } else { row };
            call.each_truth(|row| {
                Some(!array.is_null(row_of(row)) && *array.data_type() != DataType::Null)
            })
        },
        ..ANY
    },
    Scalar {
        insights: &["coalesce"],
        sql: &["coalesce_any"],
        takes: "value, …",
        arity: (1, MANY),
        gives: Gives::Common,
        says: "The first value that is there.",
        run: coalesce,
    },
    Scalar {
        insights: &["case"],
        sql: &["case_of"],
        takes: "condition, value, …, default?",
        arity: (2, MANY),
        gives: Gives::Branches,
        says: "The value behind the first condition that is true, else the default.",
        run: case,
    },
    Scalar {
        insights: &["if"],
        sql: &["if_else"],
        takes: "condition, value, otherwise",
        arity: (3, 3),
        gives: Gives::Branches,
        says: "One value if the condition is true, else the other.",
        run: case,
    },
    Scalar {
        insights: &["isNumeric"],
        sql: &["is_numeric"],
        says: "Whether the value is a number, or text that is one.",
        run: is_numeric,
        ..ANY
    },
    Scalar {
        insights: &["messageSize"],
        sql: &["message_size"],
        gives: Gives::Whole,
        says: "How many bytes the value's text has in UTF-8.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_whole(|row| i64::try_from(texts.get(row)?.len()).ok())
        },
        ..ANY
    },
    Scalar {
        sql: &["natural_key"],
        gives: Gives::Key,
        says: "Bytes that sort as the `sort` of Logs Insights does; never missing.",
        run: natural_key,
        ..ANY
    },
];

fn coalesce(call: &Call<'_>) -> Result<ArrayRef> {
    let types = (0..call.count()).map(|n| coerce::to_type(call.array(n)?, call.gives));
    let arrays = types.collect::<Result<Vec<_>>>()?;
    choose(call, &arrays, |row| (0..arrays.len()).find(|n| has_value(call, &arrays, *n, row)))
}

fn has_value(call: &Call<'_>, arrays: &[ArrayRef], index: usize, row: usize) -> bool {
    let row = if call.is_constant(index) { 0 } else { row };
    arrays[index].is_valid(row)
}

fn case(call: &Call<'_>) -> Result<ArrayRef> {
    let branches = call.count() / 2;
    let conditions = (0..branches).map(|n| call.truths(2 * n)).collect::<Result<Vec<_>>>()?;
    let default = call.count() % 2 == 1;
    let is_value = |n: usize| n % 2 == 1 || n + 1 == call.count();
    let typed = |n: usize| match is_value(n) {
        true => coerce::to_type(call.array(n)?, call.gives),
        false => Ok(new_null_array(call.gives, 1)),
    };
    let arrays = (0..call.count()).map(typed).collect::<Result<Vec<_>>>()?;
    choose(call, &arrays, |row| {
        let met = conditions.iter().position(|condition| condition.get(row) == Some(true));
        met.map(|n| 2 * n + 1).or(default.then(|| call.count() - 1))
    })
}

/// The value of one of the columns for each row.
fn choose(
    call: &Call<'_>,
    arrays: &[ArrayRef],
    which: impl Fn(usize) -> Option<usize>,
) -> Result<ArrayRef> {
    let nothing = new_null_array(call.gives, 1);
    let mut columns: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    columns.push(&nothing);
    let places: Vec<(usize, usize)> = (0..call.rows)
        .map(|row| match which(row) {
            Some(n) if call.is_constant(n) => (n, 0),
            Some(n) => (n, row),
            None => (arrays.len(), 0),
        })
        .collect();
    Ok(interleave(&columns, &places)?)
}

fn is_numeric(call: &Call<'_>) -> Result<ArrayRef> {
    let array = call.array(0)?;
    if !coerce::is_text(array.data_type()) {
        let yes = array.data_type().is_numeric();
        let present = |row| array.is_valid(if call.is_constant(0) { 0 } else { row });
        let truths: BooleanArray = (0..call.rows).map(|row| Some(yes && present(row))).collect();
        return Ok(Arc::new(truths));
    }
    let texts = call.texts(0)?;
    call.each_truth(|row| Some(texts.get(row).and_then(number::of).is_some()))
}

fn natural_key(call: &Call<'_>) -> Result<ArrayRef> {
    match call.array(0)?.data_type() {
        DataType::Timestamp(..) => {
            let times = call.times(0)?;
            #[expect(clippy::cast_precision_loss, reason = "exact to the year 2255")]
            let number = |row| times.get(row).map(|micros| micros as f64);
            keys(call, |row, key| {
                number(row).into_iter().for_each(|n| natural::key_of_number(n, key))
            })
        }
        kind if kind.is_numeric() || *kind == DataType::Boolean => {
            let numbers = call.numbers(0)?;
            keys(call, |row, key| {
                numbers.get(row).into_iter().for_each(|n| natural::key_of_number(n, key))
            })
        }
        _ => {
            let texts = call.texts(0)?;
            keys(call, |row, key| {
                texts.get(row).into_iter().for_each(|text| natural::key_of_text(text, key))
            })
        }
    }
}

fn keys(call: &Call<'_>, fill: impl Fn(usize, &mut Vec<u8>)) -> Result<ArrayRef> {
    let mut keys = BinaryBuilder::with_capacity(call.rows, call.rows * 16);
    let mut key = Vec::new();
    for row in 0..call.rows {
        key.clear();
        fill(row, &mut key);
        keys.append_value(&key);
    }
    Ok(Arc::new(keys.finish()))
}
