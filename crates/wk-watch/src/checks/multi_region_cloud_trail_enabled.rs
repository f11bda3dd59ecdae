//! A trail of all regions logs every management event.
//! <https://docs.aws.amazon.com/config/latest/developerguide/multi-region-cloudtrail-enabled.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameters, Scope, cloud_trail_enabled};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "MULTI_REGION_CLOUD_TRAIL_ENABLED",
    title: "A trail of all regions logs every management event",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-2", "AU-3", "AU-12", "SI-4"],
    cis: &["3.1"],
    serves: &["R-026", "R-051"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetTrailStatus",
    ],
    parameters: cloud_trail_enabled::PARAMETERS,
    why: "An intruder works in the region that nobody looks at.",
    remedy: "aws cloudtrail update-trail --is-multi-region-trail, and selectors that leave no \
             management event out.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let (mut refused, mut blind) = (Vec::new(), None);
    for trail in trails::all(view)? {
        match lacks(view, &trail, parameters) {
            Ok(None) => {
                let why = format!("{} logs every management event of all regions", trail.name());
                return Ok(vec![view.good(view.account(), why)]);
            }
            Ok(Some(lacks)) => refused.push(format!("{} {lacks}", trail.name())),
            Err(why) => blind = Some(why),
        }
    }
    if let Some(blind) = blind {
        return Err(blind);
    }
    let why = if refused.is_empty() { "there is no trail".into() } else { refused.join("; ") };
    Ok(vec![view.bad(view.account(), why)])
}

fn lacks<'a>(
    view: &View<'a>,
    trail: &Trail<'a>,
    parameters: &Parameters,
) -> Result<Option<&'static str>, Blind> {
    if !trail.multi_region {
        return Ok(Some("is of one region only"));
    }
    if !cloud_trail_enabled::fits(trail, parameters) {
        return Ok(Some("is not like the parameters say"));
    }
    if !trail.logs(view)? {
        return Ok(Some("does not log"));
    }
    // What another account's trail selects is not told here; its own account is judged for it.
    let selectors = match trail.selectors(view) {
        Err(_) if !trail.is_own(view) => return Ok(None),
        told => told?,
    };
    let all = selectors.is_none_or(|selectors| selectors.all_management());
    Ok((!all).then_some("leaves management events out"))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{logging, no_trail, selectors, trail};
    use super::super::testing::{verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::{Value, json};

    const YES: &str = "COMPLIANT 111122223333";
    const NO: &str = "NON_COMPLIANT 111122223333";

    fn all() -> Value {
        json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []}]})
    }

    fn of(different: &Value, logs: bool, selected: Value) -> String {
        verdicts(&CHECK, &[trail(different), logging(logs), selectors(selected)])
    }

    #[test]
    fn all_regions_all_management_events_and_logging() {
        assert_eq!(of(&json!({}), true, all()), YES);
        assert_eq!(of(&json!({"IsMultiRegionTrail": false}), true, all()), NO);
        assert_eq!(of(&json!({}), false, all()), NO);
        assert_eq!(verdicts(&CHECK, &[no_trail("eu-west-1")]), NO);
    }

    #[test]
    fn selectors_may_leave_nothing_out() {
        let basic = |name: &str, value: Value| {
            let mut selected = all();
            selected["EventSelectors"][0][name] = value;
            of(&json!({}), true, selected)
        };
        assert_eq!(basic("ReadWriteType", json!("WriteOnly")), NO);
        assert_eq!(basic("IncludeManagementEvents", json!(false)), NO);
        assert_eq!(basic("ExcludeManagementEventSources", json!(["kms.amazonaws.com"])), NO);
        let advanced = |fields: Value| {
            of(&json!({}), true, json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]}))
        };
        let management = json!({"Field": "eventCategory", "Equals": ["Management"]});
        assert_eq!(advanced(json!([management])), YES);
        assert_eq!(advanced(json!([management, {"Field": "readOnly", "Equals": ["false"]}])), NO);
        let no_kms = json!({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]});
        assert_eq!(advanced(json!([management, no_kms])), NO);
    }

    #[test]
    fn parameters_count_and_what_was_not_asked_is_no_data() {
        let made = [trail(&json!({})), logging(true), selectors(all())];
        assert_eq!(verdicts_with(&CHECK, &made, &[("s3BucketName", "x")]), NO);
        assert_eq!(verdicts(&CHECK, &made[..2]), "NO_DATA 111122223333");
    }
}
