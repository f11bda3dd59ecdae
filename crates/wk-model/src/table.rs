//! Tables of the lake: which columns a source has, in words and types, without Arrow.

/// A table of the lake: what one source's records become.
///
/// Every table has the [`CORE`] columns first, with the same names and types everywhere, then its
/// own columns in its source's own spelling.
#[derive(Debug)]
pub struct Table {
    /// Name in SQL and in the lake's paths: lower case, underscores.
    pub name: &'static str,
    /// What it holds, as a sentence.
    pub doc: &'static str,
    /// The source's own columns.
    pub columns: &'static [Column],
    /// By which columns the rows of a closed day are sorted, `event_time` last: what is asked for
    /// most often comes first, so that files and pages without it are passed over.
    pub sort: &'static [&'static str],
    /// Further names under which a column can be asked for: (name, column). They cost nothing.
    pub aliases: &'static [(&'static str, &'static str)],
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name; dots where the source nests.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// What it holds.
    pub doc: &'static str,
}

/// Types of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// UTF-8 text that holds compact JSON.
    Json,
    /// Signed 64-bit number.
    Int,
    /// 64-bit floating point.
    Float,
    /// True or false.
    Bool,
    /// Microseconds since the epoch, UTC.
    Time,
    /// A list of UTF-8 texts.
    TextList,
}

/// A column, in one line.
pub const fn column(name: &'static str, kind: ColumnType, doc: &'static str) -> Column {
    Column { name, kind, doc }
}

impl Table {
    /// The place of a column among the table's own.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// The order of tables that say what was done, and who did it.
pub const BY_ACTION: &[&str] = &["action", "actor", "event_time"];
/// The order of tables whose records have little in common but their time.
pub const BY_TIME: &[&str] = &["event_time"];

/// The columns that every table has: the four times, the identity and the normalised core.
pub const CORE: &[Column] = &[
    column("event_time", ColumnType::Time, "when it happened, as the source says"),
    column("delivered_time", ColumnType::Time, "when the object that brought it was written"),
    column("received_time", ColumnType::Time, "when Watchkeeper read it"),
    column("recorded_time", ColumnType::Time, "when Watchkeeper sealed the commit that holds it"),
    column("event_id", ColumnType::Text, "the source's own id, or object and ordinal"),
    column("account", ColumnType::Text, "AWS account it happened in"),
    column("region", ColumnType::Text, "AWS region it happened in"),
    column("actor", ColumnType::Text, "who: principal ARN, else principal id, service or host"),
    column("actor_type", ColumnType::Text, "kind of actor, as the source spells it"),
    column("access_key", ColumnType::Text, "access key id that was used"),
    column("session_issuer", ColumnType::Text, "ARN of the role or user behind a session"),
    column("source_ip", ColumnType::Text, "where from: address or service name"),
    column("user_agent", ColumnType::Text, "client that was used"),
    column("action", ColumnType::Text, "what: service:Operation without version suffix, or verb"),
    column("outcome", ColumnType::Text, "success, failure or denied"),
    column("resource_ids", ColumnType::TextList, "ARNs and ids of what it was done to"),
    column("flags", ColumnType::TextList, "fields that failed their type, with their text"),
    column(
        "object",
        ColumnType::Text,
        "first 16 digits of the identity of the object that brought it",
    ),
    column("ordinal", ColumnType::Int, "place of the record in its object, from 0"),
    column("raw", ColumnType::Text, "the record as it came"),
];
