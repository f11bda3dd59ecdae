//! Alarms do something when they are raised.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cloudwatch-alarm-action-check.html>

use serde_json::Value;
use wk_model::check::CheckResult;

use super::facts::alarms;
use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{flag, texts, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CLOUDWATCH_ALARM_ACTION_CHECK",
    title: "Every alarm has an action",
    points: &["CC7.2", "CC7.3"],
    nist: &["AU-6(1)", "SI-4(5)"],
    serves: &["R-107", "R-111"],
    kind: Kind::Native(judge),
    reads: &["monitoring:DescribeAlarms"],
    parameters: &[
        Parameter { name: "alarmActionRequired", default: "true", doc: "an action for ALARM" },
        Parameter {
            name: "insufficientDataActionRequired",
            default: "true",
            doc: "an action for INSUFFICIENT_DATA",
        },
        Parameter { name: "okActionRequired", default: "false", doc: "an action for OK" },
        Parameter { name: "action1", default: "", doc: "an action that must be among them" },
        Parameter { name: "action2", default: "", doc: "another" },
        Parameter { name: "action3", default: "", doc: "another" },
        Parameter { name: "action4", default: "", doc: "another" },
        Parameter { name: "action5", default: "", doc: "another" },
    ],
    why: "An alarm without an action is raised for nobody.",
    remedy: "aws cloudwatch put-metric-alarm with --alarm-actions and --insufficient-data-actions.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let alarms = alarms::all(view)?;
    Ok(view.each(
        alarms,
        |alarm| word(alarm, "AlarmName").to_owned(),
        |view, name, alarm| {
            let lacks = lacks(alarm, parameters);
            let why =
                if lacks.is_empty() { "it has its actions".to_owned() } else { lacks.join("; ") };
            Ok(view.judged(name, lacks.is_empty(), why))
        },
    ))
}

fn lacks(alarm: &Value, parameters: &Parameters) -> Vec<String> {
    let mut lacks = Vec::new();
    if flag(alarm, "ActionsEnabled") == Some(false) {
        lacks.push("its actions are off".to_owned());
    }
    for (parameter, member, state) in [
        ("alarmActionRequired", "AlarmActions", "ALARM"),
        ("insufficientDataActionRequired", "InsufficientDataActions", "INSUFFICIENT_DATA"),
        ("okActionRequired", "OKActions", "OK"),
    ] {
        if parameters.is_true(parameter) && texts(alarm, member).is_empty() {
            lacks.push(format!("it has no action for {state}"));
        }
    }
    let wanted: Vec<&str> = ["action1", "action2", "action3", "action4", "action5"]
        .iter()
        .filter_map(|name| parameters.text(name))
        .collect();
    let members = ["AlarmActions", "InsufficientDataActions", "OKActions"];
    let has = |w: &&str| members.iter().any(|m| texts(alarm, m).contains(w));
    if !wanted.is_empty() && !wanted.iter().any(has) {
        lacks.push(format!("none of its actions is {}", wanted.join(" or ")));
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::super::facts::alarms::made::{TOPIC, alarm, alarms};
    use super::super::testing::{verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    fn of(more: Value, set: &[(&str, &str)]) -> String {
        verdicts_with(&CHECK, &[alarms(&[alarm("a", "N", "M", &more)])], set)
    }

    #[test]
    fn each_state_may_ask_for_an_action() {
        let both = || json!({"InsufficientDataActions": [TOPIC]});
        assert_eq!(of(both(), &[]), "COMPLIANT a");
        assert_eq!(of(json!({}), &[]), "NON_COMPLIANT a");
        assert_eq!(of(json!({}), &[("insufficientDataActionRequired", "false")]), "COMPLIANT a");
        assert_eq!(of(both(), &[("okActionRequired", "true")]), "NON_COMPLIANT a");
        assert_eq!(of(both(), &[("action1", "arn:other")]), "NON_COMPLIANT a");
        assert_eq!(of(both(), &[("action1", "arn:other"), ("action2", TOPIC)]), "COMPLIANT a");
        let off = json!({"InsufficientDataActions": [TOPIC], "ActionsEnabled": "false"});
        assert_eq!(of(off, &[]), "NON_COMPLIANT a");
        assert_eq!(verdicts(&CHECK, &[alarms(&[])]), "NOT_APPLICABLE 111122223333");
    }
}
