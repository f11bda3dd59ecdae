//! Pulls from a queue: what messages name is read, what they are is stored; then they are deleted.
//!
//! * A message is deleted after its rows are committed, never before.
//! * While it is worked on it stays invisible to others. What is not deleted comes again: after a
//!   crash, and where something could not be read. So the queue's own limit on deliveries brings it
//!   to its dead letters.
//! * A message that nobody understands is filed as a complaint, once, and left to the dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
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

/// A pull that is under way.
struct Pulling<'a> {
    pull: &'a QueuePull,
    post: &'a Post,
    name: String,
    /// The newest receipt of each message that is worked on.
    held: BTreeMap<String, String>,
    work: FuturesUnordered<BoxFuture<'a, Settled>>,
}

impl QueuePull {
    /// Pulls until it is told to stop; then it waits for what is being committed and gives back the
    /// rest.
    ///
    /// # Errors
    /// None; a queue that cannot be reached is a trouble that may pass.
    pub async fn run(&self, post: &Post) -> Answer<()> {
        let name = self.queue.name();
        let (held, work) = (BTreeMap::new(), FuturesUnordered::new());
        let mut pulling = Pulling { pull: self, post, name, held, work };
        let extend_every = Duration::from_secs(u64::from(self.limits.invisible_seconds.max(3))) / 3;
        let mut extend = tokio::time::interval(extend_every);
        let mut depth = tokio::time::interval(self.limits.depth_every);
        // Never dropped half-way: the messages of its answer would be invisible for nothing.
        let mut receiving = Some(self.receive(post));
        loop {
            let room = pulling.held.len() + usize::from(MESSAGES) <= self.limits.held;
            if room && receiving.is_none() {
                receiving = Some(self.receive(post));
            }
            let next = async {
                match &mut receiving {
                    Some(receiving) => receiving.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = post.stop.wait() => break,
                got = next => {
                    receiving = None;
                    pulling.take(got);
                }
                settled = pulling.next_settled() => pulling.settle(settled).await,
                _ = extend.tick() => pulling.extend().await,
                _ = depth.tick() => self.depth(post).await,
            }
        }
        drop(receiving);
        pulling.end().await;
        Ok(())
    }

    /// Waits for messages; after a failure, a little longer each time.
    fn receive<'a>(&'a self, post: &'a Post) -> BoxFuture<'a, Vec<Message>> {
        Box::pin(async move {
            let mut failures = 0;
            loop {
                let limits = &self.limits;
                let got =
                    self.queue.receive(MESSAGES, limits.wait_seconds, limits.invisible_seconds);
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
        })
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

    /// Asks how much waits in the queue and among its dead letters.
    async fn depth(&self, post: &Post) {
        depth_of(self.queue.as_ref(), false, post).await;
        if let Some(dead) = &self.dead_letters {
            depth_of(dead.as_ref(), true, post).await;
        }
    }

    /// A message as an object: the same when it is delivered again.
    fn as_object(&self, message: &Message, what: &[u8]) -> (String, Sha256) {
        let uri = format!("{}#{}", self.queue.name(), message.id);
        let identity = Sha256::of_parts(&[what, uri.as_bytes(), message.body.as_bytes()]);
        (uri, identity)
    }
}

impl<'a> Pulling<'a> {
    /// Begins to work on messages. One that is worked on already only brings a newer receipt.
    fn take(&mut self, messages: Vec<Message>) {
        for message in messages {
            let (id, receipt) = (message.id.clone(), message.receipt.clone());
            if self.held.insert(id, receipt).is_none() {
                let (pull, post) = (self.pull, self.post);
                self.work.push(Box::pin(pull.work(message, post)));
            }
        }
    }

    /// Some messages that have been worked on. Waits for ever while there are none.
    async fn next_settled(&mut self) -> Vec<Settled> {
        match (&mut self.work).ready_chunks(100).next().await {
            Some(settled) => settled,
            None => std::future::pending().await,
        }
    }

    /// Deletes what is done. What is left comes again by itself.
    async fn settle(&mut self, settled: Vec<Settled>) {
        let mut done = Vec::new();
        for (id, became) in settled {
            let labels = [("queue", self.name.as_str()), ("became", became.word())];
            self.post.tools.counts.add(counts::MESSAGES, &labels, 1);
            if became == Became::Poison {
                let what = "a message is not understood; it is left for the dead letters";
                self.post.tools.teller.warn(self.post.name(), what, &id);
            }
            let receipt = self.held.remove(&id);
            done.extend(receipt.filter(|_| became.is_done()));
        }
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

    /// Keeps what is worked on invisible.
    async fn extend(&mut self) {
        let receipts: Vec<String> = self.held.values().cloned().collect();
        if receipts.is_empty() {
            return;
        }
        let told = match self.pull.queue.extend(&receipts, self.pull.limits.invisible_seconds).await
        {
            Ok(failed) if failed.is_empty() => return,
            Ok(failed) => format!("{} of {}", failed.len(), receipts.len()),
            Err(failure) => failure.chain(),
        };
        // They may be delivered a second time, and are found to be known then.
        self.post.tools.teller.warn(self.post.name(), "could not keep messages invisible", &told);
    }

    /// Deletes what is still committed, and gives back what is not.
    async fn end(&mut self) {
        let mut given_back = Vec::new();
        while let Some((id, became)) = self.work.next().await {
            if became == Became::Unread {
                given_back.extend(self.held.remove(&id));
            } else {
                self.settle(vec![(id, became)]).await;
            }
        }
        // Best effort: what stays invisible comes again a little later.
        if !given_back.is_empty() && self.pull.queue.extend(&given_back, 0).await.is_err() {
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
