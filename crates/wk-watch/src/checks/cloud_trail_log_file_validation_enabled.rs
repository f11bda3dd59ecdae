//! Trails write digests, by which their files can be proved whole.
//! <https://docs.aws.amazon.com/config/latest/developerguide/cloud-trail-log-file-validation-enabled.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::is;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED",
    title: "Every trail writes digests",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-9", "SI-7"],
    cis: &["3.2"],
    serves: &["R-028", "R-100", "R-194"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["cloudtrail:DescribeTrails"],
    why: "Without digests nobody can prove that no log file was changed or removed.",
    remedy: "aws cloudtrail update-trail --name NAME --enable-log-file-validation",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let trails = trails::own(view)?;
    Ok(view.each(
        trails,
        |t: &Trail<'_>| t.arn.to_owned(),
        |view, arn, trail| {
            let on = is(trail.told, "LogFileValidationEnabled");
            Ok(view.judged(arn, on, if on { "it writes digests" } else { "it writes no digests" }))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{ARN, no_trail, trail};
    use super::super::testing::verdicts;
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn digests_are_on_or_off() {
        let on = [trail(&json!({}))];
        assert_eq!(verdicts(&CHECK, &on), format!("COMPLIANT {ARN}"));
        let off = [trail(&json!({"LogFileValidationEnabled": false}))];
        assert_eq!(verdicts(&CHECK, &off), format!("NON_COMPLIANT {ARN}"));
        assert_eq!(verdicts(&CHECK, &[no_trail("eu-west-1")]), "NOT_APPLICABLE 111122223333");
    }

    #[test]
    fn another_account_s_trail_is_judged_there() {
        let theirs = "arn:aws:cloudtrail:eu-west-1:999988887777:trail/org";
        let made = [trail(&json!({"TrailARN": theirs, "LogFileValidationEnabled": false}))];
        assert_eq!(verdicts(&CHECK, &made), "NOT_APPLICABLE 111122223333");
    }
}
