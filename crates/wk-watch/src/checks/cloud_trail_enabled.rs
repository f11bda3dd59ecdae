//! A trail of the account logs. The mission's document says "in all regions" of it: that is
//! `MULTI_REGION_CLOUD_TRAIL_ENABLED`.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cloudtrail-enabled.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::trails;
use super::{Check, Kind, Parameter, Parameters, Scope};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CLOUD_TRAIL_ENABLED",
    title: "A trail logs",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-2", "AU-3", "AU-12"],
    cis: &["3.1"],
    serves: &["R-051"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"],
    parameters: PARAMETERS,
    why: "Without a trail nobody can say who did what.",
    remedy: "aws cloudtrail start-logging, or make a trail of the organization for all regions.",
    ..Check::NATIVE
};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter { name: "s3BucketName", default: "", doc: "bucket that it must deliver to" },
    Parameter { name: "snsTopicArn", default: "", doc: "topic that it must tell" },
    Parameter {
        name: "cloudWatchLogsLogGroupArn",
        default: "",
        doc: "log group that it must deliver to",
    },
];

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let (mut refused, mut blind) = (Vec::new(), None);
    for trail in trails::all(view)? {
        let fits = fits(&trail, parameters);
        match trail.logs(view) {
            Ok(true) if fits => {
                return Ok(vec![view.good(view.account(), format!("{} logs", trail.name()))]);
            }
            Ok(true) => refused.push(format!("{} is not like the parameters say", trail.name())),
            Ok(false) => refused.push(format!("{} does not log", trail.name())),
            Err(why) => blind = Some(why),
        }
    }
    if let Some(blind) = blind {
        return Err(blind);
    }
    let why = if refused.is_empty() { "there is no trail".into() } else { refused.join("; ") };
    Ok(vec![view.bad(view.account(), why)])
}

pub(super) fn fits(trail: &trails::Trail<'_>, parameters: &Parameters) -> bool {
    trail.has("S3BucketName", parameters.text("s3BucketName"))
        && trail.has("SnsTopicARN", parameters.text("snsTopicArn"))
        && trail.has("CloudWatchLogsLogGroupArn", parameters.text("cloudWatchLogsLogGroupArn"))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{logging, no_trail, trail};
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn one_trail_that_logs_is_enough_of_one_region_too() {
        let one_region = json!({"IsMultiRegionTrail": false});
        for different in [json!({}), one_region] {
            let made = [trail(&different), logging(true)];
            assert_eq!(verdicts(&CHECK, &made), "COMPLIANT 111122223333");
        }
        let stopped = [trail(&json!({})), logging(false)];
        assert_eq!(verdicts(&CHECK, &stopped), "NON_COMPLIANT 111122223333");
        let none = [no_trail("eu-west-1"), no_trail("us-east-1")];
        assert_eq!(verdicts(&CHECK, &none), "NON_COMPLIANT 111122223333");
    }

    #[test]
    fn parameters_are_met_by_a_trail_that_logs() {
        let with = |name, value| {
            let more = json!({"SnsTopicARN": "arn:t"});
            verdicts_with(&CHECK, &[trail(&more), logging(true)], &[(name, value)])
        };
        assert_eq!(with("s3BucketName", "org-trail"), "COMPLIANT 111122223333");
        assert_eq!(with("s3BucketName", "another"), "NON_COMPLIANT 111122223333");
        assert_eq!(with("snsTopicArn", "arn:t"), "COMPLIANT 111122223333");
        assert_eq!(with("cloudWatchLogsLogGroupArn", "arn:x"), "NON_COMPLIANT 111122223333");
    }

    #[test]
    fn that_there_is_none_is_told_only_where_every_region_could_be_asked() {
        let denied = Made::denied("us-east-1", "cloudtrail:DescribeTrails");
        let made = [no_trail("eu-west-1"), denied.clone()];
        assert_eq!(verdicts(&CHECK, &made), "NO_DATA 111122223333");
        let made = [trail(&json!({})), logging(true), denied];
        assert_eq!(verdicts(&CHECK, &made), "COMPLIANT 111122223333");
        let made = [trail(&json!({}))];
        assert_eq!(verdicts(&CHECK, &made), "NO_DATA 111122223333", "its status was not asked");
    }
}
