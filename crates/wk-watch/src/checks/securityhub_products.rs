//! Security Hub takes findings of the products that are asked for. The mission's document does this by
//! `update-findings`, which changes findings and integrates nothing.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "securityhub-products",
    title: "Security Hub takes findings of GuardDuty, Config, Inspector and Macie",
    points: &["CC7.2"],
    nist: &["SI-4(16)", "AU-6(3)"],
    serves: &["R-061", "R-062"],
    kind: Kind::Native(judge),
    reads: &["securityhub:DescribeHub", "securityhub:ListEnabledProductsForImport"],
    parameters: &[Parameter {
        name: "products",
        default: "guardduty,config,inspector,macie",
        doc: "products, as their ARNs name them, between commas",
    }],
    why: "Findings that are not brought together are not seen together.",
    remedy: "aws securityhub enable-import-findings-for-product for each product.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    if view.ask("securityhub:DescribeHub")?.is_none() {
        return Ok(vec![view.bad(view.account(), "Security Hub is not on in this region")]);
    }
    let on = view.list("securityhub:ListEnabledProductsForImport", &["ProductSubscriptions"])?;
    let on: Vec<&str> = on.into_iter().filter_map(serde_json::Value::as_str).collect();
    Ok(view.each(
        parameters.list("products"),
        |name| (*name).to_owned(),
        |view, name, _| {
            let is = on.iter().any(|arn| arn.ends_with(&format!("/aws/{name}")));
            Ok(view.judged(
                name,
                is,
                if is { "its findings are taken" } else { "its findings are not taken" },
            ))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn each_product_is_taken_or_named() {
        let arn = "arn:aws:securityhub:eu-west-1:111122223333:product-subscription/aws/guardduty";
        let made = [
            Made::answer("eu-west-1", "securityhub:DescribeHub", json!({"HubArn": "h"})),
            Made::answer(
                "eu-west-1",
                "securityhub:ListEnabledProductsForImport",
                json!({"ProductSubscriptions": [arn]}),
            ),
        ];
        let said = verdicts_with(&CHECK, &made, &[("products", "guardduty,macie")]);
        assert_eq!(said, "COMPLIANT guardduty, NON_COMPLIANT macie");
    }
}
