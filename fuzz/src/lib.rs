//! What the parsers promise of any bytes, one module for each fuzz target.
//!
//! * `check` takes the fuzzer's bytes and panics where a promise is broken.
//! * Promises are compared with something simpler or older: serde_json, chrono, one window instead
//!   of many, every rule asked instead of the index.

pub mod insights;
pub mod json_splitter;
pub mod json_tape;
pub mod reader_auto;
pub mod reader_forced;
mod seen;
pub mod sigma_match;
pub mod sigma_rules;
pub mod timestamps;
mod windows;
