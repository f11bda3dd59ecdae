//! The value with the smallest or largest key: extremes, first and last in time or order.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::scalar::ScalarValue;
use wk_lang::insights::meaning::{natural, number};

use super::udaf::Own;
use crate::query::functions::coerce::{self, Texts};

/// Keeps one value and its key.
#[derive(Debug)]
pub(super) struct Best {
    own: Own,
    kind: DataType,
    key: Vec<u8>,
    value: ScalarValue,
}

impl Best {
    pub(super) fn new(own: Own, kind: &DataType) -> Result<Self> {
        Ok(Self { own, kind: kind.clone(), key: Vec::new(), value: ScalarValue::try_from(kind)? })
    }

    fn takes_largest(&self) -> bool {
        matches!(self.own, Own::Max | Own::SortsLast | Own::Latest)
    }

    /// Whether a key is better than the one that is kept; an empty key is of no value.
    fn is_better(&self, key: &[u8]) -> bool {
        if key.is_empty() {
            return false;
        }
        if self.key.is_empty() {
            return true;
        }
        if self.takes_largest() { *key > *self.key } else { *key < *self.key }
    }
}

/// What keys are made of.
struct Keys {
    texts: Texts,
    /// Numbers of a column that has numbers.
    numbers: Option<datafusion::arrow::array::Float64Array>,
    times: Option<TimestampMicrosecondArray>,
}

impl Keys {
    fn of(values: &[ArrayRef]) -> Result<Self> {
        let array = values.first().ok_or_else(|| exec_datafusion_err!("a value is missing"))?;
        let typed =
            !coerce::is_text(array.data_type()) && !matches!(array.data_type(), DataType::List(_));
        let numbers = match array.data_type() {
            // Milliseconds would not tell microseconds apart.
            DataType::Timestamp(..) => {
                #[expect(clippy::cast_precision_loss, reason = "exact to the year 2255")]
                let micros = |t: Option<i64>| t.map(|t| t as f64);
                Some(coerce::times(array)?.iter().map(micros).collect())
            }
            _ if typed => Some(coerce::numbers(array)?),
            _ => None,
        };
        let times = values.get(1).map(coerce::times).transpose()?;
        Ok(Self { texts: coerce::texts(array)?, numbers, times })
    }

    /// The key of a row; empty where there is no value.
    fn key(&self, own: Own, row: usize, key: &mut Vec<u8>) {
        key.clear();
        let Some(text) = self.texts.get(row) else { return };
        if let Some(times) = &self.times {
            if times.is_null(row) {
                return;
            }
            let ordered = times.value(row).cast_unsigned() ^ (1 << 63);
            key.extend_from_slice(&ordered.to_be_bytes());
        }
        let typed = self.numbers.as_ref().filter(|n| n.is_valid(row)).map(|n| n.value(row));
        match (own, typed) {
            (_, Some(number)) => natural::key_of_number(number, key),
            (Own::Min | Own::Max, None) => extreme_key(own, text, key),
            (_, None) => natural::key_of_text(text, key),
        }
    }
}

/// Numbers win over texts at both ends.
fn extreme_key(own: Own, text: &str, key: &mut Vec<u8>) {
    match number::of(text) {
        Some(number) => {
            natural::key_of_number(number, key);
            // Of 7 and 07 the same one each time.
            key.extend_from_slice(text.as_bytes());
        }
        None => {
            key.push(if own == Own::Max { 0 } else { u8::MAX });
            key.extend_from_slice(text.as_bytes());
        }
    }
}

impl Accumulator for Best {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let keys = Keys::of(values)?;
        let (mut key, mut best) = (Vec::new(), None);
        for row in 0..keys.texts.len() {
            keys.key(self.own, row, &mut key);
            if self.is_better(&key) {
                std::mem::swap(&mut self.key, &mut key);
                best = Some(row);
            }
        }
        if let (Some(row), Some(array)) = (best, values.first()) {
            let array = coerce::to_type(&array.slice(row, 1), &self.kind)?;
            self.value = ScalarValue::try_from_array(&array, 0)?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [keys, values] = states else {
            return Err(exec_datafusion_err!("a partial result of a query is incomplete"));
        };
        let keys = keys.as_binary::<i32>();
        for row in (0..keys.len()).filter(|row| keys.is_valid(*row)) {
            if self.is_better(keys.value(row)) {
                self.key = keys.value(row).to_vec();
                self.value = ScalarValue::try_from_array(values, row)?;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.key.clone())), self.value.clone()])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.key.capacity() + self.value.size()
    }
}
