//! KMS keys under which logs lie.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{AwsRead, Call, Operation, Target, ask};

use super::{Line, Verdict};

pub(super) struct DescribeKey {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    key_metadata: Key,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    key_state: Option<String>,
    key_manager: Option<String>,
}

impl Call for DescribeKey {
    const OPERATION: &'static Operation = &Operation {
        service: "kms",
        name: "DescribeKey",
        permission: "kms:DescribeKey",
        ..Operation::READ
    };
    type Answer = Described;
    fn parameters(&self) -> Value {
        json!({"KeyId": self.id})
    }
}

pub(super) async fn examine(aws: &dyn AwsRead, target: &Target, id: &str) -> Line {
    // A key lives in the region that its ARN names, which is the trail's.
    let region = id.split(':').nth(3).filter(|region| !region.is_empty()).map(str::to_owned);
    let target = Target { region: region.or(target.region.clone()), ..target.clone() };
    let key = match ask(aws, &DescribeKey { id: id.to_owned() }, target.clone()).await {
        Ok(mut whole) => whole.pages.swap_remove(0).key_metadata,
        Err(error) => return Line::of_error("key", id, &target, &error),
    };
    let state = key.key_state.as_deref().unwrap_or("without a state");
    let manager = key.key_manager.as_deref().unwrap_or("unknown");
    let say = format!("{state}, managed by {manager}");
    if state == "Enabled" {
        return Line::new("key", id, &target, Verdict::Ok, say);
    }
    Line::new("key", id, &target, Verdict::Stale, say)
        .to_do("what lies under it cannot be read: switch it on, or cancel its deletion, at once")
}
