//! `watchkeeper check show`

use std::io::Write;

use clap::Args;
use wk_model::Severity;
use wk_watch::own_checks::OwnCheck;
use wk_watch::period::{self, PeriodCheck};

use super::{as_json, named, own_as_json, period_as_json};
use crate::cli::Exit;
use crate::wire::App;

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
    pub(super) fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if let Some(check) = period::named(&self.check) {
            return self.of_period(check, out);
        }
        if let Some(check) = app.own_checks_told()?.iter().find(|c| c.about.id == self.check) {
            return self.of_user(check, out);
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

    fn of_user(&self, check: &OwnCheck, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.json {
            writeln!(out, "{:#}", own_as_json(check))?;
            return Ok(Exit::Ok);
        }
        let about = &check.about;
        let line = |text: &str| wk_model::complaint::printable(text.as_bytes());
        writeln!(out, "{}: {}\n", about.id, line(&about.title))?;
        let kind = match check.is_over_period() {
            true => "your own, in SQL, over a period",
            false => "your own, in SQL",
        };
        let lines = [
            ("kind", kind.to_owned()),
            ("severity", about.severity().word().as_str().to_owned()),
            ("test", about.test.as_str().to_owned()),
            ("SOC 2", about.points.join(", ")),
            ("NIST 800-53", about.nist.join(", ")),
            ("CIS", about.cis.join(", ")),
            ("promises", about.serves.join(", ")),
        ];
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(out, "{name:12} {}", line(value))?;
        }
        let (why, remedy) = (line(&check.why), line(&about.remedy));
        writeln!(out, "\nWhy: {why}\n\nWhere it is not so: {remedy}\n")?;
        for text in check.sql.lines() {
            writeln!(out, "  {}", line(text))?;
        }
        Ok(Exit::Ok)
    }
}
