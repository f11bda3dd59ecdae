//! Our own aggregates as DataFusion sees them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{
    AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs,
};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Expr, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::best::Best;
use super::collect::Tally;
use super::percentile::Percentile;
use crate::query::functions::coerce;

/// One of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Own {
    Min,
    Max,
    SortsFirst,
    SortsLast,
    Earliest,
    Latest,
    Percentile,
    TopK,
    Distinct,
}

impl Own {
    pub(super) fn udaf(self) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::new_from_impl(Udaf {
            own: self,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Min => "min_any",
            Self::Max => "max_any",
            Self::SortsFirst => "sorts_first",
            Self::SortsLast => "sorts_last",
            Self::Earliest => "earliest",
            Self::Latest => "latest",
            Self::Percentile => "pct",
            Self::TopK => "topk",
            Self::Distinct => "distinct_values",
        }
    }

    fn arguments(self) -> usize {
        match self {
            Self::Min | Self::Max | Self::SortsFirst | Self::SortsLast | Self::Distinct => 1,
            Self::Earliest | Self::Latest | Self::Percentile | Self::TopK => 2,
        }
    }
}

#[derive(Debug)]
struct Udaf {
    own: Own,
    signature: Signature,
}

impl PartialEq for Udaf {
    fn eq(&self, other: &Self) -> bool {
        self.own == other.own
    }
}

impl Eq for Udaf {}

impl Hash for Udaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.own.hash(state);
    }
}

impl AggregateUDFImpl for Udaf {
    fn name(&self) -> &str {
        self.own.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != self.own.arguments() {
            return plan_err!("{} was given {} arguments", self.own.name(), types.len());
        }
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match self.own {
            Own::Percentile => DataType::Float64,
            Own::TopK | Own::Distinct => list_of(DataType::Utf8),
            _ => coerce::common_type(types.iter().take(1)),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str, kind: DataType| {
            Arc::new(Field::new(format_state_name(args.name, name), kind, true))
        };
        Ok(match self.own {
            Own::Percentile => vec![
                field("numbers", list_of(DataType::Float64)),
                field("buckets", list_of(DataType::Int64)),
                field("counts", list_of(DataType::Int64)),
            ],
            Own::TopK | Own::Distinct => vec![
                field("values", list_of(DataType::Utf8)),
                field("counts", list_of(DataType::Int64)),
            ],
            _ => vec![
                field("key", DataType::Binary),
                field("value", args.return_field.data_type().clone()),
            ],
        })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(match self.own {
            Own::Percentile => Box::new(Percentile::of(constant(self.own, &args)?)?),
            Own::TopK => Box::new(Tally::most(constant(self.own, &args)?)?),
            Own::Distinct => Box::new(Tally::distinct()),
            own => Box::new(Best::new(own, args.return_field.data_type())?),
        })
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        let builtin = match self.own {
            Own::Min => min_udaf,
            Own::Max => max_udaf,
            _ => return None,
        };
        // Where the column's type says it all, DataFusion's own is faster.
        Some(Box::new(move |mut call: AggregateFunction, info| {
            let kind = match call.params.args.first() {
                Some(value) => info.get_data_type(value)?,
                None => DataType::Null,
            };
            if matches!(kind, DataType::Int64 | DataType::Float64) || kind == coerce::time_type() {
                call.func = builtin();
            }
            Ok(Expr::AggregateFunction(call))
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn default_value(&self, kind: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_from(kind)
    }
}

pub(super) fn list_of(kind: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", kind, true)))
}

/// The second argument, which is the same for all rows.
fn constant(own: Own, args: &AccumulatorArgs<'_>) -> Result<f64> {
    let wrong = || plan_datafusion_err!("the second argument of {} has to be a number", own.name());
    let empty = RecordBatch::new_empty(Arc::new(datafusion::arrow::datatypes::Schema::empty()));
    let value = args.exprs.get(1).ok_or_else(wrong)?.evaluate(&empty).map_err(|_| wrong())?;
    let ColumnarValue::Scalar(scalar) = value else { return Err(wrong()) };
    let numbers = coerce::numbers(&scalar.to_array()?)?;
    numbers.iter().next().flatten().ok_or_else(wrong)
}
