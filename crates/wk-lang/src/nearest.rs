//! The known word that somebody most likely meant.
//!
//! * Letters are compared without regard to case, so that a word that differs in nothing else comes
//!   first.
//! * Long words are cut, so a text of a megabyte costs no more than one of a hundred letters.

/// Letters of a word that are looked at.
const LETTERS_MAX: usize = 64;

/// The known word that takes the fewest edits, if they are few for the word's length.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let few = (word.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (edits(&word, &letters(candidate)), candidate))
        .filter(|(edits, _)| *edits <= few && *edits < word.len())
        .min()
        .map(|(_, candidate)| candidate)
}

fn letters(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).take(LETTERS_MAX).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let mut least =
                (row[j] + usize::from(a[i] != b[j])).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["contains", "startswith", "endswith", "re", "cidr"];
        assert_eq!(nearest("contians", known), Some("contains"));
        assert_eq!(nearest("startwith", known), Some("startswith"));
        assert_eq!(nearest("rex", known), Some("re"));
        assert_eq!(nearest("between", known), None);
        assert_eq!(nearest("a", ["b", "c"]), None, "a letter is not like every other");
    }

    #[test]
    fn a_word_that_differs_in_case_is_nearest() {
        assert_eq!(nearest("SRCADDR", ["dstAddr", "srcAddr"]), Some("srcAddr"));
    }

    #[test]
    fn a_word_of_a_megabyte_is_cut() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["x", "y"]), None);
    }
}
