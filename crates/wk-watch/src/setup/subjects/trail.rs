//! The organisation's trail: all regions, all accounts, validated, encrypted, into S3 and a log group,
//! with both kinds of Insights and with data events.

use serde_json::{Value, json};

use super::{Subject, Where, log_groups, roles};
use crate::posture::members::{is, list, member, text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};
use crate::setup::policies;

pub(super) const SUBJECT: Subject = Subject {
    id: "trail",
    title: "The organization's trail, into S3 and a log group, with Insights and data events",
    serves: &["R-022", "R-023", "R-024", "R-025", "R-029"],
    at: Where::Management,
    cost: "The first copy of management events is free; data events, Insights and CloudWatch Logs ask \
           for each 100,000 events and each GB. Busy buckets make most of it.",
    reads: &[
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetInsightSelectors",
        "cloudtrail:GetTrailStatus",
        "iam:ListRoles",
        "logs:DescribeLogGroups",
    ],
    drift,
};

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let trails = view.list("cloudtrail:DescribeTrails", &["trailList"])?;
    let own = trails.iter().find(|t| word(t, "TrailARN") == f.trail_arn()).copied();
    log_groups::make(f, view, &f.trail.log_group, draft)?;
    let trust = policies::trust("cloudtrail.amazonaws.com");
    roles::make(view, roles::TRAIL, &trust, &policies::trail_writes(f), draft)?;
    match own {
        None => {
            let other =
                trails.iter().find(|t| is(t, "IsOrganizationTrail") && is(t, "IsMultiRegionTrail"));
            if let Some(other) = other {
                let name = word(other, "Name");
                draft.by_hand(format!("{name} is an organization's trail already: name it in the foundation, for a second copy of management events costs"));
            }
            let call = call!(
                "cloudtrail",
                "CreateTrail",
                "cloudtrail:CreateTrail",
                "iam:PassRole",
                "organizations:DescribeOrganization",
                "organizations:ListAWSServiceAccessForOrganization"
            );
            draft.step(call, wanted(f), format!("{} is not there", f.trail.name));
        }
        Some(trail) => update(f, trail, draft),
    }
    for part in [selectors as Part, insights, logging] {
        if let Err(blind) = part(f, view, own, draft) {
            draft.unknown(&blind);
        }
    }
    Ok(())
}

type Part = fn(&Foundation, &View<'_>, Option<&Value>, &mut Draft<'_>) -> Result<(), Blind>;

/// The trail as CreateTrail takes it.
pub(in crate::setup) fn wanted(f: &Foundation) -> Value {
    json!({
        "Name": f.trail.name,
        "S3BucketName": f.buckets.trail,
        "IncludeGlobalServiceEvents": true,
        "IsMultiRegionTrail": true,
        "IsOrganizationTrail": true,
        "EnableLogFileValidation": true,
        "KmsKeyId": f.key_arn(),
        "CloudWatchLogsLogGroupArn": group_arn(f),
        "CloudWatchLogsRoleArn": f.arn("iam", "", &f.accounts.management, &format!("role/{}", roles::TRAIL)),
    })
}

/// The log group's ARN, as CloudTrail wants it.
pub(in crate::setup) fn group_arn(f: &Foundation) -> String {
    f.arn("logs", f.home(), &f.accounts.management, &format!("log-group:{}:*", f.trail.log_group))
}

/// Members of the wanted trail that the one that is there lacks.
fn update(f: &Foundation, trail: &Value, draft: &mut Draft<'_>) {
    let wanted = wanted(f);
    let mut change = json!({"Name": f.trail.name});
    let mut said = Vec::new();
    for (name, value) in wanted.as_object().into_iter().flatten().filter(|(n, _)| *n != "Name") {
        // What a call turns on is told by another name.
        let told =
            if name == "EnableLogFileValidation" { "LogFileValidationEnabled" } else { name };
        let good = match value {
            Value::Bool(_) => is(trail, told),
            // A key is told by its ARN, whatever alias it was named by.
            Value::String(_) if name == "KmsKeyId" && !f.key.starts_with("arn:") => {
                !word(trail, told).is_empty()
            }
            Value::String(text) => word(trail, told) == text,
            _ => true,
        };
        if !good {
            said.push(name.as_str());
            change[name.as_str()] = value.clone();
        }
    }
    if said.is_empty() {
        draft.good();
        return;
    }
    let call = call!("cloudtrail", "UpdateTrail", "cloudtrail:UpdateTrail", "iam:PassRole");
    draft.step(call, change, format!("{} differs in {}", f.trail.name, said.join(", ")));
}

/// Management events, and data events of each type; of objects, all but those of the log buckets.
pub(in crate::setup) fn wanted_selectors(f: &Foundation) -> Vec<Value> {
    let equals = |field: &str, value: &str| json!({"Field": field, "Equals": [value]});
    let mut all = vec![json!({
        "Name": "management",
        "FieldSelectors": [equals("eventCategory", "Management")],
    })];
    for kind in &f.trail.data_events {
        let mut fields = vec![equals("eventCategory", "Data"), equals("resources.type", kind)];
        if kind == "AWS::S3::Object" {
            let own: Vec<String> =
                f.bucket_names().iter().map(|b| format!("{}/", f.bucket_arn(b))).collect();
            fields.push(json!({"Field": "resources.ARN", "NotStartsWith": own}));
        }
        all.push(json!({"Name": format!("data of {kind}"), "FieldSelectors": fields}));
    }
    all
}

fn selectors(
    f: &Foundation,
    view: &View<'_>,
    own: Option<&Value>,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let wanted = wanted_selectors(f);
    let page = match own {
        Some(_) => view.one_of("cloudtrail:GetEventSelectors", &f.trail_arn())?,
        None => None,
    };
    let has: Vec<&Value> = page.map(|p| list(p, "AdvancedEventSelectors")).unwrap_or_default();
    let lacks = wanted.iter().any(|w| !has.iter().any(|h| same_fields(w, h)));
    if !lacks {
        draft.good();
        return Ok(());
    }
    // PutEventSelectors replaces: what else is selected stays selected.
    let more = has.iter().filter(|h| {
        !wanted.iter().any(|w| same_fields(w, h) || word(w, "Name") == word(h, "Name"))
    });
    let all: Vec<Value> = wanted.iter().cloned().chain(more.map(|h| (*h).clone())).collect();
    let basic = page.map(|p| list(p, "EventSelectors")).unwrap_or_default();
    let beyond: Vec<&str> = basic
        .iter()
        .flat_map(|s| list(s, "DataResources"))
        .map(|r| word(r, "Type"))
        .filter(|kind| !f.trail.data_events.iter().any(|d| d == kind))
        .collect();
    if !beyond.is_empty() {
        draft.refuse(format!(
            "{} logs data events of {} by basic selectors, which advanced ones would replace: name these types in data_events",
            f.trail.name, beyond.join(", ")
        ));
        return Ok(());
    }
    let to = json!({"TrailName": f.trail.name, "AdvancedEventSelectors": all});
    let why = format!(
        "{} does not select every management event and data of {}",
        f.trail.name,
        f.trail.data_events.join(", ")
    );
    draft.step(call!("cloudtrail", "PutEventSelectors"), to, why);
    Ok(())
}

/// Whether two selectors have the same fields, in whatever order.
fn same_fields(a: &Value, b: &Value) -> bool {
    let fields = |s: &Value| -> Vec<Value> {
        let mut all: Vec<Value> = list(s, "FieldSelectors").into_iter().cloned().collect();
        for field in &mut all {
            if let Value::Object(members) = field {
                // A list that is empty, or null, selects nothing.
                members.retain(|_, v| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty()));
            }
        }
        all.sort_by_key(|f| word(f, "Field").to_owned());
        all
    };
    fields(a) == fields(b)
}

pub(in crate::setup) fn wanted_insights(f: &Foundation) -> Value {
    f.trail.insights.iter().map(|kind| json!({"InsightType": kind})).collect()
}

fn insights(
    f: &Foundation,
    view: &View<'_>,
    own: Option<&Value>,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    if let Some(out) = f.left_out("insights", view.account(), view.region()) {
        draft.left_out(format!("Insights: {}", out.reason));
        return Ok(());
    }
    let page = match own {
        Some(_) => view.one_of("cloudtrail:GetInsightSelectors", &f.trail_arn())?,
        None => None,
    };
    let has: Vec<&Value> = page.map(|p| list(p, "InsightSelectors")).unwrap_or_default();
    let lacks: Vec<&str> = f
        .trail
        .insights
        .iter()
        .map(String::as_str)
        .filter(|kind| !has.iter().any(|h| word(h, "InsightType") == *kind))
        .collect();
    if lacks.is_empty() {
        draft.good();
        return Ok(());
    }
    let to = json!({"TrailName": f.trail.name, "InsightSelectors": wanted_insights(f)});
    draft.step(
        call!("cloudtrail", "PutInsightSelectors"),
        to,
        format!("{} does not look for {}", f.trail.name, lacks.join(", ")),
    );
    Ok(())
}

fn logging(
    f: &Foundation,
    view: &View<'_>,
    own: Option<&Value>,
    draft: &mut Draft<'_>,
) -> Result<(), Blind> {
    let status = match own {
        Some(_) => view.one_of("cloudtrail:GetTrailStatus", &f.trail_arn())?,
        None => None,
    };
    if status.is_some_and(|s| is(s, "IsLogging")) {
        draft.good();
        return Ok(());
    }
    let to = json!({"Name": f.trail.name});
    draft.step(call!("cloudtrail", "StartLogging"), to, format!("{} does not log", f.trail.name));
    if let Some(error) = status.and_then(|s| text(s, "LatestDeliveryError")) {
        draft.by_hand(format!("{} could not deliver: {error}", f.trail.name));
    }
    if own.is_some_and(|t| member(t, "HomeRegion").is_some_and(|h| h != f.home())) {
        draft.by_hand(format!("{} has another home region than the foundation", f.trail.name));
    }
    Ok(())
}
