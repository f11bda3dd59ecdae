//! Tables of the lake as Arrow schemas.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use wk_model::Table;
use wk_model::table::{CORE, Column, ColumnType};

/// The zone of every time in the lake.
pub const UTC: &str = "UTC";

/// The Arrow schema of a table: the core columns, then its own.
pub fn of(table: &Table) -> SchemaRef {
    let fields: Vec<Field> = CORE.iter().chain(table.columns).map(field).collect();
    Arc::new(Schema::new(fields))
}

fn field(column: &Column) -> Field {
    let kind = match column.kind {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        ColumnType::TextList => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
    };
    Field::new(column.name, kind, true)
}
