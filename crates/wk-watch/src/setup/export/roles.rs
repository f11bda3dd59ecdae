//! Roles that services of AWS need to deliver.

use serde_json::{Value, json};

use super::cloudformation::Stack;
use super::hcl::{Hcl, json as document, refer, resource, set};

pub(super) fn stack(id: &str, name: &str, trust: &Value, may: &Value, stack: &mut Stack) {
    stack.add(
        id,
        "AWS::IAM::Role",
        json!({
            "RoleName": name,
            "AssumeRolePolicyDocument": trust,
            "Policies": [{"PolicyName": name, "PolicyDocument": may}],
        }),
    );
}

pub(super) fn module(id: &str, name: &str, trust: &Value, may: Hcl) -> Vec<Hcl> {
    vec![
        resource(
            "aws_iam_role",
            id,
            vec![set("name", name), document("assume_role_policy", trust)],
        ),
        resource(
            "aws_iam_role_policy",
            id,
            vec![set("name", name), refer("role", &format!("aws_iam_role.{id}.id")), may],
        ),
    ]
}
