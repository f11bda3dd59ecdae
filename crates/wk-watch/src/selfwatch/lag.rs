//! Live events come later than they may.

use wk_model::SeverityWord;
use wk_model::arrivals::Path;
use wk_model::selfwatch::SourceFacts;

use super::{Alert, Facts, Judgement, Limits, span};

pub(super) const JUDGEMENT: Judgement = Judgement {
    name: "lag",
    id: "selfwatch.lag",
    title: "Live events come later than they may",
    severity: SeverityWord::Medium,
    why: "An alarm that comes an hour late is an hour given away.",
    quiet_when: "Fewer than twenty events came in this hour and the one before; back-fill, which \
                 is late by its nature.",
    serves: &["R-196", "R-005"],
    controls: &["CC7.2", "CC7.3"],
    known: |_| true,
    judge,
};

/// Events that make a quantile worth telling.
const EVENTS_MIN: u64 = 20;

fn judge(facts: &Facts<'_>, alerts: &mut Vec<Alert>) {
    for (source, of) in &facts.ledger.sources {
        for path in Path::ALL {
            let Some(p95) = late(source, of, path, facts.limits) else { continue };
            let limit = facts.limits.lag(source, path).unwrap_or(0);
            let say = format!(
                "{source}: 95 of 100 events took up to {} from {}; the limit is {}",
                span(p95),
                words(path),
                span(limit)
            );
            let subject = format!("{source} {}", path.as_str());
            alerts.push(JUDGEMENT.alert(&subject, facts.now.floor_to(3600), say));
        }
    }
}

fn words(path: Path) -> &'static str {
    match path {
        Path::EventDelivered => "event to delivery, which is the sender's time",
        Path::DeliveredReceived => "delivery to receipt",
        Path::ReceivedRecorded => "receipt to record",
        Path::EventFinding => "event to finding",
    }
}

/// The 95th percentile of a path in seconds, where it is over the limit.
pub(super) fn late(source: &str, of: &SourceFacts, path: Path, limits: &Limits) -> Option<i64> {
    let limit = limits.lag(source, path).filter(|_| limits.judges(source))?;
    let lags = of.lags.get(&path).filter(|lags| lags.total() >= EVENTS_MIN)?;
    let p95 = i64::try_from(lags.quantile(950)? / 1000).ok()?;
    (p95 > limit).then_some(p95)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MONDAY, Scene, rhythm};
    use super::*;

    fn with_lag(path: Path, seconds: i64, events: u64) -> Scene {
        let mut scene = Scene::fed("cloudtrail", MONDAY, 30, rhythm::day_and_night);
        let of = scene.ledger.sources.get_mut("cloudtrail").unwrap();
        let lags = of.lags.entry(path).or_default();
        (0..events).for_each(|_| lags.count(seconds * 1_000_000));
        scene
    }

    #[test]
    fn a_lag_over_the_limit_is_told_of_by_its_path() {
        let says = with_lag(Path::DeliveredReceived, 3_600, 100).says("selfwatch.lag");
        assert_eq!(says.len(), 1);
        assert!(says[0].contains("delivery to receipt; the limit is 10 min"), "{}", says[0]);
        assert_eq!(with_lag(Path::EventDelivered, 3_600, 100).says("selfwatch.lag").len(), 1);
        assert_eq!(with_lag(Path::ReceivedRecorded, 200, 100).says("selfwatch.lag").len(), 1);
    }

    #[test]
    fn what_is_usual_in_aws_is_no_lag() {
        // CloudTrail: median 3 minutes, 95 of 100 within 8.
        assert!(with_lag(Path::EventDelivered, 480, 1_000).says("selfwatch.lag").is_empty());
        assert!(with_lag(Path::EventFinding, 600, 1_000).says("selfwatch.lag").is_empty());
    }

    #[test]
    fn a_handful_of_late_events_is_no_lag() {
        assert!(with_lag(Path::DeliveredReceived, 86_400, 19).says("selfwatch.lag").is_empty());
    }
}
