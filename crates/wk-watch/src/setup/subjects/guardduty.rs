//! GuardDuty: on in every region, telling every 15 minutes, administered by the security account.

use serde_json::{Value, json};

use super::{Subject, Where};
use crate::posture::members::{list, text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};

pub(super) const SUBJECT: Subject = Subject {
    id: "guardduty",
    title: "GuardDuty is on in every region with its features, every 15 minutes",
    serves: &["R-053", "R-054", "R-056"],
    at: Where::Regions,
    cost: "GuardDuty asks by the events and GB that it looks at, each feature apart; 30 days are free.",
    reads: &["guardduty:GetDetector", "guardduty:ListDetectors"],
    drift,
};

pub(in crate::setup) fn wanted_features(names: &[String]) -> Value {
    names.iter().map(|name| json!({"Name": name, "Status": "ENABLED"})).collect()
}

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let detectors = view.list("guardduty:ListDetectors", &["DetectorIds"])?;
    let Some(id) = detectors.into_iter().find_map(Value::as_str) else {
        let to = json!({
            "Enable": true,
            "FindingPublishingFrequency": f.guardduty.frequency,
            "Features": wanted_features(&f.guardduty.features),
        });
        let call = call!(
            "guardduty",
            "CreateDetector",
            "guardduty:CreateDetector",
            "iam:CreateServiceLinkedRole"
        );
        draft.step(call, to, "there is no detector");
        return Ok(());
    };
    let Some(detector) = view.one_of("guardduty:GetDetector", id)? else {
        draft.unknown(&Blind {
            why: format!("the detector {id} is told and not there"),
            evidence: Vec::new(),
        });
        return Ok(());
    };
    let (mut to, mut said) = (json!({"DetectorId": id}), Vec::new());
    if word(detector, "Status") != "ENABLED" {
        to["Enable"] = true.into();
        said.push("it is off".to_owned());
    }
    if word(detector, "FindingPublishingFrequency") != f.guardduty.frequency {
        to["FindingPublishingFrequency"] = f.guardduty.frequency.clone().into();
        said.push(format!("it publishes {}", word(detector, "FindingPublishingFrequency")));
    }
    let off: Vec<String> =
        f.guardduty.features.iter().filter(|name| !on(detector, name)).cloned().collect();
    if !off.is_empty() {
        to["Features"] = wanted_features(&off);
        said.push(format!("{} are off", off.join(", ")));
    }
    if said.is_empty() {
        draft.good();
    } else {
        let why = format!("detector {id}: {}", said.join("; "));
        draft.step(call!("guardduty", "UpdateDetector"), to, why);
    }
    Ok(())
}

/// By features, or by the data sources of older answers.
fn on(detector: &Value, feature: &str) -> bool {
    let enabled = |f: &&Value| text(f, "Name") == Some(feature) && word(f, "Status") == "ENABLED";
    let old = match feature {
        "S3_DATA_EVENTS" => word(detector, "DataSources.S3Logs.Status"),
        "EKS_AUDIT_LOGS" => word(detector, "DataSources.Kubernetes.AuditLogs.Status"),
        _ => "",
    };
    list(detector, "Features").iter().any(enabled) || old == "ENABLED"
}

/// Who administers the organisation's detectors.
pub(super) const ADMINISTRATOR: Subject = Subject {
    id: "guardduty-administrator",
    title: "The security account administers GuardDuty in every region",
    serves: &["R-055"],
    at: Where::ManagementRegions,
    cost: "",
    reads: &["guardduty:ListOrganizationAdminAccounts"],
    drift: administrator,
};

fn administrator(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let all = view.list("guardduty:ListOrganizationAdminAccounts", &["AdminAccounts"])?;
    let on = |a: &&&Value| word(a, "AdminStatus") != "DISABLE_IN_PROGRESS";
    let now: Vec<&str> = all.iter().filter(on).filter_map(|a| text(a, "AdminAccountId")).collect();
    let wanted = f.accounts.security.as_str();
    if now.contains(&wanted) {
        draft.good();
    } else if let Some(other) = now.first() {
        draft.refuse(format!("{other} administers GuardDuty here; to name {wanted} it would have to be disabled first, and its members would be let go"));
    } else {
        let call = call!(
            "guardduty",
            "EnableOrganizationAdminAccount",
            "guardduty:EnableOrganizationAdminAccount",
            "organizations:EnableAWSServiceAccess",
            "organizations:RegisterDelegatedAdministrator"
        );
        draft.step(call, json!({"AdminAccountId": wanted}), "nobody administers GuardDuty here");
    }
    Ok(())
}
