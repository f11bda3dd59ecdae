//! AWS Config's recorders.

use serde::Deserialize;
use serde_json::{Value, json};
use wk_seam::aws::{AwsRead, Call, Operation, Target, ask};

use super::{Line, Verdict};

pub(super) struct DescribeRecorders;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Recorders {
    #[serde(default)]
    configuration_recorders: Vec<Recorder>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorder {
    name: String,
}

impl Call for DescribeRecorders {
    const OPERATION: &'static Operation = &Operation {
        service: "config",
        name: "DescribeConfigurationRecorders",
        permission: "config:DescribeConfigurationRecorders",
        ..Operation::READ
    };
    type Answer = Recorders;
    fn parameters(&self) -> Value {
        json!({})
    }
}

pub(super) struct DescribeStatus;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statuses {
    #[serde(default)]
    configuration_recorders_status: Vec<Status>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    name: String,
    #[serde(default)]
    recording: bool,
    last_status: Option<String>,
    last_error_message: Option<String>,
}

impl Call for DescribeStatus {
    const OPERATION: &'static Operation = &Operation {
        service: "config",
        name: "DescribeConfigurationRecorderStatus",
        permission: "config:DescribeConfigurationRecorderStatus",
        ..Operation::READ
    };
    type Answer = Statuses;
    fn parameters(&self) -> Value {
        json!({})
    }
}

pub(super) async fn examine(aws: &dyn AwsRead, target: &Target) -> Vec<Line> {
    let found = match ask(aws, &DescribeRecorders, target.clone()).await {
        Ok(whole) => whole.pages.into_iter().flat_map(|page| page.configuration_recorders),
        Err(error) => return vec![Line::of_error("recorder", "AWS Config", target, &error)],
    };
    let found: Vec<Recorder> = found.collect();
    if found.is_empty() {
        let line = Line::new("recorder", "AWS Config", target, Verdict::None, "no recorder here")
            .to_do("record configurations in every region where anything lies");
        return vec![line];
    }
    let statuses = match ask(aws, &DescribeStatus, target.clone()).await {
        Ok(whole) => whole.pages.into_iter().flat_map(|page| page.configuration_recorders_status),
        Err(error) => return vec![Line::of_error("recorder", "its status", target, &error)],
    };
    let statuses: Vec<Status> = statuses.collect();
    found
        .iter()
        .map(|recorder| {
            let status = statuses.iter().find(|status| status.name == recorder.name);
            judge(&recorder.name, status, target)
        })
        .collect()
}

fn judge(name: &str, status: Option<&Status>, target: &Target) -> Line {
    let line = |verdict, say: String| Line::new("recorder", name, target, verdict, say);
    match status {
        None => line(Verdict::Failed, "AWS Config tells no status of it".into()),
        Some(status) if !status.recording => line(Verdict::Stale, "it does not record".into())
            .to_do(format!("aws configservice start-configuration-recorder --configuration-recorder-name {name}")),
        Some(status) if status.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("failure")) => {
            let why = status.last_error_message.as_deref().unwrap_or("without a reason");
            line(Verdict::Stale, format!("its last delivery failed: {why}"))
                .to_do("check its role and the delivery channel's bucket")
        }
        Some(status) => {
            let last = status.last_status.as_deref().unwrap_or("not yet known");
            line(Verdict::Ok, format!("records, last delivery {last}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorder_that_fails_or_stands_still_is_stale() {
        let status = |recording, last: &str| Status {
            name: "r".into(),
            recording,
            last_status: Some(last.into()),
            last_error_message: Some("AccessDenied".into()),
        };
        let verdict = |status: Option<&Status>| judge("r", status, &Target::default()).verdict;
        assert_eq!(verdict(Some(&status(true, "SUCCESS"))), Verdict::Ok);
        assert_eq!(verdict(Some(&status(true, "Failure"))), Verdict::Stale);
        assert_eq!(verdict(Some(&status(false, "SUCCESS"))), Verdict::Stale);
        assert_eq!(verdict(None), Verdict::Failed);
    }
}
