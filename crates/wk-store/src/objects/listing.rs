//! Listings in reading order that take little memory, whatever their length.
//!
//! Objects are sorted in runs. All but the last run lie in a temporary file without a name, each
//! key without what it shares with the one before: some hundred bytes an object. The runs are
//! merged page by page, so that a million long keys take no more memory than a hundred thousand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use wk_model::{Day, Sha256, Timestamp};
use wk_seam::objects::{Listing, Object, Pages};
use wk_seam::{Answer, Failure, Future};

use super::{day_in, in_reading_order};

/// Objects that are sorted in memory: some ten megabytes.
const RUN_OBJECTS: usize = 1 << 15;
/// Objects of a page.
const PAGE_OBJECTS: usize = 1000;
/// What is read of a run at a time. A hundred million objects make 3,052 runs: 50 MB.
const READ_BYTES: usize = 16 << 10;

/// Takes objects in any order and gives them back in reading order.
pub(super) struct Sorter {
    run_objects: usize,
    /// The run that is being filled.
    run: Vec<Object>,
    file: Option<BufWriter<File>>,
    /// Where each run of the file ends.
    ends: Vec<u64>,
    objects: u64,
    bytes: u64,
}

impl Default for Sorter {
    fn default() -> Self {
        Self::with_runs_of(RUN_OBJECTS)
    }
}

impl Sorter {
    fn with_runs_of(run_objects: usize) -> Self {
        Self { run_objects, run: Vec::new(), file: None, ends: Vec::new(), objects: 0, bytes: 0 }
    }

    /// Takes an object.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub(super) fn add(&mut self, object: Object) -> Answer<()> {
        if self.run.len() == self.run_objects {
            self.put_aside().map_err(|e| kept("write", e))?;
        }
        self.objects += 1;
        self.bytes += object.size;
        self.run.push(object);
        Ok(())
    }

    /// All objects in reading order.
    ///
    /// # Errors
    /// If the temporary file cannot be written or read.
    pub(super) fn finish(mut self) -> Answer<Listing> {
        in_reading_order(&mut self.run);
        let mut merged = Merged { runs: Vec::new(), heads: BinaryHeap::new() };
        if let Some(file) = self.file {
            let file = file.into_inner().map_err(|e| kept("write", e.into_error()))?;
            let file = Arc::new(file);
            let starts = std::iter::once(0).chain(self.ends.iter().copied());
            for (at, end) in starts.zip(self.ends.iter().copied()) {
                let slice = Slice { file: file.clone(), at, end };
                let reader = BufReader::with_capacity(READ_BYTES, slice);
                merged.runs.push(Run::Aside { reader, left: self.run_objects, uri: Vec::new() });
            }
        }
        merged.runs.push(Run::Held(self.run.into_iter()));
        for run in 0..merged.runs.len() {
            merged.take_head(run).map_err(|e| kept("read", e))?;
        }
        Ok(Listing { objects: self.objects, bytes: self.bytes, pages: Box::new(merged) })
    }

    /// Sorts the run and writes it to the file.
    fn put_aside(&mut self) -> io::Result<()> {
        in_reading_order(&mut self.run);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => BufWriter::with_capacity(1 << 18, tempfile::tempfile()?),
        };
        let mut end = self.ends.last().copied().unwrap_or(0);
        let mut before: &[u8] = b"";
        for object in &self.run {
            end += write(&mut file, before, object)?;
            before = object.uri.as_bytes();
        }
        self.ends.push(end);
        self.file = Some(file);
        self.run.clear();
        Ok(())
    }
}

fn kept(verb: &str, error: io::Error) -> Failure {
    Failure::new(format!("{verb} the list of objects that is kept in a temporary file"), error)
}

/// Writes an object whose key follows `before`. Answers how many bytes it took.
fn write(file: &mut impl io::Write, before: &[u8], object: &Object) -> io::Result<u64> {
    let uri = object.uri.as_bytes();
    let shared = before.iter().zip(uri).take_while(|(a, b)| a == b).count();
    let rest = &uri[shared..];
    let identity = object.identity.as_ref().map_or(&[][..], |identity| &identity.0);
    for length in [shared, rest.len(), identity.len()] {
        file.write_all(&u32::try_from(length).map_err(io::Error::other)?.to_le_bytes())?;
    }
    file.write_all(&object.size.to_le_bytes())?;
    file.write_all(&object.modified.micros().to_le_bytes())?;
    file.write_all(rest)?;
    file.write_all(identity)?;
    Ok((3 * 4 + 2 * 8 + rest.len() + identity.len()) as u64)
}

/// A part of a file that others read too.
struct Slice {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Slice {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = buf.len().min(left);
        let n = self.file.read_at(&mut buf[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Sorted objects.
enum Run {
    Held(std::vec::IntoIter<Object>),
    Aside {
        reader: BufReader<Slice>,
        left: usize,
        /// The key that was read last.
        uri: Vec<u8>,
    },
}

impl Run {
    fn next(&mut self) -> io::Result<Option<Object>> {
        let (reader, left, uri) = match self {
            Self::Held(objects) => return Ok(objects.next()),
            Self::Aside { left: 0, .. } => return Ok(None),
            Self::Aside { reader, left, uri } => (reader, left, uri),
        };
        *left -= 1;
        let [shared, rest, identity] = [number(reader)?, number(reader)?, number(reader)?];
        let size = u64::from_le_bytes(bytes(reader)?);
        let modified = Timestamp::from_micros(i64::from_le_bytes(bytes(reader)?));
        uri.truncate(shared as usize);
        reader.take(u64::from(rest)).read_to_end(uri)?;
        let identity = if identity > 0 { Some(Sha256(bytes(reader)?)) } else { None };
        let uri = String::from_utf8(uri.clone()).map_err(io::Error::other)?;
        Ok(Some(Object { uri, size, modified, identity }))
    }
}

fn number(reader: &mut impl Read) -> io::Result<u32> {
    bytes(reader).map(u32::from_le_bytes)
}

fn bytes<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map(|()| bytes)
}

/// Runs that become one list.
struct Merged {
    runs: Vec<Run>,
    /// The next object of each run: day, key, run, and what else is known of it.
    heads: BinaryHeap<Reverse<Head>>,
}

/// In the order of its fields.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    day: Option<Day>,
    uri: String,
    run: usize,
    size: u64,
    modified: Timestamp,
    identity: Option<Sha256>,
}

impl Merged {
    fn take_head(&mut self, run: usize) -> io::Result<()> {
        let Some(Object { uri, size, modified, identity }) = self.runs[run].next()? else {
            return Ok(());
        };
        self.heads.push(Reverse(Head { day: day_in(&uri), uri, run, size, modified, identity }));
        Ok(())
    }

    fn page(&mut self) -> io::Result<Option<Vec<Object>>> {
        let mut page = Vec::with_capacity(PAGE_OBJECTS);
        while page.len() < PAGE_OBJECTS {
            let Some(Reverse(head)) = self.heads.pop() else { break };
            let Head { uri, run, size, modified, identity, .. } = head;
            page.push(Object { uri, size, modified, identity });
            self.take_head(run)?;
        }
        Ok((!page.is_empty()).then_some(page))
    }
}

impl Pages for Merged {
    fn next(&mut self) -> Future<'_, Answer<Option<Vec<Object>>>> {
        let page = self.page().map_err(|e| kept("read", e));
        Box::pin(std::future::ready(page))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;

    fn all(mut listing: Listing) -> Vec<Object> {
        let mut all = Vec::new();
        while let Some(page) = block_on(listing.pages.next()).unwrap() {
            assert!(!page.is_empty() && page.len() <= PAGE_OBJECTS);
            all.extend(page);
        }
        all
    }

    fn sorted(runs_of: usize, given: &[Object]) -> Listing {
        let mut sorter = Sorter::with_runs_of(runs_of);
        given.iter().for_each(|object| sorter.add(object.clone()).unwrap());
        sorter.finish().unwrap()
    }

    fn object() -> impl Strategy<Value = Object> {
        let key = "(AWSLogs/)?[12]/(2024/0[12]/1[0-3]/)?[aé]{0,3}(x{0,300})";
        (key, any::<u64>(), any::<i64>(), any::<Option<[u8; 32]>>()).prop_map(
            |(uri, size, modified, identity)| Object {
                uri,
                size: size >> 8,
                modified: Timestamp::from_micros(modified),
                identity: identity.map(Sha256),
            },
        )
    }

    proptest! {
        #[test]
        fn runs_that_are_put_aside_come_back_in_reading_order(
            given in prop::collection::vec(object(), 0..60),
            runs_of in 1usize..70,
        ) {
            let listing = sorted(runs_of, &given);
            prop_assert_eq!(listing.objects, given.len() as u64);
            prop_assert_eq!(listing.bytes, given.iter().map(|o| o.size).sum::<u64>());
            let (mut expected, mut listed) = (given, all(listing));
            // Objects of one key are alike in nothing else; which of them is first means nothing.
            let whole = |o: &Object| (day_in(&o.uri), o.uri.clone(), o.size, o.modified, o.identity);
            let keys = |all: &[Object]| all.iter().map(|o| o.uri.clone()).collect::<Vec<_>>();
            in_reading_order(&mut expected);
            prop_assert_eq!(keys(&listed), keys(&expected));
            expected.sort_by_key(whole);
            listed.sort_by_key(whole);
            prop_assert_eq!(listed, expected);
        }
    }

    #[test]
    fn a_long_list_comes_in_pages() {
        let object = |n: usize| Object {
            uri: format!("b/2024/01/{:02}/{n}", n % 28 + 1),
            size: 1,
            modified: Timestamp::default(),
            identity: None,
        };
        let given: Vec<Object> = (0..2500).rev().map(object).collect();
        let mut listing = sorted(700, &given);
        let first = block_on(listing.pages.next()).unwrap().unwrap();
        assert_eq!((first.len(), listing.objects), (1000, 2500));
        assert_eq!(all(listing).len(), 1500);
    }
}
