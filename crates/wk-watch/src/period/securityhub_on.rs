//! Security Hub was on all the time, in every region that was walked.

use wk_model::SeverityWord;

use super::{Call, PeriodCheck, Shown};
use crate::posture::{Blind, View};

pub(super) const CHECK: PeriodCheck = PeriodCheck {
    id: "securityhub-on-for-the-period",
    title: "Security Hub was on for the whole period, in every region",
    severity: SeverityWord::Medium,
    points: &["CC7.1", "CC7.2"],
    nist: &["SI-4", "CA-7"],
    serves: &["R-241"],
    source: "securityhub.amazonaws.com",
    calls: &["DisableSecurityHub", "EnableSecurityHub"],
    makes: None,
    reads: &["securityhub:DescribeHub"],
    switched,
    shown,
    why: "What products found while it was off it was never told.",
    remedy: "Find who switched it off; administer it from the organization.",
};

/// A region has one hub.
const THING: &str = "hub";

fn switched(call: &Call<'_>) -> Option<(String, bool)> {
    Some((THING.to_owned(), call.name == "EnableSecurityHub"))
}

fn shown(view: &View<'_>) -> Result<Shown, Blind> {
    Ok(vec![(THING.to_owned(), view.ask("securityhub:DescribeHub")?.is_some())])
}
