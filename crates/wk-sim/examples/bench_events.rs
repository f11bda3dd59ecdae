//! The events of `cargo xtask bench patterns`: two days of the demo as EventBridge would carry them,
//! one a line. Calls of CloudTrail and findings of GuardDuty get its envelope; what came over
//! EventBridge has one.

use std::io::{BufWriter, Write, stdout};

use serde_json::{Value, json};
use wk_sim::{Plan, Simulation};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    let plan = Plan { days: 2, ..Plan::demo(7) };
    for file in Simulation::new(&plan) {
        let text = std::str::from_utf8(&file.bytes)?;
        match file.source {
            "cloudtrail" => {
                let records: Value = serde_json::from_str(text)?;
                for record in records["Records"].as_array().into_iter().flatten() {
                    writeln!(out, "{}", call(record))?;
                }
            }
            "guardduty" => {
                for line in text.lines() {
                    writeln!(out, "{}", finding(&serde_json::from_str(line)?))?;
                }
            }
            "eventbridge" => {
                for line in text.lines().filter(|line| line.starts_with('{')) {
                    writeln!(out, "{line}")?;
                }
            }
            _ => {}
        }
    }
    Ok(out.flush()?)
}

fn call(record: &Value) -> Value {
    let service = record["eventSource"].as_str().and_then(|s| s.split('.').next());
    json!({
        "version": "0",
        "id": record["eventID"],
        "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{}", service.unwrap_or_default()),
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    })
}

fn finding(record: &Value) -> Value {
    json!({
        "version": "0",
        "id": record["id"],
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "account": record["accountId"],
        "time": record["updatedAt"],
        "region": record["region"],
        "resources": [],
        "detail": record,
    })
}
