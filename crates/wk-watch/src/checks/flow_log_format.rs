//! Flow logs hold the fields that the mission asks for. Its document shows the format and never passes
//! it.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "flow-log-format",
    title: "Flow logs hold every field that is asked for",
    points: &["CC7.2"],
    nist: &["AU-3"],
    serves: &["R-038"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeFlowLogs"],
    parameters: &[Parameter {
        name: "fields",
        default: "version,account-id,interface-id,srcaddr,dstaddr,srcport,dstport,protocol,packets,\
                  bytes,start,end,action,log-status,vpc-id,subnet-id,instance-id,tcp-flags,type,\
                  pkt-srcaddr,pkt-dstaddr,region,az-id,sublocation-type,sublocation-id",
        doc: "fields, between commas",
    }],
    why: "Without the packet's own addresses and the instance, nobody can tell who spoke behind a \
          gateway.",
    remedy: "A format cannot be changed: make a new flow log with --log-format, then remove the old.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let wanted = parameters.list("fields");
    let logs = view.list("ec2:DescribeFlowLogs", &["FlowLogs", "flowLogSet"])?;
    Ok(view.each(
        logs,
        |log| word(log, "FlowLogId").to_owned(),
        |view, id, log| {
            let format = word(log, "LogFormat");
            let has: Vec<&str> = format
                .split_whitespace()
                .map(|field| field.trim_start_matches("${").trim_end_matches('}'))
                .collect();
            let missing: Vec<&str> =
                wanted.iter().filter(|field| !has.contains(field)).copied().collect();
            let why = if missing.is_empty() {
                format!("it holds {} fields", has.len())
            } else {
                format!("it lacks {}", missing.join(", "))
            };
            Ok(view.judged(id, missing.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    fn of(format: &str) -> [Made; 1] {
        let log = json!({"flowLogId": "fl-1", "logFormat": format});
        [Made::answer("eu-west-1", "ec2:DescribeFlowLogs", json!({"flowLogSet": [log]}))]
    }

    #[test]
    fn fields_are_wanted_by_name_in_any_order() {
        let own = "${version} ${account-id} ${srcaddr}";
        assert_eq!(verdicts(&CHECK, &of(own)), "NON_COMPLIANT fl-1");
        let set = [("fields", "srcaddr, version")];
        assert_eq!(verdicts_with(&CHECK, &of(own), &set), "COMPLIANT fl-1");
        let parameter = CHECK.parameters[0].default;
        let all: Vec<String> = parameter.split(',').rev().map(|f| format!("${{{f}}}")).collect();
        assert_eq!(all.len(), 25);
        assert_eq!(verdicts(&CHECK, &of(&all.join(" "))), "COMPLIANT fl-1");
    }
}
