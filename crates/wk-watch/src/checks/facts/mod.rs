//! What several checks ask of a posture: trails, buckets, policies, users.

pub(super) mod buckets;
pub(super) mod log_buckets;
pub(super) mod policy;
pub(super) mod trails;
pub(super) mod users;
