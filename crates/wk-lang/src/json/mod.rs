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

mod blocks;
mod splitter;
mod tape;
mod text;
mod value;

pub use splitter::{Flaw, Splitter, Step};
pub use tape::{Defect, Tape};
pub use text::compact;
pub use value::{Fields, Items, Kind, Value};

#[cfg(test)]
mod tests;
