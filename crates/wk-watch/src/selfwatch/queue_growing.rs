//! A queue grows faster than it is read.

use wk_model::{SeverityWord, Timestamp};

use super::facts::QueueFacts;
use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "queue-growing",
    id: "selfwatch.queue-growing",
    title: "A queue grows faster than it is read",
    severity: SeverityWord::Medium,
    why: "What grows for hours is read too late, and what is older than the queue's term is lost from it.",
    quiet_when: "It rose once and falls again, or holds only a few messages.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.2"],
    known: |heard| !heard.queues.is_empty(),
    judge,
};

/// Over so many seconds it is looked at.
const SECONDS: i64 = 1_800;

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for queue in facts.heard.queues.iter().filter(|q| !q.dead_letters) {
        if queue.waiting >= facts.limits.queue_waiting_min && grows(queue, facts.now) {
            let say = format!("{} holds {} messages and grows", queue.name, queue.waiting);
            alerts.push(JUDGEMENT.alert(&queue.name, facts.now.floor_to(3600), say));
        }
    }
}

/// Whether each third of the last half hour held more than the one before, and the last twice as
/// much as the first.
fn grows(queue: &QueueFacts, now: Timestamp) -> bool {
    let age = |at: Timestamp| now.seconds() - at.seconds();
    let whole = queue.before.iter().any(|(at, _)| age(*at) >= SECONDS * 5 / 6);
    let third = |n: i64| {
        let within = |at: Timestamp| (age(at) * 3).div_euclid(SECONDS) == n;
        let of: Vec<u64> =
            queue.before.iter().filter(|(at, _)| within(*at)).map(|(_, n)| *n).collect();
        (of.iter().min().copied(), of.iter().max().copied())
    };
    let (((Some(first_min), Some(first_max)), (Some(mid_min), Some(mid_max))), (Some(last_min), _)) =
        ((third(2), third(1)), third(0))
    else {
        return false;
    };
    whole && first_max <= mid_min && mid_max <= last_min && last_min >= first_min.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};
    use super::*;

    fn scene(depth: fn(i64) -> u64) -> Scene {
        let mut scene = Scene::empty(MONDAY);
        let before = (0..30)
            .rev()
            .map(|minute: i64| (MONDAY.plus_seconds(-minute * 60), depth(30 - minute)));
        let name = "logs".to_owned();
        let waiting = depth(30);
        let queue = QueueFacts { name, waiting, before: before.collect(), ..Default::default() };
        scene.heard.queues.push(queue);
        scene
    }

    #[test]
    fn a_queue_that_grows_for_half_an_hour_is_told_of() {
        let says = scene(|minute| 50 * minute.unsigned_abs()).says("selfwatch.queue-growing");
        assert_eq!(says, ["logs holds 1500 messages and grows"]);
    }

    #[test]
    fn a_peak_that_passes_or_a_few_messages_are_not() {
        let peak = |minute: i64| if minute < 20 { 50 * minute.unsigned_abs() } else { 400 };
        assert!(scene(peak).says("selfwatch.queue-growing").is_empty());
        assert!(scene(|_| 5_000).says("selfwatch.queue-growing").is_empty(), "it stands");
        assert!(scene(|minute| minute.unsigned_abs()).says("selfwatch.queue-growing").is_empty());
    }
}
