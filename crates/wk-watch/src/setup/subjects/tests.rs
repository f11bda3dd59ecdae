//! What each subject plans, and what it leaves alone.

use serde_json::{Value, json};

use super::*;
use crate::checks::testing::Made;
use crate::setup::foundation::Foundation;
use crate::setup::plan::tests::{foundation, planned};
use crate::setup::plan::{Plan, Step};

const HOME: &str = "eu-west-1";
const OTHER: &str = "us-east-1";
const ACCOUNT: &str = "111122223333";

fn calls(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.operation).collect()
}

fn step<'p>(plan: &'p Plan, operation: &str) -> &'p Step {
    let found = plan.steps.iter().find(|step| step.operation == operation);
    found.unwrap_or_else(|| panic!("no {operation} in {:?}", calls(plan)))
}

fn why(told: &[crate::setup::plan::Told]) -> String {
    told.iter().map(|t| t.why.as_str()).collect::<Vec<_>>().join("\n")
}

/// The same answer in both regions.
fn both(key: &'static str, page: &Value) -> [Made; 2] {
    [HOME, OTHER].map(|region| Made::answer(region, key, page.clone()))
}

fn roles(names: &[&str]) -> Made {
    let roles: Vec<Value> = names.iter().map(|n| json!({"RoleName": n, "Path": "/"})).collect();
    Made::global("iam:ListRoles", json!({"Roles": roles}))
}

fn groups(names: &[&str]) -> [Made; 2] {
    let groups: Vec<Value> = names.iter().map(|n| json!({"logGroupName": n})).collect();
    both("logs:DescribeLogGroups", &json!({"logGroups": groups}))
}

/// The trail as it should be, with these members instead.
fn trail(f: &Foundation, other: &Value) -> Vec<Made> {
    let mut told = trail::wanted(f);
    told["TrailARN"] = f.trail_arn().into();
    told["HomeRegion"] = HOME.into();
    told["LogFileValidationEnabled"] = true.into();
    for (name, value) in other.as_object().unwrap() {
        told[name.as_str()] = value.clone();
    }
    let arn = f.trail_arn();
    let of = |key: &'static str, name: &str, page: Value| {
        Made::answer(HOME, key, page).with(name, arn.as_str())
    };
    let mut made = vec![
        Made::answer(HOME, "cloudtrail:DescribeTrails", json!({"trailList": [told]})),
        of("cloudtrail:GetTrailStatus", "Name", json!({"IsLogging": true})),
        of(
            "cloudtrail:GetInsightSelectors",
            "TrailName",
            json!({"InsightSelectors": trail::wanted_insights(f)}),
        ),
        roles(&[roles::TRAIL]),
    ];
    made.extend(groups(&[&f.trail.log_group]));
    made
}

fn selected(f: &Foundation, page: Value) -> Made {
    let arn = f.trail_arn();
    Made::answer(HOME, "cloudtrail:GetEventSelectors", page).with("TrailName", arn.as_str())
}

#[test]
fn a_trail_that_is_missing_is_made_selected_and_started_in_order() {
    let f = foundation("");
    let mut made =
        vec![Made::answer(HOME, "cloudtrail:DescribeTrails", json!({"trailList": []})), roles(&[])];
    made.extend(groups(&[]));
    let plan = planned("trail", &f, &made);
    let expected = [
        "CreateLogGroup",
        "PutRetentionPolicy",
        "CreateRole",
        "PutRolePolicy",
        "CreateTrail",
        "PutEventSelectors",
        "PutInsightSelectors",
        "StartLogging",
    ];
    assert_eq!(calls(&plan), expected);
    let create = &step(&plan, "CreateTrail").parameters;
    for on in [
        "IsMultiRegionTrail",
        "IsOrganizationTrail",
        "EnableLogFileValidation",
        "IncludeGlobalServiceEvents",
    ] {
        assert_eq!(create[on], true, "{on}");
    }
    assert_eq!(create["KmsKeyId"], "arn:aws:kms:eu-west-1:111122223333:alias/security-logs");
    assert_eq!(step(&plan, "PutRetentionPolicy").parameters["retentionInDays"], 2557);
    assert_eq!(
        step(&plan, "PutInsightSelectors").parameters["InsightSelectors"].as_array().unwrap().len(),
        2
    );
    let selectors = step(&plan, "PutEventSelectors").parameters.to_string();
    assert!(selectors.contains("\"NotStartsWith\":[\"arn:aws:s3:::logs-1/\"]"), "{selectors}");
    assert!(!selectors.contains("arn:aws:s3:::*/"));
}

#[test]
fn a_trail_is_changed_only_where_it_differs_and_keeps_what_it_selects_besides() {
    let f = foundation("");
    let whole = json!({"AdvancedEventSelectors": trail::wanted_selectors(&f)});
    let mut made = trail(&f, &json!({}));
    made.push(selected(&f, whole.clone()));
    let plan = planned("trail", &f, &made);
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    let mut made = trail(&f, &json!({"LogFileValidationEnabled": false, "KmsKeyId": null}));
    let table = json!({"Name": "tables", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::DynamoDB::Table"]}]});
    made.push(selected(&f, json!({"AdvancedEventSelectors": [table]})));
    let plan = planned("trail", &f, &made);
    let change = &step(&plan, "UpdateTrail").parameters;
    let names: Vec<&String> = change.as_object().unwrap().keys().collect();
    assert_eq!(names, ["Name", "EnableLogFileValidation", "KmsKeyId"]);
    let selectors = step(&plan, "PutEventSelectors").parameters.to_string();
    assert!(selectors.contains("AWS::DynamoDB::Table") && selectors.contains("AWS::S3::Object"));
}

#[test]
fn basic_selectors_of_other_types_are_not_replaced() {
    let f = foundation("");
    let mut made = trail(&f, &json!({}));
    made.push(selected(&f, json!({"EventSelectors": [{"DataResources": [{"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]}]}]})));
    let plan = planned("trail", &f, &made);
    assert!(plan.steps.is_empty() && why(&plan.refused).contains("AWS::DynamoDB::Table"));
}

#[test]
fn what_of_a_trail_was_denied_is_unknown_and_nothing_is_planned_on_it() {
    let f = foundation("");
    let denied = |key| Made::denied(HOME, key).with("TrailName", f.trail_arn().as_str());
    let mut made = trail(&f, &json!({}));
    made.push(denied("cloudtrail:GetEventSelectors"));
    let plan = planned("trail", &f, &made);
    assert!(
        !calls(&plan).contains(&"PutEventSelectors")
            && why(&plan.unknown).contains("GetEventSelectors")
    );
    let all = planned("trail", &f, &[Made::denied(HOME, "cloudtrail:DescribeTrails")]);
    assert!(
        all.steps.is_empty() && why(&all.unknown).contains("denied"),
        "nothing is made beside what may be there"
    );
}

fn bucket(name: &str, settings: &[(&'static str, Value)]) -> Vec<Made> {
    let mut made =
        vec![Made::global("s3:ListBuckets", json!({"Buckets": {"Bucket": [{"Name": name}]}}))];
    for key in [
        "s3:GetBucketEncryption",
        "s3:GetBucketVersioning",
        "s3:GetPublicAccessBlock",
        "s3:GetObjectLockConfiguration",
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetBucketPolicy",
    ] {
        let told = settings.iter().find(|(k, _)| *k == key);
        let answer = match told {
            Some((_, page)) => Made::global(key, page.clone()),
            None => Made::absent(wk_model::capture::GLOBAL, key),
        };
        made.push(answer.with("Bucket", name));
    }
    made
}

#[test]
fn a_stronger_lock_a_life_cycle_of_its_own_and_statements_of_its_own_stay() {
    let f = foundation("");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Ours", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}]});
    let plan = planned(
        "buckets",
        &f,
        &bucket(
            "logs-1",
            &[
                (
                    "s3:GetObjectLockConfiguration",
                    json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 7}}}),
                ),
                (
                    "s3:GetBucketLifecycleConfiguration",
                    json!({"Rule": {"ID": "mine", "Status": "Enabled", "Expiration": {"Days": "30"}}}),
                ),
                ("s3:GetBucketPolicy", json!({"Policy": policy.to_string()})),
            ],
        ),
    );
    assert_eq!(
        calls(&plan),
        ["PutBucketEncryption", "PutBucketVersioning", "PutPublicAccessBlock", "PutBucketPolicy"]
    );
    let joined = step(&plan, "PutBucketPolicy").parameters["Policy"].as_str().unwrap().to_owned();
    assert!(joined.contains("\"Ours\"") && joined.contains("TrailWrites"));
    let refused = why(&plan.refused);
    assert!(
        refused.contains("life cycle rules of its own (mine); one deletes after 30 days"),
        "{refused}"
    );
    let weak = planned(
        "buckets",
        &f,
        &bucket(
            "logs-1",
            &[(
                "s3:GetObjectLockConfiguration",
                json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}),
            )],
        ),
    );
    assert_eq!(
        step(&weak, "PutObjectLockConfiguration").parameters["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
            ["Days"],
        365
    );
}

#[test]
fn a_bucket_that_keeps_for_ever_is_not_told_to_delete_unasked() {
    let f = foundation("");
    let plan = planned("buckets", &f, &bucket("logs-1", &[]));
    let rule = &step(&plan, "PutBucketLifecycleConfiguration").parameters["LifecycleConfiguration"]
        ["Rules"][0];
    assert!(
        rule.get("Expiration").is_none()
            && why(&plan.refused).contains("nothing is deleted unasked")
    );
    let none = planned("buckets", &f, &[Made::global("s3:ListBuckets", json!({"Buckets": null}))]);
    let rule = &step(&none, "PutBucketLifecycleConfiguration").parameters["LifecycleConfiguration"]
        ["Rules"][0];
    assert_eq!((&rule["Expiration"]["Days"], calls(&none)[0]), (&json!(2557), "CreateBucket"));
}

#[test]
fn a_recorder_records_everything_and_global_types_at_home_alone() {
    let f = foundation("");
    let recorder = |region, global: bool| {
        Made::answer(
            region,
            "config:DescribeConfigurationRecorders",
            json!({"ConfigurationRecorders": [{"name": "mine", "roleARN": "arn:aws:iam::111122223333:role/own", "recordingGroup": {"allSupported": true, "includeGlobalResourceTypes": global}}]}),
        )
    };
    let channel = json!({"DeliveryChannels": [{"name": "mine", "s3BucketName": "logs-1", "snsTopicARN": "t", "configSnapshotDeliveryProperties": {"deliveryFrequency": "One_Hour"}}]});
    let mut made = vec![recorder(HOME, true), recorder(OTHER, true)];
    made.extend(both("config:DescribeDeliveryChannels", &channel));
    made.extend(both(
        "config:DescribeConfigurationRecorderStatus",
        &json!({"ConfigurationRecordersStatus": [{"name": "mine", "recording": true}]}),
    ));
    made.push(Made::global(
        "iam:ListRoles",
        json!({"Roles": [{"RoleName": "x", "Path": "/aws-service-role/config.amazonaws.com/"}]}),
    ));
    let plan = planned("config", &f, &made);
    assert_eq!(
        calls(&plan),
        ["PutDeliveryChannel", "PutConfigurationRecorder", "PutDeliveryChannel"]
    );
    let recorder = step(&plan, "PutConfigurationRecorder");
    assert_eq!(
        (recorder.region.as_str(), &recorder.parameters["ConfigurationRecorder"]["roleARN"]),
        (OTHER, &json!("arn:aws:iam::111122223333:role/own"))
    );
    assert_eq!(step(&plan, "PutDeliveryChannel").parameters["DeliveryChannel"]["snsTopicARN"], "t");
}

#[test]
fn organization_rules_are_planned_where_an_account_lacks_one_and_read_back_by_account() {
    let f = foundation("");
    let has = |names: &[&str]| -> Value {
        let rules: Vec<Value> = names.iter().map(|n| json!({"ConfigRuleName": "OrgConfigRule-x", "Source": {"Owner": "AWS", "SourceIdentifier": n}})).collect();
        json!({"ConfigRules": rules})
    };
    let all: Vec<&str> = f.config.rules.iter().map(String::as_str).collect();
    let made = [
        Made::answer(HOME, "config:DescribeConfigRules", has(&all)),
        Made::answer(OTHER, "config:DescribeConfigRules", has(&all)),
        Made::answer(HOME, "config:DescribeConfigRules", has(&all[1..])).of("444455556666"),
        Made::denied(OTHER, "config:DescribeConfigRules").of("444455556666"),
    ];
    let plan = planned("organization-rules", &f, &made);
    assert_eq!(calls(&plan), ["PutOrganizationConfigRule"]);
    let only = step(&plan, "PutOrganizationConfigRule");
    assert_eq!(only.why, "ENCRYPTED_VOLUMES is missing in 444455556666");
    assert_eq!(
        only.parameters["OrganizationManagedRuleMetadata"]["ResourceTypesScope"],
        json!(["AWS::EC2::Volume"])
    );
    assert!(why(&plan.unknown).contains("denied"));
    assert_eq!(config::rules_of(&f, OTHER).len(), f.config.rules.len() - 3);
}

#[test]
fn guardduty_is_made_in_each_region_and_no_feature_is_ever_switched_off() {
    let f = foundation("");
    let detector = json!({"status": "ENABLED", "findingPublishingFrequency": "SIX_HOURS", "features": [
        {"name": "S3_DATA_EVENTS", "status": "ENABLED"}, {"name": "RUNTIME_MONITORING", "status": "ENABLED"}]});
    let made = [
        Made::answer(HOME, "guardduty:ListDetectors", json!({"detectorIds": ["d1"]})),
        Made::answer(HOME, "guardduty:GetDetector", detector).with("DetectorId", "d1"),
        Made::answer(OTHER, "guardduty:ListDetectors", json!({"detectorIds": []})),
    ];
    let plan = planned("guardduty", &f, &made);
    assert_eq!(calls(&plan), ["UpdateDetector", "CreateDetector"]);
    let update = &plan.steps[0].parameters;
    let features = update["Features"].to_string();
    assert!(
        !features.contains("RUNTIME_MONITORING") && !features.contains("DISABLED"),
        "{features}"
    );
    assert!(!features.contains("S3_DATA_EVENTS") && features.contains("EKS_AUDIT_LOGS"));
    assert_eq!(
        (&update["FindingPublishingFrequency"], &update.get("Enable")),
        (&json!("FIFTEEN_MINUTES"), &None)
    );
    assert_eq!(plan.steps[1].region, OTHER);
}

#[test]
fn another_administrator_of_guardduty_is_not_replaced() {
    let f = foundation("");
    let made = [
        Made::answer(
            HOME,
            "guardduty:ListOrganizationAdminAccounts",
            json!({"adminAccounts": [{"adminAccountId": "999988887777", "adminStatus": "ENABLED"}]}),
        ),
        Made::answer(
            OTHER,
            "guardduty:ListOrganizationAdminAccounts",
            json!({"adminAccounts": []}),
        ),
    ];
    let plan = planned("guardduty-administrator", &f, &made);
    assert_eq!(
        (calls(&plan), plan.steps[0].region.as_str()),
        (vec!["EnableOrganizationAdminAccount"], OTHER)
    );
    assert!(why(&plan.refused).contains("999988887777 administers"));
}

#[test]
fn standards_are_switched_on_by_arns_that_aws_tells_and_products_by_the_call_for_it() {
    let f = foundation("opt_outs: [{what: pci-dss, reason: no card data here}]");
    let known = json!({"Standards": [{"StandardsArn": "arn:aws:securityhub:eu-west-1::standards/aws-foundational-security-best-practices/v/1.0.0"}]});
    let made = [
        Made::answer(HOME, "securityhub:DescribeHub", json!({"HubArn": "h"})),
        Made::answer(HOME, "securityhub:DescribeStandards", known),
        Made::answer(
            HOME,
            "securityhub:GetEnabledStandards",
            json!({"StandardsSubscriptions": []}),
        ),
        Made::answer(
            HOME,
            "securityhub:ListEnabledProductsForImport",
            json!({"ProductSubscriptions": ["arn:aws:securityhub:eu-west-1:111122223333:product-subscription/aws/guardduty"]}),
        ),
        Made::absent(OTHER, "securityhub:DescribeHub"),
        Made::absent(OTHER, "securityhub:DescribeStandards"),
    ];
    let plan = planned("security-hub", &f, &made);
    let at_home: Vec<&str> =
        plan.steps.iter().filter(|s| s.region == HOME).map(|s| s.operation).collect();
    assert_eq!(
        at_home,
        [
            "BatchEnableStandards",
            "EnableImportFindingsForProduct",
            "EnableImportFindingsForProduct",
            "EnableImportFindingsForProduct"
        ]
    );
    assert!(
        why(&plan.refused).contains("cis-aws-foundations-benchmark/v/3.0.0"),
        "AWS does not tell of it there"
    );
    let elsewhere: Vec<&Step> = plan.steps.iter().filter(|s| s.region == OTHER).collect();
    assert_eq!((elsewhere[0].operation, elsewhere.len()), ("EnableSecurityHub", 6));
    assert!(why(&plan.left_out).contains("PCI DSS is not switched on: no card data here"));
}

#[test]
fn each_vpc_gets_what_it_lacks_and_a_narrow_flow_log_stays_beside_the_new_one() {
    let f = foundation("flow_logs: {tags: {Environment: Production}}");
    let log = |kind: &str, traffic: &str, format: &str| json!({"flowLogId": "fl-1", "resourceId": "vpc-1", "logDestinationType": kind, "flowLogStatus": "ACTIVE", "trafficType": traffic, "logFormat": format});
    let format = f.flow_format();
    let made = [
        Made::answer(HOME, "ec2:DescribeVpcs", json!({"vpcSet": [{"vpcId": "vpc-1"}]})),
        Made::answer(
            HOME,
            "ec2:DescribeFlowLogs",
            json!({"flowLogSet": [log("s3", "ALL", &format), log("cloud-watch-logs", "REJECT", &format)]}),
        ),
        Made::answer(OTHER, "ec2:DescribeVpcs", json!({"vpcSet": [{"vpcId": "vpc-2"}]})),
        Made::answer(OTHER, "ec2:DescribeFlowLogs", json!({"flowLogSet": []})),
        roles(&[roles::FLOW_LOGS]),
    ];
    let made = [&made[..], &groups(&["/aws/vpc/flowlogs/vpc-1"])].concat();
    let plan = planned("flow-logs", &f, &made);
    assert_eq!(
        calls(&plan),
        [
            "CreateFlowLogs",
            "CreateLogGroup",
            "PutRetentionPolicy",
            "CreateFlowLogs",
            "CreateFlowLogs"
        ]
    );
    assert!(plan.steps[0].why.contains("fl-1 logs REJECT alone; a flow log cannot be changed"));
    let new = &plan.steps[0].parameters;
    assert_eq!((&new["TrafficType"], &new["LogFormat"]), (&json!("ALL"), &json!(format)));
    assert_eq!(new["TagSpecifications"][0]["Tags"][0]["Key"], "Environment");
    assert_eq!(step(&plan, "PutRetentionPolicy").parameters["retentionInDays"], 90);
    let kinds: Vec<&str> = plan.steps[3..]
        .iter()
        .map(|s| s.parameters["LogDestinationType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["cloud-watch-logs", "s3"]);
    assert_eq!(plan.steps[4].parameters["LogDestination"], "arn:aws:s3:::logs-1");
}

#[test]
fn a_topic_is_made_told_of_and_a_subscription_that_waits_is_for_a_person() {
    let f = foundation("");
    let arn = f.topic_arn(ACCOUNT);
    let none =
        planned("topic", &f, &[Made::answer(HOME, "sns:ListTopics", json!({"Topics": null}))]);
    assert_eq!(calls(&none), ["CreateTopic", "SetTopicAttributes", "Subscribe"]);
    let made = [
        Made::answer(HOME, "sns:ListTopics", json!({"Topics": {"member": {"TopicArn": arn}}})),
        Made::answer(HOME, "sns:GetTopicAttributes", json!({"Attributes": {"Policy": crate::setup::policies::topic(&f, ACCOUNT).to_string()}})).with("TopicArn", arn.as_str()),
        Made::answer(HOME, "sns:ListSubscriptionsByTopic", json!({"Subscriptions": [{"Protocol": "email", "Endpoint": "a@example.com", "SubscriptionArn": "PendingConfirmation"}]})).with("TopicArn", arn.as_str()),
    ];
    let waits = planned("topic", &f, &made);
    assert!(waits.steps.is_empty() && why(&waits.by_hand).contains("has not confirmed"));
}

#[test]
fn the_document_s_three_alarms_are_on_metrics_that_have_data() {
    let f = foundation("");
    let made = [
        Made::answer(HOME, "logs:DescribeMetricFilters", json!({"metricFilters": []})),
        Made::answer(HOME, "monitoring:DescribeAlarms", json!({"MetricAlarms": []})),
    ];
    let plan = planned("alarms", &f, &made);
    let alarm = |name: &str| {
        let found = plan.steps.iter().find(|s| s.parameters["AlarmName"] == name);
        &found.unwrap_or_else(|| panic!("no {name}")).parameters
    };
    let filled = |metric: &Value| {
        plan.steps.iter().any(|s| {
            s.operation == "PutMetricFilter"
                && s.parameters["metricTransformations"][0]["metricName"] == *metric
        })
    };
    let root = alarm("RootAccountUsage");
    assert_eq!(
        (&root["Period"], &root["Threshold"], &root["ComparisonOperator"]),
        (&json!(60), &json!(1.0), &json!("GreaterThanOrEqualToThreshold"))
    );
    let unauthorized = alarm("UnauthorizedAPICalls");
    assert_eq!(
        (&unauthorized["Period"], &unauthorized["Threshold"], &unauthorized["ComparisonOperator"]),
        (&json!(300), &json!(5.0), &json!("GreaterThanThreshold"))
    );
    assert!(filled(&root["MetricName"]) && filled(&unauthorized["MetricName"]));
    let high = alarm("GuardDutyHighSeverity");
    assert_eq!(
        (&high["Namespace"], &high["Dimensions"][0]["Value"]),
        (&json!("AWS/Events"), &json!(events::HIGH))
    );
    assert!(
        events::wanted(&f, ACCOUNT, HOME).iter().any(|rule| rule.name == events::HIGH),
        "the rule is there"
    );
    for step in plan.steps.iter().filter(|s| s.operation == "PutMetricAlarm") {
        assert_eq!(step.parameters["TreatMissingData"], "notBreaching");
        assert_eq!(step.parameters["AlarmActions"], json!([f.topic_arn(ACCOUNT)]));
    }
}

#[test]
fn the_filter_of_root_sees_root_and_not_what_aws_does_for_it() {
    use wk_lang::{filter::Filter, json::Tape};
    let root = cis::ALL.iter().find(|c| c.metric == "RootAccountUsage").unwrap();
    let filter = Filter::parse(&root.pattern()).unwrap();
    let mut tape = Tape::default();
    let mut meets = |event: &str| filter.meets(tape.parse(event).unwrap());
    assert!(meets(r#"{"userIdentity":{"type":"Root"},"eventType":"AwsApiCall"}"#));
    assert!(!meets(
        r#"{"userIdentity":{"type":"Root","invokedBy":"support.amazonaws.com"},"eventType":"AwsApiCall"}"#
    ));
    assert!(!meets(r#"{"userIdentity":{"type":"Root"},"eventType":"AwsServiceEvent"}"#));
}

#[test]
fn an_alarm_that_differs_is_mended_and_still_tells_whom_it_told() {
    let f = foundation("");
    let filters: Vec<Value> = cis::ALL.iter().map(|c| json!({"filterName": c.metric, "logGroupName": f.trail.log_group, "filterPattern": c.pattern(), "metricTransformations": [alarms::transformation(&f, c)]})).collect();
    let mut there: Vec<Value> = alarms::wanted(&f, ACCOUNT)
        .iter()
        .map(|a| alarms::parameters(a, &f.topic_arn(ACCOUNT), &[]))
        .collect();
    let made = |there: &[Value]| {
        [
            Made::answer(HOME, "logs:DescribeMetricFilters", json!({"metricFilters": filters})),
            Made::answer(HOME, "monitoring:DescribeAlarms", json!({"MetricAlarms": there})),
        ]
    };
    assert!(planned("alarms", &f, &made(&there)).steps.is_empty());
    there[0]["TreatMissingData"] = "missing".into();
    there[0]["AlarmActions"] = json!(["arn:aws:sns:eu-west-1:111122223333:others"]);
    let plan = planned("alarms", &f, &made(&there));
    assert_eq!(calls(&plan), ["PutMetricAlarm"]);
    assert!(plan.steps[0].why.contains("differs in missing data, its topic"));
    assert_eq!(
        plan.steps[0].parameters["AlarmActions"],
        json!([f.topic_arn(ACCOUNT), "arn:aws:sns:eu-west-1:111122223333:others"])
    );
}
