//! What is wrong with an SQL text, and what was probably meant.

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use wk_lang::nearest::nearest;

use super::Questions;

/// What is wrong, with the nearest name where one is not known; `tables` are all there are.
pub(super) fn told(error: &DataFusionError, tables: &[String]) -> String {
    let root = error.find_root();
    if let DataFusionError::SchemaError(inner, _) = root
        && let SchemaError::FieldNotFound { field, valid_fields } = inner.as_ref()
    {
        return unknown_column(field, valid_fields);
    }
    if let DataFusionError::Plan(text) = root
        && let Some(name) = unknown_table(text)
    {
        let mut said = format!("there is no table {name:?}");
        if let Some(near) = nearest(name, tables.iter().map(String::as_str)) {
            said = format!("{said}; did you mean {near}?");
        }
        return format!("{said}\nwatchkeeper query --tables lists all of them");
    }
    error.strip_backtrace()
}

impl Questions {
    /// The names that can stand behind FROM.
    pub fn table_names(&self) -> Vec<String> {
        let schema = self.context.catalog("watchkeeper").and_then(|c| c.schema("lake"));
        let mut names = schema.map(|s| s.table_names()).unwrap_or_default();
        names.sort();
        names
    }
}

fn unknown_column(field: &Column, valid: &[Column]) -> String {
    let asked = field.flat_name().replace('"', "");
    let mut said = format!("there is no column {asked:?}");
    let names = valid.iter().map(|c| c.name.as_str());
    if let Some(near) = nearest(&asked, names.clone()).or_else(|| nearest(&field.name, names)) {
        said = format!("{said}; did you mean {near}?");
    }
    let mut tables: Vec<&str> =
        valid.iter().filter_map(|c| c.relation.as_ref().map(|r| r.table())).collect();
    tables.sort_unstable();
    tables.dedup();
    match tables.as_slice() {
        [] => said,
        all => format!(
            "{said}\nwatchkeeper query --describe {} lists its columns; upper and lower case count",
            all.join(" or ")
        ),
    }
}

/// The name in DataFusion's words for a table that is not there.
fn unknown_table(text: &str) -> Option<&str> {
    let name = text.strip_prefix("table '")?.split_once('\'')?.0;
    Some(name.strip_prefix("watchkeeper.lake.").unwrap_or(name))
}
