//! Values inside JSON text. Objects and lists travel as compact JSON.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use wk_lang::insights::meaning::Path;
use wk_lang::json::{Kind, Tape, Value};

use super::coerce::TextOut;
use super::scalar::{Call, Gives, Scalar};

const JSON: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "json",
    arity: (1, 1),
    gives: Gives::Text,
    says: "",
    run: |call| Ok(call.nothing()),
};

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["jsonParse"],
        sql: &["json_parse"],
        says: "The text as compact JSON if it is an object or a list, else nothing.",
        run: |call| {
            documents(call, |value| {
                let nested = matches!(value.kind(), Kind::Object | Kind::Array);
                nested.then(|| value.compact().into_owned())
            })
        },
        ..JSON
    },
    Scalar {
        insights: &["jsonStringify"],
        sql: &["json_stringify"],
        takes: "object or list",
        says: "An object or a list as JSON text.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_text(|row| texts.get(row))
        },
        ..JSON
    },
    Scalar {
        insights: &["jsonArraySize"],
        sql: &["json_array_size", "json_array_length"],
        takes: "list",
        gives: Gives::Whole,
        says: "How many elements a list has.",
        run: array_size,
        ..JSON
    },
    Scalar {
        insights: &["jsonArrayContains"],
        sql: &["json_array_contains"],
        takes: "list, value",
        arity: (2, 2),
        gives: Gives::Truth,
        says: "Whether a list has an element with exactly this text; false where it is no list.",
        run: array_contains,
    },
    Scalar {
        sql: &["json_path", "json_text", "json_get"],
        takes: "json, path",
        arity: (2, 2),
        says: "The value at a path such as `userIdentity.arn` or `items.0.id`; nothing for `null`.",
        run: path,
        ..JSON
    },
];

fn path(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let mut paths = call.made(1, Path::parse)?;
    let mut out = TextOut::with_rows(call.rows);
    for row in 0..call.rows {
        let found = match (texts.get(row), paths.get(row)) {
            (Some(json), Some(path)) => path.find(json),
            _ => None,
        };
        out.push(found.as_ref().and_then(|found| found.text()).as_deref())?;
    }
    Ok(out.finish())
}

fn documents(call: &Call<'_>, value: fn(Value<'_>) -> Option<String>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let mut tape = Tape::new();
    call.each_text(|row| tape.parse(texts.get(row)?).ok().and_then(value))
}

fn is_list(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_))
}

fn array_size(call: &Call<'_>) -> Result<ArrayRef> {
    let array = call.array(0)?;
    if is_list(array.data_type()) {
        let lists = array.as_list::<i32>();
        let row_of = |row| if call.is_constant(0) { 0 } else { row };
        let size = |row| lists.is_valid(row).then(|| i64::from(lists.value_length(row)));
        return call.each_whole(|row| size(row_of(row)));
    }
    let texts = call.texts(0)?;
    let mut tape = Tape::new();
    call.each_whole(|row| {
        let value = tape.parse(texts.get(row)?).ok()?;
        let is_array = value.kind() == Kind::Array;
        is_array.then(|| i64::try_from(value.items().count()).ok()).flatten()
    })
}

/// Lists of texts become JSON first: they are short.
fn array_contains(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, wanted) = (call.texts(0)?, call.texts(1)?);
    let mut tape = Tape::new();
    call.each_truth(|row| {
        Some(texts.get(row).zip(wanted.get(row)).is_some_and(|(json, wanted)| {
            let Ok(list) = tape.parse(json) else { return false };
            list.items().any(|item| match item.kind() {
                Kind::String => item.as_str().is_some_and(|text| text == wanted),
                _ => item.compact() == wanted,
            })
        }))
    })
}
