//! Log groups keep what they hold for a year at least.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cw-loggroup-retention-period-check.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{whole, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CW_LOGGROUP_RETENTION_PERIOD_CHECK",
    title: "Log groups keep their logs long enough",
    points: &["CC7.2"],
    nist: &["AU-11", "SI-12"],
    serves: &["R-099", "R-192", "R-340"],
    kind: Kind::Native(judge),
    reads: &["logs:DescribeLogGroups"],
    parameters: &[
        Parameter { name: "LogGroupNames", default: "", doc: "only these, between commas" },
        Parameter { name: "MinRetentionTime", default: "365", doc: "days at least" },
    ],
    why: "What is asked for in an audit of a year must be there for a year.",
    remedy: "aws logs put-retention-policy with a term that CloudWatch Logs takes; never shorter \
             than before without looking at what dies.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let least = parameters.number("MinRetentionTime").unwrap_or(365);
    let only = parameters.list("LogGroupNames");
    let groups = view.list("logs:DescribeLogGroups", &["logGroups"])?;
    let groups =
        groups.into_iter().filter(|g| only.is_empty() || only.contains(&word(g, "logGroupName")));
    Ok(view.each(
        groups,
        |group| word(group, "logGroupName").to_owned(),
        |view, name, group| {
            Ok(match whole(group, "retentionInDays") {
                None => view.good(name, "it keeps everything for ever"),
                Some(days) => view.judged(
                    name,
                    days >= least,
                    format!("it keeps {days} days; {least} are wanted"),
                ),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    fn group(days: Value) -> [Made; 1] {
        let groups = json!({"logGroups": [{"logGroupName": "g", "retentionInDays": days}]});
        [Made::answer("eu-west-1", "logs:DescribeLogGroups", groups)]
    }

    #[test]
    fn at_least_so_many_days_or_for_ever() {
        assert_eq!(verdicts(&CHECK, &group(json!(365))), "COMPLIANT g");
        assert_eq!(verdicts(&CHECK, &group(json!(180))), "NON_COMPLIANT g");
        assert_eq!(verdicts(&CHECK, &group(Value::Null)), "COMPLIANT g");
        let month = [("MinRetentionTime", "30")];
        assert_eq!(verdicts_with(&CHECK, &group(json!(90)), &month), "COMPLIANT g");
        let other = [("LogGroupNames", "other")];
        assert_eq!(verdicts_with(&CHECK, &group(json!(1)), &other), "NOT_APPLICABLE 111122223333");
    }
}
