//! Rules that are on send somewhere.

use serde_json::Value;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{list, text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "eventbridge-rule-targets",
    title: "Every EventBridge rule that is on has a target",
    points: &["CC7.2", "CC7.3"],
    nist: &["IR-4(1)", "SI-4(5)"],
    serves: &["R-063", "R-114", "R-235"],
    kind: Kind::Native(judge),
    reads: &["events:ListRules", "events:ListTargetsByRule"],
    why: "A rule without a target meets its events and does nothing.",
    remedy: "aws events put-targets, or switch the rule off.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let rules = view.list("events:ListRules", &["Rules"])?;
    let name = |rule: &&Value| {
        let bus = text(rule, "EventBusName").unwrap_or("default");
        format!("{bus}/{}", word(rule, "Name"))
    };
    Ok(view.each(rules, name, |view, name, rule| {
        if word(rule, "State") == "DISABLED" {
            return Ok(view.beside(name, "it is off"));
        }
        let bus = text(rule, "EventBusName").unwrap_or("default");
        let targets = targets(view, bus, word(rule, "Name"))?;
        Ok(match targets {
            0 => view.bad(name, "it is on and has no target"),
            1 => view.good(name, "it has a target"),
            many => view.good(name, format!("it has {many} targets")),
        })
    }))
}

/// The targets of a rule of a bus; rules of two buses may share a name.
fn targets(view: &View<'_>, bus: &str, rule: &str) -> Result<usize, Blind> {
    let same = |c: &&wk_model::Capture| {
        word(&c.parameters, "Rule") == rule
            && word(&c.parameters, "EventBusName") == bus
            && c.region == view.region()
            && c.account == view.account()
    };
    // Noted as seen, and refused where it cannot be told.
    view.ask_of("events:ListTargetsByRule", rule)?;
    let captures = view.posture().captures().iter();
    let of_rule = captures.filter(|c| c.operation == "ListTargetsByRule").filter(same);
    Ok(of_rule.flat_map(|c| &c.answer).map(|page| list(page, "Targets").len()).sum())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(state: &str, targets: Value) -> String {
        let rules = json!({"Rules": [{"Name": "r", "State": state, "EventBusName": "default"}]});
        verdicts(
            &CHECK,
            &[
                Made::answer("eu-west-1", "events:ListRules", rules)
                    .with("EventBusName", "default"),
                Made::answer("eu-west-1", "events:ListTargetsByRule", json!({"Targets": targets}))
                    .with("Rule", "r")
                    .with("EventBusName", "default"),
            ],
        )
    }

    #[test]
    fn a_rule_that_is_on_sends_somewhere() {
        assert_eq!(said("ENABLED", json!([{"Id": "1"}])), "COMPLIANT default/r");
        assert_eq!(said("ENABLED", json!([])), "NON_COMPLIANT default/r");
        assert_eq!(said("DISABLED", json!([])), "NOT_APPLICABLE default/r");
    }
}
