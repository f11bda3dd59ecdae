//! From findings that changed to notices in the outbox.

use wk_act::notices::{Counts, Duty, Made, Turn, Wanted, wanted};
use wk_act::routes::{RoutedEvent, decide};
use wk_case::exceptions::Exceptions;
use wk_model::finding::Rule;
use wk_model::triage::State;
use wk_model::{Finding, Notice, Timestamp};
use wk_seam::outbox::{Changed, Cursor, Desk, GroupRow, Step, Stepped};
use wk_seam::{Answer, Failure};

use super::{Notify, unreadable};

/// Findings that one step takes in.
const PAGE: usize = 500;
/// Groups that are due, of one step.
const GROUPS_MAX: usize = 200;
/// Steps of a call; what is left is for the next one.
const STEPS_MAX: usize = 1_000;
/// How often another process may be faster before somebody is told.
const STALE_MAX: usize = 50;

/// What one step is worked out from.
struct Given {
    desk: Desk,
    changed: Vec<Changed>,
    wanted: Vec<Wanted>,
    requests: Vec<Notice>,
    rows: Vec<GroupRow>,
    counts: Counts,
    duty: Duty,
    now: Timestamp,
}

impl Notify {
    /// Opens again what an exception covered that ended, decides about every finding that changed and
    /// every group that is due, and queues what follows.
    /// Answers what became of them, and how many notices are new.
    ///
    /// # Errors
    /// If the outbox fails.
    pub async fn route_changes(&self) -> Answer<(Counts, u64)> {
        let (mut queued, mut stale) = (0, 0);
        let mut counts = Counts { reopened: self.reopen_ended().await?, ..Counts::default() };
        for _ in 0..STEPS_MAX {
            let given = self.given().await?;
            let due = self.desk_of(&given.desk.body)?.due(&self.policy);
            let desk_is_due = due.is_some_and(|at| at <= given.now);
            if given.changed.is_empty() && given.rows.is_empty() && !desk_is_due {
                break;
            }
            let full = given.changed.len() == PAGE || given.rows.len() >= GROUPS_MAX;
            let (step, made) = self.worked_out(&given)?;
            match self.outbox.step(&step).await? {
                Stepped::Done { queued: new } => {
                    queued += new;
                    counts.add(&made);
                }
                Stepped::Stale if stale < STALE_MAX => {
                    stale += 1;
                    continue;
                }
                Stepped::Stale => {
                    let why = "other processes were faster again and again";
                    return Err(Failure::new("keep notices", why).transient());
                }
            }
            if !full {
                break;
            }
        }
        Ok((counts, queued))
    }

    async fn given(&self) -> Answer<Given> {
        let desk = self.outbox.desk().await?;
        let changed = self.outbox.changed(&desk.cursor, PAGE).await?;
        let now = self.clock.now();
        let mut counts = Counts::default();
        let (mut all, mut requests) = (Vec::new(), Vec::new());
        let exceptions = match changed.is_empty() {
            true => Exceptions::default(),
            false => self.exceptions().await?,
        };
        let reports = self.reports_of(&changed).await?;
        for (change, report) in changed.iter().zip(&reports) {
            let finding = &change.finding;
            if finding.dry_run || exceptions.active(finding, now).is_some() {
                counts.changed += 1;
                let of = if finding.dry_run { &mut counts.dry_run } else { &mut counts.excepted };
                *of += 1;
                continue;
            }
            if self.is_decided(finding).await? {
                counts.changed += 1;
                counts.decided += 1;
                continue;
            }
            let mut event = match report {
                Some(record) => RoutedEvent::of_report(finding, record),
                None => RoutedEvent::of_finding(finding),
            };
            if (self.is_drill)(finding) {
                event = event.as_drill();
            }
            let outcomes = decide(&self.routes, &event, now);
            let (wanted, asked) = wanted(finding, &outcomes, &self.policy, now, &mut counts);
            all.extend(wanted);
            requests.extend(asked);
        }
        let mut slots: Vec<String> = all.iter().map(|wanted| wanted.slot.clone()).collect();
        slots.sort();
        slots.dedup();
        let rows = self.outbox.groups(&slots, now, GROUPS_MAX).await?;
        // Whoever is on call is asked for only where somebody may be told.
        let duty =
            if all.is_empty() && rows.is_empty() { Duty::default() } else { self.duty().await };
        Ok(Given { desk, changed, wanted: all, requests, rows, counts, duty, now })
    }

    /// Whether somebody has decided about a finding, and it is no worse than it was then. What our own
    /// rules find is as bad as its rule is; what other products report may rise.
    async fn is_decided(&self, finding: &Finding) -> Answer<bool> {
        let steps = self.triage.steps(Some(&finding.id)).await?;
        let Some(disposed) = State::of(&steps).disposed else { return Ok(false) };
        if finding.rule.product == Rule::OWN {
            return Ok(true);
        }
        let updates = self.triage.updates(&finding.id).await?;
        let before = updates.iter().filter(|update| update.recorded <= disposed.at);
        let worst = before.map(|update| update.severity).max();
        Ok(worst.is_none_or(|worst| finding.severity <= worst))
    }

    /// What the products said of findings that they reported, where a route asks for it.
    async fn reports_of(&self, changed: &[Changed]) -> Answer<Vec<Option<String>>> {
        let mut all = vec![None; changed.len()];
        let Some(reports) = self.reports.as_ref().filter(|_| self.routes.ask_reports()) else {
            return Ok(all);
        };
        let reported = |change: &Changed| change.finding.rule.product != "watchkeeper";
        let places: Vec<usize> = (0..changed.len()).filter(|n| reported(&changed[*n])).collect();
        if places.is_empty() {
            return Ok(all);
        }
        let findings: Vec<&Finding> = places.iter().map(|n| &changed[*n].finding).collect();
        for (place, said) in places.iter().zip(reports.of(&findings).await?) {
            all[*place] = said;
        }
        Ok(all)
    }

    /// The step that follows; nothing is done here.
    fn worked_out(&self, given: &Given) -> Answer<(Step, Counts)> {
        let advice = self.advice.as_ref();
        let made = |given: &Given| -> Result<Made, serde_json::Error> {
            let body = &given.desk.body;
            let turn = Turn::new(&self.policy, advice, given.now, body, &given.rows)?;
            let mut turn = turn.with_duty(given.duty.clone());
            given.wanted.iter().for_each(|wanted| turn.absorb(wanted));
            turn.ripen();
            turn.finish()
        };
        let made = made(given).map_err(unreadable)?;
        let cursor = given.changed.last().map(|change| change.cursor.clone());
        let mut counts = given.counts;
        counts.requested += given.requests.len() as u64;
        counts.add(&made.counts);
        let mut step = step_of(made, &given.desk, cursor, given.now);
        step.notices.extend(given.requests.iter().cloned());
        Ok((step, counts))
    }
}

/// What a turn made, as a step from this desk.
pub(super) fn step_of(made: Made, desk: &Desk, cursor: Option<Cursor>, at: Timestamp) -> Step {
    Step {
        revision: desk.revision,
        at,
        cursor: cursor.unwrap_or_else(|| desk.cursor.clone()),
        desk: made.desk,
        groups: made.groups,
        notices: made.notices,
        lines: made.lines,
    }
}
