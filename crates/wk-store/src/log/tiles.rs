//! The log as files that others can read (C2SP tlog-tiles): tiles of 256 hashes, bundles of 256
//! leaves, and the checkpoint that signs them.

use wk_model::Sha256;

use super::{leaf_hash, node_hash};

/// Hashes of a full tile, and leaves of a full bundle.
const WIDTH: usize = 256;

/// A file of the log: its path and what it holds.
pub type TileFile = (String, Vec<u8>);

/// A leaf cannot be put into a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("leaf {index} has {bytes} bytes; a bundle takes 65535")]
pub struct TooLong {
    /// Which leaf.
    pub index: u64,
    /// How long it is.
    pub bytes: usize,
}

/// The tiles and bundles of these leaves, the lowest first. Full ones never change.
///
/// # Errors
/// If a leaf is longer than a bundle can say.
pub fn files(lines: &[String]) -> Result<Vec<TileFile>, TooLong> {
    let mut files = Vec::new();
    for (n, bundle) in lines.chunks(WIDTH).enumerate() {
        files.push((path("entries", n, bundle.len()), entries(n * WIDTH, bundle)?));
    }
    let mut level: Vec<Sha256> = lines.iter().map(|line| leaf_hash(line.as_bytes())).collect();
    let mut height = 0;
    while !level.is_empty() {
        for (n, tile) in level.chunks(WIDTH).enumerate() {
            let bytes = tile.iter().flat_map(|hash| hash.0).collect();
            files.push((path(&height.to_string(), n, tile.len()), bytes));
        }
        // Only what is full counts on the level above.
        level = level.chunks_exact(WIDTH).map(over).collect();
        height += 1;
    }
    Ok(files)
}

/// The root over a full tile.
fn over(tile: &[Sha256]) -> Sha256 {
    let mut level = tile.to_vec();
    while level.len() > 1 {
        level = level.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    level.first().copied().unwrap_or_else(|| Sha256::of(b""))
}

/// Leaves, each after its length in two bytes.
fn entries(first: usize, lines: &[String]) -> Result<Vec<u8>, TooLong> {
    let mut bytes = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let too_long = TooLong { index: (first + n) as u64, bytes: line.len() };
        let length = u16::try_from(line.len()).map_err(|_| too_long)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(line.as_bytes());
    }
    Ok(bytes)
}

/// `tile/0/x001/x234/067`, and `.p/N` where only N of its places are taken.
fn path(level: &str, number: usize, taken: usize) -> String {
    let mut parts = vec![format!("{:03}", number % 1000)];
    let mut rest = number / 1000;
    while rest > 0 {
        parts.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    parts.reverse();
    let whole = format!("tile/{level}/{}", parts.join("/"));
    if taken == WIDTH { whole } else { format!("{whole}.p/{taken}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(path("0", 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path("entries", 0, 7), "tile/entries/000.p/7");
        assert_eq!(path("1", 1000, 256), "tile/1/x001/000");
    }

    #[test]
    fn full_tiles_do_not_change_when_the_log_grows() {
        let lines: Vec<String> = (0..700).map(|n| format!("leaf {n}")).collect();
        let (small, large) = (files(&lines[..600]).unwrap(), files(&lines).unwrap());
        let full: Vec<&TileFile> = small.iter().filter(|(path, _)| !path.contains(".p/")).collect();
        assert_eq!(full.len(), 4, "two bundles, two tiles");
        assert!(full.iter().all(|file| large.contains(file)));
        let above = large.iter().find(|(path, _)| path == "tile/1/000.p/2").unwrap();
        assert_eq!(above.1.len(), 64);
        let all: Vec<Sha256> = lines[..256].iter().map(|l| leaf_hash(l.as_bytes())).collect();
        assert_eq!(above.1[..32], super::super::proof::root(&all).0);
    }

    #[test]
    fn a_leaf_that_no_bundle_takes_is_named() {
        let lines = vec![String::new(), "x".repeat(65_536)];
        assert_eq!(files(&lines).unwrap_err(), TooLong { index: 1, bytes: 65_536 });
    }
}
