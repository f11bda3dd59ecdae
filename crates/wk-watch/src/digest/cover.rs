//! Time that is covered.

use wk_model::Timestamp;

/// Spans of time: sorted, apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover(Vec<(Timestamp, Timestamp)>);

impl Cover {
    /// Adds a span; joins those that touch.
    pub fn add(&mut self, from: Timestamp, until: Timestamp) {
        if from >= until {
            return;
        }
        let first = self.0.partition_point(|span| span.1 < from);
        let after = self.0.partition_point(|span| span.0 <= until);
        let touched = self.0.get(first..after).unwrap_or_default();
        let from = touched.first().map_or(from, |span| span.0.min(from));
        let until = touched.last().map_or(until, |span| span.1.max(until));
        self.0.splice(first..after, [(from, until)]);
    }

    /// What of a span is not covered.
    pub fn holes(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let (mut holes, mut at) = (Vec::new(), from);
        for (start, end) in &self.0 {
            if *start >= until {
                break;
            }
            if *start > at {
                holes.push((at, *start));
            }
            at = at.max(*end);
        }
        if at < until {
            holes.push((at, until));
        }
        holes
    }

    /// Seconds of a span that are covered.
    pub fn seconds(&self, from: Timestamp, until: Timestamp) -> i64 {
        let length = |from: Timestamp, until: Timestamp| until.seconds() - from.seconds();
        if from >= until {
            return 0;
        }
        let open: i64 = self.holes(from, until).iter().map(|hole| length(hole.0, hole.1)).sum();
        length(from, until) - open
    }

    /// The spans.
    pub fn spans(&self) -> &[(Timestamp, Timestamp)] {
        &self.0
    }

    /// Adds all of another one.
    pub fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(from, until)| self.add(*from, *until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_join_in_any_order_and_holes_are_what_is_left() {
        let at = Timestamp::from_seconds;
        let spans = [(0, 10), (10, 20), (30, 40), (35, 38), (50, 60)];
        for turn in 0..spans.len() {
            let mut cover = Cover::default();
            for n in 0..spans.len() {
                let (from, until) = spans[(n + turn) % spans.len()];
                cover.add(at(from), at(until));
            }
            assert_eq!(cover.0, [(at(0), at(20)), (at(30), at(40)), (at(50), at(60))]);
            let holes = [(at(20), at(30)), (at(40), at(50)), (at(60), at(70))];
            assert_eq!(cover.holes(at(5), at(70)), holes);
            assert_eq!((cover.seconds(at(5), at(70)), cover.seconds(at(3), at(3))), (35, 0));
        }
    }
}
