//! Proofs that a leaf is in the log, and that a log is the beginning of a later one (RFC 9162,
//! sections 2.1.3 and 2.1.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wk_model::Sha256;

use super::node_hash;

/// The root over these leaf hashes.
pub fn root(leaves: &[Sha256]) -> Sha256 {
    match leaves {
        [] => Sha256::of(b""),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The hashes by which a leaf's place in the log is proved, from the leaf up; none if it has no such
/// leaf.
pub fn inclusion(leaves: &[Sha256], index: usize) -> Option<Vec<Sha256>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut from, mut until, mut path) = (0, leaves.len(), Vec::new());
    while until - from > 1 {
        let middle = from + split(until - from);
        if index < middle {
            path.push(root(&leaves[middle..until]));
            until = middle;
        } else {
            path.push(root(&leaves[from..middle]));
            from = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// The hashes by which the log of the first `old` leaves is proved to be the beginning of this one;
/// none if it has fewer, or none at all.
pub fn consistency(leaves: &[Sha256], old: usize) -> Option<Vec<Sha256>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let (mut from, mut until, mut path) = (0, leaves.len(), Vec::new());
    // Whether what is left of the old log is a whole tree, whose root the verifier has.
    let mut whole = true;
    while until > old {
        let middle = from + split(until - from);
        if old <= middle {
            path.push(root(&leaves[middle..until]));
            until = middle;
        } else {
            path.push(root(&leaves[from..middle]));
            from = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(root(&leaves[from..until]));
    }
    path.reverse();
    Some(path)
}

/// Whether a leaf is at this place of the log of this size and root.
pub fn is_included(leaf: Sha256, index: u64, size: u64, path: &[Sha256], expected: Sha256) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for side in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(side, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, side);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == expected
}

/// Whether a log is the beginning of another.
pub fn is_beginning(old: (u64, Sha256), new: (u64, Sha256), path: &[Sha256]) -> bool {
    if old.0 == 0 || old.0 > new.0 {
        return false;
    }
    if old.0 == new.0 {
        return path.is_empty() && old.1 == new.1;
    }
    let mut path = path.to_vec();
    if old.0.is_power_of_two() {
        path.insert(0, old.1);
    }
    let mut sides = path.into_iter();
    let Some(first) = sides.next() else { return false };
    let (mut at, mut last) = (old.0 - 1, new.0 - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut of_old, mut of_new) = (first, first);
    for side in sides {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            of_old = node_hash(&side, &of_old);
            of_new = node_hash(&side, &of_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            of_new = node_hash(&of_new, &side);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == old.1 && of_new == new.1
}

/// A proof of inclusion with its checkpoint, for others to check (C2SP tlog-proof).
pub fn text(index: u64, path: &[Sha256], note: &str) -> String {
    let hashes: String = path.iter().map(|hash| STANDARD.encode(hash.0) + "\n").collect();
    format!("c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{note}")
}

/// The largest power of two below a length of two or more.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::super::{Tree, leaf_hash};
    use super::*;

    fn leaves(many: u32) -> Vec<Sha256> {
        (0..many).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    #[test]
    fn every_leaf_of_every_size_is_proved_and_at_no_other_place() {
        for many in 1..20u32 {
            let all = leaves(many);
            let (size, root) = (u64::from(many), root(&all));
            let mut tree = Tree::default();
            all.iter().for_each(|leaf| tree.push(*leaf));
            assert_eq!(tree.root(), root);
            for index in 0..all.len() {
                let path = inclusion(&all, index).unwrap();
                for other in 0..all.len() {
                    let there = is_included(all[index], other as u64, size, &path, root);
                    assert_eq!(there, other == index, "{index} of {many} at {other}");
                }
                assert!(!is_included(leaf_hash(b"x"), index as u64, size, &path, root));
                let longer = [&path[..], &[root]].concat();
                assert!(!is_included(all[index], index as u64, size, &longer, root));
            }
            assert_eq!(inclusion(&all, all.len()), None);
        }
    }

    #[test]
    fn every_beginning_is_proved_and_no_other_log() {
        for many in 1..20u32 {
            let all = leaves(many);
            let new = (u64::from(many), root(&all));
            for size in 1..=all.len() {
                let path = consistency(&all, size).unwrap();
                let old = (size as u64, root(&all[..size]));
                assert!(is_beginning(old, new, &path), "{size} of {many}");
                let rewritten = (old.0, leaf_hash(b"rewritten"));
                assert!(!is_beginning(rewritten, new, &path));
                assert!(!is_beginning(old, (new.0, rewritten.1), &path));
                if size < all.len() {
                    assert!(!is_beginning((old.0 + 1, old.1), new, &path));
                }
            }
            assert_eq!((consistency(&all, 0), consistency(&all, all.len() + 1)), (None, None));
        }
    }
}
