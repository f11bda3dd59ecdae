//! What products said of the findings that they reported, out of the lake.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use wk_model::{Finding, Timestamp};
use wk_seam::reports::Reports;
use wk_seam::{Answer, Failure, Future};
use wk_store::query::{AskOptions, output};

use super::App;

/// Records that one question asks for.
const IDS_MAX: usize = 200;
/// How far an event may lie beside the time that its finding names, in seconds.
const APART_SECONDS: i64 = 86_400;
/// So long a lake that does not answer holds decisions up, in seconds; then they are made without it.
const PATIENCE_SECONDS: i64 = 300;

/// Reports out of the lake of a home.
pub(crate) struct LakeReports {
    app: App,
    /// Since when the lake does not answer.
    failing: Mutex<Option<Timestamp>>,
}

impl LakeReports {
    /// The reports of this home.
    pub(crate) fn of(app: &App) -> Self {
        let app = App {
            home: app.home.clone(),
            config: app.config.clone(),
            ledger: app.ledger.clone(),
            clock: app.clock.clone(),
        };
        Self { app, failing: Mutex::default() }
    }

    /// The record of each finding's latest event.
    pub(crate) async fn read(&self, findings: &[&Finding]) -> anyhow::Result<Vec<Option<String>>> {
        let mut of_table: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            of_table.entry(finding.latest.table.as_str()).or_default().push(finding);
        }
        let mut records: BTreeMap<(String, String), String> = BTreeMap::new();
        for (table, all) in of_table {
            // The name goes into the question: only one that the lake knows.
            let Some(table) = super::tables().into_iter().find(|t| t.name == table) else {
                continue;
            };
            for some in all.chunks(IDS_MAX) {
                self.ask(table.name, some, &mut records).await?;
            }
        }
        let key = |f: &&Finding| (f.latest.table.clone(), f.latest.id.clone());
        Ok(findings.iter().map(|finding| records.get(&key(finding)).cloned()).collect())
    }

    async fn ask(
        &self,
        table: &str,
        findings: &[&Finding],
        records: &mut BTreeMap<(String, String), String>,
    ) -> anyhow::Result<()> {
        let quoted = |f: &&Finding| format!("'{}'", f.latest.id.replace('\'', "''"));
        let ids: Vec<String> = findings.iter().map(quoted).collect();
        let sql =
            format!("SELECT event_id, raw FROM {table} WHERE event_id IN ({})", ids.join(", "));
        let times = || findings.iter().map(|f| f.latest.time);
        let options = AskOptions {
            now: self.app.clock.now(),
            since: times().min().map(|at| at.plus_seconds(-APART_SECONDS)),
            until: times().max().map(|at| at.plus_seconds(APART_SECONDS)),
            ..AskOptions::default()
        };
        let mut answer = self.app.questions().await?.ask_sql(&sql, &options).await?;
        while let Some(batch) = answer.next().await? {
            let (ids, raws) = (output::Texts::of(&batch, 0), output::Texts::of(&batch, 1));
            for place in 0..batch.num_rows() {
                if let (Some(id), Some(raw)) = (ids.get(place), raws.get(place)) {
                    records.insert((table.to_owned(), id.to_owned()), raw.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Whether a failure is still waited out.
    fn is_waited_out(&self, now: Timestamp) -> bool {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *failing.get_or_insert(now);
        now.seconds() - since.seconds() < PATIENCE_SECONDS
    }
}

impl Reports for LakeReports {
    fn of<'a>(&'a self, findings: &'a [&'a Finding]) -> Future<'a, Answer<Vec<Option<String>>>> {
        Box::pin(async move {
            match self.read(findings).await {
                Ok(records) => {
                    *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    Ok(records)
                }
                Err(e) if self.is_waited_out(self.app.clock.now()) => {
                    Err(Failure::new("read what products said of their findings", e).transient())
                }
                // Who is told late is told; who is told never is not.
                Err(e) => {
                    let (count, why) = (findings.len(), format!("{e:#}"));
                    let why = wk_model::complaint::printable(why.as_bytes());
                    tracing::warn!(
                        findings = count,
                        why,
                        "findings are routed by what is kept of them: the lake does not answer"
                    );
                    Ok(vec![None; findings.len()])
                }
            }
        })
    }
}
