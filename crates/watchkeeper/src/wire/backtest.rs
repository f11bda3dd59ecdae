//! Rules over the history that the lake holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use wk_engine::backtest::{Backtest, Backtested, Eyes};
use wk_engine::detector::Turned;
use wk_model::{Day, Timestamp};
use wk_seam::ledger::Ledger as _;
use wk_seam::states::States as _;
use wk_store::query::Questions;
use wk_watch::detect::Detections;
use wk_watch::history::{Pass, passes};
use wk_watch::sources::{self, Source};
use wk_watch::stateful::packed::Pack;
use wk_watch::stateful::{Queue, StatefulRule};

use super::App;

impl App {
    /// From when to when: what is asked for, else the last days that the lake has. `None` where it
    /// has nothing of that time.
    pub(crate) async fn history(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        days: i32,
    ) -> anyhow::Result<Option<(Timestamp, Timestamp)>> {
        let files = self.ledger.snapshot().await?.files;
        let last = files.iter().map(|f| f.last).max();
        let first = files.iter().map(|f| f.first).min();
        let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
        let until = until.unwrap_or(last.plus_seconds(1)).min(last.plus_seconds(1));
        let back = until.plus_seconds(-i64::from(days) * 86_400);
        let since = since.unwrap_or(back).max(first);
        Ok((since < until).then_some((since, until)))
    }

    /// Runs rules over the events of this time, a day at a time.
    pub(crate) async fn backtest(
        &self,
        detections: &Detections,
        since: Timestamp,
        until: Timestamp,
    ) -> anyhow::Result<Backtested> {
        let questions = self.questions().await?;
        let (mut backtest, looks) = (Backtest::of(detections), looks(detections));
        for (from, next) in days(since, until) {
            each_batch(&looks, &questions, (from, next), |source, pass, batch| {
                backtest.rows(source, pass, batch);
            })
            .await?;
            backtest.until(next);
        }
        Ok(backtest.end(until.plus_seconds(86_400)))
    }

    /// Lets rules over several events that know nothing yet know what the lake holds of this time, a
    /// day at a time. Answers which they were, and what was done.
    pub(crate) async fn learn(
        &self,
        detections: Arc<Detections>,
        since: Timestamp,
        until: Timestamp,
    ) -> anyhow::Result<(BTreeSet<String>, Turned)> {
        let knowing = self.ledger.states_count().await?;
        let knows = |id: &str| knowing.iter().any(|(rule, _)| rule == id);
        let rules = detections.stateful().rules().iter().map(|rule| rule.rule.id.clone());
        let new: BTreeSet<String> = rules.filter(|id| !knows(id)).collect();
        let detector = self.detector(detections.clone());
        let (questions, mut all) = (self.questions().await?, Turned::default());
        let (mut eyes, looks) = (Eyes::of(&detections), looks(&detections));
        for (from, next) in days(since, until).take_while(|_| !new.is_empty()) {
            let mut signals = Pack::default();
            each_batch(&looks, &questions, (from, next), |source, pass, batch| {
                eyes.look(source, pass, batch, &mut signals, &mut drop);
            })
            .await?;
            let mut queue = Queue::default();
            let is_new = |rule: &StatefulRule| new.contains(&rule.rule.id);
            queue.take_packed(detections.stateful(), &signals.finish(), &is_new);
            all.add(detector.learn(queue, next).await?);
        }
        Ok((new, all))
    }
}

/// The days of this time; the first and the last may be parts of one.
pub(super) fn days(
    since: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let end = move |from: Timestamp| Day::from_number(from.day().number() + 1).start().min(until);
    let next =
        move |(_, from): &(Timestamp, Timestamp)| (*from < until).then(|| (*from, end(*from)));
    std::iter::successors(next(&(since, since)), next)
}

/// The looks at rows of each source that rules ask about.
fn looks(detections: &Detections) -> Vec<(&'static Source, Vec<Pass>)> {
    let sources = sources::ALL.iter().filter(|s| s.service.is_some());
    sources.map(|source| (*source, passes(detections, source))).collect()
}

/// Looks at every row of this time that rules may ask about.
async fn each_batch(
    looks: &[(&'static Source, Vec<Pass>)],
    questions: &Questions,
    span: (Timestamp, Timestamp),
    mut look: impl FnMut(&'static Source, &Pass, &RecordBatch),
) -> anyhow::Result<()> {
    for (source, passes) in looks.iter().filter(|(s, _)| questions.may_have(s.table, span)) {
        for pass in passes {
            let (columns, tests) = (&pass.columns, &pass.rows);
            let mut rows = questions.rows_within(source.table, span, columns, tests).await?;
            while let Some(batch) = rows.next().await? {
                look(source, pass, &batch);
            }
        }
    }
    Ok(())
}
