//! What is asked of AWS, and what it answered.
//!
//! * A call is a small typed struct beside the code that uses it: it implements [`Call`] and names
//!   one [`Operation`]. The operation says all that is always true of it: how it travels, how its
//!   pages go on, which permission it needs. The catalogue of permissions grows from that.
//! * Reading is [`AwsRead`]. It follows pages to their end or says that more remain: a part of an
//!   answer is never taken for the whole.
//! * Every request leaves a [`CallRecord`], whatever came of it.

mod answer;
mod error;
mod operation;
mod record;

use serde::de::DeserializeOwned;
use serde_json::Value;
use wk_model::AccountId;

use crate::Future;

pub use answer::{flag, list, number, time};
pub use error::{AwsError, AwsErrorKind, CallName};
pub use operation::{Effect, Http, Operation, Paging};
pub use record::{CallRecord, Recorder};

/// How many pages are followed where a call does not say otherwise.
pub const PAGES_MAX: u32 = 1_000;

/// What reads of AWS answer. Boxed: the error holds everything that somebody will want to know.
pub type AwsResult<T> = Result<T, Box<AwsError>>;

/// A typed call: one operation with its parameters.
pub trait Call {
    /// What is always true of it.
    const OPERATION: &'static Operation;
    /// A page of its answer.
    type Answer: DeserializeOwned;
    /// Its parameters, spelt as they travel. Members that are `null` are left out.
    fn parameters(&self) -> Value;
}

/// Whom a call is put to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The account, entered by the role that the adapter is set up with; none is our own.
    pub account: Option<AccountId>,
    /// The region; none is the one that profile or environment name.
    pub region: Option<String>,
}

/// A call that changes nothing, ready to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadCall {
    /// Which operation.
    pub operation: &'static Operation,
    /// Its parameters, in order, without `null`.
    pub parameters: Value,
    /// Whom it is put to.
    pub target: Target,
    /// At most so many pages are read.
    pub pages_max: u32,
    /// Where reading goes on: a token of an earlier answer.
    pub from: Option<String>,
}

/// What a call brought.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "there may be more pages than were read"]
pub struct Whole<T> {
    /// The pages, one at least.
    pub pages: Vec<T>,
    /// The token of the first page that was not read because the limit was reached. Where it is
    /// there, the answer is a part.
    pub next: Option<String>,
    /// The service's names for the requests.
    pub request_ids: Vec<String>,
}

/// Reads from AWS.
pub trait AwsRead: Send + Sync {
    /// Makes a call and follows its pages. An operation that changes something is refused.
    fn read<'a>(&'a self, call: &'a ReadCall) -> Future<'a, AwsResult<Whole<Value>>>;
}

impl ReadCall {
    /// A typed call, put to somebody.
    pub fn of<C: Call>(call: &C, target: Target) -> Self {
        Self {
            operation: C::OPERATION,
            parameters: without_nulls(call.parameters()),
            target,
            pages_max: PAGES_MAX,
            from: None,
        }
    }
}

impl Target {
    /// Our own account, in a region.
    pub fn region(region: impl Into<String>) -> Self {
        Self { account: None, region: Some(region.into()) }
    }
}

impl<T> Whole<T> {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.next.is_none()
    }
}

/// Makes a typed call and reads its answer.
///
/// # Errors
/// As [`AwsRead::read`]; also where the answer is not of the form that the call expects.
pub async fn ask<C: Call>(
    aws: &dyn AwsRead,
    call: &C,
    target: Target,
) -> AwsResult<Whole<C::Answer>> {
    let call = ReadCall::of(call, target);
    typed::<C>(aws.read(&call).await?, &call)
}

/// The pages of an answer as the call's own type.
///
/// # Errors
/// If a page is not of the form that the call expects.
pub fn typed<C: Call>(whole: Whole<Value>, call: &ReadCall) -> AwsResult<Whole<C::Answer>> {
    let Whole { pages, next, request_ids } = whole;
    let mut read = Vec::with_capacity(pages.len());
    for (page, request_id) in pages.into_iter().zip(&request_ids) {
        let answer = serde_json::from_value(page).map_err(|error| {
            let name = CallName::of(call.operation, &call.target);
            AwsError::malformed(name, error.to_string()).with_request(request_id)
        })?;
        read.push(answer);
    }
    Ok(Whole { pages: read, next, request_ids })
}

/// The same without the members that are `null`, at any depth.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name, without_nulls(member)))
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    struct ListThings;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Things {
        #[serde(rename = "Names")]
        names: Vec<String>,
    }

    impl Call for ListThings {
        const OPERATION: &'static Operation = &Operation {
            service: "things",
            name: "ListThings",
            permission: "things:ListThings",
            pages: Paging::next_token("NextToken"),
            ..Operation::READ
        };
        type Answer = Things;
        fn parameters(&self) -> Value {
            json!({"Prefix": null, "Filter": {"A": 1, "B": null}, "Kinds": [null, "x"]})
        }
    }

    #[test]
    fn what_is_not_said_does_not_travel() {
        let call = ReadCall::of(&ListThings, Target::region("eu-west-1"));
        assert_eq!(call.parameters, json!({"Filter": {"A": 1}, "Kinds": [null, "x"]}));
        assert_eq!((call.pages_max, call.from), (PAGES_MAX, None));
    }

    #[test]
    fn an_answer_of_another_form_is_an_error_that_names_call_and_request() {
        let call = ReadCall::of(&ListThings, Target::region("eu-west-1"));
        let good = json!({"Names": ["a"]});
        let whole = |page| Whole { pages: vec![page], next: None, request_ids: vec!["r-1".into()] };
        let read = typed::<ListThings>(whole(good), &call).unwrap();
        assert_eq!(read.pages, [Things { names: vec!["a".into()] }]);
        let error = typed::<ListThings>(whole(json!({"Names": 7})), &call).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.kind, AwsErrorKind::Malformed);
        assert!(said.contains("things:ListThings in eu-west-1"), "{said}");
        assert!(said.contains("r-1"), "{said}");
    }
}
