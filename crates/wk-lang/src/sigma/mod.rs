//! Sigma 2.1 rules: read, checked, compiled once, and matched against records.
//!
//! * [`read_rules`] reads a file of rules. What it refuses it refuses by name, with line and
//!   column; the other rules of the file are given.
//! * A [`RuleSet`] is compiled from rules and answers which of them match a record. It looks at
//!   the few rules that could: a rule that asks for one of some values of a field is found by that
//!   value, not by trying it.
//! * A record is anything with [`Record`]: parsed JSON, or a row of a text log.
//! * The time for a record is bounded by its size and the rules; no text makes a pattern slow.
//!
//! # What matches
//!
//! * Texts compare without regard to letter case, unless `cased`. `*` and `?` are wildcards.
//! * Numbers, `true` and `false` are equal to their text: `eventVersion: 1.08` is true of `"1.08"`
//!   and of `1.08`. Two numbers are also equal by value.
//! * `null` is true of an absent field and of JSON null; `''` only of the empty text.
//!   `exists: true` is true of every field that is there, null or not.
//! * A path crosses arrays: what is asked must be true of one element, each question for itself.
//!   A key that contains dots is tried where the path by parts leads nowhere.
//! * Operators on parts of texts (`contains`, `startswith`, `endswith`, `re`, wildcards) see an
//!   object as its compact JSON text.
//! * Keywords are looked for, anywhere, in all texts of the record.
//! * `neq` is the opposite of the same test without it, so it is true of an absent field.
//!
//! ```
//! use wk_lang::json::Tape;
//! use wk_lang::sigma::{LogSource, RuleSet, read_rules};
//!
//! let reading = read_rules(
//!     "title: A trail was stopped
//! logsource: {product: aws, service: cloudtrail}
//! detection:
//!   selection: {eventName: [StopLogging, DeleteTrail]}
//!   condition: selection",
//! );
//! assert!(reading.errors.is_empty());
//! let rules = RuleSet::compile(&reading.rules)?;
//! let mut tape = Tape::new();
//! let record = tape.parse(r#"{"eventName":"StopLogging"}"#)?;
//! let mut matching = Vec::new();
//! let readers = rules.readers(&LogSource::new("aws", "cloudtrail"));
//! rules.matches(&record, &readers, &mut matching);
//! assert_eq!(matching, [0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounds;
mod condition;
mod correlation;
mod detection;
mod document;
mod error;
mod expr;
mod expression;
mod extension;
mod field;
mod filter;
mod fold;
mod index;
mod lists;
mod memo;
mod modifier;
mod network;
mod number;
mod own;
mod pattern;
mod possible;
mod prefilter;
mod question;
mod reader;
mod remembered;
mod rule;
mod rule_test;
mod ruleset;
mod test;
mod value;

pub use bounds::{Amount, Bounds, Operator};
pub use condition::Condition;
pub use correlation::{About, Alias, Correlation, Kind, Measure, Named, Together};
pub use detection::Search;
pub use document::{Reading, read_rules, read_rules_with};
pub use error::{Problem, RuleError};
pub use expression::Expression;
pub use extension::Extension;
pub use field::{FieldPath, FieldValue, Record};
pub use filter::Filter;
pub use lists::{Lists, LongList};
pub use network::Networks;
pub use number::Number;
pub use own::{FirstSeen, Rate, SequenceStep, Travel};
pub use pattern::Pattern;
pub use rule::{LogSource, Rule, Status};
pub use rule_test::{Around, Expected, Moment, RuleTest};
pub use ruleset::{Readers, RuleSet, TooManyRules, Witnesses};
pub use test::{Comparison, Part, Reference, Test, TimePart, Want};

/// Bytes that one regular expression may take, compiled; its cache may take as much again.
const REGEX_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
