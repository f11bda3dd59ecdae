//! Percentiles: exact for few numbers, within 0.1 percent for many.
//!
//! Beyond [`EXACT_MAX`] numbers a group keeps counts in buckets whose bounds grow by 0.2 percent
//! (the idea of DDSketch). The answer does not depend on the order or the partitions of the rows.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{exec_datafusion_err, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::scalar::ScalarValue;

use crate::query::functions::coerce;

/// How many numbers are kept as they are.
const EXACT_MAX: usize = 16_384;

/// Numbers in memory so that one of them can be told by rank.
#[derive(Debug)]
pub(super) struct Percentile {
    percent: f64,
    numbers: Vec<f64>,
    /// Counts by bucket, once there are too many numbers; empty before.
    buckets: BTreeMap<i64, u64>,
}

impl Percentile {
    pub(super) fn of(percent: f64) -> Result<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(plan_datafusion_err!(
                "pct takes a percentage from 0 to 100, not {percent}"
            ));
        }
        Ok(Self { percent, numbers: Vec::new(), buckets: BTreeMap::new() })
    }

    fn add(&mut self, number: f64) {
        if !number.is_finite() {
            return;
        }
        if !self.buckets.is_empty() {
            *self.buckets.entry(bucket(number)).or_default() += 1;
            return;
        }
        self.numbers.push(number);
        if self.numbers.len() > EXACT_MAX {
            for number in std::mem::take(&mut self.numbers) {
                *self.buckets.entry(bucket(number)).or_default() += 1;
            }
        }
    }

    /// Takes counts of another part in, and puts own numbers to them.
    fn add_buckets(&mut self, buckets: impl Iterator<Item = (i64, u64)>) {
        for (bucket, count) in buckets {
            *self.buckets.entry(bucket).or_default() += count;
        }
        if !self.buckets.is_empty() {
            for number in std::mem::take(&mut self.numbers) {
                *self.buckets.entry(bucket(number)).or_default() += 1;
            }
        }
    }

    /// The nearest rank: the smallest number with at least so many percent at or below it.
    fn answer(&mut self) -> Option<f64> {
        if self.buckets.is_empty() {
            let rank = rank(self.percent, self.numbers.len() as u64)?;
            let (_, number, _) = self.numbers.select_nth_unstable_by(rank, f64::total_cmp);
            return Some(*number);
        }
        let rank = rank(self.percent, self.buckets.values().sum())?;
        let mut below = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            below += count;
            (below > rank as u64).then(|| middle(*bucket))
        })
    }
}

/// From 0 on.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are far below 2^52, and casts of floats saturate"
)]
fn rank(percent: f64, count: u64) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let rank = (percent / 100.0 * count as f64).ceil() as u64;
    usize::try_from(rank.saturating_sub(1).min(last)).ok()
}

/// How much larger a bucket's upper bound is than its lower.
const GROWTH: f64 = 1.002;
/// Added to the bucket of a positive number, so that it is above 0, the bucket of 0.
const OFFSET: i64 = 1 << 20;

#[expect(clippy::cast_possible_truncation, reason = "logarithms of finite numbers are small")]
fn bucket(number: f64) -> i64 {
    if number == 0.0 {
        return 0;
    }
    let index = (number.abs().ln() / GROWTH.ln()).ceil() as i64 + OFFSET;
    if number < 0.0 { -index } else { index }
}

/// The number that is nearest to all of a bucket, by ratio.
#[expect(clippy::cast_precision_loss, reason = "buckets are few")]
fn middle(bucket: i64) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let upper = ((bucket.abs() - OFFSET) as f64 * GROWTH.ln()).exp();
    let size = (upper * 2.0 / (1.0 + GROWTH)).min(f64::MAX);
    if bucket < 0 { -size } else { size }
}

impl Accumulator for Percentile {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let array = values.first().ok_or_else(|| exec_datafusion_err!("pct lacks its numbers"))?;
        coerce::numbers(array)?.iter().flatten().for_each(|number| self.add(number));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [numbers, buckets, counts] = states else {
            return Err(exec_datafusion_err!("a partial result of pct is incomplete"));
        };
        let lists = [numbers, buckets, counts].map(|state| state.as_list::<i32>());
        for row in 0..lists[0].len() {
            let [numbers, buckets, counts] = lists.map(|list| list.value(row));
            let keys = buckets.as_primitive::<Int64Type>().values().iter().copied();
            let counts =
                counts.as_primitive::<Int64Type>().values().iter().map(|n| n.cast_unsigned());
            self.add_buckets(keys.zip(counts));
            numbers.as_primitive::<Float64Type>().values().iter().for_each(|n| self.add(*n));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let whole = |numbers: Vec<ScalarValue>| {
            ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Int64))
        };
        let numbers: Vec<_> = self.numbers.iter().map(|n| ScalarValue::from(*n)).collect();
        let counts = self.buckets.values().map(|count| count.cast_signed().into());
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Float64)),
            whole(self.buckets.keys().map(|bucket| ScalarValue::from(*bucket)).collect()),
            whole(counts.collect()),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.answer()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.numbers.capacity() * 8 + self.buckets.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentile(percent: f64, numbers: impl Iterator<Item = f64>) -> Option<f64> {
        let mut all = Percentile::of(percent).expect("a percentage");
        numbers.for_each(|number| all.add(number));
        all.answer()
    }

    #[test]
    fn few_numbers_give_the_nearest_rank() {
        for (percent, expected) in
            [(0.0, 1.0), (20.0, 1.0), (21.0, 2.0), (50.0, 3.0), (95.0, 9.0), (100.0, 9.0)]
        {
            assert_eq!(percentile(percent, [9.0, 1.0, 3.0, 2.0, 4.0].into_iter()), Some(expected));
        }
        assert_eq!(percentile(50.0, std::iter::empty()), None);
        assert!(Percentile::of(101.0).is_err() && Percentile::of(f64::NAN).is_err());
    }

    #[test]
    fn many_numbers_are_within_a_tenth_of_a_percent_at_any_size() {
        for scale in [1e-250, 1.0, -1.0, 1e250] {
            let numbers = (0..100_000).map(|n| f64::from(n) * scale);
            let expected = if scale > 0.0 { 94_999.0 } else { 5_000.0 } * scale;
            let got = percentile(95.0, numbers).expect("a number");
            assert!(((got - expected) / expected).abs() < 0.0012, "{got} {expected}");
        }
    }

    #[test]
    fn parts_give_what_the_whole_gives() {
        let mut parts: Vec<_> =
            (0..3).map(|_| Percentile::of(90.0).expect("a percentage")).collect();
        for n in 0..30_000 {
            parts[if n < 20_000 { 0 } else { 1 + n % 2 }]
                .add(f64::from(u16::try_from(n).expect("small")));
        }
        let mut merged = Percentile::of(90.0).expect("a percentage");
        for part in &mut parts {
            let state: Vec<ArrayRef> = part
                .state()
                .expect("a state")
                .iter()
                .map(|s| s.to_array().expect("a row"))
                .collect();
            merged.merge_batch(&state).expect("a state");
        }
        assert_eq!(merged.answer(), percentile(90.0, (0..30_000).map(f64::from)));
    }
}
