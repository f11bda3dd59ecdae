//! The words, numbers, texts and signs of a query.
//!
//! * A token is read where the parser asks for it, because `/` divides after a value and begins a
//!   regular expression elsewhere, and only the parser knows which.
//! * Comments run from `#` to the end of their line and count as blanks.

use super::ast::Span;

/// Bytes of one regular expression.
pub(super) const PATTERN_BYTES_MAX: usize = 16 << 10;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Pipe,
    Comma,
    Semicolon,
    Colon,
    Dot,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    /// `=` and `==`.
    Equal,
    /// `=~`.
    Matches,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Caret,
    Percent,
    Bang,
    /// Text in quotes.
    Text,
    /// A quote or a back tick without its partner.
    Unclosed,
    /// A name, with dots and parts in back ticks.
    Word,
    /// `12`, `1.5`, `2e-3`.
    Number,
    /// What begins as a number and goes on as something else: `5m`, `10.0.0.1`.
    Unit,
    /// A character that no query has.
    Strange,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// The token at or after a place.
pub(super) fn token(text: &str, from: usize) -> Token {
    let start = skip_blanks(text, from);
    let rest = text.get(start..).unwrap_or_default();
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return Token { kind: Kind::End, span: Span { start, end: start } };
    };
    let (kind, length) = match first {
        '"' | '\'' => match quoted(rest, first) {
            Some(length) => (Kind::Text, length),
            None => (Kind::Unclosed, 1),
        },
        '0'..='9' => number(rest),
        _ if begins_word(first) => word(rest),
        _ => sign(first, chars.next()),
    };
    Token { kind, span: Span { start, end: start + length } }
}

/// Where the regular expression that begins with the slash at `start` ends, after its second slash.
/// A slash in brackets is a letter of it, unless then it has no end.
pub(super) fn regex_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start + 1..)?;
    let length = regex_length(rest, true).or_else(|| regex_length(rest, false))?;
    Some(start + 1 + length)
}

/// The same where nothing but the end matters and there may be very many: at the next slash.
pub(super) fn slashed_end(text: &str, start: usize) -> Option<usize> {
    Some(start + 1 + regex_length(text.get(start + 1..)?, false)?)
}

fn regex_length(rest: &str, brackets: bool) -> Option<usize> {
    let mut class_from = None;
    let mut escaped = false;
    for (at, letter) in rest.char_indices().take_while(|(at, _)| *at < PATTERN_BYTES_MAX) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' if class_from.is_none() => return Some(at + 1),
            '[' if brackets && class_from.is_none() => class_from = Some(at),
            // The first letter of a class may be a bracket.
            ']' if class_from
                .is_some_and(|from| !matches!(rest.get(from..at), Some("[" | "[^"))) =>
            {
                class_from = None;
            }
            _ => {}
        }
    }
    None
}

fn skip_blanks(text: &str, from: usize) -> usize {
    let mut comment = false;
    for (at, letter) in text.get(from..).unwrap_or_default().char_indices() {
        match letter {
            '\n' => comment = false,
            '#' => comment = true,
            _ if comment || blank(letter) => {}
            _ => return from + at,
        }
    }
    text.len()
}

/// White space, and what copying from a page leaves behind.
fn blank(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{feff}' | '\u{200b}')
}

fn begins_word(letter: char) -> bool {
    letter.is_alphabetic() || matches!(letter, '_' | '@' | '`')
}

fn goes_on_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '@')
}

/// Length of a text in quotes, both quotes included.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A name goes on through dots and through parts in back ticks; a dot at its end is not its own.
fn word(rest: &str) -> (Kind, usize) {
    let mut chars = rest.char_indices().peekable();
    let mut length = 0;
    while let Some(&(at, letter)) = chars.peek() {
        match letter {
            '`' => {
                chars.next();
                match chars.by_ref().find(|(_, letter)| *letter == '`') {
                    Some((end, _)) => length = end + 1,
                    None if at == 0 => return (Kind::Unclosed, 1),
                    None => break,
                }
            }
            '.' => {
                chars.next();
                if !chars.peek().is_some_and(|(_, next)| goes_on_word(*next) || *next == '`') {
                    break;
                }
            }
            _ if goes_on_word(letter) => {
                chars.next();
                length = at + letter.len_utf8();
            }
            _ => break,
        }
    }
    (Kind::Word, length)
}

fn number(rest: &str) -> (Kind, usize) {
    let run = |from: usize| -> usize {
        let tail = rest.get(from..).unwrap_or_default();
        let end = tail.find(|letter: char| !goes_on_word(letter) && letter != '.');
        from + end.unwrap_or(tail.len())
    };
    let mut length = run(0);
    let exponent = rest.get(..length).unwrap_or_default().strip_suffix(['e', 'E']);
    if exponent.is_some_and(plain) && rest.get(length..).unwrap_or_default().starts_with(['+', '-'])
    {
        length = run(length + 1);
    }
    let whole = rest.get(..length).unwrap_or_default();
    let (digits, power) = whole.split_once(['e', 'E']).unwrap_or((whole, "0"));
    let power = power.strip_prefix(['+', '-']).unwrap_or(power);
    let is_power = !power.is_empty() && power.bytes().all(|byte| byte.is_ascii_digit());
    (if plain(digits) && is_power { Kind::Number } else { Kind::Unit }, length)
}

/// Digits, with a point between them at most.
fn plain(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    [whole, part].iter().all(|s| !s.is_empty() && s.bytes().all(|byte| byte.is_ascii_digit()))
}

fn sign(first: char, second: Option<char>) -> (Kind, usize) {
    let kind = match (first, second) {
        ('=', Some('=')) => return (Kind::Equal, 2),
        ('=', Some('~')) => return (Kind::Matches, 2),
        ('!', Some('=')) => return (Kind::NotEqual, 2),
        ('<', Some('=')) => return (Kind::LessOrEqual, 2),
        ('>', Some('=')) => return (Kind::GreaterOrEqual, 2),
        ('|', _) => Kind::Pipe,
        (',', _) => Kind::Comma,
        (';', _) => Kind::Semicolon,
        (':', _) => Kind::Colon,
        ('.', _) => Kind::Dot,
        ('(', _) => Kind::Open,
        (')', _) => Kind::Close,
        ('[', _) => Kind::OpenBracket,
        (']', _) => Kind::CloseBracket,
        ('{', _) => Kind::OpenBrace,
        ('}', _) => Kind::CloseBrace,
        ('=', _) => Kind::Equal,
        ('<', _) => Kind::Less,
        ('>', _) => Kind::Greater,
        ('+', _) => Kind::Plus,
        ('-', _) => Kind::Minus,
        ('*', _) => Kind::Star,
        ('/', _) => Kind::Slash,
        ('^', _) => Kind::Caret,
        ('%', _) => Kind::Percent,
        ('!', _) => Kind::Bang,
        _ => Kind::Strange,
    };
    (kind, first.len_utf8())
}

/// The text between the quotes, with its escapes resolved. A backslash before a letter that it does
/// not change stays, so that `"\d"` is what a regular expression needs.
pub(super) fn unquote(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = inside(quoted).chars();
    while let Some(letter) = chars.next() {
        if letter == '\\' {
            unescape(chars.next(), &mut text);
        } else {
            text.push(letter);
        }
    }
    text
}

/// What the letter after a backslash stands for.
pub(super) fn unescape(letter: Option<char>, text: &mut String) {
    match letter {
        Some(letter @ ('\\' | '"' | '\'')) => text.push(letter),
        Some('n') => text.push('\n'),
        Some('t') => text.push('\t'),
        Some('r') => text.push('\r'),
        Some(letter) => text.extend(['\\', letter]),
        None => text.push('\\'),
    }
}

/// What stands between the first character and the last.
pub(super) fn inside(quoted: &str) -> &str {
    let mut chars = quoted.chars();
    chars.next();
    chars.next_back();
    chars.as_str()
}

/// A name without its back ticks.
pub(super) fn name(word: &str) -> String {
    word.replace('`', "")
}

/// The expression between the slashes, with `\/` as what it stands for.
pub(super) fn expression(slashed: &str) -> String {
    let mut text = String::with_capacity(slashed.len());
    let mut chars = inside(slashed).chars();
    while let Some(letter) = chars.next() {
        match letter {
            '\\' => match chars.next() {
                Some('/') => text.push('/'),
                Some(escaped) => text.extend(['\\', escaped]),
                None => text.push('\\'),
            },
            _ => text.push(letter),
        }
    }
    text
}
