//! The dashboard.

use serde_json::json;

use super::cloudformation::Stack;
use super::hcl::{Hcl, json as document, resource, set};
use crate::setup::foundation::Foundation;
use crate::setup::subjects::dashboard;

pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    stack.add(
        "Dashboard",
        "AWS::CloudWatch::Dashboard",
        json!({
            "DashboardName": f.dashboard,
            "DashboardBody": dashboard::body(f).to_string(),
        }),
    );
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    vec![resource(
        "aws_cloudwatch_dashboard",
        "overview",
        vec![
            set("dashboard_name", f.dashboard.clone()),
            document("dashboard_body", &dashboard::body(f)),
        ],
    )]
}
