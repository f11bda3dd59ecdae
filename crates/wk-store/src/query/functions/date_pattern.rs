//! Dates in texts, by a pattern of Java's `DateTimeFormatter`, for `parseDate`.
//!
//! Known letters: `y u M L d D H k h K m s S a E X x Z z V`; text in single quotes stands for
//! itself. Optional sections and other letters are refused. What a pattern does not say is the
//! smallest: January, the first, midnight. Names of months and days are English, in any case.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

/// A pattern, ready to read texts with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DatePattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Letters(char, usize),
    Plain(String),
}

/// What a text said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) local: NaiveDateTime,
    /// The zone that the text itself names: `+02:00`, `UTC`.
    pub(super) zone: Option<String>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl DatePattern {
    /// Reads a pattern; `None` if it has a letter that is not known.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut letters = pattern.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => parts.push(Part::Plain(quoted(&mut letters)?)),
                'a'..='z' | 'A'..='Z' => {
                    let mut count = 1;
                    while letters.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    if !"yuMLdDHkhKmsSaEXxZzV".contains(letter) || count > 9 {
                        return None;
                    }
                    parts.push(Part::Letters(letter, count));
                }
                '[' | ']' | '{' | '}' | '#' => return None,
                other => parts.push(Part::Plain(other.to_string())),
            }
        }
        Some(Self(parts))
    }

    /// Reads a whole text.
    pub(super) fn read(&self, text: &str) -> Option<Read> {
        let mut fields = Fields::default();
        let mut rest = text;
        for (n, part) in self.0.iter().enumerate() {
            rest = match part {
                Part::Plain(plain) => rest.strip_prefix(plain.as_str())?,
                Part::Letters(letter, count) => {
                    let next = self.0.get(n + 1);
                    let digits_follow =
                        matches!(next, Some(Part::Letters(l, c)) if is_number(*l, *c));
                    fields.take(*letter, *count, digits_follow, rest)?
                }
            };
        }
        if !rest.is_empty() {
            return None;
        }
        Some(Read { local: fields.local()?, zone: fields.zone })
    }
}

fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut plain = String::new();
    loop {
        match letters.next()? {
            '\'' if letters.next_if_eq(&'\'').is_some() => plain.push('\''),
            // Two quotes with nothing between them are one quote.
            '\'' if plain.is_empty() => return Some("'".to_owned()),
            '\'' => return Some(plain),
            other => plain.push(other),
        }
    }
}

fn is_number(letter: char, count: usize) -> bool {
    match letter {
        'M' | 'L' => count < 3,
        _ => "yudDHkhKmsS".contains(letter),
    }
}

#[derive(Debug, Default)]
struct Fields {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: Option<u32>,
    half_hour: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    nanos: u32,
    zone: Option<String>,
}

impl Fields {
    /// Takes one field from the start of a text; gives what is left.
    fn take<'t>(
        &mut self,
        letter: char,
        count: usize,
        exact: bool,
        text: &'t str,
    ) -> Option<&'t str> {
        if !is_number(letter, count) {
            return self.take_word(letter, count, text);
        }
        let most = match (letter, count) {
            _ if exact => count,
            ('y' | 'u', 1 | 3..) => 9,
            ('D', 1) => 3,
            (_, 1) if letter != 'S' => 2,
            _ => count,
        };
        let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if digits < count {
            return None;
        }
        let (digits, rest) = text.split_at_checked(digits)?;
        let number: u32 = digits.parse().ok()?;
        match letter {
            'y' | 'u' => {
                let century = if count == 2 { 2000 } else { 0 };
                self.year = Some(i32::try_from(number).ok()? + century);
            }
            'M' | 'L' => self.month = Some(number),
            'd' => self.day = Some(number),
            'D' => self.day_of_year = Some(number),
            'H' => self.hour = Some(number),
            'k' if (1..=24).contains(&number) => self.hour = Some(number % 24),
            'h' if (1..=12).contains(&number) => self.half_hour = Some(number % 12),
            'K' if number < 12 => self.half_hour = Some(number),
            'k' | 'h' | 'K' => return None,
            'm' => self.minute = number,
            's' => self.second = number,
            _ => self.nanos = number * 10u32.pow(u32::try_from(9 - count).ok()?),
        }
        Some(rest)
    }

    fn take_word<'t>(&mut self, letter: char, count: usize, text: &'t str) -> Option<&'t str> {
        match letter {
            'M' | 'L' => {
                let (index, rest) = name(&MONTHS, count >= 4, text)?;
                self.month = Some(index + 1);
                Some(rest)
            }
            'E' => name(&DAYS, count >= 4, text).map(|(_, rest)| rest),
            'a' => {
                let (half, rest) = text.split_at_checked(2)?;
                self.afternoon = Some(half.eq_ignore_ascii_case("pm"));
                (self.afternoon == Some(true) || half.eq_ignore_ascii_case("am")).then_some(rest)
            }
            'z' | 'V' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || "/_+-:".contains(c);
                let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
                let (zone, rest) = text.split_at_checked(end)?;
                self.zone = Some(zone.to_owned()).filter(|zone| !zone.is_empty());
                self.zone.is_some().then_some(rest)
            }
            _ => self.take_offset(letter == 'X', text),
        }
    }

    /// `Z`, `+02`, `+0200`, `+02:00`.
    fn take_offset<'t>(&mut self, z_is_utc: bool, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix('Z').filter(|_| z_is_utc) {
            self.zone = Some("+00:00".to_owned());
            return Some(rest);
        }
        let digits = |from: usize| {
            let two = text.get(from..from + 2)?;
            two.bytes().all(|b| b.is_ascii_digit()).then_some(two)
        };
        let sign = text.get(..1).filter(|sign| matches!(*sign, "+" | "-"))?;
        let hours = digits(1)?;
        let (minutes, end) = match text.as_bytes().get(3) {
            Some(b':') if digits(4).is_some() => (digits(4), 6),
            _ => (digits(3), 5),
        };
        let end = if minutes.is_some() { end } else { 3 };
        self.zone = Some(format!("{sign}{hours}:{}", minutes.unwrap_or("00")));
        text.get(end..)
    }

    fn local(&self) -> Option<NaiveDateTime> {
        let year = self.year?;
        let date = match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(year, day)?,
            None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let half = self.half_hour.map(|h| h + if self.afternoon == Some(true) { 12 } else { 0 });
        let hour = self.hour.or(half).unwrap_or(0);
        // ISO 8601 lets a day end at 24:00.
        if hour == 24 && self.minute == 0 && self.second == 0 && self.nanos == 0 {
            return Some(date.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN));
        }
        Some(date.and_time(NaiveTime::from_hms_nano_opt(
            hour,
            self.minute,
            self.second,
            self.nanos,
        )?))
    }
}

/// Which of the names, whole or its first three letters, a text begins with.
fn name<'t>(names: &[&str], whole: bool, text: &'t str) -> Option<(u32, &'t str)> {
    let index = names.iter().position(|name| {
        let wanted = if whole { name.len() } else { 3 };
        text.get(..wanted)
            .is_some_and(|t| name.get(..wanted).is_some_and(|n| t.eq_ignore_ascii_case(n)))
    })?;
    let length = if whole { names[index].len() } else { 3 };
    Some((u32::try_from(index).ok()?, text.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, text: &str) -> Option<String> {
        let read = DatePattern::parse(pattern).expect("a pattern").read(text)?;
        Some(format!("{}{}", read.local.format("%F %T%.f"), read.zone.unwrap_or_default()))
    }

    #[test]
    fn dates_are_read_by_their_pattern() {
        for (pattern, text, expected) in [
            ("yyyy-MM-dd", "2026-02-28", "2026-02-28 00:00:00"),
            ("yyyyMMddHHmmss", "20260228090807", "2026-02-28 09:08:07"),
            ("d/M/yy H:m", "3/11/26 9:05", "2026-11-03 09:05:00"),
            ("dd/MMM/yyyy:HH:mm:ss Z", "07/Mar/2026:21:22:54 +0130", "2026-03-07 21:22:54+01:30"),
            ("EEEE, MMMM d yyyy h:mm a", "Friday, december 4 2026 1:07 PM", "2026-12-04 13:07:00"),
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSSX",
                "2026-01-02T03:04:05.678Z",
                "2026-01-02 03:04:05.678+00:00",
            ),
            (
                "yyyy-MM-dd HH:mm VV",
                "2026-01-02 03:04 Europe/Rome",
                "2026-01-02 03:04:00Europe/Rome",
            ),
            ("yyyy DDD", "2024 366", "2024-12-31 00:00:00"),
            ("yyyy-MM-dd HH:mm", "2026-12-31 24:00", "2027-01-01 00:00:00"),
            ("h a ''yyyy", "12 AM '2026", "2026-01-01 00:00:00"),
        ] {
            assert_eq!(read(pattern, text).as_deref(), Some(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_nothing() {
        for (pattern, text) in [
            ("yyyy-MM-dd", ""),
            ("yyyy-MM-dd", "2026-02-30"),
            ("yyyy-MM-dd", "2026-02-28x"),
            ("yyyy-MM-dd", "26-02-28"),
            ("HH:mm", "09:05"),
            ("yyyy HH", "2026 25"),
            ("yyyy hh a", "2026 13 PM"),
            ("yyyy MMM", "2026 Ürz"),
            ("yyyy X", "2026 +2"),
        ] {
            assert_eq!(read(pattern, text), None, "{pattern} {text}");
        }
        for pattern in ["yyyy[-MM]", "B", "'open", "yyyyyyyyyyyyy"] {
            assert_eq!(DatePattern::parse(pattern), None, "{pattern}");
        }
    }
}
