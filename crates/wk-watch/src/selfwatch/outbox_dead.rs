//! Notices were given up.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "outbox-dead",
    id: "selfwatch.outbox-dead",
    title: "Notices were given up: someone was not told",
    severity: SeverityWord::High,
    why: "Somebody was to be told and was not; nothing else says so.",
    quiet_when: "No notice was given up.",
    serves: &["R-243", "R-242"],
    controls: &["CC7.3"],
    known: |heard| heard.outbox.is_some(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let Some(outbox) = facts.heard.outbox.as_ref().filter(|o| o.dead > 0) else { return };
    let since = outbox.dead_since.unwrap_or(facts.now.floor_to(3600));
    let say = format!("{} notices could not be delivered and were given up", outbox.dead);
    alerts.push(JUDGEMENT.alert("outbox", since, say));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn scene(outbox: super::super::facts::OutboxFacts) -> Scene {
        let mut scene = Scene::empty(MONDAY);
        scene.heard.outbox = Some(outbox);
        scene
    }

    #[test]
    fn a_notice_that_was_given_up_is_told_of() {
        let outbox = super::super::facts::OutboxFacts { dead: 2, ..Default::default() };
        let says = scene(outbox).says("selfwatch.outbox-dead");
        assert_eq!(says, ["2 notices could not be delivered and were given up"]);
    }

    #[test]
    fn notices_that_wait_are_not() {
        let outbox = super::super::facts::OutboxFacts { waiting: 9, ..Default::default() };
        assert!(scene(outbox).says("selfwatch.outbox-dead").is_empty());
    }
}
