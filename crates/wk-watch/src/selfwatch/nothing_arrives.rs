//! The watch runs and nothing ever arrived.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "nothing-arrives",
    id: "selfwatch.nothing-arrives",
    title: "The watch runs and nothing ever arrived",
    severity: SeverityWord::High,
    why: "A watch that is connected to nothing reports nothing, and looks calm.",
    quiet_when: "It has been running for less than an hour, or something arrived.",
    serves: &["R-005"],
    controls: &["CC7.1", "CC7.2"],
    known: |_| true,
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let Some(since) = facts.heard.running_since else { return };
    let seconds = facts.now.seconds() - since.seconds();
    if facts.ledger.sources.is_empty() && seconds >= facts.limits.silence_seconds {
        let say =
            format!("the watch runs for {} and no source ever brought an event", span(seconds));
        alerts.push(JUDGEMENT.alert("watch", since, say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    #[test]
    fn a_watch_that_is_connected_to_nothing_says_so_after_an_hour() {
        let mut scene = Scene::empty(MONDAY);
        scene.heard.running_since = Some(MONDAY.plus_seconds(-3_600));
        assert_eq!(
            scene.says("selfwatch.nothing-arrives"),
            ["the watch runs for 60 min and no source ever brought an event"]
        );
    }

    #[test]
    fn one_that_has_just_begun_or_has_a_source_does_not() {
        let mut scene = Scene::empty(MONDAY);
        scene.heard.running_since = Some(MONDAY.plus_seconds(-3_000));
        assert!(scene.says("selfwatch.nothing-arrives").is_empty());
        scene.heard.running_since = Some(MONDAY.plus_seconds(-90_000));
        scene.ledger.sources.entry("waf".to_owned()).or_default();
        assert!(scene.says("selfwatch.nothing-arrives").is_empty());
    }
}
