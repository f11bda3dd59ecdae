//! Question 7 of the CC7 document: an instance's credentials are used from outside.
//!
//! The document gives both this finding and the SSH brute force the minute 14:23 of 2024-02-15. The
//! two share it here as well: they are about different machines and different people, and a watch
//! must keep them apart.
//!
//! In life the revocation also refuses the application's own older sessions until its machines have
//! new ones; stories change nothing of the background, so that is not shown.

use serde_json::{Value, json};
use wk_model::Timestamp;

use super::Teller;
use crate::guardduty::{Report, machine, remote};
use crate::identity::{Actor, session_key};
use crate::record::Call;
use crate::truth::ExpectedFinding;
use crate::world::{IRELAND, ORDERS, PRODUCTION, Place, SHOP, unique_id};

const THIEF: &str = "198.51.100.117";
const AGENT: &str = "Boto3/1.34.11 md/Botocore#1.34.11 ua/2.0 os/linux#6.5.0-kali3-amd64 md/arch#x86_64 lang/python#3.11.7";
const ABROAD: Place = Place { account: PRODUCTION, region: IRELAND };

pub(super) fn tell(teller: &mut Teller<'_>) {
    teller.about(
        "The orders application wrote its instance's credentials into its log, which goes to an \
         outside log service. From 14:11 UTC they are used from 198.51.100.117, in eu-west-1, \
         although the instance is in us-east-1: identity, buckets, machines, static assets are \
         read; customer data, payroll and IAM are refused. GuardDuty reports at 14:23, the response \
         role revokes older sessions at 14:25, and what comes after is refused. No customer data \
         was read. The SSH brute force has the same minute in the document; it is another story.",
        &crate::identity::session_arn(PRODUCTION, ORDERS.role, ORDERS.instance),
        &[ORDERS.instance, "arn:aws:iam::222233334444:role/orders-app", "example-orders-assets"],
    );
    let mut thief = Actor::machine(&ORDERS, issued(teller), AGENT);
    thief.address = THIEF.to_owned();
    look_around(teller, &thief);
    read_objects(teller, &thief);
    report(teller);
    revoke(teller);
    refused_afterwards(teller, &thief);
    expectations(teller);
}

/// When the credentials that leaked were made.
fn issued(teller: &Teller<'_>) -> Timestamp {
    teller.at(12, 2, 33)
}

fn look_around(teller: &mut Teller<'_>, thief: &Actor) {
    teller.call(teller.at(14, 11, 7), ABROAD, thief, Call::new("sts", "GetCallerIdentity"));
    let buckets =
        Call::new("s3", "ListBuckets").params(&json!({"Host": "s3.eu-west-1.amazonaws.com"}));
    teller.call(teller.at(14, 11, 19), ABROAD, thief, buckets);
    let machines = json!({"maxResults": 1000, "instancesSet": {}, "filterSet": {}});
    let seen = Call::new("ec2", "DescribeInstances").params(&machines);
    teller.call(teller.at(14, 12, 2), ABROAD, thief, seen);
    let at_home = Call::new("ec2", "DescribeInstances").params(&machines);
    teller.call(teller.at(14, 12, 5), SHOP, thief, at_home);
    let refused = [
        ("ec2", "DescribeSnapshots"),
        ("iam", "ListRoles"),
        ("iam", "ListUsers"),
        ("secretsmanager", "ListSecrets"),
        ("rds", "DescribeDBInstances"),
        ("lambda", "ListFunctions20150331"),
        ("ssm", "DescribeParameters"),
    ];
    let mut at = teller.at(14, 12, 40);
    for (source, name) in refused {
        at = at.plus_seconds(teller.rng.seconds(2, 9));
        let call = Call::new(source, name).denied(thief, "*");
        teller.call(at, ABROAD, thief, call);
    }
}

fn object(bucket: &str, key: &str) -> Call {
    Call::new("s3", "GetObject")
        .params(&json!({
            "bucketName": bucket,
            "Host": format!("{bucket}.s3.eu-west-1.amazonaws.com"),
            "key": key,
        }))
        .resources(&json!([
            {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/{key}")},
            {"accountId": PRODUCTION, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")},
        ]))
        .data()
}

/// Nine assets are read; customers and payroll are refused.
fn read_objects(teller: &mut Teller<'_>, thief: &Actor) {
    let mut at = teller.at(14, 15, 2);
    for number in 0..9 {
        at = at.plus_seconds(teller.rng.seconds(3, 12));
        let key = format!("static/banner-{number}.svg");
        teller.call(at, ABROAD, thief, object("example-orders-assets", &key));
    }
    for bucket in ["example-orders-customers", "example-payroll"] {
        for part in 0..4 {
            at = at.plus_seconds(teller.rng.seconds(3, 12));
            let call =
                object(bucket, &format!("export/2024-02/part-{part}.csv")).denied(thief, bucket);
            teller.call(at, ABROAD, thief, call);
        }
    }
}

fn report(teller: &mut Teller<'_>) {
    let action = json!({
        "actionType": "AWS_API_CALL",
        "awsApiCallAction": {
            "api": "GetCallerIdentity",
            "serviceName": "sts.amazonaws.com",
            "callerType": "Remote IP",
            "remoteIpDetails": remote(THIEF, "Romania", "Bucharest"),
            "affectedResources": {},
        },
    });
    let report = Report {
        place: SHOP,
        kind: "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        severity: 8.0,
        title: "Credentials for the EC2 instance role orders-app were used from an external IP address.".to_owned(),
        description: format!(
            "Credentials created exclusively for the EC2 instance {} using instance role orders-app \
             have been used from the external IP address {THIEF}.",
            ORDERS.instance
        ),
        resource: resource(issued(teller)),
        action,
        role: "TARGET",
        first: teller.at(14, 11, 7),
    };
    let (created, updated) = (teller.at(14, 23, 41), teller.at(14, 38, 50));
    let first = report.finding(teller.at(14, 17, 58), created, created, 24);
    teller.finding(created, SHOP, &first);
    let second = report.finding(teller.at(14, 29, 3), created, updated, 33);
    teller.finding(updated, SHOP, &second);
}

fn resource(since: Timestamp) -> Value {
    let mut resource = machine(&ORDERS);
    resource["resourceType"] = json!("AccessKey");
    resource["accessKeyDetails"] = json!({
        "accessKeyId": session_key(ORDERS.role, ORDERS.instance, since),
        "principalId": format!("{}:{}", unique_id("AROA", "222233334444 orders-app"), ORDERS.instance),
        "userType": "AssumedRole",
        "userName": "orders-app",
    });
    resource
}

/// The usual revocation: an inline policy that denies everything to sessions older than now.
fn revoke(teller: &mut Teller<'_>) {
    let from = (
        "192.0.2.40",
        "Boto3/1.34.34 md/Botocore#1.34.34 ua/2.0 os/linux lang/python#3.12.1 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12",
    );
    let at: Timestamp = teller.at(14, 25, 12);
    let responder = Actor::role(
        PRODUCTION,
        "security-response",
        "disable-credentials",
        at.plus_seconds(-20),
        from,
    );
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": at.to_string()}},
        }],
    });
    let look = Call::new("iam", "GetRole").params(&json!({"roleName": ORDERS.role}));
    teller.call(at.plus_seconds(-4), SHOP, &responder, look);
    let call = Call::new("iam", "PutRolePolicy").params(&json!({
        "roleName": ORDERS.role,
        "policyName": "AWSRevokeOlderSessions",
        "policyDocument": policy.to_string(),
    }));
    teller.call(at, SHOP, &responder, call);
}

fn refused_afterwards(teller: &mut Teller<'_>, thief: &Actor) {
    let mut at = teller.at(14, 26, 20);
    for number in 0..9 {
        at = at.plus_seconds(teller.rng.seconds(6, 20));
        let key = format!("static/banner-{}.svg", 9 + number);
        let call = object("example-orders-assets", &key).fails("AccessDenied", "Access Denied");
        teller.call(at, ABROAD, thief, call);
    }
}

fn expectations(teller: &mut Teller<'_>) {
    teller.expect(ExpectedFinding {
        what: "an instance's session used from an address that is not the instance's",
        source: "cloudtrail",
        names: vec!["GetCallerIdentity", "ListBuckets", "DescribeInstances", "GetObject"],
        severity: "high",
        account: PRODUCTION,
        first: teller.at(14, 11, 7),
        records: 37,
    });
    teller.expect(ExpectedFinding {
        what: "GuardDuty's finding, once",
        source: "guardduty",
        names: vec!["UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"],
        severity: "high",
        account: PRODUCTION,
        first: teller.at(14, 23, 41),
        records: 2,
    });
    teller.expect(ExpectedFinding {
        what: "older sessions revoked by the response role: a response, not an attack",
        source: "cloudtrail",
        names: vec!["PutRolePolicy"],
        severity: "low",
        account: PRODUCTION,
        first: teller.at(14, 25, 12),
        records: 1,
    });
}
