//! The commands of the language, by their documented names.

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandEntry {
    /// Its documented name; any case is read.
    pub name: &'static str,
    /// Whether it runs; else it is read and refused.
    pub runs: bool,
    /// What it does.
    pub doc: &'static str,
}

const fn runs(name: &'static str, doc: &'static str) -> CommandEntry {
    CommandEntry { name, runs: true, doc }
}

const fn not_yet(name: &'static str, doc: &'static str) -> CommandEntry {
    CommandEntry { name, runs: false, doc }
}

/// Every command, in the order of the alphabet. Subqueries, which AWS lists among them, stand in
/// `filter x in (…)`.
pub const COMMANDS: &[CommandEntry] = &[
    not_yet("accum", "a running sum of a field"),
    not_yet("addtotals", "sums of rows and of columns"),
    not_yet("anomaly", "log lines that are unusual"),
    not_yet("appendcols", "columns of another query, beside the rows"),
    not_yet("autoregress", "values of earlier rows beside each row"),
    runs("cidrlookup", "columns of a table of networks, by an address"),
    not_yet("countFrequent", "how often each combination of values occurs, about"),
    runs("dedup", "one row for each combination of values"),
    runs("diff", "patterns beside those of an earlier time"),
    runs("display", "exactly these columns"),
    not_yet("estimate", "how much would be read"),
    not_yet("expand", "one row for each item of a JSON array"),
    runs("fields", "columns, also computed ones"),
    not_yet("filldown", "the last value where there is none"),
    runs("fillmissing", "rows for buckets of time that have none"),
    runs("filter", "rows for which a condition holds"),
    runs("filterIndex", "a filter on indexed fields"),
    runs("head", "the first rows; the old name of limit"),
    runs("join", "columns of rows elsewhere that have the same key"),
    runs("limit", "so many rows at most"),
    not_yet("logcompare", "the same beside an earlier time"),
    runs("lookup", "columns of a table, by a key"),
    not_yet("outlier", "rows with values far from the others"),
    runs("parse", "fields out of a text"),
    runs("pattern", "log lines of one shape, counted"),
    not_yet("relevantfields", "fields that tell most"),
    not_yet("sessionize", "rows of one session get one number"),
    runs("sort", "rows in order"),
    runs("SOURCE", "which log groups are asked"),
    runs("stats", "counts, sums and the like, by group"),
    runs("tail", "the last rows; no longer documented"),
    not_yet("unmask", "masked texts in full"),
    runs("unnest", "one row for each item of a list"),
    runs("where", "another name of filter"),
];

/// The command of this name, in any case.
pub fn command(name: &str) -> Option<&'static CommandEntry> {
    COMMANDS.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}
