//! What an exception hides that nobody should miss: true positives that are known.

use wk_case::exceptions::{self, Exceptions};
use wk_case::triage::Standing;
use wk_lang::sigma::Expected;
use wk_model::check::CheckResult;
use wk_model::{Exception, Finding};
use wk_watch::detect::Detections;
use wk_watch::{sources, trial};

use crate::cli::findings::queue::Queue;
use crate::wire::App;
use crate::wire::verdicts::bad_rows;

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

/// The rows of checks that an exception covers, whenever it counts: those that are not as they should
/// be by what was judged last.
pub(super) async fn rows_of_checks(
    app: &App,
    exception: &Exception,
) -> anyhow::Result<Vec<CheckResult>> {
    let of_check = |rule: &String| wk_watch::checks::named(rule).is_some_and(|c| c.id == rule);
    if !exception.rules.iter().any(of_check) {
        return Ok(Vec::new());
    }
    let covers = Exceptions::new(vec![exception.clone()]).0;
    let mut rows = Vec::new();
    for (row, title, severity) in bad_rows(app, &exception.rules).await? {
        let finding = exceptions::of_check(&row, &title, severity, app.clock.now());
        if covers.covers(&exception.id, &finding) {
            rows.push(row);
        }
    }
    Ok(rows)
}
