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

mod cloud_trail_cloud_watch_logs_enabled;
mod cloud_trail_enabled;
mod cloud_trail_encryption_enabled;
mod cloud_trail_log_file_validation_enabled;
mod encrypted_volumes;
mod guardduty_enabled_centralized;
mod iam_password_policy;
mod log_bucket_encrypted_by_kms;
mod log_bucket_lifecycle;
mod log_bucket_object_lock;
mod mfa_enabled_for_iam_console_access;
mod multi_region_cloud_trail_enabled;
mod root_account_mfa_enabled;
mod s3_bucket_public_read_prohibited;
mod s3_bucket_public_write_prohibited;
mod trail_covers_organization;
mod trail_data_events;
mod trail_delivers;
mod trail_insights;

pub use frame::{
    Check, Judge, Kind, Method, Overrides, Parameter, Parameters, Scope, Test, counted,
};

/// Every check, in the order of their files' names.
pub const ALL: &[&Check] = &[
    &cloud_trail_cloud_watch_logs_enabled::CHECK,
    &cloud_trail_enabled::CHECK,
    &cloud_trail_encryption_enabled::CHECK,
    &cloud_trail_log_file_validation_enabled::CHECK,
    &encrypted_volumes::CHECK,
    &guardduty_enabled_centralized::CHECK,
    &iam_password_policy::CHECK,
    &log_bucket_encrypted_by_kms::CHECK,
    &log_bucket_lifecycle::CHECK,
    &log_bucket_object_lock::CHECK,
    &mfa_enabled_for_iam_console_access::CHECK,
    &multi_region_cloud_trail_enabled::CHECK,
    &root_account_mfa_enabled::CHECK,
    &s3_bucket_public_read_prohibited::CHECK,
    &s3_bucket_public_write_prohibited::CHECK,
    &trail_covers_organization::CHECK,
    &trail_data_events::CHECK,
    &trail_delivers::CHECK,
    &trail_insights::CHECK,
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
