//! The append-only log: a Merkle tree over what was committed (RFC 9162), with signed checkpoints
//! (C2SP tlog-checkpoint and signed-note, Ed25519).
//!
//! * The tree is kept as its frontier: the roots of its complete subtrees, largest first.
//! * A checkpoint proves integrity since the last one that lies outside; it does not prove that
//!   sources were complete.

pub mod anchor;
pub mod proof;
pub mod tiles;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use wk_model::Sha256;
use wk_model::digest::Sha256Writer;

/// The growing tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    frontier: Vec<Sha256>,
}

/// `SHA-256(0x00 || leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Sha256 {
    hash(&[&[0], leaf])
}

fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    hash(&[&[1], &left.0, &right.0])
}

fn hash(parts: &[&[u8]]) -> Sha256 {
    let mut writer = Sha256Writer::default();
    parts.iter().for_each(|part| writer.write(part));
    writer.finish()
}

impl Tree {
    /// A tree of this size with this frontier; `None` if they do not fit together.
    pub fn resume(size: u64, frontier: Vec<Sha256>) -> Option<Self> {
        (frontier.len() == size.count_ones() as usize).then_some(Self { size, frontier })
    }
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }
    /// Roots of the complete subtrees, largest first.
    pub fn frontier(&self) -> &[Sha256] {
        &self.frontier
    }
    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Sha256) {
        let mut node = leaf;
        let mut filled = self.size;
        while filled & 1 == 1 {
            if let Some(left) = self.frontier.pop() {
                node = node_hash(&left, &node);
            }
            filled >>= 1;
        }
        self.frontier.push(node);
        self.size += 1;
    }
    /// The root; of the empty tree the digest of nothing.
    pub fn root(&self) -> Sha256 {
        let mut from_right = self.frontier.iter().rev();
        let Some(last) = from_right.next() else { return Sha256::of(b"") };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// The key that signs checkpoints, with its name (the log's origin).
pub struct Signer {
    origin: String,
    pair: Ed25519KeyPair,
}

/// The key's file does not hold an Ed25519 key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file does not hold an Ed25519 key in PKCS #8")]
pub struct NotAKey;

impl Signer {
    /// From a PKCS #8 document.
    ///
    /// # Errors
    /// If it holds no Ed25519 key.
    pub fn from_pkcs8(origin: &str, pkcs8: &[u8]) -> Result<Self, NotAKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| NotAKey)?;
        Ok(Self { origin: origin.to_owned(), pair })
    }
    /// A new key as a PKCS #8 document.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn generate() -> Result<Vec<u8>, NotAKey> {
        let random = ring::rand::SystemRandom::new();
        let document = Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| NotAKey)?;
        Ok(document.as_ref().to_vec())
    }
    /// The verifier's key in the signed-note form: `origin+hash+base64(0x01 || key)`.
    pub fn verifier(&self) -> String {
        let key = [&[1u8][..], self.pair.public_key().as_ref()].concat();
        format!("{}+{:08x}+{}", self.origin, self.key_id(), STANDARD.encode(key))
    }
    fn key_id(&self) -> u32 {
        key_id(&self.origin, self.pair.public_key().as_ref())
    }
    /// A signed checkpoint of the tree.
    pub fn checkpoint(&self, tree: &Tree) -> String {
        let text =
            format!("{}\n{}\n{}\n", self.origin, tree.size(), STANDARD.encode(tree.root().0));
        let signature = self.pair.sign(text.as_bytes());
        let signed = [&self.key_id().to_be_bytes(), signature.as_ref()].concat();
        format!("{text}\n\u{2014} {} {}\n", self.origin, STANDARD.encode(signed))
    }
}

fn key_id(origin: &str, public: &[u8]) -> u32 {
    let digest = hash(&[origin.as_bytes(), b"\n\x01", public]);
    u32::from_be_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]])
}

/// Whether a note is a checkpoint of this tree, signed by the key of this verifier line.
pub fn verifies(note: &str, tree: &Tree, verifier: &str) -> bool {
    let origin = verifier.split('+').next().unwrap_or_default();
    let expected = format!("{origin}\n{}\n{}\n", tree.size(), STANDARD.encode(tree.root().0));
    note.split_once("\n\n").is_some_and(|(text, _)| format!("{text}\n") == expected)
        && anchor::is_signed(note, verifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 9162, section 2.1.1, without cleverness.
    fn naive(leaves: &[Sha256]) -> Sha256 {
        match leaves {
            [] => Sha256::of(b""),
            [only] => *only,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node_hash(&naive(&leaves[..half]), &naive(&leaves[half..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_rfc_at_every_size() {
        let mut tree = Tree::default();
        let mut leaves = Vec::new();
        for n in 0..70u32 {
            assert_eq!(tree.root(), naive(&leaves), "{n}");
            let leaf = leaf_hash(&n.to_be_bytes());
            tree.push(leaf);
            leaves.push(leaf);
            assert_eq!(Tree::resume(tree.size(), tree.frontier().to_vec()), Some(tree.clone()));
        }
    }

    #[test]
    fn a_key_whose_text_holds_plus_signs_verifies() {
        let mut tree = Tree::default();
        tree.push(leaf_hash(b"x"));
        for _ in 0..50 {
            let signer = Signer::from_pkcs8("a/b", &Signer::generate().unwrap()).unwrap();
            assert!(verifies(&signer.checkpoint(&tree), &tree, &signer.verifier()));
        }
    }

    #[test]
    fn a_checkpoint_proves_one_tree_by_one_key() {
        let signer =
            Signer::from_pkcs8("watchkeeper.test/a", &Signer::generate().unwrap()).unwrap();
        let other = Signer::from_pkcs8("watchkeeper.test/a", &Signer::generate().unwrap()).unwrap();
        let mut tree = Tree::default();
        tree.push(leaf_hash(b"x"));
        let note = signer.checkpoint(&tree);
        assert!(verifies(&note, &tree, &signer.verifier()));
        assert!(!verifies(&note, &tree, &other.verifier()));
        assert!(!verifies(&note.replace("\n1\n", "\n2\n"), &tree, &signer.verifier()));
        tree.push(leaf_hash(b"y"));
        assert!(!verifies(&note, &tree, &signer.verifier()));
    }
}
