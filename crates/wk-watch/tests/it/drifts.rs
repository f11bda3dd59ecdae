//! Three accounts and four regions that are as the mission wants them, and thirty drifts, each found by
//! name; a region that is denied is called compliant by nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wk_model::capture::{GLOBAL, Outcome};
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Capture, Sha256};
use wk_watch::checks::{self, Overrides};
use wk_watch::posture::Posture;

const ACCOUNTS: [&str; 3] = ["111122223333", "222233334444", "333344445555"];
const REGIONS: [&str; 4] = ["ap-south-1", "eu-west-1", "us-east-1", "us-west-2"];
const MAIN: &str = ACCOUNTS[0];
const HOME: &str = "eu-west-1";
const TRAIL: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/org";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alerts";
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k1";
const NOW: &str = "2026-11-22T10:00:00Z";

/// Answers by account, region, question and parameters.
#[derive(Default)]
struct World(BTreeMap<(String, String, String, String), (Outcome, Value)>);

impl World {
    #[expect(clippy::needless_pass_by_value, reason = "answers are made in place")]
    fn put(&mut self, account: &str, region: &str, key: &str, of: Value, page: Value) {
        let place = (account.into(), region.into(), key.into(), of.to_string());
        self.0.insert(place, (Outcome::Answered, page));
    }
    fn everywhere(&mut self, key: &str, page: &Value) {
        for account in ACCOUNTS {
            REGIONS.iter().for_each(|r| self.put(account, r, key, json!({}), page.clone()));
        }
    }
    fn in_every_account(&mut self, key: &str, page: &Value) {
        ACCOUNTS.iter().for_each(|a| self.put(a, GLOBAL, key, json!({}), page.clone()));
    }
    /// Changes an answer of the main account.
    fn change(&mut self, region: &str, key: &str, change: impl Fn(&mut Value)) {
        let mut changed = 0;
        for ((account, at, question, _), (_, page)) in &mut self.0 {
            let says_something = page.as_object().is_some_and(|members| !members.is_empty());
            if account == MAIN && at == region && question == key && says_something {
                change(page);
                changed += 1;
            }
        }
        assert!(changed > 0, "nothing was asked of {key} in {region}");
    }
    fn absent(&mut self, region: &str, key: &str) {
        for ((account, at, question, _), answer) in &mut self.0 {
            if account == MAIN && at == region && question == key {
                *answer = (Outcome::Absent, json!({}));
            }
        }
    }
    fn deny(&mut self, account: &str, region: &str) {
        for ((a, r, _, _), answer) in &mut self.0 {
            if a == account && r == region {
                *answer = (Outcome::Denied, json!({}));
            }
        }
    }
    fn posture(&self) -> Posture {
        let capture =
            |(place, (outcome, page)): (&(String, String, String, String), &(Outcome, Value))| {
                let (account, region, key, of) = place;
                let (service, operation) = key.split_once(':').unwrap();
                let parameters: Value = serde_json::from_str(of).unwrap();
                Capture {
                    id: Capture::id_of("r", key, account, region, &parameters),
                    run: "r".into(),
                    service: service.into(),
                    operation: operation.into(),
                    parameters,
                    account: account.clone(),
                    region: region.clone(),
                    at: NOW.into(),
                    principal: String::new(),
                    request_ids: Vec::new(),
                    outcome: *outcome,
                    reason: None,
                    answer_sha256: Sha256::of(b""),
                    masked: Vec::new(),
                    answer: if *outcome == Outcome::Answered {
                        vec![page.clone()]
                    } else {
                        Vec::new()
                    },
                }
            };
        Posture::of(self.0.iter().map(capture).collect())
    }
    fn rows(&self) -> Vec<CheckResult> {
        let posture = self.posture();
        checks::ALL.iter().flat_map(|check| check.run(&posture, &Overrides::new())).collect()
    }
}

/// As the mission wants it.
fn good() -> World {
    let mut world = World::default();
    organization(&mut world);
    identities(&mut world);
    logging(&mut world);
    buckets(&mut world);
    networks(&mut world);
    detection(&mut world);
    alarms(&mut world);
    applications(&mut world);
    world
}

fn organization(world: &mut World) {
    let accounts: Vec<Value> =
        ACCOUNTS.iter().map(|a| json!({"Id": a, "Status": "ACTIVE"})).collect();
    world.put(MAIN, GLOBAL, "organizations:ListAccounts", json!({}), json!({"Accounts": accounts}));
    world.in_every_account("sts:GetCallerIdentity", &json!({"Account": "x"}));
}

fn identities(world: &mut World) {
    let summary = json!({"SummaryMap": {"entry": [{"key": "AccountMFAEnabled", "value": "1"}, {"key": "AccountAccessKeysPresent", "value": "0"}]}});
    world.in_every_account("iam:GetAccountSummary", &summary);
    let policy = json!({"RequireUppercaseCharacters": "true", "RequireLowercaseCharacters": "true", "RequireSymbols": "true", "RequireNumbers": "true", "MinimumPasswordLength": "14", "PasswordReusePrevention": "24", "MaxPasswordAge": "90"});
    world.in_every_account("iam:GetAccountPasswordPolicy", &json!({"PasswordPolicy": policy}));
    world.in_every_account("iam:ListUsers", &json!({"Users": []}));
    let of = || json!({"UserName": "ana"});
    world.put(MAIN, GLOBAL, "iam:ListUsers", json!({}), json!({"Users": [of()]}));
    world.put(MAIN, GLOBAL, "iam:GetLoginProfile", of(), json!({"LoginProfile": of()}));
    world.put(
        MAIN,
        GLOBAL,
        "iam:ListMFADevices",
        of(),
        json!({"MFADevices": [{"SerialNumber": "s"}]}),
    );
    world.put(MAIN, GLOBAL, "iam:ListAccessKeys", of(), json!({"AccessKeyMetadata": []}));
}

fn logging(world: &mut World) {
    let trail = json!({
        "Name": "org", "TrailARN": TRAIL, "S3BucketName": "org-trail", "HomeRegion": HOME,
        "IsMultiRegionTrail": true, "IsOrganizationTrail": true, "LogFileValidationEnabled": true, "KmsKeyId": KEY,
        "CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/cloudtrail/org:*",
    });
    world.everywhere("cloudtrail:DescribeTrails", &json!({"trailList": [trail]}));
    let status = json!({"IsLogging": true, "LatestDeliveryTime": "2026-11-22T09:55:00Z", "LatestDigestDeliveryTime": "2026-11-22T09:10:00Z", "LatestCloudWatchLogsDeliveryTime": "2026-11-22T09:58:00Z"});
    let fields = |kind: &str| json!({"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": [kind]}]});
    let management =
        json!({"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]});
    let selectors = json!({"AdvancedEventSelectors": [management, fields("AWS::S3::Object"), fields("AWS::Lambda::Function")]});
    for account in ACCOUNTS {
        world.put(
            account,
            HOME,
            "cloudtrail:GetTrailStatus",
            json!({"Name": TRAIL}),
            status.clone(),
        );
        world.put(
            account,
            HOME,
            "cloudtrail:GetEventSelectors",
            json!({"TrailName": TRAIL}),
            selectors.clone(),
        );
    }
    let insights = json!({"InsightSelectors": [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]});
    world.put(MAIN, HOME, "cloudtrail:GetInsightSelectors", json!({"TrailName": TRAIL}), insights);
    let recorder = |global: bool| json!({"ConfigurationRecorders": [{"name": "default", "recordingGroup": {"allSupported": true, "includeGlobalResourceTypes": global}}]});
    world.everywhere("config:DescribeConfigurationRecorders", &recorder(false));
    for account in ACCOUNTS {
        world.put(
            account,
            HOME,
            "config:DescribeConfigurationRecorders",
            json!({}),
            recorder(true),
        );
    }
    let recording = json!({"ConfigurationRecordersStatus": [{"name": "default", "recording": true, "lastStatus": "SUCCESS"}]});
    world.everywhere("config:DescribeConfigurationRecorderStatus", &recording);
    let channel = json!({"DeliveryChannels": [{"name": "default", "s3BucketName": "org-trail", "configSnapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"}}]});
    world.everywhere("config:DescribeDeliveryChannels", &channel);
    let delivered = json!({"DeliveryChannelsStatus": [{"name": "default", "configSnapshotDeliveryInfo": {"lastStatus": "SUCCESS", "lastSuccessfulTime": "2026-11-22T01:00:00Z"}}]});
    world.everywhere("config:DescribeDeliveryChannelStatus", &delivered);
    let rules = [
        "ENCRYPTED_VOLUMES",
        "S3_BUCKET_PUBLIC_READ_PROHIBITED",
        "S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
        "IAM_PASSWORD_POLICY",
        "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
        "ROOT_ACCOUNT_MFA_ENABLED",
        "CLOUD_TRAIL_ENABLED",
        "GUARDDUTY_ENABLED_CENTRALIZED",
    ];
    let rules: Vec<Value> = rules
        .iter()
        .map(|r| json!({"Source": {"SourceIdentifier": r}, "ConfigRuleState": "ACTIVE"}))
        .collect();
    world.everywhere("config:DescribeConfigRules", &json!({"ConfigRules": rules}));
}

fn buckets(world: &mut World) {
    world.in_every_account("s3:ListBuckets", &json!({"Buckets": null}));
    world.put(
        MAIN,
        GLOBAL,
        "s3:ListBuckets",
        json!({}),
        json!({"Buckets": {"Bucket": {"Name": "org-trail"}}}),
    );
    let mut of =
        |key: &str, page: Value| world.put(MAIN, HOME, key, json!({"Bucket": "org-trail"}), page);
    of(
        "s3:GetPublicAccessBlock",
        json!({"BlockPublicAcls": "true", "IgnorePublicAcls": "true", "BlockPublicPolicy": "true", "RestrictPublicBuckets": "true"}),
    );
    of(
        "s3:GetBucketPolicy",
        json!({"Policy": "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"cloudtrail.amazonaws.com\"},\"Action\":\"s3:PutObject\"}]}"}),
    );
    of(
        "s3:GetBucketAcl",
        json!({"AccessControlList": {"Grant": {"Grantee": {"ID": "o"}, "Permission": "FULL_CONTROL"}}}),
    );
    of(
        "s3:GetBucketEncryption",
        json!({"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}}),
    );
    of("s3:GetBucketVersioning", json!({"Status": "Enabled"}));
    of(
        "s3:GetObjectLockConfiguration",
        json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": "365"}}}),
    );
    let steps = json!([{"Days": "90", "StorageClass": "GLACIER_IR"}, {"Days": "365", "StorageClass": "DEEP_ARCHIVE"}]);
    of(
        "s3:GetBucketLifecycleConfiguration",
        json!({"Rule": {"Status": "Enabled", "Filter": {"Prefix": null}, "Transition": steps, "Expiration": {"Days": "2557"}}}),
    );
}

fn networks(world: &mut World) {
    let format = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id";
    let format: String = format.split(' ').map(|f| format!("${{{f}}} ")).collect();
    let log = |id: &str, to: &str| json!({"flowLogId": id, "resourceId": "vpc-1", "flowLogStatus": "ACTIVE", "trafficType": "ALL", "deliverLogsStatus": "SUCCESS", "logDestinationType": to, "logDestination": "arn:aws:s3:::org-trail/flow", "logFormat": format});
    world.everywhere("ec2:DescribeVpcs", &json!({"vpcSet": [{"vpcId": "vpc-1"}]}));
    world.everywhere(
        "ec2:DescribeFlowLogs",
        &json!({"flowLogSet": [log("fl-1", "cloud-watch-logs"), log("fl-2", "s3")]}),
    );
    let volume = json!({"volumeId": "vol-1", "status": "in-use", "encrypted": "true", "kmsKeyId": KEY, "attachmentSet": [{"instanceId": "i-1"}]});
    world.everywhere("ec2:DescribeVolumes", &json!({"volumeSet": [volume]}));
    let rule = json!({"ipProtocol": "tcp", "fromPort": "443", "toPort": "443", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]});
    world.everywhere("ec2:DescribeSecurityGroups", &json!({"securityGroupInfo": [{"groupId": "sg-1", "groupName": "web", "ipPermissions": [rule]}]}));
    world.everywhere("ec2:GetEbsEncryptionByDefault", &json!({"ebsEncryptionByDefault": "true"}));
}

fn detection(world: &mut World) {
    let detector = json!({"status": "ENABLED", "findingPublishingFrequency": "FIFTEEN_MINUTES", "features": [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}, {"name": "EKS_AUDIT_LOGS", "status": "ENABLED"}]});
    world.everywhere("guardduty:ListDetectors", &json!({"detectorIds": ["d"]}));
    for (account, region) in ACCOUNTS.iter().flat_map(|a| REGIONS.iter().map(move |r| (a, r))) {
        world.put(
            account,
            region,
            "guardduty:GetDetector",
            json!({"DetectorId": format!("d-{account}-{region}")}),
            detector.clone(),
        );
        world.put(
            account,
            region,
            "guardduty:ListDetectors",
            json!({}),
            json!({"detectorIds": [format!("d-{account}-{region}")]}),
        );
    }
    world.everywhere(
        "guardduty:ListOrganizationAdminAccounts",
        &json!({"adminAccounts": [{"adminAccountId": ACCOUNTS[1]}]}),
    );
    world.everywhere("securityhub:DescribeHub", &json!({"HubArn": "arn:hub"}));
    let standard = |name: &str| json!({"StandardsArn": format!("arn:aws:securityhub:r::standards/{name}"), "StandardsStatus": "READY"});
    let on = json!([
        standard("aws-foundational-security-best-practices/v/1.0.0"),
        standard("cis-aws-foundations-benchmark/v/3.0.0")
    ]);
    world.everywhere("securityhub:GetEnabledStandards", &json!({"StandardsSubscriptions": on}));
    let products: Vec<String> = ["guardduty", "config", "inspector", "macie"]
        .iter()
        .map(|p| format!("arn:aws:securityhub:r:1:product-subscription/aws/{p}"))
        .collect();
    world.everywhere(
        "securityhub:ListEnabledProductsForImport",
        &json!({"ProductSubscriptions": products}),
    );
}

/// A pattern for each of the fifteen subjects, by the calls that it names.
fn patterns() -> Vec<String> {
    let any = |names: &str| {
        let each: Vec<String> = names.split(' ').map(|n| format!("($.eventName={n})")).collect();
        format!("{{ {} }}", each.join(" || "))
    };
    let mut all = vec![
        "{ ($.errorCode=\"*UnauthorizedOperation\") || ($.errorCode=\"AccessDenied*\") }".to_owned(),
        "{ $.eventName=ConsoleLogin && $.additionalEventData.MFAUsed != Yes && $.userIdentity.type=IAMUser && $.responseElements.ConsoleLogin=Success }".to_owned(),
        "{ $.userIdentity.type=Root && $.userIdentity.invokedBy NOT EXISTS && $.eventType != AwsServiceEvent }".to_owned(),
        "{ $.eventName=ConsoleLogin && $.errorMessage=\"Failed authentication\" }".to_owned(),
    ];
    all.extend(
        [
            "AttachUserPolicy PutRolePolicy CreatePolicyVersion",
            "StopLogging DeleteTrail UpdateTrail",
            "DisableKey ScheduleKeyDeletion",
            "PutBucketPolicy DeleteBucketPolicy PutBucketAcl",
            "StopConfigurationRecorder DeleteDeliveryChannel",
            "AuthorizeSecurityGroupIngress DeleteSecurityGroup",
            "CreateNetworkAclEntry ReplaceNetworkAclAssociation",
            "AttachInternetGateway CreateCustomerGateway",
            "CreateRoute ReplaceRouteTableAssociation",
            "DeleteVpc CreateVpcPeeringConnection",
            "LeaveOrganization AttachPolicy",
        ]
        .map(any),
    );
    all
}

fn alarms(world: &mut World) {
    for key in [
        "monitoring:DescribeAlarms",
        "logs:DescribeMetricFilters",
        "logs:DescribeLogGroups",
        "sns:ListTopics",
        "events:ListRules",
        "monitoring:ListDashboards",
    ] {
        world.everywhere(key, &json!({}));
    }
    let patterns = patterns();
    let filter = |(n, pattern): (usize, &String)| json!({"filterName": format!("f{n}"), "filterPattern": pattern, "logGroupName": "/aws/cloudtrail/org", "metricTransformations": [{"metricNamespace": "Cis", "metricName": format!("M{n}")}]});
    let filters: Vec<Value> = patterns.iter().enumerate().map(filter).collect();
    world.put(
        MAIN,
        HOME,
        "logs:DescribeMetricFilters",
        json!({}),
        json!({"metricFilters": filters}),
    );
    let alarm = |n: usize| json!({"AlarmName": format!("a{n}"), "Namespace": "Cis", "MetricName": format!("M{n}"), "ActionsEnabled": "true", "AlarmActions": [TOPIC], "InsufficientDataActions": [TOPIC]});
    let alarms: Vec<Value> = (0..patterns.len()).map(alarm).collect();
    world.put(MAIN, HOME, "monitoring:DescribeAlarms", json!({}), json!({"MetricAlarms": alarms}));
    let groups = json!([{"logGroupName": "/aws/cloudtrail/org", "retentionInDays": 2557, "kmsKeyId": KEY}, {"logGroupName": "/aws/lambda/shop", "retentionInDays": 365, "kmsKeyId": KEY}]);
    world.put(MAIN, HOME, "logs:DescribeLogGroups", json!({}), json!({"logGroups": groups}));
    world.put(MAIN, HOME, "sns:ListTopics", json!({}), json!({"Topics": [{"TopicArn": TOPIC}]}));
    world.put(
        MAIN,
        HOME,
        "sns:ListSubscriptionsByTopic",
        json!({"TopicArn": TOPIC}),
        json!({"Subscriptions": [{"SubscriptionArn": format!("{TOPIC}:1")}]}),
    );
    let pattern = r#"{"source":["aws.guardduty"],"detail-type":["GuardDuty Finding"],"detail":{"severity":[{"numeric":[">=",7]}]}}"#;
    world.put(MAIN, HOME, "events:ListRules", json!({"EventBusName": "default"}), json!({"Rules": [{"Name": "high", "EventBusName": "default", "State": "ENABLED", "EventPattern": pattern}]}));
    world.put(
        MAIN,
        HOME,
        "events:ListTargetsByRule",
        json!({"EventBusName": "default", "Rule": "high"}),
        json!({"Targets": [{"Id": "1", "Arn": TOPIC}]}),
    );
}

fn applications(world: &mut World) {
    for key in [
        "wafv2:ListWebACLs",
        "elasticloadbalancing:DescribeLoadBalancers",
        "rds:DescribeDBInstances",
        "kms:ListKeys",
        "ssm:DescribeInstanceInformation",
        "eks:ListClusters",
    ] {
        world.everywhere(key, &json!({}));
    }
    world.put(MAIN, HOME, "rds:DescribeDBInstances", json!({}), json!({"DBInstances": {"DBInstance": {"DBInstanceIdentifier": "db", "Engine": "postgres", "StorageEncrypted": "true", "KmsKeyId": KEY, "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"]}}}));
    world.put(
        MAIN,
        HOME,
        "wafv2:ListWebACLs",
        json!({}),
        json!({"WebACLs": [{"Name": "w", "Id": "w1", "ARN": "arn:acl"}]}),
    );
    world.put(
        MAIN,
        HOME,
        "wafv2:ListResourcesForWebACL",
        json!({"WebACLArn": "arn:acl"}),
        json!({"ResourceArns": ["arn:alb"]}),
    );
    world.put(MAIN, HOME, "wafv2:GetWebACL", json!({"Id": "w1", "Name": "w"}), json!({"WebACL": {"Rules": [{"Name": "rate", "Statement": {"RateBasedStatement": {"Limit": 2000}}, "Action": {"Block": {}}}]}}));
    world.put(
        MAIN,
        HOME,
        "wafv2:GetLoggingConfiguration",
        json!({"ResourceArn": "arn:acl"}),
        json!({"LoggingConfiguration": {}}),
    );
}

/// What is changed, and the check that must tell.
type Drift = (&'static str, fn(&mut World));

const DRIFTS: &[Drift] = &[
    ("CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED", |w| {
        w.change(HOME, "cloudtrail:DescribeTrails", |p| {
            p["trailList"][0]["LogFileValidationEnabled"] = false.into()
        })
    }),
    ("CLOUD_TRAIL_ENCRYPTION_ENABLED", |w| {
        REGIONS.iter().for_each(|r| {
            w.change(r, "cloudtrail:DescribeTrails", |p| {
                p["trailList"][0]["KmsKeyId"] = Value::Null
            })
        })
    }),
    ("CLOUD_TRAIL_ENABLED", |w| {
        w.change(HOME, "cloudtrail:GetTrailStatus", |p| p["IsLogging"] = false.into())
    }),
    ("trail-delivers", |w| {
        w.change(HOME, "cloudtrail:GetTrailStatus", |p| {
            p["LatestDigestDeliveryTime"] = "2026-11-22T05:00:00Z".into()
        })
    }),
    ("trail-insights", |w| w.absent(HOME, "cloudtrail:GetInsightSelectors")),
    ("trail-data-events", |w| {
        w.change(HOME, "cloudtrail:GetEventSelectors", |p| {
            p["AdvancedEventSelectors"].as_array_mut().unwrap().pop();
        })
    }),
    ("MULTI_REGION_CLOUD_TRAIL_ENABLED", |w| {
        w.change(HOME, "cloudtrail:GetEventSelectors", |p| {
            p["AdvancedEventSelectors"].as_array_mut().unwrap().remove(0);
        })
    }),
    ("log-bucket-encrypted-by-kms", |w| {
        w.change(HOME, "s3:GetBucketEncryption", |p| {
            p["Rule"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] = "AES256".into()
        })
    }),
    ("log-bucket-lifecycle", |w| {
        w.change(HOME, "s3:GetBucketLifecycleConfiguration", |p| {
            p["Rule"]["Expiration"]["Days"] = "365".into()
        })
    }),
    ("log-bucket-object-lock", |w| w.absent(HOME, "s3:GetObjectLockConfiguration")),
    ("S3_BUCKET_PUBLIC_WRITE_PROHIBITED", |w| {
        w.absent(HOME, "s3:GetPublicAccessBlock");
        w.change(HOME, "s3:GetBucketPolicy", |p| {
            p["Policy"] =
                r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject"}]}"#
                    .into()
        });
    }),
    ("S3_BUCKET_PUBLIC_READ_PROHIBITED", |w| {
        w.absent(HOME, "s3:GetPublicAccessBlock");
        w.change(HOME, "s3:GetBucketAcl", |p| p["AccessControlList"] = json!({"Grant": {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}}));
    }),
    ("VPC_FLOW_LOGS_ENABLED", |w| {
        w.change("us-west-2", "ec2:DescribeFlowLogs", |p| p["flowLogSet"] = json!([]))
    }),
    ("flow-log-destinations", |w| {
        w.change("us-east-1", "ec2:DescribeFlowLogs", |p| {
            p["flowLogSet"].as_array_mut().unwrap().pop();
        })
    }),
    ("flow-log-format", |w| {
        w.change("us-east-1", "ec2:DescribeFlowLogs", |p| {
            p["flowLogSet"][0]["logFormat"] = "${version} ${srcaddr}".into()
        })
    }),
    ("flow-log-delivers", |w| {
        w.change("us-east-1", "ec2:DescribeFlowLogs", |p| {
            p["flowLogSet"][0]["deliverLogsStatus"] = "FAILED".into()
        })
    }),
    ("config-recorder-on", |w| {
        w.change("ap-south-1", "config:DescribeConfigurationRecorderStatus", |p| {
            p["ConfigurationRecordersStatus"][0]["recording"] = false.into()
        })
    }),
    ("config-global-types-once", |w| {
        w.change("us-east-1", "config:DescribeConfigurationRecorders", |p| {
            p["ConfigurationRecorders"][0]["recordingGroup"]["includeGlobalResourceTypes"] =
                true.into()
        })
    }),
    ("config-channel-delivers", |w| {
        w.change("us-east-1", "config:DescribeDeliveryChannels", |p| {
            p["DeliveryChannels"] = json!([])
        })
    }),
    ("config-rules-present", |w| {
        REGIONS.iter().for_each(|r| {
            w.change(r, "config:DescribeConfigRules", |p| {
                p["ConfigRules"].as_array_mut().unwrap().pop();
            })
        })
    }),
    ("ENCRYPTED_VOLUMES", |w| {
        w.change("us-west-2", "ec2:DescribeVolumes", |p| {
            p["volumeSet"][0]["encrypted"] = "false".into()
        })
    }),
    ("IAM_PASSWORD_POLICY", |w| {
        w.change(GLOBAL, "iam:GetAccountPasswordPolicy", |p| {
            p["PasswordPolicy"]["MinimumPasswordLength"] = "8".into()
        })
    }),
    ("MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", |w| {
        w.change(GLOBAL, "iam:ListMFADevices", |p| p["MFADevices"] = json!([]))
    }),
    ("ROOT_ACCOUNT_MFA_ENABLED", |w| {
        w.change(GLOBAL, "iam:GetAccountSummary", |p| {
            p["SummaryMap"]["entry"][0]["value"] = "0".into()
        })
    }),
    ("GUARDDUTY_ENABLED_CENTRALIZED", |w| {
        w.change("ap-south-1", "guardduty:ListDetectors", |p| p["detectorIds"] = json!([]))
    }),
    ("guardduty-features", |w| {
        w.change("us-east-1", "guardduty:GetDetector", |p| {
            p["findingPublishingFrequency"] = "SIX_HOURS".into()
        })
    }),
    ("guardduty-delegated-administrator", |w| {
        w.change("us-east-1", "guardduty:ListOrganizationAdminAccounts", |p| {
            p["adminAccounts"] = json!([])
        })
    }),
    ("SECURITYHUB_ENABLED", |w| w.absent("us-west-2", "securityhub:DescribeHub")),
    ("securityhub-standards", |w| {
        w.change("us-west-2", "securityhub:GetEnabledStandards", |p| {
            p["StandardsSubscriptions"][0]["StandardsStatus"] = "FAILED".into()
        })
    }),
    ("securityhub-products", |w| {
        w.change("us-west-2", "securityhub:ListEnabledProductsForImport", |p| {
            p["ProductSubscriptions"].as_array_mut().unwrap().pop();
        })
    }),
    ("cis-monitoring", |w| {
        w.change(HOME, "logs:DescribeMetricFilters", |p| {
            p["metricFilters"][2]["filterPattern"] = "{ $.userIdentity.type = Root }".into()
        })
    }),
    ("topic-subscription-confirmed", |w| {
        w.change(HOME, "sns:ListSubscriptionsByTopic", |p| {
            p["Subscriptions"][0]["SubscriptionArn"] = "PendingConfirmation".into()
        })
    }),
    ("alarm-metric-has-data", |w| {
        w.change(HOME, "monitoring:DescribeAlarms", |p| {
            p["MetricAlarms"][0]["Namespace"] = "AWS/GuardDuty".into();
            p["MetricAlarms"][0]["MetricName"] = "FindingCount".into();
        })
    }),
    ("eventbridge-rule-targets", |w| {
        w.change(HOME, "events:ListTargetsByRule", |p| p["Targets"] = json!([]))
    }),
    ("eventbridge-severity-pattern", |w| {
        w.change(HOME, "events:ListRules", |p| {
            p["Rules"][0]["EventPattern"] =
                r#"{"source":["aws.guardduty"],"detail":{"severity":[7,8,8.8]}}"#.into()
        })
    }),
    ("log-group-retention-policy", |w| {
        w.change(HOME, "logs:DescribeLogGroups", |p| {
            p["logGroups"][0]["retentionInDays"] = 365.into()
        })
    }),
];

fn bad(rows: &[CheckResult]) -> BTreeSet<String> {
    let bad = rows.iter().filter(|row| row.verdict == Verdict::NonCompliant);
    bad.map(|row| {
        format!("{} {} {} {}: {}", row.check, row.account, row.region, row.resource, row.why)
    })
    .collect()
}

#[test]
fn what_is_as_the_mission_wants_it_is_compliant_by_every_check() {
    let rows = good().rows();
    assert_eq!(bad(&rows), BTreeSet::new());
    let blind: Vec<&CheckResult> =
        rows.iter().filter(|row| row.verdict == Verdict::NoData).collect();
    assert!(blind.is_empty(), "{blind:#?}");
    let compliant = rows.iter().filter(|row| row.verdict == Verdict::Compliant).count();
    assert!(compliant > 300, "{compliant}");
}

#[test]
fn thirty_drifts_are_each_found_by_name() {
    assert!(DRIFTS.len() >= 30);
    for (check, drift) in DRIFTS {
        let mut world = good();
        drift(&mut world);
        let found = bad(&world.rows());
        assert!(
            found.iter().any(|row| row.starts_with(&format!("{check} "))),
            "{check}: {found:#?}"
        );
        // What stopped a trail shows in what rests on it; else a drift is told by few.
        assert!(found.len() <= 25, "{check}: {found:#?}");
    }
}

#[test]
fn a_denied_region_is_called_compliant_by_nobody() {
    let mut world = good();
    world.deny(ACCOUNTS[1], "us-east-1");
    let rows = world.rows();
    let there = rows.iter().filter(|row| row.account == ACCOUNTS[1] && row.region == "us-east-1");
    let verdicts: BTreeSet<Verdict> = there.map(|row| row.verdict).collect();
    assert_eq!(verdicts, BTreeSet::from([Verdict::NoData]));
    let elsewhere =
        rows.iter().filter(|r| r.account != ACCOUNTS[1]).all(|r| r.verdict != Verdict::NoData);
    assert!(elsewhere, "no other account suffers");
}
