//! Which runbook helps with a finding.

use crate::runbooks::RUNBOOKS;
use crate::selfwatch;
use crate::sources::eventbridge;

/// The runbook of findings that have none of their own: how to look at one for the first time.
const TRIAGE: &str = "triage";

/// The name of the runbook that helps with a finding of this product and rule. There is always one; a
/// rule of ours says besides, in its `triage`, what to look at first.
pub fn which_runbook(product: &str, rule: &str) -> &'static str {
    match product {
        "watchkeeper" => selfwatch::named(rule).map_or(TRIAGE, |judgement| judgement.name),
        "guardduty" => "guardduty",
        "securityhub" => "security-hub",
        // A failure that AWS reports of its own work.
        service if eventbridge::services().any(|known| known == service) => "alarm",
        _ => TRIAGE,
    }
}

/// The text of a runbook.
pub fn text(name: &str) -> Option<&'static str> {
    let of = |file: &str| file.strip_suffix(".md") == Some(name);
    RUNBOOKS.iter().find(|(file, _)| of(file)).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detections;

    #[test]
    fn every_type_of_finding_leads_to_a_runbook() {
        let own = selfwatch::ALL.iter().map(|judgement| ("watchkeeper", judgement.id));
        let products = ["guardduty", "securityhub", "ocsf", "a product of somebody"];
        let theirs = products.into_iter().chain(eventbridge::services());
        let rules = Detections::built_in().unwrap();
        let ids: Vec<&str> = rules.rules().iter().map(|rule| rule.rule.id.as_str()).collect();
        let all = own
            .chain(theirs.map(|product| (product, "any type")))
            .chain(ids.iter().map(|id| ("watchkeeper", *id)));
        let mut asked = 0;
        for (product, rule) in all {
            let name = which_runbook(product, rule);
            assert!(text(name).is_some(), "{product} {rule}: there is no runbook {name}");
            asked += 1;
        }
        assert!(asked > 150, "{asked}");
        assert_eq!(which_runbook("watchkeeper", "selfwatch.silence"), "silence");
        assert_eq!(which_runbook("backup", "Backup Job State Change"), "alarm");
    }

    #[test]
    fn every_rule_that_is_built_in_says_what_to_look_at_first() {
        let pack = Detections::built_in().unwrap();
        // A rule that only others count tells of nothing that could be looked at.
        let singles = pack.rules().iter().filter(|rule| rule.alerts);
        let singles = singles.map(|rule| (&rule.title, &rule.sigma.extension.triage));
        let several = pack.stateful().rules().iter().filter(|rule| rule.alerts);
        let several = several.map(|rule| (&rule.title, &rule.correlation.about.extension.triage));
        for (title, triage) in singles.chain(several) {
            let said = triage.iter().filter(|step| step.trim().len() > 10).count();
            assert!(said > 0 && said == triage.len(), "{title}: {triage:?}");
        }
    }
}
