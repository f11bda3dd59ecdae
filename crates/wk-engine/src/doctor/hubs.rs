//! Security Hub, one for each region.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{AwsErrorKind, AwsRead, Call, Http, Operation, Target, ask};

use super::{Line, Verdict};

pub(super) struct DescribeHub;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Hub {
    hub_arn: Option<String>,
    subscribed_at: Option<String>,
}

impl Call for DescribeHub {
    const OPERATION: &'static Operation = &Operation {
        service: "securityhub",
        name: "DescribeHub",
        permission: "securityhub:DescribeHub",
        http: Http::Rest { method: "GET", path: "/accounts", query: &[("HubArn", "HubArn")] },
        ..Operation::READ
    };
    type Answer = Hub;
    fn parameters(&self) -> Value {
        json!({})
    }
}

pub(super) async fn examine(aws: &dyn AwsRead, target: &Target) -> Line {
    match ask(aws, &DescribeHub, target.clone()).await {
        Ok(whole) => {
            let hub = &whole.pages[0];
            let what = hub.hub_arn.as_deref().unwrap_or("Security Hub");
            let since = hub.subscribed_at.as_deref().unwrap_or("an unknown time");
            Line::new("hub", what, target, Verdict::Ok, format!("on since {since}"))
        }
        // Security Hub's two ways to say that it is off.
        Err(error) if matches!(error.kind, AwsErrorKind::NotEnabled | AwsErrorKind::NotFound) => {
            Line::new("hub", "Security Hub", target, Verdict::None, "not switched on here")
                .to_do("switch it on, or leave it out if GuardDuty and our own checks are enough")
        }
        Err(error) => Line::of_error("hub", "Security Hub", target, &error),
    }
}
