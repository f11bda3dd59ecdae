//! Small calls of these tests, one for each protocol and way of paging.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{Call, Effect, Http, Operation, Paging, list};

pub(crate) struct ListAccounts;

#[derive(Debug, Deserialize)]
pub(crate) struct Accounts {
    #[serde(rename = "Accounts")]
    pub(crate) accounts: Vec<Value>,
}

impl Call for ListAccounts {
    const OPERATION: &'static Operation = &Operation {
        service: "organizations",
        name: "ListAccounts",
        permission: "organizations:ListAccounts",
        pages: Paging::next_token("NextToken"),
        ..Operation::READ
    };
    type Answer = Accounts;
    fn parameters(&self) -> Value {
        json!({"MaxResults": 2})
    }
}

pub(crate) struct DescribeVpcs;

#[derive(Debug, Deserialize)]
pub(crate) struct Vpcs {
    #[serde(rename = "vpcSet", default, deserialize_with = "list")]
    pub(crate) vpcs: Vec<Value>,
}

impl Call for DescribeVpcs {
    const OPERATION: &'static Operation = &Operation {
        service: "ec2",
        name: "DescribeVpcs",
        permission: "ec2:DescribeVpcs",
        pages: Paging::Token { input: "NextToken", output: "nextToken" },
        ..Operation::READ
    };
    type Answer = Vpcs;
    fn parameters(&self) -> Value {
        json!({"Filter": [{"Name": "is-default", "Value": ["true"]}]})
    }
}

pub(crate) struct GetDetector(pub(crate) &'static str);

impl Call for GetDetector {
    const OPERATION: &'static Operation = &Operation {
        service: "guardduty",
        name: "GetDetector",
        permission: "guardduty:GetDetector",
        http: Http::Rest { method: "GET", path: "/detector/{DetectorId}", query: &[] },
        ..Operation::READ
    };
    type Answer = Value;
    fn parameters(&self) -> Value {
        json!({"DetectorId": self.0})
    }
}

/// A change, which the way to read refuses.
pub(crate) struct StopLogging;

impl Call for StopLogging {
    const OPERATION: &'static Operation = &Operation {
        service: "cloudtrail",
        name: "StopLogging",
        permission: "cloudtrail:StopLogging",
        effect: Effect::EachTime,
        ..Operation::READ
    };
    type Answer = Value;
    fn parameters(&self) -> Value {
        json!({"Name": "t"})
    }
}
