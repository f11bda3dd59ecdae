//! The members of a field's list: values, and objects with one operator.

use std::borrow::Cow;

use crate::json::{Kind, Value};

use super::address::{Address, Range};
use super::fold::Folded;
use super::number::Number;
use super::refused::{Fault, quoted};
use super::want::{Between, Want};
use super::wildcard::Wildcard;

const ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY: &str = "Too many elements in numeric expression";
const EITHER: &str =
    "Inside anything but list, either all values are number or string, mixed type is not supported";
const NOT_IN_BUT: &str = "Inside anything but list, start|null|boolean is not supported.";
const NOT_IN_FOLDED_BUT: &str =
    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.";

/// Reads a field's list.
pub(super) fn wants(list: Value<'_>) -> Result<Vec<Want>, Fault> {
    let wants: Vec<Want> = list.items().map(want).collect::<Result<_, _>>()?;
    if wants.is_empty() {
        return Err(Fault::new(list, "Empty arrays are not allowed"));
    }
    Ok(wants)
}

fn want(value: Value<'_>) -> Result<Want, Fault> {
    Ok(match value.kind() {
        Kind::Object => return expression(value),
        Kind::Array => {
            let reason = "Match value must be String, number, true, false, or null";
            return Err(Fault::new(value, reason));
        }
        Kind::String => {
            let text = text(value);
            match Address::read(&text) {
                Some(address) => Want::Addresses(Range::only(address)),
                None => Want::Text(text.into()),
            }
        }
        Kind::Number => Want::Number(Number::read(value.raw())),
        Kind::Bool => Want::Bool(value.as_bool() == Some(true)),
        Kind::Null => Want::Null,
    })
}

/// An object with one operator.
fn expression(object: Value<'_>) -> Result<Want, Fault> {
    let (name, value) = first(object, "Match expression name not found")?;
    let want = match &*name {
        "exactly" => Want::Text(string(value, "exact match pattern must be a string")?.into()),
        "prefix" => affix(value, &PREFIX)?,
        "suffix" => affix(value, &SUFFIX)?,
        "equals-ignore-case" => Want::Folded(Folded::new(&string(value, FOLDED)?)),
        "wildcard" => wildcard(value)?,
        "cidr" => cidr(value)?,
        "numeric" => {
            let want = numeric(value)?;
            return only(object, want, TOO_MANY);
        }
        "anything-but" => {
            let want = anything_but(value)?;
            return only(object, want, TOO_MANY);
        }
        "exists" => match value.as_bool() {
            Some(true) => Want::Present,
            Some(false) => Want::Absent,
            None => {
                let reason = "exists match pattern must be either true or false.";
                return Err(Fault::new(value, reason));
            }
        },
        other => {
            return Err(Fault::new(value, format!("Unrecognized match type {}", quoted(other))));
        }
    };
    only(object, want, ONE_KEY)
}

const FOLDED: &str = "equals-ignore-case match pattern must be a string";

/// The first member of an object.
fn first<'a>(object: Value<'a>, none: &str) -> Result<(Cow<'a, str>, Value<'a>), Fault> {
    object.fields().next().ok_or_else(|| Fault::new(object, none))
}

/// Refuses an object with a second member.
fn only<T>(object: Value<'_>, want: T, reason: &str) -> Result<T, Fault> {
    match object.fields().nth(1) {
        Some((_, second)) => Err(Fault::new(second, reason)),
        None => Ok(want),
    }
}

fn text(value: Value<'_>) -> Cow<'_, str> {
    value.as_str().unwrap_or_default()
}

fn string<'a>(value: Value<'a>, reason: &str) -> Result<Cow<'a, str>, Fault> {
    value.as_str().ok_or_else(|| Fault::new(value, reason))
}

/// `prefix` or `suffix`: what they say, and what they become.
struct Affix {
    not_a_string: &'static str,
    nameless: &'static str,
    unsupported: &'static str,
    plain: fn(Box<str>) -> Want,
    folded: fn(Folded) -> Want,
}

const PREFIX: Affix = Affix {
    not_a_string: "prefix match pattern must be a string",
    nameless: "Prefix expression name not found",
    unsupported: "Unsupported prefix pattern: ",
    plain: Want::Prefix,
    folded: Want::FoldedPrefix,
};

const SUFFIX: Affix = Affix {
    not_a_string: "suffix match pattern must be a string",
    nameless: "Suffix expression name not found",
    unsupported: "Unsupported suffix pattern: ",
    plain: Want::Suffix,
    folded: Want::FoldedSuffix,
};

fn affix(value: Value<'_>, affix: &Affix) -> Result<Want, Fault> {
    if value.kind() != Kind::Object {
        return Ok((affix.plain)(string(value, affix.not_a_string)?.into()));
    }
    let (name, inner) = first(value, affix.nameless)?;
    if name != "equals-ignore-case" {
        return Err(Fault::new(inner, format!("{}{}", affix.unsupported, quoted(&name))));
    }
    let folded = Folded::new(&string(inner, FOLDED)?);
    only(value, (affix.folded)(folded), ONE_KEY)
}

fn wildcard(value: Value<'_>) -> Result<Want, Fault> {
    let text = string(value, "wildcard match pattern must be a string")?;
    Wildcard::read(&text).map(Want::Wildcard).map_err(|reason| Fault::new(value, reason))
}

/// The reason for what is no string is AWS's own, `prefix` included.
fn cidr(value: Value<'_>) -> Result<Want, Fault> {
    let text = string(value, "prefix match pattern must be a string")?;
    Range::read(&text).map(Want::Addresses).map_err(|reason| Fault::new(value, reason))
}

/// Reads one value of `anything-but`.
type Read = fn(Value<'_>) -> Result<Want, Fault>;

fn anything_but(value: Value<'_>) -> Result<Want, Fault> {
    match value.kind() {
        Kind::Object => {
            let (name, inner) = first(value, "Anything-But expression name not found")?;
            let (read, reason): (Read, &str) = match &*name {
                "equals-ignore-case" => (but_folded, NOT_IN_FOLDED_BUT),
                "prefix" => (|v| but_affix(v, Want::Prefix), AFFIX),
                "suffix" => (|v| but_affix(v, Want::Suffix), AFFIX),
                "wildcard" => (wildcard, "wildcard match pattern must be a string"),
                other => {
                    let reason = format!("Unsupported anything-but pattern: {}", quoted(other));
                    return Err(Fault::new(inner, reason));
                }
            };
            let wants = match inner.kind() {
                Kind::Array => inner.items().map(read).collect::<Result<Vec<_>, _>>()?,
                Kind::String => vec![read(inner)?],
                Kind::Number => return Err(Fault::new(inner, reason)),
                _ => return Err(Fault::new(inner, NOT_A_VALUE)),
            };
            if wants.is_empty() {
                return Err(Fault::new(inner, "Empty arrays are not allowed"));
            }
            only(value, Want::But(wants.into()), TOO_MANY)
        }
        Kind::Array => {
            let wants: Vec<Want> = value.items().map(but_value).collect::<Result<_, _>>()?;
            let texts = wants.iter().filter(|want| matches!(want, Want::Text(_))).count();
            if wants.is_empty() || (texts != 0 && texts != wants.len()) {
                return Err(Fault::new(value, EITHER));
            }
            Ok(Want::But(wants.into()))
        }
        Kind::String | Kind::Number => Ok(Want::But([but_value(value)?].into())),
        Kind::Bool | Kind::Null => Err(Fault::new(value, NOT_A_VALUE)),
    }
}

const NOT_A_VALUE: &str = "Value of anything-but must be an array or single string/number value.";
const AFFIX: &str = "prefix/suffix match pattern must be a string";

/// A text, compared as a text even if it is an address, or a number.
fn but_value(value: Value<'_>) -> Result<Want, Fault> {
    match value.kind() {
        Kind::String => Ok(Want::Text(text(value).into())),
        Kind::Number => Ok(Want::Number(number(value)?)),
        _ => Err(Fault::new(value, NOT_IN_BUT)),
    }
}

fn but_folded(value: Value<'_>) -> Result<Want, Fault> {
    Ok(Want::Folded(Folded::new(&string(value, NOT_IN_FOLDED_BUT)?)))
}

fn but_affix(value: Value<'_>, make: fn(Box<str>) -> Want) -> Result<Want, Fault> {
    let text = string(value, AFFIX)?;
    if text.is_empty() {
        return Err(Fault::new(value, "Null prefix/suffix not allowed"));
    }
    Ok(make(text.into()))
}

fn numeric(list: Value<'_>) -> Result<Want, Fault> {
    if list.kind() != Kind::Array {
        return Err(Fault::new(list, "Value of numeric must be an array."));
    }
    let members: Vec<Value<'_>> = list.items().take(5).collect();
    let Some(operator) = members.first().filter(|m| m.kind() == Kind::String) else {
        return Err(Fault::new(
            list,
            format!("Invalid member in numeric match: {}", told(&members, 0)),
        ));
    };
    let name = text(*operator);
    let word = match &*name {
        "=" => "equals",
        "<" | "<=" | ">" | ">=" => &name,
        other => {
            let reason = format!("Unrecognized numeric range operator: {}", quoted(other));
            return Err(Fault::new(*operator, reason));
        }
    };
    let value = operand(list, &members, 1, word)?;
    let too_many = || match members.get(2) {
        Some(third) => Err(Fault::new(*third, TOO_MANY)),
        None => Ok(()),
    };
    let bound = |included| Some((value.clone(), included));
    match &*name {
        "=" => too_many().map(|()| Want::Number(value)),
        "<" => too_many().map(|()| Want::Between(Between { low: None, high: bound(false) })),
        "<=" => too_many().map(|()| Want::Between(Between { low: None, high: bound(true) })),
        _ => {
            let high = above(list, &members, &value)?;
            Ok(Want::Between(Between { low: bound(&*name == ">="), high }))
        }
    }
}

/// The upper bound behind a lower one.
fn above(
    list: Value<'_>,
    members: &[Value<'_>],
    low: &Number,
) -> Result<Option<(Number, bool)>, Fault> {
    let Some(operator) = members.get(2) else { return Ok(None) };
    if operator.kind() != Kind::String {
        let reason = format!("Bad value in numeric range: {}", told(members, 2));
        return Err(Fault::new(*operator, reason));
    }
    let name = text(*operator);
    if !matches!(&*name, "<" | "<=") {
        let reason = format!("Bad numeric range operator: {}", quoted(&name));
        return Err(Fault::new(*operator, reason));
    }
    let high = operand(list, members, 3, &name)?;
    if let Some(fifth) = members.get(4) {
        return Err(Fault::new(*fifth, "Too many terms in numeric range expression"));
    }
    if low.compare(&high).is_ge() {
        return Err(Fault::new(*operator, "Bottom must be less than top"));
    }
    Ok(Some((high, name == "<=")))
}

fn operand(
    list: Value<'_>,
    members: &[Value<'_>],
    place: usize,
    word: &str,
) -> Result<Number, Fault> {
    match members.get(place) {
        Some(value) if value.kind() == Kind::Number => number(*value),
        other => {
            let at = other.copied().unwrap_or(list);
            Err(Fault::new(at, format!("Value of {word} must be numeric")))
        }
    }
}

fn number(value: Value<'_>) -> Result<Number, Fault> {
    Number::within_binary64(value.raw()).ok_or_else(|| {
        let text = quoted(value.raw());
        Fault::new(value, format!("Value must be a number that fits binary64: {text}"))
    })
}

/// A member as AWS quotes it: by its first sign where it is a list or an object.
fn told(members: &[Value<'_>], place: usize) -> String {
    match members.get(place) {
        None => "]".to_owned(),
        Some(member) if matches!(member.kind(), Kind::Array) => "[".to_owned(),
        Some(member) if matches!(member.kind(), Kind::Object) => "{".to_owned(),
        Some(member) => quoted(member.raw()),
    }
}
