//! Conditions: `selection and not 1 of filter_*`.

use super::error::Problem;

/// A condition over the searches of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The search at this place among the rule's searches.
    Search(usize),
    /// The opposite.
    Not(Box<Condition>),
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
}

impl Condition {
    /// Whether it asks for something not to be.
    pub fn negates(&self) -> bool {
        match self {
            Self::Search(_) => false,
            Self::Not(_) => true,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::negates),
        }
    }

    /// Makes it speak of searches that stand so many places behind.
    pub(super) fn move_searches(&mut self, by: usize) {
        match self {
            Self::Search(place) => *place += by,
            Self::Not(inner) => inner.move_searches(by),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter_mut().for_each(|part| part.move_searches(by));
            }
        }
    }

    /// Whether it is true, given what is true of each search.
    pub fn holds(&self, search: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Search(place) => search(*place),
            Self::Not(inner) => !inner.holds(search),
            Self::All(parts) => parts.iter().all(|part| part.holds(search)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(search)),
        }
    }
}

impl std::fmt::Display for Condition {
    /// Searches by their numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.in_words(&[]))
    }
}

impl Condition {
    /// With the names of the searches; those that have none by their numbers.
    pub fn in_words(&self, names: &[&str]) -> String {
        let list = |parts: &[Self], with: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.in_words(names)).collect();
            format!("({})", parts.join(with))
        };
        match self {
            Self::Search(place) => match names.get(*place) {
                Some(name) => (*name).to_owned(),
                None => place.to_string(),
            },
            Self::Not(inner) => format!("not {}", inner.in_words(names)),
            Self::All(parts) => list(parts, " and "),
            Self::Any(parts) => list(parts, " or "),
        }
    }
}

/// How long and how deep a condition may be.
const WORDS_MAX: usize = 2_000;
const DEPTH_MAX: usize = 64;

/// The names in a condition over rules.
pub(super) fn names(condition: &str) -> Vec<&str> {
    let operators = ["and", "or", "not", "of", "(", ")", "1", "all", "any", "them"];
    let is_name = |word: &&str| !operators.contains(&word.to_lowercase().as_str());
    words(condition).unwrap_or_default().into_iter().filter(is_name).collect()
}

/// Reads a condition over these names; it stands under this key.
pub(super) fn read_over(
    condition: &str,
    names: &[&str],
    key: &'static str,
) -> Result<Condition, Problem> {
    let words = words(condition)?;
    if words.len() > WORDS_MAX {
        return Err(Problem::TooMany { what: "words in a condition".to_owned(), max: WORDS_MAX });
    }
    let mut reader = Reader { key, condition, names, words: &words, depth: 0 };
    let read = reader.any()?;
    match reader.words.first() {
        None => Ok(read),
        Some(word) => Err(reader.refuse(format!("{word:?} should not follow here"))),
    }
}

/// Names, operators and parentheses.
fn words(condition: &str) -> Result<Vec<&str>, Problem> {
    let mut words = Vec::new();
    let mut rest = condition.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '*' | '?');
        let length = match first {
            '(' | ')' => 1,
            '|' => {
                return Err(Problem::NotYet(
                    "aggregations in conditions (write a correlation rule)",
                ));
            }
            _ => rest.find(|c| !in_word(c)).unwrap_or(rest.len()).max(first.len_utf8()),
        };
        let (word, behind) = rest.split_at(length);
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

struct Reader<'a> {
    /// Where the condition stands.
    key: &'static str,
    condition: &'a str,
    names: &'a [&'a str],
    words: &'a [&'a str],
    depth: usize,
}

impl<'a> Reader<'a> {
    fn refuse(&self, why: impl Into<String>) -> Problem {
        Problem::Condition { key: self.key, condition: self.condition.to_owned(), why: why.into() }
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// Goes on if the next word is this one, in any letter case.
    fn skip(&mut self, word: &str) -> bool {
        let found = self.words.first().is_some_and(|w| w.eq_ignore_ascii_case(word));
        if found {
            self.next();
        }
        found
    }

    fn any(&mut self) -> Result<Condition, Problem> {
        let mut parts = vec![self.all()?];
        while self.skip("or") {
            parts.push(self.all()?);
        }
        Ok(join(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Problem> {
        let mut parts = vec![self.not()?];
        while self.skip("and") {
            parts.push(self.not()?);
        }
        Ok(join(parts, Condition::All))
    }

    fn not(&mut self) -> Result<Condition, Problem> {
        let mut negated = false;
        while self.skip("not") {
            negated = !negated;
        }
        let part = self.part()?;
        Ok(if negated { Condition::Not(Box::new(part)) } else { part })
    }

    fn part(&mut self) -> Result<Condition, Problem> {
        let Some(word) = self.next() else {
            return Err(self.refuse("it ends where a search should be"));
        };
        if word == "(" {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(self.refuse(format!("more than {DEPTH_MAX} levels of parentheses")));
            }
            let inner = self.any()?;
            self.depth -= 1;
            if self.next() != Some(")") {
                return Err(self.refuse("a parenthesis is not closed"));
            }
            return Ok(inner);
        }
        if self.skip("of") {
            return self.quantified(word);
        }
        self.named(word)
    }

    fn named(&self, word: &str) -> Result<Condition, Problem> {
        if let Some(index) = self.names.iter().position(|name| *name == word) {
            return Ok(Condition::Search(index));
        }
        let misplaced = ["and", "or", "not", "of", ")"].contains(&word.to_lowercase().as_str());
        if misplaced {
            return Err(self.refuse(format!("{word:?} stands where a search should be")));
        }
        Err(Problem::unknown(self.key, word, self.names.iter().copied()))
    }

    /// `1 of them`, `all of selection_*`.
    fn quantified(&mut self, quantity: &str) -> Result<Condition, Problem> {
        let Some(pattern) = self.next() else {
            return Err(self.refuse("it ends behind \"of\""));
        };
        let them = pattern.eq_ignore_ascii_case("them");
        let chosen = |name: &str| match them {
            true => !name.starts_with('_'),
            false => fits(pattern, name),
        };
        let places = self.names.iter().enumerate().filter(|(_, name)| chosen(name));
        let searches: Vec<_> = places.map(|(place, _)| Condition::Search(place)).collect();
        if searches.is_empty() {
            return Err(self.refuse(format!("no search is called {pattern:?}")));
        }
        match quantity.to_lowercase().as_str() {
            "1" | "any" => Ok(join(searches, Condition::Any)),
            "all" => Ok(join(searches, Condition::All)),
            _ => Err(self.refuse(format!("{quantity:?} of: it should be 1 or all"))),
        }
    }
}

fn join(mut parts: Vec<Condition>, with: fn(Vec<Condition>) -> Condition) -> Condition {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            with(parts)
        }
    }
}

/// Whether a name is as a pattern with `*` says.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let Some(mut inner) = inner else { return false };
    for part in middle.split('*') {
        let Some((_, behind)) = inner.split_once(part) else { return false };
        inner = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn shown(condition: &Condition, names: &[&str]) -> String {
        let list = |parts: &[Condition], with: &str| {
            let parts: Vec<_> = parts.iter().map(|part| shown(part, names)).collect();
            format!("({})", parts.join(with))
        };
        match condition {
            Condition::Search(index) => names[*index].to_owned(),
            Condition::Not(inner) => format!("!{}", shown(inner, names)),
            Condition::All(parts) => list(parts, " & "),
            Condition::Any(parts) => list(parts, " | "),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "expect! is written in place")]
    fn check(condition: &str, expected: Expect) {
        let names = ["selection", "sel_a", "sel_b", "filter_x", "_hidden"];
        let answer = match read_over(condition, &names, "detection.condition") {
            Ok(condition) => shown(&condition, &names),
            Err(problem) => problem.to_string(),
        };
        expected.assert_eq(&answer);
    }

    #[test]
    fn operators_bind_as_the_standard_says() {
        check("selection", expect!["selection"]);
        check("sel_a or sel_b and not filter_x", expect!["(sel_a | (sel_b & !filter_x))"]);
        check("(sel_a OR sel_b) And NOT (filter_x)", expect!["((sel_a | sel_b) & !filter_x)"]);
        check("not not sel_a", expect!["sel_a"]);
        check("not 1 of sel_* and selection", expect!["(!(sel_a | sel_b) & selection)"]);
    }

    #[test]
    fn quantities_choose_searches_by_name() {
        check("1 of them", expect!["(selection | sel_a | sel_b | filter_x)"]);
        check("all of sel*", expect!["(selection & sel_a & sel_b)"]);
        check("any of *_a", expect!["sel_a"]);
        check("1 of _*", expect!["_hidden"]);
        check("all of filter_x", expect!["filter_x"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        check("", expect![[r#"detection.condition "": it ends where a search should be"#]]);
        check(
            "selecton",
            expect![[r#"detection.condition: "selecton" is not known; did you mean selection?"#]],
        );
        check(
            "sel_a and or sel_b",
            expect![[
                r#"detection.condition "sel_a and or sel_b": "or" stands where a search should be"#
            ]],
        );
        check("(sel_a", expect![[r#"detection.condition "(sel_a": a parenthesis is not closed"#]]);
        check("sel_a)", expect![[r#"detection.condition "sel_a)": ")" should not follow here"#]]);
        check(
            "2 of sel_*",
            expect![[r#"detection.condition "2 of sel_*": "2" of: it should be 1 or all"#]],
        );
        check(
            "1 of other_*",
            expect![[r#"detection.condition "1 of other_*": no search is called "other_*""#]],
        );
        check(
            "sel_a | count() > 5",
            expect!["aggregations in conditions (write a correlation rule): not yet"],
        );
        check(
            &"(".repeat(100),
            expect![[
                r#"detection.condition "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((": more than 64 levels of parentheses"#
            ]],
        );
    }
}
