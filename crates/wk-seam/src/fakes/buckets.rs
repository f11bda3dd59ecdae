//! Buckets in memory.

use std::collections::BTreeMap;
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
        let (name, bytes) = (format!("{bucket}/{key}"), bytes.into());
        let identity = Sha256::of_parts(&[b"s3", name.as_bytes(), &bytes]);
        locked(&self.objects).insert(name, Stored { bytes, modified, identity });
    }

    /// Removes one, as a lifecycle rule does.
    pub fn remove(&self, bucket: &str, key: &str) {
        locked(&self.objects).remove(&format!("{bucket}/{key}"));
    }
}

/// Objects by `bucket/key`.
type Kept = BTreeMap<String, Stored>;

/// An object that lies there; its identity is worked out once, as S3 does it.
struct Stored {
    bytes: Vec<u8>,
    modified: Timestamp,
    identity: Sha256,
}

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
        let mine = objects.range(start.clone()..).take_while(|(name, _)| name.starts_with(&start));
        mine.map(listed).collect()
    }

    /// A level, without looking at what lies below it.
    fn level_of(&self, prefix: &str) -> Level {
        let start = format!("{}/{prefix}", self.bucket);
        let objects = locked(&self.buckets.objects);
        let (mut folders, mut here) = (Vec::new(), Vec::new());
        let mut from = start.clone();
        while let Some((name, stored)) = objects.range(from.clone()..).next() {
            let Some(rest) = name.strip_prefix(&start) else { break };
            match rest.split_once('/') {
                Some((folder, _)) => {
                    folders.push(format!("{prefix}{folder}/"));
                    // What comes behind everything that begins with the folder and its slash.
                    from = format!("{start}{folder}0");
                }
                None => {
                    from = format!("{name}\0");
                    here.push(listed((name, stored)));
                }
            }
        }
        Level { folders, objects: here }
    }

    fn open_one(&self, object: &Object) -> Answer<Opened> {
        let name = object.uri.strip_prefix("s3://").unwrap_or(&object.uri);
        match locked(&self.buckets.objects).get(name) {
            Some(stored) => Ok(Opened {
                identity: stored.identity,
                body: Body::Whole(stored.bytes.clone()),
                metadata: Vec::new(),
            }),
            None => {
                let why = io::Error::new(io::ErrorKind::NotFound, "it is not there");
                Err(Failure::new(format!("read {}", object.uri), why))
            }
        }
    }
}

fn listed((name, stored): (&String, &Stored)) -> Object {
    Object {
        uri: format!("s3://{name}"),
        size: stored.bytes.len() as u64,
        modified: stored.modified,
        identity: Some(stored.identity),
    }
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
        Box::pin(
            async move { self.buckets.faults.call("list a level", || Ok(self.level_of(prefix))) },
        )
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
