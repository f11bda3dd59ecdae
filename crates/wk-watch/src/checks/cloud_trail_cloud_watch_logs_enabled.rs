//! Trails deliver to CloudWatch Logs too, where metric filters see them.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cloud-trail-cloud-watch-logs-enabled.html>

use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::members::{text, time};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED",
    title: "Every trail delivers to CloudWatch Logs",
    points: &["CC7.2"],
    nist: &["AU-6", "SI-4"],
    cis: &["3.4 (1.4.0)"],
    serves: &["R-028", "R-071"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"],
    parameters: &[Parameter {
        name: "expectedDeliveryWindowAge",
        default: "12",
        doc: "hours within which it must have delivered last",
    }],
    why: "Metric filters and the alarms of CIS see only what is in CloudWatch Logs.",
    remedy: "aws cloudtrail update-trail with a log group and a role that may write to it.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let hours = parameters.number("expectedDeliveryWindowAge");
    let trails = trails::own(view)?;
    Ok(view.each(
        trails,
        |t: &Trail<'_>| t.arn.to_owned(),
        |view, arn, trail| {
            if text(trail.told, "CloudWatchLogsLogGroupArn").is_none() {
                return Ok(
                    view.bad(arn, "it names no log group: no metric filter can see its events")
                );
            }
            let Some(hours) = hours else { return Ok(view.good(arn, "it names a log group")) };
            let status = trail.status(view)?;
            let last = status.and_then(|s| time(s, "LatestCloudWatchLogsDeliveryTime"));
            Ok(match last {
                None => view.bad(arn, "it has never delivered to its log group"),
                Some(at) if at.plus_seconds(hours.saturating_mul(3600)) < view.now() => {
                    view.bad(arn, format!("it delivered to its log group last at {at}"))
                }
                Some(at) => view.good(arn, format!("it delivered to its log group at {at}")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{ARN, status, trail};
    use super::super::testing::{verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn a_log_group_that_is_delivered_to() {
        let at = |time: &str| status(json!({"LatestCloudWatchLogsDeliveryTime": time}));
        let of = |time: &str| verdicts(&CHECK, &[trail(&json!({})), at(time)]);
        assert_eq!(of("2026-11-22T09:55:00Z"), format!("COMPLIANT {ARN}"));
        assert_eq!(of("2026-11-21T09:55:00Z"), format!("NON_COMPLIANT {ARN}"));
        let never = [trail(&json!({})), status(json!({}))];
        assert_eq!(verdicts(&CHECK, &never), format!("NON_COMPLIANT {ARN}"));
        let none = [trail(&json!({"CloudWatchLogsLogGroupArn": null}))];
        assert_eq!(verdicts(&CHECK, &none), format!("NON_COMPLIANT {ARN}"));
        let longer = [("expectedDeliveryWindowAge", "48")];
        let made = [trail(&json!({})), at("2026-11-21T09:55:00Z")];
        assert_eq!(verdicts_with(&CHECK, &made, &longer), format!("COMPLIANT {ARN}"));
    }
}
