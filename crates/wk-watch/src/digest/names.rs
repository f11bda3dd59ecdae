//! What the keys of digests and logs say.

use wk_model::Timestamp;

/// The folder of digests, beside that of the logs.
const FOLDER: &str = "CloudTrail-Digest/";

/// The key of a digest file, taken apart:
/// `…/CloudTrail-Digest/REGION/yyyy/mm/dd/ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_TIME.json.gz`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestName {
    /// Everything before `CloudTrail-Digest/`, with its slash: prefix, organisation, account.
    pub base: String,
    /// The account whose logs it lists.
    pub account: String,
    /// The region that the logs are of.
    pub region: String,
    /// The trail.
    pub trail: String,
    /// The region in which the trail was made.
    pub home: String,
    /// Whether AWS delivered it later, for hours that had none.
    pub backfill: bool,
    /// The time in its name: the end of what it covers.
    pub time: Timestamp,
}

impl DigestName {
    /// Takes a key apart; none if it is no digest's.
    pub fn read(key: &str) -> Option<Self> {
        let (base, rest) = match key.rsplit_once(&format!("/{FOLDER}")) {
            Some((base, rest)) => (format!("{base}/"), rest),
            None => (String::new(), key.strip_prefix(FOLDER)?),
        };
        let name = file_name(rest).strip_suffix(".json.gz")?;
        let (name, backfill) = match name.strip_suffix("_backfill") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (name, stamp) = name.rsplit_once('_')?;
        let (name, home) = name.rsplit_once('_')?;
        let (account, name) = name.split_once("_CloudTrail-Digest_")?;
        let (region, trail) = name.split_once('_')?;
        let text = |text: &str| text.to_owned();
        Some(Self {
            base,
            account: text(account),
            region: text(region),
            trail: text(trail),
            home: text(home),
            backfill,
            time: stamped(stamp)?,
        })
    }
}

/// The name of a log file, taken apart: `ACCOUNT_CloudTrail_REGION_TIME_RANDOM.json.gz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName {
    /// The account that it was delivered for.
    pub account: String,
    /// The region that its events are of.
    pub region: String,
    /// When it was delivered, to the minute.
    pub time: Timestamp,
}

impl LogName {
    /// Takes the last part of a key apart; none if it is no log's.
    pub fn read(key: &str) -> Option<Self> {
        let name = file_name(key);
        let name = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".json")?;
        let (account, rest) = name.split_once("_CloudTrail_")?;
        let (region, rest) = rest.split_once('_')?;
        let (stamp, _) = rest.split_once('_')?;
        let time = stamped(stamp)?;
        Some(Self { account: account.to_owned(), region: region.to_owned(), time })
    }
}

/// What stands after the last slash.
pub fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// Reads `20240215T140000Z` and `20240215T1400Z`.
fn stamped(stamp: &str) -> Option<Timestamp> {
    let (date, time) = stamp.strip_suffix('Z')?.split_once('T')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if date.len() != 8 || !matches!(time.len(), 4 | 6) || !digits(date) || !digits(time) {
        return None;
    }
    let part = |text: &str, at: usize, n: usize| text.get(at..at + n).unwrap_or("00").to_owned();
    let (year, month, day) = (part(date, 0, 4), part(date, 4, 2), part(date, 6, 2));
    let (hour, minute, second) = (part(time, 0, 2), part(time, 2, 2), part(time, 4, 2));
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_may_have_lines_in_its_name() {
        let key = "p/AWSLogs/o-1/111122223333/CloudTrail-Digest/eu-west-1/2026/01/01/111122223333_CloudTrail-Digest_eu-west-1_my_own-trail_us-east-1_20260101T010000Z";
        let name = DigestName::read(&format!("{key}.json.gz")).unwrap();
        assert_eq!(name.base, "p/AWSLogs/o-1/111122223333/");
        assert_eq!((name.region.as_str(), name.trail.as_str()), ("eu-west-1", "my_own-trail"));
        assert_eq!((name.home.as_str(), name.backfill), ("us-east-1", false));
        assert_eq!(name.time.to_string(), "2026-01-01T01:00:00Z");
        assert!(DigestName::read(&format!("{key}_backfill.json.gz")).unwrap().backfill);
        assert_eq!(DigestName::read(&format!("{key}.json.gz.metadata.json")), None);
    }

    #[test]
    fn a_log_says_when_it_was_delivered() {
        let name = LogName::read(
            "a/111122223333_CloudTrail_eu-west-1_20260101T0105Z_nqWkUXbpDaxmWsHz.json.gz",
        )
        .unwrap();
        assert_eq!(name.time.to_string(), "2026-01-01T01:05:00Z");
        for other in ["x.json.gz", "1_CloudTrail_r_20261301T0000Z_x.json.gz", "", "é_CloudTrail_"]
        {
            assert_eq!(LogName::read(other), None, "{other}");
        }
    }
}
