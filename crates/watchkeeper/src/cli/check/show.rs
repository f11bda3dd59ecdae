//! `watchkeeper check show`

use std::io::Write;

use clap::Args;
use wk_model::Severity;
use wk_watch::period::{self, PeriodCheck};

use super::{as_json, named, period_as_json};
use crate::cli::Exit;

/// Show everything that a check says of itself.
#[derive(Args)]
pub(super) struct Show {
    /// The check
    #[arg(value_name = "CHECK")]
    check: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if let Some(check) = period::named(&self.check) {
            return self.of_period(check, out);
        }
        let check = named(&self.check)?;
        if self.json {
            writeln!(out, "{:#}", as_json(check))?;
            return Ok(Exit::Ok);
        }
        writeln!(out, "{}: {}\n", check.id, check.title)?;
        let rule = if check.is_aws_rule() {
            "stands for the AWS Config rule of this name"
        } else {
            "our own"
        };
        let lines = [
            ("kind", rule.to_owned()),
            ("severity", Severity::of_word(check.severity).word().as_str().to_owned()),
            ("asked", format!("for each {}", check.scope.as_str())),
            ("test", format!("{}, {}", check.test.as_str(), check.method.as_str())),
            ("SOC 2", check.points.join(", ")),
            ("NIST 800-53", check.nist.join(", ")),
            ("CIS", check.cis.join(", ")),
            ("promises", check.serves.join(", ")),
            ("reads", check.reads.join(", ")),
        ];
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(out, "{name:12} {value}")?;
        }
        for parameter in check.parameters {
            let default = if parameter.default.is_empty() { "not set" } else { parameter.default };
            writeln!(out, "parameter    {} = {default}: {}", parameter.name, parameter.doc)?;
        }
        writeln!(out, "\nWhy: {}\n\nWhere it is not so: {}", check.why, check.remedy)?;
        Ok(Exit::Ok)
    }

    fn of_period(&self, check: &PeriodCheck, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.json {
            writeln!(out, "{:#}", period_as_json(check))?;
            return Ok(Exit::Ok);
        }
        writeln!(out, "{}: {}\n", check.id, check.title)?;
        let lines = [
            ("kind", "over a period".to_owned()),
            ("severity", Severity::of_word(check.severity).word().as_str().to_owned()),
            ("test", "operation, automated".to_owned()),
            ("SOC 2", check.points.join(", ")),
            ("NIST 800-53", check.nist.join(", ")),
            ("promises", check.serves.join(", ")),
            ("reads", check.reads.join(", ")),
            ("calls", format!("{} of {}", check.calls.join(", "), check.source)),
        ];
        for (name, value) in &lines {
            writeln!(out, "{name:12} {value}")?;
        }
        writeln!(out, "\nWhy: {}\n\nWhere it was not so: {}", check.why, check.remedy)?;
        Ok(Exit::Ok)
    }
}
