//! Sorted files of event keys: the id index of one table and day.
//!
//! Form, version 1: the eight bytes `wkids\0\0\x01`, then keys of 24 bytes, sorted: id and content,
//! both big-endian. Looking up is a merge; memory is one block, whatever the size.

use wk_seam::lake::{EventKey, Known};
use wk_seam::{Answer, Failure};

use crate::files::Files;

/// What a file of keys begins with.
pub(crate) const MAGIC: &[u8; 8] = b"wkids\0\0\x01";
const KEY_BYTES: usize = 24;
/// Keys that are read at a time: 1.5 MiB.
const BLOCK_KEYS: u64 = 64 << 10;
/// Keys around a guessed place that are read when only few are wanted.
const PROBE_KEYS: u64 = 170;

/// The bytes of a run.
pub(crate) fn encode(keys: &[EventKey]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAGIC.len() + keys.len() * KEY_BYTES);
    bytes.extend_from_slice(MAGIC);
    for key in keys {
        bytes.extend_from_slice(&key.id.to_be_bytes());
        bytes.extend_from_slice(&key.content.to_be_bytes());
    }
    bytes
}

/// The size of a run of so many keys.
pub(crate) fn bytes_of(keys: u64) -> u64 {
    (MAGIC.len() as u64).saturating_add(keys.saturating_mul(KEY_BYTES as u64))
}

/// Whether a run begins as one and its keys are sorted and distinct.
pub(crate) async fn is_sorted(files: &Files, path: &str, count: u64) -> Answer<bool> {
    if files.read(path, 0, MAGIC.len() as u64).await? != MAGIC {
        return Ok(false);
    }
    let (mut from, mut last) = (0, None);
    while from < count {
        let to = count.min(from + BLOCK_KEYS);
        for key in keys(files, path, from, to).await? {
            if last >= Some(key) {
                return Ok(false);
            }
            last = Some(key);
        }
        from = to;
    }
    Ok(true)
}

fn decode(bytes: &[u8]) -> impl Iterator<Item = EventKey> {
    bytes.chunks_exact(KEY_BYTES).map(|b| {
        let (mut id, mut content) = ([0u8; 16], [0u8; 8]);
        id.copy_from_slice(&b[..16]);
        content.copy_from_slice(&b[16..]);
        EventKey { id: u128::from_be_bytes(id), content: u64::from_be_bytes(content) }
    })
}

/// Reads keys `from..to` of a run.
pub(crate) async fn keys(files: &Files, path: &str, from: u64, to: u64) -> Answer<Vec<EventKey>> {
    let offset = MAGIC.len() as u64 + from * KEY_BYTES as u64;
    let length = (to - from) * KEY_BYTES as u64;
    if length == 0 {
        return Ok(Vec::new());
    }
    let bytes = files.read(path, offset, length).await?;
    if bytes.len() as u64 != length {
        return Err(Failure::new(
            format!("read {path}"),
            "the file is shorter than the ledger says",
        ));
    }
    Ok(decode(&bytes).collect())
}

/// Marks what a run of `count` keys knows of the wanted ones (sorted).
pub(crate) async fn look_up(
    files: &Files,
    path: &str,
    count: u64,
    wanted: &[EventKey],
    known: &mut [Known],
) -> Answer<()> {
    let few = (wanted.len() as u64).saturating_mul(PROBE_KEYS * 4) < count;
    if few {
        probe(files, path, count, wanted, known).await
    } else {
        merge(files, path, count, wanted, known).await
    }
}

/// Walks the whole run beside the wanted keys.
async fn merge(
    files: &Files,
    path: &str,
    count: u64,
    wanted: &[EventKey],
    known: &mut [Known],
) -> Answer<()> {
    let (mut at, mut from) = (0usize, 0u64);
    while from < count && at < wanted.len() {
        let to = count.min(from + BLOCK_KEYS);
        let block = keys(files, path, from, to).await?;
        let last = block.last().map_or(u128::MAX, |k| k.id);
        let begin = at;
        let mut place = 0usize;
        while at < wanted.len() && wanted[at].id <= last {
            while place < block.len() && block[place].id < wanted[at].id {
                place += 1;
            }
            note(&block[place..], wanted[at], &mut known[at]);
            at += 1;
        }
        // Equal ids may go on in the next block.
        while at > begin && wanted[at - 1].id == last && to < count {
            at -= 1;
        }
        from = to;
    }
    Ok(())
}

/// Guesses the place of each key: ids are spread evenly, as random UUIDs and digests are.
async fn probe(
    files: &Files,
    path: &str,
    count: u64,
    wanted: &[EventKey],
    known: &mut [Known],
) -> Answer<()> {
    for (key, known) in wanted.iter().zip(known) {
        let guess = u64::try_from(((key.id >> 64) * u128::from(count)) >> 64).unwrap_or(0);
        let (mut from, mut to) =
            (guess.saturating_sub(PROBE_KEYS / 2), count.min(guess + PROBE_KEYS / 2));
        loop {
            let block = keys(files, path, from, to).await?;
            let reaches_down = from == 0 || block.first().is_some_and(|k| k.id < key.id);
            let reaches_up = to == count || block.last().is_some_and(|k| k.id > key.id);
            if reaches_down && reaches_up {
                let place = block.partition_point(|k| k.id < key.id);
                note(&block[place..], *key, known);
                break;
            }
            let width = (to - from).max(PROBE_KEYS) * 4;
            if !reaches_down {
                from = from.saturating_sub(width);
            }
            if !reaches_up {
                to = count.min(to + width);
            }
        }
    }
    Ok(())
}

/// What keys that begin at or after `wanted` say of it.
fn note(keys: &[EventKey], wanted: EventKey, known: &mut Known) {
    for key in keys.iter().take_while(|k| k.id == wanted.id) {
        if key.content == wanted.content {
            *known = Known::Duplicate;
            return;
        }
        if *known == Known::New {
            *known = Known::Conflict;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(run: &[EventKey], wanted: &[EventKey]) -> Vec<Known> {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::Local(folder.path().to_path_buf());
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async {
            files.write("run", encode(run)).await.unwrap();
            let mut merged = vec![Known::New; wanted.len()];
            merge(&files, "run", run.len() as u64, wanted, &mut merged).await.unwrap();
            let mut probed = vec![Known::New; wanted.len()];
            probe(&files, "run", run.len() as u64, wanted, &mut probed).await.unwrap();
            assert_eq!(merged, probed);
            merged
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn both_ways_say_what_a_set_says(
            run in proptest::collection::btree_set((0u128..400, 0u64..3), 0..300),
            wanted in proptest::collection::btree_set((0u128..400, 0u64..3), 0..50),
            wide in any::<bool>(),
        ) {
            let spread = |id: u128| if wide { id << 119 } else { id };
            let key = |(id, content): &(u128, u64)| EventKey { id: spread(*id), content: *content };
            let run_keys: Vec<_> = run.iter().map(key).collect();
            let wanted_keys: Vec<_> = wanted.iter().map(key).collect();
            let expected: Vec<_> = wanted.iter().map(|w| {
                if run.contains(w) { Known::Duplicate }
                else if run.iter().any(|r| r.0 == w.0) { Known::Conflict }
                else { Known::New }
            }).collect();
            prop_assert_eq!(answer(&run_keys, &wanted_keys), expected);
        }
    }
}
