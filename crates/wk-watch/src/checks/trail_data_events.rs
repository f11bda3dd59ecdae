//! A trail logs what is done with objects and functions. The mission's document selects objects by
//! `arn:aws:s3:::*/`, which names none of them, and functions not at all.

use wk_model::check::CheckResult;

use super::facts::trails::{self, Trail};
use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::{list, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "trail-data-events",
    title: "A trail logs data events of S3 and of Lambda",
    points: &["CC7.2"],
    nist: &["AU-2", "AU-12"],
    cis: &["3.8", "3.9"],
    serves: &["R-024", "R-032"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &[
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetTrailStatus",
    ],
    why: "Management events tell who changed a bucket, not who took what lay in it.",
    remedy: "Select by advanced selectors: eventCategory Data, resources.type AWS::S3::Object and \
             AWS::Lambda::Function, leaving out the log buckets themselves.",
    ..Check::NATIVE
};

/// Types, and what names every resource of them in a selector.
const TYPES: [(&str, &[&str]); 2] = [
    ("AWS::S3::Object", &["arn:aws:s3", "arn:aws:s3:::"]),
    ("AWS::Lambda::Function", &["arn:aws:lambda"]),
];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let mut covered = [false; 2];
    let mut said = Vec::new();
    for trail in trails::all(view)? {
        if !trail.logs(view)? {
            continue;
        }
        let selectors = match trail.selectors(view) {
            Err(_) if !trail.is_own(view) => continue,
            told => told?,
        };
        let Some(selectors) = selectors else { continue };
        for (seen, (kind, every)) in covered.iter_mut().zip(TYPES) {
            *seen |= selectors.all_data(kind, every);
        }
        said.extend(mistaken(&trail, &selectors));
    }
    let missing = TYPES.iter().zip(covered).filter(|(_, seen)| !seen).map(|((kind, _), _)| *kind);
    let missing: Vec<&str> = missing.collect();
    if missing.is_empty() {
        let why = "data events of every object and function are logged";
        return Ok(vec![view.good(view.account(), why)]);
    }
    said.insert(0, format!("no trail logs every data event of {}", missing.join(" and ")));
    Ok(vec![view.bad(view.account(), said.join("; "))])
}

/// The value of the mission's document, explained.
fn mistaken(trail: &Trail<'_>, selectors: &trails::Selectors<'_>) -> Option<String> {
    const VALUE: &str = "arn:aws:s3:::*/";
    let resources = selectors.basic.iter().flat_map(|s| list(s, "DataResources"));
    let mut values = resources.filter(|r| word(r, "Type") == "AWS::S3::Object");
    values.any(|r| list(r, "Values").into_iter().any(|v| v.as_str() == Some(VALUE))).then(|| {
        format!(
            "{} selects {VALUE}, which is taken for a bucket of that name and logs nothing; every \
             bucket is arn:aws:s3",
            trail.name()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::facts::trails::made::{logging, selectors, trail};
    use super::super::testing::{verdicts, why};
    use super::CHECK;
    use serde_json::{Value, json};

    const YES: &str = "COMPLIANT 111122223333";
    const NO: &str = "NON_COMPLIANT 111122223333";

    fn basic(resources: Value) -> Value {
        json!({"EventSelectors": [{"ReadWriteType": "All", "DataResources": resources}]})
    }

    fn of(selected: Value) -> String {
        verdicts(&CHECK, &[trail(&json!({})), logging(true), selectors(selected)])
    }

    fn s3(value: &str) -> Value {
        json!({"Type": "AWS::S3::Object", "Values": [value]})
    }

    fn lambda() -> Value {
        json!({"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]})
    }

    #[test]
    fn objects_and_functions_are_both_wanted() {
        assert_eq!(of(basic(json!([s3("arn:aws:s3"), lambda()]))), YES);
        assert_eq!(of(basic(json!([s3("arn:aws:s3")]))), NO);
        assert_eq!(of(basic(json!([s3("arn:aws:s3:::one-bucket/"), lambda()]))), NO);
        assert_eq!(of(json!({"EventSelectors": []})), NO);
    }

    #[test]
    fn advanced_selectors_may_leave_out_and_may_not_narrow() {
        let of_type = |kind: &str, more: Value| {
            let mut fields = vec![
                json!({"Field": "eventCategory", "Equals": ["Data"]}),
                json!({"Field": "resources.type", "Equals": [kind]}),
            ];
            fields.extend(more.as_array().unwrap().clone());
            json!({"FieldSelectors": fields})
        };
        let both = |more: Value| {
            let s3 = of_type("AWS::S3::Object", more);
            of(json!({"AdvancedEventSelectors": [s3, of_type("AWS::Lambda::Function", json!([]))]}))
        };
        assert_eq!(both(json!([])), YES);
        let without =
            json!({"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::org-trail/"]});
        assert_eq!(both(json!([without])), YES);
        let only = json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::shop/"]});
        assert_eq!(both(json!([only])), NO);
        assert_eq!(both(json!([{"Field": "readOnly", "Equals": ["false"]}])), NO);
    }

    #[test]
    fn the_document_s_value_is_explained() {
        let selected = basic(json!([s3("arn:aws:s3:::*/"), lambda()]));
        let said = why(&CHECK, &[trail(&json!({})), logging(true), selectors(selected)]);
        assert!(said.contains("every bucket is arn:aws:s3"), "{said}");
    }
}
