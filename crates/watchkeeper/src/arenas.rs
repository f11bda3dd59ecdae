//! How the system's allocator keeps what was freed.
//!
//! * glibc gives each of many threads a part of the memory of its own, and what one thread freed another
//!   cannot use: an ingest of a million events took 440 MiB instead of 290, a service far more.
//! * The number of parts can be set before a program begins, by `MALLOC_ARENA_MAX`, and by a call that
//!   is not safe. So the program begins once more with it, unless somebody has set it.
//! * Two parts: with one, threads wait for each other.
//! * Batches are built and dropped by the megabyte. Where each goes back to the system at once, an ingest
//!   spends a twentieth of its time on pages that are empty again; so up to 128 MiB stay at hand.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// What is set, as mallopt(3) has it. The first says whether somebody did.
const VARIABLES: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_TRIM_THRESHOLD_", "134217728"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
];

/// Begins the program again with few arenas; goes on as it is where that cannot be done.
#[expect(clippy::disallowed_methods, reason = "it is the allocator's, and none of ours")]
pub(crate) fn keep_few() {
    if cfg!(not(target_env = "gnu")) || env::var_os(VARIABLES[0].0).is_some() {
        return;
    }
    let (Ok(program), mut args) = (env::current_exe(), env::args_os()) else { return };
    let mut again = Command::new(program);
    if let Some(name) = args.next() {
        again.arg0(name);
    }
    // Comes back only where it failed; the program then needs more memory, and nothing else.
    drop(again.args(args).envs(VARIABLES).exec());
}
