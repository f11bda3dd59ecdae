//! Checks over a period: whether something was on for all of it, and if not, when it was off.
//!
//! * Told by two kinds of witness: calls that switch it on or off, and walks that saw how it was. Between
//!   two witnesses that agree it was so; where they do not and no call tells when it changed, nobody knows.
//! * Nobody knows either what it was long after the last witness: see [`timeline::GAP_SECONDS`].
//! * Off is NON_COMPLIANT with its times; not known is NO_DATA, and never told as on.
//! * To add one, copy its neighbour and add it to [`ALL`].

mod frame;
pub mod timeline;

mod config_recorder_on;
mod guardduty_on;
mod securityhub_on;
mod trail_on;

pub use frame::{Call, PeriodCheck, Shown, judge};

/// Every check over a period, in the order of their names.
pub const ALL: &[&PeriodCheck] =
    &[&config_recorder_on::CHECK, &guardduty_on::CHECK, &securityhub_on::CHECK, &trail_on::CHECK];

/// The check of this name, in any letter case.
pub fn named(id: &str) -> Option<&'static PeriodCheck> {
    ALL.iter().find(|check| check.id.eq_ignore_ascii_case(id)).copied()
}

#[cfg(test)]
mod tests;
