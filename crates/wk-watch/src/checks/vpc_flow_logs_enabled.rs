//! Every VPC has a flow log of all traffic, and it delivers.
//! <https://docs.aws.amazon.com/config/latest/developerguide/vpc-flow-logs-enabled.html>

use serde_json::Value;
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "VPC_FLOW_LOGS_ENABLED",
    title: "Every VPC has a flow log",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-12", "SI-4"],
    cis: &["3.7"],
    serves: &["R-033", "R-036", "R-098"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeFlowLogs", "ec2:DescribeVpcs"],
    parameters: &[Parameter {
        name: "trafficType",
        default: "ALL",
        doc: "ACCEPT, REJECT or ALL; empty: any is enough",
    }],
    why: "What went over the network is the only trace of what a stolen machine did.",
    remedy: "aws ec2 create-flow-logs --traffic-type ALL for the VPC, default VPCs too.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let vpcs = view.list("ec2:DescribeVpcs", &["Vpcs", "vpcSet"])?;
    let logs = view.list("ec2:DescribeFlowLogs", &["FlowLogs", "flowLogSet"])?;
    let wanted = parameters.text("trafficType");
    Ok(view.each(
        vpcs,
        |vpc| word(vpc, "VpcId").to_owned(),
        |view, id, _| {
            let of: Vec<&Value> =
                logs.iter().filter(|l| text(l, "ResourceId") == Some(id)).copied().collect();
            let active = |log: &&&Value| word(log, "FlowLogStatus") == "ACTIVE";
            let fits = |log: &&&Value| wanted.is_none_or(|w| word(log, "TrafficType") == w);
            if of.is_empty() {
                return Ok(view.bad(id, "it has no flow log"));
            }
            let Some(log) = of.iter().filter(active).find(fits) else {
                let kinds: Vec<&str> = of.iter().map(|log| word(log, "TrafficType")).collect();
                let wanted = wanted.unwrap_or("any");
                return Ok(view.bad(
                    id,
                    format!("its flow logs are {}; {wanted} is wanted", kinds.join(", ")),
                ));
            };
            Ok(view.good(id, format!("{} logs it", word(log, "FlowLogId"))))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    fn made(logs: Value) -> [Made; 2] {
        [
            Made::answer(
                "eu-west-1",
                "ec2:DescribeVpcs",
                json!({"vpcSet": [{"vpcId": "vpc-1"}, {"vpcId": "vpc-2"}]}),
            ),
            Made::answer("eu-west-1", "ec2:DescribeFlowLogs", json!({"flowLogSet": logs})),
        ]
    }

    fn log(vpc: &str, kind: &str) -> Value {
        json!({"flowLogId": "fl", "resourceId": vpc, "trafficType": kind, "flowLogStatus": "ACTIVE"})
    }

    #[test]
    fn every_vpc_is_wanted_with_all_of_its_traffic() {
        let both = made(json!([log("vpc-1", "ALL"), log("vpc-2", "ALL")]));
        assert_eq!(verdicts(&CHECK, &both), "COMPLIANT vpc-1, COMPLIANT vpc-2");
        let one = made(json!([log("vpc-1", "ALL")]));
        assert_eq!(verdicts(&CHECK, &one), "COMPLIANT vpc-1, NON_COMPLIANT vpc-2");
        let accepted = made(json!([log("vpc-1", "ALL"), log("vpc-2", "ACCEPT")]));
        assert_eq!(verdicts(&CHECK, &accepted), "COMPLIANT vpc-1, NON_COMPLIANT vpc-2");
        let any = verdicts_with(&CHECK, &accepted, &[("trafficType", "")]);
        assert_eq!(any, "COMPLIANT vpc-1, COMPLIANT vpc-2");
        let none = made(Value::Null);
        assert_eq!(verdicts(&CHECK, &none), "NON_COMPLIANT vpc-1, NON_COMPLIANT vpc-2");
    }
}
