//! Log groups that others of the subjects write into.

use serde_json::json;

use crate::posture::{Blind, View, members::word};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::retention::Keep;

/// The steps of a group that is not there: the group, and what it keeps. One that is there is judged
/// with all the others.
pub(super) fn make(
    f: &Foundation,
    view: &View<'_>,
    name: &str,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let groups = view.list("logs:DescribeLogGroups", &["logGroups"])?;
    if groups.into_iter().any(|group| word(group, "logGroupName") == name) {
        draft.good();
        return Ok(());
    }
    let why = format!("the log group {name} is not there");
    draft.step(call!("logs", "CreateLogGroup"), json!({"logGroupName": name}), why);
    if let Keep::Days(days) = f.retention.wanted(name).keep {
        let to = json!({"logGroupName": name, "retentionInDays": days});
        draft.step(
            call!("logs", "PutRetentionPolicy"),
            to,
            format!("{name} is to keep {days} days"),
        );
    }
    Ok(())
}
