//! `watchkeeper setup lint`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use wk_watch::setup::{foundation, lint};

use super::{said, text_of};
use crate::cli::Exit;

/// Find mistakes in foundation files, scripts and pages with AWS commands, and explain them.
///
/// A file whose name ends in .yaml or .yml and which has a line that begins with `foundation:` is a
/// foundation; any other is looked through for commands. Exit code 1 where there are mistakes.
#[derive(Args)]
pub(super) struct Lint {
    /// The files
    #[arg(value_name = "FILE", required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// List what is known of commands instead
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A mistake, wherever it was found.
struct Found {
    file: String,
    line: usize,
    column: Option<usize>,
    lint: Option<&'static str>,
    only_told: bool,
    text: String,
}

impl Lint {
    pub(super) fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.list {
            return self.list(out);
        }
        let (mut found, mut unread) = (Vec::new(), 0);
        for path in &self.files {
            let (text, file) = (text_of(path)?, path.display().to_string());
            let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
            if yaml && text.lines().any(|line| line.starts_with("foundation:")) {
                found.extend(of_foundation(&file, &text));
            } else {
                let (hits, behind) = lint::look(&text);
                found.extend(hits.into_iter().filter_map(|hit| of_script(&file, hit)));
                unread += behind;
            }
        }
        if self.json {
            let all: Vec<Value> = found.iter().map(Found::to_json).collect();
            writeln!(out, "{:#}", json!({"mistakes": all, "lines_not_read": unread}))?;
        } else {
            for one in &found {
                writeln!(out, "{}\n", one.text)?;
            }
            let files = self.files.len();
            writeln!(out, "{} mistakes in {files} files", found.len())?;
            if unread > 0 {
                writeln!(out, "{unread} lines were too many and were not read")?;
            }
        }
        Ok(match (found.iter().any(|f| !f.only_told), unread) {
            (true, _) => Exit::Found,
            (false, 0) => Exit::Ok,
            (false, _) => Exit::Partial,
        })
    }

    fn list(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let all: Vec<&lint::Lint> = lint::all().collect();
        if self.json {
            let one = |l: &&lint::Lint| json!({"id": l.id, "title": l.title, "why": l.why, "right": l.right, "example": l.example});
            let told: Vec<Value> = all.iter().map(one).collect();
            writeln!(out, "{:#}", Value::Array(told))?;
        } else {
            for lint in all {
                writeln!(
                    out,
                    "{}\n  {}.\n  {}\n  Right: {}\n",
                    lint.id, lint.title, lint.why, lint.right
                )?;
            }
        }
        Ok(Exit::Ok)
    }
}

impl Found {
    fn to_json(&self) -> Value {
        json!({
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "lint": self.lint,
            "only_told": self.only_told,
            "text": self.text,
        })
    }
}

fn of_foundation(file: &str, text: &str) -> Vec<Found> {
    let mistakes = foundation::read(file, text).map_or_else(|wrong| wrong, |(_, told)| told);
    let found = |m: foundation::Mistake| Found {
        file: m.file.clone(),
        line: m.place.line,
        column: Some(m.place.column),
        lint: m.lint,
        only_told: m.only_told,
        text: said(&m),
    };
    mistakes.into_iter().map(found).collect()
}

fn of_script(file: &str, hit: lint::Hit) -> Option<Found> {
    let lint = lint::named(hit.lint)?;
    let text = format!(
        "{file}, line {}: {}. {}\n  Right: {} [{}]",
        hit.line, lint.title, lint.why, lint.right, lint.id
    );
    let file = file.to_owned();
    Some(Found { file, line: hit.line, column: None, lint: Some(lint.id), only_told: false, text })
}
