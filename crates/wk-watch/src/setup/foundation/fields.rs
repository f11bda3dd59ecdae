//! How a file is read: every mistake is noted with its place, and reading goes on.

use wk_lang::nearest::nearest;
use wk_lang::yaml::{Content, Node, Place};
use wk_model::AccountId;

use crate::setup::lint;

/// Mistakes of one file that are told.
const MISTAKES_MAX: usize = 200;
/// Elements of one list.
pub(super) const ITEMS_MAX: usize = 5_000;
/// Characters of one text.
const TEXT_MAX: usize = 2_048;

/// A mistake in a foundation file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, {place}: {why}")]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// Why it is one, and what would be right.
    pub why: String,
    /// The lint that explains it, where it is one of the mission's documents.
    pub lint: Option<&'static str>,
    /// Whether it is only told, and the file can be used.
    pub only_told: bool,
}

/// Reads one file.
pub(super) struct Fields<'f> {
    pub(super) file: &'f str,
    pub(super) mistakes: Vec<Mistake>,
}

impl Fields<'_> {
    fn note(&mut self, place: Place, why: String, lint: Option<&'static str>, only_told: bool) {
        if self.mistakes.len() < MISTAKES_MAX {
            let file = self.file.to_owned();
            self.mistakes.push(Mistake { file, place, why, lint, only_told });
        }
    }

    /// Something is wrong.
    pub(super) fn wrong(&mut self, node: &Node, why: impl Into<String>) {
        self.note(node.place, why.into(), None, false);
    }

    /// Something may not be meant so.
    pub(super) fn doubt(&mut self, node: &Node, why: impl Into<String>) {
        self.note(node.place, why.into(), None, true);
    }

    /// It is a mistake of the mission's documents.
    pub(super) fn known(&mut self, node: &Node, id: &'static str) {
        let Some(lint) = lint::named(id) else { return };
        let why = format!("{}. {} Right: {}", lint.title, lint.why, lint.right);
        self.note(node.place, why, Some(lint.id), false);
    }

    /// Whether a node is a mapping with these keys alone; other keys are noted.
    pub(super) fn mapping(&mut self, node: &Node, what: &str, keys: &[&str]) -> bool {
        let Some(members) = node.members() else {
            self.wrong(node, format!("{what} is a mapping, not {}", node.kind()));
            return false;
        };
        for (key, _) in members {
            if !keys.contains(&key.text.as_str()) {
                let near = nearest(&key.text, keys.iter().copied());
                let near = near.map(|k| format!("; did you mean {k}?")).unwrap_or_default();
                let why = format!("{what} has no key {:?}{near}", cut(&key.text));
                self.note(key.place, why, None, false);
            }
        }
        true
    }

    /// The text of a node: not empty, not too long, without control characters.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let Some(text) = node.scalar() else {
            self.wrong(node, format!("{what} is a text, not {}", node.kind()));
            return None;
        };
        if text.is_empty() || text.chars().count() > TEXT_MAX || text.chars().any(char::is_control)
        {
            self.wrong(
                node,
                format!("{what} has 1 to {TEXT_MAX} characters, none of them control"),
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// A member's text, if it is there.
    pub(super) fn text_of(&mut self, node: &Node, key: &str, what: &str) -> Option<String> {
        self.text(node.get(key)?, what)
    }

    /// A member's text, which must be there.
    pub(super) fn needed(&mut self, node: &Node, key: &str, what: &str) -> Option<String> {
        match node.get(key) {
            Some(inner) => self.text(inner, what),
            None => {
                self.wrong(node, format!("{key} is missing: {what}"));
                None
            }
        }
    }

    /// The texts of a list; a single text is a list of one.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Vec<(String, Node)> {
        let items = node.items();
        if items.len() > ITEMS_MAX {
            self.wrong(node, format!("{what}: there are {}; {ITEMS_MAX} are read", items.len()));
        }
        let mut texts: Vec<(String, Node)> = Vec::new();
        for item in items.iter().take(ITEMS_MAX) {
            let Some(text) = self.text(item, what) else { continue };
            if texts.iter().any(|(t, _)| *t == text) {
                self.wrong(item, format!("{what}: {:?} stands there twice", cut(&text)));
            }
            texts.push((text, item.clone()));
        }
        texts
    }

    /// One of some words, in any letter case; the word as it is spelt here.
    pub(super) fn one_of(&mut self, node: &Node, what: &str, words: &[&str]) -> Option<String> {
        let text = self.text(node, what)?;
        if let Some(word) = words.iter().find(|w| w.eq_ignore_ascii_case(&text)) {
            return Some((*word).to_owned());
        }
        let near = nearest(&text, words.iter().copied());
        let near = near.map(|w| format!(" (did you mean {w}?)")).unwrap_or_default();
        self.wrong(
            node,
            format!("{what}: {:?} is none{near}; there are {}", cut(&text), words.join(", ")),
        );
        None
    }

    /// A whole number.
    pub(super) fn whole(&mut self, node: &Node, what: &str, from: u32, to: u32) -> Option<u32> {
        let number = node.scalar().and_then(|text| text.parse::<u32>().ok());
        if number.is_none_or(|n| n < from || n > to) {
            self.wrong(node, format!("{what} is a whole number from {from} to {to}"));
            return None;
        }
        number
    }

    /// An account's number.
    pub(super) fn account(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?;
        if AccountId::fits(&text) {
            return Some(text);
        }
        self.wrong(node, format!("{what}: {:?} is not an account's twelve digits", cut(&text)));
        None
    }

    /// A region's name.
    pub(super) fn region(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?;
        let parts: Vec<&str> = text.split('-').collect();
        let letters = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase());
        let number =
            parts.last().is_some_and(|p| p.len() == 1 && p.parse::<u8>().is_ok_and(|n| n > 0));
        if matches!(parts.len(), 3 | 4) && number && parts.iter().take(parts.len() - 1).all(letters)
        {
            return Some(text);
        }
        self.wrong(node, format!("{what}: {:?} is no region, such as eu-central-1", cut(&text)));
        None
    }

    /// A name of these signs, beside letters and digits.
    pub(super) fn name(
        &mut self,
        node: &Node,
        what: &str,
        signs: &str,
        chars_max: usize,
    ) -> Option<String> {
        let text = self.text(node, what)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
        if text.len() <= chars_max && text.chars().all(fits) {
            return Some(text);
        }
        let why = format!(
            "{what}: {:?} is none: 1 to {chars_max} letters, digits and {signs}",
            cut(&text)
        );
        self.wrong(node, why);
        None
    }
}

/// A text short enough to be repeated in a message.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Whether a node is a list or mapping without anything, or nothing.
pub(super) fn nothing(node: &Node) -> bool {
    match &node.content {
        Content::Null => true,
        Content::List(items) => items.is_empty(),
        Content::Map(members) => members.is_empty(),
        _ => false,
    }
}
