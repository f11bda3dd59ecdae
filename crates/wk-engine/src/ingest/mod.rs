//! Ingest: objects in, one commit after another out.
//!
//! * An object is the atom: all its records become visible in one commit, or none.
//! * `read = stored + duplicates + complaints`, for every source of every object.
//! * Killed at any moment, it has lost nothing and doubled nothing: what was not committed is read
//!   again, what was committed is known by the object's identity and the events' ids.
//! * A record is called a duplicate only where the event is true already, or becomes true in the
//!   same commit: see [`sealed`].
//! * Memory is bounded whatever the input: see [`Limits`].

mod arrivals;
mod batch;
mod claims;
mod live;
mod sealed;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;
use wk_model::{Sha256, Tally, Timestamp};
use wk_seam::clock::Clock;
use wk_seam::lake::Lake;
use wk_seam::ledger::Ledger;
use wk_seam::objects::{Body, Listing, Object, Objects, Opened, Unpack};
use wk_seam::{Answer, Failure};
use wk_watch::detect::Detections;
use wk_watch::sources::{Settings, Source};

use crate::windows::WINDOW_BYTES;
use batch::Batch;
pub use batch::as_refused;
use claims::Claims;
use live::Live;
use sealed::Sealed;

/// Reads objects into the lake.
#[derive(Clone)]
pub struct Ingest {
    /// Where events go.
    pub lake: Arc<dyn Lake>,
    /// What makes them true.
    pub ledger: Arc<dyn Ledger>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Makes what takes packings apart, one for each worker.
    pub unpack: fn() -> Box<dyn Unpack>,
    /// The rules that run over every new event.
    pub detections: Arc<Detections>,
    /// What the user says about logs that do not describe themselves.
    pub settings: Settings,
    /// The user's word on what the objects are.
    pub source: Option<&'static Source>,
    /// A name for this process that no other has.
    pub writer: String,
    /// Limits.
    pub limits: Limits,
}

/// Limits of an ingest.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Threads that read and write.
    pub workers: usize,
    /// Objects that are fetched at a time.
    pub fetches: usize,
    /// Objects up to this size are held whole; larger ones are streamed.
    pub whole_bytes: u64,
    /// A record beyond this is a complaint.
    pub record_bytes: usize,
    /// How much of a streamed object is looked at at a time.
    pub window_bytes: usize,
    /// Rows of about so many bytes are held by each worker before they are written.
    pub batch_bytes: usize,
    /// A commit comes at most so many seconds after its first record.
    pub commit_seconds: i64,
    /// An event received at most so many seconds after it happened is live.
    pub live_seconds: i64,
    /// An event delivered more than so many seconds before its source's watch began is history: a
    /// first load.
    pub first_load_seconds: i64,
    /// The user's word that all of it is history.
    pub all_history: bool,
    /// Complaints kept of one object; more are counted in a last one.
    pub complaints_per_object: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 2,
            fetches: 16,
            whole_bytes: 2 << 20,
            record_bytes: 16 << 20,
            window_bytes: WINDOW_BYTES,
            batch_bytes: 32 << 20,
            commit_seconds: 5,
            live_seconds: 24 * 3600,
            first_load_seconds: 3600,
            all_history: false,
            complaints_per_object: 1000,
        }
    }
}

/// What an ingest did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects that were read to their end.
    pub objects_read: u64,
    /// Objects that had been read before.
    pub objects_skipped: u64,
    /// Objects that could not be opened or read; nothing of them is in the lake.
    pub objects_failed: Vec<(String, String)>,
    /// Records by source.
    pub sources: BTreeMap<String, Tally>,
    /// Complaints about records that were stored all the same.
    pub notes: u64,
    /// Bytes of the objects that were read, as they lay there.
    pub bytes: u64,
    /// Commits that were made.
    pub commits: u64,
    /// Commits that another process overtook and that were done again.
    pub overtaken: u64,
    /// Sightings that went into findings.
    pub sightings: u64,
    /// Keys and values of events with long lists that rules over several events did not look at.
    pub left_out: u64,
}

impl Report {
    /// All sources together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.sources.values().for_each(|t| total.add(*t));
        total
    }
}

/// How far an ingest is: read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of all objects, as they lie there.
    pub bytes_total: AtomicU64,
    /// Bytes that are done with.
    pub bytes_done: AtomicU64,
    /// Objects that are done with.
    pub objects_done: AtomicU64,
    /// Records read.
    pub records: AtomicU64,
}

/// What the workers share.
struct Shared<'a> {
    ingest: &'a Ingest,
    places: &'a [Arc<dyn Objects>],
    claims: Claims,
    live: Live,
    /// Batches that wait to become true.
    sealed: tokio::sync::Mutex<Sealed>,
    /// Objects that must be read again, because their batch was given up.
    again: Mutex<Vec<Listed>>,
    /// The number of the next batch.
    next_batch: AtomicU64,
    progress: &'a Progress,
    report: Mutex<Report>,
    /// Identities of objects that this process has fetched and not yet committed.
    reading: Mutex<std::collections::HashSet<Sha256>>,
    /// Set when a worker failed: the others end too.
    stopped: AtomicBool,
}

/// An object, and in which of the places it lies.
type Listed = (usize, Object);

/// Objects that are to be read.
enum Waiting {
    /// All objects of the places.
    Listed(VecDeque<(usize, Listing)>),
    /// Objects whose batch was given up: no more than the batches of all workers held.
    Again(Vec<Listed>),
}

impl Waiting {
    async fn next_page(&mut self) -> Answer<Option<Vec<Listed>>> {
        let listings = match self {
            Self::Listed(listings) => listings,
            Self::Again(again) => {
                return Ok(Some(std::mem::take(again)).filter(|again| !again.is_empty()));
            }
        };
        while let Some((place, listing)) = listings.front_mut() {
            if let Some(page) = listing.pages.next().await? {
                let place = *place;
                return Ok(Some(page.into_iter().map(|object| (place, object)).collect()));
            }
            listings.pop_front();
        }
        Ok(None)
    }
}

/// An object on its way to a worker.
struct Fetched {
    place: usize,
    object: Object,
    opened: Answer<Opened>,
}

impl Ingest {
    /// The same with other rules.
    #[must_use]
    pub fn with_rules(&self, detections: Arc<Detections>) -> Self {
        Self { detections, ..self.clone() }
    }

    /// Reads every object of these places that was not read before.
    ///
    /// # Errors
    /// If a place cannot be listed, or lake or ledger fail: then what was committed stays, and the
    /// next run goes on from there. An object that cannot be read is in the report.
    pub async fn run(&self, places: &[Arc<dyn Objects>], progress: &Progress) -> Answer<Report> {
        let mut listings = VecDeque::with_capacity(places.len());
        for (place, objects) in places.iter().enumerate() {
            let listing = objects.list().await?;
            progress.bytes_total.fetch_add(listing.bytes, Ordering::Relaxed);
            listings.push_back((place, listing));
        }
        let limits = &self.limits;
        let begun = self.ledger.feeds_begun().await?;
        let live =
            Live::new(limits.live_seconds, limits.first_load_seconds, begun, self.clock.now())
                .history(limits.all_history);
        let shared = Shared {
            ingest: self,
            places,
            claims: Claims::default(),
            live,
            sealed: tokio::sync::Mutex::default(),
            again: Mutex::default(),
            next_batch: AtomicU64::default(),
            progress,
            report: Mutex::default(),
            reading: Mutex::default(),
            stopped: AtomicBool::new(false),
        };
        let mut again = shared.read_all(Waiting::Listed(listings)).await?;
        // Each round, some process has committed or an object has failed for good.
        while !again.is_empty() {
            again = shared.read_all(Waiting::Again(again)).await?;
        }
        Ok(shared.report.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared<'_> {
    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.ingest.clock.now()
    }

    /// Leaves out the objects of a page whose identity is known before they are opened.
    async fn leave_out_known(&self, mut page: Vec<Listed>) -> Answer<Vec<Listed>> {
        let identities: Vec<Sha256> = page.iter().filter_map(|(_, o)| o.identity).collect();
        let mut known = self.known(&identities).await?.into_iter();
        page.retain(|(_, object)| {
            let skip = object.identity.is_some() && known.next() == Some(true);
            if skip {
                self.skipped(object.size);
            }
            !skip
        });
        Ok(page)
    }

    /// For each identity, whether the object needs no reading: it was read to its end, or no source
    /// knew it and the user says nothing new about it.
    async fn known(&self, identities: &[Sha256]) -> Answer<Vec<bool>> {
        let ledger = &self.ingest.ledger;
        let mut known = ledger.objects_known(identities).await?;
        if self.ingest.source.is_none() {
            let refused: Vec<Sha256> = identities.iter().map(batch::as_refused).collect();
            let refused = ledger.objects_known(&refused).await?;
            known.iter_mut().zip(refused).for_each(|(known, refused)| *known |= refused);
        }
        Ok(known)
    }

    /// An empty batch with a number of its own.
    fn next_batch(&self) -> Batch {
        Batch::new(self.next_batch.fetch_add(1, Ordering::Relaxed))
    }

    fn skipped(&self, bytes: u64) {
        self.report().objects_skipped += 1;
        self.done(bytes);
    }

    fn done(&self, bytes: u64) {
        self.progress.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        self.progress.objects_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Fetches objects ahead of the workers that read them. Answers those that must be read again:
    /// another process overtook their commit, or their batch leaned on one that was given up.
    async fn read_all(&self, waiting: Waiting) -> Answer<Vec<Listed>> {
        let (send, receive) = mpsc::channel::<Fetched>(self.ingest.limits.fetches);
        let receive = Arc::new(tokio::sync::Mutex::new(receive));
        let runtime = tokio::runtime::Handle::current();
        // Scoped threads: workers borrow what they share, and none outlives this call.
        let (fetched, ended) = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..self.ingest.limits.workers.max(1))
                    .map(|_| {
                        let (receive, runtime) = (receive.clone(), runtime.clone());
                        scope.spawn(move || worker::work(self, &receive, runtime))
                    })
                    .collect();
                // The channel closes when the last worker has dropped its end.
                drop(receive);
                let fetched = runtime.block_on(self.fetch_all(waiting, send));
                (fetched, workers.into_iter().map(join).collect::<Vec<_>>())
            })
        });
        ended.into_iter().collect::<Answer<()>>()?;
        fetched?;
        let stuck =
            || Failure::new("ingest", "a batch waits for one that never came; this is our mistake");
        self.take_again().await.ok_or_else(stuck)
    }

    async fn fetch_all(&self, waiting: Waiting, send: mpsc::Sender<Fetched>) -> Answer<()> {
        let limits = &self.ingest.limits;
        // A page is asked for when the one before is fetched: the list is never held whole.
        let pages = stream::try_unfold(waiting, |mut waiting| async move {
            let Some(page) = waiting.next_page().await? else { return Ok(None) };
            let page = self.leave_out_known(page).await?;
            Ok(Some((stream::iter(page.into_iter().map(Ok)), waiting)))
        });
        let fetched = pages
            .try_flatten()
            .map(|listed: Answer<Listed>| async move {
                let (place, mut object) = listed?;
                let opened = self.places[place].open(&object, limits.whole_bytes).await;
                // A message may name an object and not say how large it is.
                if let (0, Ok(Opened { body: Body::Whole(bytes), .. })) = (object.size, &opened) {
                    object.size = bytes.len() as u64;
                }
                Ok(Fetched { place, object, opened })
            })
            .buffered(limits.fetches)
            .ready_chunks(limits.fetches);
        let mut fetched = std::pin::pin!(fetched);
        while let Some(chunk) = fetched.next().await {
            let chunk = chunk.into_iter().collect::<Answer<Vec<Fetched>>>()?;
            for fetched in self.leave_out_read(chunk).await? {
                if send.send(fetched).await.is_err() {
                    return Ok(()); // every worker has ended, with an error of its own
                }
            }
        }
        Ok(())
    }

    /// Leaves out objects that are known or being read, now that every identity is known.
    async fn leave_out_read(&self, chunk: Vec<Fetched>) -> Answer<Vec<Fetched>> {
        let mut fresh = Vec::with_capacity(chunk.len());
        for fetched in chunk {
            match &fetched.opened {
                // The mark comes before the look into the ledger: whoever committed it meanwhile
                // is seen there.
                Ok(opened) if !self.mark(opened.identity) => self.skipped(fetched.object.size),
                _ => fresh.push(fetched),
            }
        }
        let identities: Vec<Sha256> =
            fresh.iter().filter_map(|f| f.opened.as_ref().ok()).map(|o| o.identity).collect();
        let mut known = self.known(&identities).await?.into_iter();
        fresh.retain(|fetched| match &fetched.opened {
            Ok(opened) if known.next() == Some(true) => {
                self.unmark(opened.identity);
                self.skipped(fetched.object.size);
                false
            }
            _ => true,
        });
        Ok(fresh)
    }

    /// Marks an object as being read by this process; `false` if it is already.
    fn mark(&self, identity: Sha256) -> bool {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).insert(identity)
    }

    fn unmark(&self, identity: Sha256) {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).remove(&identity);
    }
}

fn join(worker: std::thread::ScopedJoinHandle<'_, Answer<()>>) -> Answer<()> {
    worker.join().unwrap_or_else(|_| Err(Failure::new("ingest", Panicked)))
}

/// A worker panicked: the objects may make it panic again, so they are to be tried apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a worker panicked; this is our mistake")
    }
}

impl std::error::Error for Panicked {}
