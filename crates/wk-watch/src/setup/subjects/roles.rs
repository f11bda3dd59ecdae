//! Roles that services of AWS need to deliver.

use serde_json::{Value, json};

use crate::posture::{Blind, View, members::word};
use crate::setup::plan::{Draft, call};

/// The roles' names.
pub(in crate::setup) const TRAIL: &str = "watchkeeper-trail-to-logs";
pub(in crate::setup) const FLOW_LOGS: &str = "watchkeeper-flow-logs";
pub(in crate::setup) const EVENTS: &str = "watchkeeper-events";
/// The role that AWS Config makes for itself.
pub(in crate::setup) const CONFIG: &str = "AWSServiceRoleForConfig";

/// Whether a role is there.
pub(super) fn is_there(view: &View<'_>, name: &str) -> Result<bool, Blind> {
    Ok(any(view)?.into_iter().any(|role| word(role, "RoleName") == name))
}

/// Whether a service of AWS has made its own role.
pub(super) fn is_linked(view: &View<'_>, service: &str) -> Result<bool, Blind> {
    let path = format!("/aws-service-role/{service}/");
    Ok(any(view)?.into_iter().any(|role| word(role, "Path") == path))
}

fn any<'a>(view: &View<'a>) -> Result<Vec<&'a Value>, Blind> {
    view.global().list("iam:ListRoles", &["Roles.member", "Roles"])
}

/// The steps of a role that is not there: the role, and what it may.
pub(super) fn make(
    view: &View<'_>,
    name: &str,
    trust: &Value,
    policy: &Value,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    if is_there(view, name)? {
        draft.good();
        return Ok(());
    }
    let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
    draft.step(call!("iam", "CreateRole"), role, format!("the role {name} is not there"));
    let may = json!({"RoleName": name, "PolicyName": name, "PolicyDocument": policy.to_string()});
    draft.step(call!("iam", "PutRolePolicy"), may, format!("what {name} may"));
    Ok(())
}
