//! `watchkeeper route lint`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_act::notices::{ONCALL, RECORD};
use wk_act::routes::{BadRoute, Remark, Routes, lint, lint_pattern};
use wk_lang::pattern::Pattern;
use wk_model::complaint::printable;
use wk_seam::clock::Clock as _;

use crate::cli::Exit;
use crate::clock::SystemClock;
use crate::config::{Home, route_files};

/// Look for what is wrong with routes and patterns although they can be read.
///
/// Severities as lists of numbers, routes that are never asked, suppressions that are over, channels
/// that are not configured, fields that such events never have. Exit code 1: there is a remark, or a
/// route or pattern cannot be read.
#[derive(Args)]
pub(super) struct Lint {
    /// Files of routes (.yaml, .yml), or patterns and EventBridge rules as AWS prints them (.json);
    /// none: the routes of the home directory and those built in
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print the remarks as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Found {
    looked_at: usize,
    remarks: Vec<Remark>,
    bad: Vec<BadRoute>,
    refused: Vec<(String, String)>,
}

impl Lint {
    pub(super) fn run(
        self,
        home: impl FnOnce() -> anyhow::Result<Home>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let mut found = Found::default();
        if self.paths.is_empty() {
            let home = home()?;
            let (routes, bad) = home.routes()?;
            let channels = channel_names(&home)?;
            found.routes(&routes, channels.as_deref());
            found.bad = bad;
        }
        let (json, yaml): (Vec<_>, Vec<_>) =
            self.paths.iter().partition(|path| path.extension().is_some_and(|e| e == "json"));
        if !yaml.is_empty() {
            let mut files = Vec::new();
            for path in yaml {
                files.extend(route_files(path)?);
            }
            let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let (routes, bad) = Routes::with_own(files);
            found.routes(&routes, None);
            found.bad = bad;
        }
        for path in json {
            found.patterns(path).with_context(|| format!("in {}", path.display()))?;
        }
        found.tell(self.json, out)?;
        let fine = found.remarks.is_empty() && found.bad.is_empty() && found.refused.is_empty();
        Ok(if fine { Exit::Ok } else { Exit::Found })
    }
}

/// Names that need no channel of their own: the record, whoever is on call, and the register of the
/// built-in routes, which without a channel is the record too.
const ALWAYS: [&str; 3] = [RECORD, ONCALL, "register"];

/// The names of `[channels.NAME]` in config.toml; nothing where it has none at all.
fn channel_names(home: &Home) -> anyhow::Result<Option<Vec<String>>> {
    let path = home.config();
    if !path.try_exists()? {
        return Ok(None);
    }
    let failed = || format!("could not read {}", path.display());
    let text = std::fs::read_to_string(&path).with_context(failed)?;
    let config: toml::Table = toml::from_str(&text).with_context(failed)?;
    let channels = config.get("channels").and_then(toml::Value::as_table);
    let always = ALWAYS.map(str::to_owned);
    Ok(channels.map(|channels| channels.keys().cloned().chain(always).collect()))
}

impl Found {
    fn routes(&mut self, routes: &Routes, channels: Option<&[String]>) {
        self.looked_at += routes.all().len();
        self.remarks.extend(lint(routes, channels, SystemClock.now()));
    }

    /// A pattern; a rule with `EventPattern`; or a list of rules.
    fn patterns(&mut self, path: &Path) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(path).context("could not read it")?;
        let file = path.display().to_string();
        let document: Value = serde_json::from_str(&text).context("it is no JSON")?;
        let rules = match (&document["Rules"], &document["EventPattern"]) {
            (Value::Array(rules), _) => rules.as_slice(),
            (_, Value::Null) => {
                self.pattern(&text, "pattern", &file);
                return Ok(());
            }
            _ => std::slice::from_ref(&document),
        };
        for rule in rules {
            let name = rule["Name"].as_str().unwrap_or("rule");
            match &rule["EventPattern"] {
                Value::Null => {} // a schedule
                Value::String(pattern) => self.pattern(pattern, name, &file),
                pattern @ Value::Object(_) => self.pattern(&pattern.to_string(), name, &file),
                _ => bail!("the EventPattern of {name} is neither a text nor an object"),
            }
        }
        Ok(())
    }

    fn pattern(&mut self, text: &str, name: &str, file: &str) {
        self.looked_at += 1;
        match Pattern::parse(text) {
            Ok(pattern) => self.remarks.extend(lint_pattern(&pattern, text, name, file)),
            Err(refused) => self.refused.push((format!("{file}, {name}"), refused.to_string())),
        }
    }

    fn tell(&self, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        if json {
            let bad = self
                .bad
                .iter()
                .map(|b| json!({"place": format!("{}, {}", b.file, b.place), "reason": b.why}));
            let refused =
                self.refused.iter().map(|(place, why)| json!({"place": place, "reason": why}));
            let refused: Vec<Value> = bad.chain(refused).collect();
            let value = json!({
                "looked_at": self.looked_at, "remarks": self.remarks, "refused": refused,
            });
            writeln!(out, "{value:#}")?;
            return Ok(());
        }
        for bad in &self.bad {
            writeln!(out, "refused: {}", printable(bad.to_string().as_bytes()))?;
        }
        for (place, why) in &self.refused {
            writeln!(out, "refused: {}", printable(format!("{place}: {why}").as_bytes()))?;
        }
        for remark in &self.remarks {
            let place = format!("{}:{}: {}", remark.file, remark.line, remark.route);
            writeln!(out, "{}: {}", printable(place.as_bytes()), remark.kind)?;
            writeln!(out, "  {}", printable(remark.say.as_bytes()))?;
            if let Some(instead) = &remark.instead {
                writeln!(out, "  write {}", printable(instead.as_bytes()))?;
            }
        }
        let refused = self.bad.len() + self.refused.len();
        writeln!(
            out,
            "{} routes and patterns, {} remarks, {refused} refused",
            self.looked_at,
            self.remarks.len()
        )?;
        Ok(())
    }
}
