//! AWS Security Finding Format, as BatchImportFindings takes it
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>).

use serde_json::{Value, json};
use wk_model::finding::Finding;

/// ASFF's limits on lengths, in characters.
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 1024;
/// ASFF's limit on resources of a finding.
const RESOURCES_MAX: usize = 32;

/// The finding in ASFF. It belongs to the account's default product, which may import findings of
/// its own account only.
pub fn finding(f: &Finding) -> Value {
    let region = f.region.as_deref().unwrap_or("us-east-1");
    let account = f.account.as_deref().unwrap_or("000000000000");
    let label = f.severity.word().as_str().to_uppercase();
    let last_seen = f.last_seen.to_string();
    let by = f.actor.as_deref().unwrap_or("an actor that the events do not name");
    let description = format!(
        "{}: seen {} times from {} to {}, by {by}",
        f.title, f.count, f.first_seen, f.last_seen
    );
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("watchkeeper/{}", f.id),
        "ProductArn": format!("arn:aws:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Watchkeeper",
        "CompanyName": "Watchkeeper",
        "GeneratorId": format!("{}/{}", f.rule.product, f.rule.id),
        "AwsAccountId": account,
        "Region": region,
        "Types": ["Unusual Behaviors"],
        "FirstObservedAt": f.first_seen.to_string(),
        "LastObservedAt": last_seen,
        "CreatedAt": f.first_seen.to_string(),
        "UpdatedAt": last_seen,
        "Severity": {"Label": label, "Normalized": f.severity.tenths()},
        "Title": cut(&f.title, TITLE_MAX),
        "Description": cut(&description, DESCRIPTION_MAX),
        "Resources": resources(f, region, account),
        "ProductFields": {
            "watchkeeper/rule-version": f.rule.version,
            "watchkeeper/controls": f.rule.controls.join(","),
            "watchkeeper/attack": f.rule.attack.join(","),
            "watchkeeper/origin": f.origin.as_str(),
            "watchkeeper/count": f.count.to_string(),
        },
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    })
}

/// What was acted on; ASFF requires at least one, so the account stands in where none is named.
fn resources(f: &Finding, region: &str, account: &str) -> Vec<Value> {
    let resource = |id: &str| json!({"Type": "Other", "Id": id, "Region": region});
    if f.resources.is_empty() {
        let id = format!("AWS::::Account:{account}");
        return vec![json!({"Type": "AwsAccount", "Id": id, "Region": region})];
    }
    f.resources.iter().take(RESOURCES_MAX).map(|id| resource(id)).collect()
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_security_hub_requires_is_there() {
        let document = finding(&super::super::testing::finding());
        for member in [
            "AwsAccountId",
            "CreatedAt",
            "Description",
            "GeneratorId",
            "Id",
            "ProductArn",
            "Resources",
            "SchemaVersion",
            "Severity",
            "Title",
            "Types",
            "UpdatedAt",
        ] {
            assert!(!document[member].is_null(), "{member}");
        }
        assert_eq!(document["Severity"], json!({"Label": "HIGH", "Normalized": 85}));
    }

    #[test]
    fn a_finding_without_a_resource_names_its_account() {
        let mut f = super::super::testing::finding();
        f.resources.clear();
        assert_eq!(finding(&f)["Resources"][0]["Id"], "AWS::::Account:111122223333");
    }
}
