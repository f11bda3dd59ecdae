//! Pulls from a queue: what messages name is read, what they are is stored; then they are deleted.
//!
//! * A message is deleted after its rows are committed, never before.
//! * While it is worked on it stays invisible to others. What is not deleted comes again: after a
//!   crash, and where something could not be read. So the queue's own limit on deliveries brings it
//!   to its dead letters.
//! * A message that nobody understands is filed as a complaint, once, and left to the dead letters.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc};
use wk_model::{Sha256, Timestamp};
use wk_seam::Answer;
use wk_seam::objects::{Buckets, Object};
use wk_seam::queue::{Message, Queue};
use wk_watch::messages::{self, Named, Says};
use wk_watch::selfwatch::facts::QueueFacts;

use super::handed::{Content, Item};
use super::intake::{Door, Outcome};
use super::{Post, backoff, counts};

/// How a queue is pulled from.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long one call waits for messages: 0 to 20.
    pub wait_seconds: u8,
    /// How long a message stays invisible; it is extended while it is worked on.
    pub invisible_seconds: u32,
    /// Messages that are worked on at a time.
    pub held: usize,
    /// How often what may pass is tried before the message is left to come again.
    pub tries: u32,
    /// Between two of these tries, the first time and at most.
    pub retry: (Duration, Duration),
    /// Before the queue is asked again when it answered at once that nothing is there.
    pub idle: Duration,
    /// How often its depth is asked for.
    pub depth_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            wait_seconds: 20,
            invisible_seconds: 300,
            held: 1000,
            tries: 6,
            retry: (seconds(5), seconds(120)),
            idle: Duration::from_millis(250),
            depth_every: seconds(30),
        }
    }
}

/// Messages that one call answers at most: SQS's own limit.
const MESSAGES: u8 = 10;

/// A queue that is pulled from.
pub struct QueuePull {
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// Where messages go that nobody could handle: only its depth is asked for.
    pub dead_letters: Option<Arc<dyn Queue>>,
    /// The buckets that its messages may name.
    pub buckets: Arc<dyn Buckets>,
    /// Where what was found is handed in.
    pub door: Door,
    /// How it is pulled from.
    pub limits: Limits,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// Everything that it named or was is committed: it is deleted.
    Read,
    /// It asked for nothing: it is deleted.
    Test,
    /// The same.
    Notice,
    /// Nobody understands it: a complaint is committed, and it is left.
    Poison,
    /// Something could not be read: it is left.
    Failed,
    /// The service ends before it was read: it is given back.
    Unread,
}

impl Became {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Test => "test",
            Self::Notice => "notice",
            Self::Poison => "poison",
            Self::Failed => "failed",
            Self::Unread => "unread",
        }
    }

    fn is_done(self) -> bool {
        matches!(self, Self::Read | Self::Test | Self::Notice)
    }
}

/// A message that was worked on: its id, and what became of it.
type Settled = (String, Became);

/// The newest receipt of each message that is worked on, and word that there is room for more.
#[derive(Default)]
struct Held {
    receipts: Mutex<BTreeMap<String, String>>,
    room: Notify,
}

impl Held {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pull that is under way.
struct Pulling<'a> {
    pull: &'a QueuePull,
    post: &'a Post,
    name: String,
    held: Held,
}

impl QueuePull {
    /// Pulls until it is told to stop; then it waits for what is being committed and gives back the
    /// rest.
    ///
    /// # Errors
    /// None; a queue that cannot be reached is a trouble that may pass.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let name = self.queue.name();
        let pulling = Pulling { pull: self, post, name, held: Held::default() };
        let (send, receive) = mpsc::channel(1);
        // Side by side, and none within another: a call that waits for what another call holds, such
        // as credentials that are being fetched, must not keep that one from going on.
        let pulled = async { tokio::join!(pulling.receive(send), pulling.work(receive)) };
        tokio::select! {
            _ = pulled => {}
            () = pulling.extend() => {}
            () = pulling.depth() => {}
        }
        Ok(())
    }

    /// Waits for messages; after a failure, a little longer each time.
    async fn receive(&self, post: &Post) -> Vec<Message> {
        let mut failures = 0;
        loop {
            let limits = &self.limits;
            let got = self.queue.receive(MESSAGES, limits.wait_seconds, limits.invisible_seconds);
            let wait = match got.await {
                Ok(messages) if messages.is_empty() => {
                    post.well();
                    limits.idle
                }
                Ok(messages) => {
                    post.well();
                    return messages;
                }
                Err(failure) => {
                    failures += 1;
                    post.trouble("could not receive messages", &failure.chain());
                    backoff(limits.idle * 4, Duration::from_secs(60), failures, post.name())
                }
            };
            if !post.stop.pause(wait).await {
                return Vec::new();
            }
        }
    }

    /// Works on one message until its rows are committed or it cannot be read.
    async fn work(&self, message: Message, post: &Post) -> Settled {
        let id = message.id.clone();
        let items = match messages::says(&message.body) {
            Says::Test => return (id, Became::Test),
            Says::Notice => return (id, Became::Notice),
            Says::Objects(named) => match self.items(named, message.sent).await {
                Ok(items) => items,
                Err(failure) => {
                    post.trouble("could not reach a bucket", &failure.chain());
                    return (id, Became::Failed);
                }
            },
            Says::Record(text) => {
                let (uri, identity) = self.as_object(&message, b"record");
                vec![Item::text(uri, text, message.sent, identity)]
            }
            Says::Unknown(why) => return (id, self.complain(&message, &why).await),
        };
        (id, self.read(items, post).await)
    }

    /// Hands items in until they are committed; what may pass is tried again.
    async fn read(&self, mut items: Vec<Item>, post: &Post) -> Became {
        for tried in 1.. {
            let Some(outcomes) = self.door.hand_in("queue", items.clone()).await else {
                return Became::Unread;
            };
            let (mut left, mut last, mut may_pass) = (Vec::new(), String::new(), true);
            for (item, outcome) in items.into_iter().zip(outcomes) {
                if let Outcome::Failed { why, may_pass: may } = outcome {
                    (last, may_pass) = (format!("{}: {why}", item.object.uri), may_pass && may);
                    left.push(item);
                }
            }
            if left.is_empty() {
                return Became::Read;
            }
            post.tools.teller.warn(post.name(), "an object could not be read", &last);
            if !may_pass || tried >= self.limits.tries {
                return Became::Failed;
            }
            let (first, most) = self.limits.retry;
            if !post.stop.pause(backoff(first, most, tried, &last)).await {
                return Became::Unread;
            }
            items = left;
        }
        Became::Failed
    }

    async fn items(&self, named: Vec<Named>, sent: Timestamp) -> Answer<Vec<Item>> {
        let mut items = Vec::with_capacity(named.len());
        for named in named {
            let bucket = self.buckets.bucket(&named.bucket, named.region.as_deref()).await?;
            let uri = format!("s3://{}/{}", named.bucket, named.key);
            // Which version is read is known when it is opened: the message may be old.
            let size = named.size.unwrap_or(0);
            let object = Object { uri, size, modified: sent, identity: None };
            items.push(Item { object, content: Content::In(bucket.under("")) });
        }
        Ok(items)
    }

    async fn complain(&self, message: &Message, why: &str) -> Became {
        let head: Vec<u8> = message.body.bytes().take(160).collect();
        let shown = wk_model::complaint::printable(&head);
        let why = format!("the message is not understood: {why}; it begins: {shown}");
        let (uri, identity) = self.as_object(message, b"complaint");
        let item = Item::complaint(uri, why, message.sent, identity);
        match self.door.hand_in("queue", vec![item]).await {
            Some(_) => Became::Poison,
            None => Became::Unread,
        }
    }

    /// A message as an object: the same when it is delivered again.
    fn as_object(&self, message: &Message, what: &[u8]) -> (String, Sha256) {
        let uri = format!("{}#{}", self.queue.name(), message.id);
        let identity = Sha256::of_parts(&[what, uri.as_bytes(), message.body.as_bytes()]);
        (uri, identity)
    }
}

impl Pulling<'_> {
    /// Receives messages as long as there is room for them.
    async fn receive(&self, send: mpsc::Sender<Vec<Message>>) {
        let stop = &self.post.stop;
        while !stop.requested() {
            let room = self.held.room.notified();
            if self.held.lock().len() + usize::from(MESSAGES) > self.pull.limits.held {
                tokio::select! {
                    () = stop.wait() => break,
                    () = room => continue,
                }
            }
            // What was received when the end is called stays invisible a while, and comes again.
            let got = tokio::select! {
                () = stop.wait() => break,
                got = self.pull.receive(self.post) => got,
            };
            if send.send(got).await.is_err() {
                break;
            }
        }
    }

    /// Works on messages until no more come and all are settled; gives back what was not read.
    async fn work(&self, mut receive: mpsc::Receiver<Vec<Message>>) {
        let mut work: FuturesUnordered<BoxFuture<'_, Settled>> = FuturesUnordered::new();
        let mut settling: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut open = true;
        while open || !work.is_empty() || !settling.is_empty() {
            let mut ready = (&mut work).ready_chunks(100);
            tokio::select! {
                got = receive.recv(), if open => match got {
                    Some(messages) => {
                        drop(ready);
                        for message in self.take(messages) {
                            work.push(Box::pin(self.pull.work(message, self.post)));
                        }
                    }
                    None => open = false,
                },
                Some(settled) = ready.next() => settling.push(Box::pin(self.settle(settled))),
                Some(()) = settling.next() => {}
            }
        }
        self.give_back().await;
    }

    /// The messages that are not worked on yet. One that is only brings a newer receipt.
    fn take(&self, messages: Vec<Message>) -> Vec<Message> {
        let mut held = self.held.lock();
        let mut fresh = |m: &Message| held.insert(m.id.clone(), m.receipt.clone()).is_none();
        messages.into_iter().filter(|message| fresh(message)).collect()
    }

    /// Deletes what is done. What is left comes again by itself.
    async fn settle(&self, settled: Vec<Settled>) {
        let mut done = Vec::new();
        for (id, became) in settled {
            let labels = [("queue", self.name.as_str()), ("became", became.word())];
            self.post.tools.counts.add(counts::MESSAGES, &labels, 1);
            if became == Became::Poison {
                let what = "a message is not understood; it is left for the dead letters";
                self.post.tools.teller.warn(self.post.name(), what, &id);
            }
            if became == Became::Unread {
                continue; // it is given back at the end
            }
            let receipt = self.held.lock().remove(&id);
            done.extend(receipt.filter(|_| became.is_done()));
        }
        self.held.room.notify_one();
        if done.is_empty() {
            return;
        }
        match self.pull.queue.delete(&done).await {
            Ok(failed) if failed.is_empty() => {}
            // They come again and are found to be done.
            Ok(failed) => self.undeleted(failed.len(), "the queue refused"),
            Err(failure) => self.undeleted(done.len(), &failure.chain()),
        }
    }

    fn undeleted(&self, count: usize, why: &str) {
        let labels = [("queue", self.name.as_str()), ("became", "undeleted")];
        self.post.tools.counts.add(counts::MESSAGES, &labels, count as u64);
        self.post.tools.teller.warn(self.post.name(), "could not delete messages", why);
    }

    /// Keeps what is worked on invisible. Never ends by itself.
    async fn extend(&self) {
        let seconds = u64::from(self.pull.limits.invisible_seconds.max(3));
        let mut tick = tokio::time::interval(Duration::from_secs(seconds) / 3);
        loop {
            tick.tick().await;
            let receipts: Vec<String> = self.held.lock().values().cloned().collect();
            if receipts.is_empty() {
                continue;
            }
            let extended = self.pull.queue.extend(&receipts, self.pull.limits.invisible_seconds);
            let told = match extended.await {
                Ok(failed) if failed.is_empty() => continue,
                Ok(failed) => format!("{} of {}", failed.len(), receipts.len()),
                Err(failure) => failure.chain(),
            };
            // They may be delivered a second time, and are found to be known then.
            let what = "could not keep messages invisible";
            self.post.tools.teller.warn(self.post.name(), what, &told);
        }
    }

    /// Asks how much waits in the queue and among its dead letters. Never ends by itself.
    async fn depth(&self) {
        let mut tick = tokio::time::interval(self.pull.limits.depth_every);
        loop {
            tick.tick().await;
            depth_of(self.pull.queue.as_ref(), false, self.post).await;
            if let Some(dead) = &self.pull.dead_letters {
                depth_of(dead.as_ref(), true, self.post).await;
            }
        }
    }

    /// Gives back what was not read before the end.
    async fn give_back(&self) {
        let left: Vec<String> = self.held.lock().values().cloned().collect();
        // Best effort: what stays invisible comes again a little later.
        if !left.is_empty() && self.pull.queue.extend(&left, 0).await.is_err() {
            tracing::info!(job = self.post.name(), "messages are given back late");
        }
    }
}

async fn depth_of(of: &dyn Queue, dead_letters: bool, post: &Post) {
    let (counts, name) = (&post.tools.counts, of.name());
    let queue = ("queue", name.as_str());
    match of.depth().await {
        Ok(depth) => {
            let facts = QueueFacts {
                name: name.clone(),
                waiting: depth.waiting,
                oldest_seconds: depth.oldest_seconds,
                dead_letters,
                before: Vec::new(),
            };
            post.tools.hear(|heard| {
                heard.queues.retain(|q| q.name != name);
                heard.queues.push(facts);
            });
            let in_flight = [queue, ("state", "in flight")];
            counts.set(counts::QUEUE_MESSAGES, &[queue, ("state", "waiting")], depth.waiting);
            counts.set(counts::QUEUE_MESSAGES, &in_flight, depth.in_flight);
            match depth.oldest_seconds {
                Some(seconds) => counts.set(counts::QUEUE_OLDEST, &[queue], seconds),
                None => counts.unset(counts::QUEUE_OLDEST, &[queue]),
            }
        }
        Err(failure) => {
            let what = "could not ask for the depth of the queue";
            post.tools.teller.warn(post.name(), what, &failure.chain());
        }
    }
}
