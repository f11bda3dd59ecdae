//! GuardDuty looked all the time, in every region that was walked.

use wk_model::SeverityWord;

use super::{Call, PeriodCheck, Shown};
use crate::posture::members::{flag, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: PeriodCheck = PeriodCheck {
    id: "guardduty-on-for-the-period",
    title: "GuardDuty was on for the whole period, in every region",
    severity: SeverityWord::High,
    points: &["CC7.2"],
    nist: &["SI-4", "RA-5"],
    serves: &["R-052", "R-053"],
    source: "guardduty.amazonaws.com",
    calls: &["CreateDetector", "DeleteDetector", "UpdateDetector"],
    makes: None,
    reads: &["guardduty:GetDetector", "guardduty:ListDetectors"],
    switched,
    shown,
    why: "GuardDuty tells nothing of the time in which it was off.",
    remedy: "Find who switched it off; let a delegated administrator enable it for all accounts and \
             regions, which members cannot undo.",
};

/// A region has one detector, though another may take its place.
const THING: &str = "detector";

fn switched(call: &Call<'_>) -> Option<(String, bool)> {
    let enabled = flag(call.record, "requestParameters.enable");
    let on = match call.name {
        "DeleteDetector" => false,
        // Other settings were changed.
        "UpdateDetector" => enabled?,
        _ => enabled.unwrap_or(true),
    };
    Some((THING.to_owned(), on))
}

fn shown(view: &View<'_>) -> Result<Shown, Blind> {
    let mut on = false;
    for id in view.list("guardduty:ListDetectors", &["DetectorIds"])? {
        let detector = view.one_of("guardduty:GetDetector", id.as_str().unwrap_or_default())?;
        on |= detector.is_some_and(|detector| word(detector, "Status") == "ENABLED");
    }
    Ok(vec![(THING.to_owned(), on)])
}
