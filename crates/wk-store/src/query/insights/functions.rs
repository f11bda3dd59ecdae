//! Calls of functions by name: those of the language, else DataFusion's own.

use std::sync::Arc;

use datafusion::functions::{core, string};
use datafusion::logical_expr::{Expr, ScalarUDF, lit};
use datafusion::scalar::ScalarValue;

use crate::query::functions;

/// A call of a function that is known to be there; nothing if it is not.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    match find(name) {
        Some(function) => function.call(arguments),
        None => {
            debug_assert!(false, "there is no function {name}");
            lit(ScalarValue::Null)
        }
    }
}

fn find(name: &str) -> Option<Arc<ScalarUDF>> {
    Some(match name {
        "coalesce" => core::coalesce(),
        "concat" => string::concat(),
        "contains" => string::contains(),
        "starts_with" => string::starts_with(),
        "ends_with" => string::ends_with(),
        _ => return functions::sql(name),
    })
}
