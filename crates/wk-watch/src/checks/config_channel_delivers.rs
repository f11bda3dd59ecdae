//! AWS Config delivers to a bucket, a snapshot each day.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{text, time, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "config-channel-delivers",
    title: "AWS Config delivers a snapshot each day",
    points: &["CC7.1"],
    nist: &["CM-8", "AU-4"],
    serves: &["R-042", "R-106"],
    kind: Kind::Native(judge),
    reads: &["config:DescribeDeliveryChannelStatus", "config:DescribeDeliveryChannels"],
    parameters: &[Parameter {
        name: "snapshotHours",
        default: "25",
        doc: "hours since the last snapshot, at most",
    }],
    why: "What Config knows is kept beyond its own years only where it is delivered.",
    remedy: "aws configservice put-delivery-channel with a bucket and TwentyFour_Hours.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let channels = view.list("config:DescribeDeliveryChannels", &["DeliveryChannels"])?;
    if channels.is_empty() {
        return Ok(vec![view.bad(view.account(), "there is no delivery channel in this region")]);
    }
    let hours = parameters.number("snapshotHours").unwrap_or(25);
    let statuses = view.list("config:DescribeDeliveryChannelStatus", &["DeliveryChannelsStatus"]);
    Ok(view.each(
        channels,
        |c| word(c, "name").to_owned(),
        |view, name, channel| {
            if text(channel, "configSnapshotDeliveryProperties.deliveryFrequency").is_none() {
                return Ok(view.bad(name, "it delivers no snapshots: it has no frequency"));
            }
            let statuses = statuses.as_ref().map_err(Clone::clone)?;
            let status = statuses.iter().find(|s| text(s, "name") == Some(name));
            let delivery =
                status.and_then(|s| crate::posture::members::at(s, "configSnapshotDeliveryInfo"));
            let Some(delivery) = delivery else {
                return Ok(view.bad(name, "it has never delivered a snapshot"));
            };
            if word(delivery, "lastStatus").eq_ignore_ascii_case("failure") {
                let why = text(delivery, "lastErrorMessage").unwrap_or("no reason is told");
                return Ok(view.bad(name, format!("its last snapshot failed: {why}")));
            }
            Ok(match time(delivery, "lastSuccessfulTime") {
                Some(at) if at.plus_seconds(hours.saturating_mul(3600)) >= view.now() => {
                    view.good(name, format!("its last snapshot came at {at}"))
                }
                Some(at) => view.bad(name, format!("its last snapshot came at {at}")),
                None => view.bad(name, "it has never delivered a snapshot"),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    fn of(frequency: Option<&str>, info: Value) -> [Made; 2] {
        let channel = json!({"name": "default", "s3BucketName": "b", "configSnapshotDeliveryProperties": frequency.map(|f| json!({"deliveryFrequency": f}))});
        let status = json!({"name": "default", "configSnapshotDeliveryInfo": info});
        [
            Made::answer(
                "eu-west-1",
                "config:DescribeDeliveryChannels",
                json!({"DeliveryChannels": [channel]}),
            ),
            Made::answer(
                "eu-west-1",
                "config:DescribeDeliveryChannelStatus",
                json!({"DeliveryChannelsStatus": [status]}),
            ),
        ]
    }

    #[test]
    fn a_snapshot_came_within_a_day() {
        let daily = Some("TwentyFour_Hours");
        let at = |time: &str| json!({"lastStatus": "SUCCESS", "lastSuccessfulTime": time});
        assert_eq!(verdicts(&CHECK, &of(daily, at("2026-11-21T12:00:00Z"))), "COMPLIANT default");
        assert_eq!(
            verdicts(&CHECK, &of(daily, at("2026-11-20T12:00:00Z"))),
            "NON_COMPLIANT default"
        );
        assert!(why(&CHECK, &of(None, at("2026-11-22T09:00:00Z"))).contains("no frequency"));
        assert!(why(&CHECK, &of(daily, Value::Null)).contains("never delivered"));
        let failed = json!({"lastStatus": "FAILURE", "lastErrorMessage": "denied"});
        assert_eq!(why(&CHECK, &of(daily, failed)), "its last snapshot failed: denied");
    }
}
