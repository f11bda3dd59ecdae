//! Exceptions that ended: what they covered is open again, and people are told.

use std::collections::BTreeMap;

use wk_case::exceptions::Exceptions;
use wk_model::finding::FindingId;
use wk_model::triage::{Deed, State, Step};
use wk_model::{Exception, Timestamp};
use wk_seam::triage::{Stepped, Steps};
use wk_seam::{Answer, Failure};

use super::Notify;

/// Who reopens findings when nobody does.
const WHO: &str = "watchkeeper";
/// How often another may be faster before somebody is told.
const TRIES: usize = 5;

impl Notify {
    /// The exceptions as they are now. One that cannot be read covers nothing.
    pub(super) async fn exceptions(&self) -> Answer<Exceptions> {
        Ok(Exceptions::new(self.triage.exceptions().await?).0)
    }

    /// When an exception ends next whose findings are to be opened again.
    pub(super) async fn next_end(&self) -> Answer<Option<Timestamp>> {
        let all = self.triage.exceptions().await?;
        Ok(all.iter().filter(|e| e.settled.is_none()).map(Exception::ends).min())
    }

    /// Opens again what an exception covered that has ended. Answers how many findings.
    ///
    /// # Errors
    /// If the ledger fails. What was reopened until then is kept; the next turn goes on.
    pub async fn reopen_ended(&self) -> Answer<u64> {
        let now = self.clock.now();
        let all = self.triage.exceptions().await?;
        let over = |e: &&Exception| e.settled.is_none() && e.ends() <= now;
        let ended: Vec<&Exception> = all.iter().filter(over).collect();
        let mut reopened = 0;
        for exception in ended {
            reopened += self.reopen(exception, &all, now).await?;
        }
        Ok(reopened)
    }

    async fn reopen(
        &self,
        exception: &Exception,
        all: &[Exception],
        now: Timestamp,
    ) -> Answer<u64> {
        for _ in 0..TRIES {
            let steps = self.following(exception, all, now).await?;
            if self.triage.keep_steps(&steps).await? == Stepped::Done {
                return Ok(steps.steps.len() as u64);
            }
        }
        let doing = format!("open again what {} covered", exception.id);
        Err(Failure::new(doing, "others were faster again and again").transient())
    }

    /// The steps that follow from the end of an exception.
    async fn following(
        &self,
        exception: &Exception,
        all: &[Exception],
        now: Timestamp,
    ) -> Answer<Steps> {
        let exceptions = Exceptions::new(all.to_vec()).0;
        let mut of: BTreeMap<FindingId, Vec<Step>> = BTreeMap::new();
        for step in self.triage.steps(None).await? {
            of.entry(step.finding.clone()).or_default().push(step);
        }
        let mut steps = Steps { settles: Some((exception.id.clone(), now)), ..Steps::default() };
        let known = self.triage.known_since().await?;
        for finding in self.triage.of_rules(&exception.rules).await? {
            let state = State::of(of.get(&finding.id).into_iter().flatten());
            // What became known afterwards was never covered.
            let in_time = known.get(&finding.id).is_none_or(|known| *known < exception.ends());
            let covered = in_time && exceptions.covers(&exception.id, &finding);
            if !covered || state.disposed.is_some() || exceptions.active(&finding, now).is_some() {
                continue;
            }
            steps.seen.push((finding.id.clone(), state.steps));
            steps.steps.push(Step {
                finding: finding.id,
                nth: state.steps + 1,
                at: now,
                who: WHO.to_owned(),
                deed: Deed::Reopened,
                reason: format!("exception {} ended {}", exception.id, exception.ends()),
                evidence: Vec::new(),
            });
        }
        Ok(steps)
    }
}
