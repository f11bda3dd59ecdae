//! Rules could not be loaded.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "rules-broken",
    id: "selfwatch.rules-broken",
    title: "Rules could not be loaded: what they find is not found",
    severity: SeverityWord::High,
    why: "A rule that was left out is a door without a guard; only the start of the program said so.",
    quiet_when: "Every rule was loaded.",
    serves: &["R-005", "R-242"],
    controls: &["CC7.2"],
    known: |heard| heard.rules.is_some(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let Some(rules) = facts.heard.rules.as_ref().filter(|r| !r.failed.is_empty()) else { return };
    let (failed, loaded) = (rules.failed.len(), rules.loaded);
    let say = format!("{failed} rules could not be loaded; {loaded} run");
    let mut alert = JUDGEMENT.alert("rules", rules.since, say);
    alert.resources = rules.failed.clone();
    alerts.push(alert);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};
    use super::*;

    fn alerts(failed: &[&str]) -> Vec<Alert> {
        let mut scene = Scene::empty(MONDAY);
        let failed = failed.iter().map(|f| (*f).to_owned()).collect();
        scene.heard.rules =
            Some(super::super::facts::RuleFacts { loaded: 240, failed, since: MONDAY });
        scene.alerts("selfwatch.rules-broken")
    }

    #[test]
    fn a_rule_that_was_left_out_is_told_of_by_name() {
        let alerts = alerts(&["own.yml:3: unknown modifier"]);
        assert_eq!(alerts[0].say, "1 rules could not be loaded; 240 run");
        assert_eq!(alerts[0].resources, ["own.yml:3: unknown modifier"]);
    }

    #[test]
    fn nothing_is_told_where_every_rule_runs() {
        assert!(alerts(&[]).is_empty());
    }
}
