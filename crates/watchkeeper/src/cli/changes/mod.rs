//! `watchkeeper changes`

mod causes;
mod items;
mod print;

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use wk_case::changes::{Became, Change, Differences, History, ResourceKey, canonical, differences};
use wk_model::Timestamp;

use super::when::{When, when};
use super::{Exit, Usage};
use crate::wire::App;
use causes::Cause;
use items::{Compliance, Names};

/// What changed in the configuration between two times, from AWS Config items.
///
/// Created, deleted and changed resources, field by field; what was changed and changed back;
/// compliance; and the call in CloudTrail that made the change, where it can be found.
#[derive(Args)]
pub(crate) struct Changes {
    /// The two times: 2024-02-15, 2024-02-15T14:23:00Z, -3h, now
    #[arg(long, num_args = 2, value_names = ["T1", "T2"], required = true, value_parser = when,
          allow_hyphen_values = true)]
    between: Vec<When>,
    /// Id, name or ARN of a resource
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Type of resource: AWS::EC2::SecurityGroup
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// At most so many resources
    #[arg(long, default_value_t = 500, value_name = "N")]
    limit: usize,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// A change with all that is told of it.
struct Told<'a> {
    key: &'a ResourceKey,
    names: &'a Names,
    change: Change<'a>,
    differences: Differences,
    /// Whether a body that should be compared was not there.
    bodies_missing: bool,
    causes: Vec<Cause>,
}

/// Everything that is told.
struct Report<'a> {
    begin: Timestamp,
    end: Timestamp,
    told: Vec<Told<'a>>,
    /// Changed resources beyond `--limit`.
    more: usize,
    compliance: Vec<Compliance>,
    /// Compliance changes beyond those that are kept.
    compliance_more: u64,
    /// Items that came without their body.
    oversized: u64,
}

impl Changes {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let now = app.clock.now();
        let [begin, end] = self.between.as_slice() else {
            return Err(Usage::error("--between takes two times"));
        };
        let (begin, end) = (begin.at(now), end.at(now));
        if begin >= end {
            return Err(Usage::error(format!("nothing lies between {begin} and {end}")));
        }
        let questions = app.questions().await?;
        let found = items::read(&questions, &self, begin, end).await?;
        let mut changes: Vec<(&ResourceKey, &Names, Change<'_>)> = found
            .histories
            .iter()
            .filter_map(|(key, (names, history))| Some((key, names, history.change(begin)?)))
            .collect();
        changes.sort_by(|a, b| (a.2.to.time, a.0).cmp(&(b.2.to.time, b.0)));
        let more = changes.len().saturating_sub(self.limit);
        changes.truncate(self.limit);
        let bodies = items::bodies(&questions, &changes, end).await?;
        let mut causes = causes::find(&questions, &changes, &bodies, begin, end).await?;
        let told = changes
            .into_iter()
            .map(|(key, names, change)| {
                let body = |id: &String| bodies.get(id).map(|b| &b.parts);
                let to = body(&change.to.row);
                let from = change.from.map(|f| body(&f.row));
                let compared = matches!(change.became, Became::Changed | Became::ChangedAndBack);
                let pair = from.flatten().zip(to).filter(|_| compared && !change.to.deleted);
                let differences = pair
                    .map(|(from, to)| differences(&canonical(from), &canonical(to)))
                    .unwrap_or_default();
                let bodies_missing = compared && !change.to.deleted && pair.is_none();
                let causes = causes.remove(key).unwrap_or_default();
                Told { key, names, change, differences, bodies_missing, causes }
            })
            .collect();
        let report = Report {
            begin,
            end,
            told,
            more,
            compliance: found.compliance,
            compliance_more: found.compliance_more,
            oversized: found.oversized,
        };
        if self.json {
            writeln!(out, "{:#}", print::json(&report))?;
        } else {
            print::text(&report, out)?;
        }
        Ok(if report.more == 0 { Exit::Ok } else { Exit::Partial })
    }
}

/// Histories by resource, with the names of the resource.
type Histories = BTreeMap<ResourceKey, (Names, History)>;

/// A text in SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
