//! Times. All of them are UTC unless a zone is named.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, TimeZone as _, Utc};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::array::timezone::Tz;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use std::fmt::Write as _;

use super::date_pattern::DatePattern;
use super::period::Period;
use super::scalar::{Call, Gives, Scalar};

const TIME: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "time, period",
    arity: (2, 2),
    gives: Gives::Time,
    says: "",
    run: |call| Ok(call.nothing()),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["datefloor"],
        sql: &["date_floor"],
        says: "The start of the period that the time lies in; weeks begin on Mondays.",
        run: |call| periods(call, |period, micros| period.floor(micros)),
        ..TIME
    },
    Scalar {
        insights: &["dateceil"],
        sql: &["date_ceil"],
        says: "The time itself where a period begins, else the start of the next period.",
        run: |call| periods(call, |period, micros| period.ceil(micros)),
        ..TIME
    },
    Scalar {
        sql: &["bin_floor"],
        says: "What `bin` does: the start of the period, whose count is capped at 1000 ms, 60 s, 60 m, 24 h.",
        run: |call| periods(call, |period, micros| period.capped().floor(micros)),
        ..TIME
    },
    Scalar {
        insights: &["fromMillis"],
        sql: &["from_millis"],
        takes: "milliseconds",
        arity: (1, 1),
        says: "The time so many milliseconds after the epoch.",
        run: |call| {
            let times = call.times(0)?;
            call.each_time(|row| times.get(row))
        },
        ..TIME
    },
    Scalar {
        insights: &["toMillis"],
        sql: &["to_millis"],
        takes: "time",
        arity: (1, 1),
        gives: Gives::Whole,
        says: "The time as milliseconds since the epoch.",
        run: |call| {
            let times = call.times(0)?;
            call.each_whole(|row| times.get(row).map(|micros| micros.div_euclid(1000)))
        },
    },
    Scalar {
        insights: &["parseDate"],
        sql: &["parse_date"],
        takes: "text, pattern, zone?",
        arity: (2, 3),
        gives: Gives::Whole,
        says: "The text as milliseconds since the epoch, read by a pattern such as `yyyy-MM-dd HH:mm:ss`.",
        run: parse_date,
    },
    Scalar {
        insights: &["formatDate", "strftime"],
        sql: &["format_date", "strftime"],
        takes: "time, format, zone?",
        arity: (2, 3),
        gives: Gives::Text,
        says: "The time as text, by a format such as `%Y-%m-%d %H:%M`.",
        run: format_date,
    },
];

fn periods(call: &Call<'_>, put: fn(Period, i64) -> Option<i64>) -> Result<ArrayRef> {
    let times = call.times(0)?;
    let mut periods = call.made(1, Period::parse)?;
    refuse_constant(call, 1, periods.get(0).is_some(), "a period such as 5m")?;
    call.each_time(|row| put(*periods.get(row)?, times.get(row)?))
}

/// A constant that cannot be used is an error of the query; a value of a record is not.
fn refuse_constant(call: &Call<'_>, index: usize, usable: bool, what: &str) -> Result<()> {
    if usable || call.rows == 0 || !call.is_constant(index) {
        return Ok(());
    }
    let given = call.texts(index)?;
    let given: String = given.get(0).unwrap_or("nothing").chars().take(64).collect();
    Err(exec_datafusion_err!("{} was given {given:?}, where it takes {what}", call.name))
}

fn zone(name: &str) -> Option<Tz> {
    let name = if name.eq_ignore_ascii_case("z") { "UTC" } else { name };
    name.parse().ok()
}

fn utc() -> Option<Tz> {
    zone("UTC")
}

fn parse_date(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let mut patterns = call.made(1, DatePattern::parse)?;
    refuse_constant(call, 1, patterns.get(0).is_some(), "a pattern such as yyyy-MM-dd")?;
    let mut zones = if call.count() > 2 { Some(call.made(2, zone)?) } else { None };
    if let Some(zones) = &mut zones {
        refuse_constant(call, 2, zones.get(0).is_some(), "a time zone such as Europe/Rome")?;
    }
    call.each_whole(|row| {
        let read = patterns.get(row)?.read(texts.get(row)?)?;
        let zone = match (read.zone.as_deref(), &mut zones) {
            (Some(name), _) => zone(name)?,
            (None, Some(zones)) => *zones.get(row)?,
            (None, None) => utc()?,
        };
        // Of a time that a clock shows twice, the first.
        Some(zone.from_local_datetime(&read.local).earliest()?.timestamp_millis())
    })
}

/// The longest format that is taken, in bytes.
const FORMAT_BYTES_MAX: usize = 1024;

fn format(text: &str) -> Option<Vec<Item<'static>>> {
    let short = text.len() <= FORMAT_BYTES_MAX;
    short.then(|| StrftimeItems::new(text).parse_to_owned().ok()).flatten()
}

fn format_date(call: &Call<'_>) -> Result<ArrayRef> {
    let times = call.times(0)?;
    let mut formats = call.made(1, format)?;
    refuse_constant(call, 1, formats.get(0).is_some(), "a format such as %Y-%m-%d")?;
    let mut zones = if call.count() > 2 { Some(call.made(2, zone)?) } else { None };
    if let Some(zones) = &mut zones {
        refuse_constant(call, 2, zones.get(0).is_some(), "a time zone such as Europe/Rome")?;
    }
    let utc = utc();
    call.each_text(|row| {
        let zone = match &mut zones {
            Some(zones) => *zones.get(row)?,
            None => utc?,
        };
        let time: DateTime<Utc> = DateTime::from_timestamp_micros(times.get(row)?)?;
        let mut text = String::new();
        let items = formats.get(row)?;
        write!(text, "{}", time.with_timezone(&zone).format_with_items(items.iter())).ok()?;
        Some(text)
    })
}
