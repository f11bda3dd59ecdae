//! `one_of(text)`: whether a text, in lower case, is one of a set. It stands for a list of many
//! texts, which the planner would take apart for every file.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// A call of it on a column, for these texts.
pub(super) fn call(column: Expr, texts: impl Iterator<Item = String>) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    let function = OneOf { signature, texts: Arc::new(texts.collect()) };
    ScalarUDF::from(function).call(vec![column])
}

#[derive(PartialEq, Eq, Hash)]
struct OneOf {
    signature: Signature,
    texts: Arc<BTreeSet<String>>,
}

impl fmt::Debug for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {} texts", self.texts.len())
    }
}

impl ScalarUDFImpl for OneOf {
    fn name(&self) -> &'static str {
        "one_of"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts] = args.args.as_slice() else {
            return exec_err!("one_of takes a text");
        };
        let texts = cast(&texts.to_array(args.number_rows)?, &DataType::Utf8)?;
        let mut lower = String::new();
        let mut is_one = |text: &str| {
            lower.clear();
            match text.is_ascii() {
                true => lower.extend(text.chars().map(|letter| letter.to_ascii_lowercase())),
                false => lower.extend(text.chars().flat_map(char::to_lowercase)),
            }
            self.texts.contains(&lower)
        };
        let rows = texts.as_string::<i32>().iter().map(|text| Some(text.is_some_and(&mut is_one)));
        Ok(ColumnarValue::Array(Arc::new(rows.collect::<BooleanArray>())))
    }
}
