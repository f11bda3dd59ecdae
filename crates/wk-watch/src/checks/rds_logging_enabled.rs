//! Databases send the logs of their engine to CloudWatch Logs.
//! <https://docs.aws.amazon.com/config/latest/developerguide/rds-logging-enabled.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{texts, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "RDS_LOGGING_ENABLED",
    title: "Every database sends its logs to CloudWatch Logs",
    points: &["CC7.2"],
    nist: &["AU-12"],
    serves: &["R-225", "R-387"],
    kind: Kind::Native(judge),
    reads: &["rds:DescribeDBInstances"],
    why: "What is kept on the database alone goes with it.",
    remedy: "aws rds modify-db-instance --cloudwatch-logs-export-configuration with all of its logs.",
    ..Check::NATIVE
};

/// The logs that each engine has, by the beginning of its name.
const LOGS: &[(&str, &[&str])] = &[
    ("aurora-mysql", &["audit", "error", "general", "slowquery"]),
    ("aurora-postgresql", &["postgresql"]),
    ("mariadb", &["audit", "error", "general", "slowquery"]),
    ("mysql", &["error", "general", "slowquery"]),
    ("oracle", &["alert", "audit", "listener", "trace"]),
    ("postgres", &["postgresql", "upgrade"]),
    ("sqlserver", &["error", "agent"]),
];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let all = view.list("rds:DescribeDBInstances", &["DBInstances.DBInstance"])?;
    Ok(view.each(
        all,
        |db| word(db, "DBInstanceIdentifier").to_owned(),
        |view, id, db| {
            let engine = word(db, "Engine");
            let Some((_, wanted)) = LOGS.iter().find(|(name, _)| engine.starts_with(name)) else {
                return Ok(view.beside(id, format!("nothing is known of the logs of {engine}")));
            };
            let on = texts(db, "EnabledCloudwatchLogsExports");
            let off: Vec<&str> = wanted.iter().filter(|log| !on.contains(log)).copied().collect();
            let why = if off.is_empty() {
                format!("{engine}: {}", wanted.join(", "))
            } else {
                format!("{engine}: {} are not sent", off.join(", "))
            };
            Ok(view.judged(id, off.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::{Value, json};

    fn of(engine: &str, logs: Value) -> String {
        let db = json!({"DBInstanceIdentifier": "db", "Engine": engine, "EnabledCloudwatchLogsExports": logs});
        let page = json!({"DBInstances": {"DBInstance": db}});
        verdicts(&CHECK, &[Made::answer("eu-west-1", "rds:DescribeDBInstances", page)])
    }

    #[test]
    fn each_engine_has_logs_of_its_own() {
        assert_eq!(of("mysql", json!(["error", "general", "slowquery"])), "COMPLIANT db");
        assert_eq!(of("mysql", json!(["error"])), "NON_COMPLIANT db");
        assert_eq!(of("postgres", json!(["postgresql", "upgrade"])), "COMPLIANT db");
        assert_eq!(of("aurora-postgresql", json!(["postgresql"])), "COMPLIANT db");
        assert_eq!(of("postgres", Value::Null), "NON_COMPLIANT db");
        assert_eq!(of("db2-se", Value::Null), "NOT_APPLICABLE db");
    }
}
