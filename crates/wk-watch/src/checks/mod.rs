//! The catalogue of checks: one file each.
//!
//! To add one, copy its neighbour, write its `CHECK` and add it to [`ALL`]. A check says what should be
//! so, reads the answers of AWS through a [`crate::posture::View`], and never takes what could not be
//! seen for what is not there.
#![cfg_attr(
    test,
    expect(clippy::needless_pass_by_value, reason = "tests make the answers of AWS in place")
)]

mod facts;
mod frame;
#[cfg(test)]
pub(crate) mod testing;

mod access_keys_rotated;
mod alarm_metric_has_data;
mod cis_monitoring;
mod cloud_trail_cloud_watch_logs_enabled;
mod cloud_trail_enabled;
mod cloud_trail_encryption_enabled;
mod cloud_trail_log_file_validation_enabled;
mod cloudwatch_alarm_action_check;
mod cloudwatch_log_group_encrypted;
mod cmk_backing_key_rotation_enabled;
mod config_channel_delivers;
mod config_global_types_once;
mod config_recorder_on;
mod config_rules_present;
mod cw_loggroup_retention_period_check;
mod dashboard_metrics;
mod ec2_ebs_encryption_by_default;
mod eks_audit_logs;
mod elb_logging_enabled;
mod encrypted_volumes;
mod eventbridge_rule_targets;
mod eventbridge_severity_pattern;
mod flow_log_delivers;
mod flow_log_destinations;
mod flow_log_format;
mod guardduty_delegated_administrator;
mod guardduty_enabled_centralized;
mod guardduty_features;
mod iam_password_policy;
mod iam_root_access_key_check;
mod iam_user_long_lived_keys;
mod incoming_ssh_disabled;
mod ingress_allow_list;
mod lock_out_attested;
mod log_bucket_encrypted_by_kms;
mod log_bucket_lifecycle;
mod log_bucket_object_lock;
mod log_group_retention_legal;
mod log_group_retention_policy;
mod mfa_enabled_for_iam_console_access;
mod multi_region_cloud_trail_enabled;
mod patch_state;
mod rds_logging_enabled;
mod rds_storage_encrypted;
mod restricted_incoming_traffic;
mod root_account_mfa_enabled;
mod s3_bucket_public_read_prohibited;
mod s3_bucket_public_write_prohibited;
mod securityhub_enabled;
mod securityhub_products;
mod securityhub_standards;
mod topic_subscription_confirmed;
mod trail_covers_organization;
mod trail_data_events;
mod trail_delivers;
mod trail_insights;
mod vpc_flow_logs_enabled;
mod waf_rate_rule;
mod wafv2_logging_enabled;

pub(crate) use facts::retention::{LEGAL_DAYS as LOG_GROUP_TERMS, at_least as log_group_term};
pub use frame::{
    About, Check, Judge, Kind, Method, Overrides, Parameter, Parameters, Scope, Test, counted,
};

/// Every check, in the order of their files' names.
pub const ALL: &[&Check] = &[
    &access_keys_rotated::CHECK,
    &alarm_metric_has_data::CHECK,
    &cis_monitoring::CHECK,
    &cloud_trail_cloud_watch_logs_enabled::CHECK,
    &cloud_trail_enabled::CHECK,
    &cloud_trail_encryption_enabled::CHECK,
    &cloud_trail_log_file_validation_enabled::CHECK,
    &cloudwatch_alarm_action_check::CHECK,
    &cloudwatch_log_group_encrypted::CHECK,
    &cmk_backing_key_rotation_enabled::CHECK,
    &config_channel_delivers::CHECK,
    &config_global_types_once::CHECK,
    &config_recorder_on::CHECK,
    &config_rules_present::CHECK,
    &cw_loggroup_retention_period_check::CHECK,
    &dashboard_metrics::CHECK,
    &ec2_ebs_encryption_by_default::CHECK,
    &eks_audit_logs::CHECK,
    &elb_logging_enabled::CHECK,
    &encrypted_volumes::CHECK,
    &eventbridge_rule_targets::CHECK,
    &eventbridge_severity_pattern::CHECK,
    &flow_log_delivers::CHECK,
    &flow_log_destinations::CHECK,
    &flow_log_format::CHECK,
    &guardduty_delegated_administrator::CHECK,
    &guardduty_enabled_centralized::CHECK,
    &guardduty_features::CHECK,
    &iam_password_policy::CHECK,
    &iam_root_access_key_check::CHECK,
    &iam_user_long_lived_keys::CHECK,
    &incoming_ssh_disabled::CHECK,
    &ingress_allow_list::CHECK,
    &lock_out_attested::CHECK,
    &log_bucket_encrypted_by_kms::CHECK,
    &log_bucket_lifecycle::CHECK,
    &log_bucket_object_lock::CHECK,
    &log_group_retention_legal::CHECK,
    &log_group_retention_policy::CHECK,
    &mfa_enabled_for_iam_console_access::CHECK,
    &multi_region_cloud_trail_enabled::CHECK,
    &patch_state::CHECK,
    &rds_logging_enabled::CHECK,
    &rds_storage_encrypted::CHECK,
    &restricted_incoming_traffic::CHECK,
    &root_account_mfa_enabled::CHECK,
    &s3_bucket_public_read_prohibited::CHECK,
    &s3_bucket_public_write_prohibited::CHECK,
    &securityhub_enabled::CHECK,
    &securityhub_products::CHECK,
    &securityhub_standards::CHECK,
    &topic_subscription_confirmed::CHECK,
    &trail_covers_organization::CHECK,
    &trail_data_events::CHECK,
    &trail_delivers::CHECK,
    &trail_insights::CHECK,
    &vpc_flow_logs_enabled::CHECK,
    &waf_rate_rule::CHECK,
    &wafv2_logging_enabled::CHECK,
];

/// The check of this name, in any letter case.
pub fn named(id: &str) -> Option<&'static Check> {
    ALL.iter().find(|check| check.id.eq_ignore_ascii_case(id)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;

    #[test]
    fn checks_are_in_order_and_say_everything_about_themselves() {
        let key = |check: &&&Check| check.id.to_ascii_lowercase().replace('-', "_");
        assert!(ALL.iter().is_sorted_by_key(|check| key(&check)));
        for check in ALL {
            let id = check.id;
            let texts = [check.title, check.why, check.remedy];
            assert!(texts.iter().all(|text| !text.is_empty()), "{id} leaves something unsaid");
            assert!(!check.points.is_empty() && !check.nist.is_empty(), "{id} serves nothing");
            assert!(check.reads.is_sorted(), "{id}");
            for read in check.reads {
                assert!(
                    inventory::named(read).next().is_some(),
                    "{id} reads {read}, which nobody asks"
                );
            }
        }
    }
}
