//! Flow logs deliver: their role is trusted and may write, their log group or bucket is there.

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters, Test};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "flow-log-delivers",
    title: "Every flow log delivers",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-5", "AU-12"],
    serves: &["R-034"],
    test: Test::Operation,
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeFlowLogs"],
    why: "A flow log whose role may not write is there and keeps nothing.",
    remedy: "Make the log group first; let vpc-flow-logs.amazonaws.com assume the role, and let the \
             role create streams and put events.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let logs = view.list("ec2:DescribeFlowLogs", &["FlowLogs", "flowLogSet"])?;
    Ok(view.each(
        logs,
        |log| word(log, "FlowLogId").to_owned(),
        |view, id, log| {
            let of = word(log, "ResourceId");
            Ok(match word(log, "DeliverLogsStatus") {
                "FAILED" => {
                    let why = text(log, "DeliverLogsErrorMessage").unwrap_or("no reason is told");
                    view.bad(id, format!("delivery for {of} failed: {why}"))
                }
                // AWS tells nothing before the first delivery.
                "" => view.good(id, format!("no failure is told for {of}")),
                _ => view.good(id, format!("it delivers for {of}")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::json;

    fn of(status: &str) -> [Made; 1] {
        let log = json!({"flowLogId": "fl-1", "resourceId": "vpc-1", "deliverLogsStatus": status, "deliverLogsErrorMessage": "Access error"});
        [Made::answer("eu-west-1", "ec2:DescribeFlowLogs", json!({"flowLogSet": [log]}))]
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        assert_eq!(verdicts(&CHECK, &of("SUCCESS")), "COMPLIANT fl-1");
        assert_eq!(verdicts(&CHECK, &of("FAILED")), "NON_COMPLIANT fl-1");
        assert_eq!(why(&CHECK, &of("FAILED")), "delivery for vpc-1 failed: Access error");
    }
}
