//! Slots, office hours, and how AWS writes times in paths.

use wk_model::Timestamp;

use crate::rng::Rng;

/// The step of the simulation and the rhythm of CloudTrail's files, in seconds.
pub(crate) const SLOT_SECONDS: i64 = 300;
/// Seconds in a day.
pub(crate) const DAY_SECONDS: i64 = 86_400;
const SLOTS_A_DAY: u64 = 288;

/// When an activity happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hours {
    /// Evenly, day and night.
    Always,
    /// When people work: weekdays from six to twenty-one UTC, a little at weekends.
    Office,
}

/// How busy each hour of a working day is; the day's mean is a thousand.
const OFFICE: [u64; 24] = [
    0, 0, 0, 0, 0, 50, 400, 1100, 2000, 2500, 2500, 2100, 1500, 2100, 2500, 2500, 2000, 1400, 700,
    350, 200, 100, 0, 0,
];

impl Hours {
    /// How busy this moment is, in thousandths of the mean of a working day.
    pub(crate) fn weight(self, at: Timestamp) -> u64 {
        let hour = usize::try_from(at.seconds().rem_euclid(DAY_SECONDS) / 3600).unwrap_or(0);
        match self {
            Self::Always => 1000,
            Self::Office if is_weekend(at) => OFFICE[hour] / 12,
            Self::Office => OFFICE[hour],
        }
    }
}

/// Saturday or Sunday in UTC.
pub(crate) fn is_weekend(at: Timestamp) -> bool {
    (at.day().number() + 3).rem_euclid(7) >= 5 // 1970-01-01 was a Thursday
}

/// Moments in the slot at which something happens that happens `per_day` times on a working day.
/// `scale` is in thousandths.
pub(crate) fn moments(
    rng: &mut Rng,
    slot: Timestamp,
    per_day: u64,
    hours: Hours,
    scale: u64,
) -> Vec<Timestamp> {
    let mean = per_day.saturating_mul(scale).saturating_mul(hours.weight(slot)) / SLOTS_A_DAY;
    let count = if mean == 0 { 0 } else { rng.around(mean) };
    (0..count).map(|_| slot.plus_seconds(rng.seconds(0, 299))).collect()
}

/// `20240215T142310Z`.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.floor_to(1).to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// `20240215T1423Z`.
pub(crate) fn stamp_minute(at: Timestamp) -> String {
    stamp(at).chars().take(13).chain(['Z']).collect()
}

/// `2024/02/15`.
pub(crate) fn folder(at: Timestamp) -> String {
    at.day().to_string().replace('-', "/")
}

/// `2024/2/15`, as AWS Config writes it.
pub(crate) fn folder_unpadded(at: Timestamp) -> String {
    let (year, month, day) = at.day().civil();
    format!("{year}/{month}/{day}")
}

/// `Feb 15, 2024 2:23:10 PM`, as CloudTrail writes the expiry of credentials.
pub(crate) fn american(at: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = at.day().civil();
    let of_day = at.seconds().rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let name = MONTHS[usize::try_from(month.saturating_sub(1)).unwrap_or(0)];
    let half = if hour < 12 { "AM" } else { "PM" };
    format!("{name} {day}, {year} {}:{minute:02}:{second:02} {half}", (hour + 11) % 12 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_aws_writes_them() {
        let at = Timestamp::parse("2024-02-05T14:23:10Z").unwrap();
        assert_eq!(stamp(at), "20240205T142310Z");
        assert_eq!(stamp_minute(at), "20240205T1423Z");
        assert_eq!(folder(at), "2024/02/05");
        assert_eq!(folder_unpadded(at), "2024/2/5");
        assert_eq!(american(at), "Feb 5, 2024 2:23:10 PM");
    }

    #[test]
    fn monday_is_a_working_day_and_sunday_is_not() {
        let weekend = |text| is_weekend(Timestamp::parse(text).unwrap());
        assert!(!weekend("2024-02-12T00:00:00Z"));
        assert!(!weekend("2024-02-16T23:59:59Z"));
        assert!(weekend("2024-02-17T00:00:00Z"));
        assert!(weekend("2024-02-18T12:00:00Z"));
    }

    #[test]
    fn a_day_has_about_as_many_moments_as_asked() {
        for hours in [Hours::Always, Hours::Office] {
            let count: usize = (0..288)
                .map(|slot| {
                    let at = Timestamp::parse("2024-02-12T00:00:00Z").unwrap();
                    let at = at.plus_seconds(slot * SLOT_SECONDS);
                    let mut rng = Rng::named(1, &["day"], slot);
                    moments(&mut rng, at, 1000, hours, 1000).len()
                })
                .sum();
            assert!((900..1100).contains(&count), "{hours:?} {count}");
        }
    }
}
