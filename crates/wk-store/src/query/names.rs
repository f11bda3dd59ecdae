//! Names with dots: `userIdentity.arn` is a column, not a field of a table.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Ident, visit_expressions_mut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use wk_model::Table;

use super::QueryError;

/// How long a query's text may be.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The column names of all tables that hold a dot.
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn of(tables: &[&'static Table]) -> Self {
        let names = tables.iter().flat_map(|t| {
            t.columns.iter().map(|c| c.name).chain(t.aliases.iter().map(|(alias, _)| *alias))
        });
        Self(names.filter(|n| n.contains('.')).map(str::to_owned).collect())
    }

    /// Reads one statement and makes one name of each dotted column.
    pub(super) fn parse(&self, sql: &str) -> Result<Statement, QueryError> {
        if sql.len() > TEXT_BYTES_MAX {
            return Err(QueryError::Text(format!(
                "the query is longer than {TEXT_BYTES_MAX} bytes"
            )));
        }
        let text = |e: datafusion::error::DataFusionError| QueryError::Text(e.strip_backtrace());
        let mut parser = DFParserBuilder::new(sql)
            .with_dialect(&GenericDialect {})
            .with_recursion_limit(64)
            .build()
            .map_err(text)?;
        let mut statements = parser.parse_statements().map_err(text)?;
        let (Some(mut statement), None) = (statements.pop_front(), statements.pop_front()) else {
            return Err(QueryError::Text("one statement is answered at a time".to_owned()));
        };
        if let Statement::Statement(inner) = &mut statement {
            let walked: ControlFlow<()> = visit_expressions_mut(inner.as_mut(), |expression| {
                self.join(expression);
                ControlFlow::Continue(())
            });
            debug_assert!(walked.is_continue());
        }
        Ok(statement)
    }

    fn join(&self, expression: &mut Expr) {
        let Expr::CompoundIdentifier(parts) = expression else { return };
        let joined =
            |parts: &[Ident]| parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".");
        let whole = joined(parts);
        if self.0.contains(&whole) {
            *expression = Expr::Identifier(Ident::with_quote('"', whole));
        } else if let [table, rest @ ..] = parts.as_slice()
            && self.0.contains(&joined(rest))
        {
            let column = Ident::with_quote('"', joined(rest));
            *expression = Expr::CompoundIdentifier(vec![table.clone(), column]);
        }
    }
}
