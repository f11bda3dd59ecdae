//! Checks of the user: a question in SQL over the lake and the inventory, with what its rows mean.
//!
//! * One YAML file each, in `checks` of the home directory.
//! * `${since}` and `${until}` in a question make it a check over a period; `${run}` is the walk that is
//!   judged. They stand where a value stands, without quotes.
//! * Where every row is a fault, no row is only well if there was something to look at: that is what
//!   `needs` asks. So an empty lake is NO_DATA and never COMPLIANT.

use std::collections::BTreeMap;

use wk_lang::yaml::{self, Node};
use wk_model::{SeverityWord, Timestamp};

use crate::checks::{About, Method, Test};

/// A check of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCheck {
    /// What it says of itself.
    pub about: About,
    /// Why it matters.
    pub why: String,
    /// The question.
    pub sql: String,
    /// A question that has a row where there is something to look at.
    pub needs: Option<String>,
    /// What a row means.
    pub rows: Rows,
}

/// What a row of an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Something that is not as it should be.
    Faults,
    /// A verdict, which its column `verdict` says.
    Verdicts,
}

/// Columns that an answer may have. What it has besides is left out.
pub const COLUMNS: &[&str] = &["resource", "account", "region", "verdict", "why", "evidence"];

/// Why a file is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub struct BadCheck {
    /// The file.
    pub file: String,
    /// Why, with its place where it has one.
    pub why: String,
}

/// Bytes of a file.
const BYTES_MAX: usize = 64 << 10;
/// What may stand in a question instead of a value.
const PLACES: &[&str] = &["${since}", "${until}", "${run}"];

/// Reads a file.
///
/// # Errors
/// If it is no check.
pub fn read(file: &str, text: &str) -> Result<OwnCheck, BadCheck> {
    let bad = |why: String| BadCheck { file: file.to_owned(), why };
    if text.len() > BYTES_MAX {
        return Err(bad(format!("it is longer than {BYTES_MAX} bytes")));
    }
    let documents = yaml::read(text).map_err(|e| bad(e.to_string()))?;
    let [document] = documents.as_slice() else {
        return Err(bad("it is not one document".to_owned()));
    };
    let mut said = Said::default();
    for (key, value) in document.members().unwrap_or_default() {
        said.take(&key.text, value).map_err(|why| bad(format!("{}: {why}", key.place)))?;
    }
    said.check().map_err(bad)
}

/// What a file says, key by key.
#[derive(Default)]
struct Said {
    texts: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
}

const TEXTS: &[&str] =
    &["id", "title", "severity", "why", "remediation", "sql", "needs", "rows", "test"];
const LISTS: &[&str] = &["points", "nist", "cis", "requirements"];

impl Said {
    fn take(&mut self, key: &str, value: &Node) -> Result<(), String> {
        if TEXTS.contains(&key) {
            let text = value.scalar().map(str::trim).filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| format!("{key} is no text"))?;
            self.texts.insert(key.to_owned(), text.to_owned());
            return Ok(());
        }
        if LISTS.contains(&key) {
            let texts = value.items().iter().map(|item| item.scalar().map(str::to_owned));
            let list: Option<Vec<String>> = texts.collect();
            let list = list.filter(|l| !l.is_empty());
            self.lists.insert(key.to_owned(), list.ok_or_else(|| format!("{key} is no list"))?);
            return Ok(());
        }
        let known: Vec<&str> = TEXTS.iter().chain(LISTS).copied().collect();
        Err(format!("{key:?} is not known; there are {}", known.join(", ")))
    }

    fn text(&self, key: &str) -> Result<String, String> {
        self.texts.get(key).cloned().ok_or_else(|| format!("it has no {key}"))
    }

    fn check(&self) -> Result<OwnCheck, String> {
        let id = self.text("id")?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(3..=64).contains(&id.len()) || !id.chars().all(fits) {
            return Err(format!("id {id:?} is not 3 to 64 small letters, digits and -"));
        }
        if crate::checks::named(&id).is_some() || crate::period::named(&id).is_some() {
            return Err(format!("there is a built-in check {id:?}"));
        }
        let severity = self.text("severity")?;
        let severity = SeverityWord::parse(&severity)
            .ok_or_else(|| format!("severity {severity:?} is none such as high"))?;
        let rows = match self.text("rows")?.as_str() {
            "faults" => Rows::Faults,
            "verdicts" => Rows::Verdicts,
            other => return Err(format!("rows {other:?} is neither faults nor verdicts")),
        };
        let needs = self.texts.get("needs").cloned();
        if rows == Rows::Faults && needs.is_none() {
            return Err("where every row is a fault, needs must ask whether there is anything to \
                        look at: else an empty lake would be as it should be"
                .to_owned());
        }
        let sql = self.text("sql")?;
        for question in [Some(&sql), needs.as_ref()].into_iter().flatten() {
            unknown_place(question)?;
        }
        let test = match self.texts.get("test").map(String::as_str) {
            None if sql.contains("${since}") => Test::Operation,
            None | Some("design") => Test::Design,
            Some("operation") => Test::Operation,
            Some(other) => return Err(format!("test {other:?} is neither design nor operation")),
        };
        let list = |key: &str| self.lists.get(key).cloned().unwrap_or_default();
        let about = About {
            id,
            title: self.text("title")?,
            severity,
            points: list("points"),
            nist: list("nist"),
            cis: list("cis"),
            serves: list("requirements"),
            test,
            method: Method::Automated,
            kind: "sql",
            parameters: BTreeMap::new(),
            remedy: self.text("remediation")?,
        };
        Ok(OwnCheck { about, why: self.text("why")?, sql, needs, rows })
    }
}

/// `${…}` that nothing is filled in for.
fn unknown_place(question: &str) -> Result<(), String> {
    let mut rest = question;
    while let Some((_, behind)) = rest.split_once("${") {
        let name = behind.split_once('}').map_or(behind, |(name, _)| name);
        let place = format!("${{{name}}}");
        if !PLACES.contains(&place.as_str()) {
            return Err(format!(
                "{place:?} is filled in by nothing; there are {}",
                PLACES.join(", ")
            ));
        }
        rest = behind;
    }
    Ok(())
}

impl OwnCheck {
    /// Whether it judges a period.
    pub fn is_over_period(&self) -> bool {
        self.sql.contains("${since}") || self.sql.contains("${until}")
    }

    /// A question with everything filled in.
    pub fn filled(question: &str, run: &str, (since, until): (Timestamp, Timestamp)) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        question
            .replace("${since}", &format!("to_timestamp_micros({})", since.micros()))
            .replace("${until}", &format!("to_timestamp_micros({})", until.micros()))
            .replace("${run}", &quoted(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
id: hours-with-events
title: Every hour of the period has events of every account
severity: high
points: [CC7.2]
requirements: [R-240]
why: A silent hour is a hole in the record.
remediation: Find out what the trail did.
rows: faults
needs: SELECT 1 FROM cloudtrail WHERE event_time >= ${since} LIMIT 1
sql: |
  SELECT account AS resource FROM cloudtrail WHERE event_time >= ${since} AND event_time < ${until}
";

    #[test]
    fn a_file_says_everything_about_its_check() {
        let check = read("a.yml", FILE).unwrap();
        assert_eq!(check.about.id, "hours-with-events");
        assert_eq!((check.about.test, check.rows), (Test::Operation, Rows::Faults));
        assert!(check.is_over_period());
        let at = Timestamp::from_seconds;
        let filled = OwnCheck::filled(&check.sql, "it's", (at(0), at(3600)));
        assert!(filled.contains("< to_timestamp_micros(3600000000)"), "{filled}");
        assert_eq!(OwnCheck::filled("${run}", "it's", (at(0), at(1))), "'it''s'");
    }

    #[test]
    fn what_is_no_check_is_told_with_its_place() {
        for (from, to, why) in [
            ("id: hours-with-events", "id: Hours", "small letters"),
            ("id: hours-with-events", "id: trail-delivers", "built-in"),
            ("severity: high", "severity: bad", "none such as high"),
            ("severity: high", "seveerity: high", "line 3, column 1"),
            ("rows: faults", "rows: many", "neither faults"),
            ("needs:", "cis: [x]\n#", "empty lake"),
            ("${since} AND", "${sinze} AND", "\"${sinze}\" is filled in by nothing"),
            ("points: [CC7.2]", "points: []", "points is no list"),
            ("why:", "#", "no why"),
        ] {
            let text = FILE.replacen(from, to, 1);
            assert_ne!(text, FILE, "{from}");
            let told = read("a.yml", &text).unwrap_err().to_string();
            assert!(told.contains(why) && told.starts_with("a.yml: "), "{to}: {told}");
        }
        assert!(read("a.yml", &"x".repeat(BYTES_MAX + 1)).is_err());
    }
}
