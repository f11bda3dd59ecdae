//! The view `first_seen`: who did what for the first time, over the whole lake.
//!
//! The times of a question do not narrow it, for then everything would be new.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{LogicalPlanBuilder, ident, lit};
use datafusion::prelude::SessionContext;
use wk_model::Table;
use wk_seam::ledger::Snapshot;

use super::table::LakeTable;

/// The view's name.
const NAME: &str = "first_seen";
/// How the tables below the view are named.
const PART: &str = "_first_seen";
/// What makes two events the same deed.
const KEYS: [&str; 4] = ["source", "account", "actor", "action"];

/// Whether a table stands below the view.
pub(super) fn is_part(table: &TableReference) -> bool {
    table.table().ends_with(PART)
}

/// Registers the view over every table that holds something.
pub(super) fn register(
    context: &SessionContext,
    tables: &[&'static Table],
    snapshot: &Snapshot,
) -> Result<(), DataFusionError> {
    let holds = |t: &&&'static Table| snapshot.files.iter().any(|f| f.table == t.name);
    let mut some: Vec<_> = tables.iter().filter(holds).collect();
    if some.is_empty() {
        some.extend(tables.first());
    }
    let mut union: Option<LogicalPlanBuilder> = None;
    for table in some {
        let source = provider_as_source(Arc::new(LakeTable::new(table, snapshot)));
        let name = format!("{}{PART}", table.name);
        let columns = ["event_time", "account", "actor", "action"].map(ident);
        let part = LogicalPlanBuilder::scan(name, source, None)?
            .project([lit(table.name).alias("source")].into_iter().chain(columns))?;
        union = Some(match union {
            None => part,
            Some(all) => all.union(part.build()?)?,
        });
    }
    let Some(union) = union else { return Ok(()) };
    let names = union.schema().columns();
    let plain = names.into_iter().map(|c| {
        let name = c.name.clone();
        datafusion::prelude::col(c).alias(name)
    });
    let plan = union
        .project(plain.collect::<Vec<_>>())?
        .aggregate(
            KEYS.map(ident),
            [
                min(ident("event_time")).alias("first_event_time"),
                max(ident("event_time")).alias("last_event_time"),
                count(lit(1)).alias("events"),
            ],
        )?
        .build()?;
    let view = ViewTable::new(plan, None);
    context.register_table(TableReference::bare(NAME), Arc::new(view)).map(drop)
}
