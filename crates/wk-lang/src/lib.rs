//! Small languages, text to checked form, and their pure matchers.
//!
//! * Pure and synchronous: no I/O, no clock, no global state. Text comes in, values go out.
//! * Outside text never makes anything here panic, loop for long or take memory without a limit.
//! * Knows nothing of AWS accounts, storage or the network.

pub mod filter;
pub mod insights;
pub mod json;
pub mod nearest;
pub mod pattern;
pub mod sigma;
pub mod yaml;
