//! Which part of the inventory a change touches: what is asked again once it was seen.
//!
//! * A change is a call of CloudTrail that writes and went well, or an item or a verdict of AWS Config.
//! * What is touched is a service in a region of an account: the answers of a service to each other's
//!   questions belong together.

use crate::inventory::items;

/// A part of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// The account.
    pub account: String,
    /// The region; none is every region: a trail is told in all that it covers.
    pub region: Option<String>,
    /// The service, as signatures know it.
    pub service: &'static str,
}

/// Services whose things are told in every region, wherever they are at home.
const EVERYWHERE: &[&str] = &["cloudtrail"];

/// Calls that write all day long and change nothing that anybody judges.
const QUIET: &[(&str, &str)] = &[
    ("ec2", "CreateTags"),
    ("ec2", "DeleteTags"),
    ("ec2", "SendDiagnosticInterrupt"),
    ("kms", "CreateGrant"),
    ("kms", "RetireGrant"),
    ("kms", "RevokeGrant"),
    ("logs", "CreateLogStream"),
    ("logs", "DeleteLogStream"),
    ("logs", "StartQuery"),
    ("monitoring", "SetAlarmState"),
    ("securityhub", "BatchImportFindings"),
    ("securityhub", "BatchUpdateFindings"),
    ("ssm", "PutComplianceItems"),
    ("ssm", "PutInventory"),
    ("ssm", "SendCommand"),
    ("ssm", "StartSession"),
    ("ssm", "TerminateSession"),
    ("ssm", "UpdateInstanceAssociationStatus"),
    ("ssm", "UpdateInstanceInformation"),
];

/// Names by which CloudTrail and AWS Config know a service, where that is not the signature's.
const OTHERWISE: &[(&str, &str)] = &[
    ("application-autoscaling", "autoscaling"),
    ("cloudwatch", "monitoring"),
    ("elasticloadbalancingv2", "elasticloadbalancing"),
];

impl Touched {
    /// What a call that wrote touches: the service that was called and its operation, as CloudTrail
    /// spells them.
    pub fn by_call(account: &str, region: &str, source: &str, name: &str) -> Option<Self> {
        let service = known(source.strip_suffix(".amazonaws.com")?)?;
        let quiet = QUIET.iter().any(|(s, n)| *s == service && *n == name);
        (!quiet && !account.is_empty()).then(|| Self::of(account, region, service))
    }

    /// What an item or a verdict of AWS Config touches, by the type of its resource.
    pub fn by_type(account: &str, region: &str, kind: &str) -> Option<Self> {
        let mut parts = kind.split("::");
        let (Some("AWS"), Some(name)) = (parts.next(), parts.next()) else { return None };
        let service = known(&name.to_ascii_lowercase())?;
        (!account.is_empty()).then(|| Self::of(account, region, service))
    }

    fn of(account: &str, region: &str, service: &'static str) -> Self {
        let everywhere = EVERYWHERE.contains(&service) || region.is_empty() || region == "global";
        let region = (!everywhere).then(|| region.to_owned());
        Self { account: account.to_owned(), region, service }
    }
}

/// The service of the inventory that goes by this name.
fn known(name: &str) -> Option<&'static str> {
    let own = OTHERWISE.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, own)| own);
    items().map(|item| item.operation.service).find(|service| *service == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(source: &str, name: &str) -> Option<String> {
        let touched = Touched::by_call("111122223333", "eu-west-1", source, name)?;
        Some(format!("{} {}", touched.service, touched.region.as_deref().unwrap_or("everywhere")))
    }

    #[test]
    fn a_call_touches_its_service_in_its_region_and_a_trail_everywhere() {
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(call("cloudtrail.amazonaws.com", "StopLogging"), said("cloudtrail everywhere"));
        assert_eq!(call("guardduty.amazonaws.com", "DeleteDetector"), said("guardduty eu-west-1"));
        assert_eq!(call("monitoring.amazonaws.com", "DeleteAlarms"), said("monitoring eu-west-1"));
        assert_eq!(call("logs.amazonaws.com", "PutRetentionPolicy"), said("logs eu-west-1"));
        for (source, name) in [
            ("logs.amazonaws.com", "CreateLogStream"),
            ("ecr.amazonaws.com", "CreateRepository"),
            ("cloudtrail", "StopLogging"),
        ] {
            assert_eq!(call(source, name), None, "{source} {name}");
        }
        assert_eq!(Touched::by_call("", "eu-west-1", "ec2.amazonaws.com", "DeleteFlowLogs"), None);
    }

    #[test]
    fn an_item_of_config_touches_the_service_of_its_type() {
        let of = |kind: &str| Touched::by_type("1", "eu-west-1", kind).map(|t| t.service);
        assert_eq!(of("AWS::EC2::SecurityGroup"), Some("ec2"));
        assert_eq!(of("AWS::CloudWatch::Alarm"), Some("monitoring"));
        assert_eq!(of("AWS::ElasticLoadBalancingV2::LoadBalancer"), Some("elasticloadbalancing"));
        assert_eq!(of("AWS::Batch::JobQueue"), None);
        assert_eq!(of("EC2"), None);
        let global = Touched::by_type("1", "global", "AWS::IAM::User").unwrap();
        assert_eq!((global.service, global.region), ("iam", None));
    }

    #[test]
    fn names_of_calls_that_are_left_out_are_of_services_that_are_asked() {
        for (service, name) in QUIET {
            assert_eq!(known(service), Some(*service), "{name}");
        }
        for (_, own) in OTHERWISE {
            assert_eq!(known(own), Some(*own));
        }
    }
}
