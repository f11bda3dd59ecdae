//! JSON as logs bring it: many small documents, most of whose bytes are strings.
//!
//! * [`Tape`] checks one document against RFC 8259 to the last byte and gives a [`Value`], a cheap
//!   handle that borrows from the text. Nothing is copied until somebody asks for a string that
//!   has escapes.
//! * [`Splitter`] cuts a stream of bytes into records without holding the stream: JSON lines,
//!   documents one after the other, arrays, and envelopes such as `{"Records":[…]}`.
//! * Broken input is an answer ([`Defect`], [`Flaw`]), never a panic; depth, record size and
//!   memory have limits, and reaching one is such an answer.
//! * Knows nothing of AWS, files or time.
//!
//! ```
//! use wk_lang::json::{Splitter, Step, Tape};
//!
//! let window = br#"{"Records":[{"id":1},{"id":2}]}"#;
//! let (mut splitter, mut tape, mut sum) = (Splitter::new(&["Records"]), Tape::new(), 0);
//! while let Step::Record { start, end } = splitter.step(window, true) {
//!     let record = tape.parse(std::str::from_utf8(&window[start..end])?)?;
//!     sum += record.get("id").and_then(|id| id.as_i64()).unwrap_or(0);
//! }
//! assert_eq!(sum, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocks;
mod splitter;
mod tape;
mod text;
mod value;

pub use splitter::{Flaw, Splitter, Step};
pub use tape::{Defect, Tape};
pub use text::compact;
pub(crate) use text::unescape;
pub use value::{Fields, Items, Kind, Value};

#[cfg(test)]
mod tests;
