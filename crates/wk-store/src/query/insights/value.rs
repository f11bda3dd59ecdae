//! A value of a query: an expression of DataFusion and its type.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::scalar::ScalarValue;
use wk_model::Timestamp;
use wk_model::table::ColumnType;
use wk_seam::schema::UTC;

use super::functions;

/// An expression and the type of its value.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) expr: Expr,
    pub(super) kind: DataType,
}

impl Value {
    pub(super) fn of(expr: Expr, kind: DataType) -> Self {
        Self { expr, kind }
    }
    pub(super) fn text(expr: Expr) -> Self {
        Self::of(expr, DataType::Utf8)
    }
    pub(super) fn time(expr: Expr) -> Self {
        Self::of(expr, time_kind())
    }
    pub(super) fn truth(expr: Expr) -> Self {
        Self::of(expr, DataType::Boolean)
    }
    pub(super) fn number(expr: Expr) -> Self {
        Self::of(expr, DataType::Float64)
    }
    /// A field that no record has.
    pub(super) fn null() -> Self {
        Self::text(lit(ScalarValue::Utf8(None)))
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == DataType::Utf8
    }
    pub(super) fn is_number(&self) -> bool {
        self.kind.is_numeric()
    }
    pub(super) fn is_time(&self) -> bool {
        matches!(self.kind, DataType::Timestamp(..))
    }
    pub(super) fn is_truth(&self) -> bool {
        self.kind == DataType::Boolean
    }
    /// The constant that it is, if it is one.
    pub(super) fn constant(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// As a number: 1 and 0 for yes and no, milliseconds for a time, nothing for other texts.
    pub(super) fn to_number(&self) -> Expr {
        match &self.kind {
            kind if kind.is_numeric() => self.expr.clone(),
            DataType::Boolean => cast(self.expr.clone(), DataType::Int64),
            DataType::Timestamp(..) => cast(self.expr.clone(), DataType::Int64) / lit(1000_i64),
            _ => functions::call("to_number", vec![self.expr.clone()]),
        }
    }
    /// The type of [`Self::to_number`].
    pub(super) fn number_kind(&self) -> DataType {
        match &self.kind {
            DataType::Boolean | DataType::Timestamp(..) => DataType::Int64,
            kind if kind.is_integer() => DataType::Int64,
            _ => DataType::Float64,
        }
    }
    /// As a number with a fraction.
    pub(super) fn to_float(&self) -> Expr {
        match self.number_kind() {
            DataType::Float64 => self.to_number(),
            _ => cast(self.to_number(), DataType::Float64),
        }
    }
    /// As text.
    pub(super) fn to_text(&self) -> Expr {
        if self.is_text() {
            return self.expr.clone();
        }
        functions::call("insights_text", vec![self.expr.clone()])
    }
    /// As this type.
    pub(super) fn to_kind(&self, kind: &DataType) -> Expr {
        match kind {
            kind if *kind == self.kind => self.expr.clone(),
            DataType::Float64 => self.to_float(),
            DataType::Utf8 => self.to_text(),
            _ => cast(self.expr.clone(), kind.clone()),
        }
    }
}

/// The type that holds values of both: their own, numbers with a fraction, or else text.
pub(super) fn common(a: &DataType, b: &DataType) -> DataType {
    if a == b {
        a.clone()
    } else if a.is_numeric() && b.is_numeric() {
        DataType::Float64
    } else {
        DataType::Utf8
    }
}

/// The type as queries tell types apart: a text is a text, however it is laid out.
pub(super) fn plain_kind(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        other => other.clone(),
    }
}

/// The type of times.
pub(super) fn time_kind() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// A time as a constant.
pub(super) fn time(at: Timestamp) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(at.micros()), Some(UTC.into())))
}

/// The type of a column.
pub(super) fn kind_of(column: ColumnType) -> DataType {
    match column {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Time => time_kind(),
        ColumnType::TextList => DataType::new_list(DataType::Utf8, true),
    }
}

/// What is done to texts.
pub(super) mod text {
    use super::{Expr, Value, functions, lit};

    /// A path into JSON text.
    pub(in super::super) fn path(json: Expr, path: &str) -> Value {
        Value::text(functions::call("json_path", vec![json, lit(path)]))
    }
}
