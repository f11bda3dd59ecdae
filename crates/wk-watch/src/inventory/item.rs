//! What is always true of a question.

use serde_json::{Value, json};
use wk_seam::aws::{Http, Operation, Paging};

/// A question of the inventory.
#[derive(Debug)]
pub struct Item {
    /// The operation.
    pub operation: Operation,
    /// How often it is asked.
    pub fan: Fan,
    /// What it is asked for, in a few words.
    pub asks: &'static str,
    /// The fixed part of its parameters.
    pub parameters: fn() -> Value,
    /// Members of the answer, at any depth, whose values are nobody's business.
    pub masks: &'static [&'static str],
    /// Codes by which the service says that there is none, beside those that every service has.
    pub absent: &'static [&'static str],
    /// At most so many pages.
    pub pages_max: u32,
}

/// How often a question is asked.
#[derive(Debug, Clone, Copy)]
pub enum Fan {
    /// Once for an account, in its home region.
    Account,
    /// Once for each region of an account.
    Region,
    /// Once for each thing that the answer to another question names.
    Each {
        /// The other question: `cloudtrail:DescribeTrails`.
        of: &'static str,
        /// What to ask, of the parameters and one page of the other answer.
        ask: fn(&Value, &Value, &Place) -> Vec<Asking>,
    },
}

/// Where the other answer was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: String,
    /// The region that was asked.
    pub region: String,
}

/// One question to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// Its own parameters; the item's fixed ones come beside.
    pub parameters: Value,
    /// The region to ask, where it is not that of the other answer.
    pub region: Option<String>,
}

/// Pages that are followed where an item says nothing else.
const PAGES_MAX: u32 = 1_000;

impl Item {
    pub(super) const fn of(fan: Fan, operation: Operation, asks: &'static str) -> Self {
        Self {
            operation,
            fan,
            asks,
            parameters: || json!({}),
            masks: &[],
            absent: &[],
            pages_max: PAGES_MAX,
        }
    }
    pub(super) const fn asking(self, parameters: fn() -> Value) -> Self {
        Self { parameters, ..self }
    }
    pub(super) const fn masking(self, masks: &'static [&'static str]) -> Self {
        Self { masks, ..self }
    }
    pub(super) const fn absent_by(self, absent: &'static [&'static str]) -> Self {
        Self { absent, ..self }
    }
    pub(super) const fn at_most(self, pages_max: u32) -> Self {
        Self { pages_max, ..self }
    }

    /// Service and operation: `cloudtrail:DescribeTrails`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.operation.service, self.operation.name)
    }

    /// Whether it is this question.
    pub fn is(&self, key: &str) -> bool {
        key.split_once(':') == Some((self.operation.service, self.operation.name))
    }

    /// The parameters of one asking: the fixed ones and its own.
    pub fn with(&self, own: &Value) -> Value {
        let mut all = (self.parameters)();
        if let (Value::Object(all), Value::Object(own)) = (&mut all, own) {
            all.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        all
    }
}

/// A read of a service that takes everything in the body; the permission is called as it is.
macro_rules! read {
    ($service:literal, $name:literal) => {
        read!($service, $name, concat!($service, ":", $name))
    };
    ($service:literal, $name:literal, $permission:expr) => {
        wk_seam::aws::Operation {
            service: $service,
            name: $name,
            permission: $permission,
            ..wk_seam::aws::Operation::READ
        }
    };
}
pub(super) use read;

/// The same with pages whose token has one name in both directions.
pub(super) const fn paged(operation: Operation, token: &'static str) -> Operation {
    Operation { pages: Paging::next_token(token), ..operation }
}

/// The same with pages whose token has two names.
pub(super) const fn paged_by(
    operation: Operation,
    input: &'static str,
    output: &'static str,
) -> Operation {
    Operation { pages: Paging::Token { input, output }, ..operation }
}

/// The same of a REST service.
pub(super) const fn rest(
    operation: Operation,
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
) -> Operation {
    Operation { http: Http::Rest { method, path, query }, ..operation }
}
