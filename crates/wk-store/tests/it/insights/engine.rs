//! What the engine answers, in the values of the reference.

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};

use super::reference::{Table, Value};
use crate::world::World;

/// The engine's answer, or why there is none.
pub(super) fn answer(world: &World, text: &str) -> Result<Table, String> {
    world.block_on(async {
        let asked = world.questions.ask_insights(text, &world.options()).await;
        let mut answer = asked.map_err(|e| format!("{e}: {e:?}"))?;
        let titles = answer.schema().fields().iter().map(|f| f.name().clone()).collect();
        let mut rows = Vec::new();
        while let Some(batch) = answer.next().await.map_err(|e| format!("{e}: {e:?}"))? {
            for row in 0..batch.num_rows() {
                rows.push(batch.columns().iter().map(|column| cell(column, row)).collect());
            }
        }
        Ok(Table { titles, rows })
    })
}

fn cell(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return Value::Missing;
    }
    let one = column.slice(row, 1);
    let to = |kind: &DataType| cast(&one, kind).unwrap();
    match column.data_type() {
        DataType::Boolean => Value::Bool(one.as_boolean().value(0)),
        DataType::Timestamp(..) => {
            let micros = to(&DataType::Timestamp(TimeUnit::Microsecond, None));
            Value::Time(micros.as_primitive::<TimestampMicrosecondType>().value(0))
        }
        #[expect(clippy::cast_precision_loss, reason = "whole numbers of tests are small")]
        kind if kind.is_integer() => {
            Value::Number(to(&DataType::Int64).as_primitive::<Int64Type>().value(0) as f64)
        }
        kind if kind.is_numeric() => {
            Value::Number(to(&DataType::Float64).as_primitive::<Float64Type>().value(0))
        }
        DataType::List(_) => {
            let items = cast(&one.as_list::<i32>().value(0), &DataType::Utf8).unwrap();
            Value::List(items.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
        }
        _ => Value::Text(to(&DataType::Utf8).as_string::<i32>().value(0).to_owned()),
    }
}

/// Whether two answers are the same: numbers as near as the order of a sum allows.
pub(super) fn same(left: &Table, right: &Table) -> bool {
    let cells = |l: &Value, r: &Value| match (l, r) {
        (Value::Number(l), Value::Number(r)) => {
            (l - r).abs() <= 1e-9 * l.abs().max(r.abs()).max(1e-3)
        }
        _ => l == r,
    };
    let rows = |l: &Vec<Value>, r: &Vec<Value>| {
        l.len() == r.len() && l.iter().zip(r).all(|(l, r)| cells(l, r))
    };
    left.titles == right.titles
        && left.rows.len() == right.rows.len()
        && left.rows.iter().zip(&right.rows).all(|(l, r)| rows(l, r))
}

/// Both answers, side by side, for a message.
pub(super) fn told(text: &str, engine: &Result<Table, String>, reference: &Table) -> String {
    let mut told = format!("{text}\n");
    let lines = |table: &Table| -> Vec<String> {
        let head = std::iter::once(format!("{:?}", table.titles));
        head.chain(table.rows.iter().map(|row| format!("{row:?}"))).collect()
    };
    let expected = lines(reference);
    let given = engine.as_ref().map_or_else(|why| vec![why.clone()], lines);
    for n in 0..expected.len().max(given.len()) {
        let (e, g) = (expected.get(n), given.get(n));
        if e != g {
            told =
                [told, format!("  line {n}\n    reference {e:?}\n    engine    {g:?}\n")].concat();
            break;
        }
    }
    told
}
