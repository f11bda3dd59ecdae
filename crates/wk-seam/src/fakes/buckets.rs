//! Buckets in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use wk_model::{Sha256, Timestamp};

use super::{Faults, locked};
use crate::objects::{Body, Bucket, Buckets, Level, Listing, Object, Objects, Opened, Pages};
use crate::{Answer, Failure, Future};

/// Buckets in memory, to which objects come and from which they go; a clone is the same store.
#[derive(Clone, Default)]
pub struct MemoryBuckets {
    objects: Arc<Mutex<Kept>>,
    faults: Arc<Faults>,
}

impl MemoryBuckets {
    /// The same buckets, for a process with these faults.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<Faults>) -> Self {
        Self { faults, ..self.clone() }
    }

    /// Puts an object.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>, modified: Timestamp) {
        locked(&self.objects).insert(format!("{bucket}/{key}"), (bytes.into(), modified));
    }

    /// Removes one, as a lifecycle rule does.
    pub fn remove(&self, bucket: &str, key: &str) {
        locked(&self.objects).remove(&format!("{bucket}/{key}"));
    }
}

/// Bytes and time by `bucket/key`.
type Kept = BTreeMap<String, (Vec<u8>, Timestamp)>;

/// The objects of one bucket under a prefix.
struct Under {
    buckets: MemoryBuckets,
    bucket: String,
    prefix: String,
}

impl Under {
    fn all(&self) -> Vec<Object> {
        let start = format!("{}/{}", self.bucket, self.prefix);
        let objects = locked(&self.buckets.objects);
        let mine = objects.iter().filter(|(name, _)| name.starts_with(&start));
        mine.map(|(name, (bytes, modified))| Object {
            uri: format!("s3://{name}"),
            size: bytes.len() as u64,
            modified: *modified,
            identity: Some(identity(name, bytes)),
        })
        .collect()
    }

    fn open_one(&self, object: &Object) -> Answer<Opened> {
        let name = object.uri.strip_prefix("s3://").unwrap_or(&object.uri);
        match locked(&self.buckets.objects).get(name) {
            Some((bytes, _)) => Ok(Opened {
                identity: identity(name, bytes),
                body: Body::Whole(bytes.clone()),
                metadata: Vec::new(),
            }),
            None => {
                let why = io::Error::new(io::ErrorKind::NotFound, "it is not there");
                Err(Failure::new(format!("read {}", object.uri), why))
            }
        }
    }
}

fn identity(name: &str, bytes: &[u8]) -> Sha256 {
    Sha256::of_parts(&[b"s3", name.as_bytes(), bytes])
}

impl Objects for Under {
    fn list(&self) -> Future<'_, Answer<Listing>> {
        Box::pin(async move {
            self.buckets.faults.call("list the objects", || {
                let all = self.all();
                Ok(Listing {
                    objects: all.len() as u64,
                    bytes: all.iter().map(|o| o.size).sum(),
                    pages: Box::new(Few(all.into_iter())),
                })
            })
        })
    }

    fn open<'a>(&'a self, object: &'a Object, _: u64) -> Future<'a, Answer<Opened>> {
        Box::pin(async move {
            let doing = format!("read {}", object.uri);
            self.buckets.faults.call(&doing, || self.open_one(object))
        })
    }
}

/// Short pages, so that few objects make several.
struct Few(std::vec::IntoIter<Object>);

impl Pages for Few {
    fn next(&mut self) -> Future<'_, Answer<Option<Vec<Object>>>> {
        let page: Vec<Object> = self.0.by_ref().take(3).collect();
        Box::pin(std::future::ready(Ok((!page.is_empty()).then_some(page))))
    }
}

impl Bucket for Under {
    fn under(&self, prefix: &str) -> Arc<dyn Objects> {
        let (buckets, bucket) = (self.buckets.clone(), self.bucket.clone());
        Arc::new(Self { buckets, bucket, prefix: prefix.to_owned() })
    }

    fn level<'a>(&'a self, prefix: &'a str) -> Future<'a, Answer<Level>> {
        Box::pin(async move {
            self.buckets.faults.call("list a level", || {
                let start = format!("s3://{}/{prefix}", self.bucket);
                let mut folders = BTreeSet::new();
                let mut here = Vec::new();
                for object in self.all() {
                    let Some(rest) = object.uri.strip_prefix(&start) else { continue };
                    match rest.split_once('/') {
                        Some((folder, _)) => drop(folders.insert(format!("{prefix}{folder}/"))),
                        None => here.push(object),
                    }
                }
                Ok(Level { folders: folders.into_iter().collect(), objects: here })
            })
        })
    }
}

impl Buckets for MemoryBuckets {
    fn bucket<'a>(
        &'a self,
        name: &'a str,
        _: Option<&'a str>,
    ) -> Future<'a, Answer<Arc<dyn Bucket>>> {
        let whole = Under { buckets: self.clone(), bucket: name.to_owned(), prefix: String::new() };
        Box::pin(std::future::ready(Ok(Arc::new(whole) as Arc<dyn Bucket>)))
    }
}
