//! Saved queries: a question somebody thought about once, with a name.
//!
//! * One YAML file each; the built-in library lies in `queries/` of the repository.
//! * A file says its question in CloudWatch Logs Insights, in SQL, or in both.
//! * `${name}` in a question is a parameter. Its value stands between quotes there, so a value that
//!   could end them is refused.

use wk_lang::yaml::{self, Content, Node};

use crate::library::LIBRARY;

/// A saved query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// What it finds, in a line.
    pub title: String,
    /// What it is good for and how to read its rows.
    pub description: String,
    /// The table that the text in Insights asks.
    pub table: Option<String>,
    /// What is asked for when it is run.
    pub parameters: Vec<Parameter>,
    /// The question in CloudWatch Logs Insights.
    pub insights: Option<String>,
    /// The question in SQL.
    pub sql: Option<String>,
}

/// A parameter of a saved query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Its value where none is given.
    pub default: Option<String>,
}

/// Why a saved query cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved query {name}: {why}")]
pub struct BadSaved {
    /// Its name.
    pub name: String,
    /// Why, with its place where it has one.
    pub why: String,
}

/// Characters of a value.
const VALUE_MAX: usize = 2048;

/// The built-in library, in the order of names.
///
/// # Errors
/// If a file of it is broken, which its tests rule out.
pub fn built_in() -> Result<Vec<Saved>, BadSaved> {
    LIBRARY.iter().map(|(file, text)| read(file.trim_end_matches(".yml"), text)).collect()
}

/// Reads a saved query.
///
/// # Errors
/// If the text is no YAML, a key is missing or not known, or it holds no question.
pub fn read(name: &str, text: &str) -> Result<Saved, BadSaved> {
    let bad = |why: String| BadSaved { name: name.to_owned(), why };
    let documents = yaml::read(text).map_err(|e| bad(e.to_string()))?;
    let [document] = documents.as_slice() else {
        return Err(bad("it is not one document".to_owned()));
    };
    let mut saved = Saved {
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        table: None,
        parameters: Vec::new(),
        insights: None,
        sql: None,
    };
    for (key, value) in document.members().unwrap_or_default() {
        let said = || {
            let text = value.scalar().map(|t| t.trim().to_owned());
            text.ok_or_else(|| bad(format!("{}: {} is no text", value.place, key.text)))
        };
        match key.text.as_str() {
            "title" => saved.title = said()?,
            "description" => saved.description = said()?,
            "table" => saved.table = Some(said()?),
            "insights" => saved.insights = Some(said()?),
            "sql" => saved.sql = Some(said()?),
            "parameters" => saved.parameters = parameters(value).map_err(bad)?,
            other => return Err(bad(format!("{}: {other:?} is not known", key.place))),
        }
    }
    if saved.title.is_empty() {
        return Err(bad("it has no title".to_owned()));
    }
    if saved.insights.is_none() && saved.sql.is_none() {
        return Err(bad("it has neither insights nor sql".to_owned()));
    }
    Ok(saved)
}

fn parameters(node: &Node) -> Result<Vec<Parameter>, String> {
    let Content::Map(members) = &node.content else {
        return Err(format!("{}: parameters is no mapping", node.place));
    };
    let read = |(key, value): &(yaml::Key, Node)| {
        let text = |name| value.get(name).and_then(Node::scalar).map(str::to_owned);
        let about = text("about");
        let about = about.ok_or_else(|| format!("{}: a parameter needs about", value.place))?;
        Ok(Parameter { name: key.text.clone(), about, default: text("default") })
    };
    members.iter().map(read).collect()
}

impl Saved {
    /// A text of this query with its parameters filled in.
    ///
    /// # Errors
    /// If a value is missing, is of no parameter, or could leave its quotes.
    pub fn fill(&self, text: &str, values: &[(String, String)]) -> Result<String, BadSaved> {
        let bad = |why: String| BadSaved { name: self.name.clone(), why };
        if let Some((name, _)) =
            values.iter().find(|(name, _)| self.parameters.iter().all(|p| p.name != *name))
        {
            let known: Vec<&str> = self.parameters.iter().map(|p| p.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(bad(format!("it has no parameter {name:?}; it has {known}")));
        }
        let mut filled = text.to_owned();
        for parameter in &self.parameters {
            let given = values.iter().rev().find(|(name, _)| *name == parameter.name);
            let Some(value) = given.map(|(_, value)| value).or(parameter.default.as_ref()) else {
                let Parameter { name, about, .. } = parameter;
                return Err(bad(format!("it needs --param {name}=… ({about})")));
            };
            if !is_harmless(value) {
                let why = "may hold no quotes, backslashes or control characters";
                return Err(bad(format!("the value of {} {why}", parameter.name)));
            }
            // A value is never searched for further parameters: it cannot hold one.
            filled = filled.replace(&format!("${{{}}}", parameter.name), value);
        }
        Ok(filled)
    }
}

/// Whether a value stays between the quotes it is put into, in either language.
fn is_harmless(value: &str) -> bool {
    value.chars().count() <= VALUE_MAX
        && !value.chars().any(|c| c.is_control() || matches!(c, '\'' | '"' | '`' | '\\' | '$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "title: Calls of a key\nparameters:\n  key: {about: access key}\ninsights: filter k = '${key}'\n";

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let saved = read("calls", FILE).unwrap();
        let fill = |value: &str| {
            let text = saved.insights.as_deref().unwrap();
            saved.fill(text, &[("key".to_owned(), value.to_owned())])
        };
        assert_eq!(fill("AKIA1").unwrap(), "filter k = 'AKIA1'");
        for value in ["a' or 'b", "a\\", "a\"b", "a`b", "a\nb", "${key}"] {
            assert!(fill(value).is_err(), "{value}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_told_by_name() {
        let saved = read("calls", FILE).unwrap();
        let text = saved.insights.as_deref().unwrap();
        let missing = saved.fill(text, &[]).unwrap_err().to_string();
        assert!(missing.contains("--param key="), "{missing}");
        let unknown = saved.fill(text, &[("kee".to_owned(), String::new())]).unwrap_err();
        assert!(unknown.to_string().contains("it has key"), "{unknown}");
        for (text, why) in [
            ("titel: x\n", "line 1, column 1"),
            ("title: x\n", "neither"),
            ("sql: SELECT 1\n", "no title"),
            ("title: [x]\nsql: a\n", "no text"),
            ("a: [", "line"),
        ] {
            let said = read("x", text).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn every_query_of_the_library_is_read_and_says_what_it_is_for() {
        let all = built_in().unwrap();
        assert!(all.len() >= 25, "{}", all.len());
        assert!(all.is_sorted_by_key(|s| s.name.clone()));
        for saved in &all {
            assert!(saved.description.len() > 30, "{}", saved.name);
            for text in [&saved.insights, &saved.sql].into_iter().flatten() {
                let values: Vec<_> =
                    saved.parameters.iter().map(|p| (p.name.clone(), "x".to_owned())).collect();
                let filled = saved.fill(text, &values).unwrap();
                assert!(!filled.contains("${"), "{}: {filled}", saved.name);
                if saved.insights.as_ref() == Some(text) {
                    assert!(wk_lang::insights::parse(&filled).is_ok(), "{}: {filled}", saved.name);
                }
            }
        }
    }
}
