//! Records that are findings of another product, or failures, as sightings of the same shape.

use std::sync::Arc;

use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::{Row, Severity, Timestamp};

/// What another product reports.
pub struct Report<'a> {
    /// The product: `guardduty`, `securityhub`, `health`, …
    pub product: &'a str,
    /// Under which the product keeps it; updates of one finding have the same.
    pub native_id: &'a str,
    /// The product's type of finding: `UnauthorizedAccess:EC2/SSHBruteForce`.
    pub kind: &'a str,
    /// Version of the product's schema, or empty.
    pub version: &'a str,
    /// What was seen, as a short statement.
    pub title: String,
    /// On the scale of 0 to 10.
    pub severity: Severity,
    /// First time of the activity; `None` is the event's time.
    pub first_seen: Option<Timestamp>,
    /// Last time of the activity.
    pub last_seen: Option<Timestamp>,
    /// How often the product counted it.
    pub count: Option<u64>,
    /// Points of SOC 2 CC7 that it bears on.
    pub controls: &'a [&'a str],
}

/// Makes the row a sighting as well. The machinery fills in the event and its origin.
pub fn report(row: &mut Row<'_>, report: &Report<'_>) {
    let time = row.time.unwrap_or_default();
    let text = |t: &Option<std::borrow::Cow<'_, str>>| t.as_deref().map(str::to_owned);
    row.sighting = Some(Box::new(Sighting {
        finding: FindingId::of_report(report.product, report.native_id),
        rule: Arc::new(Rule {
            id: report.kind.to_owned(),
            version: report.version.to_owned(),
            product: report.product.to_owned(),
            attack: Vec::new(),
            controls: report.controls.iter().map(|c| (*c).to_owned()).collect(),
        }),
        title: report.title.as_str().into(),
        severity: report.severity,
        account: text(&row.account),
        region: text(&row.region),
        actor: text(&row.actor),
        resources: row.resources.iter().map(|r| r.clone().into_owned()).collect(),
        event: EventRef { time, table: row.table.name.to_owned(), id: String::new() },
        first_seen: report.first_seen.unwrap_or(time),
        last_seen: report.last_seen.or(report.first_seen).unwrap_or(time),
        reported_count: report.count,
        origin: Origin::BackFill,
        ended: None,
        grounds: Default::default(),
    }));
}
