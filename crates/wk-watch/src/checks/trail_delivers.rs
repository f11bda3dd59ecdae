//! Trails that log also deliver, files and digests.

use serde_json::Value;
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameter, Parameters, Scope, Test};
use crate::posture::members::{is, text, time};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "trail-delivers",
    title: "Every trail delivers files and digests",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-5", "AU-9"],
    serves: &["R-025", "R-028", "R-102"],
    scope: Scope::Account,
    test: Test::Operation,
    kind: Kind::Native(judge),
    reads: &["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"],
    parameters: &[
        Parameter { name: "filesHours", default: "1", doc: "hours since the last file, at most" },
        Parameter {
            name: "digestHours",
            default: "2",
            doc: "hours since the last digest, at most",
        },
    ],
    why: "A trail whose bucket refuses it is on and keeps nothing.",
    remedy: "Read the delivery error; mend the policy of the bucket, or of the key.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let trails = trails::own(view)?;
    Ok(view.each(
        trails,
        |t: &Trail<'_>| t.arn.to_owned(),
        |view, arn, trail| {
            let Some(status) = trail.status(view)? else {
                return Ok(view.bad(arn, "it has no status"));
            };
            let wrong = wrong(view, trail, status, parameters);
            let why =
                if wrong.is_empty() { "it logs and delivers".into() } else { wrong.join("; ") };
            Ok(view.judged(arn, wrong.is_empty(), why))
        },
    ))
}

fn wrong(
    view: &View<'_>,
    trail: &Trail<'_>,
    status: &Value,
    parameters: &Parameters,
) -> Vec<String> {
    if !is(status, "IsLogging") {
        return vec!["it does not log".into()];
    }
    let mut wrong = Vec::new();
    for (what, error) in
        [("files", "LatestDeliveryError"), ("digests", "LatestDigestDeliveryError")]
    {
        wrong.extend(text(status, error).map(|e| format!("it cannot deliver {what}: {e}")));
    }
    let mut recent = |what: &str, member: &str, hours: &str| {
        let Some(hours) = parameters.number(hours) else { return };
        match time(status, member) {
            None => wrong.push(format!("it has never delivered {what}")),
            Some(at) if at.plus_seconds(hours.saturating_mul(3600)) < view.now() => {
                wrong.push(format!("its last {what} came at {at}"));
            }
            Some(_) => {}
        }
    };
    recent("files", "LatestDeliveryTime", "filesHours");
    if is(trail.told, "LogFileValidationEnabled") {
        recent("digests", "LatestDigestDeliveryTime", "digestHours");
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{logging, status, trail};
    use super::super::testing::why;
    use super::CHECK;
    use serde_json::{Value, json};

    fn of(different: &Value) -> String {
        let mut now = json!({"IsLogging": true, "LatestDeliveryTime": "2026-11-22T09:50:00Z", "LatestDigestDeliveryTime": "2026-11-22T09:10:00Z"});
        for (name, value) in different.as_object().unwrap() {
            now[name] = value.clone();
        }
        why(&CHECK, &[trail(&json!({})), status(now)])
    }

    #[test]
    fn silence_and_errors_are_told() {
        assert_eq!(of(&json!({})), "it logs and delivers");
        assert_eq!(of(&json!({"IsLogging": false})), "it does not log");
        assert_eq!(
            of(&json!({"LatestDeliveryError": "AccessDenied"})),
            "it cannot deliver files: AccessDenied"
        );
        let old = of(&json!({"LatestDigestDeliveryTime": "2026-11-22T07:10:00Z"}));
        assert_eq!(old, "its last digests came at 2026-11-22T07:10:00Z");
        assert_eq!(of(&json!({"LatestDeliveryTime": null})), "it has never delivered files");
        assert_eq!(why(&CHECK, &[trail(&json!({})), logging(false)]), "it does not log");
    }
}
