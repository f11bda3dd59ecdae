//! What log groups keep: longer where it is too short, never shorter unasked.

use serde_json::json;

use super::{Subject, Where};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::retention::{Fate, Group, Keep};

pub(super) const SUBJECT: Subject = Subject {
    id: "retention",
    title: "What log groups keep, for every group of every page",
    serves: &["R-085", "R-086", "R-087", "R-088", "R-089", "R-090", "R-091", "R-092", "R-093"],
    at: Where::Regions,
    cost: "CloudWatch Logs asks for each GB that is stored and month; longer terms store more.",
    reads: &["logs:DescribeLogGroups"],
    drift,
};

fn drift(foundation: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let pages = view.ask("logs:DescribeLogGroups")?.unwrap_or_default();
    for group in foundation.retention.judge_all(&pages, draft.choices().shorten) {
        one(&group, draft);
    }
    Ok(())
}

fn one(group: &Group, draft: &mut Draft<'_>) {
    let Group { name, has, wanted, .. } = group;
    let parameters = |days: u32| json!({"logGroupName": name, "retentionInDays": days});
    let why = format!("{name} keeps {has}, {} is wanted by {}", wanted.keep, wanted.why());
    match (group.fate, wanted.keep) {
        (Fate::Good, _) => draft.good(),
        (Fate::Fixed, _) => draft.by_hand(format!(
            "{name} is of class DELIVERY, whose term nobody can set: send a copy to S3"
        )),
        (Fate::Lengthen, Keep::Days(days)) => {
            draft.step(call!("logs", "PutRetentionPolicy"), parameters(days), why);
        }
        (Fate::Lengthen, Keep::Forever) => {
            let of = json!({"logGroupName": name});
            draft.step(call!("logs", "DeleteRetentionPolicy"), of, why);
        }
        (Fate::Shorten, Keep::Days(days)) => {
            let bytes = group.bytes.map(|b| format!(" of {b} bytes")).unwrap_or_default();
            let dies = format!("every event{bytes} in {name} that is older than {days} days");
            draft.fatal(call!("logs", "PutRetentionPolicy"), parameters(days), why, dies);
        }
        (Fate::Shorten | Fate::KeptLonger, _) => draft
            .refuse(format!("{why}; a shorter term deletes what is older, so it is left as it is")),
    }
}
