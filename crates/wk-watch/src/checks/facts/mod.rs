//! What several checks ask of a posture: trails, buckets, policies, users.

pub(super) mod alarms;
pub(super) mod buckets;
pub(super) mod groups;
pub(super) mod log_buckets;
pub(super) mod policy;
pub(super) mod retention;
pub(super) mod trails;
pub(super) mod users;
