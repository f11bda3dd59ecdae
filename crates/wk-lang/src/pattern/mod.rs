//! EventBridge event patterns, complete: read, refused with AWS's own reasons, matched over the tape.
//!
//! * Form: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>;
//!   what that page leaves open follows aws/event-ruler and, where it is known, EventBridge itself.
//! * [`Pattern`] is one pattern; [`PatternSet`] asks many at once and looks at few of them.
//! * An event is walked once. Only the fields that some pattern names are kept, as
//!   they stand in the text; arrays are flat, but two fields never come from different elements of
//!   one array.
//! * Numbers are compared by their exact decimal value: `5`, `5.0` and `5e0` are one number, and no
//!   digit is lost in the twentieth place. In `numeric` and `anything-but` a pattern may hold those
//!   that binary64 can hold.
//! * A key that occurs twice: in a pattern the last counts, in an event both do, so that nothing can
//!   hide behind a second key.
//! * Patterns and events are hostile: size, depth, branches, wildcards and the work of one event
//!   have limits. An event that takes more work than that is [`Verdict::Unclear`], never a quiet no.
//!
//! ```
//! use wk_lang::json::Tape;
//! use wk_lang::pattern::{Pattern, Verdict};
//!
//! let pattern = Pattern::parse(r#"{"detail":{"severity":[{"numeric":[">=",7]}]}}"#)?;
//! let mut tape = Tape::new();
//! assert_eq!(pattern.verdict(tape.parse(r#"{"detail":{"severity":7.5}}"#)?), Verdict::Yes);
//! assert_eq!(pattern.verdict(tape.parse(r#"{"detail":{"severity":"7.5"}}"#)?), Verdict::No);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod branch;
mod compile;
mod covers;
mod fold;
mod key;
mod number;
mod operator;
mod paths;
mod refused;
mod set;
mod view;
mod walk;
mod want;
mod wildcard;

pub use compile::Pattern;
pub use refused::Refused;
pub use set::{PatternSet, Scratch};
pub use view::Field;

/// What a pattern says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It does not match.
    No,
    /// To say so would take more work than one event may cost: arrays within arrays that were made
    /// for it. Whoever asks decides what is safe.
    Unclear,
    /// It matches.
    Yes,
}

#[cfg(test)]
mod tests;
