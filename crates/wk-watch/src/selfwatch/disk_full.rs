//! A disk is nearly full.

use wk_model::{Severity, SeverityWord};

use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "disk-full",
    id: "selfwatch.disk-full",
    title: "A disk is nearly full",
    severity: SeverityWord::High,
    why: "A full disk stops the record of everything; deliveries wait in their queues until they expire there.",
    quiet_when: "There is room for more than the limit.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.2"],
    known: |heard| !heard.disks.is_empty(),
    judge,
};

/// Below so many in a hundred it is a matter of hours.
const CRITICAL_PERCENT: u64 = 3;

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for disk in &facts.heard.disks {
        let percent =
            disk.free_bytes.saturating_mul(100).checked_div(disk.total_bytes).unwrap_or(0);
        let limits = facts.limits;
        if percent >= limits.disk_free_percent && disk.free_bytes >= limits.disk_free_bytes {
            continue;
        }
        let free = disk.free_bytes >> 20;
        let say = format!("the disk of the {} has {percent} % free ({free} MiB)", disk.name);
        let mut alert = JUDGEMENT.alert(&disk.name, facts.now.floor_to(3600), say);
        if percent < CRITICAL_PERCENT {
            alert.severity = Severity::of_word(SeverityWord::Critical);
        }
        alerts.push(alert);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};
    use super::*;

    fn alerts(free_bytes: u64) -> Vec<Alert> {
        let mut scene = Scene::empty(MONDAY);
        let (name, total_bytes) = ("home".to_owned(), 100 << 30);
        scene.heard.disks.push(super::super::facts::DiskFacts { name, free_bytes, total_bytes });
        scene.alerts("selfwatch.disk-full")
    }

    #[test]
    fn a_disk_below_a_tenth_is_told_of_and_below_three_percent_it_is_critical() {
        let nearly = alerts(9 << 30);
        assert_eq!(nearly[0].say, "the disk of the home has 9 % free (9216 MiB)");
        assert_eq!(nearly[0].severity.word(), SeverityWord::High);
        assert_eq!(alerts(2 << 30)[0].severity.word(), SeverityWord::Critical);
    }

    #[test]
    fn a_disk_with_room_is_not() {
        assert!(alerts(11 << 30).is_empty());
    }
}
