//! Texts. Positions and lengths count Unicode code points from 0.

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use memchr::memmem;
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::sync::Arc;

use super::numeric::MANY;
use super::scalar::{Call, Gives, Scalar};

const TEXT: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "text",
    arity: (1, 1),
    gives: Gives::Text,
    says: "",
    run: |call| Ok(call.nothing()),
};

const TRIM: Scalar = Scalar { takes: "text, characters?", arity: (1, 2), ..TEXT };

/// A test that answers 1 or 0, never nothing.
const TEST: Scalar = Scalar { takes: "text, part", arity: (2, 2), gives: Gives::Whole, ..TEXT };

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["isEmpty"],
        sql: &["is_empty"],
        gives: Gives::Whole,
        says: "1 if the value is missing or empty text, else 0.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_whole(|row| Some(texts.get(row).is_none_or(str::is_empty).into()))
        },
        ..TEXT
    },
    Scalar {
        insights: &["isBlank"],
        sql: &["is_blank"],
        gives: Gives::Whole,
        says: "1 if the value is missing, empty or white space only, else 0.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_whole(|row| Some(texts.get(row).is_none_or(|t| t.trim().is_empty()).into()))
        },
        ..TEXT
    },
    Scalar {
        insights: &["concat"],
        sql: &["concat_text"],
        takes: "text, …",
        arity: (1, MANY),
        says: "The texts behind each other; nothing where one is missing.",
        run: concat,
        ..TEXT
    },
    Scalar {
        insights: &["ltrim"],
        sql: &["trim_left"],
        says: "The text without white space, or without these characters, at its start.",
        run: |call| trim(call, true, false),
        ..TRIM
    },
    Scalar {
        insights: &["rtrim"],
        sql: &["trim_right"],
        says: "The text without white space, or without these characters, at its end.",
        run: |call| trim(call, false, true),
        ..TRIM
    },
    Scalar {
        insights: &["trim"],
        sql: &["trim_both"],
        says: "The text without white space, or without these characters, at both ends.",
        run: |call| trim(call, true, true),
        ..TRIM
    },
    Scalar {
        insights: &["strlen"],
        sql: &["str_length"],
        gives: Gives::Whole,
        says: "How many characters the text has.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_whole(|row| i64::try_from(texts.get(row)?.chars().count()).ok())
        },
        ..TEXT
    },
    Scalar {
        insights: &["toupper"],
        sql: &["to_upper"],
        says: "The text in upper case.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_text(|row| texts.get(row).map(str::to_uppercase))
        },
        ..TEXT
    },
    Scalar {
        insights: &["tolower"],
        sql: &["to_lower"],
        says: "The text in lower case.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_text(|row| texts.get(row).map(str::to_lowercase))
        },
        ..TEXT
    },
    Scalar {
        insights: &["substr"],
        sql: &["str_slice"],
        takes: "text, from, length?",
        arity: (2, 3),
        says: "The text from a position on, counted from 0, at most so many characters.",
        run: substr,
        ..TEXT
    },
    Scalar {
        insights: &["replace"],
        sql: &["str_replace"],
        takes: "text, part, by",
        arity: (3, 3),
        says: "The text with every occurrence of a part replaced; an empty part replaces nothing.",
        run: replace,
        ..TEXT
    },
    Scalar {
        insights: &["regexReplace"],
        sql: &["regex_replace"],
        takes: "text, pattern, by",
        arity: (3, 3),
        says: "The text with every match of a regular expression replaced; `$1` or `\\1` is its first group.",
        run: regex_replace,
        ..TEXT
    },
    Scalar {
        insights: &["strcontains"],
        sql: &["str_contains"],
        takes: "text, part, ignore case?",
        arity: (2, 3),
        says: "1 if the text contains the part, else 0; a third argument that is true ignores case.",
        run: contains,
        ..TEST
    },
    Scalar {
        insights: &["startsWith"],
        sql: &["str_starts_with"],
        says: "1 if the text begins with the part, else 0.",
        run: |call| test(call, |text, part| text.starts_with(part)),
        ..TEST
    },
    Scalar {
        insights: &["endsWith"],
        sql: &["str_ends_with"],
        says: "1 if the text ends with the part, else 0.",
        run: |call| test(call, |text, part| text.ends_with(part)),
        ..TEST
    },
    Scalar {
        insights: &["split"],
        sql: &["str_split"],
        takes: "text, delimiter",
        arity: (2, 2),
        gives: Gives::List,
        says: "The parts between the delimiters; with an empty delimiter the whole text.",
        run: split,
    },
    Scalar {
        sql: &["insights_like"],
        takes: "text, part",
        arity: (2, 2),
        gives: Gives::Truth,
        says: "`text like 'part'`: whether the text contains the part; a missing value is a no.",
        run: like,
        ..TEXT
    },
    Scalar {
        sql: &["insights_matches", "regex_matches"],
        takes: "text, pattern",
        arity: (2, 2),
        gives: Gives::Truth,
        says: "`text like /pattern/`: whether a regular expression matches somewhere; a missing value is a no.",
        run: matches,
        ..TEXT
    },
];

/// How large a compiled regular expression and its lazy automaton may be, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Compiles a regular expression of a query. Matching takes time linear in the text.
///
/// # Errors
/// If it is none, or compiles to more than 1 MiB.
pub fn regex(pattern: &str) -> std::result::Result<Regex, Box<regex::Error>> {
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).nest_limit(64);
    builder.build().map_err(Box::new)
}

/// The regular expression that an argument holds; `None` where it is missing.
fn regex_of(call: &Call<'_>, index: usize) -> Result<Option<Regex>> {
    let Some(pattern) = call.constant_text(index, "the regular expression")? else {
        return Ok(None);
    };
    let shown: String = pattern.chars().take(200).collect();
    let compiled = regex(&pattern);
    compiled.map(Some).map_err(|e| exec_datafusion_err!("{} cannot use /{shown}/: {e}", call.name))
}

fn matches(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let regex = regex_of(call, 1)?;
    call.each_truth(|row| {
        let both = texts.get(row).zip(regex.as_ref());
        Some(both.is_some_and(|(text, regex)| regex.is_match(text)))
    })
}

fn regex_replace(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let regex = regex_of(call, 1)?;
    let mut by = call.made(2, |by| Some(with_braces(by)))?;
    call.each_text(|row| {
        let by = by.get(row)?.as_str();
        Some(regex.as_ref()?.replace_all(texts.get(row)?, by))
    })
}

/// Writes `\1` and `$1` as `${1}`, so that what follows cannot become part of the group's name.
fn with_braces(by: &str) -> String {
    let mut out = String::with_capacity(by.len());
    let mut letters = by.chars().peekable();
    while let Some(letter) = letters.next() {
        let digit = letters.peek().copied().filter(char::is_ascii_digit);
        match (letter, digit) {
            ('\\' | '$', Some(_)) => {
                out.push_str("${");
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    out.push(digit);
                }
                out.push('}');
            }
            ('\\', None) => out.extend(letters.next_if(|c| *c == '\\').or(Some('\\'))),
            _ => out.push(letter),
        }
    }
    out
}

fn concat(call: &Call<'_>) -> Result<ArrayRef> {
    let all = (0..call.count()).map(|n| call.texts(n)).collect::<Result<Vec<_>>>()?;
    call.each_text(|row| {
        all.iter().map(|texts| texts.get(row)).collect::<Option<Vec<_>>>().map(|t| t.concat())
    })
}

fn trim(call: &Call<'_>, left: bool, right: bool) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let characters = if call.count() > 1 { Some(call.texts(1)?) } else { None };
    let cut = |text: &str, goes: &dyn Fn(char) -> bool| -> (usize, usize) {
        let from = if left { text.len() - text.trim_start_matches(goes).len() } else { 0 };
        let rest = text.get(from..).unwrap_or("");
        (from, from + if right { rest.trim_end_matches(goes).len() } else { rest.len() })
    };
    call.each_text(|row| {
        let text = texts.get(row)?;
        let (from, to) = match &characters {
            None => cut(text, &char::is_whitespace),
            Some(characters) => {
                let characters = characters.get(row)?;
                cut(text, &|c| characters.contains(c))
            }
        };
        text.get(from..to)
    })
}

fn substr(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, from) = (call.texts(0)?, call.numbers(1)?);
    let length = if call.count() > 2 { Some(call.numbers(2)?) } else { None };
    call.each_text(|row| {
        let text = texts.get(row)?;
        let from = count_of(from.get(row)?);
        let behind =
            text.char_indices().nth(from).map_or("", |(at, _)| text.get(at..).unwrap_or(""));
        let Some(length) = &length else { return Some(behind) };
        let length = count_of(length.get(row)?);
        let end = behind.char_indices().nth(length).map_or(behind.len(), |(at, _)| at);
        behind.get(..end)
    })
}

/// A number of characters: what is below zero is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate"
)]
fn count_of(number: f64) -> usize {
    number as usize
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, parts, by) = (call.texts(0)?, call.texts(1)?, call.texts(2)?);
    call.each_text(|row| {
        let (text, part, by) = (texts.get(row)?, parts.get(row)?, by.get(row)?);
        let stays = part.is_empty() || memmem::find(text.as_bytes(), part.as_bytes()).is_none();
        Some(if stays { Cow::Borrowed(text) } else { Cow::Owned(text.replace(part, by)) })
    })
}

fn like(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let mut parts = call.made(1, finder)?;
    call.each_truth(|row| Some(found(texts.get(row), parts.get(row))))
}

fn contains(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let mut parts = call.made(1, finder)?;
    if call.count() == 2 {
        return call.each_whole(|row| Some(found(texts.get(row), parts.get(row)).into()));
    }
    let ignore_case = call.truths(2)?;
    let mut lower = call.made(1, |part| finder(&part.to_lowercase()))?;
    call.each_whole(|row| {
        let found = if ignore_case.get(row) == Some(true) {
            let text = texts.get(row).map(str::to_lowercase);
            found(text.as_deref(), lower.get(row))
        } else {
            found(texts.get(row), parts.get(row))
        };
        Some(found.into())
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the form that Call::made takes")]
fn finder(part: &str) -> Option<memmem::Finder<'static>> {
    Some(memmem::Finder::new(part.as_bytes()).into_owned())
}

fn found(text: Option<&str>, finder: Option<&memmem::Finder<'_>>) -> bool {
    text.zip(finder).is_some_and(|(text, finder)| finder.find(text.as_bytes()).is_some())
}

fn test(call: &Call<'_>, test: fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (texts, parts) = (call.texts(0)?, call.texts(1)?);
    call.each_whole(|row| {
        Some(texts.get(row).zip(parts.get(row)).is_some_and(|(text, part)| test(text, part)).into())
    })
}

fn split(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, delimiters) = (call.texts(0)?, call.texts(1)?);
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..call.rows {
        let both = texts.get(row).zip(delimiters.get(row));
        if let Some((text, delimiter)) = both {
            if delimiter.is_empty() {
                lists.values().append_value(text);
            } else {
                text.split(delimiter).for_each(|part| lists.values().append_value(part));
            }
        }
        lists.append(both.is_some());
    }
    Ok(Arc::new(lists.finish()))
}
