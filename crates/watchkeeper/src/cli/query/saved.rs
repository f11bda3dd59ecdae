//! `watchkeeper query --saved NAME` and `--list`

use std::fs;
use std::io::Write;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use wk_watch::saved::{self, Saved};

use super::{Asked, tell};
use crate::cli::{Exit, Usage, table};
use crate::wire::App;

/// How a saved question is used.
#[derive(Args)]
pub(super) struct SavedArgs {
    /// Value of a parameter of a saved question: NAME=VALUE; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, requires = "saved")]
    param: Vec<(String, String)>,
    /// Language in which a saved question is asked, where it has both
    #[arg(long, value_enum, requires = "saved")]
    language: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// CloudWatch Logs Insights
    Insights,
    /// SQL
    Sql,
}

fn parameter(text: &str) -> anyhow::Result<(String, String)> {
    let pair = text.split_once('=').ok_or_else(|| anyhow!("{text:?} is not NAME=VALUE"))?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

/// A saved question that can be asked.
pub(super) struct Found(Saved);

impl Found {
    /// The question in the language that is wanted, and the table that Insights asks.
    pub(super) fn asked(&self, args: &SavedArgs) -> anyhow::Result<(Asked, Option<String>)> {
        let Saved { insights, sql, table, name, .. } = &self.0;
        let fill =
            |text: &str| self.0.fill(text, &args.param).map_err(|e| Usage::error(e.to_string()));
        match (args.language, insights, sql) {
            (None | Some(Language::Insights), Some(text), _) => {
                Ok((Asked::Insights(fill(text)?), table.clone()))
            }
            (None | Some(Language::Sql), _, Some(text)) => Ok((Asked::Sql(fill(text)?), None)),
            _ => Err(Usage::error(format!("{name} does not exist in that language"))),
        }
    }
}

/// Prints the rule that the filters of a question make.
pub(super) fn print_rule(
    asked: &Asked,
    table: Option<&str>,
    saved: Option<Found>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Asked::Insights(text) = asked else {
        return Err(Usage::error(
            "a rule is made of a question in Insights: add --language insights",
        ));
    };
    let Some(table) = table else {
        return Err(Usage::error("say with --table whose records the rule sees"));
    };
    let query = wk_lang::insights::parse(text).map_err(|mistakes| {
        let told: Vec<String> = mistakes.iter().map(|m| m.render(text)).collect();
        anyhow!("{}", told.join("\n"))
    })?;
    let (title, description) = match saved {
        Some(Found(saved)) => (saved.title, saved.description),
        None => ("What a query finds".to_owned(), text.clone()),
    };
    let rule = wk_watch::as_rule::rule(&query, &title, &description, table)
        .context("this question cannot become a rule")?;
    out.write_all(rule.as_bytes())?;
    Ok(Exit::Ok)
}

/// The saved question of this name; one of the user's own comes first.
pub(super) fn find(app: &App, name: &str) -> anyhow::Result<Found> {
    let mut all = all(app)?;
    match all.iter().position(|(s, _)| s.name == name) {
        Some(place) => Ok(Found(all.swap_remove(place).0)),
        None => bail!("there is no saved question {name:?}; watchkeeper query --list lists them"),
    }
}

/// Every saved question with where it is from: the user's own, then those built in.
fn all(app: &App) -> anyhow::Result<Vec<(Saved, &'static str)>> {
    let mut all = Vec::new();
    let folder = app.home.path().join("queries");
    if folder.try_exists()? {
        let failed = || format!("could not read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            let Some(name) = path.file_stem().and_then(|n| n.to_str()) else { continue };
            if !path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
                continue;
            }
            let text = fs::read_to_string(&path).with_context(failed)?;
            match saved::read(name, &text) {
                Ok(saved) => all.push((saved, "own")),
                Err(bad) => tell(&format!("warning: {bad}")),
            }
        }
        all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    }
    let built_in = saved::built_in()?;
    all.extend(built_in.into_iter().map(|saved| (saved, "built in")));
    Ok(all)
}

/// Lists the saved questions.
pub(super) fn list(app: &App, json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let all = all(app)?;
    let languages = |s: &Saved| {
        let has = [("insights", s.insights.is_some()), ("sql", s.sql.is_some())];
        has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect::<Vec<_>>()
    };
    if json {
        let list: Vec<_> = all
            .iter()
            .map(|(s, from)| {
                let parameters: Vec<_> = s
                    .parameters
                    .iter()
                    .map(|p| json!({"name": p.name, "about": p.about, "default": p.default}))
                    .collect();
                json!({
                    "name": s.name, "title": s.title, "description": s.description, "from": from,
                    "languages": languages(s), "parameters": parameters,
                    "insights": s.insights, "sql": s.sql, "table": s.table,
                })
            })
            .collect();
        writeln!(out, "{:#}", json!(list))?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(s, from)| {
            let parameters: Vec<&str> = s.parameters.iter().map(|p| p.name.as_str()).collect();
            let languages = languages(s).join(", ");
            vec![s.name.clone(), languages, parameters.join(", "), (*from).into(), s.title.clone()]
        })
        .collect();
    table::print(&["name", "languages", "parameters", "from", "finds"], &rows, out)?;
    Ok(Exit::Ok)
}
