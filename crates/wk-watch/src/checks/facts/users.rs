//! IAM users of an account.

use crate::posture::members::text;
use crate::posture::{Blind, View};

/// The names of the users.
pub(in crate::checks) fn all<'a>(view: &View<'a>) -> Result<Vec<&'a str>, Blind> {
    let users = view.list("iam:ListUsers", &["Users"])?;
    Ok(users.into_iter().filter_map(|user| text(user, "UserName")).collect())
}

#[cfg(test)]
pub(in crate::checks) mod made {
    use crate::checks::testing::Made;
    use serde_json::{Value, json};

    pub(in crate::checks) fn users(names: &[&str]) -> Made {
        let users: Vec<Value> = names.iter().map(|n| json!({"UserName": n})).collect();
        Made::global("iam:ListUsers", json!({"Users": users, "IsTruncated": "false"}))
    }
}
