//! Where AWS's public keys come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use wk_model::Timestamp;
use wk_seam::aws::{AwsError, AwsRead, Call, Operation, Paging, Target, ask};
use wk_seam::{Answer, Failure, Future};
use wk_watch::digest::{Keyring, key_of};

/// Gives the keys that sign digests.
pub trait Keys: Send + Sync {
    /// The keys of a region that were valid in some of this time.
    fn of<'a>(
        &'a self,
        region: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> Future<'a, Answer<Keyring>>;
}

/// Keys that the user brings, as `ListPublicKeys` answered them.
#[derive(Debug, Clone)]
pub struct FileKeys(pub Keyring);

impl Keys for FileKeys {
    fn of<'a>(&'a self, _: &'a str, _: Timestamp, _: Timestamp) -> Future<'a, Answer<Keyring>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Keys that CloudTrail lists, asked once for a region and time.
pub struct AwsKeys {
    aws: Arc<dyn AwsRead>,
    known: Mutex<BTreeMap<String, (Timestamp, Timestamp, Keyring)>>,
}

impl AwsKeys {
    /// Asks with this client.
    pub fn new(aws: Arc<dyn AwsRead>) -> Self {
        Self { aws, known: Mutex::default() }
    }
}

impl Keys for AwsKeys {
    fn of<'a>(
        &'a self,
        region: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> Future<'a, Answer<Keyring>> {
        Box::pin(async move {
            let mut known = self.known.lock().await;
            if let Some((start, end, ring)) = known.get(region)
                && *start <= from
                && *end >= until
            {
                return Ok(ring.clone());
            }
            let call = ListPublicKeys { from, until };
            let answered = ask(self.aws.as_ref(), &call, Target::region(region)).await;
            let whole = answered.map_err(AwsError::into_failure)?;
            let mut ring = Keyring::default();
            for key in whole.pages.iter().flat_map(|page| &page.keys) {
                let read = key_of(key, Some(region)).map_err(|why| {
                    Failure::new(format!("read the public keys of {region}"), why)
                })?;
                ring.add([read]);
            }
            if !whole.is_whole() {
                let why = "it has more pages than are followed; verify a shorter period";
                return Err(Failure::new(format!("list the public keys of {region}"), why));
            }
            known.insert(region.to_owned(), (from, until, ring.clone()));
            Ok(ring)
        })
    }
}

/// The keys that were valid in some of a time.
pub(super) struct ListPublicKeys {
    from: Timestamp,
    until: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(rename = "PublicKeyList", default)]
    keys: Vec<Value>,
}

impl Call for ListPublicKeys {
    const OPERATION: &'static Operation = &Operation {
        service: "cloudtrail",
        name: "ListPublicKeys",
        permission: "cloudtrail:ListPublicKeys",
        pages: Paging::Token { input: "NextToken", output: "NextToken" },
        ..Operation::READ
    };
    type Answer = Page;
    fn parameters(&self) -> Value {
        json!({"StartTime": self.from.seconds(), "EndTime": self.until.seconds()})
    }
}
