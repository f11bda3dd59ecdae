//! `holds(list, text)`: whether a list of texts has this one.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The function.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(Holds { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Holds {
    signature: Signature,
}

impl ScalarUDFImpl for Holds {
    fn name(&self) -> &'static str {
        "holds"
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [list, text] = args.args.as_slice() else {
            return exec_err!("holds takes a list and a text");
        };
        let ColumnarValue::Scalar(text) = text else {
            return exec_err!("the text that holds looks for is a constant");
        };
        let (ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text))) = text else {
            return exec_err!("holds looks for a text");
        };
        let list = list.to_array(args.number_rows)?;
        let DataType::List(_) = list.data_type() else {
            return exec_err!("holds looks into a list of texts");
        };
        let rows = look(&list, text)?;
        Ok(ColumnarValue::Array(Arc::new(rows)))
    }
}

/// For each row, whether its list has the text; a row without a list has none.
fn look(lists: &ArrayRef, text: &str) -> Result<BooleanArray> {
    let lists = lists.as_list::<i32>();
    let texts = cast(lists.values(), &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let has = |row: usize| {
        let offsets = lists.value_offsets();
        let (Ok(from), Ok(to)) = (usize::try_from(offsets[row]), usize::try_from(offsets[row + 1]))
        else {
            return false;
        };
        !lists.is_null(row) && (from..to).any(|i| !texts.is_null(i) && texts.value(i) == text)
    };
    Ok((0..lists.len()).map(|row| Some(has(row))).collect())
}
