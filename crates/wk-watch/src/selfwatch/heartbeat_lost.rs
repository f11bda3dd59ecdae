//! Nobody takes our sign of life.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "heartbeat-lost",
    id: "selfwatch.heartbeat-lost",
    title: "Nobody takes our sign of life",
    severity: SeverityWord::High,
    why: "The dead-man switch is what tells of a watch that died; if it cannot hear us, it will page for nothing, or not at all.",
    quiet_when: "It was taken within three intervals.",
    serves: &["R-243", "R-005"],
    controls: &["CC7.2"],
    known: |heard| heard.heartbeat.is_some(),
    judge,
};

/// So many intervals may pass.
const INTERVALS: i64 = 3;

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let Some(heartbeat) = &facts.heard.heartbeat else { return };
    let taken = heartbeat.last_taken.unwrap_or(heartbeat.since);
    let seconds = facts.now.seconds() - taken.seconds();
    if seconds > heartbeat.every_seconds.saturating_mul(INTERVALS) {
        let say = format!("our sign of life was not taken for {}", span(seconds));
        alerts.push(JUDGEMENT.alert("heartbeat", taken, say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn says(taken_ago: Option<i64>) -> Vec<String> {
        let mut scene = Scene::empty(MONDAY);
        scene.heard.heartbeat = Some(super::super::facts::HeartbeatFacts {
            every_seconds: 60,
            since: MONDAY.plus_seconds(-600),
            last_taken: taken_ago.map(|seconds| MONDAY.plus_seconds(-seconds)),
        });
        scene.says("selfwatch.heartbeat-lost")
    }

    #[test]
    fn a_sign_of_life_that_nobody_takes_is_told_of() {
        assert_eq!(says(Some(240)), ["our sign of life was not taken for 4 min"]);
        assert_eq!(says(None).len(), 1, "it was never taken");
    }

    #[test]
    fn one_that_was_missed_twice_is_not() {
        assert!(says(Some(180)).is_empty());
    }
}
