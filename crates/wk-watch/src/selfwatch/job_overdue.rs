//! A job of upkeep did not run: compaction, expiry, backup, listing.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "job-overdue",
    id: "selfwatch.job-overdue",
    title: "A job of upkeep did not run when it was due",
    severity: SeverityWord::Medium,
    why: "A backup that was not made is missed on the day it is needed.",
    quiet_when: "It ran within twice its interval and an hour; it failed, which has its own alert.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.2", "CC7.5"],
    known: |heard| !heard.jobs.is_empty(),
    judge,
};

/// How much later than twice its interval a job may end.
const GRACE_SECONDS: i64 = 3600;

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for job in &facts.heard.jobs {
        let since = job.well_until();
        let seconds = facts.now.seconds() - since.seconds();
        if job.failure().is_none() && seconds > job.every_seconds.saturating_mul(2) + GRACE_SECONDS
        {
            let say = format!(
                "{} did not run for {}; it should every {}",
                job.name,
                span(seconds),
                span(job.every_seconds)
            );
            alerts.push(JUDGEMENT.alert(&job.name, since, say));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::compaction as scene;

    #[test]
    fn a_job_that_did_not_run_is_told_of() {
        let says = scene(Some(90), None).says("selfwatch.job-overdue");
        assert_eq!(says, ["compaction did not run for 10 h; it should every 60 min"]);
        assert_eq!(scene(None, None).says("selfwatch.job-overdue").len(), 1, "it never ran");
    }

    #[test]
    fn a_job_that_ran_or_failed_is_not() {
        assert!(scene(Some(97), None).says("selfwatch.job-overdue").is_empty());
        assert!(scene(Some(90), Some(99)).says("selfwatch.job-overdue").is_empty());
    }
}
