//! The buckets that messages may name.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use wk_seam::credentials::CredentialSource;
use wk_seam::objects::{Bucket, Buckets};
use wk_seam::{Answer, Failure, Future};

use super::{S3Place, S3Settings};

/// Clients that are kept; an organisation has a handful of log buckets.
const BUCKETS_MAX: usize = 200;

/// How buckets are reached, and which may be.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Region and endpoint, where the user names them.
    pub settings: S3Settings,
    /// Names that may be read; a `*` at the end stands for any rest. None: all that the credentials
    /// can reach.
    pub allowed: Vec<String>,
}

/// Buckets of S3 or a store like it.
pub struct S3Buckets {
    credentials: Arc<dyn CredentialSource>,
    reach: Reach,
    open: Mutex<BTreeMap<String, Arc<dyn Bucket>>>,
}

impl S3Buckets {
    /// Buckets that are reached with these credentials.
    pub fn new(credentials: Arc<dyn CredentialSource>, reach: Reach) -> Self {
        Self { credentials, reach, open: Mutex::default() }
    }

    async fn open(&self, name: &str, region: Option<&str>) -> Answer<Arc<dyn Bucket>> {
        if !is_allowed(&self.reach.allowed, name) {
            let why = "it is not among the `buckets` of this queue in config.toml";
            return Err(Failure::new(format!("read bucket {name:?}"), why));
        }
        let mut open = self.open.lock().await;
        if let Some(bucket) = open.get(name) {
            return Ok(bucket.clone());
        }
        let mut settings = self.reach.settings.clone();
        // The user's word counts for more than a message's.
        settings.region = settings.region.or_else(|| region.map(str::to_owned));
        let place = S3Place::open(&format!("s3://{name}"), &settings, self.credentials.clone())?;
        let bucket: Arc<dyn Bucket> = Arc::new(place);
        if open.len() >= BUCKETS_MAX {
            open.clear(); // they are opened again when they are named again
        }
        open.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }
}

impl Buckets for S3Buckets {
    fn bucket<'a>(
        &'a self,
        name: &'a str,
        region: Option<&'a str>,
    ) -> Future<'a, Answer<Arc<dyn Bucket>>> {
        Box::pin(self.open(name, region))
    }
}

/// Whether a bucket may be read, and has a name that buckets can have: nothing else may come into
/// the address of a request.
fn is_allowed(allowed: &[String], name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let named = (3..=63).contains(&name.len()) && name.bytes().all(letter);
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    named && (allowed.is_empty() || allowed.iter().any(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_that_are_named_may_be_read() {
        let list = ["audit-logs".to_owned(), "trail-*".to_owned()];
        for (name, all, listed) in [
            ("audit-logs", true, true),
            ("audit-logs2", true, false),
            ("trail-eu", true, true),
            ("other", true, false),
            ("a/../b", false, false),
            ("x@evil", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_allowed(&[], name), is_allowed(&list, name)), (all, listed), "{name}");
        }
    }
}
