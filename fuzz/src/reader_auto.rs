//! An object of unknown kind: the same is said of it however it was cut, and all of it is read.

use crate::seen::{How, read};

/// Bytes of a record at most, by the second byte.
const LIMITS: &[usize] = &[16 << 20, 20, 64, 200];
/// How many bytes are looked at to tell the kind, by the third byte.
const HEADS: &[usize] = &[64 << 10, 1, 40, 300];

/// The first three bytes are the seed of the windows, the limit on a record and on the head.
pub fn check(data: &[u8]) {
    let [seed, limit, head, object @ ..] = data else { return };
    let of = |list: &[usize], byte: u8| list[usize::from(byte) % list.len()];
    let how =
        How { forced: None, record_bytes_max: of(LIMITS, *limit), head_bytes: of(HEADS, *head) };
    let whole = read(object, 0, how);
    if how.head_bytes == HEADS[0] && how.record_bytes_max == LIMITS[0] {
        whole.is_sound(object);
    }
    let seed = (*seed).max(1);
    assert_eq!(read(object, seed, how), whole, "the windows show");
}
