//! Our clock differs from another's.

use wk_model::SeverityWord;

use super::{Alert, Facts, Judgement, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "clock-skew",
    id: "selfwatch.clock-skew",
    title: "Our clock differs from another clock",
    severity: SeverityWord::Medium,
    why: "Times are evidence: windows, terms and signatures to AWS depend on them.",
    quiet_when: "The difference is below the limit, or nobody compared.",
    serves: &["R-005"],
    controls: &["CC7.2"],
    known: |heard| heard.clock.is_some(),
    judge,
};

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    let Some(clock) = &facts.heard.clock else { return };
    if clock.ahead_seconds.unsigned_abs() > facts.limits.clock_seconds {
        let way = if clock.ahead_seconds > 0 { "ahead of" } else { "behind" };
        let off = span(clock.ahead_seconds.saturating_abs());
        let say = format!("our clock is {off} {way} that of {}", clock.by);
        alerts.push(JUDGEMENT.alert("clock", facts.now.floor_to(3600), say));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene};

    fn ahead(seconds: i64) -> Vec<String> {
        let mut scene = Scene::empty(MONDAY);
        let by = "s3.eu-west-1.amazonaws.com".to_owned();
        scene.heard.clock = Some(super::super::facts::ClockFacts { by, ahead_seconds: seconds });
        scene.says("selfwatch.clock-skew")
    }

    #[test]
    fn a_clock_that_is_minutes_off_is_told_of_either_way() {
        assert_eq!(ahead(300), ["our clock is 5 min ahead of that of s3.eu-west-1.amazonaws.com"]);
        assert_eq!(ahead(-300), ["our clock is 5 min behind that of s3.eu-west-1.amazonaws.com"]);
    }

    #[test]
    fn a_few_seconds_are_no_skew() {
        assert!(ahead(60).is_empty() && ahead(-60).is_empty());
    }
}
