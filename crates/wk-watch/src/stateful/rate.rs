//! `rate`: more events in a bucket of five minutes than is usual at this hour of the week.
//!
//! The usual is the median over the buckets of the same hour in the weeks before, quiet ones
//! included, and how far they lie from it is their median absolute deviation. All of it is counted
//! in whole numbers. What is not seen for longer than the history is to be learned anew.

use std::collections::BTreeMap;

use wk_lang::sigma::Rate;
use wk_model::Timestamp;
use wk_model::signal::{Count, Sample, Seen, Signal};

use super::codec::{NotAState, Reader, Writer};
use super::state::{read_sample, write_sample};
use super::step::{Step, Stepped};

/// Buckets in an hour, and in a week.
const HOUR: i64 = 12;
const WEEK: i64 = 7 * 24 * HOUR;
/// How many samples of open buckets are kept; there is one in five minutes of what may come late.
const SAMPLES_MAX: usize = 10_000;

/// What is remembered of a key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    account: Option<String>,
    /// The last bucket that is judged.
    judged_to: Option<i64>,
    /// The first bucket of those that the usual is taken from.
    since: Option<i64>,
    /// How many events there were in each bucket.
    counts: BTreeMap<i64, u64>,
    /// The first event of each bucket that may still be told of.
    first: BTreeMap<i64, Sample>,
    /// How many buckets up to the last one judged were high without a gap.
    high: u32,
}

/// A step of a rule that counts.
pub(super) fn step(
    mut step: Step<'_>,
    kind: &Rate,
    state: Option<&[u8]>,
    signals: Vec<Signal>,
) -> Stepped {
    let shape = step.rule.shape;
    let mut state = step.begin(state.map(|bytes| Counts::decode(bytes, shape)));
    if let Some(seen) = step.seen(signals, &mut state.account) {
        match seen {
            Seen::Counts(counts) => {
                for count in counts {
                    step.stepped.late += state.take_in(count);
                }
            }
            other => step.stepped.dropped += other.len() as u64,
        }
    }
    state.judge(kind, &mut step);
    state.forget(kind, &mut step);
    step.stepped.due = state.due(kind, &step);
    if !state.counts.is_empty() {
        step.stepped.state = Some(state.encode(shape));
    }
    step.stepped
}

/// For how many buckets a count is remembered.
fn remembered(kind: &Rate) -> i64 {
    i64::from(kind.history_weeks) * WEEK + HOUR
}

/// The last bucket that is over and waited for no longer.
fn closed(step: &Step<'_>) -> i64 {
    step.closed().seconds().div_euclid(Rate::BUCKET_SECONDS) - 1
}

impl Counts {
    /// Takes the events of a bucket in, and says how many of them came too late to be judged.
    fn take_in(&mut self, Count { bucket, count, first }: Count) -> u64 {
        let there = self.counts.entry(bucket).or_default();
        *there = there.saturating_add(count);
        if self.judged_to.is_some_and(|judged| bucket <= judged) {
            return count;
        }
        let there = self.first.entry(bucket).or_insert_with(|| first.clone());
        if first < *there {
            *there = first;
        }
        0
    }

    fn judge(&mut self, kind: &Rate, step: &mut Step<'_>) {
        let closed = closed(step);
        let account = self.account.clone();
        let open: Vec<i64> = self.counts.range(..=closed).map(|(bucket, _)| *bucket).collect();
        for bucket in open {
            if self.judged_to.is_some_and(|judged| bucket <= judged) {
                continue;
            }
            if self.judged_to != Some(bucket - 1) {
                self.high = 0; // a bucket without events was between
            }
            self.judged_to = Some(bucket);
            self.meet(kind, bucket);
            self.high = if self.is_high(kind, bucket) { self.high.saturating_add(1) } else { 0 };
            let row = match self.high {
                high if high < kind.buckets => continue,
                high if high == kind.buckets => i64::from(high),
                _ => 1,
            };
            for told in bucket - row + 1..=bucket {
                self.tell(told, account.as_deref(), step);
            }
        }
        if self.judged_to.is_none_or(|judged| judged < closed) {
            if !self.counts.contains_key(&closed) {
                self.high = 0;
            }
            self.judged_to = Some(closed);
        }
    }

    /// Begins to learn the key, where nothing of it is remembered.
    fn meet(&mut self, kind: &Rate, bucket: i64) {
        let before = self.counts.range(..bucket).next_back().map(|(before, _)| *before);
        if before.is_none_or(|before| bucket - before > remembered(kind)) {
            self.since = Some(bucket);
        }
    }

    fn tell(&mut self, bucket: i64, account: Option<&str>, step: &mut Step<'_>) {
        let Some(sample) = self.first.remove(&bucket) else { return };
        let count = self.counts.get(&bucket).copied();
        let time = Timestamp::from_seconds(bucket.saturating_mul(Rate::BUCKET_SECONDS));
        step.sight(account, &sample, time.floor_to(step.rule.window_seconds), count);
        step.tell_above(account, &sample);
    }

    /// Whether a bucket has more events than the floor, and more than is usual.
    fn is_high(&self, kind: &Rate, bucket: i64) -> bool {
        let count = self.counts.get(&bucket).copied().unwrap_or_default();
        let learned = |since: i64| since + i64::from(kind.learning_days) * 24 * HOUR <= bucket;
        if count < kind.floor || !self.since.is_some_and(learned) {
            return false;
        }
        let usual = self.usual(kind, bucket);
        if usual.is_empty() {
            return false;
        }
        // Everything times four, so that medians between two numbers are whole.
        let (median, deviation) = median_and_deviation(usual);
        let millions = 1_000_000i128;
        let above = i128::from(median) * millions
            + kind.deviations.millionths().saturating_mul(i128::from(deviation));
        i128::from(count) * 4 * millions >= above
    }

    /// The counts of the buckets of the same hour in the weeks before, since there were events.
    fn usual(&self, kind: &Rate, bucket: i64) -> Vec<u64> {
        let hour = bucket - bucket.rem_euclid(HOUR);
        let since = self.since.unwrap_or(bucket);
        let mut usual = Vec::new();
        for week in 1..=i64::from(kind.history_weeks) {
            let begin = hour - week * WEEK;
            let buckets = (begin..begin + HOUR).filter(|bucket| *bucket >= since);
            usual.extend(buckets.map(|b| self.counts.get(&b).copied().unwrap_or_default()));
        }
        usual
    }

    fn forget(&mut self, kind: &Rate, step: &mut Step<'_>) {
        let oldest = closed(step) - remembered(kind);
        self.counts = self.counts.split_off(&oldest);
        // An event of a bucket is told of as long as the buckets behind it may make it a row.
        let judged = self.judged_to.unwrap_or(i64::MIN);
        self.first = self.first.split_off(&judged.saturating_sub(i64::from(kind.buckets)));
        while self.first.len() > SAMPLES_MAX {
            self.first.pop_first();
            step.stepped.dropped += 1;
        }
    }

    fn due(&self, kind: &Rate, step: &Step<'_>) -> Option<Timestamp> {
        let end = |bucket: i64| {
            let end = Timestamp::from_seconds((bucket + 1).saturating_mul(Rate::BUCKET_SECONDS));
            end.plus_seconds(step.rule.lateness_seconds)
        };
        let (last, _) = self.counts.last_key_value()?;
        let judged = self.judged_to.unwrap_or(i64::MIN);
        let next = self.counts.range(judged.saturating_add(1)..).next();
        Some(match next {
            Some((bucket, _)) => end(*bucket).max(step.now),
            None => end(last + remembered(kind) + 1),
        })
    }

    fn decode(bytes: &[u8], shape: u64) -> Result<Self, NotAState> {
        let mut reader = Reader::new(bytes, shape)?;
        let mut state = Self {
            account: reader.option(Reader::text)?,
            judged_to: reader.option(Reader::signed)?,
            since: reader.option(Reader::signed)?,
            high: u32::try_from(reader.number()?).map_err(|_| NotAState)?,
            ..Self::default()
        };
        let mut before = 0i64;
        for _ in 0..reader.count()? {
            before = before.wrapping_add(reader.signed()?);
            let count = reader.number()?;
            state.counts.insert(before, count);
        }
        for _ in 0..reader.count()? {
            let bucket = reader.signed()?;
            let time = Timestamp::from_micros(reader.signed()?);
            state.first.insert(bucket, read_sample(&mut reader, time)?);
        }
        reader.end()?;
        Ok(state)
    }

    fn encode(&self, shape: u64) -> Vec<u8> {
        let mut writer = Writer::new(shape);
        writer.option(self.account.as_deref(), Writer::text);
        writer.option(self.judged_to, Writer::signed);
        writer.option(self.since, Writer::signed);
        writer.number(u64::from(self.high));
        writer.count(self.counts.len());
        let mut before = 0i64;
        for (bucket, count) in &self.counts {
            writer.signed(bucket.wrapping_sub(before));
            writer.number(*count);
            before = *bucket;
        }
        writer.count(self.first.len());
        for (bucket, sample) in &self.first {
            writer.signed(*bucket);
            writer.signed(sample.event.time.micros());
            write_sample(&mut writer, sample);
        }
        writer.finish()
    }
}

/// Four times the median, and four times the median distance from it.
fn median_and_deviation(mut numbers: Vec<u64>) -> (u64, u64) {
    numbers.sort_unstable();
    let median = twice_median(&numbers).saturating_mul(2);
    let distance = |n: &u64| n.saturating_mul(4).abs_diff(median);
    let mut distances: Vec<u64> = numbers.iter().map(distance).collect();
    distances.sort_unstable();
    (median, twice_median(&distances) / 2)
}

/// Twice the median of sorted numbers.
fn twice_median(sorted: &[u64]) -> u64 {
    let half = sorted.len() / 2;
    let (Some(upper), lower) = (sorted.get(half), sorted.get(half.saturating_sub(1))) else {
        return 0;
    };
    match (sorted.len() % 2, lower) {
        (0, Some(lower)) => upper.saturating_add(*lower),
        _ => upper.saturating_mul(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_deviations_times_four() {
        assert_eq!(median_and_deviation(vec![5]), (20, 0));
        assert_eq!(median_and_deviation(vec![4, 1, 9]), (16, 12));
        // 2.5; distances 1.5 0.5 0.5 6.5, of which the median is 1.
        assert_eq!(median_and_deviation(vec![9, 1, 2, 3]), (10, 4));
    }
}
