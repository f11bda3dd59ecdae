//! Objects in memory, whose bodies may break off.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use wk_model::{Sha256, Timestamp};

use super::{Faults, locked};
use crate::objects::{Body, Listing, Object, Objects, Opened, Pages, Unpack, Unpacked};
use crate::{Answer, Failure, Future};

/// An object of a [`MemoryObjects`].
#[derive(Debug, Clone)]
pub struct Given {
    /// Where it lies.
    pub uri: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// When it was written.
    pub modified: Timestamp,
    /// How reading it ends. Objects that do not end well are streamed whatever their size.
    pub ending: Ending,
    /// How often it ends that way before it is well; `None` is for ever.
    pub heals_after: Option<u32>,
    /// Whether its identity is known before it is opened, as in S3.
    pub identity_listed: bool,
}

/// How reading an object ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At its end.
    Well,
    /// The way to it breaks off after so many bytes.
    BreaksOff(usize),
    /// It cannot be opened.
    Closed,
    /// Its packing is damaged after so many bytes.
    Damaged(usize),
}

/// A place that holds objects in memory, in the order in which they were given.
#[derive(Debug)]
pub struct MemoryObjects {
    given: Vec<Mutex<Given>>,
    faults: Arc<Faults>,
}

impl Given {
    /// An object that is read to its end.
    pub fn new(uri: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let (uri, bytes) = (uri.into(), bytes.into());
        let modified = MemoryObjects::MODIFIED;
        Self {
            uri,
            bytes,
            modified,
            ending: Ending::Well,
            heals_after: None,
            identity_listed: false,
        }
    }

    /// What makes it the same object.
    pub fn identity(&self) -> Sha256 {
        let parts: [&[u8]; 2] = [self.uri.as_bytes(), &self.bytes];
        if self.identity_listed { Sha256::of_parts(&parts) } else { Sha256::of(&self.bytes) }
    }

    /// How it ends this time.
    fn take_ending(&mut self) -> Ending {
        let ending = self.ending;
        if let (true, Some(left)) = (ending != Ending::Well, &mut self.heals_after) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.ending = Ending::Well;
            }
        }
        ending
    }
}

impl MemoryObjects {
    /// When an object was written, unless it says otherwise.
    pub const MODIFIED: Timestamp = Timestamp::from_seconds(1_708_000_000);

    /// A place with these objects.
    pub fn new(given: Vec<Given>, faults: Arc<Faults>) -> Self {
        Self { given: given.into_iter().map(Mutex::new).collect(), faults }
    }

    fn list_all(&self) -> Listing {
        let objects = self.given.iter().map(|given| {
            let given = locked(given);
            Object {
                uri: given.uri.clone(),
                size: given.bytes.len() as u64,
                modified: given.modified,
                identity: given.identity_listed.then(|| given.identity()),
            }
        });
        let objects: Vec<Object> = objects.collect();
        Listing {
            objects: objects.len() as u64,
            bytes: objects.iter().map(|object| object.size).sum(),
            pages: Box::new(MemoryPages(objects.into_iter())),
        }
    }

    fn open_one(&self, uri: &str, whole_max: u64) -> Answer<Opened> {
        let failed = |why: &str| Failure::new(format!("read {uri}"), why);
        let given = self.given.iter().find(|given| locked(given).uri == uri);
        let mut given = locked(given.ok_or_else(|| failed("it is not there"))?);
        let ending = given.take_ending();
        let (identity, bytes) = (given.identity(), given.bytes.clone());
        let stream = |cut: usize, end: Option<io::ErrorKind>| {
            let bytes = io::Cursor::new(bytes.iter().copied().take(cut).collect());
            Body::Stream(Box::new(Stream { bytes, end }))
        };
        let body = match ending {
            Ending::Closed => return Err(failed("it is closed")),
            Ending::BreaksOff(at) => stream(at, Some(io::ErrorKind::ConnectionReset)),
            Ending::Damaged(at) => stream(at, Some(io::ErrorKind::InvalidData)),
            Ending::Well if bytes.len() as u64 > whole_max => stream(usize::MAX, None),
            Ending::Well => Body::Whole(bytes),
        };
        Ok(Opened { identity, body, metadata: Vec::new() })
    }
}

/// Short pages, so that few objects make several.
struct MemoryPages(std::vec::IntoIter<Object>);

impl Pages for MemoryPages {
    fn next(&mut self) -> Future<'_, Answer<Option<Vec<Object>>>> {
        let page: Vec<Object> = self.0.by_ref().take(3).collect();
        Box::pin(std::future::ready(Ok((!page.is_empty()).then_some(page))))
    }
}

impl Objects for MemoryObjects {
    fn list(&self) -> Future<'_, Answer<Listing>> {
        Box::pin(async move { self.faults.call("list the objects", || Ok(self.list_all())) })
    }

    fn open<'a>(&'a self, object: &'a Object, whole_max: u64) -> Future<'a, Answer<Opened>> {
        Box::pin(async move { self.open_one(&object.uri, whole_max) })
    }
}

struct Stream {
    bytes: io::Cursor<Vec<u8>>,
    end: Option<io::ErrorKind>,
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match (self.bytes.read(buf)?, self.end) {
            (0, Some(kind)) if !buf.is_empty() => Err(kind.into()),
            (n, _) => Ok(n),
        }
    }
}

/// Takes nothing apart: every object is what it holds.
#[derive(Debug, Default)]
pub struct PlainUnpack;

impl PlainUnpack {
    /// One for a worker.
    pub fn boxed() -> Box<dyn Unpack> {
        Box::new(Self)
    }
}

impl Unpack for PlainUnpack {
    fn unpack(&mut self, body: Body, _: &mut Vec<u8>) -> io::Result<Unpacked> {
        Ok(match body {
            Body::Whole(bytes) => Unpacked::Whole(bytes),
            Body::Stream(stream) => Unpacked::Stream(stream),
        })
    }
}
