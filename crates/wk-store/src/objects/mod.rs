//! What is to be ingested: files of a local tree, objects of an S3-compatible store.

mod buckets;
mod folder;
mod listing;
mod local;
mod measure;
mod s3;

pub use buckets::{Reach, S3Buckets};
pub use folder::LocalFolder;
pub use local::LocalTree;
pub use measure::Size;
pub use s3::{S3Error, S3Place, S3Settings};

use wk_model::Day;
use wk_seam::objects::Object;

/// Puts objects into the order in which they are best read: by the day that their key names, so
/// that a commit touches few days; keys without a day first; then by key.
fn in_reading_order(objects: &mut [Object]) {
    objects.sort_unstable_by(|a, b| a.uri.cmp(&b.uri));
    // Each key is taken apart once: there may be millions.
    objects.sort_by_cached_key(|object| day_in(&object.uri));
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
        let object = |uri: &str| {
            let (uri, modified) = (uri.to_owned(), wk_model::Timestamp::default());
            Object { uri, size: 0, modified, identity: None }
        };
        let keys = [
            "b/AWSLogs/1/CloudTrail/r/2024/02/15/y",
            "b/AWSLogs/1/CloudTrail/r/2024/02/15/x",
            "a/AWSLogs/2/CloudTrail/r/2024/02/16/x",
            "zzz/y",
        ];
        let mut objects = keys.map(object);
        in_reading_order(&mut objects);
        let order = objects.map(|o| o.uri);
        assert_eq!(order, [keys[3], keys[1], keys[0], keys[2]]);
        assert_eq!(day_in("a/2024/13/01/x"), None);
        assert_eq!(day_in(""), None);
    }
}
