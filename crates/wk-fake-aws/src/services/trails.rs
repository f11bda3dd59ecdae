//! CloudTrail and KMS.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Refusal;
use crate::world::{Trail, World};

pub(super) fn carry_out(asked: &Asked, world: &mut World) -> Option<Result<Value, Refusal>> {
    match asked.action.as_str() {
        "DescribeTrails" => Some(describe(asked, world)),
        "GetTrailStatus" => Some(status(asked, world)),
        "DescribeKey" => Some(key(asked, world)),
        _ => None,
    }
}

fn arn(asked: &Asked, trail: &Trail) -> String {
    format!("arn:aws:cloudtrail:{}:{}:trail/{}", asked.region, asked.account, trail.name)
}

fn describe(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let trails: Vec<Value> = asked
        .here(world)?
        .trails
        .iter()
        .map(|trail| {
            json!({
                "Name": trail.name,
                "TrailARN": arn(asked, trail),
                "S3BucketName": trail.bucket,
                "IsMultiRegionTrail": true,
                "IsOrganizationTrail": true,
                "HomeRegion": asked.region,
                "LogFileValidationEnabled": trail.digests,
                "KmsKeyId": trail.key,
            })
        })
        .collect();
    Ok(json!({"trailList": trails}))
}

fn status(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let name = asked.required("Name")?;
    let here = asked.here(world)?;
    let trail = here.trails.iter().find(|t| t.name == name || arn(asked, t) == name);
    let trail = trail.ok_or_else(|| {
        Refusal::new(400, "TrailNotFoundException", format!("Unknown trail: {name}"))
    })?;
    let delivered = trail.delivered.map(|at| at.seconds());
    Ok(json!({"IsLogging": trail.logging, "LatestDeliveryTime": delivered}))
}

fn key(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let id = asked.required("KeyId")?;
    let state = asked.here(world)?.keys.get(id).ok_or_else(|| {
        Refusal::new(400, "NotFoundException", format!("Key '{id}' does not exist"))
    })?;
    Ok(
        json!({"KeyMetadata": {"KeyId": id, "Arn": id, "KeyState": state, "KeyManager": "CUSTOMER"}}),
    )
}
