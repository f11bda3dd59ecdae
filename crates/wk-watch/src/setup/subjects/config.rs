//! AWS Config: a recorder of everything and a channel in every region, global types in one.

use serde_json::{Value, json};

use super::{Subject, Where, roles};
use crate::posture::members::{at, is, text, word};
use crate::posture::{Blind, View};
use crate::setup::foundation::Foundation;
use crate::setup::plan::{Draft, call};

pub(super) const SUBJECT: Subject = Subject {
    id: "config",
    title: "AWS Config records every type in every region, and delivers",
    serves: &["R-041", "R-042", "R-043"],
    at: Where::Regions,
    cost: "AWS Config asks for each configuration item that it records.",
    reads: &[
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeConfigurationRecorders",
        "config:DescribeDeliveryChannels",
        "iam:ListRoles",
    ],
    drift,
};

/// The name of recorder and channel where there is none.
pub(in crate::setup) const NAME: &str = "default";

fn drift(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let recorders =
        view.list("config:DescribeConfigurationRecorders", &["ConfigurationRecorders"])?;
    let own = recorders.iter().find(|r| text(r, "servicePrincipal").is_none()).copied();
    let channels = view.list("config:DescribeDeliveryChannels", &["DeliveryChannels"])?;
    let status =
        view.list("config:DescribeConfigurationRecorderStatus", &["ConfigurationRecordersStatus"])?;
    role(f, view, draft)?;
    let name = own.and_then(|r| text(r, "name")).unwrap_or(NAME);
    recorder(f, view, own, name, draft);
    channel(f, channels.first().copied(), draft);
    if status.into_iter().any(|s| word(s, "name") == name && is(s, "recording")) {
        draft.good();
    } else {
        let to = json!({"ConfigurationRecorderName": name});
        let call = call!(
            "configservice",
            "StartConfigurationRecorder",
            "config:StartConfigurationRecorder"
        );
        draft.step(call, to, format!("the recorder {name} does not record"));
    }
    Ok(())
}

/// The role is one for the account: it is made with the home region.
fn role(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    if view.region() != f.home() {
        return Ok(());
    }
    if roles::is_linked(view, "config.amazonaws.com")? {
        draft.good();
        return Ok(());
    }
    let to = json!({"AWSServiceName": "config.amazonaws.com"});
    draft.step(
        call!("iam", "CreateServiceLinkedRole"),
        to,
        format!("the role {} is not there", roles::CONFIG),
    );
    Ok(())
}

/// The role by which AWS Config reads.
pub(in crate::setup) fn role_arn(f: &Foundation, account: &str) -> String {
    f.arn(
        "iam",
        "",
        account,
        &format!("role/aws-service-role/config.amazonaws.com/{}", roles::CONFIG),
    )
}

fn recorder(
    f: &Foundation,
    view: &View<'_>,
    own: Option<&Value>,
    name: &str,
    draft: &mut Draft<'_>,
) {
    let global = view.region() == f.home();
    let said = match own {
        None => "there is no recorder".to_owned(),
        Some(r) => {
            let group = at(r, "recordingGroup").unwrap_or(&Value::Null);
            let everything = is(group, "allSupported");
            // Global types in one region: elsewhere each would be recorded, and paid, again.
            if everything && is(group, "includeGlobalResourceTypes") == global {
                draft.good();
                return;
            }
            match everything {
                true if global => format!("{name} does not record global types"),
                true => format!("{name} records global types, which {} does", f.home()),
                false => format!("{name} does not record every type"),
            }
        }
    };
    // A role that somebody chose stays.
    let role = own
        .and_then(|r| text(r, "roleARN"))
        .map_or_else(|| role_arn(f, view.account()), str::to_owned);
    let to = json!({"ConfigurationRecorder": {
        "name": name,
        "roleARN": role,
        "recordingGroup": {"allSupported": true, "includeGlobalResourceTypes": global},
    }});
    let call = call!(
        "configservice",
        "PutConfigurationRecorder",
        "config:PutConfigurationRecorder",
        "iam:PassRole"
    );
    draft.step(call, to, said);
}

fn channel(f: &Foundation, has: Option<&Value>, draft: &mut Draft<'_>) {
    let good = |c: &Value| {
        word(c, "s3BucketName") == f.buckets.config
            && word(c, "configSnapshotDeliveryProperties.deliveryFrequency") == f.config.snapshots
    };
    if has.is_some_and(good) {
        draft.good();
        return;
    }
    let why = match has {
        None => "there is no delivery channel".to_owned(),
        Some(c) => format!(
            "it delivers to {} {}, not to {} {}",
            word(c, "s3BucketName"),
            word(c, "configSnapshotDeliveryProperties.deliveryFrequency"),
            f.buckets.config,
            f.config.snapshots
        ),
    };
    let mut channel = json!({
        "name": has.and_then(|c| text(c, "name")).unwrap_or(NAME),
        "s3BucketName": f.buckets.config,
        "configSnapshotDeliveryProperties": {"deliveryFrequency": f.config.snapshots},
    });
    // Whom the channel tells stays told.
    if let Some(topic) = has.and_then(|c| text(c, "snsTopicARN")) {
        channel["snsTopicARN"] = topic.into();
    }
    let call = call!("configservice", "PutDeliveryChannel", "config:PutDeliveryChannel");
    draft.step(call, json!({"DeliveryChannel": channel}), why);
}

/// Rules of the organisation, read back account by account.
pub(super) const RULES: Subject = Subject {
    id: "organization-rules",
    title: "Rules of AWS Config for the whole organization",
    serves: &["R-044"],
    at: Where::ManagementRegions,
    cost: "AWS Config asks for each evaluation.",
    reads: &["config:DescribeConfigRules"],
    drift: rules,
};

/// Rules about what is one for the account: once is enough.
const GLOBAL_RULES: [&str; 3] =
    ["IAM_PASSWORD_POLICY", "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", "ROOT_ACCOUNT_MFA_ENABLED"];

/// The rules of a region.
pub(in crate::setup) fn rules_of<'f>(f: &'f Foundation, region: &str) -> Vec<&'f str> {
    let home = region == f.home();
    let all = f.config.rules.iter().map(String::as_str);
    all.filter(|rule| home || !GLOBAL_RULES.contains(rule)).collect()
}

/// A rule's name: `encrypted-volumes`.
pub(in crate::setup) fn rule_name(identifier: &str) -> String {
    identifier.to_ascii_lowercase().replace('_', "-")
}

fn rules(f: &Foundation, view: &View<'_>, draft: &mut Draft<'_>) -> Result<(), Blind> {
    let mut accounts = f.named_accounts();
    if f.accounts.members.is_empty() {
        accounts.extend(view.posture().accounts());
        accounts.sort_unstable();
        accounts.dedup();
    }
    let mut told = Vec::new();
    for account in accounts {
        let there = view.posture().view(account, view.region());
        match there.list("config:DescribeConfigRules", &["ConfigRules"]) {
            Ok(rules) => told.push((account, rules)),
            Err(blind) => draft.unknown(&blind),
        }
    }
    for identifier in rules_of(f, view.region()) {
        let has = |rules: &Vec<&Value>| {
            rules.iter().any(|r| {
                word(r, "Source.SourceIdentifier") == identifier
                    && word(r, "ConfigRuleState") != "DELETING"
            })
        };
        let lacks: Vec<&str> =
            told.iter().filter(|(_, rules)| !has(rules)).map(|(a, _)| *a).collect();
        if lacks.is_empty() {
            if !told.is_empty() {
                draft.good();
            }
            continue;
        }
        let mut rule = json!({"RuleIdentifier": identifier});
        if identifier == "ENCRYPTED_VOLUMES" {
            rule["ResourceTypesScope"] = json!(["AWS::EC2::Volume"]);
        }
        let to = json!({"OrganizationConfigRuleName": rule_name(identifier), "OrganizationManagedRuleMetadata": rule});
        let call = call!(
            "configservice",
            "PutOrganizationConfigRule",
            "config:PutOrganizationConfigRule",
            "organizations:EnableAWSServiceAccess",
            "organizations:ListDelegatedAdministrators"
        );
        draft.step(call, to, format!("{identifier} is missing in {}", lacks.join(", ")));
    }
    Ok(())
}
