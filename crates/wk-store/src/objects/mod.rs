//! What is to be ingested: files of a local tree, objects of an S3-compatible store.

mod local;
mod s3;

pub use local::LocalTree;
pub use s3::{S3Error, S3Place, S3Settings};

use wk_model::Day;

/// The order in which objects are best read: by the day that their key names, so that a commit
/// touches few days; keys without a day first; then by key.
fn reading_order(key: &str) -> (Option<Day>, &str) {
    (day_in(key), key)
}

/// The day that a key names: `…/2024/02/15/…` or `…dt=2024-02-15…`, as AWS and others lay out logs.
fn day_in(key: &str) -> Option<Day> {
    let mut parts = key.split('/');
    let mut window = [parts.next()?, parts.next()?, parts.next()?];
    loop {
        let [y, m, d] = window;
        if y.len() == 4 && m.len() == 2 && d.len() == 2 {
            let day = Day::parse(&format!("{y}-{m}-{d}"));
            if day.is_some() {
                return day;
            }
        }
        window = [m, d, parts.next()?];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_trail_are_read_day_by_day() {
        let mut keys = [
            "b/AWSLogs/1/CloudTrail/r/2024/02/15/x",
            "a/AWSLogs/2/CloudTrail/r/2024/02/16/x",
            "zzz/y",
        ];
        keys.sort_by_key(|k| reading_order(k));
        assert_eq!(
            keys,
            [
                "zzz/y",
                "b/AWSLogs/1/CloudTrail/r/2024/02/15/x",
                "a/AWSLogs/2/CloudTrail/r/2024/02/16/x"
            ]
        );
        assert_eq!(day_in("a/2024/13/01/x"), None);
        assert_eq!(day_in(""), None);
    }
}
