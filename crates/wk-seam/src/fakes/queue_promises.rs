//! What every queue must do, whoever keeps it.

use std::collections::{BTreeMap, BTreeSet};

use crate::queue::{Message, Queue};

/// Long enough that nothing comes back by itself.
const INVISIBLE_SECONDS: u32 = 3600;
/// A queue that delivers twice is empty after so many answers, or never.
const ANSWERS_MAX: usize = 1000;

/// Everything that was sent is received; what is made visible comes again; what is deleted does not;
/// a receipt that never was one is told. The queue holds exactly these bodies, all visible.
///
/// # Panics
/// Where the queue does otherwise.
pub async fn holds_and_lets_go(queue: &dyn Queue, sent: &[&str]) {
    let mut received = drain(queue).await;
    let bodies: BTreeSet<&str> = received.values().map(|m| m.body.as_str()).collect();
    assert_eq!(bodies, sent.iter().copied().collect(), "everything, and nothing else");
    assert_eq!(received.len(), sent.len(), "a message keeps its id");
    let depth = queue.depth().await.expect("a depth");
    assert_eq!((depth.waiting, depth.in_flight), (0, sent.len() as u64));

    let one = received.values().next().expect("something was sent").clone();
    let failed = queue.extend(std::slice::from_ref(&one.receipt), 0).await.expect("an answer");
    assert!(failed.is_empty(), "{failed:?}");
    let again = drain(queue).await;
    let returned = again.get(&one.id).expect("what is made visible comes again");
    assert!(returned.deliveries > one.deliveries, "{returned:?}");
    received.extend(again);

    let mut receipts: Vec<String> = received.into_values().map(|m| m.receipt).collect();
    receipts.push("never-one".to_owned());
    let failed = queue.delete(&receipts).await.expect("an answer");
    assert_eq!(failed, ["never-one"]);
    assert!(drain(queue).await.is_empty(), "what is deleted does not come again");
    let depth = queue.depth().await.expect("a depth");
    assert_eq!((depth.waiting, depth.in_flight), (0, 0));
}

/// The last delivery of each message, by its id.
async fn drain(queue: &dyn Queue) -> BTreeMap<String, Message> {
    let mut received = BTreeMap::new();
    for _ in 0..ANSWERS_MAX {
        let answer = queue.receive(10, 0, INVISIBLE_SECONDS).await.expect("an answer");
        assert!(answer.len() <= 10, "{}", answer.len());
        if answer.is_empty() {
            return received;
        }
        for message in answer {
            assert!(message.deliveries >= 1, "{message:?}");
            received.insert(message.id.clone(), message);
        }
    }
    panic!("the queue is not empty after {ANSWERS_MAX} answers");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;
    use wk_model::Timestamp;

    use super::*;
    use crate::clock::StandingClock;
    use crate::fakes::MemoryQueue;

    #[test]
    fn the_queue_in_memory_holds_what_every_queue_promises() {
        for seed in 0..50 {
            let clock = Arc::new(StandingClock::at(Timestamp::from_seconds(1_000)));
            let queue = MemoryQueue::new(clock, seed, 1_000);
            let sent: Vec<String> = (0..25).map(|n| format!("body {n}")).collect();
            sent.iter().for_each(|body| queue.send(body.clone()));
            let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
            holds_and_lets_go(&queue, &sent).now_or_never().expect("nothing is waited for");
        }
    }
}
