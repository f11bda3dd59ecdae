//! `watchkeeper runbook`

use std::io::Write;

use clap::Args;
use wk_lang::nearest::nearest;
use wk_watch::runbooks::RUNBOOKS;
use wk_watch::selfwatch;
use wk_watch::which_runbook::text;

use super::{Exit, Usage, table};

/// Show what to do when the watch itself is in trouble, and at other bad moments.
#[derive(Args)]
pub(crate) struct Runbook {
    /// Its name, such as silence, or a self-alert's rule, such as selfwatch.silence; list lists all
    #[arg(value_name = "NAME")]
    name: String,
}

impl Runbook {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.name == "list" {
            return list(out);
        }
        let name = self.name.strip_prefix("selfwatch.").unwrap_or(&self.name);
        let Some(said) = text(name) else {
            let names = RUNBOOKS.iter().map(|(file, _)| of_file(file));
            let like = nearest(name, names).map(|n| format!("; did you mean {n}?"));
            let like = like.unwrap_or_default();
            let why =
                format!("there is no runbook {name:?}{like} watchkeeper runbook list lists all");
            return Err(Usage::error(why));
        };
        out.write_all(said.as_bytes())?;
        Ok(Exit::Ok)
    }
}

fn list(out: &mut dyn Write) -> anyhow::Result<Exit> {
    let row = |(file, text): &(&str, &str)| {
        let name = of_file(file);
        let title = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let raised_by = match name {
            "guardduty" => "findings of GuardDuty",
            "security-hub" => "findings of Security Hub",
            "alarm" => "alarms, and failures that AWS reports",
            "triage" => "every other finding",
            _ => selfwatch::named(name).map_or("", |judgement| judgement.id),
        };
        vec![name.to_owned(), title.to_owned(), raised_by.to_owned()]
    };
    let rows: Vec<Vec<String>> = RUNBOOKS.iter().map(row).collect();
    table::print(&["name", "what it is for", "raised by"], &rows, out)?;
    Ok(Exit::Ok)
}

fn of_file(file: &str) -> &str {
    file.strip_suffix(".md").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The sections that a runbook has, in their order.
    const SECTIONS: [&str; 5] =
        ["## What it means", "## Check", "## Fix", "## Escalate", "## Evidence"];

    #[test]
    fn every_self_alert_has_a_runbook() {
        for judgement in selfwatch::ALL {
            assert!(text(judgement.name).is_some(), "{}", judgement.name);
        }
    }

    #[test]
    fn every_runbook_says_what_it_means_what_to_check_to_mend_whom_to_call_and_what_to_keep() {
        for (file, text) in RUNBOOKS {
            let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(heads, SECTIONS, "{file}");
            let sections = text.split("\n## ").skip(1);
            assert!(sections.clone().all(|section| section.trim().lines().count() > 2), "{file}");
        }
    }

    #[test]
    fn runbooks_name_commands_that_exist() {
        let program = super::super::Cli::command();
        let mut named = 0;
        for (file, text) in RUNBOOKS {
            let text = text.replace('\n', " ");
            for call in text.split("`watchkeeper ").skip(1) {
                let words: Vec<&str> = call.split(['`', ' ']).filter(|w| !w.is_empty()).collect();
                let command = words.first().and_then(|word| program.find_subcommand(word));
                assert!(command.is_some(), "{file}: watchkeeper {:?}", words.first());
                named += 1;
                let below = command
                    .filter(|c| c.has_subcommands() && !c.is_args_conflicts_with_subcommands_set());
                if let (Some(command), Some(word)) = (below, words.get(1)) {
                    let known = command.find_subcommand(word).is_some();
                    let plain = word.chars().all(|c| c.is_ascii_lowercase());
                    assert!(known || !plain, "{file}: watchkeeper {} {word}", words[0]);
                }
            }
        }
        assert!(named > 30);
    }
}
