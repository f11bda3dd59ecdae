//! `watchkeeper check`

mod coverage;
mod history;
mod lint;
mod list;
mod run;
mod show;

use std::io::Write;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wk_model::Severity;
use wk_watch::checks::{self, About, Check};
use wk_watch::own_checks::OwnCheck;
use wk_watch::period::PeriodCheck;

use super::Exit;
use crate::config::Home;
use crate::wire::App;

/// Judge how accounts are set up, and how that went.
#[derive(Args)]
pub(crate) struct Checks {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    Run(run::Run),
    List(list::List),
    Show(show::Show),
    History(history::History),
    Lint(lint::Lint),
    Coverage(coverage::Coverage),
}

impl Checks {
    pub(crate) async fn run(
        self,
        home: impl Fn() -> anyhow::Result<Home>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        match self.command {
            What::List(command) => command.run(&App::open(home()?)?, out),
            What::Show(command) => command.run(&App::open(home()?)?, out),
            What::History(command) => command.run(&App::open(home()?)?, out).await,
            What::Lint(command) => command.run(&App::open(home()?)?, out).await,
            What::Coverage(command) => command.run(&App::open(home()?)?, out).await,
            What::Run(command) => {
                let app = App::open(home()?)?;
                let exit = command.run(&app, out).await?;
                super::journal::write(&app).await?;
                Ok(exit)
            }
        }
    }
}

/// The check of this name.
fn named(name: &str) -> anyhow::Result<&'static Check> {
    match checks::named(name) {
        Some(check) => Ok(check),
        None => bail!("there is no check {name:?}; watchkeeper check list names them"),
    }
}

/// Everything that a check says of itself.
fn as_json(check: &Check) -> Value {
    let parameter =
        |p: &checks::Parameter| json!({"name": p.name, "default": p.default, "doc": p.doc});
    json!({
        "id": check.id,
        "title": check.title,
        "aws_config_rule": check.is_aws_rule(),
        "severity": Severity::of_word(check.severity).word().as_str(),
        "points": check.points,
        "nist": check.nist,
        "cis": check.cis,
        "requirements": check.serves,
        "scope": check.scope.as_str(),
        "test": check.test.as_str(),
        "method": check.method.as_str(),
        "kind": "native",
        "reads": check.reads,
        "parameters": check.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "why": check.why,
        "remediation": check.remedy,
    })
}

/// What every check says of itself, whatever its kind.
fn about_as_json(about: &About) -> Value {
    json!({
        "id": about.id,
        "title": about.title,
        "severity": about.severity().word().as_str(),
        "points": about.points,
        "nist": about.nist,
        "cis": about.cis,
        "requirements": about.serves,
        "test": about.test.as_str(),
        "method": about.method.as_str(),
        "kind": about.kind,
        "remediation": about.remedy,
    })
}

/// Everything that a check over a period says of itself.
fn period_as_json(check: &PeriodCheck) -> Value {
    let mut told = about_as_json(&check.about());
    told["reads"] = json!(check.reads);
    told["calls"] = json!(check.calls);
    told["why"] = check.why.into();
    told
}

/// Everything that a check of the user says of itself.
fn own_as_json(check: &OwnCheck) -> Value {
    let mut told = about_as_json(&check.about);
    told["why"] = check.why.as_str().into();
    told["sql"] = check.sql.as_str().into();
    told["needs"] = json!(check.needs);
    told["over_period"] = check.is_over_period().into();
    told
}
