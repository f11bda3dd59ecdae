//! The query language of CloudWatch Logs Insights: text to a checked form.
//!
//! * [`parse`] reads the whole language as documented in 2026, and what real queries write beside it.
//! * A mistake has a line, a column and, where there is one, the word that was probably meant.
//! * Every text gets an answer: sizes, nesting and counts have limits, which are mistakes like others.
//! * Knows nothing of tables, columns of the lake or how a query is run.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html>.

pub mod ast;
mod check;
mod clauses;
mod commands;
mod expression;
mod functions;
pub mod meaning;
mod mistake;
mod parser;
pub mod pattern;
mod print;
mod sources;
mod token;
mod walk;

pub use check::{Checked, Columns, Found, ROWS_MAX, check};
pub use clauses::ITEMS_MAX;
pub use commands::{COMMANDS, CommandEntry, command};
pub use functions::{Argument, FUNCTIONS, Function, FunctionKind, Page, capped, function};
pub use mistake::Mistake;
pub use parser::{
    COMMANDS_MAX, DEPTH_MAX, MISTAKES_MAX, NESTING_MAX, PARTS_MAX, PATTERNS_MAX, TEXT_BYTES_MAX,
    parse,
};
pub use walk::{PATTERN_FIELDS, groups, is_aggregate};

#[cfg(test)]
mod tests;
