//! A finding for tests.

use wk_model::finding::{EventRef, Finding, FindingId, Origin, Rule};
use wk_model::{Severity, Timestamp};

/// One finding with every field set.
pub(crate) fn finding() -> Finding {
    let time = |text| Timestamp::parse(text).unwrap();
    let event = EventRef {
        time: time("2024-02-15T14:23:00Z"),
        table: "cloudtrail".into(),
        id: "00000000-0000-0000-0000-000000000001".into(),
    };
    Finding {
        id: FindingId("0123456789abcdef0123456789abcdef".into()),
        rule: Rule {
            id: "5f0c1d4e-0000-4000-8000-000000000001".into(),
            version: "aaaabbbbccccdddd".into(),
            product: "watchkeeper".into(),
            attack: vec!["t1562.008".into()],
            controls: vec!["CC7.2".into()],
        },
        title: "A trail was stopped".into(),
        severity: Severity::from_tenths(85),
        account: Some("111122223333".into()),
        region: Some("eu-west-1".into()),
        actor: Some("arn:aws:iam::111122223333:user/example".into()),
        resources: vec!["arn:aws:cloudtrail:eu-west-1:111122223333:trail/org".into()],
        first_seen: time("2024-02-15T14:20:00Z"),
        last_seen: time("2024-02-15T14:23:00Z"),
        count: 2,
        events: vec![event.clone()],
        origin: Origin::Live,
        latest: event,
        ended: None,
        source_ips: vec![],
        matched: vec![],
        ruleset: None,
        dry_run: false,
    }
}
