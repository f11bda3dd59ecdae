//! Different values and how often each occurs: `values`, `topk`.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_datafusion_err, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::scalar::ScalarValue;
use wk_lang::insights::meaning::{natural, number};

use crate::query::functions::coerce;

/// The largest k of `topk`, as AWS documents it.
const K_MAX: i64 = 10_000;

/// Counts of texts.
#[derive(Debug)]
pub(super) struct Tally {
    counts: HashMap<String, i64>,
    text_bytes: usize,
    /// The most frequent so many; all, in order, where it is missing.
    most: Option<usize>,
}

impl Tally {
    pub(super) fn distinct() -> Self {
        Self { counts: HashMap::new(), text_bytes: 0, most: None }
    }

    pub(super) fn most(k: f64) -> Result<Self> {
        let known = number::cut(k).filter(|k| (1..=K_MAX).contains(k));
        let most = known.and_then(|k| usize::try_from(k).ok());
        let most =
            most.ok_or_else(|| plan_datafusion_err!("topk takes 1 to {K_MAX} values, not {k}"))?;
        Ok(Self { most: Some(most), ..Self::distinct() })
    }

    fn add(&mut self, text: &str, times: i64) {
        if let Some(count) = self.counts.get_mut(text) {
            *count += times;
        } else {
            self.text_bytes += text.len();
            self.counts.insert(text.to_owned(), times);
        }
    }

    /// Texts by count if the most frequent are asked for, and by the order of `sort`.
    fn ordered(&self) -> Vec<&str> {
        let mut texts: Vec<(i64, Vec<u8>, &str)> = Vec::with_capacity(self.counts.len());
        #[expect(clippy::iter_over_hash_type, reason = "they are sorted below")]
        for (text, count) in &self.counts {
            let mut key = Vec::new();
            natural::key_of_text(text, &mut key);
            texts.push((if self.most.is_some() { -count } else { 0 }, key, text));
        }
        texts.sort_unstable();
        let most = self.most.unwrap_or(texts.len());
        texts.into_iter().take(most).map(|(_, _, text)| text).collect()
    }
}

impl Accumulator for Tally {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let array = values.first().ok_or_else(|| exec_datafusion_err!("a value is missing"))?;
        coerce::texts(array)?.iter().flatten().for_each(|text| self.add(text, 1));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [texts, counts] = states else {
            return Err(exec_datafusion_err!("a partial result of a query is incomplete"));
        };
        let (texts, counts) = (texts.as_list::<i32>(), counts.as_list::<i32>());
        for row in 0..texts.len() {
            let (texts, counts) = (texts.value(row), counts.value(row));
            let counts = counts.as_primitive::<Int64Type>().values();
            for (text, count) in texts.as_string::<i32>().iter().zip(counts) {
                text.into_iter().for_each(|text| self.add(text, *count));
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut texts: Vec<(&str, i64)> =
            self.counts.iter().map(|(t, n)| (t.as_str(), *n)).collect();
        texts.sort_unstable();
        let counts: Vec<_> = texts.iter().map(|(_, n)| ScalarValue::from(*n)).collect();
        Ok(vec![
            list(texts.iter().map(|(text, _)| *text)),
            ScalarValue::List(ScalarValue::new_list_nullable(&counts, &DataType::Int64)),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(list(self.ordered().into_iter()))
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.text_bytes
            + self.counts.capacity() * (size_of::<(String, i64)>() + 8)
    }
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> ScalarValue {
    let items: Vec<ScalarValue> = texts.map(ScalarValue::from).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&items, &DataType::Utf8))
}
