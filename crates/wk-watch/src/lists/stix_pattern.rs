//! Patterns of STIX that are a choice of values: `[ipv4-addr:value = '192.0.2.7' OR …] OR […]`.
//!
//! Anything else (AND, FOLLOWEDBY, NOT, qualifiers, LIKE, MATCHES) says more than that a value is
//! bad, and taking the value alone would be wrong.

use super::entry::Kind;

/// A value that a pattern names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) kind: Kind,
    pub(super) value: String,
}

/// Bytes of a pattern, at most.
const BYTES_MAX: usize = 64 << 10;

const OTHER: &str = "is a pattern that is more than a choice of values";
const UNKNOWN: &str = "is a pattern over something that no list holds";

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Equal,
    Word(String),
    Text(String),
}

/// The values of a pattern.
pub(super) fn terms(pattern: &str) -> Result<Vec<Term>, &'static str> {
    if pattern.len() > BYTES_MAX {
        return Err("is a longer pattern than is read");
    }
    let tokens = tokens(pattern)?;
    let mut tokens = tokens.into_iter().peekable();
    let mut terms = Vec::new();
    loop {
        if tokens.next() != Some(Token::Open) {
            return Err(OTHER);
        }
        loop {
            let (Some(Token::Word(path)), Some(operator)) = (tokens.next(), tokens.next()) else {
                return Err(OTHER);
            };
            let within = matches!(&operator, Token::Word(word) if word == "ISSUBSET");
            let Some(Token::Text(value)) = tokens.next() else { return Err(OTHER) };
            let kind = kind_of(&path).ok_or(UNKNOWN)?;
            if operator != Token::Equal && !(within && kind == Kind::Address) {
                return Err(OTHER);
            }
            terms.push(Term { kind, value });
            match tokens.next() {
                Some(Token::Close) => break,
                Some(Token::Word(or)) if or == "OR" => {}
                _ => return Err(OTHER),
            }
        }
        match tokens.next() {
            None => return Ok(terms),
            Some(Token::Word(or)) if or == "OR" => {}
            _ => return Err(OTHER),
        }
    }
}

/// What the values of an object's property are.
fn kind_of(path: &str) -> Option<Kind> {
    match path {
        "ipv4-addr:value" | "ipv6-addr:value" => Some(Kind::Address),
        "domain-name:value" => Some(Kind::Domain),
        "url:value" => Some(Kind::Text),
        _ if path.starts_with("file:hashes.") => Some(Kind::Text),
        _ => None,
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '[' => tokens.push(Token::Open),
            ']' => tokens.push(Token::Close),
            '=' => {
                letters.next_if_eq(&'='); // both are written
                tokens.push(Token::Equal);
            }
            '\'' => tokens.push(Token::Text(text(&mut letters)?)),
            _ if letter.is_whitespace() => {}
            _ if letter.is_ascii_alphanumeric() => {
                let mut word = String::from(letter);
                while let Some(next) = letters.next_if(|c| part_of_word(*c)) {
                    word.push(next);
                    // A key in quotes: file:hashes.'SHA-256'
                    if next == '.' && letters.next_if_eq(&'\'').is_some() {
                        word += &text(&mut letters)?;
                    }
                }
                tokens.push(Token::Word(word));
            }
            _ => return Err(OTHER),
        }
    }
    Ok(tokens)
}

fn part_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':' | '.')
}

/// The rest of a text in quotes; `\'` and `\\` stand for a quote and a backslash.
fn text(letters: &mut impl Iterator<Item = char>) -> Result<String, &'static str> {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return Ok(text),
            '\\' => text.push(letters.next().ok_or(OTHER)?),
            other => text.push(other),
        }
    }
    Err("is a pattern whose text does not end")
}
