//! EC2's networks, GuardDuty, AWS Config and Security Hub.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Refusal;
use crate::world::World;

pub(super) fn carry_out(asked: &Asked, world: &mut World) -> Option<Result<Value, Refusal>> {
    Some(match asked.action.as_str() {
        "DescribeRegions" => regions(asked, world),
        "DescribeVpcs" => vpcs(asked, world),
        "DescribeFlowLogs" => flow_logs(asked, world),
        "ListDetectors" => detectors(asked, world),
        "GetDetector" => detector(asked, world),
        "DescribeConfigurationRecorders" => recorders(asked, world),
        "DescribeConfigurationRecorderStatus" => recording(asked, world),
        "DescribeHub" => hub(asked, world),
        _ => return None,
    })
}

/// EC2 takes no page of fewer than five and none of more than a thousand.
fn page_size(asked: &Asked) -> Result<(), Refusal> {
    match asked.text("MaxResults").map(str::parse::<u32>) {
        None | Some(Ok(5..=1000)) => Ok(()),
        Some(_) => Err(Refusal::new(400, "InvalidParameterValue", "MaxResults must be 5 to 1000")),
    }
}

fn regions(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    asked.here(world)?;
    let regions = world.accounts.get(&asked.account).map(|account| account.regions.keys());
    let named: Vec<Value> =
        regions.into_iter().flatten().map(|name| json!({"regionName": name})).collect();
    Ok(json!({"regionInfo": named}))
}

fn vpcs(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    page_size(asked)?;
    let (page, next) = world.page(&asked.here(world)?.vpcs, asked.text("NextToken"));
    let vpcs: Vec<Value> = page.iter().map(|id| json!({"vpcId": id})).collect();
    Ok(json!({"vpcSet": vpcs, "nextToken": next}))
}

fn flow_logs(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    page_size(asked)?;
    let (page, next) = world.page(&asked.here(world)?.flow_logs, asked.text("NextToken"));
    let log = |(id, resource, delivers): &(String, String, String)| {
        json!({
            "flowLogId": id,
            "resourceId": resource,
            "flowLogStatus": "ACTIVE",
            "deliverLogsStatus": delivers,
            "logDestination": "arn:aws:s3:::flow",
        })
    };
    Ok(json!({"flowLogSet": page.iter().map(log).collect::<Vec<_>>(), "nextToken": next}))
}

fn detectors(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let (page, next) = world.page(&asked.here(world)?.detectors, asked.text("nextToken"));
    let ids: Vec<&String> = page.iter().map(|(id, _)| id).collect();
    Ok(json!({"detectorIds": ids, "nextToken": next.unwrap_or_default()}))
}

fn detector(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let id = asked.required("DetectorId")?;
    let found = asked.here(world)?.detectors.iter().find(|(known, _)| known == id);
    let (_, status) = found.ok_or_else(|| {
        let why = "The request is rejected because the input detectorId is not owned by the current account.";
        Refusal::new(400, "BadRequestException", why)
    })?;
    Ok(
        json!({"status": status, "serviceRole": "r", "findingPublishingFrequency": "FIFTEEN_MINUTES"}),
    )
}

fn recorders(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let recorders = asked.here(world)?.recorders.iter();
    let told: Vec<Value> = recorders.map(|(name, _)| json!({"name": name})).collect();
    Ok(json!({"ConfigurationRecorders": told}))
}

fn recording(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let recorders = asked.here(world)?.recorders.iter();
    let told: Vec<Value> = recorders
        .map(|(name, on)| json!({"name": name, "recording": on, "lastStatus": "SUCCESS"}))
        .collect();
    Ok(json!({"ConfigurationRecordersStatus": told}))
}

fn hub(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    if !asked.here(world)?.hub {
        let why = format!("Account {} is not subscribed to AWS Security Hub", asked.account);
        return Err(Refusal::new(401, "InvalidAccessException", why));
    }
    let arn = format!("arn:aws:securityhub:{}:{}:hub/default", asked.region, asked.account);
    Ok(json!({"HubArn": arn, "SubscribedAt": "2026-01-01T00:00:00.000Z"}))
}
