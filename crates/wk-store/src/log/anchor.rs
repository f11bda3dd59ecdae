//! Checkpoints that lie outside, where whoever writes the log cannot change them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use wk_model::Sha256;

use super::key_id;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The log.
    pub origin: String,
    /// How many leaves it had.
    pub size: u64,
    /// The root over them.
    pub root: Sha256,
}

/// What an anchored checkpoint is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchored {
    /// The log begins with what was anchored.
    Holds,
    /// The log has other leaves than it had.
    Rewritten,
    /// The log has fewer leaves than it had.
    CutOff,
    /// Nobody knows who signed it: it is of another key, or of none.
    OfAnotherKey,
}

/// Reads a checkpoint: origin, size and root in lines, then a blank line and signatures.
pub fn read(note: &str) -> Option<Head> {
    let (text, _) = note.split_once("\n\n")?;
    let mut lines = text.lines();
    let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    let root = <[u8; 32]>::try_from(STANDARD.decode(root).ok()?).ok()?;
    Some(Head { origin: origin.to_owned(), size: size.parse().ok()?, root: Sha256(root) })
}

/// Whether the key of this verifier line signed a note.
pub fn is_signed(note: &str, verifier: &str) -> bool {
    let read = || -> Option<bool> {
        // The name has no plus sign; the key may have some.
        let mut parts = verifier.trim().splitn(3, '+');
        let origin = parts.next()?;
        let key = STANDARD.decode(parts.nth(1)?).ok()?;
        let public = key.strip_prefix(&[1u8])?;
        let (text, signatures) = note.split_once("\n\n")?;
        let start = format!("\u{2014} {origin} ");
        let line = signatures.lines().find_map(|line| line.strip_prefix(&start))?;
        let signed = STANDARD.decode(line).ok()?;
        let (id, signature) = signed.split_at_checked(4)?;
        let known = id == key_id(origin, public).to_be_bytes();
        let text = format!("{text}\n");
        let good = UnparsedPublicKey::new(&ED25519, public).verify(text.as_bytes(), signature);
        Some(known && good.is_ok())
    };
    read().unwrap_or(false)
}

/// Judges an anchored checkpoint by the root that the log's leaves have at its size; none if the log
/// has no such size. What it says of the leaves counts more than who signed it: an operator with a new
/// key has rewritten the log all the same.
pub fn judge(note: &str, head: &Head, verifier: &str, root: Option<Sha256>) -> Anchored {
    match root {
        None => Anchored::CutOff,
        Some(root) if root != head.root => Anchored::Rewritten,
        Some(_) if is_signed(note, verifier) => Anchored::Holds,
        Some(_) => Anchored::OfAnotherKey,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Signer, Tree, leaf_hash};
    use super::*;

    fn signer() -> Signer {
        Signer::from_pkcs8("watchkeeper/log", &Signer::generate().unwrap()).unwrap()
    }

    #[test]
    fn an_anchor_holds_for_the_log_and_key_that_it_was_made_of() {
        let (signer, other) = (signer(), signer());
        let mut tree = Tree::default();
        tree.push(leaf_hash(b"one"));
        let note = signer.checkpoint(&tree);
        let head = read(&note).unwrap();
        assert_eq!((head.size, head.root), (1, tree.root()));
        let judged = |root, key: &Signer| judge(&note, &head, &key.verifier(), root);
        assert_eq!(judged(Some(tree.root()), &signer), Anchored::Holds);
        assert_eq!(judged(Some(leaf_hash(b"other")), &signer), Anchored::Rewritten);
        assert_eq!(judged(Some(leaf_hash(b"other")), &other), Anchored::Rewritten);
        assert_eq!(judged(Some(tree.root()), &other), Anchored::OfAnotherKey);
        assert_eq!(judged(None, &signer), Anchored::CutOff);
    }

    #[test]
    fn what_is_no_checkpoint_is_none() {
        for text in ["", "a\n1\n", "a\nx\nAAAA\n\n", "a\n1\nAAAA\n\n", "a\n-1\n\n\n"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert!(!is_signed("a\n1\nAAAA\n\n\u{2014} a x\n", "a+0+x"));
    }
}
