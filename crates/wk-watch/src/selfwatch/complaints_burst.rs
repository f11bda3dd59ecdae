//! More records than usual cannot be read.

use std::collections::BTreeMap;

use wk_model::SeverityWord;
use wk_model::arrivals::hour_of;
use wk_model::selfwatch::Intake;

use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "complaints-burst",
    id: "selfwatch.complaints-burst",
    title: "More records than usual cannot be read",
    severity: SeverityWord::Medium,
    why: "A format that changed takes every alarm with it that reads it; broken records may be meant to be.",
    quiet_when: "As large a share was broken all week, or only a few records are.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.1", "CC7.2"],
    known: |_| true,
    judge,
};

/// A burst is so many times the share of complaints that is usual.
const TIMES_USUAL: u64 = 5;
/// A share below this, in thousandths, is no burst.
const SHARE_MIN_MILLE: u64 = 50;
/// What no source could read.
const UNREAD: &str = "unknown";

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let sources = facts.ledger.sources.iter().map(|(name, of)| (name.as_str(), &of.intake));
    for (source, intake) in sources.chain([(UNREAD, &facts.ledger.unread)]) {
        let from = hour_of(facts.now) - 1;
        let (now, before) = (sum(intake, from, i64::MAX), sum(intake, i64::MIN, from));
        let (share, usual) = (mille(&now), mille(&before));
        let burst = share >= SHARE_MIN_MILLE && share > usual.saturating_mul(TIMES_USUAL);
        // Nothing of an unknown kind can be read: their number is the measure.
        let many = source == UNREAD && now.complaints > before.complaints / 10;
        let judged = facts.limits.judges(source) && now.complaints >= facts.limits.complaints_min;
        if judged && (burst || many) {
            let say = format!(
                "{source}: {} of {} records of the last two hours could not be read; usual are {usual} in a thousand",
                now.complaints, now.read
            );
            alerts.push(JUDGEMENT.alert(source, facts.now.floor_to(3600), say));
        }
    }
}

fn sum(intake: &BTreeMap<i64, Intake>, from: i64, until: i64) -> Intake {
    let mut sum = Intake::default();
    intake.range(from..until).for_each(|(_, hour)| sum.add(hour));
    sum
}

fn mille(of: &Intake) -> u64 {
    (of.complaints * 1000).checked_div(of.read).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};
    use super::*;

    fn scene(complaints: u64, before: u64) -> Scene {
        let mut scene = Scene::empty(MONDAY);
        let intake = &mut scene.ledger.sources.entry("waf".to_owned()).or_default().intake;
        let hour = hour_of(MONDAY);
        for back in 0..100 {
            let complaints = if back < 2 { complaints } else { before };
            intake.insert(hour - back, Intake { read: 1000, complaints, ..Intake::default() });
        }
        scene
    }

    #[test]
    fn a_format_that_changed_is_told_of() {
        let says = scene(900, 1).says("selfwatch.complaints-burst");
        assert_eq!(
            says,
            [
                "waf: 1800 of 2000 records of the last two hours could not be read; usual are 1 in a thousand"
            ]
        );
    }

    #[test]
    fn what_was_broken_all_week_is_no_burst_and_neither_are_a_few_records() {
        assert!(scene(300, 250).says("selfwatch.complaints-burst").is_empty());
        assert!(scene(9, 0).says("selfwatch.complaints-burst").is_empty());
    }

    #[test]
    fn records_of_no_known_kind_count_as_well() {
        let mut scene = Scene::empty(MONDAY);
        let intake = Intake { read: 50, complaints: 50, ..Intake::default() };
        scene.ledger.unread.insert(hour_of(MONDAY), intake);
        assert_eq!(scene.alerts("selfwatch.complaints-burst")[0].subject, "unknown");
    }
}
