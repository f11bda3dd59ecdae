//! The recorder of AWS Config recorded all the time, in every region.

use wk_model::SeverityWord;

use super::{Call, PeriodCheck, Shown};
use crate::posture::members::is;
use crate::posture::{Blind, View};

pub(super) const CHECK: PeriodCheck = PeriodCheck {
    id: "config-recorder-on-for-the-period",
    title: "AWS Config recorded for the whole period, in every region",
    severity: SeverityWord::High,
    points: &["CC7.1"],
    nist: &["CM-3", "CM-8", "SI-4"],
    serves: &["R-041", "R-043", "R-105"],
    source: "config.amazonaws.com",
    calls: &[
        "DeleteConfigurationRecorder",
        "StartConfigurationRecorder",
        "StopConfigurationRecorder",
    ],
    makes: None,
    reads: &["config:DescribeConfigurationRecorderStatus"],
    switched,
    shown,
    why: "What changed while nothing was recorded cannot be told afterwards.",
    remedy: "Find who stopped it and why; deny config:StopConfigurationRecorder by a service control \
             policy; for the time without items, look at CloudTrail.",
};

/// A region has one recorder.
const THING: &str = "recorder";

fn switched(call: &Call<'_>) -> Option<(String, bool)> {
    Some((THING.to_owned(), call.name == "StartConfigurationRecorder"))
}

fn shown(view: &View<'_>) -> Result<Shown, Blind> {
    let key = "config:DescribeConfigurationRecorderStatus";
    let recorders = view.list(key, &["ConfigurationRecordersStatus"])?;
    Ok(vec![(THING.to_owned(), recorders.iter().any(|recorder| is(recorder, "recording")))])
}
