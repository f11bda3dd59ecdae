//! The subjects of CIS monitoring: what each filter meets.
//!
//! The patterns are spelt as Security Hub's controls compare them.

/// A subject.
pub(in crate::setup) struct Cis {
    /// The number of CIS AWS Foundations 1.4 to 5.0.
    pub(in crate::setup) number: &'static str,
    /// The metric, and the names of filter and alarm.
    pub(in crate::setup) metric: &'static str,
    /// What it is about.
    pub(in crate::setup) about: &'static str,
    meets: Meets,
}

enum Meets {
    /// Events of these names.
    Names(&'static [&'static str]),
    /// Events of these names, of one service.
    Of(&'static str, &'static [&'static str]),
    /// Events of these names, quoted, of one service.
    Quoted(&'static str, &'static [&'static str]),
    /// A pattern of its own.
    Own(&'static str),
}

impl Cis {
    /// The filter's pattern.
    pub(in crate::setup) fn pattern(&self) -> String {
        let any = |names: &[&str]| {
            let each: Vec<String> = names.iter().map(|n| format!("($.eventName={n})")).collect();
            each.join(" || ")
        };
        match self.meets {
            Meets::Own(pattern) => pattern.to_owned(),
            Meets::Names(names) => format!("{{{}}}", any(names)),
            Meets::Of(source, names) => {
                format!("{{($.eventSource={source}.amazonaws.com) && ({})}}", any(names))
            }
            Meets::Quoted(source, names) => {
                let each: Vec<String> =
                    names.iter().map(|n| format!("($.eventName = \"{n}\")")).collect();
                format!("{{ ($.eventSource = {source}.amazonaws.com) && ({}) }}", each.join(" || "))
            }
        }
    }
}

/// Every subject, by number.
pub(in crate::setup) const ALL: [Cis; 15] = [
    Cis {
        number: "4.1",
        metric: "UnauthorizedAPICalls",
        about: "unauthorized calls",
        meets: Meets::Own(
            r#"{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}"#,
        ),
    },
    Cis {
        number: "4.2",
        metric: "ConsoleSigninWithoutMFA",
        about: "console sign-in without MFA",
        meets: Meets::Own(
            r#"{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }"#,
        ),
    },
    Cis {
        number: "4.3",
        metric: "RootAccountUsage",
        about: "use of root",
        meets: Meets::Own(
            r#"{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}"#,
        ),
    },
    Cis {
        number: "4.4",
        metric: "IAMPolicyChanges",
        about: "changes to IAM policies",
        meets: Meets::Names(&[
            "DeleteGroupPolicy",
            "DeleteRolePolicy",
            "DeleteUserPolicy",
            "PutGroupPolicy",
            "PutRolePolicy",
            "PutUserPolicy",
            "CreatePolicy",
            "DeletePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "AttachUserPolicy",
            "DetachUserPolicy",
            "AttachGroupPolicy",
            "DetachGroupPolicy",
        ]),
    },
    Cis {
        number: "4.5",
        metric: "CloudTrailChanges",
        about: "changes to CloudTrail",
        meets: Meets::Names(&[
            "CreateTrail",
            "UpdateTrail",
            "DeleteTrail",
            "StartLogging",
            "StopLogging",
        ]),
    },
    Cis {
        number: "4.6",
        metric: "ConsoleAuthenticationFailures",
        about: "failed console sign-in",
        meets: Meets::Own(
            r#"{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}"#,
        ),
    },
    Cis {
        number: "4.7",
        metric: "KeysDisabledOrDeleted",
        about: "keys disabled or scheduled for deletion",
        meets: Meets::Of("kms", &["DisableKey", "ScheduleKeyDeletion"]),
    },
    Cis {
        number: "4.8",
        metric: "BucketPolicyChanges",
        about: "changes to policies of buckets",
        meets: Meets::Of(
            "s3",
            &[
                "PutBucketAcl",
                "PutBucketPolicy",
                "PutBucketCors",
                "PutBucketLifecycle",
                "PutBucketReplication",
                "DeleteBucketPolicy",
                "DeleteBucketCors",
                "DeleteBucketLifecycle",
                "DeleteBucketReplication",
            ],
        ),
    },
    Cis {
        number: "4.9",
        metric: "ConfigChanges",
        about: "changes to AWS Config",
        meets: Meets::Of(
            "config",
            &[
                "StopConfigurationRecorder",
                "DeleteDeliveryChannel",
                "PutDeliveryChannel",
                "PutConfigurationRecorder",
            ],
        ),
    },
    Cis {
        number: "4.10",
        metric: "SecurityGroupChanges",
        about: "changes to security groups",
        meets: Meets::Names(&[
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
        ]),
    },
    Cis {
        number: "4.11",
        metric: "NetworkAclChanges",
        about: "changes to network ACLs",
        meets: Meets::Names(&[
            "CreateNetworkAcl",
            "CreateNetworkAclEntry",
            "DeleteNetworkAcl",
            "DeleteNetworkAclEntry",
            "ReplaceNetworkAclEntry",
            "ReplaceNetworkAclAssociation",
        ]),
    },
    Cis {
        number: "4.12",
        metric: "NetworkGatewayChanges",
        about: "changes to gateways",
        meets: Meets::Names(&[
            "CreateCustomerGateway",
            "DeleteCustomerGateway",
            "AttachInternetGateway",
            "CreateInternetGateway",
            "DeleteInternetGateway",
            "DetachInternetGateway",
        ]),
    },
    Cis {
        number: "4.13",
        metric: "RouteTableChanges",
        about: "changes to route tables",
        meets: Meets::Names(&[
            "CreateRoute",
            "CreateRouteTable",
            "ReplaceRoute",
            "ReplaceRouteTableAssociation",
            "DeleteRouteTable",
            "DeleteRoute",
            "DisassociateRouteTable",
        ]),
    },
    Cis {
        number: "4.14",
        metric: "VpcChanges",
        about: "changes to VPCs",
        meets: Meets::Names(&[
            "CreateVpc",
            "DeleteVpc",
            "ModifyVpcAttribute",
            "AcceptVpcPeeringConnection",
            "CreateVpcPeeringConnection",
            "DeleteVpcPeeringConnection",
            "RejectVpcPeeringConnection",
            "AttachClassicLinkVpc",
            "DetachClassicLinkVpc",
            "DisableVpcClassicLink",
            "EnableVpcClassicLink",
        ]),
    },
    Cis {
        number: "4.15",
        metric: "OrganizationsChanges",
        about: "changes to the organization",
        meets: Meets::Quoted(
            "organizations",
            &[
                "AcceptHandshake",
                "AttachPolicy",
                "CreateAccount",
                "CreateOrganizationalUnit",
                "CreatePolicy",
                "DeclineHandshake",
                "DeleteOrganization",
                "DeleteOrganizationalUnit",
                "DeletePolicy",
                "DetachPolicy",
                "DisablePolicyType",
                "EnablePolicyType",
                "InviteAccountToOrganization",
                "LeaveOrganization",
                "MoveAccount",
                "RemoveAccountFromOrganization",
                "UpdatePolicy",
                "UpdateOrganizationalUnit",
            ],
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use wk_lang::filter::Filter;

    #[test]
    fn every_pattern_can_be_read_and_every_metric_is_its_own() {
        let mut metrics: Vec<&str> = ALL.iter().map(|c| c.metric).collect();
        for cis in &ALL {
            assert!(Filter::parse(&cis.pattern()).is_ok(), "{}", cis.pattern());
        }
        metrics.sort_unstable();
        metrics.dedup();
        assert_eq!(metrics.len(), 15);
    }

    /// Security Hub compares patterns as text.
    #[test]
    fn patterns_are_those_that_security_hub_compares() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/conformance/cis-metric-filters.json"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("SKIPPED: {path} is absent");
            return;
        };
        let table: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = table.as_array().unwrap();
        for cis in &ALL {
            let row = rows.iter().find(|row| row["id"] == cis.number);
            let row = row.unwrap_or_else(|| panic!("{} is not in the table", cis.number));
            assert_eq!(row["pattern"], cis.pattern(), "{}", cis.number);
        }
    }
}
