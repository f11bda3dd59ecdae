//! Buckets in which logs are kept: of trails, of AWS Config, of flow logs.

use std::collections::BTreeMap;

use super::{buckets, trails};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

/// The account's buckets in which logs are kept, with what keeps them there. A bucket of another
/// account is judged there.
pub(in crate::checks) fn own<'a>(view: &View<'a>) -> Result<Vec<(&'a str, String)>, Blind> {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    let mut note = |bucket: &'a str, what: &str| {
        let said = found.entry(bucket).or_default();
        if !said.contains(what) {
            said.push_str(if said.is_empty() { "" } else { ", " });
            said.push_str(what);
        }
    };
    for trail in trails::all(view)? {
        if let Some(bucket) = text(trail.told, "S3BucketName") {
            note(bucket, "CloudTrail");
        }
    }
    for region in view.regions() {
        let here = view.in_region(region);
        // What cannot be asked there is told by the checks of recorders and of flow logs.
        for channel in
            here.list("config:DescribeDeliveryChannels", &["DeliveryChannels"]).unwrap_or_default()
        {
            if let Some(bucket) = text(channel, "S3BucketName") {
                note(bucket, "AWS Config");
            }
        }
        for log in
            here.list("ec2:DescribeFlowLogs", &["FlowLogs", "flowLogSet"]).unwrap_or_default()
        {
            let bucket = word(log, "LogDestination").strip_prefix("arn:aws:s3:::");
            if let Some(bucket) = bucket.and_then(|to| to.split('/').next()) {
                note(bucket, "flow logs");
            }
        }
        view.also(&here);
    }
    let own = buckets::all(view)?;
    Ok(found.into_iter().filter(|(name, _)| own.contains(name)).collect())
}
