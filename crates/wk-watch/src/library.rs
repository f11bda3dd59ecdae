//! The queries that are built in, by file below `queries/`.
//!
//! Made by `cargo xtask pack`; do not edit.

/// Name and text of every query.
#[rustfmt::skip]
pub const LIBRARY: &[(&str, &str)] = &[
    ("access-key-activity.yml", include_str!("../../../queries/access-key-activity.yml")),
    ("address-activity.yml", include_str!("../../../queries/address-activity.yml")),
    ("application-errors.yml", include_str!("../../../queries/application-errors.yml")),
    ("changes-by-principal.yml", include_str!("../../../queries/changes-by-principal.yml")),
    ("config-items-by-type.yml", include_str!("../../../queries/config-items-by-type.yml")),
    ("console-login-failures.yml", include_str!("../../../queries/console-login-failures.yml")),
    ("data-touched.yml", include_str!("../../../queries/data-touched.yml")),
    ("denied-calls-by-address.yml", include_str!("../../../queries/denied-calls-by-address.yml")),
    ("denied-calls-by-principal.yml", include_str!("../../../queries/denied-calls-by-principal.yml")),
    ("error-codes.yml", include_str!("../../../queries/error-codes.yml")),
    ("first-deeds.yml", include_str!("../../../queries/first-deeds.yml")),
    ("guardduty-by-severity.yml", include_str!("../../../queries/guardduty-by-severity.yml")),
    ("kms-denied.yml", include_str!("../../../queries/kms-denied.yml")),
    ("largest-outbound-flows.yml", include_str!("../../../queries/largest-outbound-flows.yml")),
    ("new-credentials.yml", include_str!("../../../queries/new-credentials.yml")),
    ("ports-probed.yml", include_str!("../../../queries/ports-probed.yml")),
    ("rare-domains.yml", include_str!("../../../queries/rare-domains.yml")),
    ("regions-in-use.yml", include_str!("../../../queries/regions-in-use.yml")),
    ("rejected-top-talkers.yml", include_str!("../../../queries/rejected-top-talkers.yml")),
    ("remote-login-from-internet.yml", include_str!("../../../queries/remote-login-from-internet.yml")),
    ("role-chaining.yml", include_str!("../../../queries/role-chaining.yml")),
    ("root-use.yml", include_str!("../../../queries/root-use.yml")),
    ("s3-bytes-out.yml", include_str!("../../../queries/s3-bytes-out.yml")),
    ("secrets-read.yml", include_str!("../../../queries/secrets-read.yml")),
    ("security-group-openings.yml", include_str!("../../../queries/security-group-openings.yml")),
    ("services-by-account.yml", include_str!("../../../queries/services-by-account.yml")),
    ("slow-lambda.yml", include_str!("../../../queries/slow-lambda.yml")),
    ("snapshot-sharing.yml", include_str!("../../../queries/snapshot-sharing.yml")),
    ("trail-tampering.yml", include_str!("../../../queries/trail-tampering.yml")),
    ("unusual-user-agents.yml", include_str!("../../../queries/unusual-user-agents.yml")),
    ("waf-top-blocked.yml", include_str!("../../../queries/waf-top-blocked.yml")),
];
