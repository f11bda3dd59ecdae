//! Machines that Systems Manager reaches are patched.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters, Test};
use crate::posture::members::{whole, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "patch-state",
    title: "Machines lack no patch",
    points: &["CC7.1"],
    nist: &["SI-2", "RA-5"],
    serves: &["R-016"],
    test: Test::Operation,
    kind: Kind::Native(judge),
    reads: &["ssm:DescribeInstanceInformation", "ssm:DescribeInstancePatchStates"],
    why: "What is known to be open is what is tried first.",
    remedy: "aws ssm send-command with AWS-RunPatchBaseline, in a maintenance window.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let machines = view.list("ssm:DescribeInstanceInformation", &["InstanceInformationList"])?;
    if machines.is_empty() {
        return Ok(Vec::new());
    }
    let states = view.list("ssm:DescribeInstancePatchStates", &["InstancePatchStates"])?;
    Ok(view.each(
        machines,
        |m| word(m, "InstanceId").to_owned(),
        |view, id, _| {
            let Some(state) = states.iter().find(|s| word(s, "InstanceId") == id) else {
                return Ok(view.bad(id, "it was never scanned for patches"));
            };
            let counts = [
                "CriticalNonCompliantCount",
                "SecurityNonCompliantCount",
                "MissingCount",
                "FailedCount",
            ];
            let lacks: Vec<String> = counts
                .iter()
                .filter_map(|name| Some((name, whole(state, name).filter(|n| *n > 0)?)))
                .map(|(name, n)| format!("{} {n}", name.trim_end_matches("Count")))
                .collect();
            let why =
                if lacks.is_empty() { "nothing is missing".to_owned() } else { lacks.join(", ") };
            Ok(view.judged(id, lacks.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(states: Value) -> [Made; 2] {
        let machines = json!({"InstanceInformationList": [{"InstanceId": "i-1"}]});
        [
            Made::answer("eu-west-1", "ssm:DescribeInstanceInformation", machines),
            Made::answer(
                "eu-west-1",
                "ssm:DescribeInstancePatchStates",
                json!({"InstancePatchStates": states}),
            ),
        ]
    }

    #[test]
    fn what_is_missing_is_counted_and_never_scanned_is_not_patched() {
        let state = |missing: i64| json!([{"InstanceId": "i-1", "MissingCount": missing, "FailedCount": 0}]);
        assert_eq!(verdicts(&CHECK, &made(state(0))), "COMPLIANT i-1");
        assert_eq!(why(&CHECK, &made(state(3))), "Missing 3");
        assert_eq!(verdicts(&CHECK, &made(json!([]))), "NON_COMPLIANT i-1");
    }
}
