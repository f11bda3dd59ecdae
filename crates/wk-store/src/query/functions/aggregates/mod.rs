//! What `stats` computes over many rows.
//!
//! Where DataFusion has the aggregate, it is used over arguments of the right type; what depends
//! on types that only the rows know is ours. All merge, so partitions may work on their own, and
//! all say how much memory they hold, so that the query's limit covers them.

mod best;
mod collect;
mod percentile;
mod udaf;

use std::sync::Arc;

use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;
use datafusion::functions_aggregate::{average, count, stddev, sum, variance};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr, lit};

use udaf::Own;

/// An aggregate, with everything there is to say about it.
#[derive(Debug)]
pub struct Aggregate {
    /// Its names in Logs Insights, the documented one first.
    pub insights: &'static [&'static str],
    /// Its names in SQL, where SQL does not have it already.
    pub sql: &'static [&'static str],
    /// What it takes, for people.
    pub takes: &'static str,
    /// How many arguments a query gives it: at least, at most.
    pub arity: (usize, usize),
    /// What it does, in one sentence.
    pub says: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Count,
    CountDistinct,
    /// One of DataFusion's, over numbers.
    Numbers(fn() -> Arc<AggregateUDF>),
    Own(Own),
}

/// Every aggregate, by name.
pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        insights: &["avg"],
        sql: &[],
        takes: "number",
        arity: (1, 1),
        says: "The mean of the numbers.",
        kind: Kind::Numbers(average::avg_udaf),
    },
    Aggregate {
        insights: &["count"],
        sql: &[],
        takes: "value?",
        arity: (0, 1),
        says: "How many events there are, or how many have the value.",
        kind: Kind::Count,
    },
    Aggregate {
        insights: &["countDistinct", "count_distinct"],
        sql: &[],
        takes: "value",
        arity: (1, 1),
        says: "How many different values there are; exact.",
        kind: Kind::CountDistinct,
    },
    Aggregate {
        insights: &["countOverTime"],
        sql: &[],
        takes: "value?",
        arity: (0, 1),
        says: "The same as count; with `by bin(…)`, for each bin.",
        kind: Kind::Count,
    },
    Aggregate {
        insights: &["earliest"],
        sql: &["earliest"],
        takes: "value",
        arity: (1, 1),
        says: "The value of the earliest event that has one; of events at the same time, what sorts first. In SQL the time is the second argument.",
        kind: Kind::Own(Own::Earliest),
    },
    Aggregate {
        insights: &["latest"],
        sql: &["latest"],
        takes: "value",
        arity: (1, 1),
        says: "The value of the latest event that has one; of events at the same time, what sorts last. In SQL the time is the second argument.",
        kind: Kind::Own(Own::Latest),
    },
    Aggregate {
        insights: &["max"],
        sql: &["max_any"],
        takes: "value",
        arity: (1, 1),
        says: "The largest number or time; where no value is a number, the last text in Unicode order.",
        kind: Kind::Own(Own::Max),
    },
    Aggregate {
        insights: &["min"],
        sql: &["min_any"],
        takes: "value",
        arity: (1, 1),
        says: "The smallest number or time; where no value is a number, the first text in Unicode order.",
        kind: Kind::Own(Own::Min),
    },
    Aggregate {
        insights: &["pct", "percentile"],
        sql: &["pct"],
        takes: "number, percent",
        arity: (2, 2),
        says: "The smallest number that so many percent of the numbers do not exceed; exact up to 16,384 numbers, beyond that within 0.1 percent of its size.",
        kind: Kind::Own(Own::Percentile),
    },
    Aggregate {
        insights: &["sortsFirst"],
        sql: &["sorts_first"],
        takes: "value",
        arity: (1, 1),
        says: "The value that `sort` puts first.",
        kind: Kind::Own(Own::SortsFirst),
    },
    Aggregate {
        insights: &["sortsLast"],
        sql: &["sorts_last"],
        takes: "value",
        arity: (1, 1),
        says: "The value that `sort` puts last.",
        kind: Kind::Own(Own::SortsLast),
    },
    Aggregate {
        insights: &["stddev"],
        sql: &[],
        takes: "number",
        arity: (1, 1),
        says: "The standard deviation of the numbers, as of a whole population.",
        kind: Kind::Numbers(stddev::stddev_pop_udaf),
    },
    Aggregate {
        insights: &["sum"],
        sql: &[],
        takes: "number",
        arity: (1, 1),
        says: "The sum of the numbers; a boolean counts 1 or 0.",
        kind: Kind::Numbers(sum::sum_udaf),
    },
    Aggregate {
        insights: &["sumOverTime"],
        sql: &[],
        takes: "number",
        arity: (1, 1),
        says: "The same as sum; with `by bin(…)`, for each bin.",
        kind: Kind::Numbers(sum::sum_udaf),
    },
    Aggregate {
        insights: &["topk"],
        sql: &["topk"],
        takes: "k, value",
        arity: (2, 2),
        says: "The k most frequent values, the most frequent first; of equally frequent ones, what sorts first. In SQL k is the second argument.",
        kind: Kind::Own(Own::TopK),
    },
    Aggregate {
        insights: &["values", "collect_values"],
        sql: &["distinct_values"],
        takes: "value",
        arity: (1, 1),
        says: "The different values as a list, in the order of `sort`.",
        kind: Kind::Own(Own::Distinct),
    },
    Aggregate {
        insights: &["variance"],
        sql: &["variance"],
        takes: "number",
        arity: (1, 1),
        says: "The variance of the numbers, as of a whole population.",
        kind: Kind::Numbers(variance::var_pop_udaf),
    },
];

impl Aggregate {
    /// The bare aggregate; its arguments have to have the right type, and the right order.
    pub(super) fn udaf(&self) -> Arc<AggregateUDF> {
        match self.kind {
            Kind::Count | Kind::CountDistinct => count::count_udaf(),
            Kind::Numbers(udaf) => udaf(),
            Kind::Own(own) => own.udaf(),
        }
    }

    /// The aggregate over a query's arguments of any type. `time` is the events' time.
    ///
    /// # Errors
    /// If the number of arguments is wrong.
    pub fn over(&self, arguments: Vec<Expr>, time: Expr) -> Result<Expr> {
        let (least, most) = self.arity;
        if arguments.len() < least || arguments.len() > most {
            let (name, takes, given) = (self.insights[0], self.takes, arguments.len());
            return Err(plan_datafusion_err!("{name}({takes}) was given {given} arguments"));
        }
        let mut arguments = arguments;
        let mut distinct = false;
        match self.kind {
            Kind::Count if arguments.is_empty() => arguments.push(lit(1i64)),
            Kind::Count => {}
            Kind::CountDistinct => distinct = true,
            Kind::Numbers(_) => arguments = arguments.into_iter().map(as_number).collect(),
            Kind::Own(Own::Earliest | Own::Latest) => arguments.push(time),
            Kind::Own(Own::TopK) => arguments.reverse(),
            Kind::Own(Own::Percentile) => {
                arguments = arguments.into_iter().map(as_number).collect();
            }
            Kind::Own(_) => {}
        }
        let call = AggregateFunction::new_udf(self.udaf(), arguments, distinct, None, vec![], None);
        Ok(Expr::AggregateFunction(call))
    }
}

/// A value as a number; literals stay what they are.
fn as_number(value: Expr) -> Expr {
    match (&value, super::scalar("toNumber")) {
        (Expr::Literal(..), _) | (_, None) => value,
        (_, Some(to_number)) => to_number.call(vec![value]),
    }
}

#[cfg(test)]
mod tests;
