//! GuardDuty's detectors, one for each region.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{AwsRead, Call, Http, Operation, Paging, Target, ask};

use super::{Line, Verdict};

pub(super) struct ListDetectors;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detectors {
    #[serde(default)]
    detector_ids: Vec<String>,
}

impl Call for ListDetectors {
    const OPERATION: &'static Operation = &Operation {
        service: "guardduty",
        name: "ListDetectors",
        permission: "guardduty:ListDetectors",
        http: Http::Rest {
            method: "GET",
            path: "/detector",
            query: &[("MaxResults", "maxResults"), ("NextToken", "nextToken")],
        },
        pages: Paging::Token { input: "NextToken", output: "nextToken" },
        ..Operation::READ
    };
    type Answer = Detectors;
    fn parameters(&self) -> Value {
        json!({"MaxResults": 50})
    }
}

pub(super) struct GetDetector {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detector {
    status: String,
    finding_publishing_frequency: Option<String>,
}

impl Call for GetDetector {
    const OPERATION: &'static Operation = &Operation {
        service: "guardduty",
        name: "GetDetector",
        permission: "guardduty:GetDetector",
        http: Http::Rest { method: "GET", path: "/detector/{DetectorId}", query: &[] },
        ..Operation::READ
    };
    type Answer = Detector;
    fn parameters(&self) -> Value {
        json!({"DetectorId": self.id})
    }
}

pub(super) async fn examine(aws: &dyn AwsRead, target: &Target) -> Vec<Line> {
    let whole = match ask(aws, &ListDetectors, target.clone()).await {
        Ok(whole) => whole,
        Err(error) => return vec![Line::of_error("detector", "GuardDuty", target, &error)],
    };
    let ids: Vec<String> = whole.pages.into_iter().flat_map(|page| page.detector_ids).collect();
    if ids.is_empty() {
        let line = Line::new("detector", "GuardDuty", target, Verdict::None, "no detector here")
            .to_do("switch GuardDuty on in every region, also in those that nobody uses");
        return vec![line];
    }
    let mut lines = Vec::new();
    for id in ids {
        lines.push(match ask(aws, &GetDetector { id: id.clone() }, target.clone()).await {
            Ok(whole) => judge(&id, &whole.pages[0], target),
            Err(error) => Line::of_error("detector", id, target, &error),
        });
    }
    lines
}

fn judge(id: &str, detector: &Detector, target: &Target) -> Line {
    let often = detector.finding_publishing_frequency.as_deref().unwrap_or("at its own pace");
    let say = format!("{}, repeats {often}", detector.status);
    if detector.status == "ENABLED" {
        return Line::new("detector", id, target, Verdict::Ok, say);
    }
    Line::new("detector", id, target, Verdict::Stale, say).to_do("switch the detector on")
}
