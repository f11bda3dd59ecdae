//! What was handed in, as a place to read from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use wk_model::Sha256;
use wk_seam::objects::{Body, Listing, Object, Objects, Opened, Pages};
use wk_seam::{Answer, Failure, Future};

/// Something that is to be read.
#[derive(Clone)]
pub struct Item {
    /// What it is called, how large it is and when it was written.
    pub object: Object,
    /// Where its content is.
    pub content: Content,
}

/// Where the content of something is that was handed in.
#[derive(Clone)]
pub enum Content {
    /// In a place.
    In(Arc<dyn Objects>),
    /// Here.
    Here(Arc<Vec<u8>>),
    /// There is none, for this reason: it is filed as a complaint.
    None(String),
}

impl Item {
    /// A text that is a record, or holds some. What makes it the same is `identity`.
    pub fn text(
        uri: String,
        text: String,
        modified: wk_model::Timestamp,
        identity: Sha256,
    ) -> Self {
        let size = text.len() as u64;
        let object = Object { uri, size, modified, identity: Some(identity) };
        Self { object, content: Content::Here(Arc::new(text.into_bytes())) }
    }

    /// Something that cannot be read, to be filed as a complaint. It is filed once for an identity.
    pub fn complaint(
        uri: String,
        why: String,
        modified: wk_model::Timestamp,
        identity: Sha256,
    ) -> Self {
        let object = Object { uri, size: 0, modified, identity: Some(identity) };
        Self { object, content: Content::None(why) }
    }
}

/// Items as a place. Each is there once, however often it was handed in.
pub(super) struct Handed {
    items: BTreeMap<String, Item>,
    /// What could not be opened and will not be opened by trying again.
    lost_for_good: Mutex<BTreeSet<String>>,
    /// What was named and is not there.
    missing: Mutex<BTreeSet<String>>,
}

impl Handed {
    pub(super) fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Self {
        let items = items.map(|item| (item.object.uri.clone(), item.clone())).collect();
        Self { items, lost_for_good: Mutex::default(), missing: Mutex::default() }
    }

    /// Whether trying again may help.
    pub(super) fn may_pass(&self, uri: &str) -> bool {
        !lock(&self.lost_for_good).contains(uri)
    }

    /// What was named and is not there: it is filed as a complaint.
    pub(super) fn missing(&self) -> BTreeSet<String> {
        lock(&self.missing).clone()
    }

    async fn open_one(&self, object: &Object, whole_max: u64) -> Answer<Opened> {
        let Some(item) = self.items.get(&object.uri) else {
            return Err(Failure::new(format!("read {}", object.uri), "it was not handed in"));
        };
        let identity = object.identity;
        match &item.content {
            Content::Here(bytes) => Ok(Opened {
                identity: identity.unwrap_or_else(|| Sha256::of(bytes)),
                body: Body::Whole(bytes.as_ref().clone()),
                metadata: Vec::new(),
            }),
            Content::None(why) => Ok(nothing(identity, &object.uri, why)),
            Content::In(place) => match place.open(object, whole_max).await {
                Err(failure) if failure.is_missing() => {
                    lock(&self.missing).insert(object.uri.clone());
                    let why =
                        "the object was named and is not there: it was removed before it was read";
                    Ok(nothing(None, &object.uri, why))
                }
                Err(failure) => {
                    if !failure.transient {
                        lock(&self.lost_for_good).insert(object.uri.clone());
                    }
                    Err(failure)
                }
                opened => opened,
            },
        }
    }
}

impl Objects for Handed {
    fn list(&self) -> Future<'_, Answer<Listing>> {
        let objects: Vec<Object> = self.items.values().map(|item| item.object.clone()).collect();
        let bytes = objects.iter().map(|object| object.size).sum();
        let pages = Box::new(Page(Some(objects).filter(|objects| !objects.is_empty())));
        let listing = Listing { objects: self.items.len() as u64, bytes, pages };
        Box::pin(std::future::ready(Ok(listing)))
    }

    fn open<'a>(&'a self, object: &'a Object, whole_max: u64) -> Future<'a, Answer<Opened>> {
        Box::pin(self.open_one(object, whole_max))
    }
}

/// All there is, in one page: what is handed in at a time is bounded.
struct Page(Option<Vec<Object>>);

impl Pages for Page {
    fn next(&mut self) -> Future<'_, Answer<Option<Vec<Object>>>> {
        Box::pin(std::future::ready(Ok(self.0.take())))
    }
}

/// An object that is opened and turns out to be damaged from its first byte: whoever reads it files
/// a complaint with this reason, in the commit's own transaction.
fn nothing(identity: Option<Sha256>, uri: &str, why: &str) -> Opened {
    let identity = identity.unwrap_or_else(|| Sha256::of_parts(&[b"missing", uri.as_bytes()]));
    let body = Body::Stream(Box::new(Nothing(why.to_owned())));
    Opened { identity, body, metadata: Vec::new() }
}

struct Nothing(String);

impl Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidData, self.0.clone()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
