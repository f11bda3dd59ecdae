//! The 33 points of focus of SOC 2's criteria CC7.1 to CC7.5, in words of our own, and what of each a
//! program can tell.
//!
//! * The criteria and their points are the AICPA's; its text is not repeated here. The words are ours and
//!   say what we look at, not what the AICPA wrote: hold them against your auditor's list.
//! * Design is how something is set up, operation how it went over the period that is audited. Each is told
//!   by a program, partly, or by a person who signs for it.
//! * Every check stands under one point at least.

use crate::checks::Method::{self, Attested, Automated, Partly};

/// A point of focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Focus {
    /// Our number: criterion and place.
    pub id: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// How it is set up.
    pub design: Told,
    /// How it went.
    pub operation: Told,
}

/// What tells of one side of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How much of it a program can tell.
    pub method: Method,
    /// Checks that tell of it.
    pub checks: &'static [&'static str],
    /// What else does: commands, or what a person signs for.
    pub more: &'static str,
}

const fn told(method: Method, checks: &'static [&'static str], more: &'static str) -> Told {
    Told { method, checks, more }
}

const fn point(id: &'static str, about: &'static str, design: Told, operation: Told) -> Focus {
    Focus { id, about, design, operation }
}

/// Every point, in order.
pub const ALL: &[Focus] = &[
    point(
        "CC7.1-1",
        "There are standards for how things are configured",
        told(Partly, STANDARDS, "a person signs that these are the standards"),
        told(Partly, &[], "detect changes: every change of the rules that run"),
    ),
    point(
        "CC7.1-2",
        "What departs from the standards is noticed",
        told(Automated, HYGIENE, ""),
        told(Automated, &["config-recorder-on-for-the-period"], "check history"),
    ),
    point(
        "CC7.1-3",
        "Changes that nobody allowed are noticed",
        told(Automated, &["cis-monitoring"], "config check: [inventory] watch_changes"),
        told(
            Partly,
            &[],
            "the column because of the table checks; who allowed a change, people know",
        ),
    ),
    point(
        "CC7.1-4",
        "Parts that nobody knows are noticed",
        told(Partly, &[], "inventory run over the organization and all its regions"),
        told(
            Partly,
            &[],
            "rows of checks that appeared; accounts and regions of the inventory by day",
        ),
    ),
    point(
        "CC7.1-5",
        "Weaknesses are looked for, and dealt with",
        told(Partly, &["securityhub-products"], "whether every asset is scanned, Inspector knows"),
        told(Partly, &["patch-state"], "how old findings of Inspector are: findings list"),
    ),
    point(
        "CC7.2-1",
        "There are means to detect, and they are on",
        told(Automated, DETECTION, ""),
        told(Automated, DETECTION_WENT, ""),
    ),
    point(
        "CC7.2-2",
        "The means fit the kinds of attack that are to be expected",
        told(
            Automated,
            &[],
            "detect coverage: rules by technique, with their logs and their proof",
        ),
        told(Automated, &[], "drill run: each kind of attack is played and must be found"),
    ),
    point(
        "CC7.2-3",
        "What is unusual is told apart from what is not",
        told(Automated, FILTERS, "route lint, exception list, detect modes"),
        told(Automated, &[], "findings reconcile: events, findings and what became of them add up"),
    ),
    point(
        "CC7.2-4",
        "The means to detect are watched themselves",
        told(
            Automated,
            WATCHED,
            "config check: drills, heartbeat, limits of the watch over the watch",
        ),
        told(Automated, &[], "status, drill list, findings of the rules selfwatch.*"),
    ),
    point(
        "CC7.3-1",
        "There is a way to handle events, and it is judged whether it works",
        told(Partly, &[], "runbook list; [triage] of config.toml"),
        told(Automated, &[], "findings list --open, findings reconcile: none is left out"),
    ),
    point(
        "CC7.3-2",
        "Events come to those who must know, and they look at them",
        told(Automated, &["topic-subscription-confirmed"], "oncall show, drill contacts"),
        told(Automated, &[], "notify list: receipts, acknowledgements, persons and times"),
    ),
    point(
        "CC7.3-3",
        "What an event means is worked out",
        told(Partly, &[], "runbook list"),
        told(Partly, &[], "findings show: steps and evidence of each finding"),
    ),
    point(
        "CC7.3-4",
        "Whether personal data was touched is asked",
        told(Attested, &[], "a procedure, signed for"),
        told(Attested, &[], "an answer for each incident, signed for"),
    ),
    point(
        "CC7.3-5",
        "What personal data was used or told to whom is found out",
        told(Attested, &[], "a procedure, signed for"),
        told(Partly, &[], "queries of data events; the judgement is signed for"),
    ),
    point(
        "CC7.4-1",
        "It is settled who does what in an incident",
        told(Partly, &[], "oncall show: a rota without holes"),
        told(Partly, &[], "notify list: who acknowledged; that he was to, people know"),
    ),
    point(
        "CC7.4-2",
        "An incident is contained",
        told(Partly, &[], "runbook list"),
        told(Attested, &[], "the incident's record, signed for"),
    ),
    point(
        "CC7.4-3",
        "Its effects are made less",
        told(Partly, &[], "runbook list"),
        told(Attested, &[], "the incident's record, signed for"),
    ),
    point(
        "CC7.4-4",
        "What threatens is ended",
        told(Partly, &[], "runbook list"),
        told(Partly, &[], "findings that are over because a check is COMPLIANT again"),
    ),
    point(
        "CC7.4-5",
        "Operations are brought back",
        told(Partly, &[], "backup and restore of this record; of workloads, a plan, signed for"),
        told(Attested, &[], "the incident's record, signed for"),
    ),
    point(
        "CC7.4-6",
        "It is settled who is told what, and when",
        told(Partly, &[], "route list, drill contacts"),
        told(Automated, &[], "notify list: what was sent to whom, with its receipt"),
    ),
    point(
        "CC7.4-7",
        "The nature of an incident is understood, and how to contain it is decided by that",
        told(Partly, &[], "runbook list"),
        told(Partly, &[], "findings show, entity: what was known when"),
    ),
    point(
        "CC7.4-8",
        "Weaknesses that were found are mended",
        told(Automated, &[], "check list: each says what to do"),
        told(Automated, &[], "check history; exception list: who accepted what until when"),
    ),
    point(
        "CC7.4-9",
        "What is done about them is told to whom it concerns",
        told(Partly, &[], "route list"),
        told(Partly, &[], "notify list: the word that something is over"),
    ),
    point(
        "CC7.4-10",
        "It is judged whether the response was good",
        told(Attested, &[], "a review, signed for"),
        told(Partly, &[], "findings reconcile: times to acknowledge and to decide"),
    ),
    point(
        "CC7.4-11",
        "Incidents are looked at again now and then",
        told(Attested, &[], "a calendar, signed for"),
        told(Attested, &[], "minutes, signed for"),
    ),
    point(
        "CC7.4-12",
        "Whoever must know of personal data that got out is told",
        told(Attested, &[], "a procedure, signed for"),
        told(Attested, &[], "notices to authorities and persons, signed for"),
    ),
    point(
        "CC7.4-13",
        "Who caused it by neglect answers for it",
        told(Attested, &[], "a procedure, signed for"),
        told(Attested, &[], "signed for"),
    ),
    point(
        "CC7.5-1",
        "What was harmed is set up again",
        told(Attested, &[], "a plan, signed for"),
        told(Partly, &[], "changes: what was rebuilt; that it was for the incident, people know"),
    ),
    point(
        "CC7.5-2",
        "What happened is told to those who lead and those who were hit",
        told(Attested, &[], "a procedure, signed for"),
        told(Attested, &[], "the review's distribution, signed for"),
    ),
    point(
        "CC7.5-3",
        "Its cause is found",
        told(Partly, &[], "runbook list"),
        told(Attested, &[], "the review, signed for"),
    ),
    point(
        "CC7.5-4",
        "It is made less likely to come again, and would be noticed",
        told(Partly, &[], "detect changes, check list"),
        told(Partly, &[], "rules and checks that came after it; that they are for it, people know"),
    ),
    point(
        "CC7.5-5",
        "The way to handle incidents becomes better",
        told(Attested, &[], "a review, signed for"),
        told(Partly, &[], "versions of runbooks and rules"),
    ),
    point(
        "CC7.5-6",
        "Recovery is tried out",
        told(Partly, &[], "config check: backups and drills"),
        told(Partly, &[], "restore and verify of this record; of workloads, a test, signed for"),
    ),
];

const STANDARDS: &[&str] =
    &["config-rules-present", "SECURITYHUB_ENABLED", "securityhub-standards"];

const HYGIENE: &[&str] = &[
    "ACCESS_KEYS_ROTATED",
    "CMK_BACKING_KEY_ROTATION_ENABLED",
    "config-channel-delivers",
    "config-global-types-once",
    "config-recorder-on",
    "EC2_EBS_ENCRYPTION_BY_DEFAULT",
    "ENCRYPTED_VOLUMES",
    "IAM_PASSWORD_POLICY",
    "IAM_ROOT_ACCESS_KEY_CHECK",
    "iam-user-long-lived-keys",
    "INCOMING_SSH_DISABLED",
    "ingress-allow-list",
    "lock-out-attested",
    "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
    "RDS_STORAGE_ENCRYPTED",
    "RESTRICTED_INCOMING_TRAFFIC",
    "ROOT_ACCOUNT_MFA_ENABLED",
    "S3_BUCKET_PUBLIC_READ_PROHIBITED",
    "S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
];

const DETECTION: &[&str] = &[
    "CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED",
    "CLOUD_TRAIL_ENABLED",
    "CLOUD_TRAIL_ENCRYPTION_ENABLED",
    "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED",
    "CLOUDWATCH_LOG_GROUP_ENCRYPTED",
    "CW_LOGGROUP_RETENTION_PERIOD_CHECK",
    "eks-audit-logs",
    "ELB_LOGGING_ENABLED",
    "flow-log-destinations",
    "flow-log-format",
    "guardduty-delegated-administrator",
    "GUARDDUTY_ENABLED_CENTRALIZED",
    "guardduty-features",
    "log-bucket-encrypted-by-kms",
    "log-bucket-lifecycle",
    "log-bucket-object-lock",
    "log-group-retention-legal",
    "log-group-retention-policy",
    "MULTI_REGION_CLOUD_TRAIL_ENABLED",
    "RDS_LOGGING_ENABLED",
    "trail-covers-organization",
    "trail-data-events",
    "trail-insights",
    "VPC_FLOW_LOGS_ENABLED",
    "waf-rate-rule",
    "WAFV2_LOGGING_ENABLED",
];

const DETECTION_WENT: &[&str] = &[
    "flow-log-delivers",
    "guardduty-on-for-the-period",
    "securityhub-on-for-the-period",
    "trail-delivers",
    "trail-on-for-the-period",
];

const FILTERS: &[&str] = &["eventbridge-rule-targets", "eventbridge-severity-pattern"];

const WATCHED: &[&str] =
    &["alarm-metric-has-data", "CLOUDWATCH_ALARM_ACTION_CHECK", "dashboard-metrics"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{checks, period};

    #[test]
    fn there_are_thirty_three_points_and_each_says_what_tells_of_it() {
        let of = |criterion: &str| ALL.iter().filter(|f| f.id.starts_with(criterion)).count();
        let counts = ["CC7.1-", "CC7.2-", "CC7.3-", "CC7.4-", "CC7.5-"].map(of);
        assert_eq!(counts, [5, 4, 5, 13, 6]);
        for focus in ALL {
            for side in [focus.design, focus.operation] {
                let says = !side.checks.is_empty() || !side.more.is_empty();
                assert!(says, "{} says nothing of itself", focus.id);
                assert!(side.method != Attested || side.checks.is_empty(), "{}", focus.id);
            }
        }
    }

    #[test]
    fn every_check_stands_under_a_point_and_every_name_is_a_check() {
        let sides = ALL.iter().flat_map(|f| [f.design, f.operation]);
        let named: BTreeSet<&str> = sides.flat_map(|side| side.checks.iter().copied()).collect();
        let natives = checks::ALL.iter().map(|check| check.id);
        let there: BTreeSet<&str> =
            natives.chain(period::ALL.iter().map(|check| check.id)).collect();
        let missing: Vec<_> = there.difference(&named).collect();
        let unknown: Vec<_> = named.difference(&there).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{missing:?} {unknown:?}");
    }
}
