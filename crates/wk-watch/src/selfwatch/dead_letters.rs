//! Messages lie in a dead-letter queue.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "dead-letters",
    id: "selfwatch.dead-letters",
    title: "Messages lie in a dead-letter queue",
    severity: SeverityWord::High,
    why: "Each of them names objects that were not read; the listing finds them later, or nobody does.",
    quiet_when: "The dead-letter queue is empty.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.1", "CC7.2"],
    known: |heard| !heard.queues.is_empty(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for queue in facts.heard.queues.iter().filter(|q| q.dead_letters && q.waiting > 0) {
        let oldest = queue.oldest_seconds.and_then(|age| i64::try_from(age).ok()).unwrap_or(0);
        let say = format!("{} messages lie in the dead-letter queue {}", queue.waiting, queue.name);
        let since = facts.now.plus_seconds(-oldest).floor_to(3600);
        alerts.push(JUDGEMENT.alert(&queue.name, since, say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn says(waiting: u64, dead_letters: bool) -> Vec<String> {
        let mut scene = Scene::empty(MONDAY);
        let name = "logs".to_owned();
        let queue =
            super::super::facts::QueueFacts { name, waiting, dead_letters, ..Default::default() };
        scene.heard.queues.push(queue);
        scene.says("selfwatch.dead-letters")
    }

    #[test]
    fn one_dead_letter_is_told_of() {
        assert_eq!(says(1, true), ["1 messages lie in the dead-letter queue logs"]);
    }

    #[test]
    fn an_empty_one_and_an_ordinary_queue_are_not() {
        assert!(says(0, true).is_empty() && says(9, false).is_empty());
    }
}
