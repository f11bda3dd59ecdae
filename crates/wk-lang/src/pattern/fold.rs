//! Texts without regard to letter case, letter by letter.

/// A text whose letters may be met in lower or upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Folded {
    /// Only ASCII: compared byte by byte.
    Ascii(Box<str>),
    /// Each letter in its lower and its upper form, which may have several letters: `ß`, `SS`.
    Letters(Box<[(String, String)]>),
}

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.into());
        }
        let both = |c: char| (c.to_lowercase().collect(), c.to_uppercase().collect());
        Self::Letters(text.chars().map(both).collect())
    }

    pub(super) fn equals(&self, text: &str) -> bool {
        match self {
            Self::Ascii(own) => text.eq_ignore_ascii_case(own),
            Self::Letters(_) => self.behind(text) == Some(""),
        }
    }

    pub(super) fn begins(&self, text: &str) -> bool {
        match self {
            Self::Ascii(own) => {
                let head = text.as_bytes().get(..own.len());
                head.is_some_and(|head| head.eq_ignore_ascii_case(own.as_bytes()))
            }
            Self::Letters(_) => self.behind(text).is_some(),
        }
    }

    pub(super) fn ends(&self, text: &str) -> bool {
        match self {
            Self::Ascii(own) => {
                let start = text.len().checked_sub(own.len());
                let tail = start.and_then(|start| text.as_bytes().get(start..));
                tail.is_some_and(|tail| tail.eq_ignore_ascii_case(own.as_bytes()))
            }
            Self::Letters(letters) => {
                let mut rest = Some(text);
                for (lower, upper) in letters.iter().rev() {
                    let Some(text) = rest else { return false };
                    rest = text
                        .strip_suffix(lower.as_str())
                        .or_else(|| text.strip_suffix(upper.as_str()));
                }
                rest.is_some()
            }
        }
    }

    /// What comes behind it, if the text begins with it.
    fn behind<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Self::Letters(letters) = self else { return None };
        letters.iter().try_fold(text, |text, (lower, upper)| {
            text.strip_prefix(lower.as_str()).or_else(|| text.strip_prefix(upper.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beyond_ascii_have_two_cases() {
        let folded = Folded::new("Straße");
        assert!(folded.equals("straße") && folded.equals("STRASSE") && !folded.equals("strasse1"));
        assert!(Folded::new("ÉT").begins("étage") && Folded::new("ÉT").ends("l'ét"));
        assert!(!Folded::new("ÉT").begins("é") && !Folded::new("ÉT").ends("t"));
    }

    #[test]
    fn ascii_ends_and_begins_within_longer_letters() {
        assert!(Folded::new("b").ends("éB") && !Folded::new("xyz").ends("é"));
        assert!(!Folded::new("k").equals("\u{212a}"), "the Kelvin sign is a letter of its own");
    }
}
