//! What one subject says of one region of one account.

use serde_json::Value;

use super::{Choices, Plan, Step, Told};
use crate::posture::{Blind, View};
use crate::setup::subjects::Subject;

/// A part of a plan that is being made.
pub struct Draft<'p> {
    subject: &'static Subject,
    account: String,
    region: String,
    choices: Choices,
    plan: &'p mut Plan,
}

impl<'p> Draft<'p> {
    pub(super) fn new(
        subject: &'static Subject,
        view: &View<'_>,
        choices: Choices,
        plan: &'p mut Plan,
    ) -> Self {
        let (account, region) = (view.account().to_owned(), view.region().to_owned());
        Self { subject, account, region, choices, plan }
    }

    /// What somebody decided.
    pub fn choices(&self) -> Choices {
        self.choices
    }

    /// Something is as it should be.
    pub fn good(&mut self) {
        self.plan.good += 1;
    }

    /// A call has to be made. Its permission is called as it is, unless others are named.
    pub fn step(&mut self, call: Call, parameters: Value, why: impl Into<String>) {
        self.plan.steps.push(Step {
            subject: self.subject.id,
            account: self.account.clone(),
            region: self.region.clone(),
            why: why.into(),
            service: call.service,
            operation: call.operation,
            parameters,
            permissions: call.permissions.to_vec(),
            dies: None,
        });
    }

    /// A call by which something is lost.
    pub fn fatal(&mut self, call: Call, parameters: Value, why: String, dies: String) {
        self.step(call, parameters, why);
        if let Some(step) = self.plan.steps.last_mut() {
            step.dies = Some(dies);
        }
    }

    /// It cannot be told.
    pub fn unknown(&mut self, blind: &Blind) {
        let told = self.told(blind.why.clone());
        self.plan.unknown.push(told);
    }

    /// It would weaken what there is.
    pub fn refuse(&mut self, why: impl Into<String>) {
        let told = self.told(why);
        self.plan.refused.push(told);
    }

    /// A person has to do it.
    pub fn by_hand(&mut self, why: impl Into<String>) {
        let told = self.told(why);
        self.plan.by_hand.push(told);
    }

    /// It is left out by the foundation.
    pub fn left_out(&mut self, why: impl Into<String>) {
        let told = self.told(why);
        self.plan.left_out.push(told);
    }

    fn told(&self, why: impl Into<String>) -> Told {
        let (account, region) = (self.account.clone(), self.region.clone());
        Told { subject: self.subject.id, account, region, why: why.into() }
    }
}

/// An operation, as a plan names it.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The service, as the AWS CLI calls it.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// What it needs permission for.
    pub permissions: &'static [&'static str],
}

/// `call!("logs", "PutRetentionPolicy")`, with further permissions behind.
macro_rules! call {
    ($service:literal, $operation:literal) => {
        call!($service, $operation, concat!($service, ":", $operation))
    };
    ($service:literal, $operation:literal, $($permission:expr),+) => {
        $crate::setup::plan::draft::Call {
            service: $service,
            operation: $operation,
            permissions: &[$($permission),+],
        }
    };
}
pub(in crate::setup) use call;
