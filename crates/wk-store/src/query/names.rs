//! Names with dots: `userIdentity.arn` is a column, not a field of a table.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Statement, visit_expressions_mut};
use wk_model::Table;

/// The column names of all tables that hold a dot.
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn of(tables: &[&'static Table]) -> Self {
        let names = tables.iter().flat_map(|t| {
            t.columns.iter().map(|c| c.name).chain(t.aliases.iter().map(|(alias, _)| *alias))
        });
        Self(names.filter(|n| n.contains('.')).map(str::to_owned).collect())
    }

    /// Makes one name of each dotted column of a statement.
    pub(super) fn join_in(&self, statement: &mut Statement) {
        let walked: ControlFlow<()> = visit_expressions_mut(statement, |expression| {
            self.join(expression);
            ControlFlow::Continue(())
        });
        debug_assert!(walked.is_continue());
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
