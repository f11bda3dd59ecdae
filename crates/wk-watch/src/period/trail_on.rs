//! Every trail logged all the time.

use wk_model::SeverityWord;

use super::{Call, PeriodCheck, Shown};
use crate::posture::members::{is, text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: PeriodCheck = PeriodCheck {
    id: "trail-on-for-the-period",
    title: "Every trail logged for the whole period",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["AU-2", "AU-12"],
    serves: &["R-051", "R-102", "R-240"],
    source: "cloudtrail.amazonaws.com",
    calls: &["CreateTrail", "DeleteTrail", "StartLogging", "StopLogging"],
    makes: Some("CreateTrail"),
    reads: &["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"],
    switched,
    shown,
    why: "What was done while no trail logged is in no log.",
    remedy: "Find who stopped it; deny cloudtrail:StopLogging and DeleteTrail by a service control \
             policy; look at the 90 days of event history for what the trail has not.",
};

fn switched(call: &Call<'_>) -> Option<(String, bool)> {
    let name = text(call.record, "requestParameters.name")?;
    let arn = if name.starts_with("arn:") {
        name.to_owned()
    } else {
        let partition = match call.region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if call.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:cloudtrail:{}:{}:trail/{name}", call.region, call.account)
    };
    // A trail that was made does not log yet.
    Some((arn, call.name == "StartLogging"))
}

fn shown(view: &View<'_>) -> Result<Shown, Blind> {
    let mut all = Vec::new();
    for trail in view.list("cloudtrail:DescribeTrails", &["trailList"])? {
        let Some(arn) = text(trail, "TrailARN") else { continue };
        let own = arn.split(':').nth(4) == Some(view.account());
        if own && word(trail, "HomeRegion") == view.region() {
            let status = view.one_of("cloudtrail:GetTrailStatus", arn)?;
            all.push((arn.to_owned(), status.is_some_and(|status| is(status, "IsLogging"))));
        }
    }
    Ok(all)
}
