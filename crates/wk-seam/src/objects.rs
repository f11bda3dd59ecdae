//! Objects to be read: files on disk and objects in S3.

use std::io::Read;

use wk_model::{Sha256, Timestamp};

use crate::{Answer, Future};

/// An object that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it lies: a path or `s3://bucket/key`.
    pub uri: String,
    /// Its size in bytes, as it lies there.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// What makes it the same object; `None` where only its content can tell.
    pub identity: Option<Sha256>,
}

/// The content of an object.
pub enum Body {
    /// All of it, for objects up to the size that was asked for.
    Whole(Vec<u8>),
    /// A stream, for larger ones.
    Stream(Box<dyn Read + Send>),
}

/// An opened object.
pub struct Opened {
    /// What makes it the same object wherever it lies: for files the SHA-256 of the content, for
    /// S3 the digest of bucket, key and ETag.
    pub identity: Sha256,
    /// The content.
    pub body: Body,
    /// Metadata of the object that travels with it (`x-amz-meta-signature` of digest files, …).
    pub metadata: Vec<(String, String)>,
}

/// The objects of a place, in the order in which they are best read: by the day that their key
/// names, then by key. There may be millions, so they come in pages.
pub struct Listing {
    /// How many objects there are.
    pub objects: u64,
    /// Bytes of all objects, as they lie there.
    pub bytes: u64,
    /// The objects.
    pub pages: Box<dyn Pages>,
}

/// Pages of a listing. At most a few of them are in memory at a time.
pub trait Pages: Send {
    /// The next page, with one object at least; `None` after the last one.
    fn next(&mut self) -> Future<'_, Answer<Option<Vec<Object>>>>;
}

/// A place that holds objects.
pub trait Objects: Send + Sync {
    /// All objects under this place. What cannot be listed is a failure, never an empty list.
    fn list(&self) -> Future<'_, Answer<Listing>>;
    /// Opens one. Objects larger than `whole_max` bytes are streamed.
    fn open<'a>(&'a self, object: &'a Object, whole_max: u64) -> Future<'a, Answer<Opened>>;
}

/// One bucket of a store.
pub trait Bucket: Send + Sync {
    /// The objects whose key begins with this prefix; as a place, any of the bucket's objects can be
    /// opened through it.
    fn under(&self, prefix: &str) -> std::sync::Arc<dyn Objects>;
    /// What lies directly below a prefix that ends in a slash or is empty.
    fn level<'a>(&'a self, prefix: &'a str) -> Future<'a, Answer<Level>>;
}

/// One level of a bucket, as if its keys were paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// Prefixes below, each with its slash, sorted.
    pub folders: Vec<String>,
    /// Objects that lie here.
    pub objects: Vec<Object>,
}

/// The buckets that a name can mean.
pub trait Buckets: Send + Sync {
    /// The bucket of this name; `region` is what a message says of it, if anything.
    ///
    /// # Errors
    /// If it may not be read or cannot be reached.
    fn bucket<'a>(
        &'a self,
        name: &'a str,
        region: Option<&'a str>,
    ) -> Future<'a, Answer<std::sync::Arc<dyn Bucket>>>;
}

/// What an object holds once it is unpacked.
pub enum Unpacked {
    /// All of it is in the buffer that was lent.
    InBuffer,
    /// All of it.
    Whole(Vec<u8>),
    /// A stream. It ends with an error where the packing is damaged or beyond its limits; what
    /// came before counts.
    Stream(Box<dyn Read + Send>),
}

/// Takes gzip and Parquet apart, within limits. Other content passes as it is.
pub trait Unpack: Send {
    /// Unpacks a body; `buffer` is lent for the content of small ones.
    fn unpack(&mut self, body: Body, buffer: &mut Vec<u8>) -> std::io::Result<Unpacked>;
}
