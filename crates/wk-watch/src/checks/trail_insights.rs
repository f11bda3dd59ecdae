//! Trails look for unusual rates of calls and of errors. The mission's document sets the first only.

use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{list, text};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "trail-insights",
    title: "Trails look for anomalies of calls and of errors",
    points: &["CC7.2"],
    nist: &["SI-4", "AU-6"],
    serves: &["R-023", "R-031"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["cloudtrail:DescribeTrails", "cloudtrail:GetInsightSelectors"],
    why: "A key that is tried shows in the rate of errors, one that is used in the rate of calls.",
    remedy: "aws cloudtrail put-insight-selectors with ApiCallRateInsight and ApiErrorRateInsight.",
    ..Check::NATIVE
};

const KINDS: [&str; 2] = ["ApiCallRateInsight", "ApiErrorRateInsight"];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let trails = trails::own(view)?;
    Ok(view.each(
        trails,
        |t: &Trail<'_>| t.arn.to_owned(),
        |view, arn, trail| {
            let told = view.one_of("cloudtrail:GetInsightSelectors", trail.arn)?;
            let on: Vec<&str> = told
                .map(|told| list(told, "InsightSelectors"))
                .unwrap_or_default()
                .into_iter()
                .filter_map(|selector| text(selector, "InsightType"))
                .collect();
            let off: Vec<&str> = KINDS.into_iter().filter(|kind| !on.contains(kind)).collect();
            let why = if off.is_empty() {
                "it looks for both kinds".to_owned()
            } else {
                format!("{} is off", off.join(" and "))
            };
            Ok(view.judged(arn, off.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{ARN, trail};
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn insights(kinds: &[&str]) -> [Made; 2] {
        let selectors: Vec<Value> = kinds.iter().map(|k| json!({"InsightType": k})).collect();
        let told = json!({"InsightSelectors": selectors});
        let made = Made::answer("eu-west-1", "cloudtrail:GetInsightSelectors", told);
        [trail(&json!({})), made.with("TrailName", ARN)]
    }

    #[test]
    fn both_kinds_are_wanted() {
        let both = insights(&["ApiErrorRateInsight", "ApiCallRateInsight"]);
        assert_eq!(verdicts(&CHECK, &both), format!("COMPLIANT {ARN}"));
        let one = insights(&["ApiCallRateInsight"]);
        assert_eq!(verdicts(&CHECK, &one), format!("NON_COMPLIANT {ARN}"));
        assert_eq!(why(&CHECK, &one), "ApiErrorRateInsight is off");
        let never = Made::absent("eu-west-1", "cloudtrail:GetInsightSelectors");
        let made = [trail(&json!({})), never.with("TrailName", ARN)];
        assert_eq!(verdicts(&CHECK, &made), format!("NON_COMPLIANT {ARN}"));
    }
}
