//! A row, as rules see it: columns by name, and behind them the record where there is one.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_lang::sigma::{FieldPath, FieldValue, Record};
use wk_model::event::Cell;
use wk_model::{Row, Table};

use crate::shared_fields::{self, Reads};

/// A row whose columns are fields. Of a record that is JSON it answers what its columns hold as it was
/// written; the rest is looked for in the record.
#[derive(Clone, Copy)]
pub(crate) struct RowRecord<'a> {
    row: &'a Row<'a>,
    /// Where the fields of a set of rules are, by their numbers.
    fields: &'a [Field],
    record: Option<Value<'a>>,
}

/// Where a field is in the rows of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    /// In this column of the table's own.
    Cell(usize),
    /// In what every event has.
    Shared(Reads),
    /// It is the list of resources.
    Resources,
    /// It is the record as it came.
    Raw,
    /// There is none.
    Nowhere,
}

impl<'a> RowRecord<'a> {
    /// A row whose fields are looked for by name.
    pub(crate) fn new(row: &'a Row<'a>) -> Self {
        Self { row, fields: &[], record: None }
    }

    /// A row and its record, if there is one, of which it is known where the fields of a set of rules
    /// are.
    pub(crate) fn knowing(
        row: &'a Row<'a>,
        fields: &'a [Field],
        record: Option<Value<'a>>,
    ) -> Self {
        Self { row, fields, record }
    }
}

impl Field {
    /// Where it is in rows of this table.
    pub(crate) fn of(table: &Table, name: &str) -> Self {
        // A source's own name for a column is as good as the column's.
        let alias = table.aliases.iter().find(|(alias, _)| *alias == name);
        let name = alias.map_or(name, |(_, column)| column);
        match (table.index(name), name) {
            (Some(cell), _) => Self::Cell(cell),
            (None, "resource_ids") => Self::Resources,
            (None, "raw") => Self::Raw,
            (None, _) => shared_fields::reads(name).map_or(Self::Nowhere, Self::Shared),
        }
    }

    /// What a row of that table holds there.
    pub(crate) fn value<'r>(self, row: &'r Row<'_>) -> FieldValue<'r> {
        let text = |text: Option<&'r str>| {
            text.map_or(FieldValue::Absent, |text| FieldValue::Text(Cow::Borrowed(text)))
        };
        match self {
            Self::Cell(cell) => match &row.cells[cell] {
                Cell::Null => FieldValue::Absent,
                Cell::Text(text) => FieldValue::Text(Cow::Borrowed(text)),
                Cell::Int(n) => FieldValue::Int(*n),
                Cell::Float(n) => FieldValue::Float(*n),
                Cell::Bool(truth) => FieldValue::Bool(*truth),
                Cell::Time(time) => FieldValue::Text(Cow::Owned(time.to_string())),
                Cell::List(items) => FieldValue::Texts(items),
            },
            Self::Shared(reads) => text(reads(row)),
            Self::Resources => FieldValue::Texts(&row.resources),
            Self::Raw => text(Some(&row.raw)),
            Self::Nowhere => FieldValue::Absent,
        }
    }
}

impl Record for RowRecord<'_> {
    #[inline]
    fn field(&self, path: &FieldPath) -> FieldValue<'_> {
        let known = path.index().and_then(|number| self.fields.get(number).copied());
        match (known, &self.record) {
            (None | Some(Field::Nowhere), Some(record)) => record.field(path),
            (Some(known), _) => known.value(self.row),
            (None, None) => Field::of(self.row.table, path.as_str()).value(self.row),
        }
    }

    fn any_text(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        match &self.record {
            Some(record) => record.any_text(look),
            None => look(&self.row.raw),
        }
    }
}
