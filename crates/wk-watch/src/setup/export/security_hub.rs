//! Security Hub in a region.

use serde_json::json;

use super::cloudformation::Stack;
use super::hcl::{Hcl, name, refer, resource, set};
use crate::setup::foundation::Foundation;

pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    stack.kept(
        "Hub",
        "AWS::SecurityHub::Hub",
        json!({
            "EnableDefaultStandards": false,
            "ControlFindingGenerator": "SECURITY_CONTROL",
        }),
    );
    for standard in &f.security_hub.standards {
        let id = format!("Standard{}", plain(standard));
        let arn =
            format!("arn:${{AWS::Partition}}:securityhub:${{AWS::Region}}::standards/{standard}");
        stack.after(
            &["Hub"],
            &id,
            "AWS::SecurityHub::Standard",
            json!({"StandardsArn": {"Fn::Sub": arn}}),
        );
    }
    for product in &f.security_hub.products {
        let id = format!("Product{}", plain(product));
        let arn =
            format!("arn:${{AWS::Partition}}:securityhub:${{AWS::Region}}::product/aws/{product}");
        stack.after(
            &["Hub"],
            &id,
            "AWS::SecurityHub::ProductSubscription",
            json!({"ProductArn": {"Fn::Sub": arn}}),
        );
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    let named = |attribute: &str, rest: String| {
        let region = "${data.aws_region.current.name}";
        let partition = "${data.aws_partition.current.partition}";
        refer(attribute, &format!("\"arn:{partition}:securityhub:{region}::{rest}\""))
    };
    let after = || refer("depends_on", "[aws_securityhub_account.this]");
    let mut all = vec![resource(
        "aws_securityhub_account",
        "this",
        vec![
            set("enable_default_standards", false),
            set("control_finding_generator", "SECURITY_CONTROL"),
            super::terraform::kept(),
        ],
    )];
    all.extend(f.security_hub.standards.iter().map(|standard| {
        let arn = named("standards_arn", format!("standards/{standard}"));
        resource("aws_securityhub_standards_subscription", &name(standard), vec![arn, after()])
    }));
    all.extend(f.security_hub.products.iter().map(|product| {
        let arn = named("product_arn", format!("product/aws/{product}"));
        resource("aws_securityhub_product_subscription", &name(product), vec![arn, after()])
    }));
    all
}
