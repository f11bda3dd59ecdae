//! Names with dots: `userIdentity.arn` is a column, not a field of a table.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, SetExpr, Visit as _, Visitor, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use wk_model::Table;

use super::QueryError;

/// How long a query's text may be.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// How deep an expression may be: a chain of `AND` is as deep as it is long.
const DEPTH_MAX: usize = 500;

/// How many SELECTs one statement puts together.
const SELECTS_MAX: usize = 100;

/// Measures how deep expressions lie, and counts SELECTs.
#[derive(Default)]
struct Depth {
    now: usize,
    selects: usize,
}

impl Visitor for Depth {
    type Break = String;

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<String> {
        self.now += 1;
        if self.now <= DEPTH_MAX {
            return ControlFlow::Continue(());
        }
        let what = "operators lie within one another; say IN (…) for many values";
        ControlFlow::Break(format!("more than {DEPTH_MAX} {what}"))
    }
    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<String> {
        self.now -= 1;
        ControlFlow::Continue(())
    }
    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let mut waiting: Vec<&SetExpr> = vec![&query.body];
        while let Some(part) = waiting.pop() {
            match part {
                SetExpr::SetOperation { left, right, .. } => waiting.extend([&**left, &**right]),
                _ => self.selects += 1,
            }
        }
        if self.selects <= SELECTS_MAX {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(format!("a statement has at most {SELECTS_MAX} SELECTs"))
    }
}

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
            if let ControlFlow::Break(why) = inner.visit(&mut Depth::default()) {
                return Err(QueryError::Text(why));
            }
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
