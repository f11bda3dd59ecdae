//! What a run found.

use std::collections::BTreeMap;

use wk_model::Timestamp;
use wk_watch::digest::{Held, Kind, Problem, Verdict};

/// Problems that are told one by one; of more, the number is told.
const PROBLEMS_MAX: usize = 10_000;
/// Hours that are told one by one.
const HOURS_MAX: usize = 10_000;

/// What a run found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The chains that were walked.
    pub chains: Vec<ChainReport>,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
    /// How often each kind was found.
    pub by_kind: BTreeMap<Kind, u64>,
    /// Gaps that somebody accounts for, with who and why.
    pub excused: Vec<(Problem, String, String)>,
    /// Hours for which digests, bucket and lake differ.
    pub hours: Vec<HourDifference>,
    /// More of them than are told.
    pub hours_more: u64,
    /// Logs that are younger than the newest digest, or belong to the next one.
    pub not_yet_listed: u64,
    /// What the lake holds of the logs; none if it was not compared.
    pub lake: Option<LakeCounts>,
    /// Whether the limit of names was reached.
    pub names_full: bool,
}

/// A chain that was walked.
#[derive(Debug, Clone)]
pub struct ChainReport {
    /// Its name in the record: place, region, trail.
    pub id: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail.
    pub trail: String,
    /// Whether AWS made these digests later.
    pub backfill: bool,
    /// From when; none where there was nothing to verify.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Seconds of it that are proved: digest, chain and every log.
    pub covered_seconds: i64,
    /// What was counted.
    pub counts: Counts,
    /// The last digest before which everything is proved.
    pub proven_until: Option<Held>,
}

/// What was counted of a chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Digests that were there.
    pub digests: u64,
    /// Those that are proved.
    pub digests_proven: u64,
    /// Logs that proved digests list.
    pub logs: u64,
    /// Those whose content is what was delivered.
    pub logs_proven: u64,
    /// Their bytes, uncompressed.
    pub bytes: u64,
}

/// What the lake holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LakeCounts {
    /// Logs that are proved.
    pub proven: u64,
    /// Those that it took in, by the very content.
    pub held: u64,
    /// Those that it took in from elsewhere under the same name: content not compared.
    pub held_by_name: u64,
    /// Those that it did not take in.
    pub missing: u64,
    /// Logs of this place that it took in and no digest lists.
    pub more: u64,
}

/// An hour in which digests, bucket and lake differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourDifference {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Start of the digest.
    pub from: Timestamp,
    /// Logs that the digest lists.
    pub listed: u64,
    /// Those that lie in the bucket as they were delivered.
    pub in_bucket: u64,
    /// Those that the lake took in; none if it was not compared.
    pub in_lake: Option<u64>,
}

impl Report {
    /// Takes a problem down.
    pub(super) fn add(&mut self, problem: Problem) {
        *self.by_kind.entry(problem.kind).or_default() += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// Takes an hour down. Answers its place, if it is told.
    pub(super) fn add_hour(&mut self, hour: HourDifference) -> Option<usize> {
        if self.hours.len() >= HOURS_MAX {
            self.hours_more += 1;
            return None;
        }
        self.hours.push(hour);
        Some(self.hours.len() - 1)
    }

    /// Whether something is not as AWS delivered it.
    pub fn is_invalid(&self) -> bool {
        self.by_kind.keys().any(|kind| kind.verdict() == Verdict::Invalid)
    }

    /// Whether everything in scope is proved.
    pub fn is_proven(&self) -> bool {
        self.by_kind.is_empty()
    }

    /// Problems that are not told one by one.
    pub fn problems_more(&self) -> u64 {
        self.by_kind.values().sum::<u64>() - self.problems.len() as u64
    }
}

impl ChainReport {
    /// Length of the period.
    pub fn seconds(&self) -> i64 {
        match (self.from, self.until) {
            (Some(from), Some(until)) => (until.seconds() - from.seconds()).max(0),
            _ => 0,
        }
    }

    /// How much of the period is proved, in hundredths of a percent, rounded down; none of nothing.
    pub fn covered(&self) -> Option<i64> {
        let seconds = self.seconds();
        (seconds > 0).then(|| self.covered_seconds.saturating_mul(10_000) / seconds)
    }
}
