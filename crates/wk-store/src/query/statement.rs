//! One statement from a text, with the names of the lake's columns.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use sqlparser::dialect::GenericDialect;

use super::QueryError;
use super::bounds;
use super::names::Names;

/// How deep the parser may call itself.
pub(super) const RECURSION_MAX: usize = 64;

impl Names {
    /// Reads one statement and makes one name of each dotted column.
    pub(super) fn parse(&self, sql: &str) -> Result<Statement, QueryError> {
        let refused = |e: datafusion::error::DataFusionError| QueryError::Text(e.strip_backtrace());
        let tokens = bounds::tokens(sql).map_err(|e| QueryError::Text(e.to_string()))?;
        let mut parser = DFParserBuilder::new(tokens)
            .with_dialect(&GenericDialect {})
            .with_recursion_limit(RECURSION_MAX)
            .build()
            .map_err(refused)?;
        let mut statements = parser.parse_statements().map_err(refused)?;
        let (Some(mut statement), None) = (statements.pop_front(), statements.pop_front()) else {
            return Err(QueryError::Text("one statement is answered at a time".to_owned()));
        };
        if let Statement::Statement(inner) = &mut statement {
            bounds::parts(inner).map_err(|e| QueryError::Text(e.to_string()))?;
            self.join_in(inner);
        }
        Ok(statement)
    }
}
