//! What is never done, as far as AWS can hold it: a deny for each promise.

/// A promise, and the actions whose denial holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Never {
    /// The statement's id in policies.
    pub sid: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// What is denied.
    pub actions: &'static [&'static str],
    /// Whether the service's own lake is left out: there it tidies up behind itself.
    pub but_the_lake: bool,
}

/// The promises that AWS can hold. The others (nothing is acted upon because a log says so, a timer
/// releases nothing, …) are held by the program alone.
pub const NEVER: &[Never] = &[
    Never {
        sid: "NeverStopTheWatch",
        promise: "A trail, detector, recorder, hub or flow log is never stopped, deleted or narrowed.",
        actions: &[
            "cloudtrail:DeleteEventDataStore",
            "cloudtrail:DeleteTrail",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:PutInsightSelectors",
            "cloudtrail:StopEventDataStoreIngestion",
            "cloudtrail:StopLogging",
            "cloudtrail:UpdateEventDataStore",
            "cloudtrail:UpdateTrail",
            "config:DeleteConfigurationRecorder",
            "config:DeleteDeliveryChannel",
            "config:PutConfigurationRecorder",
            "config:StopConfigurationRecorder",
            "ec2:DeleteFlowLogs",
            "guardduty:CreateFilter",
            "guardduty:DeleteDetector",
            "guardduty:DisableOrganizationAdminAccount",
            "guardduty:DisassociateFromAdministratorAccount",
            "guardduty:DisassociateMembers",
            "guardduty:StopMonitoringMembers",
            "guardduty:UpdateDetector",
            "guardduty:UpdateFilter",
            "securityhub:DisableSecurityHub",
            "securityhub:DisassociateFromAdministratorAccount",
            "securityhub:DisassociateMembers",
        ],
        but_the_lake: false,
    },
    Never {
        sid: "NeverDeleteLogs",
        promise: "Log objects, groups and streams are never deleted.",
        actions: &[
            "logs:DeleteLogGroup",
            "logs:DeleteLogStream",
            "s3:BypassGovernanceRetention",
            "s3:DeleteBucket",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
        ],
        but_the_lake: true,
    },
    Never {
        sid: "NeverShortenRetention",
        promise: "A retention is never shortened by the service: not by rule, lock or life cycle.",
        actions: &[
            "logs:PutRetentionPolicy",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutLifecycleConfiguration",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
        ],
        but_the_lake: false,
    },
    Never {
        sid: "NeverLoseKeys",
        promise: "A key's deletion is never scheduled, and no key is switched off.",
        actions: &[
            "kms:DeleteImportedKeyMaterial",
            "kms:DisableKey",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
        ],
        but_the_lake: false,
    },
    Never {
        sid: "NeverMakeOrReviveCredentials",
        promise: "Access keys are never made, and never reactivated.",
        actions: &[
            "iam:CreateAccessKey",
            "iam:CreateLoginProfile",
            "iam:CreateServiceSpecificCredential",
            "iam:UpdateAccessKey",
        ],
        but_the_lake: false,
    },
    Never {
        sid: "NeverPassRoles",
        promise: "Roles are never passed on.",
        actions: &["iam:PassRole"],
        but_the_lake: false,
    },
    Never {
        sid: "NeverEditRoles",
        promise: "No role is edited, its own least of all.",
        actions: &[
            "iam:AttachRolePolicy",
            "iam:CreatePolicyVersion",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:SetDefaultPolicyVersion",
            "iam:UpdateAssumeRolePolicy",
        ],
        but_the_lake: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What DESIGN's "Never" names and AWS can hold, by the action that would break it.
    #[test]
    fn every_promise_that_aws_can_hold_has_its_deny() {
        let breaks = [
            ("stop a trail", "cloudtrail:StopLogging"),
            ("delete a trail", "cloudtrail:DeleteTrail"),
            ("narrow a trail", "cloudtrail:PutEventSelectors"),
            ("stop or narrow a detector", "guardduty:UpdateDetector"),
            ("delete a detector", "guardduty:DeleteDetector"),
            ("archive findings unseen", "guardduty:CreateFilter"),
            ("stop a recorder", "config:StopConfigurationRecorder"),
            ("delete a recorder", "config:DeleteConfigurationRecorder"),
            ("narrow a recorder", "config:PutConfigurationRecorder"),
            ("delete a flow log", "ec2:DeleteFlowLogs"),
            ("delete log objects", "s3:DeleteObject"),
            ("delete their versions", "s3:DeleteObjectVersion"),
            ("delete log groups", "logs:DeleteLogGroup"),
            ("shorten a retention", "logs:PutRetentionPolicy"),
            ("shorten it by life cycle", "s3:PutLifecycleConfiguration"),
            ("schedule a key's deletion", "kms:ScheduleKeyDeletion"),
            ("create access keys", "iam:CreateAccessKey"),
            ("reactivate a key", "iam:UpdateAccessKey"),
            ("pass roles", "iam:PassRole"),
            ("edit its own role's policies", "iam:PutRolePolicy"),
            ("edit its own role's trust", "iam:UpdateAssumeRolePolicy"),
        ];
        for (what, action) in breaks {
            let held = NEVER.iter().any(|never| never.actions.contains(&action));
            assert!(held, "nothing denies to {what} ({action})");
        }
    }

    #[test]
    fn denies_are_in_order_and_named_once() {
        for never in NEVER {
            assert!(never.actions.is_sorted(), "{}", never.sid);
            assert!(never.sid.chars().all(|c| c.is_ascii_alphanumeric()), "{}", never.sid);
        }
        let mut all: Vec<&str> = NEVER.iter().flat_map(|never| never.actions).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
