//! OCSF Detection Finding, class 2004 (<https://schema.ocsf.io/1.3.0/classes/detection_finding>).

use serde_json::{Value, json};
use wk_model::finding::Finding;
use wk_model::{SeverityWord, Timestamp};

/// The version of the schema that is written.
const VERSION: &str = "1.3.0";

/// The finding as an OCSF Detection Finding. Times are milliseconds.
pub fn detection_finding(f: &Finding) -> Value {
    // Activity: 1 Create, 2 Update.
    let activity = if f.count > 1 { 2 } else { 1 };
    let attacks: Vec<Value> = f
        .rule
        .attack
        .iter()
        .filter(|tag| tag.starts_with('t'))
        .map(|tag| json!({"technique": {"uid": tag.to_uppercase()}}))
        .collect();
    let resources: Vec<Value> = f.resources.iter().map(|r| json!({"uid": r})).collect();
    let evidences: Vec<Value> = f
        .events
        .iter()
        .map(|e| json!({"data": {"table": e.table, "event_id": e.id, "time": millis(e.time)}}))
        .collect();
    let mut document = json!({
        "activity_id": activity,
        "category_uid": 2,
        "class_uid": 2004,
        "type_uid": 200_400 + activity,
        "time": millis(f.last_seen),
        "severity_id": severity_id(f.severity.word()),
        "severity": f.severity.word().as_str(),
        "status_id": 1,
        "count": f.count,
        "is_alert": true,
        "metadata": {
            "version": VERSION,
            "uid": f.id.0,
            "product": {"name": "Watchkeeper", "vendor_name": "Watchkeeper"},
        },
        "finding_info": {
            "uid": f.id.0,
            "title": f.title,
            "first_seen_time": millis(f.first_seen),
            "last_seen_time": millis(f.last_seen),
            "attacks": attacks,
            "analytic": {"type_id": 1, "type": "Rule", "uid": f.rule.id, "version": f.rule.version},
            "data_sources": [f.latest.table],
            "product_uid": f.rule.product,
        },
        "resources": resources,
        "evidences": evidences,
        "cloud": {"provider": "AWS", "account": {"uid": f.account}, "region": f.region},
        "unmapped": {
            "severity_number": f.severity.number(),
            "controls": f.rule.controls,
            "origin": f.origin.as_str(),
        },
    });
    if let Some(actor) = &f.actor {
        document["actor"] = json!({"user": {"uid": actor}});
    }
    document
}

fn millis(time: Timestamp) -> i64 {
    time.micros().div_euclid(1000)
}

fn severity_id(word: SeverityWord) -> u8 {
    match word {
        SeverityWord::Informational => 1,
        SeverityWord::Low => 2,
        SeverityWord::Medium => 3,
        SeverityWord::High => 4,
        SeverityWord::Critical => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_class_requires_is_there() {
        let document = detection_finding(&super::super::testing::finding());
        for member in [
            "activity_id",
            "category_uid",
            "class_uid",
            "finding_info",
            "metadata",
            "severity_id",
            "time",
            "type_uid",
        ] {
            assert!(!document[member].is_null(), "{member}");
        }
        assert_eq!(document["type_uid"], 200_402);
        assert_eq!(document["time"], 1_708_006_980_000i64);
        assert_eq!(document["finding_info"]["attacks"][0]["technique"]["uid"], "T1562.008");
    }
}
