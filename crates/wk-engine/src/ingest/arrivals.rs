//! Sums up what a batch brought, for the watch over the watch. Works on finished columns: a row
//! costs a few comparisons, and a map is asked only where source, account, region or hour change.

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array as _, RecordBatch, StringArray};
use wk_model::Timestamp;
use wk_model::arrivals::{Arrivals, Arrived, Fed, Histogram, Path, PlaceHour, hour_of};
use wk_model::finding::Origin;

use super::live::Live;

/// Takes in the rows of a finished batch that stay. `source_of` tells the source of a row.
pub(super) fn take_in(
    arrivals: &mut Arrivals,
    batch: &RecordBatch,
    recorded: Timestamp,
    live: &Live,
    rows: impl Iterator<Item = (usize, &'static str)>,
) {
    let Some(columns) = Columns::of(batch) else { return };
    let mut here: Option<Here<'_>> = None;
    for (row, source) in rows {
        let times = columns.times(row);
        let hour = hour_of(times.event);
        let (account, region) = (columns.account(row), columns.region(row));
        let same = |h: &Here<'_>| {
            h.hour == hour && h.account == account && h.region == region && h.source == source
        };
        if !here.as_ref().is_some_and(same) {
            here.take().into_iter().for_each(|h| h.leave(arrivals));
            here = Some(Here::new(source, account, region, hour));
        }
        if let Some(here) = &mut here {
            here.row(
                &times,
                recorded,
                live.origin(source, times.event, times.delivered, times.received),
            );
        }
    }
    here.into_iter().for_each(|h| h.leave(arrivals));
}

/// Counts how long it took from an event to the finding it makes, if it came live.
pub(super) fn finding(
    arrivals: &mut Arrivals,
    source: &str,
    origin: Origin,
    event: Timestamp,
    recorded: Timestamp,
) {
    if origin == Origin::Live {
        let lags = arrivals.lags.entry((source.to_owned(), Path::EventFinding)).or_default();
        lags.count(recorded.micros().saturating_sub(event.micros()));
    }
}

struct Columns<'a> {
    event: &'a [i64],
    delivered: &'a [i64],
    received: &'a [i64],
    account: &'a StringArray,
    region: &'a StringArray,
}

struct Times {
    event: Timestamp,
    delivered: Timestamp,
    received: Timestamp,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let times = |name| {
            let column = batch.column_by_name(name)?;
            Some(column.as_primitive_opt::<TimestampMicrosecondType>()?.values().as_ref())
        };
        let texts = |name| batch.column_by_name(name)?.as_string_opt::<i32>();
        Some(Self {
            event: times("event_time")?,
            delivered: times("delivered_time")?,
            received: times("received_time")?,
            account: texts("account")?,
            region: texts("region")?,
        })
    }

    fn times(&self, row: usize) -> Times {
        let time = |of: &[i64]| Timestamp::from_micros(of.get(row).copied().unwrap_or(0));
        Times {
            event: time(self.event),
            delivered: time(self.delivered),
            received: time(self.received),
        }
    }

    fn account(&self, row: usize) -> &'a str {
        if self.account.is_null(row) { "" } else { self.account.value(row) }
    }

    fn region(&self, row: usize) -> &'a str {
        if self.region.is_null(row) { "" } else { self.region.value(row) }
    }
}

/// Rows of one source, account, region and hour that came one after another.
struct Here<'a> {
    source: &'static str,
    account: &'a str,
    region: &'a str,
    hour: i64,
    arrived: Option<Arrived>,
    fed: Option<Fed>,
    /// From the event to delivery, to receipt, to the record.
    lags: [Histogram; 3],
    /// The stretches counted last, and how often: rows of one object share two of the three.
    last: [(i64, u64); 3],
}

impl<'a> Here<'a> {
    fn new(source: &'static str, account: &'a str, region: &'a str, hour: i64) -> Self {
        let (lags, last) = Default::default();
        Self { source, account, region, hour, arrived: None, fed: None, lags, last }
    }

    fn row(&mut self, times: &Times, recorded: Timestamp, origin: Origin) {
        let one = Arrived::one(times.received, times.event);
        match &mut self.arrived {
            Some(arrived) => arrived.add(&one),
            none => *none = Some(one),
        }
        let is_live = origin == Origin::Live;
        let one = Fed {
            live: u64::from(is_live),
            late: u64::from(!is_live),
            first_received: times.received,
            last_live: is_live.then_some(times.received),
            last_event: times.event,
        };
        match &mut self.fed {
            Some(fed) => fed.add(&one),
            none => *none = Some(one),
        }
        if is_live {
            let [event, delivered] = [times.event, times.delivered].map(Timestamp::micros);
            let [received, recorded] = [times.received, recorded].map(Timestamp::micros);
            self.lag(0, delivered.saturating_sub(event));
            self.lag(1, received.saturating_sub(delivered));
            self.lag(2, recorded.saturating_sub(received));
        }
    }

    fn lag(&mut self, path: usize, micros: i64) {
        let last = &mut self.last[path];
        if last.0 == micros {
            last.1 += 1;
        } else {
            let (micros, count) = std::mem::replace(last, (micros, 1));
            self.lags[path].count_many(wk_model::arrivals::bucket(micros), count);
        }
    }

    fn leave(mut self, arrivals: &mut Arrivals) {
        let Some((arrived, fed)) = self.arrived.zip(self.fed) else { return };
        for (lags, (micros, count)) in self.lags.iter_mut().zip(self.last) {
            lags.count_many(wk_model::arrivals::bucket(micros), count);
        }
        let place = PlaceHour::new(self.source, self.account, self.region, self.hour);
        arrivals.places.entry(place).and_modify(|a| a.add(&arrived)).or_insert(arrived);
        let source = || self.source.to_owned();
        arrivals.feeds.entry(source()).and_modify(|f| f.add(&fed)).or_insert(fed);
        for (path, lags) in Path::ALL.into_iter().zip(&self.lags).filter(|(_, l)| l.total() > 0) {
            arrivals.lags.entry((source(), path)).or_default().add(lags);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_model::{Cell, Row};
    use wk_watch::columns::{Place, TableBuilder};
    use wk_watch::sources::cloudtrail::TABLE;

    fn batch(rows: &[(&'static str, &'static str, i64)]) -> RecordBatch {
        let mut builder = TableBuilder::new(&TABLE);
        for (account, region, second) in rows {
            let mut row = Row::new(&TABLE, "{}");
            row.account = (!account.is_empty()).then_some((*account).into());
            row.region = Some((*region).into());
            row.cells[0] = Cell::Null;
            let at = Timestamp::from_seconds;
            let place = Place {
                delivered: at(second + 60),
                received: at(second + 70),
                object: "o",
                ordinal: 0,
            };
            builder.append(&row, at(*second), &place);
        }
        builder.finish(Timestamp::from_seconds(9_000)).unwrap()
    }

    fn summed(rows: &[(&'static str, &'static str, i64)], keep: &[usize]) -> Arrivals {
        let mut arrivals = Arrivals::default();
        let live = Live::new(24 * 3600, 3600, Default::default(), Timestamp::from_seconds(0));
        let rows_kept = keep.iter().map(|row| (*row, "cloudtrail"));
        take_in(&mut arrivals, &batch(rows), Timestamp::from_seconds(9_000), &live, rows_kept);
        arrivals
    }

    #[test]
    fn rows_are_summed_by_place_and_event_hour() {
        let rows = [
            ("1", "eu", 10),
            ("1", "eu", 3_599),
            ("2", "eu", 20),
            ("1", "eu", 3_600),
            ("", "us", 1),
        ];
        let arrivals = summed(&rows, &[0, 1, 2, 3, 4]);
        let places: Vec<(String, i64, u64)> = arrivals
            .places
            .iter()
            .map(|(p, a)| (format!("{}/{}", p.account, p.region), p.hour, a.rows))
            .collect();
        let place = |name: &str, hour, rows| (name.to_owned(), hour, rows);
        assert_eq!(
            places,
            [place("/us", 0, 1), place("1/eu", 0, 2), place("1/eu", 1, 1), place("2/eu", 0, 1)]
        );
        let fed = arrivals.feeds["cloudtrail"];
        assert_eq!((fed.live, fed.late, fed.last_event.seconds()), (5, 0, 3_600));
        let lag = |path| arrivals.lags[&("cloudtrail".to_owned(), path)].clone();
        assert_eq!(lag(Path::EventDelivered).total(), 5);
        assert!((60_000..=75_000).contains(&lag(Path::EventDelivered).quantile(500).unwrap()));
        assert!((10_000..=12_500).contains(&lag(Path::DeliveredReceived).quantile(950).unwrap()));
    }

    #[test]
    fn rows_that_are_taken_back_are_not_counted() {
        let arrivals = summed(&[("1", "eu", 10), ("1", "eu", 20)], &[1]);
        assert_eq!(arrivals.places.values().map(|a| a.rows).sum::<u64>(), 1);
        assert_eq!(arrivals.lags[&("cloudtrail".to_owned(), Path::ReceivedRecorded)].total(), 1);
    }
}
