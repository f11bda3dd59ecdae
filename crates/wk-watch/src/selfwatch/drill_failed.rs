//! A drill failed, or was not held.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "drill-failed",
    id: "selfwatch.drill-failed",
    title: "A drill failed, or was not held",
    severity: SeverityWord::High,
    why: "A drill goes the way that an alarm goes; where it stops, an alarm stops.",
    quiet_when: "It passed since, or it is not due yet.",
    serves: &["R-226", "R-231", "R-232"],
    controls: &["CC7.2", "CC7.3"],
    known: |heard| !heard.drills.is_empty(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for drill in &facts.heard.drills {
        let passed = drill.last_passed.unwrap_or(drill.since);
        let failed = drill.last_failed.as_ref().filter(|(at, _)| drill.last_passed < Some(*at));
        let overdue = facts.now.seconds() - passed.seconds() > drill.every_seconds * 3 / 2;
        let (since, say) = match failed {
            Some((at, why)) => (*at, format!("the drill {} failed: {why}", drill.name)),
            None if overdue => {
                let for_long = span(facts.now.seconds() - passed.seconds());
                (passed, format!("the drill {} did not pass for {for_long}", drill.name))
            }
            None => continue,
        };
        alerts.push(JUDGEMENT.alert(&drill.name, since, say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn scene(last_passed: Option<i64>, failed: Option<i64>) -> Scene {
        let mut scene = Scene::empty(MONDAY.plus_seconds(100 * 3600));
        let at = |hour: i64| MONDAY.plus_seconds(hour * 3600);
        scene.heard.drills.push(super::super::facts::DrillFacts {
            name: "detection".to_owned(),
            every_seconds: 86_400,
            since: MONDAY,
            last_passed: last_passed.map(at),
            last_failed: failed.map(|hour| (at(hour), "no receipt".to_owned())),
        });
        scene
    }

    #[test]
    fn a_drill_that_failed_or_was_not_held_is_told_of() {
        let rule = "selfwatch.drill-failed";
        assert_eq!(
            scene(Some(80), Some(90)).says(rule),
            ["the drill detection failed: no receipt"]
        );
        assert_eq!(
            scene(Some(10), None).says(rule),
            ["the drill detection did not pass for 3 days"]
        );
        assert_eq!(scene(None, None).says(rule).len(), 1, "it was never held");
    }

    #[test]
    fn a_drill_that_passed_since_is_not() {
        assert!(scene(Some(95), Some(90)).says("selfwatch.drill-failed").is_empty());
        assert!(scene(Some(70), None).says("selfwatch.drill-failed").is_empty());
    }
}
