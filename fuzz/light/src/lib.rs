//! What the parsers of messages and answers promise of any bytes, one module for each fuzz target.
//!
//! * `check` takes the fuzzer's bytes and panics where a promise is broken.

pub mod aws_xml;
pub mod otlp_body;
pub mod queue_messages;
