//! Patterns with `*`, and how complex they may be.

use std::collections::{BTreeSet, HashSet};

use memchr::memmem::Finder;

/// A text with stars. Linear in the text it is held against.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    /// Before the first star; the whole text where there is none.
    head: Box<[u8]>,
    /// Behind the last star; none where there is no star.
    tail: Option<Box<[u8]>>,
    /// Between stars, each found as far left as it can be.
    between: Box<[Finder<'static>]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Byte(u8),
    Star,
}

/// AWS does not say where its limit lies. It takes `/Users/*/dir/dir/dir/dir/dir/doc.txt` (7 by the
/// measure below) and refuses `*:*:*:*:*:event-bus/*` (10).
const COMPLEX: usize = 10;
/// Sets of beginnings that are looked at to find out; who needs more is too complex.
const SETS_MAX: usize = 5_000;

const TOO_COMPLEX: &str = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character";

impl Wildcard {
    /// Reads a pattern, in which `\*` and `\\` are the only escapes.
    ///
    /// # Errors
    /// AWS's reason. Positions count the quote before the text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let items = items(text)?;
        if items.contains(&Item::Star) && complexity(&items) >= COMPLEX {
            return Err(TOO_COMPLEX.to_owned());
        }
        let mut pieces: Vec<Box<[u8]>> = items
            .split(|item| *item == Item::Star)
            .map(|piece| piece.iter().filter_map(Item::byte).collect())
            .collect();
        let tail = if pieces.len() > 1 { pieces.pop() } else { None };
        let mut pieces = pieces.into_iter();
        let head = pieces.next().unwrap_or_default();
        let between = pieces.map(|piece| Finder::new(&*piece).into_owned()).collect();
        Ok(Self { head, tail, between })
    }

    /// Whether it is the same pattern.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let needles =
            |own: &Self| own.between.iter().map(|f| f.needle().to_vec()).collect::<Vec<_>>();
        (&self.head, &self.tail) == (&other.head, &other.tail) && needles(self) == needles(other)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let Some(tail) = &self.tail else { return text == &*self.head };
        let Some(mut rest) = text.strip_prefix(&*self.head).and_then(|t| t.strip_suffix(&**tail))
        else {
            return false;
        };
        for piece in &self.between {
            let Some(at) = piece.find(rest) else { return false };
            rest = rest.get(at + piece.needle().len()..).unwrap_or(&[]);
        }
        true
    }
}

impl Item {
    fn byte(&self) -> Option<u8> {
        match self {
            Self::Byte(b) => Some(*b),
            Self::Star => None,
        }
    }
}

fn items(text: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut bytes = (1..).zip(text.bytes()).peekable();
    while let Some((position, byte)) = bytes.next() {
        let next = bytes.peek().map(|(_, next)| *next);
        items.push(match (byte, next) {
            (b'*', Some(b'*')) => {
                return Err(format!("Consecutive wildcard characters at pos {position}"));
            }
            (b'*', _) => Item::Star,
            (b'\\', Some(escaped @ (b'*' | b'\\'))) => {
                bytes.next();
                Item::Byte(escaped)
            }
            (b'\\', _) => return Err(format!("Invalid escape character at pos {position}")),
            (byte, _) => Item::Byte(byte),
        });
    }
    Ok(items)
}

/// In how many ways, at most, one text can be a beginning of the pattern at the same time: what a
/// state machine that reads byte by byte would have to follow.
fn complexity(items: &[Item]) -> usize {
    let star = items.iter().position(|item| *item == Item::Star).unwrap_or(0);
    let items = items.get(star..).unwrap_or(&[]);
    let letters: BTreeSet<u8> = items.iter().filter_map(Item::byte).collect();
    let mut known: HashSet<Vec<usize>> = HashSet::new();
    let mut open = vec![vec![0]];
    let mut most = 0;
    while let Some(state) = open.pop() {
        if state.len() >= COMPLEX || known.len() >= SETS_MAX {
            return COMPLEX;
        }
        most = most.max(state.len());
        if !known.insert(state.clone()) {
            continue;
        }
        let inputs = letters.iter().map(|b| Some(*b)).chain([None]);
        open.extend(inputs.map(|byte| step(items, byte, &state)).filter(|n| !known.contains(n)));
    }
    most
}

/// The items that can have taken the next byte (`None`: one that the pattern does not name), when
/// these took the last.
fn step(items: &[Item], byte: Option<u8>, state: &[usize]) -> Vec<usize> {
    let mut next = BTreeSet::new();
    let is_byte = |at: usize| byte.is_some() && items.get(at).and_then(Item::byte) == byte;
    for at in state {
        let here = if items.get(*at) == Some(&Item::Star) { *at } else { at + 1 };
        if items.get(here) == Some(&Item::Star) {
            next.insert(here);
            if is_byte(here + 1) {
                next.insert(here + 1);
            }
        } else if is_byte(here) {
            next.insert(here);
        }
    }
    next.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Wildcard::read(pattern).unwrap().matches(text)
    }

    #[test]
    fn stars_stand_for_any_text_or_none() {
        assert!(matches("a*s.*2", "aws.ec2") && matches("*bc", "bc") && matches("*", ""));
        assert!(matches("", "") && !matches("", "x") && !matches("a*a", "a"));
        assert!(matches(r"a\*\\b*", r"a*\bc") && !matches(r"a\*b", "axb"));
    }

    #[test]
    fn what_aws_refuses_is_refused_with_its_place() {
        let refused = |pattern| Wildcard::read(pattern).unwrap_err();
        assert_eq!(refused("abc**def"), "Consecutive wildcard characters at pos 4");
        assert_eq!(refused(r"a*c\def"), "Invalid escape character at pos 4");
        assert_eq!(refused("a\\"), "Invalid escape character at pos 2");
        assert_eq!(refused("*:*:*:*:*:event-bus/*"), TOO_COMPLEX);
    }

    #[test]
    fn repetition_behind_a_star_is_counted_not_length() {
        assert!(Wildcard::read("/Users/*/dir/dir/dir/dir/dir/doc.txt").is_ok());
        assert!(Wildcard::read(&format!("*{}", "aaaaaaaaaaaaaa")).is_err());
        let long = (0..4_000).map(|n| char::from(b'a' + u8::try_from(n * n % 23).unwrap()));
        assert!(Wildcard::read(&long.collect::<String>()).is_ok(), "no star, no limit");
        assert!(Wildcard::read("arn:aws:iam::*:role/aws-service-role/*/AWSServiceRole*").is_ok());
    }

    /// The plainest meaning of stars.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| plainly(rest, &text[skip..])),
            Some((b, rest)) => text.first() == Some(b) && plainly(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn matches_as_the_plainest_meaning_does(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let Ok(wildcard) = Wildcard::read(&pattern) else { return Ok(()) };
            prop_assert_eq!(wildcard.matches(&text), plainly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
