//! Security Hub is on in the region.
//! <https://docs.aws.amazon.com/config/latest/developerguide/securityhub-enabled.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "SECURITYHUB_ENABLED",
    title: "Security Hub is on in every region",
    points: &["CC7.1", "CC7.2"],
    nist: &["SI-4", "CA-7"],
    cis: &["4.16"],
    serves: &["R-057", "R-241"],
    kind: Kind::Native(judge),
    reads: &["securityhub:DescribeHub"],
    why: "Findings of many services come together there; where it is off they stay apart.",
    remedy: "Let the delegated administrator switch it on for all accounts and regions.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let pages = view.ask("securityhub:DescribeHub")?;
    Ok(vec![match pages.as_deref().and_then(|pages| pages.first()) {
        Some(hub) => view.good(word(hub, "HubArn"), "it is on"),
        None => view.bad(view.account(), "it is not on in this region"),
    }])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::json;

    const KEY: &str = "securityhub:DescribeHub";

    #[test]
    fn on_off_and_not_to_be_told() {
        let on = Made::answer("eu-west-1", KEY, json!({"HubArn": "arn:hub"}));
        assert_eq!(verdicts(&CHECK, &[on]), "COMPLIANT arn:hub");
        let off = Made::absent("eu-west-1", KEY);
        assert_eq!(verdicts(&CHECK, &[off]), "NON_COMPLIANT 111122223333");
        let denied = Made::denied("eu-west-1", KEY);
        assert_eq!(verdicts(&CHECK, &[denied]), "NO_DATA 111122223333");
    }
}
