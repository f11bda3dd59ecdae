//! The one place where values of a query change their type.
//!
//! A query has no types; columns have. What a value is taken for:
//!
//! | taken as | text | number | boolean | time | list |
//! |---|---|---|---|---|---|
//! | number | if it is one whole ([`number::of`]); `true` is 1, `false` is 0 | itself | 1 or 0 | epoch milliseconds | nothing |
//! | text | itself | shortest form, no `.0` | `true`, `false` | `2026-01-31 09:00:00.000`, UTC | JSON |
//! | truth | `true`, or a number that is not 0 | not 0 | itself | nothing | nothing |
//! | time | RFC 3339, the form above, or epoch milliseconds | epoch milliseconds | nothing | itself | nothing |
//!
//! Nothing stays nothing. A number that is not finite is nothing.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray, StringArray,
    StringBuilder, StringViewArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{cast, kernels::arity::unary};
use datafusion::arrow::datatypes::{
    DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use wk_lang::insights::meaning::number;
use wk_model::Timestamp;
use wk_seam::schema::UTC;

/// The type of a time in a query.
pub(super) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// A column of texts, in whichever of Arrow's layouts.
#[derive(Debug, Clone)]
pub(super) enum Texts {
    Plain(StringArray),
    View(StringViewArray),
}

impl Texts {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Plain(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Plain(array) => array.len(),
            Self::View(array) => array.len(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }

    pub(super) fn into_array(self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Plain(array) => Arc::new(array),
            Self::View(array) => cast(&array, &DataType::Utf8)?,
        })
    }
}

/// Any column as texts.
pub(super) fn texts(array: &ArrayRef) -> Result<Texts> {
    let plain = match array.data_type() {
        DataType::Utf8View => return Ok(Texts::View(array.as_string_view().clone())),
        DataType::Utf8 => array.as_string::<i32>().clone(),
        DataType::Float64 => {
            let numbers = array.as_primitive::<Float64Type>();
            collect(numbers.iter().map(|n| n.filter(|n| n.is_finite()).map(number::text)))?
        }
        DataType::Float32 | DataType::Float16 => {
            return texts(&cast(array, &DataType::Float64)?);
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            collect(times(array)?.iter().map(|t| t.map(time_text)))?
        }
        DataType::List(_) | DataType::LargeList(_) => lists(array)?,
        _ => cast(array, &DataType::Utf8)?.as_string::<i32>().clone(),
    };
    Ok(Texts::Plain(plain))
}

/// Any column as numbers.
pub(super) fn numbers(array: &ArrayRef) -> Result<Float64Array> {
    Ok(match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().clone(),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            numbers(&(Arc::new(millis(&times(array)?)) as ArrayRef))?
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            texts(array)?.iter().map(|text| text.and_then(number_of)).collect()
        }
        DataType::List(_) | DataType::LargeList(_) => Float64Array::new_null(array.len()),
        _ => cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone(),
    })
}

/// The number a text is taken for.
fn number_of(text: &str) -> Option<f64> {
    match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => number::of(text),
    }
}

/// Any column as yes or no.
pub(super) fn truths(array: &ArrayRef) -> Result<BooleanArray> {
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().clone(),
        DataType::Timestamp(..) | DataType::List(_) => BooleanArray::new_null(array.len()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            let truth = |text: &str| number_of(text).is_some_and(|n| n != 0.0);
            texts(array)?.iter().map(|text| text.map(truth)).collect()
        }
        _ => numbers(array)?.iter().map(|n| n.map(|n| n != 0.0)).collect(),
    })
}

/// Any column as times.
pub(super) fn times(array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let times: TimestampMicrosecondArray = match array.data_type() {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            let plain = DataType::Timestamp(TimeUnit::Microsecond, None);
            cast(array, &plain)?.as_primitive::<TimestampMicrosecondType>().clone()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            texts(array)?.iter().map(|text| text.and_then(time_of)).collect()
        }
        DataType::Boolean => PrimitiveArray::new_null(array.len()),
        DataType::Int64 => {
            let millis = array.as_primitive::<Int64Type>();
            millis.iter().map(|n| n.and_then(|n| n.checked_mul(1000))).collect()
        }
        _ => numbers(array)?.iter().map(|n| n.and_then(|n| number::cut(n * 1000.0))).collect(),
    };
    Ok(times.with_timezone(UTC))
}

/// The time a text is taken for, in microseconds of the epoch.
fn time_of(text: &str) -> Option<i64> {
    if let Some(millis) = number::of(text) {
        return number::cut(millis * 1000.0);
    }
    let zoned = Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}Z")));
    zoned.ok().map(Timestamp::micros)
}

/// Epoch milliseconds of times.
pub(super) fn millis(times: &TimestampMicrosecondArray) -> Int64Array {
    unary(times, |micros| micros.div_euclid(1000))
}

/// A time as a query shows it.
pub(super) fn time_text(micros: i64) -> String {
    match chrono::DateTime::from_timestamp_micros(micros) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => micros.div_euclid(1000).to_string(),
    }
}

/// Lists as JSON.
fn lists(array: &ArrayRef) -> Result<StringArray> {
    let item = |index: usize| -> Result<Option<String>> {
        let Some(items) = list_items(array, index)? else { return Ok(None) };
        let items: Vec<_> = items.iter().map(|item| item.map(str::to_owned)).collect();
        let json = serde_json::to_string(&items);
        json.map(Some).map_err(|e| exec_datafusion_err!("a list could not be written: {e}"))
    };
    collect((0..array.len()).map(item).collect::<Result<Vec<_>>>()?.into_iter())
}

/// The items of a list as texts.
pub(super) fn list_items(array: &ArrayRef, row: usize) -> Result<Option<Texts>> {
    if array.is_null(row) {
        return Ok(None);
    }
    let items = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => return Ok(None),
    };
    // A list in a list would have to be asked again, and again.
    match items.data_type() {
        DataType::List(_) | DataType::LargeList(_) => Ok(None),
        _ => texts(&items).map(Some),
    }
}

fn collect(texts: impl Iterator<Item = Option<String>>) -> Result<StringArray> {
    let mut out = TextOut::with_rows(texts.size_hint().0);
    for text in texts {
        out.push(text.as_deref())?;
    }
    Ok(out.builder.finish())
}

/// A column of texts that is being made, with a bound: its offsets have 31 bits.
pub(super) struct TextOut {
    builder: StringBuilder,
    bytes: usize,
}

impl TextOut {
    const BYTES_MAX: usize = 1 << 30;

    pub(super) fn with_rows(rows: usize) -> Self {
        Self { builder: StringBuilder::with_capacity(rows, rows.saturating_mul(8)), bytes: 0 }
    }

    pub(super) fn push(&mut self, text: Option<&str>) -> Result<()> {
        self.bytes = self.bytes.saturating_add(text.map_or(0, str::len));
        if self.bytes > Self::BYTES_MAX {
            return Err(exec_datafusion_err!(
                "the texts that a function makes of one batch of rows take more than 1 GiB"
            ));
        }
        self.builder.append_option(text);
        Ok(())
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

/// Whether values of a type are texts.
pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The type that holds values of all these types: their own where they agree, numbers where all
/// are numbers, else text.
pub(super) fn common_type<'a>(types: impl Iterator<Item = &'a DataType>) -> DataType {
    let mut common = DataType::Null;
    for kind in types {
        let kind = match kind {
            DataType::Timestamp(..) => time_type(),
            kind if is_text(kind) => DataType::Utf8,
            kind => kind.clone(),
        };
        common = match (common, kind) {
            (DataType::Null, kind) | (kind, DataType::Null) => kind,
            (a, b) if a == b => a,
            (a, b) if a.is_numeric() && b.is_numeric() => DataType::Float64,
            _ => return DataType::Utf8,
        };
    }
    if common == DataType::Null { DataType::Utf8 } else { common }
}

/// A column as the type that [`common_type`] gave.
pub(super) fn to_type(array: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    match kind {
        _ if array.data_type() == kind => Ok(array.clone()),
        DataType::Utf8 => texts(array)?.into_array(),
        DataType::Float64 => Ok(Arc::new(numbers(array)?)),
        DataType::Timestamp(..) => Ok(Arc::new(times(array)?)),
        _ => Ok(cast(array, kind)?),
    }
}
