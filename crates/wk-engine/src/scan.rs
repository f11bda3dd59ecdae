//! Rules over objects, without a lake: every record counts, and nothing is kept.
//!
//! One thread and a window of memory, whatever the input.

use std::sync::Arc;

use wk_lang::json::Value;
use wk_model::Row;
use wk_seam::Answer;
use wk_seam::objects::{Object, Objects, Unpack};
use wk_watch::detect::Detections;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

use crate::windows::{self, Unread, WINDOW_BYTES, chain};

/// Runs rules over objects.
pub struct Scan<'a> {
    /// The rules.
    pub detections: &'a Detections,
    /// What the user says about logs that do not describe themselves.
    pub settings: &'a Settings,
    /// The user's word on what the objects are.
    pub source: Option<&'static Source>,
    /// Makes what takes packings apart.
    pub unpack: fn() -> Box<dyn Unpack>,
    /// Objects up to this size are held whole.
    pub whole_bytes: u64,
    /// A record beyond this is a complaint.
    pub record_bytes: usize,
}

/// What a scan saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Objects that were read to their end.
    pub objects: u64,
    /// Objects that could not be read, and why.
    pub failed: Vec<(String, String)>,
    /// Records that were read.
    pub records: u64,
    /// Stretches that are no records: object, position, reason; the first thousand.
    pub complaints: Vec<(String, u64, String)>,
    /// How many complaints there were.
    pub complaint_count: u64,
    /// Matches of each rule, in the order of the rules.
    pub matches: Vec<u64>,
}

/// How many complaints are listed.
const COMPLAINTS_MAX: usize = 1000;

impl Scan<'_> {
    /// Reads every object of these places.
    ///
    /// # Errors
    /// If a place cannot be listed.
    pub async fn run(&self, places: &[Arc<dyn Objects>]) -> Answer<Scanned> {
        let mut seen = Seen {
            detections: self.detections,
            matching: Vec::new(),
            object: String::new(),
            scanned: Scanned {
                matches: vec![0; self.detections.rules().len()],
                ..Scanned::default()
            },
        };
        let mut unpack = (self.unpack)();
        let mut buffer = Vec::new();
        for place in places {
            let mut listing = place.list().await?;
            while let Some(page) = listing.pages.next().await? {
                for object in page {
                    self.object(&**place, object, &mut *unpack, &mut buffer, &mut seen).await?;
                }
            }
        }
        Ok(seen.scanned)
    }

    async fn object(
        &self,
        place: &dyn Objects,
        object: Object,
        unpack: &mut dyn Unpack,
        buffer: &mut Vec<u8>,
        seen: &mut Seen<'_>,
    ) -> Answer<()> {
        seen.object.clone_from(&object.uri);
        let opened = match place.open(&object, self.whole_bytes).await {
            Ok(opened) => opened,
            Err(failure) => {
                seen.scanned.failed.push((object.uri, chain(&failure)));
                return Ok(());
            }
        };
        let metadata = &opened.metadata;
        let facts = ObjectFacts { uri: &object.uri, modified: object.modified, metadata };
        let mut reader = Reader::new(facts, self.settings, self.source, self.record_bytes);
        let unpacked = unpack.unpack(opened.body, buffer);
        let ended = windows::each(unpacked, buffer, WINDOW_BYTES, &mut |window, at_end| {
            Ok(reader.read(window, at_end, seen))
        })?;
        match ended {
            Ok(()) => seen.scanned.objects += 1,
            Err(Unread::Damaged(why)) => {
                seen.scanned.objects += 1;
                seen.refuse("unknown", 0, &why, b"");
            }
            Err(Unread::Unreachable(error)) => {
                seen.scanned.failed.push((object.uri, chain(&error)));
            }
        }
        Ok(())
    }
}

struct Seen<'a> {
    detections: &'a Detections,
    matching: Vec<usize>,
    object: String,
    scanned: Scanned,
}

impl Seen<'_> {
    fn count(&mut self) {
        self.scanned.records += 1;
        for rule in &self.matching {
            self.scanned.matches[*rule] += 1;
        }
    }
}

impl Sink for Seen<'_> {
    fn wants_row(&mut self, source: &'static Source, record: Value<'_>) -> bool {
        self.detections.matches(source, record, &mut self.matching);
        self.count();
        false
    }

    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, _: u64) {
        self.detections.matches_row(source, &row, &mut self.matching);
        self.count();
    }

    fn refuse(&mut self, _: &str, at: u64, reason: &str, _: &[u8]) {
        self.scanned.complaint_count += 1;
        if self.scanned.complaints.len() < COMPLAINTS_MAX {
            self.scanned.complaints.push((self.object.clone(), at, reason.to_owned()));
        }
    }
}
