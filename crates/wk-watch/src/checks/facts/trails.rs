//! Trails of an account, each once, with whether it logs and what it selects.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::posture::members::{flag, is, list, member, text, word};
use crate::posture::{Blind, View};

/// A trail.
pub(in crate::checks) struct Trail<'a> {
    pub(in crate::checks) arn: &'a str,
    pub(in crate::checks) told: &'a Value,
    pub(in crate::checks) multi_region: bool,
    pub(in crate::checks) organization: bool,
}

/// The trails that an account sees, in the order of their ARNs. They are told in every region; it is
/// enough that one region tells, unless none is told anywhere: then every region must have said so.
pub(in crate::checks) fn all<'a>(view: &View<'a>) -> Result<Vec<Trail<'a>>, Blind> {
    let (mut found, mut blind) = (BTreeMap::new(), None);
    let regions = view.regions();
    for region in regions.iter().copied() {
        let here = view.in_region(region);
        match here.list("cloudtrail:DescribeTrails", &["trailList"]) {
            Ok(trails) => {
                for told in trails {
                    let Some(arn) = text(told, "TrailARN") else { continue };
                    // What its home tells goes first: shadows may be older.
                    if word(told, "HomeRegion") == region {
                        found.insert(arn, told);
                    } else {
                        found.entry(arn).or_insert(told);
                    }
                }
            }
            Err(why) => blind = Some(why),
        }
        view.also(&here);
    }
    if regions.is_empty() {
        view.ask("cloudtrail:DescribeTrails")?;
    }
    match blind {
        Some(blind) if found.is_empty() => Err(blind),
        _ => Ok(found.into_iter().map(|(arn, told)| Trail::new(arn, told)).collect()),
    }
}

/// Those that are the account's own.
pub(in crate::checks) fn own<'a>(view: &View<'a>) -> Result<Vec<Trail<'a>>, Blind> {
    Ok(all(view)?.into_iter().filter(|trail| trail.is_own(view)).collect())
}

impl<'a> Trail<'a> {
    fn new(arn: &'a str, told: &'a Value) -> Self {
        let multi_region = is(told, "IsMultiRegionTrail");
        Self { arn, told, multi_region, organization: is(told, "IsOrganizationTrail") }
    }

    /// Its name.
    pub(in crate::checks) fn name(&self) -> &'a str {
        word(self.told, "Name")
    }

    /// Whether it is this account's own: what an organisation's trail is like, its owner's account
    /// tells.
    pub(in crate::checks) fn is_own(&self, view: &View<'_>) -> bool {
        self.arn.split(':').nth(4).is_none_or(|owner| owner == view.account())
    }

    /// Its status.
    pub(in crate::checks) fn status(&self, view: &View<'a>) -> Result<Option<&'a Value>, Blind> {
        view.one_of("cloudtrail:GetTrailStatus", self.arn)
    }

    /// Whether it logs.
    pub(in crate::checks) fn logs(&self, view: &View<'a>) -> Result<bool, Blind> {
        Ok(self.status(view)?.is_some_and(|status| is(status, "IsLogging")))
    }

    /// What it selects.
    pub(in crate::checks) fn selectors(
        &self,
        view: &View<'a>,
    ) -> Result<Option<Selectors<'a>>, Blind> {
        let told = view.one_of("cloudtrail:GetEventSelectors", self.arn)?;
        Ok(told.map(|told| Selectors {
            basic: list(told, "EventSelectors"),
            advanced: list(told, "AdvancedEventSelectors"),
        }))
    }

    /// Whether what is asked for is so: a bucket, a topic, a log group; nothing asked is nothing
    /// wanted.
    pub(in crate::checks) fn has(&self, member: &str, wanted: Option<&str>) -> bool {
        wanted.is_none_or(|wanted| text(self.told, member) == Some(wanted))
    }
}

/// What a trail selects.
pub(in crate::checks) struct Selectors<'a> {
    pub(in crate::checks) basic: Vec<&'a Value>,
    pub(in crate::checks) advanced: Vec<&'a Value>,
}

impl Selectors<'_> {
    /// Whether every management event is logged: reads and writes, of every service. Where nothing is
    /// said at all, AWS logs them all.
    pub(in crate::checks) fn all_management(&self) -> bool {
        let basic = |s: &&Value| {
            flag(s, "IncludeManagementEvents") != Some(false)
                && matches!(word(s, "ReadWriteType"), "" | "All")
                && list(s, "ExcludeManagementEventSources").is_empty()
        };
        let advanced = |s: &&Value| {
            let fields = list(s, "FieldSelectors");
            let is_management = |f: &&Value| {
                word(f, "Field") == "eventCategory" && equals(f).contains(&"Management")
            };
            fields.iter().any(is_management) && fields.len() == 1
        };
        let nothing_said = self.basic.is_empty() && self.advanced.is_empty();
        nothing_said || self.basic.iter().any(basic) || self.advanced.iter().any(advanced)
    }

    /// Whether data events of every resource of a type are logged: by a basic selector of all, or an
    /// advanced one that names no resource but those it leaves out.
    pub(in crate::checks) fn all_data(&self, kind: &str, every: &[&str]) -> bool {
        let of_kind = |s: &&Value| {
            list(s, "DataResources").into_iter().any(|r| {
                let values = list(r, "Values").into_iter().filter_map(Value::as_str);
                word(r, "Type") == kind && values.into_iter().any(|v| every.contains(&v))
            })
        };
        let basic = |s: &&Value| matches!(word(s, "ReadWriteType"), "" | "All") && of_kind(s);
        let advanced = |s: &&Value| {
            let fields = list(s, "FieldSelectors");
            let has = |name: &str, value: &str| {
                fields.iter().any(|f| word(f, "Field") == name && equals(f).contains(&value))
            };
            let narrowed = fields.iter().any(|f| match word(f, "Field") {
                "eventCategory" | "resources.type" => false,
                "resources.ARN" => ["Equals", "StartsWith", "EndsWith"]
                    .iter()
                    .any(|how| member(f, how).is_some_and(|v| !is_every(v, every))),
                _ => true,
            });
            has("eventCategory", "Data") && has("resources.type", kind) && !narrowed
        };
        self.basic.iter().any(basic) || self.advanced.iter().any(advanced)
    }
}

fn is_every(values: &Value, every: &[&str]) -> bool {
    let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
    values.into_iter().any(|v| every.contains(&v))
}

fn equals(field: &Value) -> Vec<&str> {
    list(field, "Equals").into_iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
pub(in crate::checks) mod made {
    use crate::checks::testing::Made;
    use serde_json::{Value, json};

    pub(in crate::checks) const ARN: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/org";

    /// A good trail, and what is different about this one.
    pub(in crate::checks) fn trail(different: &Value) -> Made {
        let mut trail = json!({
            "Name": "org", "TrailARN": ARN, "S3BucketName": "org-trail", "HomeRegion": "eu-west-1",
            "IsMultiRegionTrail": true, "IsOrganizationTrail": true,
            "IncludeGlobalServiceEvents": true, "LogFileValidationEnabled": true,
            "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k1",
            "CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-west-1:111122223333:log-group:trail:*",
        });
        for (name, value) in different.as_object().unwrap() {
            trail[name] = value.clone();
        }
        Made::answer("eu-west-1", "cloudtrail:DescribeTrails", json!({"trailList": [trail]}))
    }

    pub(in crate::checks) fn no_trail(region: &'static str) -> Made {
        Made::answer(region, "cloudtrail:DescribeTrails", json!({"trailList": []}))
    }

    pub(in crate::checks) fn status(status: Value) -> Made {
        Made::answer("eu-west-1", "cloudtrail:GetTrailStatus", status).with("Name", ARN)
    }

    pub(in crate::checks) fn logging(on: bool) -> Made {
        status(
            json!({"IsLogging": on, "LatestDeliveryTime": 1_795_341_000, "LatestDigestDeliveryTime": 1_795_340_000}),
        )
    }

    pub(in crate::checks) fn selectors(selectors: Value) -> Made {
        Made::answer("eu-west-1", "cloudtrail:GetEventSelectors", selectors).with("TrailName", ARN)
    }
}
