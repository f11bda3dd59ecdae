//! Functions that a plan is given with what the query says compiled into them: a regular
//! expression, a template, a lookup table.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Float64Array, StringArray, StringViewArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use regex::Regex;

type Run = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

/// A function of one query. Two are the same if their names and what they were made of are.
pub(super) struct Own {
    name: &'static str,
    made_of: String,
    gives: DataType,
    run: Arc<Run>,
    signature: Signature,
}

impl Own {
    /// A call of a function that answers one value a row.
    pub(super) fn call(
        name: &'static str,
        made_of: impl Into<String>,
        gives: DataType,
        arguments: Vec<Expr>,
        run: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Expr {
        let signature = Signature::variadic_any(Volatility::Immutable);
        let own = Self { name, made_of: made_of.into(), gives, run: Arc::new(run), signature };
        ScalarUDF::new_from_impl(own).call(arguments)
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.name, self.made_of)
    }
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        (self.name, &self.made_of) == (other.name, &other.made_of)
    }
}

impl Eq for Own {}

impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.name, &self.made_of).hash(state);
    }
}

impl ScalarUDFImpl for Own {
    fn name(&self) -> &str {
        self.name
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays: Result<Vec<ArrayRef>> = args.args.iter().map(|a| a.to_array(rows)).collect();
        (self.run)(&arrays?).map(ColumnarValue::Array)
    }
}

/// A column of texts, in either of its layouts.
pub(super) enum Texts {
    Plain(StringArray),
    View(StringViewArray),
}

impl Texts {
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = Option<&str>> + '_> {
        match self {
            Self::Plain(texts) => Box::new(texts.iter()),
            Self::View(texts) => Box::new(texts.iter()),
        }
    }
}

/// An argument's texts.
pub(super) fn texts(arguments: &[ArrayRef], at: usize) -> Result<Texts> {
    let array = arguments.get(at).ok_or_else(|| exec_datafusion_err!("an argument is missing"))?;
    if let Some(views) = array.as_string_view_opt() {
        return Ok(Texts::View(views.clone()));
    }
    Ok(Texts::Plain(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()))
}

/// Whether a text matches a regular expression anywhere.
pub(super) fn matches(regex: Regex, text: Expr) -> Expr {
    Own::call(
        "matches",
        regex.as_str().to_owned(),
        DataType::Boolean,
        vec![text],
        move |arguments| {
            let texts = texts(arguments, 0)?;
            let found: BooleanArray =
                texts.iter().map(|text| text.map(|t| regex.is_match(t))).collect();
            Ok(Arc::new(found))
        },
    )
}

/// The number behind a label of Lambda's REPORT line: `Init Duration: 12.3 ms`.
pub(super) fn report_number(text: Expr, label: &'static str) -> Expr {
    Own::call("report_number", label, DataType::Float64, vec![text], move |arguments| {
        let texts = texts(arguments, 0)?;
        let number = |text: &str| {
            let (_, rest) = text.split_once(label)?;
            let digits = rest.strip_prefix(": ")?.split([' ', '\t', '\\']).next()?;
            digits.parse::<f64>().ok()
        };
        let numbers: Float64Array = texts.iter().map(|text| text.and_then(number)).collect();
        Ok(Arc::new(numbers))
    })
}
