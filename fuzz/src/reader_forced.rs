//! An object that the user says is of a source, whatever it holds.

use wk_watch::sources;

use crate::seen::{How, read};

/// The first byte is the source, the second the seed of the windows.
pub fn check(data: &[u8]) {
    let [source, seed, object @ ..] = data else { return };
    let forced = sources::ALL[usize::from(*source) % sources::ALL.len()];
    let how = How { forced: Some(forced), record_bytes_max: 300, head_bytes: 64 };
    let whole = read(object, 0, how);
    assert_eq!(read(object, (*seed).max(1), how), whole, "the windows show");
}
