//! STS: who one is, and becoming a role. A role that is not there, that trusts somebody else, or
//! that asks for another external id is refused.

use serde_json::{Value, json};
use wk_model::Timestamp;

use super::Asked;
use crate::answer::Refusal;
use crate::world::{Principal, World};

pub(super) fn carry_out(
    asked: &Asked,
    world: &mut World,
    now: Timestamp,
) -> Option<Result<Value, Refusal>> {
    match asked.action.as_str() {
        "GetCallerIdentity" => {
            Some(Ok(json!({"Arn": asked.arn, "UserId": "AIDAEXAMPLE", "Account": asked.account})))
        }
        "AssumeRole" => Some(assume(asked, world, now)),
        _ => None,
    }
}

fn assume(asked: &Asked, world: &mut World, now: Timestamp) -> Result<Value, Refusal> {
    let arn = asked.required("RoleArn")?;
    let session = asked.required("RoleSessionName")?;
    let seconds: i64 = asked.text("DurationSeconds").map_or(Ok(3600), str::parse).unwrap_or(0);
    if !(900..=43_200).contains(&seconds) {
        return Err(Refusal::new(400, "ValidationError", "DurationSeconds must be 900 to 43200"));
    }
    let refused = || {
        let why = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            asked.arn
        );
        Refusal::new(403, "AccessDenied", why)
    };
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", "aws", "iam", "", account, resource] = parts[..] else { return Err(refused()) };
    let name = resource.strip_prefix("role/").ok_or_else(refused)?;
    let role = world.accounts.get(account).and_then(|a| a.roles.get(name)).ok_or_else(refused)?;
    if role.trusted != asked.account || role.external_id.as_deref() != asked.text("ExternalId") {
        return Err(refused());
    }
    let (name, account) = (name.to_owned(), account.to_owned());
    let number = world.next_number();
    let ends = now.plus_seconds(seconds);
    let (key, secret, token) =
        (format!("ASIAFAKE{number:08}"), format!("secret-{number}"), format!("token-{number}"));
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
    let principal = Principal {
        secret: secret.clone(),
        token: Some(token.clone()),
        ends: Some(ends),
        account,
        arn: arn.clone(),
    };
    world.principals.insert(key.clone(), principal);
    Ok(json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": ends.to_string(),
        },
        "AssumedRoleUser": {"AssumedRoleId": format!("AROAFAKE:{session}"), "Arn": arn},
    }))
}
