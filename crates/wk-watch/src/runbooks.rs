//! The runbooks that are built in, by file below `rules/runbooks/`.
//!
//! Made by `cargo xtask pack`; do not edit.

/// Name and text of every runbook.
#[rustfmt::skip]
pub const RUNBOOKS: &[(&str, &str)] = &[
    ("alarm.md", include_str!("../../../rules/runbooks/alarm.md")),
    ("back-fill.md", include_str!("../../../rules/runbooks/back-fill.md")),
    ("clock-skew.md", include_str!("../../../rules/runbooks/clock-skew.md")),
    ("complaints-burst.md", include_str!("../../../rules/runbooks/complaints-burst.md")),
    ("dead-letters.md", include_str!("../../../rules/runbooks/dead-letters.md")),
    ("disk-full.md", include_str!("../../../rules/runbooks/disk-full.md")),
    ("drill-failed.md", include_str!("../../../rules/runbooks/drill-failed.md")),
    ("gap.md", include_str!("../../../rules/runbooks/gap.md")),
    ("guardduty.md", include_str!("../../../rules/runbooks/guardduty.md")),
    ("heartbeat-lost.md", include_str!("../../../rules/runbooks/heartbeat-lost.md")),
    ("job-failed.md", include_str!("../../../rules/runbooks/job-failed.md")),
    ("job-overdue.md", include_str!("../../../rules/runbooks/job-overdue.md")),
    ("lag.md", include_str!("../../../rules/runbooks/lag.md")),
    ("nothing-arrives.md", include_str!("../../../rules/runbooks/nothing-arrives.md")),
    ("outbox-dead.md", include_str!("../../../rules/runbooks/outbox-dead.md")),
    ("outbox-stuck.md", include_str!("../../../rules/runbooks/outbox-stuck.md")),
    ("queue-growing.md", include_str!("../../../rules/runbooks/queue-growing.md")),
    ("queue-old.md", include_str!("../../../rules/runbooks/queue-old.md")),
    ("restore.md", include_str!("../../../rules/runbooks/restore.md")),
    ("rules-broken.md", include_str!("../../../rules/runbooks/rules-broken.md")),
    ("security-hub.md", include_str!("../../../rules/runbooks/security-hub.md")),
    ("service-down.md", include_str!("../../../rules/runbooks/service-down.md")),
    ("silence.md", include_str!("../../../rules/runbooks/silence.md")),
    ("triage.md", include_str!("../../../rules/runbooks/triage.md")),
    ("volume-drop.md", include_str!("../../../rules/runbooks/volume-drop.md")),
];
