//! A login from a remote place: five wrong passwords, then the right one, and no second factor.

use serde_json::{Value, json};

use super::Teller;
use crate::guardduty::{Report, remote};
use crate::identity::{Actor, access_key};
use crate::record::Call;
use crate::truth::ExpectedFinding;
use crate::world::{DEVELOPMENT, HOME, Place, unique_id};

const STRANGER: &str = "198.51.100.9";
const USER: &str = "contractor-reports";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";
const HERE: Place = Place { account: DEVELOPMENT, region: HOME };

pub(super) fn tell(teller: &mut Teller<'_>) {
    teller.about(
        "On Sunday between 04:12 and 04:23 UTC someone at 198.51.100.9 types five wrong passwords \
         for the console user contractor-reports of the development account, then at 04:25 the \
         right one. The user has no second factor. They look at users and buckets for six minutes \
         and leave. GuardDuty reports a successful console login of unusual behaviour at 04:41.",
        "arn:aws:iam::333344445555:user/contractor-reports",
        &["arn:aws:iam::333344445555:user/contractor-reports"],
    );
    let user = Actor::user(DEVELOPMENT, USER, "", (STRANGER, BROWSER));
    for (minute, second) in [(12, 4), (14, 33), (17, 2), (19, 48), (22, 51)] {
        // A failed login has a message but no code.
        let call = login("Failure").complains("Failed authentication");
        let failed = user.clone().known_as(&who_failed());
        teller.call(teller.at(4, minute, second), HERE, &failed, call);
    }
    teller.call(teller.at(4, 25, 17), HERE, &user, login("Success"));
    look_around(teller, &user);
    report(teller);
    expectations(teller);
}

fn login(outcome: &str) -> Call {
    Call::new("signin", "ConsoleLogin")
        .response(&json!({"ConsoleLogin": outcome}))
        .extra(&json!({
            "LoginTo": "https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true&state=hashArgsFromTB_us-east-1",
            "MobileVersion": "No",
            "MFAUsed": "No",
        }))
        .sign_in()
}

/// Before the password is right, CloudTrail knows the name only.
fn who_failed() -> Value {
    json!({
        "type": "IAMUser",
        "accountId": DEVELOPMENT,
        "accessKeyId": "",
        "userName": USER,
    })
}

/// The session that the console opens for the user.
fn inside(arn: &str, since: &str) -> Value {
    json!({
        "type": "IAMUser",
        "principalId": unique_id("AIDA", USER),
        "arn": arn,
        "accountId": DEVELOPMENT,
        "accessKeyId": access_key("ASIA", USER),
        "userName": USER,
        "sessionContext": {
            "sessionIssuer": {},
            "webIdFederationData": {},
            "attributes": {"creationDate": since, "mfaAuthenticated": "false"},
        },
    })
}

fn look_around(teller: &mut Teller<'_>, user: &Actor) {
    let mut inside = user.clone().known_as(&inside(&user.arn, &teller.at(4, 25, 17).to_string()));
    inside.console = true;
    let calls = [
        Call::new("iam", "GetAccountSummary"),
        Call::new("iam", "ListUsers").params(&json!({"maxItems": 1000})),
        Call::new("iam", "ListAccessKeys").params(&json!({"userName": USER})),
        Call::new("s3", "ListBuckets").params(&json!({"Host": "s3.us-east-1.amazonaws.com"})),
        Call::new("ec2", "DescribeRegions").params(&json!({"regionSet": {}, "allRegions": true})),
        Call::new("organizations", "DescribeOrganization").denied(user, "*"),
        Call::new("iam", "CreateAccessKey").denied(user, &user.arn),
    ];
    let mut at = teller.at(4, 25, 40);
    for call in calls {
        at = at.plus_seconds(teller.rng.seconds(10, 70));
        teller.call(at, HERE, &inside, call);
    }
}

fn report(teller: &mut Teller<'_>) {
    let report = Report {
        place: HERE,
        kind: "InitialAccess:IAMUser/AnomalousBehavior",
        severity: 5.0,
        title: format!(
            "User IAMUser : {USER} is anomalously invoking APIs commonly used in InitialAccess tactics."
        ),
        description: format!(
            "The API ConsoleLogin, commonly used in InitialAccess tactics, was invoked by user \
             IAMUser : {USER} under anomalous circumstances."
        ),
        resource: json!({
            "resourceType": "AccessKey",
            "accessKeyDetails": {
                "accessKeyId": "",
                "principalId": unique_id("AIDA", USER),
                "userType": "IAMUser",
                "userName": USER,
            },
        }),
        action: json!({
            "actionType": "AWS_API_CALL",
            "awsApiCallAction": {
                "api": "ConsoleLogin",
                "serviceName": "signin.amazonaws.com",
                "callerType": "Remote IP",
                "remoteIpDetails": remote(STRANGER, "Iceland", "Reykjavik"),
                "affectedResources": {},
            },
        }),
        role: "TARGET",
        first: teller.at(4, 25, 17),
    };
    let at = teller.at(4, 41, 26);
    let finding = report.finding(teller.at(4, 25, 17), at, at, 1);
    teller.finding(at, HERE, &finding);
}

fn expectations(teller: &mut Teller<'_>) {
    let rows = [
        (
            "five failed console logins in fifteen minutes",
            "cloudtrail",
            "ConsoleLogin",
            "medium",
            teller.at(4, 12, 4),
            5,
        ),
        (
            "a console login of an IAM user without a second factor",
            "cloudtrail",
            "ConsoleLogin",
            "medium",
            teller.at(4, 25, 17),
            1,
        ),
        (
            "a login that succeeds after failures, from an address never seen",
            "cloudtrail",
            "ConsoleLogin",
            "high",
            teller.at(4, 25, 17),
            6,
        ),
        (
            "GuardDuty's finding",
            "guardduty",
            "InitialAccess:IAMUser/AnomalousBehavior",
            "medium",
            teller.at(4, 41, 26),
            1,
        ),
    ];
    for (what, source, name, severity, first, records) in rows {
        teller.expect(ExpectedFinding {
            what,
            source,
            names: vec![name],
            severity,
            account: DEVELOPMENT,
            first,
            records,
        });
    }
}
