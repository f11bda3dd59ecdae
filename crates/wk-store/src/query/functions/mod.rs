//! Functions of queries: those of CloudWatch Logs Insights, and what SQL needs besides.
//!
//! * [`scalar`] and [`aggregate`] find a function by its name in Logs Insights, in any case;
//!   [`register`] puts all of them under their SQL names.
//! * Every function takes values of any type and coerces them by the one table in `coerce`.
//!   Nothing in gives nothing out, unless its sentence says otherwise.
//! * What is wrong with a record's value gives nothing; what is wrong with the query (a regular
//!   expression, a period, a block of addresses, written into it) is an error that says so.
//! * Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html>.

mod address;
mod aggregates;
mod arn;
mod codecs;
mod coerce;
mod date_pattern;
mod dates;
mod general;
mod json;
mod numeric;
mod operators;
mod period;
mod scalar;
mod text;

use std::sync::Arc;

use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;
use wk_lang::insights::ast::{Binary, Duration};

pub use aggregates::{AGGREGATES, Aggregate};
pub use period::Period;
pub use scalar::{Gives, Scalar};
pub use text::regex;

/// Every function over one row, by subject.
pub const SCALARS: &[(&str, &[Scalar])] = &[
    ("Numbers", numeric::FUNCTIONS),
    ("Dates and times", dates::FUNCTIONS),
    ("Any value", general::FUNCTIONS),
    ("JSON", json::FUNCTIONS),
    ("IP addresses", address::FUNCTIONS),
    ("Text", text::FUNCTIONS),
    ("Encodings and hashes", codecs::FUNCTIONS),
    ("ARNs", arn::FUNCTIONS),
    ("Operators", operators::FUNCTIONS),
];

/// Functions that the planner answers from the query and its clock.
pub const PLANNED: &[&str] = &["bin", "now", "queryStartTime", "queryEndTime", "queryTimeRange"];

/// Documented functions that are known and refused: AWS does not say what they compute.
pub const NOT_YET: &[&str] = &["rate", "histogram"];

/// Names that mean something else to readers of SQL: its own words, and the decimal logarithm.
const NOT_IN_SQL: &[&str] = &["case", "if", "log"];

/// The function of Logs Insights with a name.
pub fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    let (function, name) = find_scalar(name)?;
    Some(Arc::new(function.udf(name)))
}

/// What there is to say about a function: what it takes, how many arguments, what it gives.
pub fn describe(name: &str) -> Option<&'static Scalar> {
    find_scalar(name).map(|(function, _)| function)
}

/// The bare aggregate with a name of Logs Insights. It takes numbers where it computes with them;
/// [`Aggregate::over`] sees to that and to the order of arguments.
pub fn aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    describe_aggregate(name).map(Aggregate::udaf)
}

/// The aggregate with a name, ready to be put over a query's arguments by [`Aggregate::over`].
pub fn describe_aggregate(name: &str) -> Option<&'static Aggregate> {
    AGGREGATES.iter().find(|a| a.insights.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// What an operator does with values of any type; `and` and `or` are the planner's own.
pub fn operator(operator: Binary) -> Option<Arc<ScalarUDF>> {
    sql(match operator {
        Binary::Or | Binary::And => return None,
        Binary::Equal => "insights_equal",
        Binary::NotEqual => "insights_not_equal",
        Binary::Less => "insights_less",
        Binary::LessOrEqual => "insights_less_or_equal",
        Binary::Greater => "insights_greater",
        Binary::GreaterOrEqual => "insights_greater_or_equal",
        Binary::Add => "insights_add",
        Binary::Subtract => "insights_subtract",
        Binary::Multiply => "insights_multiply",
        Binary::Divide => "insights_divide",
        Binary::Power => "insights_power",
        Binary::Remainder => "insights_remainder",
    })
}

/// The function with an SQL name: `json_path`, `natural_key`, `insights_truth`.
pub fn sql(name: &str) -> Option<Arc<ScalarUDF>> {
    let all = SCALARS.iter().flat_map(|(_, functions)| functions.iter());
    let named = |f: &'static Scalar| f.sql.iter().find(|n| **n == name).map(|n| (f, *n));
    let (function, name) = all.into_iter().find_map(named)?;
    Some(Arc::new(function.udf(name)))
}

/// A length of time as the text that `datefloor`, `dateceil` and `bin_floor` take.
pub fn period_text(duration: &Duration) -> String {
    Period::from(duration).to_string()
}

/// Puts all functions under their SQL names. SQL's own functions keep their names and meaning.
pub fn register(context: &SessionContext) {
    for function in SCALARS.iter().flat_map(|(_, functions)| functions.iter()) {
        for name in function.sql {
            if context.udf(name).is_err() {
                context.register_udf(function.udf(name));
            }
        }
        // SQL reads names in lower case: `isIpInSubnet(…)` is found by the alias.
        for name in function.insights.iter().filter(|name| !NOT_IN_SQL.contains(name)) {
            if context.udf(&name.to_ascii_lowercase()).is_err() {
                context.register_udf(function.udf(name));
            }
        }
    }
    for aggregate in AGGREGATES.iter().filter(|aggregate| !aggregate.sql.is_empty()) {
        let udaf = aggregate.udaf();
        let names = aggregate.sql.iter().copied().filter(|name| context.udaf(name).is_err());
        let names: Vec<&'static str> = names.collect();
        context.register_udaf(udaf.as_ref().clone().with_aliases(names));
    }
}

fn find_scalar(name: &str) -> Option<(&'static Scalar, &'static str)> {
    let all = SCALARS.iter().flat_map(|(_, functions)| functions.iter());
    all.into_iter().find_map(|function| {
        let known = function.insights.iter().find(|known| known.eq_ignore_ascii_case(name))?;
        Some((function, *known))
    })
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
