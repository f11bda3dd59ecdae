//! Times on the command line: `2024-02-15`, `2024-02-15T14:23:00Z`, `-3h`, `now`.

use anyhow::{anyhow, bail};
use clap::Args;
use wk_model::{Day, Timestamp};

/// A time as it is written, before it is known what time it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// A point in time.
    At(Timestamp),
    /// So many seconds ago.
    Ago(i64),
}

/// Event times that a command looks at.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Span {
    /// Events at or after this time: 2024-02-15, 2024-02-15T14:23:00Z, or -3h for three hours ago
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    since: Option<When>,
    /// Events before this time
    #[arg(long, value_name = "TIME", value_parser = when, allow_hyphen_values = true)]
    until: Option<When>,
    /// The same as --since so long ago: 30m, 3h, 7d, 2w
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "since")]
    last: Option<i64>,
}

impl Span {
    /// From when, and until when.
    pub(crate) fn resolve(
        &self,
        now: Timestamp,
    ) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
        let since = self.last.map(When::Ago).or(self.since).map(|w| w.at(now));
        let until = self.until.map(|w| w.at(now));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            bail!("nothing lies between --since {since} and --until {until}");
        }
        Ok((since, until))
    }
}

impl When {
    /// The point in time.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(seconds) => now.plus_seconds(-seconds),
        }
    }
}

/// Reads a time.
pub(crate) fn when(text: &str) -> anyhow::Result<When> {
    if text == "now" {
        return Ok(When::Ago(0));
    }
    if let Some(ago) = text.strip_prefix('-') {
        return duration(ago).map(When::Ago);
    }
    if let Some(day) = Day::parse(text) {
        return Ok(When::At(day.start()));
    }
    Timestamp::parse(text).map(When::At).map_err(|_| {
        anyhow!("{text:?} is no time such as 2024-02-15, 2024-02-15T14:23:00Z, -3h or now")
    })
}

/// Reads a length of time, such as `90s`, `30m`, `3h`, `7d`, `2w` or `1d12h`, in seconds.
pub(crate) fn duration(text: &str) -> anyhow::Result<i64> {
    let wrong = || anyhow!("{text:?} is no length of time such as 90s, 30m, 3h, 7d or 1d12h");
    let (mut sum, mut number) = (0i64, None::<i64>);
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            let more = number.unwrap_or(0).checked_mul(10);
            number = Some(more.and_then(|n| n.checked_add(digit.into())).ok_or_else(wrong)?);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return Err(wrong()),
        };
        let part = number.take().and_then(|n| n.checked_mul(unit)).ok_or_else(wrong)?;
        sum = sum.checked_add(part).ok_or_else(wrong)?;
    }
    // A year of 9999 is the latest that there is.
    if number.is_some() || text.is_empty() || sum > 8000 * 366 * 86_400 {
        return Err(wrong());
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_dates_times_and_distances_from_now() {
        let now = Timestamp::parse("2024-02-15T12:00:00Z").unwrap();
        let at = |text| when(text).map(|w| w.at(now).to_string());
        assert_eq!(at("2024-02-15").unwrap(), "2024-02-15T00:00:00Z");
        assert_eq!(at("2024-02-15T14:23:00+02:00").unwrap(), "2024-02-15T12:23:00Z");
        assert_eq!(at("-1d12h").unwrap(), "2024-02-14T00:00:00Z");
        assert_eq!(at("now").unwrap(), "2024-02-15T12:00:00Z");
        for wrong in ["", "-", "-3", "3h", "-3x", "-99999999999999999999d", "yesterday", "-h"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_that_holds_nothing_is_refused() {
        let now = Timestamp::parse("2024-02-15T12:00:00Z").unwrap();
        let span = |since, until| Span { since: Some(since), until: Some(until), last: None };
        assert!(span(When::Ago(60), When::Ago(0)).resolve(now).is_ok());
        assert!(span(When::Ago(0), When::Ago(60)).resolve(now).is_err());
    }
}
