//! One function of a query as DataFusion sees it: any number of rows, values of any type.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, TimestampMicrosecondArray,
    new_null_array,
};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{exec_datafusion_err, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::coerce::{self, TextOut, Texts};

/// A function, with everything there is to say about it.
#[derive(Debug)]
pub struct Scalar {
    /// Its names in Logs Insights, the documented one first; none where only SQL has it.
    pub insights: &'static [&'static str],
    /// Its names in SQL, the first one shown.
    pub sql: &'static [&'static str],
    /// What it takes, for people: `text, from, length?`.
    pub takes: &'static str,
    /// How many arguments: at least, at most.
    pub arity: (usize, usize),
    /// What it gives.
    pub gives: Gives,
    /// What it does, in one sentence.
    pub says: &'static str,
    pub(super) run: fn(&Call<'_>) -> Result<ArrayRef>,
}

/// The type of a function's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// A number, in 64 bits of floating point.
    Number,
    /// A whole number of 64 bits.
    Whole,
    /// Text.
    Text,
    /// Yes or no.
    Truth,
    /// A time.
    Time,
    /// A list of texts.
    List,
    /// Bytes to sort by.
    Key,
    /// The type that all arguments have in common.
    Common,
    /// The type that the second argument and every second one after it, and a last one, have.
    Branches,
}

impl Gives {
    fn of(self, types: &[DataType]) -> DataType {
        match self {
            Self::Number => DataType::Float64,
            Self::Whole => DataType::Int64,
            Self::Text => DataType::Utf8,
            Self::Truth => DataType::Boolean,
            Self::Time => coerce::time_type(),
            Self::List => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
            Self::Key => DataType::Binary,
            Self::Common => coerce::common_type(types.iter()),
            Self::Branches => {
                let is_value = |n: &usize| n % 2 == 1 || n + 1 == types.len();
                coerce::common_type((0..types.len()).filter(is_value).map(|n| &types[n]))
            }
        }
    }
}

impl Scalar {
    /// The name under which errors and plans mention it.
    pub fn name(&self) -> &'static str {
        self.insights.first().or(self.sql.first()).copied().unwrap_or("")
    }

    /// The function for a plan, under one of its names.
    pub(super) fn udf(&'static self, name: &'static str) -> ScalarUDF {
        let lower = Some(name.to_ascii_lowercase()).filter(|lower| lower != name);
        let aliases = Vec::from_iter(lower);
        ScalarUDF::new_from_impl(Udf { name, aliases, function: self, signature: any_types() })
    }
}

fn any_types() -> Signature {
    Signature::user_defined(Volatility::Immutable)
}

#[derive(Debug)]
struct Udf {
    name: &'static str,
    aliases: Vec<String>,
    function: &'static Scalar,
    signature: Signature,
}

impl PartialEq for Udf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && std::ptr::eq(self.function, other.function)
    }
}

impl Eq for Udf {}

impl Hash for Udf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Udf {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(self.function.gives.of(types))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (least, most) = self.function.arity;
        if types.len() < least || types.len() > most {
            let takes = self.function.takes;
            return Err(plan_datafusion_err!(
                "{}({takes}) was given {} arguments",
                self.name,
                types.len()
            ));
        }
        Ok(types.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arguments = args.args.iter().map(Argument::new).collect::<Result<Vec<_>>>()?;
        let call = Call { name: self.name, arguments, rows, gives: args.return_field.data_type() };
        let array = (self.function.run)(&call)?;
        if constant {
            return ScalarValue::try_from_array(&array, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(array))
    }
}

/// A function's arguments over a batch of rows.
pub(super) struct Call<'a> {
    pub(super) name: &'static str,
    arguments: Vec<Argument>,
    pub(super) rows: usize,
    /// The type of the answer.
    pub(super) gives: &'a DataType,
}

/// A column, or one value for all rows.
struct Argument {
    array: ArrayRef,
    constant: bool,
}

impl Argument {
    fn new(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(array) => Self { array: array.clone(), constant: false },
            ColumnarValue::Scalar(scalar) => Self { array: scalar.to_array()?, constant: true },
        })
    }
}

/// Values of one argument by row.
pub(super) struct Values<T> {
    values: T,
    constant: bool,
}

impl<T> Values<T> {
    #[inline]
    fn row(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
}

impl Values<Texts> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.values.get(self.row(row))
    }
}

impl Values<Float64Array> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<f64> {
        let row = self.row(row);
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

impl Values<BooleanArray> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<bool> {
        let row = self.row(row);
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

impl Values<TimestampMicrosecondArray> {
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        let row = self.row(row);
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

impl Call<'_> {
    pub(super) fn count(&self) -> usize {
        self.arguments.len()
    }

    /// An argument's column, with one row where it is the same for all rows.
    pub(super) fn array(&self, index: usize) -> Result<&ArrayRef> {
        let argument = self.arguments.get(index).map(|argument| &argument.array);
        argument.ok_or_else(|| exec_datafusion_err!("{} lacks an argument", self.name))
    }

    pub(super) fn is_constant(&self, index: usize) -> bool {
        self.arguments.get(index).is_some_and(|argument| argument.constant)
    }

    pub(super) fn texts(&self, index: usize) -> Result<Values<Texts>> {
        let values = coerce::texts(self.array(index)?)?;
        Ok(Values { values, constant: self.is_constant(index) })
    }

    pub(super) fn numbers(&self, index: usize) -> Result<Values<Float64Array>> {
        let values = coerce::numbers(self.array(index)?)?;
        Ok(Values { values, constant: self.is_constant(index) })
    }

    pub(super) fn truths(&self, index: usize) -> Result<Values<BooleanArray>> {
        let values = coerce::truths(self.array(index)?)?;
        Ok(Values { values, constant: self.is_constant(index) })
    }

    pub(super) fn times(&self, index: usize) -> Result<Values<TimestampMicrosecondArray>> {
        let values = coerce::times(self.array(index)?)?;
        Ok(Values { values, constant: self.is_constant(index) })
    }

    /// Something made of an argument's text: once where the text is the same for all rows.
    pub(super) fn made<T>(&self, index: usize, make: fn(&str) -> Option<T>) -> Result<Made<T>> {
        Ok(Made { texts: self.texts(index)?, make, last: None })
    }

    /// An argument that has to be the same for all rows.
    pub(super) fn constant_text(&self, index: usize, what: &str) -> Result<Option<String>> {
        if !self.is_constant(index) && self.rows > 0 {
            return Err(exec_datafusion_err!("{what} of {} has to be a constant", self.name));
        }
        let texts = coerce::texts(self.array(index)?)?;
        Ok((texts.len() > 0).then(|| texts.get(0).map(str::to_owned)).flatten())
    }

    pub(super) fn each_text<S: AsRef<str>>(
        &self,
        mut value: impl FnMut(usize) -> Option<S>,
    ) -> Result<ArrayRef> {
        let mut out = TextOut::with_rows(self.rows);
        for row in 0..self.rows {
            out.push(value(row).as_ref().map(AsRef::as_ref))?;
        }
        Ok(out.finish())
    }

    pub(super) fn each_truth(&self, value: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<BooleanArray>()))
    }

    pub(super) fn each_whole(&self, value: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Int64Array>()))
    }

    pub(super) fn each_time(&self, value: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
        let times: TimestampMicrosecondArray = (0..self.rows).map(value).collect();
        Ok(Arc::new(times.with_timezone(wk_seam::schema::UTC)))
    }

    /// Numbers; what is not finite is nothing.
    pub(super) fn each_number(
        &self,
        mut value: impl FnMut(usize) -> Option<f64>,
    ) -> Result<ArrayRef> {
        let finite = |row| value(row).filter(|n: &f64| n.is_finite());
        Ok(Arc::new((0..self.rows).map(finite).collect::<Float64Array>()))
    }

    /// Nothing, in every row.
    pub(super) fn nothing(&self) -> ArrayRef {
        new_null_array(self.gives, self.rows)
    }
}

/// See [`Call::made`].
pub(super) struct Made<T> {
    texts: Values<Texts>,
    make: fn(&str) -> Option<T>,
    last: Option<(String, Option<T>)>,
}

impl<T> Made<T> {
    /// What the row's text makes, if it makes something.
    pub(super) fn get(&mut self, row: usize) -> Option<&T> {
        let known = match &self.last {
            Some(_) if self.texts.constant => true,
            Some((text, _)) => self.texts.get(row) == Some(text),
            None => false,
        };
        if !known {
            let text = self.texts.get(row)?;
            self.last = Some((text.to_owned(), (self.make)(text)));
        }
        self.last.as_ref().and_then(|(_, made)| made.as_ref())
    }
}
