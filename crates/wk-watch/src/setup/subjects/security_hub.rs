//! Security Hub: on in every region, by current standards, fed by AWS's own products.

use serde_json::{Value, json};

use super::{Subject, Where};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};

pub(super) const SUBJECT: Subject = Subject {
    id: "security-hub",
    title: "Security Hub is on in every region, by current standards, and takes products' findings",
    serves: &["R-057", "R-058", "R-059", "R-060", "R-061"],
    at: Where::Regions,
    cost: "Security Hub asks for each check and each finding that is taken in; its checks need AWS Config.",
    reads: &[
        "securityhub:DescribeHub",
        "securityhub:DescribeStandards",
        "securityhub:GetEnabledStandards",
        "securityhub:ListEnabledProductsForImport",
    ],
    drift,
};

pub(in crate::setup) fn standard_arn(f: &Foundation, region: &str, standard: &str) -> String {
    format!("arn:{}:securityhub:{region}::standards/{standard}", f.partition())
}

pub(in crate::setup) fn product_arn(f: &Foundation, region: &str, product: &str) -> String {
    format!("arn:{}:securityhub:{region}::product/aws/{product}", f.partition())
}

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let there = view.ask("securityhub:DescribeHub")?.is_some_and(|pages| !pages.is_empty());
    if there {
        draft.good();
    } else {
        let to =
            json!({"EnableDefaultStandards": false, "ControlFindingGenerator": "SECURITY_CONTROL"});
        let call = call!(
            "securityhub",
            "EnableSecurityHub",
            "securityhub:EnableSecurityHub",
            "iam:CreateServiceLinkedRole"
        );
        draft.step(
            call,
            to,
            "Security Hub is not on; the standards are named apart, by their current ARNs",
        );
    }
    for part in [standards as Part, products] {
        if let Err(blind) = part(f, view, there, draft) {
            draft.unknown(&blind);
        }
    }
    Ok(())
}

type Part = fn(&Foundation, &View<'_>, bool, &mut Draft<'_>) -> Result<(), Blind>;

fn standards(
    f: &Foundation,
    view: &View<'_>,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let on = match there {
        true => view.list("securityhub:GetEnabledStandards", &["StandardsSubscriptions"])?,
        false => Vec::new(),
    };
    // Where AWS told which standards there are, only those can be switched on.
    let known: Option<Vec<&str>> = match view.list("securityhub:DescribeStandards", &["Standards"])
    {
        Ok(all) if !all.is_empty() => {
            Some(all.into_iter().map(|s| word(s, "StandardsArn")).collect())
        }
        _ => None,
    };
    let mut lacks = Vec::new();
    for standard in &f.security_hub.standards {
        let arn = standard_arn(f, view.region(), standard);
        if on.iter().any(|s| word(s, "StandardsArn") == arn) {
            draft.good();
        } else if known.as_ref().is_some_and(|known| !known.contains(&arn.as_str())) {
            draft.refuse(format!(
                "AWS tells of no standard {arn}; describe-standards names those that there are"
            ));
        } else {
            lacks.push(arn);
        }
    }
    let pci = f.security_hub.standards.iter().any(|s| s.starts_with("pci-dss/"));
    if !pci {
        let out = f.left_out("pci-dss", view.account(), view.region());
        let reason = out.map_or("nobody asked for it", |out| out.reason.as_str());
        draft.left_out(format!("PCI DSS is not switched on: {reason}"));
    }
    if !lacks.is_empty() {
        let why = format!("not on: {}", lacks.join(", "));
        let requests: Vec<Value> =
            lacks.into_iter().map(|arn| json!({"StandardsArn": arn})).collect();
        let to = json!({"StandardsSubscriptionRequests": requests});
        draft.step(call!("securityhub", "BatchEnableStandards"), to, why);
    }
    Ok(())
}

fn products(
    f: &Foundation,
    view: &View<'_>,
    there: bool,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let on = match there {
        true => view.list("securityhub:ListEnabledProductsForImport", &["ProductSubscriptions"])?,
        false => Vec::new(),
    };
    let on: Vec<&str> =
        on.into_iter().filter_map(|p| p.as_str().or_else(|| text(p, "ProductArn"))).collect();
    for product in &f.security_hub.products {
        if on.iter().any(|arn| arn.ends_with(&format!("/aws/{product}"))) {
            draft.good();
            continue;
        }
        let to = json!({"ProductArn": product_arn(f, view.region(), product)});
        let why = format!("findings of {product} are not taken in");
        draft.step(call!("securityhub", "EnableImportFindingsForProduct"), to, why);
    }
    Ok(())
}
