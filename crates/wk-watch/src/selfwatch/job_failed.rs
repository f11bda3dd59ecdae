//! A job of upkeep failed: compaction, expiry, backup, listing.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "job-failed",
    id: "selfwatch.job-failed",
    title: "A job of upkeep failed",
    severity: SeverityWord::Medium,
    why: "Upkeep that fails for days makes a lake that is slow, keeps too much, or cannot be restored.",
    quiet_when: "It went well since.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.2", "CC7.5"],
    known: |heard| !heard.jobs.is_empty(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for job in &facts.heard.jobs {
        if let Some((at, why)) = job.failure() {
            // From the first failure on it is one alert; what came before went well.
            let say = format!("{} failed at {at}: {why}", job.name);
            alerts.push(JUDGEMENT.alert(&job.name, job.well_until(), say));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::compaction as scene;

    #[test]
    fn a_job_that_failed_last_is_told_of() {
        let says = scene(Some(98), Some(99)).says("selfwatch.job-failed");
        assert_eq!(says, ["compaction failed at 2024-02-16T03:00:00Z: No space left"]);
        let again = [scene(Some(98), Some(99)), scene(Some(98), Some(100))];
        let ids = again.map(|s| s.alerts("selfwatch.job-failed")[0].finding());
        assert_eq!(ids[0], ids[1], "it failed again: one alert");
    }

    #[test]
    fn a_job_that_went_well_since_is_not() {
        assert!(scene(Some(99), Some(98)).says("selfwatch.job-failed").is_empty());
    }
}
