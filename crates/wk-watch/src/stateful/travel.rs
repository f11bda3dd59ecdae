//! Impossible travel: two events of one and the same, in places that are too far apart for the time
//! between them.
//!
//! Each event is compared with each before it in the timespan, so that the order in which they come,
//! and what lies between them, makes no difference. An event whose place is not known is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use wk_lang::sigma::Travel;
use wk_model::Timestamp;

use super::sequence::Row;
use super::state::Held;
use crate::places::Place;
use crate::places::travel::{Limits, Seen, Verdict, travel};

/// The pairs of which the later event lies between two moments, both included: of each bucket of time
/// all events of its pairs, and a row for each later event.
pub(super) fn rows(
    kind: &Travel,
    span: i64,
    bucket: i64,
    held: &[Held],
    (from, to): (Timestamp, Timestamp),
) -> Vec<Row> {
    let places = Places::of(kind, held);
    if !places.far_apart() {
        return Vec::new();
    }
    let mut buckets: BTreeMap<Timestamp, (BTreeSet<usize>, Vec<usize>)> = BTreeMap::new();
    let start = held.partition_point(|held| held.time() < from);
    for (last, later) in held.iter().enumerate().skip(start) {
        if later.time() > to {
            break;
        }
        let begin = later.time().plus_seconds(-span);
        let first = held.partition_point(|held| held.time() < begin);
        let before = (first..last).filter(|earlier| places.impossible(held, *earlier, last));
        let (entries, ends) = buckets.entry(later.time().floor_to(bucket)).or_default();
        let many = entries.len();
        entries.extend(before);
        // Some pair ends here, be it one whose first event is in the finding already.
        if entries.len() > many || (first..last).any(|n| places.impossible(held, n, last)) {
            entries.insert(last);
            ends.push(last);
        }
    }
    let rows = buckets.into_values().flat_map(|(entries, ends)| {
        let mut entries = entries.into_iter().collect();
        // What belongs to the finding is told with its first pair.
        ends.into_iter().map(move |last| Row { last, entries: std::mem::take(&mut entries) })
    });
    rows.collect()
}

/// The places of entries, each once, and how they go together.
struct Places<'a> {
    kind: &'a Travel,
    /// The place of each entry, where it is known.
    of: Vec<Option<usize>>,
    places: Vec<Place>,
    /// Whether two places are too far apart to be in both at once.
    apart: Vec<bool>,
}

impl<'a> Places<'a> {
    fn of(kind: &'a Travel, held: &[Held]) -> Self {
        let mut known: BTreeMap<&str, Option<usize>> = BTreeMap::new();
        let mut places = Vec::new();
        let mut of = Vec::with_capacity(held.len());
        for held in held {
            let text = held.entry.value.as_deref().unwrap_or_default();
            let place = known.entry(text).or_insert_with(|| {
                places.push(Place::at(text)?);
                Some(places.len() - 1)
            });
            of.push(*place);
        }
        let mut all = Self { kind, of, places, apart: Vec::new() };
        let moment = Timestamp::default();
        let many = all.places.len();
        let pairs = (0..many * many).map(|n| (n / many, n % many));
        all.apart = pairs.map(|(a, b)| a != b && all.judge((a, moment), (b, moment))).collect();
        all
    }

    fn far_apart(&self) -> bool {
        self.apart.contains(&true)
    }

    fn impossible(&self, held: &[Held], one: usize, other: usize) -> bool {
        let (Some(a), Some(b)) = (self.of[one], self.of[other]) else { return false };
        self.apart[a * self.places.len() + b]
            && self.judge((a, held[one].time()), (b, held[other].time()))
    }

    fn judge(&self, one: (usize, Timestamp), other: (usize, Timestamp)) -> bool {
        let limits = Limits {
            speed_kmh: f64::from(self.kind.speed_kmh),
            distance_km: f64::from(self.kind.distance_km),
        };
        let seen = |(place, time): (usize, Timestamp)| Seen { time, place: &self.places[place] };
        travel(seen(one), seen(other), limits).verdict == Verdict::Impossible
    }
}
