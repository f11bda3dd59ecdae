//! How long rows are kept: classes, policies, and what of a policy is stricter than another.
//!
//! * A row may belong to several classes: it is kept for the longest minimum, and gone by the
//!   shortest maximum. A minimum beyond a maximum is a contradiction, refused by name.
//! * Without a class a row is kept for ever. Nothing is ever deleted by default.

mod presets;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Sha256, Timestamp};

pub use presets::{PRESETS, preset};

/// Seven years as AWS counts them. 2555, seven times 365, is a number that CloudWatch Logs refuses.
pub const SEVEN_YEARS_DAYS: u32 = 2557;

/// Rows of some tables, and how long they are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What it is called, where it is named as a reason.
    pub name: String,
    /// The tables whose rows belong to it.
    pub tables: Vec<String>,
    /// Only rows that hold one of these texts in each of these columns: `*` is any text, upper and
    /// lower case do not count. Empty: all rows.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, Vec<String>>,
    /// No rows that hold one of these texts in any of these columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub except: BTreeMap<String, Vec<String>>,
    /// They are kept at least so long, in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_days: Option<u32>,
    /// They are gone after so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_days: Option<u32>,
    /// Why they may be kept at all, where the law asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

/// A checked set of classes: no contradiction, no class without a term.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policy {
    classes: Vec<Class>,
}

/// How long a row is kept, and by which classes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// It is deleted when it is so old, in days.
    pub days: u32,
    /// The class that says so.
    pub class: String,
}

/// Why classes make no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// A class says nothing.
    #[error("the retention class {0:?} has neither minimum_days nor maximum_days")]
    NoTerm(String),
    /// A class of nothing.
    #[error("the retention class {0:?} names no table")]
    NoTable(String),
    /// Two classes, or one, that no row can obey.
    #[error(
        "rows of {table} are to be kept {minimum} days by {by:?} and gone after {maximum} by {other:?}; change one of them"
    )]
    Contradiction {
        /// The table.
        table: String,
        /// The longer minimum.
        minimum: u32,
        /// The class of the minimum.
        by: String,
        /// The shorter maximum.
        maximum: u32,
        /// The class of the maximum.
        other: String,
    },
}

impl Policy {
    /// Checks classes.
    ///
    /// # Errors
    /// Classes without table or term, and those that contradict each other. Two classes that may
    /// hold the same row count as contradicting: whether they ever do is known by the rows alone.
    pub fn new(classes: Vec<Class>) -> Result<Self, BadPolicy> {
        for class in &classes {
            if class.tables.is_empty() {
                return Err(BadPolicy::NoTable(class.name.clone()));
            }
            if class.minimum_days.is_none() && class.maximum_days.is_none() {
                return Err(BadPolicy::NoTerm(class.name.clone()));
            }
        }
        for keeps in &classes {
            for ends in &classes {
                contradiction(keeps, ends)?;
            }
        }
        Ok(Self { classes })
    }

    /// Whether it says nothing: all is kept.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The classes.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The classes of a table.
    pub fn of_table<'a>(&'a self, table: &str) -> impl Iterator<Item = &'a Class> {
        self.classes.iter().filter(move |class| class.tables.iter().any(|t| t == table))
    }

    /// The columns that decide which classes a row of the table belongs to.
    pub fn columns<'a>(&'a self, table: &str) -> BTreeSet<&'a str> {
        let named = self.of_table(table).flat_map(|c| c.only.keys().chain(c.except.keys()));
        named.map(String::as_str).collect()
    }

    /// How long a row is kept that has these texts; `None` is for ever.
    pub fn term<'t>(&self, table: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Option<Term> {
        term(self.of_table(table).filter(|class| class.holds(text)))
    }

    /// How long a row that has these texts must be kept; `None`: no class asks for it.
    pub fn minimum<'t>(&self, table: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Option<Term> {
        let classes = self.of_table(table).filter(|class| class.holds(text));
        let term = |c: &Class| c.minimum_days.map(|days| Term { days, class: c.name.clone() });
        classes.filter_map(term).max_by_key(|term| term.days)
    }

    /// No row of the table is kept for less than the first, in days, and none for longer than the
    /// second; `None` there is for ever. `None` for both: no class holds any row of it.
    pub fn terms(&self, table: &str) -> Option<(u32, Option<u32>)> {
        let days = || self.of_table(table).flat_map(|c| [c.minimum_days, c.maximum_days]).flatten();
        let every_row = || self.of_table(table).filter(|c| c.is_plain());
        if every_row().count() == self.of_table(table).count() {
            let days = term(every_row())?.days;
            return Some((days, Some(days)));
        }
        let sure = every_row().filter_map(|c| c.minimum_days).max();
        let longest = days().max().filter(|_| every_row().next().is_some());
        Some((sure.or(days().min())?, longest))
    }

    /// A name for what it says.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.canonical().as_bytes())
    }

    /// What it says, as a text that is the same for the same policy.
    pub fn canonical(&self) -> String {
        let line = |class: &Class| format!("{class:?}");
        let lines: BTreeSet<String> = self.classes.iter().map(line).collect();
        lines.into_iter().collect::<Vec<_>>().join("\n")
    }

    /// What is kept for less long than by an earlier policy, in words. It says so too where it
    /// cannot tell.
    pub fn shortens(&self, earlier: &Self) -> Vec<String> {
        let mut said = BTreeSet::new();
        for class in earlier.classes.iter().chain(&self.classes) {
            for table in &class.tables {
                let some = (!class.is_plain()).then_some(class);
                for rows in [None, some] {
                    let (now, before) = (self.term_of(table, rows), earlier.term_of(table, rows));
                    let Some(now) = now else { continue };
                    if before.as_ref().is_none_or(|before| now.days < before.days) {
                        said.insert(shortened(table, rows, &now, before.as_ref()));
                    }
                }
            }
        }
        said.into_iter().collect()
    }

    /// The term of rows of which is known only that they belong to this class, or to none that
    /// asks for anything.
    fn term_of(&self, table: &str, rows: Option<&Class>) -> Option<Term> {
        let sure = |class: &&Class| {
            class.is_plain()
                || rows.is_some_and(|r| r.only == class.only && r.except == class.except)
        };
        term(self.of_table(table).filter(sure))
    }
}

fn shortened(table: &str, rows: Option<&Class>, now: &Term, before: Option<&Term>) -> String {
    let which = rows.map_or(String::new(), |c| format!(" ({})", c.name));
    let before = before.map_or("for ever".to_owned(), |t| format!("{} days", t.days));
    format!("{table}{which}: {} days by {:?}, before {before}", now.days, now.class)
}

fn contradiction(keeps: &Class, ends: &Class) -> Result<(), BadPolicy> {
    let (Some(minimum), Some(maximum)) = (keeps.minimum_days, ends.maximum_days) else {
        return Ok(());
    };
    match keeps.tables.iter().find(|t| ends.tables.contains(t)) {
        Some(table) if minimum > maximum => Err(BadPolicy::Contradiction {
            table: table.clone(),
            minimum,
            by: keeps.name.clone(),
            maximum,
            other: ends.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// The term of a row of these classes: the shortest maximum, else the longest minimum.
fn term<'a>(classes: impl Iterator<Item = &'a Class>) -> Option<Term> {
    let (mut longest, mut shortest): (Option<Term>, Option<Term>) = (None, None);
    for class in classes {
        let term = |days| Term { days, class: class.name.clone() };
        if let Some(days) = class.minimum_days
            && longest.as_ref().is_none_or(|t| days > t.days)
        {
            longest = Some(term(days));
        }
        if let Some(days) = class.maximum_days
            && shortest.as_ref().is_none_or(|t| days < t.days)
        {
            shortest = Some(term(days));
        }
    }
    shortest.or(longest)
}

impl Class {
    /// Whether every row of its tables belongs to it.
    fn is_plain(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }

    /// Whether a row with these texts belongs to it.
    pub fn holds<'t>(&self, text: &dyn Fn(&str) -> Option<&'t str>) -> bool {
        let found = |(column, wanted): (&String, &Vec<String>)| {
            text(column).is_some_and(|text| wanted.iter().any(|w| fits(w, text)))
        };
        self.only.iter().all(found) && !self.except.iter().any(found)
    }
}

impl Term {
    /// Whether what happened then is past its term now.
    pub fn is_over(&self, happened: Timestamp, now: Timestamp) -> bool {
        happened.plus_seconds(i64::from(self.days) * 86_400) <= now
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} days: {}", self.days, self.class)
    }
}

/// Whether a text is of this form: `*` is any text, upper and lower case do not count. Linear: of
/// each piece the first place is taken.
fn fits(form: &str, text: &str) -> bool {
    let (form, text) = (form.to_lowercase(), text.to_lowercase());
    let mut pieces = form.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, minimum_days: Option<u32>, maximum_days: Option<u32>) -> Class {
        let tables = vec!["t".to_owned()];
        Class { name: name.to_owned(), tables, minimum_days, maximum_days, ..Class::default() }
    }

    fn days(classes: Vec<Class>, text: Option<&'static str>) -> Option<u32> {
        Policy::new(classes).unwrap().term("t", &|_| text).map(|t| t.days)
    }

    fn of(level: &str, class: Class) -> Class {
        Class { only: BTreeMap::from([("level".to_owned(), vec![level.to_owned()])]), ..class }
    }

    #[test]
    fn the_longest_minimum_and_the_shortest_maximum_count() {
        assert_eq!(days(vec![], None), None);
        let (short, long) = (class("short", Some(30), None), class("long", Some(90), None));
        assert_eq!(days(vec![short.clone(), long.clone()], None), Some(90));
        let ends = class("ends", None, Some(365));
        assert_eq!(days(vec![short.clone(), long, ends], None), Some(365));
        assert_eq!(days(vec![short, of("AUD*", class("a", Some(9), None))], None), Some(30));
    }

    #[test]
    fn a_contradiction_names_both_classes() {
        let bad = vec![class("seven years", Some(2557), None), class("a year", None, Some(365))];
        let error = Policy::new(bad).unwrap_err().to_string();
        assert!(error.contains("\"seven years\"") && error.contains("\"a year\""), "{error}");
        assert!(Policy::new(vec![class("empty", None, None)]).is_err());
    }

    #[test]
    fn texts_have_forms() {
        for (form, text) in [("*", ""), ("a*c", "ABC"), ("*audit*", "/app/Audit"), ("x", "X")] {
            assert!(fits(form, text), "{form} {text}");
        }
        for (form, text) in [("a*c", "ab"), ("aba*ba", "aba"), ("", "x"), ("*a*a", "a")] {
            assert!(!fits(form, text), "{form} {text}");
        }
    }

    #[test]
    fn whatever_ends_earlier_than_before_is_a_shortening() {
        let policy = |classes: Vec<Class>| Policy::new(classes).unwrap();
        let (none, month) = (policy(vec![]), policy(vec![class("m", Some(30), None)]));
        let year = policy(vec![class("y", Some(365), None)]);
        assert_eq!(month.shortens(&month), Vec::<String>::new());
        assert_eq!(year.shortens(&month), Vec::<String>::new());
        assert_eq!(none.shortens(&month), Vec::<String>::new());
        assert_eq!(month.shortens(&year), ["t: 30 days by \"m\", before 365 days"]);
        assert_eq!(month.shortens(&none), ["t: 30 days by \"m\", before for ever"]);
        let kept = policy(vec![class("m", Some(30), None), of("x", class("x", Some(99), None))]);
        assert_eq!(month.shortens(&kept).len(), 1, "rows with x end earlier");
        assert_eq!(kept.shortens(&month), Vec::<String>::new());
    }

    #[test]
    fn the_policy_of_a_preset_or_two() {
        for name in PRESETS {
            assert!(Policy::new(preset(name).unwrap()).is_ok(), "{name}");
        }
        let both = [preset("cc7").unwrap(), preset("gdpr").unwrap()].concat();
        let error = Policy::new(both).unwrap_err().to_string();
        assert!(error.contains("2557") && error.contains("gdpr"), "{error}");
        assert_eq!(preset("pci"), None);
    }
}
