//! IR-2024-003: someone opens port 22 to the world, and someone else finds it.

use serde_json::json;
use wk_model::Timestamp;

use super::Teller;
use crate::config::group_item;
use crate::flow::Flow;
use crate::guardduty::{Report, inbound, machine, remote, security_group};
use crate::identity::Actor;
use crate::record::Call;
use crate::securityhub::{Check, report};
use crate::truth::ExpectedFinding;
use crate::world::{PEOPLE, PRODUCTION, SFTP, SHOP};

/// Where the attempts come from.
const ATTACKER: &str = "198.51.100.42";
/// How many there are.
const ATTEMPTS: i64 = 147;
/// Seconds from the first attempt to the last: 14:08:10 to 14:22:46.
const SPAN_SECONDS: i64 = 876;

pub(super) fn tell(teller: &mut Teller<'_>) {
    teller.about(
        "At 09:41 platform-2 opens port 22 of the file server's group to 0.0.0.0/0 for a partner's \
         test and forgets it. From 14:08 to 14:23 UTC 198.51.100.42 makes 147 attempts to log in by \
         SSH; the flow log accepts them, none succeeds. GuardDuty reports at 14:23.",
        ATTACKER,
        &[SFTP.instance, &security_group(&SFTP)],
    );
    open_the_port(teller);
    attempts(teller);
    reports(teller);
    expectations(teller);
}

fn open_the_port(teller: &mut Teller<'_>) {
    let (at, group) = (teller.at(9, 41, 18), security_group(&SFTP));
    let actor = Actor::person(&PEOPLE[1], PRODUCTION, teller.at(9, 12, 4), None);
    let look = Call::new("ec2", "DescribeSecurityGroups").params(&json!({
        "securityGroupSet": {}, "securityGroupIdSet": {"items": [{"groupId": group}]}, "filterSet": {},
    }));
    teller.call(at.plus_seconds(-40), SHOP, &actor, look);
    let range = json!({"cidrIp": "0.0.0.0/0", "description": "partner test, remove later"});
    let open = Call::new("ec2", "AuthorizeSecurityGroupIngress")
        .params(&json!({
            "groupId": group,
            "ipPermissions": {"items": [{
                "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": {},
                "ipRanges": {"items": [range]}, "ipv6Ranges": {}, "prefixListIds": {},
            }]},
        }))
        .response(&json!({
            "requestId": "@request",
            "_return": true,
            "securityGroupRuleSet": {"items": [{
                "groupOwnerId": PRODUCTION, "groupId": group,
                "securityGroupRuleId": "sgr-0e2a6c8d4f1b93750",
                "description": "partner test, remove later",
                "isEgress": false, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
                "cidrIpv4": "0.0.0.0/0",
            }]},
        }));
    teller.call(at, SHOP, &actor, open);
    let changed = at.plus_seconds(95);
    let item = group_item(SHOP, changed, &group, SFTP.name, "0.0.0.0/0", "OK");
    teller.item(changed, SHOP, &item);
    let check = Check {
        control: "EC2.13",
        title: "Security groups should not allow ingress from 0.0.0.0/0 or ::/0 to port 22",
        label: "HIGH",
        passed: false,
        resource: ("AwsEc2SecurityGroup", SHOP.arn("ec2", &format!("security-group/{group}"))),
    };
    report(teller.agenda, &mut teller.rng, at.plus_seconds(420), SHOP, &check);
}

fn attempt_at(teller: &Teller<'_>, number: i64) -> Timestamp {
    teller.at(14, 8, 10).plus_seconds(number * SPAN_SECONDS / (ATTEMPTS - 1))
}

/// Each attempt is a flow in and a flow out: a key exchange, a few passwords, the door shut.
fn attempts(teller: &mut Teller<'_>) {
    for number in 0..ATTEMPTS {
        let start = attempt_at(teller, number);
        let port = teller.rng.range(33_000, 60_999);
        let (asked, answered) = (teller.rng.range(11, 17), teller.rng.range(10, 15));
        let inward = Flow {
            host: &SFTP,
            from: (ATTACKER.to_owned(), port),
            to: (SFTP.private.to_owned(), 22),
            protocol: 6,
            packets: asked,
            bytes: asked * 118 + teller.rng.range(0, 99),
            start,
            end: start.plus_seconds(teller.rng.seconds(2, 5)),
            accept: true,
            flags: 3,
        };
        let outward = Flow {
            from: inward.to.clone(),
            to: inward.from.clone(),
            packets: answered,
            bytes: answered * 142 + teller.rng.range(0, 99),
            flags: 19,
            ..inward.clone()
        };
        teller.flow(inward);
        teller.flow(outward);
    }
}

fn reports(teller: &mut Teller<'_>) {
    let report = Report {
        place: SHOP,
        kind: "UnauthorizedAccess:EC2/SSHBruteForce",
        severity: 5.0,
        title: format!(
            "{ATTACKER} is performing SSH brute force attacks against {}.",
            SFTP.instance
        ),
        description: format!(
            "{ATTACKER} is performing SSH brute force attacks against {}. Brute force attacks are \
             used to gain unauthorized access to your instance by guessing the SSH password.",
            SFTP.instance
        ),
        resource: machine(&SFTP),
        action: inbound(&SFTP, &remote(ATTACKER, "Netherlands", "Amsterdam"), 22, "SSH", 45_212),
        role: "TARGET",
        first: attempt_at(teller, 0),
    };
    let (created, updated) = (teller.at(14, 23, 4), teller.at(14, 38, 11));
    let first = report.finding(teller.at(14, 21, 30), created, created, 131);
    teller.finding(created, SHOP, &first);
    let last = attempt_at(teller, ATTEMPTS - 1);
    let second = report.finding(last, created, updated, 147);
    teller.finding(updated, SHOP, &second);
}

fn expectations(teller: &mut Teller<'_>) {
    teller.expect(ExpectedFinding {
        what: "port 22 opened to the Internet",
        source: "cloudtrail",
        names: vec!["AuthorizeSecurityGroupIngress"],
        severity: "high",
        account: PRODUCTION,
        first: teller.at(9, 41, 18),
        records: 1,
    });
    teller.expect(ExpectedFinding {
        what: "many connections from one address to port 22 of one instance",
        source: "vpcflow",
        names: vec!["ACCEPT"],
        severity: "medium",
        account: PRODUCTION,
        first: attempt_at(teller, 0),
        records: 147,
    });
    teller.expect(ExpectedFinding {
        what: "GuardDuty's finding, once, with its count of 147",
        source: "guardduty",
        names: vec!["UnauthorizedAccess:EC2/SSHBruteForce"],
        severity: "medium",
        account: PRODUCTION,
        first: teller.at(14, 23, 4),
        records: 2,
    });
    teller.expect(ExpectedFinding {
        what: "Security Hub's check of the group fails",
        source: "eventbridge",
        names: vec!["Security Hub Findings - Imported", "EC2.13"],
        severity: "high",
        account: PRODUCTION,
        first: teller.at(9, 48, 18),
        records: 1,
    });
}
