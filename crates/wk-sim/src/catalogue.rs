//! The calls that ordinary days are made of, as templates.
//!
//! * `<word>` in a template is replaced by something of the place: a machine, a bucket, an id. The
//!   same word means the same thing throughout one call; `<hex17>` and its like are fresh.

use crate::record::Call;
use crate::rng::Rng;
use crate::world::{self, Place};

/// Service, event name, request parameters, response elements, resources.
pub(crate) type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const NONE: &str = "null";

/// What people look at in consoles and on command lines.
#[rustfmt::skip]
pub(crate) const LOOKING: &[Row] = &[
    ("ec2", "DescribeInstances", r#"{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"},{"value":"pending"},{"value":"stopped"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeInstanceStatus", r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]},"filterSet":{},"includeAllInstances":true}"#, NONE, ""),
    ("ec2", "DescribeInstanceAttribute", r#"{"instanceId":"<instance>","attribute":"disableApiTermination"}"#, NONE, ""),
    ("ec2", "DescribeSecurityGroups", r#"{"maxResults":1000,"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeSecurityGroupRules", r#"{"DescribeSecurityGroupRulesRequest":{"Filter":{"Name":"group-id","Value":{"content":"<group>","tag":1},"tag":1},"MaxResults":1000}}"#, NONE, ""),
    ("ec2", "DescribeVolumes", r#"{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"<instance>"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeVpcs", r#"{"vpcSet":{},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeSubnets", r#"{"subnetSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeSnapshots", r#"{"maxResults":500,"snapshotSet":{},"ownersSet":{"items":[{"owner":"self"}]},"sharedUsersSet":{},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeImages", r#"{"executableBySet":{},"imagesSet":{},"ownersSet":{"items":[{"owner":"self"}]},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeNetworkInterfaces", r#"{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"subnet-id","valueSet":{"items":[{"value":"<subnet>"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeRouteTables", r#"{"routeTableIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"<vpc>"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeTags", r#"{"maxResults":200,"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"<instance>"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeAvailabilityZones", r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#, NONE, ""),
    ("ec2", "DescribeFlowLogs", r#"{"DescribeFlowLogsRequest":{"MaxResults":100}}"#, NONE, ""),
    ("s3", "ListBuckets", r#"{"Host":"s3.<region>.amazonaws.com"}"#, NONE, ""),
    ("s3", "GetBucketLocation", r#"{"bucketName":"<bucket>","location":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketPolicyStatus", r#"{"bucketName":"<bucket>","policyStatus":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketVersioning", r#"{"bucketName":"<bucket>","versioning":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketEncryption", r#"{"bucketName":"<bucket>","encryption":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketTagging", r#"{"bucketName":"<bucket>","tagging":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("iam", "ListRoles", r#"{"maxItems":1000}"#, NONE, ""),
    ("iam", "GetRole", r#"{"roleName":"<role>"}"#, NONE, ""),
    ("iam", "ListAttachedRolePolicies", r#"{"roleName":"<role>"}"#, NONE, ""),
    ("iam", "GetAccountSummary", NONE, NONE, ""),
    ("iam", "ListAccountAliases", NONE, NONE, ""),
    ("iam", "ListUsers", r#"{"maxItems":1000}"#, NONE, ""),
    ("iam", "GetPolicyVersion", r#"{"policyArn":"arn:aws:iam::<account>:policy/<role>-policy","versionId":"v3"}"#, NONE, ""),
    ("cloudwatch", "DescribeAlarms", r#"{"maxRecords":100,"alarmTypes":["MetricAlarm","CompositeAlarm"]}"#, NONE, ""),
    ("monitoring", "GetMetricData", r#"{"startTime":"<ago>","endTime":"<now>","metricDataQueries":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/EC2","metricName":"CPUUtilization","dimensions":[{"name":"InstanceId","value":"<instance>"}]},"period":300,"stat":"Average"}}]}"#, NONE, ""),
    ("monitoring", "DescribeAlarmHistory", r#"{"alarmName":"<alarm>","maxRecords":50}"#, NONE, ""),
    ("monitoring", "ListDashboards", NONE, NONE, ""),
    ("monitoring", "GetDashboard", r#"{"dashboardName":"<workload>-overview"}"#, NONE, ""),
    ("logs", "DescribeLogGroups", r#"{"limit":50,"logGroupNamePrefix":"/aws/lambda/"}"#, NONE, ""),
    ("logs", "DescribeLogStreams", r#"{"logGroupName":"<loggroup>","orderBy":"LastEventTime","descending":true,"limit":50}"#, NONE, ""),
    ("logs", "FilterLogEvents", r#"{"logGroupName":"<loggroup>","startTime":<millis>,"filterPattern":"ERROR","limit":10000}"#, NONE, ""),
    ("logs", "StartQuery", r#"{"logGroupName":"<loggroup>","startTime":<seconds>,"endTime":<seconds>,"queryString":"fields @timestamp, @message | sort @timestamp desc | limit 100"}"#, r#"{"queryId":"<uuid>"}"#, ""),
    ("logs", "GetQueryResults", r#"{"queryId":"<uuid>"}"#, NONE, ""),
    ("lambda", "ListFunctions20150331", r#"{"maxItems":50}"#, NONE, ""),
    ("lambda", "GetFunction20150331v2", r#"{"functionName":"<function>"}"#, NONE, ""),
    ("lambda", "GetPolicy20150331v2", r#"{"functionName":"<function>"}"#, NONE, ""),
    ("lambda", "ListEventSourceMappings20150331", r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>"}"#, NONE, ""),
    ("ecs", "DescribeServices", r#"{"cluster":"<cluster>","services":["<workload>"],"include":["TAGS"]}"#, NONE, ""),
    ("ecs", "DescribeTasks", r#"{"cluster":"<cluster>","tasks":["<hex32>"]}"#, NONE, ""),
    ("ecs", "ListTasks", r#"{"cluster":"<cluster>","serviceName":"<workload>","desiredStatus":"RUNNING"}"#, NONE, ""),
    ("ecs", "DescribeClusters", r#"{"clusters":["<cluster>"],"include":["STATISTICS"]}"#, NONE, ""),
    ("rds", "DescribeDBInstances", r#"{"maxRecords":100}"#, NONE, ""),
    ("rds", "DescribeDBSnapshots", r#"{"dBInstanceIdentifier":"<workload>-db","maxRecords":100}"#, NONE, ""),
    ("rds", "DescribeEvents", r#"{"duration":1440,"sourceType":"db-instance"}"#, NONE, ""),
    ("dynamodb", "ListTables", NONE, NONE, ""),
    ("dynamodb", "DescribeTable", r#"{"tableName":"<table>"}"#, NONE, r#"[{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:<region>:<account>:table/<table>"}]"#),
    ("cloudformation", "DescribeStacks", r#"{"stackName":"<stack>"}"#, NONE, ""),
    ("cloudformation", "DescribeStackEvents", r#"{"stackName":"arn:aws:cloudformation:<region>:<account>:stack/<stack>/<uuid>"}"#, NONE, ""),
    ("cloudformation", "ListStacks", r#"{"stackStatusFilter":["CREATE_COMPLETE","UPDATE_COMPLETE","UPDATE_ROLLBACK_COMPLETE"]}"#, NONE, ""),
    ("elasticloadbalancing", "DescribeLoadBalancers", r#"{"pageSize":200}"#, NONE, ""),
    ("elasticloadbalancing", "DescribeTargetHealth", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<workload>/<hex16>"}"#, NONE, ""),
    ("autoscaling", "DescribeAutoScalingGroups", r#"{"maxRecords":50}"#, NONE, ""),
    ("sns", "ListTopics", NONE, NONE, ""),
    ("sqs", "ListQueues", r#"{"maxResults":500}"#, NONE, ""),
    ("sqs", "GetQueueAttributes", r#"{"attributeNames":["All"],"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<workload>-jobs"}"#, NONE, ""),
    ("kms", "ListAliases", r#"{"limit":100}"#, NONE, ""),
    ("kms", "DescribeKey", r#"{"keyId":"<kms>"}"#, NONE, KEY),
    ("secretsmanager", "ListSecrets", r#"{"maxResults":100}"#, NONE, ""),
    ("secretsmanager", "DescribeSecret", r#"{"secretId":"<workload>/database"}"#, NONE, ""),
    ("ssm", "DescribeParameters", r#"{"maxResults":50,"parameterFilters":[{"key":"Path","option":"Recursive","values":["/<workload>"]}]}"#, NONE, ""),
    ("ssm", "GetParameter", r#"{"name":"/<workload>/image-tag","withDecryption":false}"#, NONE, r#"[{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter/<workload>/image-tag"}]"#),
    ("ssm", "DescribeInstanceInformation", r#"{"maxResults":50}"#, NONE, ""),
    ("events", "ListRules", r#"{"limit":100,"eventBusName":"default"}"#, NONE, ""),
    ("states", "ListExecutions", r#"{"stateMachineArn":"arn:aws:states:<region>:<account>:stateMachine:<workload>-nightly","maxResults":100}"#, NONE, ""),
    ("health", "DescribeEventAggregates", r#"{"aggregateField":"eventTypeCategory","filter":{"eventStatusCodes":["open","upcoming"]}}"#, NONE, ""),
    ("tagging", "GetResources", r#"{"paginationToken":"","resourcesPerPage":100,"tagFilters":[{"key":"workload","values":["<workload>"]}]}"#, NONE, ""),
    ("sts", "GetCallerIdentity", NONE, NONE, ""),
    ("notifications", "ListNotificationHubs", NONE, NONE, ""),
    ("resource-explorer-2", "ListIndexes", r#"{"maxResults":1}"#, NONE, ""),
];

/// What engineers change by hand, seldom.
#[rustfmt::skip]
pub(crate) const CHANGING: &[Row] = &[
    ("ec2", "CreateTags", r#"{"resourcesSet":{"items":[{"resourceId":"<instance>"}]},"tagSet":{"items":[{"key":"owner","value":"<workload>"}]}}"#, r#"{"requestId":"@request","_return":true}"#, ""),
    ("ec2", "RebootInstances", r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]}}"#, r#"{"requestId":"@request","_return":true}"#, ""),
    ("monitoring", "PutDashboard", r#"{"dashboardName":"<workload>-overview"}"#, r#"{"dashboardValidationMessages":[]}"#, ""),
    ("monitoring", "SetAlarmState", r#"{"alarmName":"<alarm>","stateValue":"OK","stateReason":"reset after maintenance"}"#, NONE, ""),
    ("ecs", "UpdateService", r#"{"cluster":"<cluster>","service":"<workload>","desiredCount":3}"#, r#"{"service":{"serviceArn":"arn:aws:ecs:<region>:<account>:service/<cluster>/<workload>","serviceName":"<workload>","status":"ACTIVE","desiredCount":3,"runningCount":2,"launchType":"FARGATE"}}"#, ""),
    ("ssm", "PutParameter", r#"{"name":"/<workload>/feature-flags","type":"String","overwrite":true,"value":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"version":14,"tier":"Standard"}"#, ""),
    ("logs", "PutQueryDefinition", r#"{"name":"<workload> errors","logGroupNames":["<loggroup>"],"queryString":"fields @timestamp, @message | filter level = 'error'"}"#, r#"{"queryDefinitionId":"<uuid>"}"#, ""),
    ("states", "StartExecution", r#"{"stateMachineArn":"arn:aws:states:<region>:<account>:stateMachine:<workload>-nightly","name":"<uuid>","input":"***"}"#, r#"{"executionArn":"arn:aws:states:<region>:<account>:execution:<workload>-nightly:<uuid>","startDate":"<now>"}"#, ""),
    ("sqs", "PurgeQueue", r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<workload>-jobs"}"#, NONE, ""),
    ("dynamodb", "UpdateTimeToLive", r#"{"tableName":"<table>","timeToLiveSpecification":{"attributeName":"expires","enabled":true}}"#, r#"{"timeToLiveSpecification":{"attributeName":"expires","enabled":true}}"#, ""),
];

/// What the security team reads.
#[rustfmt::skip]
pub(crate) const AUDITING: &[Row] = &[
    ("guardduty", "ListDetectors", NONE, NONE, ""),
    ("guardduty", "ListFindings", r#"{"detectorId":"<detector>","findingCriteria":{"criterion":{"service.archived":{"eq":["false"]}}},"maxResults":50}"#, NONE, ""),
    ("guardduty", "GetFindings", r#"{"detectorId":"<detector>","findingIds":["<hex32>"]}"#, NONE, ""),
    ("securityhub", "GetFindings", r#"{"Filters":{"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}],"SeverityLabel":[{"Value":"HIGH","Comparison":"EQUALS"},{"Value":"CRITICAL","Comparison":"EQUALS"}]},"MaxResults":100}"#, NONE, ""),
    ("securityhub", "GetInsights", r#"{"MaxResults":100}"#, NONE, ""),
    ("securityhub", "DescribeHub", NONE, NONE, ""),
    ("config", "DescribeComplianceByConfigRule", r#"{"complianceTypes":["NON_COMPLIANT"]}"#, NONE, ""),
    ("config", "GetResourceConfigHistory", r#"{"resourceType":"AWS::EC2::SecurityGroup","resourceId":"<group>","limit":10}"#, NONE, ""),
    ("config", "SelectResourceConfig", r#"{"expression":"SELECT resourceId WHERE resourceType = 'AWS::EC2::Volume'","limit":100}"#, NONE, ""),
    ("cloudtrail", "LookupEvents", r#"{"startTime":"<ago>","endTime":"<now>","maxResults":50,"lookupAttributes":[{"attributeKey":"ReadOnly","attributeValue":"false"}]}"#, NONE, ""),
    ("cloudtrail", "DescribeTrails", r#"{"trailNameList":[],"includeShadowTrails":true}"#, NONE, ""),
    ("cloudtrail", "GetTrailStatus", r#"{"name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/org-security-trail"}"#, NONE, ""),
    ("cloudtrail", "GetEventSelectors", r#"{"trailName":"arn:aws:cloudtrail:us-east-1:111122223333:trail/org-security-trail"}"#, NONE, ""),
    ("iam", "GenerateCredentialReport", NONE, r#"{"state":"STARTED","description":"No report exists. Starting a new report generation task"}"#, ""),
    ("iam", "GetCredentialReport", NONE, NONE, ""),
    ("iam", "GetAccountAuthorizationDetails", r#"{"filter":["Role","User"],"maxItems":1000}"#, NONE, ""),
    ("iam", "ListMFADevices", r#"{"userName":"report-reader"}"#, NONE, ""),
    ("access-analyzer", "ListFindings", r#"{"analyzerArn":"arn:aws:access-analyzer:<region>:<account>:analyzer/organisation","filter":{"status":{"eq":["ACTIVE"]}}}"#, NONE, ""),
    ("inspector2", "ListFindings", r#"{"maxResults":100}"#, NONE, ""),
    ("athena", "StartQueryExecution", r#"{"queryString":"***OMITTED***","workGroup":"security","clientRequestToken":"<uuid>"}"#, r#"{"queryExecutionId":"<uuid>"}"#, ""),
    ("organizations", "ListAccounts", NONE, NONE, ""),
];

/// What the people who pay look at.
#[rustfmt::skip]
pub(crate) const PAYING: &[Row] = &[
    ("ce", "GetCostAndUsage", r#"{"timePeriod":{"start":"<day>","end":"<day>"},"granularity":"DAILY","metrics":["UnblendedCost"],"groupBy":[{"type":"DIMENSION","key":"SERVICE"}]}"#, NONE, ""),
    ("ce", "GetCostForecast", r#"{"timePeriod":{"start":"<day>","end":"<day>"},"metric":"UNBLENDED_COST","granularity":"MONTHLY"}"#, NONE, ""),
    ("ce", "GetSavingsPlansUtilization", r#"{"timePeriod":{"start":"<day>","end":"<day>"}}"#, NONE, ""),
    ("organizations", "ListAccounts", NONE, NONE, ""),
    ("organizations", "DescribeOrganization", NONE, NONE, ""),
];

/// What AWS Config's recorder asks in one sweep.
#[rustfmt::skip]
pub(crate) const RECORDING: &[Row] = &[
    ("ec2", "DescribeVolumes", r#"{"maxResults":500,"volumeSet":{},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeSecurityGroups", r#"{"maxResults":1000,"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeNetworkInterfaces", r#"{"networkInterfaceIdSet":{},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeVpcEndpoints", r#"{"DescribeVpcEndpointsRequest":{"MaxResults":1000}}"#, NONE, ""),
    ("ec2", "DescribeNatGateways", r#"{"DescribeNatGatewaysRequest":{"MaxResults":1000}}"#, NONE, ""),
    ("ec2", "DescribeNetworkAcls", r#"{"networkAclIdSet":{},"filterSet":{}}"#, NONE, ""),
    ("ec2", "GetEbsEncryptionByDefault", r#"{"GetEbsEncryptionByDefaultRequest":""}"#, NONE, ""),
    ("ec2", "DescribeFlowLogs", r#"{"DescribeFlowLogsRequest":{"MaxResults":1000}}"#, NONE, ""),
    ("s3", "GetBucketAcl", r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","acl":""}"#, NONE, BUCKET),
    ("s3", "GetBucketLogging", r#"{"bucketName":"<bucket>","logging":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketLifecycle", r#"{"bucketName":"<bucket>","lifecycle":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketPublicAccessBlock", r#"{"bucketName":"<bucket>","publicAccessBlock":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("s3", "GetBucketPolicy", r#"{"bucketName":"<bucket>","policy":"","Host":"<bucket>.s3.<region>.amazonaws.com"}"#, NONE, BUCKET),
    ("lambda", "ListFunctions20150331", NONE, NONE, ""),
    ("lambda", "GetFunctionConfiguration20150331v2", r#"{"functionName":"<function>"}"#, NONE, ""),
    ("rds", "DescribeDBInstances", r#"{"maxRecords":100}"#, NONE, ""),
    ("rds", "ListTagsForResource", r#"{"resourceName":"arn:aws:rds:<region>:<account>:db:<workload>-db"}"#, NONE, ""),
    ("dynamodb", "DescribeTable", r#"{"tableName":"<table>"}"#, NONE, ""),
    ("dynamodb", "DescribeContinuousBackups", r#"{"tableName":"<table>"}"#, NONE, ""),
    ("sns", "GetTopicAttributes", r#"{"topicArn":"arn:aws:sns:<region>:<account>:<workload>-alerts"}"#, NONE, ""),
    ("kms", "GetKeyRotationStatus", r#"{"keyId":"<kms>"}"#, NONE, KEY),
    ("kms", "ListResourceTags", r#"{"keyId":"<kms>"}"#, NONE, KEY),
    ("ecs", "DescribeTaskDefinition", r#"{"taskDefinition":"<workload>:41","include":["TAGS"]}"#, NONE, ""),
    ("elasticloadbalancing", "DescribeListeners", r#"{"loadBalancerArn":"arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/app/<workload>/<hex16>"}"#, NONE, ""),
    ("cloudtrail", "DescribeTrails", r#"{"trailNameList":[],"includeShadowTrails":false}"#, NONE, ""),
    ("iam", "GetRolePolicy", r#"{"roleName":"<role>","policyName":"inline"}"#, NONE, ""),
    ("iam", "ListEntitiesForPolicy", r#"{"policyArn":"arn:aws:iam::<account>:policy/<role>-policy"}"#, NONE, ""),
    ("autoscaling", "DescribeLaunchConfigurations", r#"{"maxRecords":100}"#, NONE, ""),
];

/// What Security Hub's checks ask in one run.
#[rustfmt::skip]
pub(crate) const CHECKING: &[Row] = &[
    ("iam", "GetAccountPasswordPolicy", NONE, NONE, ""),
    ("iam", "GetAccountSummary", NONE, NONE, ""),
    ("iam", "ListVirtualMFADevices", r#"{"assignmentStatus":"Assigned"}"#, NONE, ""),
    ("config", "DescribeConfigRules", r#"{"configRuleNames":["securityhub-vpc-flow-logs-enabled-<hex8>"]}"#, NONE, ""),
    ("config", "GetComplianceDetailsByConfigRule", r#"{"configRuleName":"securityhub-restricted-ssh-<hex8>","complianceTypes":["COMPLIANT","NON_COMPLIANT"],"limit":100}"#, NONE, ""),
    ("config", "DescribeConfigurationRecorders", NONE, NONE, ""),
    ("config", "DescribeConfigurationRecorderStatus", NONE, NONE, ""),
    ("cloudtrail", "GetTrailStatus", r#"{"name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/org-security-trail"}"#, NONE, ""),
    ("cloudtrail", "GetEventSelectors", r#"{"trailName":"arn:aws:cloudtrail:us-east-1:111122223333:trail/org-security-trail"}"#, NONE, ""),
    ("logs", "DescribeMetricFilters", r#"{"logGroupName":"<loggroup>"}"#, NONE, ""),
    ("monitoring", "DescribeAlarmsForMetric", r#"{"metricName":"UnauthorizedAPICallCount","namespace":"CloudTrailMetrics"}"#, NONE, ""),
    ("sns", "ListSubscriptionsByTopic", r#"{"topicArn":"arn:aws:sns:<region>:<account>:<workload>-alerts"}"#, NONE, ""),
    ("ec2", "DescribeVolumes", r#"{"volumeSet":{},"filterSet":{"items":[{"name":"encrypted","valueSet":{"items":[{"value":"false"}]}}]}}"#, NONE, ""),
    ("ec2", "DescribeSnapshotAttribute", r#"{"snapshotId":"snap-<hex17>","attributeType":"CREATE_VOLUME_PERMISSION"}"#, NONE, ""),
    ("kms", "GetKeyRotationStatus", r#"{"keyId":"<kms>"}"#, NONE, KEY),
    ("s3", "GetAccountPublicAccessBlock", r#"{"publicAccessBlock":"","Host":"<account>.s3-control.<region>.amazonaws.com"}"#, NONE, ""),
    ("guardduty", "GetDetector", r#"{"detectorId":"<detector>"}"#, NONE, ""),
    ("elasticfilesystem", "DescribeFileSystems", NONE, NONE, ""),
];

/// What a deployment reads before it changes anything.
#[rustfmt::skip]
pub(crate) const REFRESHING: &[Row] = &[
    ("sts", "GetCallerIdentity", NONE, NONE, ""),
    ("ec2", "DescribeAccountAttributes", r#"{"accountAttributeNameSet":{"items":[{"attributeName":"supported-platforms"}]},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeVpcs", r#"{"vpcSet":{"items":[{"vpcId":"<vpc>"}]},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeVpcAttribute", r#"{"vpcId":"<vpc>","attribute":"enableDnsSupport"}"#, NONE, ""),
    ("ec2", "DescribeSubnets", r#"{"subnetSet":{"items":[{"subnetId":"<subnet>"}]},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeSecurityGroups", r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"<group>"}]},"filterSet":{}}"#, NONE, ""),
    ("ec2", "DescribeLaunchTemplateVersions", r#"{"DescribeLaunchTemplateVersionsRequest":{"LaunchTemplateId":"lt-<hex17>","LaunchTemplateVersion":{"content":"$Latest","tag":1}}}"#, NONE, ""),
    ("iam", "GetRole", r#"{"roleName":"<role>"}"#, NONE, ""),
    ("iam", "ListRolePolicies", r#"{"roleName":"<role>"}"#, NONE, ""),
    ("iam", "ListAttachedRolePolicies", r#"{"roleName":"<role>"}"#, NONE, ""),
    ("iam", "GetPolicy", r#"{"policyArn":"arn:aws:iam::<account>:policy/<role>-policy"}"#, NONE, ""),
    ("ecs", "DescribeTaskDefinition", r#"{"taskDefinition":"<workload>:41","include":["TAGS"]}"#, NONE, ""),
    ("ecs", "DescribeServices", r#"{"cluster":"<cluster>","services":["<workload>"]}"#, NONE, ""),
    ("lambda", "GetFunction20150331v2", r#"{"functionName":"<function>","qualifier":"live"}"#, NONE, ""),
    ("lambda", "ListVersionsByFunction20150331", r#"{"functionName":"<function>","maxItems":10000}"#, NONE, ""),
    ("ssm", "GetParameter", r#"{"name":"/<workload>/image-tag","withDecryption":true}"#, NONE, ""),
    ("sqs", "GetQueueAttributes", r#"{"attributeNames":["All"],"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<workload>-jobs"}"#, NONE, ""),
    ("monitoring", "ListTagsForResource", r#"{"resourceARN":"arn:aws:cloudwatch:<region>:<account>:alarm:<alarm>"}"#, NONE, ""),
    ("events", "DescribeRule", r#"{"name":"<workload>-nightly"}"#, NONE, ""),
    ("ecr", "DescribeImages", r#"{"repositoryName":"<workload>","imageIds":[{"imageTag":"<hex8>"}]}"#, NONE, ""),
    ("ecr", "GetAuthorizationToken", NONE, NONE, ""),
];

/// What a deployment changes.
#[rustfmt::skip]
pub(crate) const RELEASING: &[Row] = &[
    ("ecs", "RegisterTaskDefinition", r#"{"family":"<workload>","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"512","memory":"1024","taskRoleArn":"arn:aws:iam::<account>:role/<role>","containerDefinitions":[{"name":"<workload>","image":"<account>.dkr.ecr.<region>.amazonaws.com/<workload>:<hex8>","essential":true,"portMappings":[{"containerPort":8080,"protocol":"tcp"}],"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/<workload>","awslogs-region":"<region>","awslogs-stream-prefix":"app"}}}]}"#, r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:<region>:<account>:task-definition/<workload>:42","family":"<workload>","revision":42,"status":"ACTIVE","compatibilities":["EC2","FARGATE"]}}"#, ""),
    ("ecs", "UpdateService", r#"{"cluster":"<cluster>","service":"<workload>","taskDefinition":"<workload>:42","deploymentConfiguration":{"maximumPercent":200,"minimumHealthyPercent":100}}"#, r#"{"service":{"serviceArn":"arn:aws:ecs:<region>:<account>:service/<cluster>/<workload>","serviceName":"<workload>","status":"ACTIVE","desiredCount":2,"runningCount":2,"launchType":"FARGATE"}}"#, ""),
    ("lambda", "UpdateFunctionCode20150331v2", r#"{"functionName":"<function>","s3Bucket":"<bucket>","s3Key":"builds/<hex8>.zip","publish":false,"dryRun":false}"#, r#"{"functionName":"<function>","functionArn":"arn:aws:lambda:<region>:<account>:function:<function>","runtime":"python3.12","role":"arn:aws:iam::<account>:role/<role>","handler":"app.handler","codeSize":184213,"timeout":30,"memorySize":256,"lastModified":"<now>","codeSha256":"<hex32>","version":"$LATEST","tracingConfig":{"mode":"Active"},"revisionId":"<uuid>","state":"Active","packageType":"Zip","architectures":["arm64"]}"#, ""),
    ("lambda", "PublishVersion20150331", r#"{"functionName":"<function>"}"#, r#"{"functionName":"<function>","functionArn":"arn:aws:lambda:<region>:<account>:function:<function>:58","version":"58","runtime":"python3.12","codeSha256":"<hex32>"}"#, ""),
    ("lambda", "UpdateAlias20150331", r#"{"functionName":"<function>","name":"live","functionVersion":"58"}"#, r#"{"aliasArn":"arn:aws:lambda:<region>:<account>:function:<function>:live","name":"live","functionVersion":"58","revisionId":"<uuid>"}"#, ""),
    ("ssm", "PutParameter", r#"{"name":"/<workload>/image-tag","type":"String","overwrite":true,"value":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"version":112,"tier":"Standard"}"#, ""),
    ("monitoring", "PutMetricAlarm", r#"{"alarmName":"<alarm>","metricName":"HTTPCode_Target_5XX_Count","namespace":"AWS/ApplicationELB","statistic":"Sum","period":300,"evaluationPeriods":2,"threshold":25,"comparisonOperator":"GreaterThanThreshold","alarmActions":["arn:aws:sns:<region>:<account>:<workload>-alerts"]}"#, NONE, ""),
    ("events", "PutRule", r#"{"name":"<workload>-nightly","scheduleExpression":"cron(10 2 * * ? *)","state":"ENABLED"}"#, r#"{"ruleArn":"arn:aws:events:<region>:<account>:rule/<workload>-nightly"}"#, ""),
    ("cloudformation", "CreateChangeSet", r#"{"stackName":"<stack>","changeSetName":"release-<hex8>","changeSetType":"UPDATE","capabilities":["CAPABILITY_IAM"]}"#, r#"{"id":"arn:aws:cloudformation:<region>:<account>:changeSet/release-<hex8>/<uuid>","stackId":"arn:aws:cloudformation:<region>:<account>:stack/<stack>/<uuid>"}"#, ""),
    ("cloudformation", "ExecuteChangeSet", r#"{"changeSetName":"release-<hex8>","stackName":"<stack>"}"#, NONE, ""),
    ("elasticloadbalancing", "ModifyTargetGroupAttributes", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<workload>/<hex16>","attributes":[{"key":"deregistration_delay.timeout_seconds","value":"30"}]}"#, r#"{"attributes":[{"key":"deregistration_delay.timeout_seconds","value":"30"}]}"#, ""),
    ("logs", "PutRetentionPolicy", r#"{"logGroupName":"<loggroup>","retentionInDays":90}"#, NONE, ""),
];

const BUCKET: &str =
    r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const KEY: &str = r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"<kms>"}]"#;

/// The call that a row describes, filled in for a place and a moment.
pub(crate) fn call(row: &Row, place: Place, at: wk_model::Timestamp, rng: &mut Rng) -> Call {
    let mut words = Words { place, at, known: Vec::new() };
    let mut call = Call::new(row.0, row.1);
    call.params = words.fill(row.2, rng);
    call.response = words.fill(row.3, rng);
    call.resources = words.fill(row.4, rng);
    call
}

struct Words {
    place: Place,
    at: wk_model::Timestamp,
    known: Vec<(&'static str, String)>,
}

impl Words {
    fn fill(&mut self, template: &'static str, rng: &mut Rng) -> String {
        let mut out = String::with_capacity(template.len() + 60);
        for (number, part) in template.split(['<', '>']).enumerate() {
            if number % 2 == 0 {
                out.push_str(part);
            } else if let Some((_, text)) = self.known.iter().find(|(word, _)| *word == part) {
                out.push_str(text);
            } else {
                let text = meaning(part, self.place, self.at, rng);
                out.push_str(&text);
                self.known.push((part, text));
            }
        }
        out
    }
}

fn meaning(word: &str, place: Place, at: wk_model::Timestamp, rng: &mut Rng) -> String {
    const FUNCTIONS: [&str; 5] =
        ["order-events", "invoice-render", "thumbnail", "nightly-export", "webhook-relay"];
    match word {
        "account" => place.account.to_owned(),
        "region" => place.region.to_owned(),
        "instance" => machine(place, rng).map_or("i-0d7f5b3a9c1e82640", |h| h.instance).to_owned(),
        "subnet" => machine(place, rng).map_or("subnet-0f3d1b9e7c5a28640", |h| h.subnet).to_owned(),
        "role" => machine(place, rng).map_or("batch-worker", |h| h.role).to_owned(),
        "vpc" if place == world::SHOP => world::SHOP_VPC.to_owned(),
        "vpc" if place.account == world::SECURITY => world::TOOLS_VPC.to_owned(),
        "vpc" => "vpc-0d9b7f5e3c1a28640".to_owned(),
        "group" => format!("sg-{}", world::hex_id(workload(rng), 17)),
        "bucket" => (*rng.pick(world::buckets(place.account))).to_owned(),
        "kms" => world::kms_key(place),
        "detector" => world::detector(place),
        "workload" => workload(rng).to_owned(),
        "function" => (*rng.pick(&FUNCTIONS)).to_owned(),
        "loggroup" => format!("/aws/lambda/{}", rng.pick(&FUNCTIONS)),
        "alarm" => format!("{}-5xx-high", workload(rng)),
        "stack" => format!("{}-service", workload(rng)),
        "table" => format!("{}-sessions", workload(rng)),
        "cluster" => place.word().to_owned(),
        "now" => at.floor_to(1).to_string(),
        "ago" => at.floor_to(1).plus_seconds(-3600).to_string(),
        "day" => at.day().to_string(),
        "seconds" => at.seconds().to_string(),
        "millis" => format!("{}000", at.seconds()),
        "uuid" => rng.uuid(),
        "hex8" => rng.hex(8),
        "hex16" => rng.hex(16),
        "hex17" => rng.hex(17),
        "hex32" => rng.hex(32),
        "host" => format!("{}", rng.range(11, 250)),
        "number" => rng.range(1, 9_999).to_string(),
        unknown => unreachable!("a template asks for <{unknown}>"),
    }
}

fn workload(rng: &mut Rng) -> &'static str {
    ["orders", "catalogue", "reports", "invoices", "web"][rng.index(5)]
}

fn machine(place: Place, rng: &mut Rng) -> Option<&'static world::Host> {
    let all: Vec<_> = world::machines(place).collect();
    if all.is_empty() { None } else { Some(*rng.pick(&all)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_json_everywhere() {
        let tables =
            [LOOKING, CHANGING, AUDITING, PAYING, RECORDING, CHECKING, REFRESHING, RELEASING];
        let at = wk_model::Timestamp::from_seconds(1_707_700_000);
        for place in world::PLACES {
            for row in tables.into_iter().flatten() {
                let call = call(row, place, at, &mut Rng::named(1, &["rows"], 0));
                for json in [&call.params, &call.response, &call.resources] {
                    let whole: Result<serde_json::Value, _> = serde_json::from_str(json);
                    assert!(json.is_empty() || whole.is_ok(), "{} {json}", row.1);
                }
            }
        }
    }
}
