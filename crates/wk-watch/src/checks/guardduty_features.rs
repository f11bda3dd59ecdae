//! GuardDuty tells within a quarter of an hour and looks at objects and at Kubernetes. The mission's
//! document sets this by `data-sources`, which AWS has replaced by features.

use serde_json::Value;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{list, text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "guardduty-features",
    title: "GuardDuty tells every 15 minutes and has the features that are asked for",
    points: &["CC7.2"],
    nist: &["SI-4"],
    serves: &["R-054", "R-056"],
    kind: Kind::Native(judge),
    reads: &["guardduty:GetDetector", "guardduty:ListDetectors"],
    parameters: &[
        Parameter {
            name: "frequency",
            default: "FIFTEEN_MINUTES",
            doc: "how often findings are published",
        },
        Parameter {
            name: "features",
            default: "S3_DATA_EVENTS,EKS_AUDIT_LOGS",
            doc: "features, between commas",
        },
    ],
    why: "Six hours until an update of a finding is told are six hours of an intruder.",
    remedy: "aws guardduty update-detector --finding-publishing-frequency FIFTEEN_MINUTES --features \
             (not --data-sources).",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let detectors = view.list("guardduty:ListDetectors", &["DetectorIds"])?;
    let ids = detectors.into_iter().filter_map(Value::as_str);
    Ok(view.each(
        ids,
        |id| (*id).to_owned(),
        |view, id, _| {
            let Some(detector) = view.one_of("guardduty:GetDetector", id)? else {
                return Ok(view.bad(id, "it is gone"));
            };
            let mut wrong = Vec::new();
            if let Some(wanted) = parameters.text("frequency") {
                let is = word(detector, "FindingPublishingFrequency");
                if is != wanted {
                    wrong.push(format!("it publishes {is}, not {wanted}"));
                }
            }
            for feature in parameters.list("features") {
                if !on(detector, feature) {
                    wrong.push(format!("{feature} is off"));
                }
            }
            let why = if wrong.is_empty() { "as asked for".to_owned() } else { wrong.join("; ") };
            Ok(view.judged(id, wrong.is_empty(), why))
        },
    ))
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn said(frequency: &str, s3: &str, eks: &str) -> String {
        let detector = json!({"status": "ENABLED", "findingPublishingFrequency": frequency, "features": [
            {"name": "S3_DATA_EVENTS", "status": s3}, {"name": "EKS_AUDIT_LOGS", "status": eks}]});
        of(detector)
    }

    fn of(detector: Value) -> String {
        why(
            &CHECK,
            &[
                Made::answer("eu-west-1", "guardduty:ListDetectors", json!({"detectorIds": ["d"]})),
                Made::answer("eu-west-1", "guardduty:GetDetector", detector)
                    .with("DetectorId", "d"),
            ],
        )
    }

    #[test]
    fn frequency_and_features() {
        assert_eq!(said("FIFTEEN_MINUTES", "ENABLED", "ENABLED"), "as asked for");
        let slow = said("SIX_HOURS", "ENABLED", "ENABLED");
        assert_eq!(slow, "it publishes SIX_HOURS, not FIFTEEN_MINUTES");
        assert_eq!(said("FIFTEEN_MINUTES", "DISABLED", "ENABLED"), "S3_DATA_EVENTS is off");
        let old = json!({"FindingPublishingFrequency": "FIFTEEN_MINUTES", "DataSources": {"S3Logs": {"Status": "ENABLED"}, "Kubernetes": {"AuditLogs": {"Status": "ENABLED"}}}});
        assert_eq!(of(old), "as asked for");
    }
}
