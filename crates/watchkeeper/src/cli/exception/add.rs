//! `watchkeeper exception add`

use std::io::Write;

use anyhow::{bail, ensure};
use clap::Args;
use serde_json::{Map, Value, json};
use wk_case::exceptions;
use wk_model::{Exception as Granted, Finding};
use wk_seam::ledger::FindingQuery;
use wk_seam::triage::Triage as _;
use wk_watch::detect::Detections;

use super::hides;
use crate::cli::findings::queue::Queue;
use crate::cli::when::{When, duration, when};
use crate::cli::{Exit, journal, people};
use crate::wire::App;

/// Characters of a pattern.
const PATTERN_CHARS_MAX: usize = 4_000;

/// Grant an exception. All that is said must fit a finding, each of its resources and addresses too.
#[derive(Args)]
pub(super) struct Add {
    /// Id or title of a rule, name of a check, or type of another product's finding; may be given
    /// several times
    #[arg(long = "rule", required = true, value_name = "RULE")]
    rules: Vec<String>,
    /// Only in these accounts
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// Only by these actors; * stands for any text
    #[arg(long, value_name = "ARN")]
    actor: Vec<String>,
    /// Only on these resources; * stands for any text
    #[arg(long, value_name = "RESOURCE")]
    resource: Vec<String>,
    /// Only from these addresses or networks
    #[arg(long, value_name = "CIDR")]
    source_ip: Vec<String>,
    /// Only where this event pattern fits besides: fields account, actor, product, region, resource,
    /// rule, severity, source_ip, title
    #[arg(long = "where", value_name = "JSON")]
    pattern: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who answers for the risk
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// Who agrees; another person than the owner
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// Where it was asked for
    #[arg(long, value_name = "REFERENCE")]
    ticket: String,
    /// How long: 30d, 12w; at most 365 days
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_unless_present = "until", conflicts_with = "until")]
    length: Option<i64>,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = when)]
    until: Option<When>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let now = app.clock.now();
        let detections = app.detections()?;
        let queue = Queue::load(app, &FindingQuery::default()).await?;
        let rules = self.rules(&detections, &queue.findings)?;
        let pattern = self.pattern()?;
        let owner = people::name("--owner", &self.owner)?;
        let approver = people::name("--approver", &self.approver)?;
        ensure!(
            approver.to_lowercase() != owner.to_lowercase(),
            "--approver must be another person than the owner, {owner:?}"
        );
        let until = match (self.until, self.length) {
            (Some(until), _) => until.at(now),
            (None, length) => now.plus_seconds(length.unwrap_or_default()),
        };
        ensure!(until > now, "it would be over before it begins");
        ensure!(
            until <= now.plus_seconds(Granted::DAYS_MAX * 86_400),
            "an exception is at most {} days long; grant it anew when it ends",
            Granted::DAYS_MAX
        );
        let exception = Granted {
            id: Granted::name(&rules, pattern.as_deref(), now),
            rules,
            pattern,
            reason: people::name("--reason", &self.reason)?,
            owner,
            approver,
            ticket: people::name("--ticket", &self.ticket)?,
            granted: now,
            until,
            revoked: None,
            settled: None,
        };
        app.ledger.grant(&exception).await?;
        journal::write(app).await?;
        let hidden = hides::known(&exception, &detections, &queue);
        let covers = hides::open(&exception, &queue);
        if self.json {
            let mut json = json!(exception);
            json["covers"] = json!(covers);
            json["covers_rows"] = json!(hides::rows_of_checks(app, &exception).await?.len());
            json["warnings"] = json!(hidden);
            writeln!(out, "{json:#}")?;
            return Ok(Exit::Ok);
        }
        let rows = hides::rows_of_checks(app, &exception).await?.len();
        writeln!(
            out,
            "{} counts until {}; it covers {covers} open findings and {rows} rows of checks",
            exception.id, exception.until
        )?;
        for warning in hidden {
            writeln!(out, "warning: {warning}")?;
        }
        Ok(Exit::Ok)
    }

    /// The ids of the rules that are meant.
    fn rules(&self, detections: &Detections, found: &[Finding]) -> anyhow::Result<Vec<String>> {
        let mut rules = Vec::new();
        for text in &self.rules {
            let rule = text.trim();
            let is_id = detections.rules().iter().any(|d| d.rule.id == rule)
                || found.iter().any(|f| f.rule.id == rule);
            if is_id {
                rules.push(rule.to_owned());
                continue;
            }
            if let Some(check) = wk_watch::checks::named(rule) {
                rules.push(check.id.to_owned());
                continue;
            }
            let titled: Vec<&str> = detections
                .rules()
                .iter()
                .filter(|d| d.title.eq_ignore_ascii_case(rule))
                .map(|d| d.rule.id.as_str())
                .collect();
            match titled.as_slice() {
                [one] => rules.push((*one).to_owned()),
                [] => bail!(
                    "no rule has the id or title {rule:?}, no check that name, and no finding is of that type; detect list and check list show them"
                ),
                several => {
                    bail!("{} rules have the title {rule:?}; name one by its id", several.len())
                }
            }
        }
        rules.sort();
        rules.dedup();
        ensure!(rules.len() <= Granted::RULES_MAX, "at most {} rules", Granted::RULES_MAX);
        Ok(rules)
    }

    /// The pattern that all options make together.
    fn pattern(&self) -> anyhow::Result<Option<String>> {
        let mut pattern = match &self.pattern {
            Some(text) => match serde_json::from_str(text) {
                Ok(Value::Object(fields)) => fields,
                _ => bail!(
                    "--where {text:?} is no event pattern such as {{\"region\":[\"eu-west-1\"]}}"
                ),
            },
            None => Map::new(),
        };
        let texts = |all: &[String]| -> Vec<Value> {
            let text = |text: &String| match text.contains('*') {
                true => json!({"wildcard": text}),
                false => json!(text),
            };
            all.iter().map(text).collect()
        };
        let networks = |all: &[String]| -> Vec<Value> {
            let network = |text: &String| match text.contains('/') {
                true => json!({"cidr": text}),
                false => json!(text),
            };
            all.iter().map(network).collect()
        };
        let asked = [
            ("account", texts(&self.account)),
            ("actor", texts(&self.actor)),
            ("resource", texts(&self.resource)),
            ("source_ip", networks(&self.source_ip)),
        ];
        for (name, values) in asked {
            if values.is_empty() {
                continue;
            }
            ensure!(!pattern.contains_key(name), "--where asks for {name} too; say it once");
            pattern.insert(name.to_owned(), Value::Array(values));
        }
        if pattern.is_empty() {
            return Ok(None);
        }
        let text = Value::Object(pattern).to_string();
        ensure!(text.chars().count() <= PATTERN_CHARS_MAX, "the conditions are too long");
        exceptions::pattern(&text)?;
        Ok(Some(text))
    }
}
