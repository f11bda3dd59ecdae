//! What an exception hides that nobody should miss: true positives that are known.

use wk_case::exceptions::Exceptions;
use wk_case::triage::Standing;
use wk_lang::sigma::Expected;
use wk_model::{Exception, Finding};
use wk_watch::detect::Detections;
use wk_watch::{sources, trial};

use crate::cli::findings::queue::Queue;

/// True positives that an exception would hide: findings that were promoted, and what the rules' own
/// tests say they must find.
pub(super) fn known(exception: &Exception, detections: &Detections, queue: &Queue) -> Vec<String> {
    let covers = Exceptions::new(vec![exception.clone()]).0;
    let mut hidden = Vec::new();
    for case in queue.cases() {
        let promoted = case.standing == Standing::TruePositive;
        if promoted && covers.covers(&exception.id, case.finding) {
            hidden.push(format!(
                "it covers {}, which was a true positive: {}",
                case.finding.id, case.finding.title
            ));
        }
    }
    for rule in &exception.rules {
        let Some(detection) = detections.rules().iter().find(|d| d.rule.id == *rule) else {
            continue;
        };
        if exception.pattern.is_none() {
            hidden.push(format!("it covers every finding of the rule {:?}", detection.title));
            continue;
        }
        let service = detection.sigma.logsource.service.as_deref();
        let source = sources::ALL.iter().copied().find(|s| s.service == service);
        let tests = detection.sigma.extension.tests.iter();
        for test in tests.filter(|test| test.expected == Expected::Fires) {
            let tried = trial::run(detections, source, &test.event);
            if let Some(why) = tried.refused.first() {
                hidden.push(format!(
                    "whether it hides what the rule {:?} must find cannot be told: {:?} is {why}",
                    detection.title, test.name
                ));
            }
            let of_rule = tried.sightings.iter().filter(|s| s.rule.id == *rule);
            if of_rule.map(Finding::begin).any(|finding| covers.covers(&exception.id, &finding)) {
                hidden.push(format!(
                    "it would hide what the rule {:?} must find: {:?}",
                    detection.title, test.name
                ));
            }
        }
    }
    hidden
}

/// How many open findings an exception covers.
pub(super) fn open(exception: &Exception, queue: &Queue) -> usize {
    let covers = Exceptions::new(vec![exception.clone()]).0;
    let covered = |case: &&wk_case::triage::Case<'_>| {
        case.standing.is_open() && covers.covers(&exception.id, case.finding)
    };
    queue.cases().iter().filter(covered).count()
}
