//! CloudWatch Logs: groups and their events, in pages.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Refusal;
use crate::world::World;

pub(super) fn carry_out(asked: &Asked, world: &mut World) -> Option<Result<Value, Refusal>> {
    match asked.action.as_str() {
        "DescribeLogGroups" => Some(groups(asked, world)),
        "FilterLogEvents" => Some(events(asked, world)),
        _ => None,
    }
}

fn groups(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let names: Vec<&String> = asked.here(world)?.log_groups.keys().collect();
    let (page, next) = world.page(&names, asked.text("nextToken"));
    let groups: Vec<Value> = page.iter().map(|name| json!({"logGroupName": name})).collect();
    Ok(json!({"logGroups": groups, "nextToken": next}))
}

fn events(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let name = asked.required("logGroupName")?;
    let limit = asked.parameters.get("limit").and_then(Value::as_i64).unwrap_or(10_000);
    if !(1..=10_000).contains(&limit) {
        return Err(Refusal::new(400, "InvalidParameterException", "limit must be 1 to 10000"));
    }
    let all = asked.here(world)?.log_groups.get(name).ok_or_else(|| {
        Refusal::new(400, "ResourceNotFoundException", "the specified log group does not exist")
    })?;
    let bound =
        |name: &str, else_| asked.parameters.get(name).and_then(Value::as_i64).unwrap_or(else_);
    let (from, until) = (bound("startTime", 0), bound("endTime", i64::MAX));
    let within: Vec<&Value> = all
        .iter()
        .filter(|e| e["timestamp"].as_i64().is_some_and(|at| (from..=until).contains(&at)))
        .collect();
    let (page, next) = world.page(&within, asked.text("nextToken"));
    Ok(json!({"events": page, "searchedLogStreams": [], "nextToken": next}))
}
