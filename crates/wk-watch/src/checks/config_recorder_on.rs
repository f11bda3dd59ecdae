//! AWS Config records in the region, everything, and that goes well.

use serde_json::Value;
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{is, text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "config-recorder-on",
    title: "AWS Config records everything in every region",
    severity: SeverityWord::High,
    points: &["CC7.1"],
    nist: &["CM-3", "CM-8", "SI-4"],
    cis: &["3.3"],
    serves: &["R-041", "R-043", "R-105"],
    kind: Kind::Native(judge),
    reads: &["config:DescribeConfigurationRecorderStatus", "config:DescribeConfigurationRecorders"],
    why: "What was configured when cannot be told afterwards unless it was recorded.",
    remedy: "aws configservice put-configuration-recorder with allSupported, then \
             start-configuration-recorder, in every region.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let recorders =
        view.list("config:DescribeConfigurationRecorders", &["ConfigurationRecorders"])?;
    if recorders.is_empty() {
        return Ok(vec![view.bad(view.account(), "there is no recorder in this region")]);
    }
    let statuses =
        view.list("config:DescribeConfigurationRecorderStatus", &["ConfigurationRecordersStatus"])?;
    Ok(view.each(
        recorders,
        |r| word(r, "name").to_owned(),
        |view, name, recorder| {
            let status = statuses.iter().find(|s| text(s, "name") == Some(name)).copied();
            let wrong = wrong(recorder, status);
            let why =
                if wrong.is_empty() { "it records everything".into() } else { wrong.join("; ") };
            Ok(view.judged(name, wrong.is_empty(), why))
        },
    ))
}

fn wrong(recorder: &Value, status: Option<&Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    let strategy = word(recorder, "recordingGroup.recordingStrategy.useOnly");
    let all =
        is(recorder, "recordingGroup.allSupported") || strategy == "ALL_SUPPORTED_RESOURCE_TYPES";
    if !all {
        wrong.push("it records only some types of resources".to_owned());
    }
    match status {
        None => wrong.push("it has no status".into()),
        Some(status) if !is(status, "recording") => wrong.push("it does not record".into()),
        // PENDING is told of a new one, and always by some stand-ins.
        Some(status) if word(status, "lastStatus").eq_ignore_ascii_case("failure") => {
            let why = text(status, "lastErrorMessage").unwrap_or("no reason is told");
            wrong.push(format!("its last delivery failed: {why}"));
        }
        Some(_) => {}
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn of(group: Value, status: Value) -> [Made; 2] {
        let recorder = json!({"name": "default", "recordingGroup": group});
        let mut status = status;
        status["name"] = "default".into();
        [
            Made::answer(
                "eu-west-1",
                "config:DescribeConfigurationRecorders",
                json!({"ConfigurationRecorders": [recorder]}),
            ),
            Made::answer(
                "eu-west-1",
                "config:DescribeConfigurationRecorderStatus",
                json!({"ConfigurationRecordersStatus": [status]}),
            ),
        ]
    }

    #[test]
    fn it_records_all_types_and_delivers() {
        let all = || json!({"allSupported": true});
        let on = || json!({"recording": true, "lastStatus": "SUCCESS"});
        assert_eq!(verdicts(&CHECK, &of(all(), on())), "COMPLIANT default");
        assert_eq!(why(&CHECK, &of(all(), json!({"recording": false}))), "it does not record");
        let failed = json!({"recording": true, "lastStatus": "FAILURE", "lastErrorMessage": "no"});
        assert_eq!(why(&CHECK, &of(all(), failed)), "its last delivery failed: no");
        let some = json!({"allSupported": false, "resourceTypes": ["AWS::EC2::Volume"]});
        assert!(why(&CHECK, &of(some, on())).contains("only some types"));
        let none = Made::answer(
            "eu-west-1",
            "config:DescribeConfigurationRecorders",
            json!({"ConfigurationRecorders": []}),
        );
        assert_eq!(verdicts(&CHECK, &[none]), "NON_COMPLIANT 111122223333");
    }
}
