//! Expressions of a query as expressions over the rows so far.
//!
//! * A comparison of a typed column with a constant stays a plain comparison, so that statistics,
//!   bloom filters and late reading work. All else compares as the language does.
//! * There is yes and no, nothing between: a comparison with a missing value is a no, and `not` of
//!   it a yes. Inside a condition a null may stand for no; a value is always one of the two.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{BinaryExpr, Expr as Plan, Operator, lit};
use datafusion::scalar::ScalarValue;
use wk_lang::insights::Mistake;
use wk_lang::insights::ast::{At, Binary, Expr, InList, Output, Span, Unary};

use super::compare::{as_number, compare};
use super::scope::{Scope, shown};
use super::value::{Value, text};
use super::{calls, functions, patterns};
use crate::query::AskOptions;

/// What every part of the lowering knows.
pub(super) struct Lower<'q> {
    /// The query's text.
    pub(super) text: &'q str,
    pub(super) options: &'q AskOptions,
    /// What the inner queries answered, by their place in the text.
    pub(super) inner: &'q [(Span, Vec<ScalarValue>)],
}

/// Terms of one condition.
const TERMS_MAX: usize = 500;

pub(super) type Lowered<T> = Result<T, Mistake>;

impl Lower<'_> {
    pub(super) fn mistake(&self, span: Span, message: impl Into<String>) -> Mistake {
        Mistake::new(self.text, span, message)
    }

    /// A column's title: the name that is given, else the expression's own text.
    pub(super) fn title(&self, output: &Output) -> String {
        output.title(self.text).to_owned()
    }

    /// Makes sure that names can be given.
    pub(super) fn names<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        span: Span,
    ) -> Lowered<()> {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if name.starts_with('#') || name.is_empty() {
                return Err(self.mistake(span, "a name is not empty and does not begin with #"));
            }
            if !seen.insert(name) {
                return Err(self.mistake(span, format!("{} is named twice", shown(name))));
            }
        }
        Ok(())
    }

    /// The text of a place without blanks: how two expressions are compared by what is written.
    pub(super) fn normal(&self, span: Span) -> String {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    /// An expression as a value; truth is never null.
    pub(super) fn value(&self, expr: &At<Expr>, scope: &Scope) -> Lowered<Value> {
        let value = self.raw(expr, scope)?;
        let comparison = matches!(
            expr.node,
            Expr::Binary(
                _,
                Binary::Equal
                    | Binary::NotEqual
                    | Binary::Less
                    | Binary::LessOrEqual
                    | Binary::Greater
                    | Binary::GreaterOrEqual
                    | Binary::And
                    | Binary::Or,
                _
            ) | Expr::Like { .. }
                | Expr::In { .. }
        );
        Ok(if comparison { Value::truth(value.expr.is_true()) } else { value })
    }

    /// A whole condition. What plans it walks it by recursion, so its terms are bounded.
    pub(super) fn filter(&self, expr: &At<Expr>, scope: &Scope) -> Lowered<Plan> {
        if terms(expr) > TERMS_MAX {
            let why = format!(
                "a condition has at most {TERMS_MAX} terms; say `in [...]` for many values"
            );
            return Err(self.mistake(expr.span, why));
        }
        self.condition(expr, scope)
    }

    /// An expression as a condition, in which null is a no.
    pub(super) fn condition(&self, expr: &At<Expr>, scope: &Scope) -> Lowered<Plan> {
        let value = self.raw(expr, scope)?;
        Ok(match &value.kind {
            DataType::Boolean => value.expr,
            _ => functions::call("insights_truth", vec![value.expr]),
        })
    }

    fn raw(&self, expr: &At<Expr>, scope: &Scope) -> Lowered<Value> {
        if let Some((_, value)) = scope.taken.iter().find(|(span, _)| *span == expr.span) {
            return Ok(value.clone());
        }
        if let (false, Expr::Call { .. }) = (scope.records, &expr.node)
            && let Some(value) = scope.also(&self.normal(expr.span))
        {
            return Ok(value);
        }
        Ok(match &expr.node {
            Expr::Field(name) => scope.field(self.text, name, expr.span)?,
            Expr::Text(t) => Value::text(lit(t.as_str())),
            Expr::Number(number) => constant_number(number),
            Expr::Bool(truth) => Value::truth(lit(*truth)),
            Expr::Null => Value::null(),
            Expr::Duration(_) => {
                return Err(self.mistake(
                    expr.span,
                    "a length of time stands in bin, datefloor and dateceil only",
                ));
            }
            Expr::Regex(_) => {
                return Err(
                    self.mistake(expr.span, "a regular expression stands after like, =~ or parse")
                );
            }
            Expr::Unary(Unary::Not, inner) => {
                Value::truth(self.condition(inner, scope)?.is_not_true())
            }
            Expr::Unary(Unary::Minus, inner) => self.minus(inner, scope)?,
            Expr::Binary(left, operator, right) => self.binary(left, *operator, right, scope)?,
            Expr::Like { value, pattern, negated } => {
                let value = self.value(value, scope)?.to_text();
                let matches = patterns::like(self, value, pattern, scope)?;
                Value::truth(if *negated { Plan::Not(Box::new(matches)) } else { matches })
            }
            Expr::In { value, list, negated } => self.among(value, list, *negated, scope)?,
            Expr::Call { name, arguments } => calls::call(self, name, arguments, expr.span, scope)?,
            Expr::Index(..) => self.index(expr, scope)?,
        })
    }

    fn minus(&self, inner: &At<Expr>, scope: &Scope) -> Lowered<Value> {
        if let Expr::Number(number) = &inner.node {
            return Ok(constant_number(&["-", number].concat()));
        }
        let value = self.value(inner, scope)?;
        Ok(Value::of(Plan::Negative(Box::new(value.to_number())), value.number_kind()))
    }

    fn binary(
        &self,
        left: &At<Expr>,
        operator: Binary,
        right: &At<Expr>,
        scope: &Scope,
    ) -> Lowered<Value> {
        if let Binary::And | Binary::Or = operator {
            let (left, right) = (self.condition(left, scope)?, self.condition(right, scope)?);
            let both = if operator == Binary::And { left.and(right) } else { left.or(right) };
            return Ok(Value::truth(both));
        }
        let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
        Ok(match operator {
            Binary::Add => arithmetic(&left, Operator::Plus, &right),
            Binary::Subtract => arithmetic(&left, Operator::Minus, &right),
            Binary::Multiply => {
                Value::number(two(left.to_float(), Operator::Multiply, right.to_float()))
            }
            Binary::Divide => divide(&left, &right),
            Binary::Power => by_name("insights_power", &left, &right),
            Binary::Remainder => by_name("insights_remainder", &left, &right),
            _ => Value::truth(compare(operator, left, right)),
        })
    }

    /// `a in [1, 'x']`, `a in (inner query)`.
    fn among(
        &self,
        value: &At<Expr>,
        list: &InList,
        negated: bool,
        scope: &Scope,
    ) -> Lowered<Value> {
        let wanted = self.value(value, scope)?;
        let values = match list {
            InList::Values(values) => {
                values.iter().map(|v| self.value(v, scope)).collect::<Lowered<Vec<_>>>()?
            }
            InList::Query(query) => {
                let found = self.inner.iter().find(|(span, _)| *span == query.span);
                let found = found
                    .ok_or_else(|| self.mistake(query.span, "an inner query cannot stand here"))?;
                found.1.iter().map(|v| Value::of(lit(v.clone()), v.data_type())).collect()
            }
        };
        Ok(Value::truth(one_of(&wanted, values, negated)))
    }

    /// `parsed.users[1].action`: one path into the JSON text of what stands before it.
    fn index(&self, expr: &At<Expr>, scope: &Scope) -> Lowered<Value> {
        let mut steps: Vec<String> = Vec::new();
        let mut at = expr;
        while let Expr::Index(of, step) = &at.node {
            steps.push(match &step.node {
                Expr::Text(name) | Expr::Number(name) => name.clone(),
                _ => return Err(self.mistake(step.span, "a member is named by a number or a text")),
            });
            at = of;
        }
        steps.reverse();
        let base = self.value(at, scope)?;
        Ok(text::path(base.to_text(), &steps.join(".")))
    }
}

/// How many conditions `and` and `or` connect.
fn terms(expr: &At<Expr>) -> usize {
    match &expr.node {
        Expr::Binary(left, Binary::And | Binary::Or, right) => terms(left) + terms(right),
        Expr::Unary(_, inner) => terms(inner),
        _ => 1,
    }
}

/// A number as it was written: whole where it has no fraction.
fn constant_number(number: &str) -> Value {
    if let Ok(whole) = number.parse::<i64>() {
        return Value::of(lit(whole), DataType::Int64);
    }
    let number = number.parse::<f64>().ok().filter(|n| n.is_finite());
    Value::number(lit(ScalarValue::Float64(number)))
}

/// Sums of whole numbers stay whole.
fn arithmetic(left: &Value, operator: Operator, right: &Value) -> Value {
    if (left.number_kind(), right.number_kind()) == (DataType::Int64, DataType::Int64) {
        return Value::of(two(left.to_number(), operator, right.to_number()), DataType::Int64);
    }
    Value::number(two(left.to_float(), operator, right.to_float()))
}

/// What is divided by zero is nothing.
fn divide(left: &Value, right: &Value) -> Value {
    let by_constant = match right.constant() {
        Some(ScalarValue::Int64(Some(n))) => *n != 0,
        Some(ScalarValue::Float64(Some(n))) => *n != 0.0,
        _ => false,
    };
    if by_constant {
        return Value::number(two(left.to_float(), Operator::Divide, right.to_float()));
    }
    by_name("insights_divide", left, right)
}

fn by_name(name: &str, left: &Value, right: &Value) -> Value {
    Value::number(functions::call(name, vec![left.to_float(), right.to_float()]))
}

pub(super) fn two(left: Plan, operator: Operator, right: Plan) -> Plan {
    Plan::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

/// Whether a value equals one of many.
fn one_of(wanted: &Value, mut values: Vec<Value>, negated: bool) -> Plan {
    // Nothing equals nothing.
    values.retain(|v| v.constant().is_none_or(|constant| !constant.is_null()));
    if values.is_empty() {
        return if negated { wanted.expr.clone().is_not_null() } else { lit(false) };
    }
    let texts = wanted.is_text() && values.iter().all(|v| v.is_text() && v.constant().is_some());
    if texts {
        let list = values.into_iter().map(|v| v.expr).collect();
        return wanted.expr.clone().in_list(list, negated);
    }
    if wanted.is_number()
        && let Some(list) = numbers(wanted, &values)
    {
        return wanted.expr.clone().in_list(list, negated);
    }
    let tests = values.into_iter().map(|v| compare(Binary::Equal, wanted.clone(), v)).collect();
    let any = balanced(tests, Operator::Or).unwrap_or_else(|| lit(false));
    if negated { wanted.expr.clone().is_not_null().and(any.is_not_true()) } else { any }
}

/// Constants as numbers of the column's own type; none if one of them is not.
fn numbers(wanted: &Value, values: &[Value]) -> Option<Vec<Plan>> {
    let number = |value: &Value| match (&wanted.kind, value.constant().and_then(as_number)?) {
        (DataType::Int64, whole @ ScalarValue::Int64(_)) => Some(lit(whole)),
        (DataType::Float64, real @ ScalarValue::Float64(_)) => Some(lit(real)),
        _ => None,
    };
    values.iter().map(number).collect()
}

/// Many conditions as a tree that is as flat as can be: deep ones are walked by recursion.
pub(super) fn balanced(mut parts: Vec<Plan>, operator: Operator) -> Option<Plan> {
    while parts.len() > 1 {
        let mut next = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            next.push(match rest.next() {
                Some(right) => two(left, operator, right),
                None => left,
            });
        }
        parts = next;
    }
    parts.pop()
}
