//! Notices wait longer than they may.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "outbox-stuck",
    id: "selfwatch.outbox-stuck",
    title: "Notices wait longer than they may",
    severity: SeverityWord::High,
    why: "An alarm that waits in the outbox has reached nobody.",
    quiet_when: "They are not due yet, or were tried within the limit.",
    serves: &["R-243", "R-242"],
    controls: &["CC7.3"],
    known: |heard| heard.outbox.is_some(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let Some(outbox) = &facts.heard.outbox else { return };
    let Some(due) = outbox.oldest_due.filter(|_| outbox.waiting > 0) else { return };
    let seconds = facts.now.seconds() - due.seconds();
    if seconds > facts.limits.outbox_seconds {
        let (waiting, overdue) = (outbox.waiting, span(seconds));
        let say = format!("{waiting} notices wait to be delivered, the oldest for {overdue}");
        alerts.push(JUDGEMENT.alert("outbox", due, say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn scene(outbox: super::super::facts::OutboxFacts) -> Scene {
        let mut scene = Scene::empty(MONDAY);
        scene.heard.outbox = Some(outbox);
        scene
    }

    fn due(seconds_ago: i64) -> Vec<String> {
        let oldest_due = Some(MONDAY.plus_seconds(-seconds_ago));
        let outbox =
            super::super::facts::OutboxFacts { waiting: 3, oldest_due, ..Default::default() };
        scene(outbox).says("selfwatch.outbox-stuck")
    }

    #[test]
    fn notices_that_are_overdue_are_told_of() {
        assert_eq!(due(1_800), ["3 notices wait to be delivered, the oldest for 30 min"]);
    }

    #[test]
    fn notices_that_have_just_become_due_are_not() {
        assert!(due(600).is_empty());
    }
}
