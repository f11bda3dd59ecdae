//! What the parsers promise of any bytes, one module for each fuzz target.
//!
//! * `check` takes the fuzzer's bytes and panics where a promise is broken.
//! * Promises are compared with something simpler or older: serde_json, chrono, one window instead
//!   of many, every rule asked instead of the index.

pub mod event_pattern;
pub mod gzip_inflate;
// The two files of wk-store that read packed objects. Its DataFusion would have to be built with
// the fuzzer's counters too; they need none of it.
#[path = "../../crates/wk-store/src/inflate.rs"]
pub mod inflate;
pub mod insights;
pub mod json_splitter;
pub mod json_tape;
pub mod reader_auto;
pub mod reader_forced;
mod seen;
pub mod sigma_match;
pub mod sigma_rules;
pub mod sql_text;
pub mod timestamps;
#[path = "../../crates/wk-store/src/unpack.rs"]
pub mod unpack;
pub mod unpack_object;
mod windows;
