//! Organizations: lists are for the management account alone.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Refusal;
use crate::world::World;

pub(super) fn carry_out(asked: &Asked, world: &mut World) -> Option<Result<Value, Refusal>> {
    let known = ["DescribeOrganization", "ListAccounts", "ListDelegatedAdministrators"];
    known.contains(&asked.action.as_str()).then(|| answer(asked, world))
}

fn answer(asked: &Asked, world: &World) -> Result<Value, Refusal> {
    let Some(management) = world.organization.first() else {
        let why = "Your account is not a member of an organization.";
        return Err(Refusal::new(400, "AWSOrganizationsNotInUseException", why));
    };
    if asked.action == "DescribeOrganization" {
        return Ok(json!({"Organization": {
            "Id": "o-fakefake01",
            "MasterAccountId": management,
            "FeatureSet": "ALL",
        }}));
    }
    if &asked.account != management {
        return Err(Refusal::new(
            400,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        ));
    }
    if asked.action == "ListDelegatedAdministrators" {
        return Ok(json!({"DelegatedAdministrators": []}));
    }
    let (page, next) = world.page(&world.organization, asked.text("NextToken"));
    let accounts: Vec<Value> =
        page.iter().map(|id| json!({"Id": id, "Status": "ACTIVE"})).collect();
    Ok(json!({"Accounts": accounts, "NextToken": next}))
}
