//! GuardDuty in a region, and its administrator.

use serde_json::json;

use super::cloudformation::Stack;
use super::hcl::{Hcl, refer, resource, set};
use crate::setup::foundation::Foundation;
use crate::setup::subjects::guardduty::wanted_features;

pub(super) fn stack(f: &Foundation, stack: &mut Stack) {
    stack.kept(
        "Detector",
        "AWS::GuardDuty::Detector",
        json!({
            "Enable": true,
            "FindingPublishingFrequency": f.guardduty.frequency,
            "Features": wanted_features(&f.guardduty.features),
        }),
    );
}

pub(super) fn module(f: &Foundation) -> Vec<Hcl> {
    let mut all = vec![resource(
        "aws_guardduty_detector",
        "this",
        vec![
            set("enable", true),
            set("finding_publishing_frequency", f.guardduty.frequency.clone()),
            super::terraform::kept(),
        ],
    )];
    all.extend(f.guardduty.features.iter().map(|feature| {
        resource(
            "aws_guardduty_detector_feature",
            &super::hcl::name(feature),
            vec![
                refer("detector_id", "aws_guardduty_detector.this.id"),
                set("name", feature.clone()),
                set("status", "ENABLED"),
            ],
        )
    }));
    all
}

/// In the management account; CloudFormation has no word for it.
pub(super) fn administrator_module(f: &Foundation) -> Vec<Hcl> {
    vec![resource(
        "aws_guardduty_organization_admin_account",
        "this",
        vec![set("admin_account_id", f.accounts.security.clone())],
    )]
}
