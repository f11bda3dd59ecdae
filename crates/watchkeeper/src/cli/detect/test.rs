//! `watchkeeper detect test`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use wk_lang::sigma::Problem;
use wk_watch::detect::{BadRule, Detections};
use wk_watch::rehearsal::{Rehearsed, rehearse};

use super::super::{Exit, table};
use crate::wire::{self, App};

/// Run the tests that stand in rules: events that fire, events that stay quiet.
///
/// A story of several events is also run at once, and twenty times with events that come late, out
/// of order and twice: what is found must be the same. Exit code 1: a test failed, or a rule cannot
/// be read.
#[derive(Args)]
pub(super) struct Test {
    /// Files or folders of rules [default: the built-in pack and your own rules]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write the outcome as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print every test as JSON
    #[arg(long)]
    json: bool,
}

/// Rules and what became of their tests.
struct Outcome {
    tests: Vec<Rehearsed>,
    /// Rules that are told of and have no test.
    untested: Vec<(String, String)>,
    refused: Vec<BadRule>,
}

impl Test {
    pub(super) fn run(
        self,
        app: impl FnOnce() -> anyhow::Result<App>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let outcome = match self.paths.is_empty() {
            true => Outcome::of(&app()?.detections()?, Vec::new(), None),
            false => self.of_paths()?,
        };
        wire::tell_bad_rules(&outcome.refused);
        if let Some(file) = &self.junit {
            let failed =
                || format!("could not write the outcome of the tests to {}", file.display());
            std::fs::write(file, outcome.junit()).with_context(failed)?;
        }
        if self.json {
            writeln!(out, "{:#}", outcome.json())?;
        } else {
            outcome.print(out)?;
        }
        let passed = outcome.refused.is_empty() && outcome.tests.iter().all(|test| test.passed);
        Ok(if passed { Exit::Ok } else { Exit::Found })
    }

    /// The rules of these files; beside the built-in pack, if they refer to rules of it.
    fn of_paths(&self) -> anyhow::Result<Outcome> {
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(wire::rule_files(path)?);
        }
        if files.is_empty() {
            bail!("there is no .yml or .yaml file in what was named");
        }
        let own: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let (alone, refused) = Detections::read(files.iter().cloned());
        let elsewhere = |bad: &BadRule| matches!(bad.error.problem, Problem::NoSuchRule { .. });
        if refused.iter().any(elsewhere) {
            let (beside, refused) = Detections::built_in_and(files.into_iter());
            return Ok(Outcome::of(&beside, refused, Some(&own)));
        }
        Ok(Outcome::of(&alone, refused, Some(&own)))
    }
}

impl Outcome {
    /// Of all rules, or of those of some files.
    fn of(detections: &Detections, refused: Vec<BadRule>, of: Option<&BTreeSet<String>>) -> Self {
        let mine = |file: &str| of.is_none_or(|of| of.contains(file));
        let mut tests = rehearse(detections);
        tests.retain(|test| mine(&test.file));
        let singles = detections.rules().iter().filter(|rule| rule.alerts);
        let singles = singles.map(|rule| (&rule.file, &rule.title, &rule.sigma.extension));
        let several = detections.stateful().rules().iter().filter(|rule| rule.alerts);
        let several =
            several.map(|rule| (&rule.file, &rule.title, &rule.correlation.about.extension));
        let untested = singles
            .chain(several)
            .filter(|(file, _, extension)| mine(file) && extension.tests.is_empty())
            .map(|(file, title, _)| (file.clone(), title.to_string()))
            .collect();
        Self { tests, untested, refused }
    }

    fn failed(&self) -> impl Iterator<Item = &Rehearsed> {
        self.tests.iter().filter(|test| !test.passed)
    }

    fn print(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let rows: Vec<Vec<String>> = self
            .failed()
            .map(|t| vec![t.file.clone(), t.title.clone(), t.test.clone(), t.why.clone()])
            .collect();
        if !rows.is_empty() {
            table::print(&["file", "rule", "test", "failed because"], &rows, out)?;
        }
        let rules: BTreeSet<&str> = self.tests.iter().map(|test| test.rule.as_str()).collect();
        writeln!(
            out,
            "{} tests of {} rules: {} passed, {} failed",
            self.tests.len(),
            rules.len(),
            self.tests.len() - rows.len(),
            rows.len()
        )?;
        if !self.untested.is_empty() {
            writeln!(out, "{} rules have no test:", self.untested.len())?;
            for (file, title) in self.untested.iter().take(20) {
                writeln!(out, "  {} ({})", printable(title), printable(file))?;
            }
            if self.untested.len() > 20 {
                writeln!(out, "  and {} more", self.untested.len() - 20)?;
            }
        }
        if !self.refused.is_empty() {
            writeln!(out, "{} rules were refused; see the warnings", self.refused.len())?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let tests: Vec<Value> = self
            .tests
            .iter()
            .map(|t| {
                json!({"file": t.file, "rule": t.rule, "title": t.title, "test": t.test,
                       "passed": t.passed, "why": t.why})
            })
            .collect();
        let untested: Vec<Value> = self
            .untested
            .iter()
            .map(|(file, title)| json!({"file": file, "title": title}))
            .collect();
        let refused: Vec<String> = self.refused.iter().map(ToString::to_string).collect();
        json!({
            "passed": self.tests.iter().filter(|test| test.passed).count(),
            "failed": self.failed().count(),
            "tests": tests,
            "untested": untested,
            "refused": refused,
        })
    }

    /// One suite for each rule, one case for each test; a rule that is refused is a case that could
    /// not be run.
    fn junit(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (all, failed) = (self.tests.len() + self.refused.len(), self.failed().count());
        let errors = self.refused.len();
        text.extend([format!(
            "<testsuites name=\"watchkeeper detect test\" tests=\"{all}\" failures=\"{failed}\" errors=\"{errors}\">\n"
        )]);
        for suite in self.tests.chunk_by(|a, b| (&a.file, &a.rule) == (&b.file, &b.rule)) {
            let Some(first) = suite.first() else { continue };
            let failed = suite.iter().filter(|test| !test.passed).count();
            let (count, file, title) = (suite.len(), escaped(&first.file), escaped(&first.title));
            text.extend([format!(
                "  <testsuite name=\"{title}\" file=\"{file}\" tests=\"{count}\" failures=\"{failed}\">\n"
            )]);
            for test in suite {
                text.extend([case(test)]);
            }
            text.push_str("  </testsuite>\n");
        }
        for bad in &self.refused {
            let (file, why) = (escaped(&bad.file), escaped(&bad.to_string()));
            text.extend([format!(
                "  <testsuite name=\"{file}\" file=\"{file}\" tests=\"1\" errors=\"1\">\n    <testcase name=\"the rule can be read\" classname=\"{file}\"><error message=\"{why}\"/></testcase>\n  </testsuite>\n"
            )]);
        }
        text.push_str("</testsuites>\n");
        text
    }
}

fn case(test: &Rehearsed) -> String {
    let (name, rule) = (escaped(&test.test), escaped(&test.rule));
    let begin = format!("    <testcase name=\"{name}\" classname=\"{rule}\"");
    match test.passed {
        true => format!("{begin}/>\n"),
        false => {
            format!("{begin}><failure message=\"{}\"/></testcase>\n", escaped(&test.why))
        }
    }
}

fn printable(text: &str) -> String {
    wk_model::complaint::printable(text.as_bytes())
}

/// A text as an attribute of XML; what XML cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            c if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) => {
                escaped.push('\u{fffd}');
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "
title: A <rule> & \"more\"
id: r
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: StopLogging}
  condition: s
watchkeeper:
  tests:
    - {name: fires, fires: {eventName: StopLogging}}
    - {name: wrong, fires: {eventName: Other}}
---
title: untested
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: X}, condition: s}
---
title: broken
detection: {}
";

    #[test]
    fn junit_says_what_passed_what_failed_and_what_cannot_be_read() {
        let (detections, bad) = Detections::read([("a.yml".into(), RULES.into())].into_iter());
        let outcome = Outcome::of(&detections, bad, None);
        assert_eq!((outcome.tests.len(), outcome.failed().count()), (2, 1));
        assert_eq!(outcome.untested, [("a.yml".to_owned(), "untested".to_owned())]);
        let xml = outcome.junit();
        for part in [
            "tests=\"3\" failures=\"1\" errors=\"1\"",
            "<testsuite name=\"A &lt;rule&gt; &amp; &quot;more&quot;\" file=\"a.yml\" tests=\"2\" failures=\"1\">",
            "<testcase name=\"fires\" classname=\"r\"/>",
            "<failure message=\"it should fire, and stayed quiet\"/>",
            "the rule has no logsource",
        ] {
            assert!(xml.contains(part), "{part}\n{xml}");
        }
    }
}
