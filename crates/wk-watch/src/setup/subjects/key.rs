//! The key under which logs lie, by its alias in the archive's account.

use serde_json::json;

use super::{Subject, Where};
use crate::posture::{Blind, View, members::word};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::policies;

pub(super) const SUBJECT: Subject = Subject {
    id: "key",
    title: "A key of our own under which logs lie",
    serves: &["R-022", "R-029"],
    at: Where::Archive,
    cost: "KMS asks for each key and month, and for calls; bucket keys keep the calls few.",
    reads: &["kms:ListAliases"],
    drift,
};

/// What it says of itself.
pub(in crate::setup) const DESCRIPTION: &str = "Logs of the organization";

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    if f.key.starts_with("arn:") {
        draft.good();
        return Ok(());
    }
    let aliases = view.list("kms:ListAliases", &["Aliases"])?;
    if aliases.into_iter().any(|alias| word(alias, "AliasName") == f.key) {
        draft.good();
        return Ok(());
    }
    let key = json!({
        "Description": DESCRIPTION,
        "Policy": policies::key(f).to_string(),
    });
    draft.step(call!("kms", "CreateKey"), key, format!("{} is not there", f.key));
    let made = "${kms:CreateKey.KeyMetadata.KeyId}";
    let turns = json!({"KeyId": made});
    draft.step(call!("kms", "EnableKeyRotation"), turns, "the key is to rotate");
    let alias = json!({"AliasName": f.key, "TargetKeyId": made});
    draft.step(call!("kms", "CreateAlias"), alias, "the key is called by its alias");
    Ok(())
}
