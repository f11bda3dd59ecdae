//! The edge to the lake, over small lakes of our own making.
#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod insights;
mod world;
