//! One event on its way into the lake.

use std::borrow::Cow;

use crate::finding::Sighting;
use crate::table::{ColumnType, Table};
use crate::time::Timestamp;

/// An event: the normalised core, the source's own columns and the raw record.
///
/// A `Row` borrows from the object it was read from; whoever keeps it copies it into columns.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The table it goes to.
    pub table: &'static Table,
    /// When it happened; `None` only until the machinery puts the delivery time there and flags it.
    pub time: Option<Timestamp>,
    /// When the object or envelope that brought it was written, where that is known.
    pub delivered: Option<Timestamp>,
    /// What makes it the same event when it is delivered again.
    pub id: EventId<'a>,
    /// AWS account it happened in.
    pub account: Option<Cow<'a, str>>,
    /// AWS region it happened in.
    pub region: Option<Cow<'a, str>>,
    /// Who did it: principal ARN, else principal id, service or host.
    pub actor: Option<Cow<'a, str>>,
    /// Kind of actor, as the source spells it.
    pub actor_type: Option<Cow<'a, str>>,
    /// Access key id that was used.
    pub access_key: Option<Cow<'a, str>>,
    /// ARN of the role or user behind a session.
    pub session_issuer: Option<Cow<'a, str>>,
    /// Where from: address or service name.
    pub source_ip: Option<Cow<'a, str>>,
    /// Client that was used.
    pub user_agent: Option<Cow<'a, str>>,
    /// What was done: `service:Operation` without version suffix, or the source's verb.
    pub action: Option<Cow<'a, str>>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// ARNs and ids of what it was done to, in the order of the record.
    pub resources: Vec<Cow<'a, str>>,
    /// Fields that failed their type: `column=reason: text`.
    pub flags: Vec<String>,
    /// The table's own columns, by index.
    pub cells: Vec<Cell<'a>>,
    /// Its columns say of the record's fields what the record says, as far as its source promises
    /// that of them: rules need not look for these in the record.
    pub as_written: bool,
    /// The record as it came.
    pub raw: Cow<'a, str>,
    /// The finding that the record itself is (GuardDuty, Security Hub, a failure event).
    pub sighting: Option<Box<Sighting>>,
}

/// A value of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Cell<'a> {
    /// Absent.
    #[default]
    Null,
    /// For `Text` and `Json`.
    Text(Cow<'a, str>),
    /// For `Int`.
    Int(i64),
    /// For `Float`.
    Float(f64),
    /// For `Bool`.
    Bool(bool),
    /// For `Time`.
    Time(Timestamp),
    /// For `TextList`.
    List(Vec<Cow<'a, str>>),
}

/// What makes an event the same event when it is delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventId<'a> {
    /// The source gives each event its own id.
    Own(Cow<'a, str>),
    /// The source gives an id to a thing and updates it: id and version (time of update).
    Versioned(Cow<'a, str>, Cow<'a, str>),
    /// The source gives none: the object's identity and the record's ordinal are the identity.
    Ordinal,
}

/// How an event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It failed for another reason than permission.
    Failure,
    /// It was refused for lack of permission, or rejected by a filter.
    Denied,
}

impl Outcome {
    /// The word in the lake.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
        }
    }
    /// Reads the word in the lake.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Denied].into_iter().find(|o| o.as_str() == word)
    }
}

impl<'a> Row<'a> {
    /// How many flags an event keeps; more are counted in the last one.
    pub const FLAGS_MAX: usize = 16;
    /// How many resources an event keeps.
    pub const RESOURCES_MAX: usize = 64;

    /// An empty event of a table.
    pub fn new(table: &'static Table, raw: impl Into<Cow<'a, str>>) -> Self {
        Self {
            table,
            time: None,
            delivered: None,
            id: EventId::Ordinal,
            account: None,
            region: None,
            actor: None,
            actor_type: None,
            access_key: None,
            session_issuer: None,
            source_ip: None,
            user_agent: None,
            action: None,
            outcome: None,
            resources: Vec::new(),
            flags: Vec::new(),
            cells: vec![Cell::Null; table.columns.len()],
            as_written: false,
            raw: raw.into(),
            sighting: None,
        }
    }

    /// Notes that a field failed its type; its text is kept in the flag (cut to 200 characters).
    pub fn flag(&mut self, column: &str, reason: &str, text: &str) {
        if self.flags.len() < Self::FLAGS_MAX {
            let kept: String = text.chars().take(200).collect();
            self.flags.push(format!("{column}={reason}: {kept}"));
        } else if self.flags.len() == Self::FLAGS_MAX {
            self.flags.push("more=further fields failed their type".to_owned());
        }
    }

    /// Adds a resource once; beyond [`Row::RESOURCES_MAX`] they are flagged, not kept.
    pub fn resource(&mut self, resource: impl Into<Cow<'a, str>>) {
        let resource = resource.into();
        if resource.is_empty() || self.resources.contains(&resource) {
            return;
        }
        if self.resources.len() < Self::RESOURCES_MAX {
            self.resources.push(resource);
        } else {
            self.flag("resources", "more than are kept", &resource);
        }
    }

    /// Sets a text or JSON column.
    pub fn text(&mut self, index: usize, value: impl Into<Cow<'a, str>>) {
        self.cells[index] = Cell::Text(value.into());
    }

    /// Sets a column of any type from text, as files of fields give it; text that does not fit the
    /// column's type is flagged and the column stays empty.
    pub fn read(&mut self, index: usize, value: &'a str) {
        let column = &self.table.columns[index];
        let cell = match column.kind {
            ColumnType::Text | ColumnType::Json => Some(Cell::Text(Cow::Borrowed(value))),
            ColumnType::Int => value.parse().ok().map(Cell::Int),
            ColumnType::Float => {
                value.parse().ok().filter(|f: &f64| f.is_finite()).map(Cell::Float)
            }
            ColumnType::Bool => match value {
                "true" | "True" | "TRUE" => Some(Cell::Bool(true)),
                "false" | "False" | "FALSE" => Some(Cell::Bool(false)),
                _ => None,
            },
            ColumnType::Time => Timestamp::parse(value).ok().map(Cell::Time),
            ColumnType::TextList => Some(Cell::List(vec![Cow::Borrowed(value)])),
        };
        match cell {
            Some(cell) => self.cells[index] = cell,
            None => self.flag(column.name, "does not fit its type", value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::column;

    static TABLE: Table = Table {
        name: "t",
        doc: "",
        columns: &[column("port", ColumnType::Int, ""), column("at", ColumnType::Time, "")],
        sort: &[],
        aliases: &[],
    };

    #[test]
    fn a_field_that_fails_its_type_keeps_its_text_and_a_flag() {
        let mut row = Row::new(&TABLE, "80x");
        row.read(0, "80x");
        row.read(1, "2024-02-15T14:23:00Z");
        assert_eq!(row.cells[0], Cell::Null);
        assert!(matches!(row.cells[1], Cell::Time(_)));
        assert_eq!(row.flags, ["port=does not fit its type: 80x"]);
    }

    #[test]
    fn flags_and_resources_are_bounded() {
        let mut row = Row::new(&TABLE, "");
        (0..100).for_each(|n| row.resource(format!("r{n}")));
        assert_eq!(
            (row.resources.len(), row.flags.len()),
            (Row::RESOURCES_MAX, Row::FLAGS_MAX + 1)
        );
    }
}
