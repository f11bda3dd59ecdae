//! A queue's oldest message waits too long.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "queue-old",
    id: "selfwatch.queue-old",
    title: "A queue's oldest message waits too long",
    severity: SeverityWord::High,
    why: "Alarms about what it names come as late as it is read.",
    quiet_when: "The oldest message is younger than the limit.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.2"],
    known: |heard| !heard.queues.is_empty(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for queue in facts.heard.queues.iter().filter(|q| !q.dead_letters && q.waiting > 0) {
        let age = queue.oldest_seconds.filter(|age| *age > facts.limits.queue_oldest_seconds);
        let Some(age) = age.and_then(|age| i64::try_from(age).ok()) else { continue };
        let say = format!(
            "the oldest of {} messages in {} waits for {}",
            queue.waiting,
            queue.name,
            span(age)
        );
        alerts.push(JUDGEMENT.alert(&queue.name, facts.now.plus_seconds(-age).floor_to(3600), say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn says(oldest: Option<u64>) -> Vec<String> {
        let mut scene = Scene::empty(MONDAY);
        let (name, waiting) = ("logs".to_owned(), 7);
        let queue = super::super::facts::QueueFacts {
            name,
            waiting,
            oldest_seconds: oldest,
            ..Default::default()
        };
        scene.heard.queues.push(queue);
        scene.says("selfwatch.queue-old")
    }

    #[test]
    fn a_message_that_waits_for_an_hour_is_told_of() {
        assert_eq!(says(Some(3_600)), ["the oldest of 7 messages in logs waits for 60 min"]);
    }

    #[test]
    fn young_messages_and_queues_that_do_not_tell_are_not() {
        assert!(says(Some(900)).is_empty() && says(None).is_empty());
    }
}
