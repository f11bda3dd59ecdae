//! Functions over one row, and over the rows of a group.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _};
use wk_lang::insights::ast::{At, Duration, Expr, Unit};

use super::expression::{Known, kind, value};
use super::{Kind, Row, Value, natural, number_in};
use crate::world::now;

/// The type of what a function answers.
pub(super) fn kind_of_call(known: Known<'_>, name: &str, arguments: &[At<Expr>]) -> Kind {
    let kinds = |values: &mut dyn Iterator<Item = &At<Expr>>| {
        let mut kinds = values.filter(|v| v.node != Expr::Null).map(|v| kind(known, v));
        let first = kinds.next().unwrap_or(Kind::Text);
        if kinds.all(|kind| kind == first) { first } else { Kind::Text }
    };
    match name.to_ascii_lowercase().as_str() {
        "min" | "max" | "earliest" | "latest" | "sortsfirst" | "sortslast" => {
            kind(known, &arguments[0])
        }
        "coalesce" => kinds(&mut arguments.iter()),
        "case" | "if" => kinds(&mut branches(arguments)),
        "values" | "collect_values" | "topk" | "split" => Kind::List,
        "bin" | "datefloor" | "dateceil" | "frommillis" => Kind::Time,
        "ispresent" | "isnumeric" | "isvalidip" | "isvalidipv4" | "isvalidipv6"
        | "isipinsubnet" | "isipv4insubnet" | "isipv6insubnet" | "isprivateip" | "ispublicip"
        | "isreservedip" | "jsonarraycontains" => Kind::Bool,
        "concat" | "ltrim" | "rtrim" | "trim" | "toupper" | "tolower" | "substr" | "replace"
        | "regexreplace" | "urlencode" | "urldecode" | "base64encode" | "base64decode"
        | "hextoascii" | "dectohex" | "md5" | "sha256" | "jsonparse" | "jsonstringify"
        | "formatdate" | "strftime" => Kind::Text,
        _ => Kind::Number,
    }
}

/// The values behind the conditions, and the one that stands alone.
fn branches(arguments: &[At<Expr>]) -> impl Iterator<Item = &At<Expr>> {
    let is_value = |n: usize| n % 2 == 1 || n + 1 == arguments.len();
    arguments.iter().enumerate().filter(move |(n, _)| is_value(*n)).map(|(_, value)| value)
}

/// A value as the type that a choice between several has.
fn typed(value: &Value, kind: Kind) -> Value {
    match kind {
        Kind::Text => value.text().map_or(Value::Missing, Value::Text),
        _ => value.clone(),
    }
}

pub(super) fn call(
    known: Known<'_>,
    name: &str,
    arguments: &[At<Expr>],
    values: &[Value],
    row: &Row,
) -> Value {
    let name = name.to_ascii_lowercase();
    let kind = kind_of_call(known, &name, arguments);
    match name.as_str() {
        "bin" => {
            let time = if values.len() == 1 { row.field("@timestamp") } else { values[0].clone() };
            bucket(&time, duration(arguments), true, false)
        }
        "datefloor" => bucket(&values[0], duration(arguments), false, false),
        "dateceil" => bucket(&values[0], duration(arguments), false, true),
        "now" => number(Some(now().seconds())),
        "ispresent" => Value::Bool(!values[0].is_missing()),
        "coalesce" => {
            let first = values.iter().find(|value| !value.is_missing());
            first.map_or(Value::Missing, |value| typed(value, kind))
        }
        "case" | "if" => {
            let pairs = values.chunks_exact(2);
            let default = pairs.remainder().first();
            let met = pairs.clone().find(|pair| pair[0].is_true()).map(|pair| &pair[1]);
            met.or(default).map_or(Value::Missing, |value| typed(value, kind))
        }
        "isnumeric" => Value::Bool(match &values[0] {
            Value::Text(text) => number_in(text).is_some(),
            other => matches!(other, Value::Number(_)),
        }),
        "isempty" => flag(values[0].text().is_none_or(|text| text.is_empty())),
        "isblank" => flag(values[0].text().is_none_or(|text| text.trim().is_empty())),
        "strcontains" | "startswith" | "endswith" => flag(found(&name, values)),
        "isvalidip" | "isvalidipv4" | "isvalidipv6" | "isipinsubnet" | "isipv4insubnet"
        | "isipv6insubnet" | "isprivateip" | "ispublicip" | "isreservedip" => {
            Value::Bool(address(&name, values))
        }
        "jsonarraycontains" => {
            Value::Bool(list_of(&values[0]).is_some_and(|items| {
                items.iter().any(|item| Some(item.clone()) == values[1].text())
            }))
        }
        _ if values.iter().any(Value::is_missing) => Value::Missing,
        "split" => {
            let (text, by) = (values[0].text().unwrap(), values[1].text().unwrap());
            let whole = vec![text.clone()];
            Value::List(if by.is_empty() {
                whole
            } else {
                text.split(&by).map(str::to_owned).collect()
            })
        }
        "frommillis" => values[0].time().map_or(Value::Missing, Value::Time),
        _ if kind == Kind::Text => text(&name, values).map_or(Value::Missing, Value::Text),
        _ => numeric(&name, values).map_or(Value::Missing, Value::number_or_nothing),
    }
}

fn flag(yes: bool) -> Value {
    Value::Number(f64::from(u8::from(yes)))
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers of tests are small")]
fn number(whole: Option<i64>) -> Value {
    whole.map_or(Value::Missing, |whole| Value::Number(whole as f64))
}

fn found(name: &str, values: &[Value]) -> bool {
    let (Some(text), Some(part)) = (values[0].text(), values[1].text()) else { return false };
    match name {
        "startswith" => text.starts_with(&part),
        "endswith" => text.ends_with(&part),
        _ if values.get(2).is_some_and(Value::is_true) => {
            text.to_lowercase().contains(&part.to_lowercase())
        }
        _ => text.contains(&part),
    }
}

fn duration(arguments: &[At<Expr>]) -> &Duration {
    match &arguments.last().unwrap().node {
        Expr::Duration(duration) => duration,
        other => panic!("{other} is no length of time"),
    }
}

/// The beginning of the period that a time lies in, or its end.
fn bucket(time: &Value, duration: &Duration, capped: bool, up: bool) -> Value {
    let Some(time) = time.time() else { return Value::Missing };
    let most = match duration.unit {
        Unit::Millisecond => 1000,
        Unit::Second | Unit::Minute => 60,
        Unit::Hour => 24,
        _ => u64::MAX,
    };
    let count = if capped { duration.count.min(most) } else { duration.count };
    let count = i64::try_from(count).unwrap();
    const SECOND: i64 = 1_000_000;
    // Counted from 1970; weeks begin on Mondays, the first of which was the fifth of January.
    let (length, origin) = match duration.unit {
        Unit::Millisecond => (SECOND / 1000, 0),
        Unit::Second => (SECOND, 0),
        Unit::Minute => (60 * SECOND, 0),
        Unit::Hour => (3600 * SECOND, 0),
        Unit::Day => (86_400 * SECOND, 0),
        Unit::Week => (7 * 86_400 * SECOND, 4 * 86_400 * SECOND),
        Unit::Month => return months(time, count, up),
        Unit::Quarter => return months(time, 3 * count, up),
        Unit::Year => return months(time, 12 * count, up),
    };
    let length = length * count;
    let past = (time - origin).rem_euclid(length);
    Value::Time(if up && past > 0 { time - past + length } else { time - past })
}

fn months(time: i64, count: i64, up: bool) -> Value {
    let date = DateTime::from_timestamp_micros(time).unwrap();
    let since = i64::from(date.year() - 1970) * 12 + i64::from(date.month0());
    let start = |months: i64| {
        let year = i32::try_from(1970 + months.div_euclid(12)).unwrap();
        let month = u32::try_from(1 + months.rem_euclid(12)).unwrap();
        let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
        first.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_micros()
    };
    let floor = since - since.rem_euclid(count);
    Value::Time(if up && start(floor) < time { start(floor + count) } else { start(floor) })
}

fn address(name: &str, values: &[Value]) -> bool {
    let Some(Ok(address)) = values[0].text().map(|text| text.parse::<IpAddr>()) else {
        return false;
    };
    let is_private = match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.octets()[0] & 0xfe == 0xfc,
    };
    let is_reserved = match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19))
                || (a, b, c) == (192, 0, 0)
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.octets();
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || (a == 0xfe && b & 0xc0 == 0x80)
                || [a, b, c, d] == [0x20, 0x01, 0x0d, 0xb8]
        }
    };
    match name {
        "isvalidip" => true,
        "isvalidipv4" => address.is_ipv4(),
        "isvalidipv6" => address.is_ipv6(),
        "isprivateip" => is_private,
        "isreservedip" => is_reserved,
        "ispublicip" => !is_private && !is_reserved,
        "isipv4insubnet" => address.is_ipv4() && lies_in(address, values[1].text()),
        "isipv6insubnet" => address.is_ipv6() && lies_in(address, values[1].text()),
        _ => lies_in(address, values[1].text()),
    }
}

/// Bit by bit.
fn lies_in(address: IpAddr, block: Option<String>) -> bool {
    let block = block.unwrap();
    let (network, bits) = block.split_once('/').unwrap();
    let (network, bits): (IpAddr, usize) = (network.parse().unwrap(), bits.parse().unwrap());
    let bits_of = |address: IpAddr| -> String {
        match address {
            IpAddr::V4(v4) => v4.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
            IpAddr::V6(v6) => v6.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
        }
    };
    let (address, network) = (bits_of(address), bits_of(network));
    address.len() == network.len() && address.bytes().take(bits).eq(network.bytes().take(bits))
}

/// Functions that answer a text. No value is missing.
fn text(name: &str, values: &[Value]) -> Option<String> {
    let texts: Vec<String> = values.iter().map(|value| value.text().unwrap()).collect();
    let first = texts[0].as_str();
    Some(match name {
        "concat" => texts.concat(),
        "trim" | "ltrim" | "rtrim" => {
            let goes = |c: char| match texts.get(1) {
                Some(characters) => characters.contains(c),
                None => c.is_whitespace(),
            };
            match name {
                "trim" => first.trim_matches(goes),
                "ltrim" => first.trim_start_matches(goes),
                _ => first.trim_end_matches(goes),
            }
            .to_owned()
        }
        "toupper" => first.to_uppercase(),
        "tolower" => first.to_lowercase(),
        "substr" => {
            let from = place(&values[1])?;
            let length = values.get(2).map_or(Some(usize::MAX), place)?;
            first.chars().skip(from).take(length).collect()
        }
        "replace" if texts[1].is_empty() => first.to_owned(),
        "replace" => first.replace(&texts[1], &texts[2]),
        "regexreplace" => {
            let by = regex::Regex::new(r"[\\$]([0-9]+)").unwrap().replace_all(&texts[2], "$${$1}");
            regex::Regex::new(&texts[1]).unwrap().replace_all(first, by.as_ref()).into_owned()
        }
        "urlencode" => first.bytes().map(percent).collect(),
        "urldecode" => return unpercent(first),
        "base64encode" => base64::prelude::BASE64_STANDARD.encode(first),
        "base64decode" => {
            String::from_utf8(base64::prelude::BASE64_STANDARD.decode(first).ok()?).ok()?
        }
        "hextoascii" => String::from_utf8(bytes_of_hex(first)?).ok()?,
        "dectohex" => {
            let whole = whole(values[0].number()?)?;
            format!("{}0x{:x}", if whole < 0 { "-" } else { "" }, whole.unsigned_abs())
        }
        "md5" => {
            use md_5::Digest as _;
            hex(&md_5::Md5::digest(first))
        }
        "sha256" => hex(ring::digest::digest(&ring::digest::SHA256, first.as_bytes()).as_ref()),
        "jsonparse" | "jsonstringify" => {
            let json: serde_json::Value = serde_json::from_str(first).ok()?;
            (json.is_object() || json.is_array()).then(|| json.to_string())?
        }
        _ => {
            let time = DateTime::from_timestamp_micros(values[0].time()?)?;
            time.format(&texts[1]).to_string()
        }
    })
}

fn percent(byte: u8) -> String {
    let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

fn unpercent(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => bytes_of_hex(&String::from_utf8(vec![rest.next()?, rest.next()?]).ok()?)?[0],
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|p| p[0] * 16 + p[1]).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A position or a length: nothing below zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
fn place(value: &Value) -> Option<usize> {
    value.number().map(|number| number as usize)
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds are looked at")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9.2e18).then_some(number as i64)
}

/// The items of a list, or of a JSON array.
fn list_of(value: &Value) -> Option<Vec<String>> {
    if let Value::List(items) = value {
        return Some(items.clone());
    }
    let json: serde_json::Value = serde_json::from_str(&value.text()?).ok()?;
    let items = json.as_array()?;
    Some(items.iter().map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned)).collect())
}

/// Functions that answer a number. No value is missing.
#[expect(clippy::cast_precision_loss, reason = "lengths and times of tests are small")]
fn numeric(name: &str, values: &[Value]) -> Option<f64> {
    let text = values[0].text()?;
    match name {
        "strlen" => return Some(text.chars().count() as f64),
        "messagesize" => return Some(text.len() as f64),
        "jsonarraysize" => return list_of(&values[0]).map(|items| items.len() as f64),
        "ipv4tonumber" => {
            let address: std::net::Ipv4Addr = text.parse().ok()?;
            return Some(f64::from(u32::from(address)));
        }
        "hextodec" => {
            let digits = text.strip_prefix("0x").unwrap_or(&text);
            return i64::from_str_radix(digits, 16).ok().map(|n| n as f64);
        }
        "tomillis" => return values[0].time().map(|micros| micros.div_euclid(1000) as f64),
        "parsedate" => return parse_date(&text, &values[1].text()?),
        _ => {}
    }
    let numbers: Vec<f64> = values.iter().map(Value::number).collect::<Option<_>>()?;
    let first = numbers[0];
    Some(match name {
        "abs" => first.abs(),
        "ceil" => first.ceil(),
        "floor" => first.floor(),
        "sqrt" => first.sqrt(),
        "log" => first.ln(),
        "greatest" => numbers.into_iter().fold(f64::MIN, f64::max),
        "least" => numbers.into_iter().fold(f64::MAX, f64::min),
        "round" => {
            let scale = 10f64.powf(numbers.get(1).map_or(0.0, |n| n.trunc()));
            (first * scale).round() / scale
        }
        "toint" => first.trunc() + 0.0 * f64::from(i32::try_from(whole(first)?).ok()?),
        "tolong" => whole(first)? as f64,
        "todouble" | "tonumber" => first,
        "haversine" => {
            let [a, b, c, d] = [0, 1, 2, 3].map(|n: usize| numbers[n].to_radians());
            let h =
                ((c - a) / 2.0).sin().powi(2) + a.cos() * c.cos() * ((d - b) / 2.0).sin().powi(2);
            2.0 * 6371.0 * h.sqrt().asin()
        }
        other => panic!("the reference does not know {other}"),
    })
}

/// The letters that the tests use.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
fn parse_date(text: &str, pattern: &str) -> Option<f64> {
    let mut format = pattern.to_owned();
    for (letters, sign) in
        [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")]
    {
        format = format.replace(letters, sign);
    }
    let time = NaiveDateTime::parse_from_str(text, &format).or_else(|_| {
        NaiveDate::parse_from_str(text, &format).map(|date| date.and_hms_opt(0, 0, 0).unwrap())
    });
    Some(chrono::Utc.from_utc_datetime(&time.ok()?).timestamp_millis() as f64)
}

/// Functions over the rows of a group.
#[expect(clippy::cast_precision_loss, reason = "groups of tests are small")]
pub(super) fn aggregate(
    known: Known<'_>,
    name: &str,
    arguments: &[At<Expr>],
    group: &[Row],
) -> Value {
    let name = name.to_ascii_lowercase();
    let of = |n: usize| -> Vec<Value> {
        let all = group.iter().map(|row| value(known, &arguments[n], row));
        all.filter(|value| !value.is_missing()).collect()
    };
    let numbers = || -> Vec<f64> { of(0).iter().filter_map(Value::number).collect() };
    let some = |numbers: &[f64], result: f64| {
        if numbers.is_empty() { Value::Missing } else { Value::Number(result) }
    };
    match name.as_str() {
        "count" | "countovertime" if arguments.is_empty() => Value::Number(group.len() as f64),
        "count" | "countovertime" => Value::Number(of(0).len() as f64),
        "countdistinct" | "count_distinct" => Value::Number(distinct(&of(0)).len() as f64),
        "sum" | "sumovertime" => some(&numbers(), numbers().iter().sum()),
        "avg" => some(&numbers(), mean(&numbers())),
        "variance" => some(&numbers(), variance(&numbers())),
        "stddev" => some(&numbers(), variance(&numbers()).sqrt()),
        "pct" | "percentile" => {
            let mut numbers = numbers();
            numbers.sort_by(f64::total_cmp);
            let percent = value(known, &arguments[1], &Row::default()).number().unwrap();
            // The smallest that so many percent of all do not exceed.
            let enough = |n: &f64| {
                let upto = numbers.iter().filter(|other| *other <= n).count();
                upto as f64 >= percent / 100.0 * numbers.len() as f64
            };
            numbers.iter().copied().find(enough).map_or(Value::Missing, Value::Number)
        }
        "min" | "max" => extreme(&name, of(0)),
        "sortsfirst" => best(of(0), |l, r| natural(l, r).reverse()),
        "sortslast" => best(of(0), natural),
        "earliest" | "latest" => at_the_edge(known, &name, &arguments[0], group),
        "values" | "collect_values" => {
            let mut texts: Vec<Value> = distinct(&of(0)).into_iter().map(Value::Text).collect();
            texts.sort_by(natural);
            Value::List(texts.iter().filter_map(Value::text).collect())
        }
        "topk" => topk(known, arguments, &of(1)),
        other => panic!("the reference does not know {other}"),
    }
}

fn topk(known: Known<'_>, arguments: &[At<Expr>], values: &[Value]) -> Value {
    let count = place(&value(known, &arguments[0], &Row::default())).unwrap();
    let often = |text: &String| values.iter().filter(|v| v.text().as_ref() == Some(text)).count();
    let mut texts = distinct(values);
    texts.sort_by(|l, r| {
        let order = || natural(&Value::Text(l.clone()), &Value::Text(r.clone()));
        often(r).cmp(&often(l)).then_with(order)
    });
    texts.truncate(count);
    Value::List(texts)
}

fn distinct(values: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = values.iter().filter_map(Value::text).collect();
    texts.sort();
    texts.dedup();
    texts
}

#[expect(clippy::cast_precision_loss, reason = "groups of tests are small")]
fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn variance(numbers: &[f64]) -> f64 {
    let middle = mean(numbers);
    mean(&numbers.iter().map(|n| (n - middle).powi(2)).collect::<Vec<_>>())
}

fn best(values: Vec<Value>, order: impl Fn(&Value, &Value) -> Ordering) -> Value {
    values.into_iter().max_by(|l, r| order(l, r)).unwrap_or(Value::Missing)
}

/// The smallest or largest number; of texts only where there is no number.
fn extreme(name: &str, values: Vec<Value>) -> Value {
    let is_number = |value: &Value| match value {
        Value::Text(text) => number_in(text).is_some(),
        Value::List(_) => false,
        _ => true,
    };
    let (numbers, texts): (Vec<_>, Vec<_>) = values.into_iter().partition(is_number);
    let order = if numbers.is_empty() { super::plain } else { natural };
    let values = if numbers.is_empty() { texts } else { numbers };
    best(values, |l, r| if name == "max" { order(l, r) } else { order(r, l) })
}

/// The value at the earliest or latest time that has one.
fn at_the_edge(known: Known<'_>, name: &str, of: &At<Expr>, group: &[Row]) -> Value {
    let mut timed: Vec<(i64, Value)> = group
        .iter()
        .map(|row| (row.field("@timestamp").time(), value(known, of, row)))
        .filter(|(_, value)| !value.is_missing())
        .filter_map(|(time, value)| Some((time?, value)))
        .collect();
    timed.sort_by(|(s, l), (t, r)| s.cmp(t).then_with(|| natural(l, r)));
    let edge = if name == "earliest" { timed.first() } else { timed.last() };
    edge.map_or(Value::Missing, |(_, value)| value.clone())
}
