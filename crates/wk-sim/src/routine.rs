//! Nightly jobs and backups that succeed, and say so through EventBridge.

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::agenda::Agenda;
use crate::clock::DAY_SECONDS;
use crate::rng::Rng;
use crate::world::{Place, SHOP};

/// Jobs of the night: the minute of the day, and what they report.
pub(crate) fn plan(agenda: &mut Agenda, seed: u64, slot: Timestamp) {
    let minute = slot.seconds().rem_euclid(DAY_SECONDS) / 60;
    let mut rng = Rng::named(seed, &["routine"], slot.seconds());
    let at = slot.plus_seconds(rng.seconds(0, 240));
    match minute {
        130 => glue(agenda, &mut rng, at, "catalogue-nightly-load", "SUCCEEDED", ""),
        155 => execution(agenda, &mut rng, at, "catalogue-nightly", "SUCCEEDED", ""),
        300 => backup(agenda, &mut rng, at, "COMPLETED", ""),
        340 => {
            batch(
                agenda,
                &mut rng,
                at,
                "invoice-pdf",
                "SUCCEEDED",
                "Essential container in task exited",
                0,
            );
        }
        _ => {}
    }
}

/// A Glue job changed its state.
pub(crate) fn glue(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    job: &str,
    state: &str,
    why: &str,
) {
    let severity = if state == "SUCCEEDED" { "INFO" } else { "ERROR" };
    let detail = json!({
        "jobName": job,
        "severity": severity,
        "state": state,
        "jobRunId": format!("jr_{}", rng.hex(64)),
        "message": if why.is_empty() { "Job run succeeded" } else { why },
    });
    agenda.bridge(rng, at, SHOP, ("aws.glue", "Glue Job State Change"), &[], &detail);
}

/// A state machine's execution changed its state.
pub(crate) fn execution(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    machine: &str,
    status: &str,
    cause: &str,
) {
    let name = rng.uuid();
    let arn = SHOP.arn("states", &format!("execution:{machine}:{name}"));
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let detail = json!({
        "executionArn": arn,
        "stateMachineArn": SHOP.arn("states", &format!("stateMachine:{machine}")),
        "name": name,
        "status": status,
        "startDate": millis(at.plus_seconds(-1_260)),
        "stopDate": millis(at),
        "input": "{}",
        "output": null,
        "error": or_null(if cause.is_empty() { "" } else { "States.TaskFailed" }),
        "cause": or_null(cause),
    });
    let kind = ("aws.states", "Step Functions Execution Status Change");
    agenda.bridge(rng, at, SHOP, kind, &[arn], &detail);
}

/// A Batch job changed its state.
pub(crate) fn batch(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    job: &str,
    status: &str,
    reason: &str,
    exit_code: u64,
) {
    let id = rng.uuid();
    let arn = SHOP.arn("batch", &format!("job/{id}"));
    let detail = json!({
        "jobArn": arn,
        "jobName": job,
        "jobId": id,
        "jobQueue": SHOP.arn("batch", "job-queue/nightly"),
        "status": status,
        "statusReason": reason,
        "attempts": [{"container": {"exitCode": exit_code}, "startedAt": millis(at.plus_seconds(-400)), "stoppedAt": millis(at)}],
        "createdAt": millis(at.plus_seconds(-420)),
        "retryStrategy": {"attempts": 1, "evaluateOnExit": []},
        "dependsOn": [],
        "jobDefinition": SHOP.arn("batch", &format!("job-definition/{job}:9")),
        "parameters": {},
        "container": {"image": format!("{job}:9"), "exitCode": exit_code},
    });
    agenda.bridge(rng, at, SHOP, ("aws.batch", "Batch Job State Change"), &[arn], &detail);
}

/// A backup job changed its state.
pub(crate) fn backup(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, state: &str, why: &str) {
    let id = rng.uuid();
    let database = SHOP.arn("rds", "db:orders-db");
    let mut detail = json!({
        "backupJobId": id,
        "backupSizeInBytes": "21474836480",
        "backupVaultArn": SHOP.arn("backup", "backup-vault:nightly"),
        "backupVaultName": "nightly",
        "bytesTransferred": "0",
        "creationDate": at.plus_seconds(-1_500).to_string(),
        "iamRoleArn": Place::arn(SHOP, "iam", "role/backup-role"),
        "resourceArn": database,
        "resourceType": "RDS",
        "state": state,
        "completionDate": at.to_string(),
        "startBy": at.plus_seconds(27_300).to_string(),
        "percentDone": "100.0",
    });
    if !why.is_empty() {
        detail["statusMessage"] = json!(why);
    }
    let kind = ("aws.backup", "Backup Job State Change");
    agenda.bridge(
        rng,
        at,
        SHOP,
        kind,
        &[SHOP.arn("backup", &format!("backup-vault:nightly/{id}"))],
        &detail,
    );
}

fn millis(at: Timestamp) -> i64 {
    at.seconds() * 1000
}
