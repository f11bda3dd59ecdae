//! The key under which logs lie.

use serde_json::json;

use super::cloudformation::Stack;
use super::hcl::{Hcl, json as document, refer, resource, set};
use crate::setup::foundation::Foundation;
use crate::setup::{policies, subjects::key::DESCRIPTION};

pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    if f.key.starts_with("arn:") {
        return;
    }
    stack.kept(
        "LogKey",
        "AWS::KMS::Key",
        json!({
            "Description": DESCRIPTION,
            "EnableKeyRotation": true,
            "KeyPolicy": policies::key(f),
        }),
    );
    stack.add(
        "LogKeyAlias",
        "AWS::KMS::Alias",
        json!({
            "AliasName": f.key,
            "TargetKeyId": {"Ref": "LogKey"},
        }),
    );
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    if f.key.starts_with("arn:") {
        return Vec::new();
    }
    vec![
        resource(
            "aws_kms_key",
            "logs",
            vec![
                set("description", DESCRIPTION),
                set("enable_key_rotation", true),
                document("policy", &policies::key(f)),
                super::terraform::kept(),
            ],
        ),
        resource(
            "aws_kms_alias",
            "logs",
            vec![set("name", f.key.clone()), refer("target_key_id", "aws_kms_key.logs.key_id")],
        ),
    ]
}

/// The key in a module of the same account.
pub(super) fn reference(f: &Foundation) -> Hcl {
    if f.key.starts_with("arn:") {
        return set("kms_master_key_id", f.key.clone());
    }
    refer("kms_master_key_id", "aws_kms_key.logs.arn")
}
