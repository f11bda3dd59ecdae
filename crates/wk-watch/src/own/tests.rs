use serde_json::{Value as Json, json};
use wk_model::capture::Outcome;
use wk_model::{Capture, Sha256, Timestamp};

use super::*;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";
const HOST: &str = "i-0123456789abcdef0";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-03-{text}:00:00Z")).unwrap()
}

fn capture(key: &str, when: &str, outcome: Outcome, answer: Json) -> Capture {
    let (service, operation) = key.split_once(':').unwrap();
    Capture {
        id: format!("{operation}-{when}"),
        run: "r".to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        parameters: json!({}),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        at: at(when).to_string(),
        principal: String::new(),
        request_ids: Vec::new(),
        outcome,
        reason: (outcome != Outcome::Answered).then(|| "AccessDenied".to_owned()),
        answer_sha256: Sha256::of(b""),
        masked: Vec::new(),
        answer: vec![answer],
    }
}

fn answered(key: &str, when: &str, answer: Json) -> Capture {
    capture(key, when, Outcome::Answered, answer)
}

fn host(address: &Json) -> Json {
    json!({"Reservations": [{"Instances": [{
        "InstanceId": HOST, "VpcId": "vpc-1", "PublicIpAddress": address, "LaunchTime": "2026-03-01T06:00:00Z",
        "IamInstanceProfile": {"Arn": "arn:aws:iam::111122223333:instance-profile/web"},
        "State": {"Name": "running"},
    }]}]})
}

fn item(kind: &str, id: &str, when: &str, deleted: bool, configuration: Json) -> ConfigItem {
    ConfigItem {
        kind: kind.to_owned(),
        id: id.to_owned(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        deleted,
        at: at(when),
        configuration,
    }
}

fn gathered(captures: &[Capture], items: &[ConfigItem]) -> Own {
    let mut gathering = Gathering::default();
    captures.iter().for_each(|capture| gathering.capture(capture.clone()));
    items.iter().for_each(|item| gathering.item(item.clone()));
    let own = gathering.finish(at("10T12"));
    // The order in which they come means nothing.
    let mut backwards = Gathering::default();
    items.iter().rev().for_each(|item| backwards.item(item.clone()));
    captures.iter().rev().for_each(|capture| backwards.capture(capture.clone()));
    assert_eq!(backwards.finish(at("10T12")), own);
    own
}

fn addresses(own: &Own) -> String {
    own.addresses.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Whose an address is at a time, seen from the host.
fn home(own: &Own, address: &str, when: &str) -> &'static str {
    let home = own.home(HOST, address.parse().unwrap(), Some(at(when)), Aged::default());
    home.map_or("unknown", Home::as_str)
}

#[test]
fn a_host_goes_out_by_its_own_address_its_elastic_one_and_the_gateway_of_its_network() {
    let own = gathered(
        &[
            answered("ec2:DescribeInstances", "10T10", host(&json!("198.51.100.5"))),
            answered(
                "ec2:DescribeAddresses",
                "10T10",
                json!({"addressesSet": [
                    {"publicIp": "198.51.100.6", "allocationId": "eipalloc-1", "instanceId": HOST},
                    {"publicIp": "198.51.100.9", "allocationId": "eipalloc-2"},
                ]}),
            ),
            answered(
                "ec2:DescribeNatGateways",
                "10T10",
                json!({"NatGateways": [
                    {"NatGatewayId": "nat-1", "VpcId": "vpc-1", "State": "available",
                     "NatGatewayAddresses": [{"PublicIp": "198.51.100.7"}]},
                    {"NatGatewayId": "nat-2", "VpcId": "vpc-2", "State": "available",
                     "NatGatewayAddresses": [{"PublicIp": "198.51.100.8"}]},
                    {"NatGatewayId": "nat-3", "VpcId": "vpc-1", "State": "deleted",
                     "NatGatewayAddresses": [{"PublicIp": "198.51.100.99"}]},
                ]}),
            ),
        ],
        &[],
    );
    assert_eq!(own.hosts[HOST].profile.as_deref(), Some("web"));
    assert_eq!(addresses(&own), "198.51.100.5 198.51.100.6 198.51.100.7 198.51.100.8 198.51.100.9");
    for own_address in ["198.51.100.5", "198.51.100.6", "198.51.100.7"] {
        assert_eq!(home(&own, own_address, "10T11"), "own", "{own_address}");
    }
    assert_eq!(home(&own, "198.51.100.8", "10T11"), "ours");
    assert_eq!(home(&own, "203.0.113.66", "10T11"), "foreign");
}

#[test]
fn what_cannot_be_known_is_not_told() {
    let own =
        gathered(&[answered("ec2:DescribeInstances", "10T10", host(&json!("198.51.100.5")))], &[]);
    assert_eq!(home(&own, "203.0.113.66", "01T05"), "unknown", "it was started later");
    assert_eq!(home(&own, "203.0.113.66", "13T11"), "unknown", "73 hours later");
    assert_eq!(home(&own, "203.0.113.66", "13T09"), "foreign");
    assert_eq!(home(&own, "10.0.0.8", "10T11"), "unknown", "an address of a network");
    let outside = "203.0.113.66".parse().unwrap();
    assert_eq!(own.home("i-0aaaaaaaaaaaaaaaa", outside, None, Aged::default()), None);
    let hidden = gathered(&[answered("ec2:DescribeInstances", "10T10", host(&Json::Null))], &[]);
    assert_eq!(home(&hidden, "203.0.113.66", "10T11"), "unknown", "nobody knows its way out");
}

#[test]
fn the_newest_says_and_what_was_denied_takes_nothing_away() {
    let old = answered("ec2:DescribeInstances", "08T10", host(&json!("198.51.100.5")));
    let new = answered("ec2:DescribeInstances", "09T10", host(&json!("198.51.100.50")));
    let denied = capture("ec2:DescribeInstances", "10T10", Outcome::Denied, Json::Null);
    let own = gathered(&[old.clone(), new, denied.clone()], &[]);
    assert_eq!(addresses(&own), "198.51.100.50");
    let told = own.blind.join("\n");
    assert!(told.contains("ec2:DescribeInstances in eu-west-1 of 111122223333"), "{told}");
    assert!(told.contains("denied: AccessDenied; what was told at 2026-03-09"), "{told}");
    assert!(gathered(&[denied, old], &[]).blind[0].contains("2026-03-08"));
}

#[test]
fn config_says_what_the_inventory_has_not_seen_yet_and_no_more() {
    let eip = |address: &str| json!({"publicIp": address, "instanceId": HOST});
    let listed = json!({"Addresses": [{"PublicIp": "198.51.100.6", "AllocationId": "eipalloc-1"}]});
    let asked = answered("ec2:DescribeAddresses", "09T10", listed);
    let older = item("AWS::EC2::EIP", "eipalloc-7", "08T10", false, eip("198.51.100.70"));
    let newer = item("AWS::EC2::EIP", "eipalloc-8", "10T10", false, eip("198.51.100.80"));
    let gone = item("AWS::EC2::EIP", "eipalloc-1", "10T10", true, Json::Null);
    assert_eq!(
        addresses(&gathered(&[], &[older.clone(), newer.clone()])),
        "198.51.100.70 198.51.100.80"
    );
    let own = gathered(&[asked], &[older, newer, gone]);
    assert_eq!(addresses(&own), "198.51.100.80", "the inventory knew that the older one is gone");
    assert_eq!(own.accounts[ACCOUNT].by, "AWS::EC2::EIP");
    let origin = &own.addresses[&"198.51.100.80".parse::<IpAddr>().unwrap()];
    assert_eq!((origin.by.as_str(), origin.at), ("AWS::EC2::EIP", at("10T10")));
}

#[test]
fn accounts_are_those_of_the_organization_and_those_that_answered() {
    let own = gathered(
        &[
            answered("sts:GetCallerIdentity", "10T10", json!({"Account": ACCOUNT})),
            answered(
                "organizations:ListAccounts",
                "10T10",
                json!({"Accounts": [{"Id": "444455556666", "Status": "ACTIVE"}, {"Id": "x"}]}),
            ),
            answered(
                "organizations:DescribeOrganization",
                "10T10",
                json!({"Organization": {"Id": "o-a1b2c3d4e5"}}),
            ),
        ],
        &[],
    );
    let lists = own.lists(at("10T12"), Aged::default());
    let said: Vec<String> = lists.iter().map(Loaded::say).collect();
    assert_eq!(
        said,
        [
            "own_accounts: 2 entries from this lake: own inventory and AWS Config, 2 h old",
            "own_organizations: 1 entries from this lake: own inventory and AWS Config, 2 h old",
        ]
    );
}

#[test]
fn addresses_that_nobody_confirmed_for_too_long_are_left_out_and_counted() {
    let own =
        gathered(&[answered("ec2:DescribeInstances", "10T10", host(&json!("198.51.100.5")))], &[]);
    let of = |when: &str| own.lists(at(when), Aged::default());
    assert_eq!(of("13T09")[0].entries.len(), 1);
    let late = of("13T11");
    assert_eq!((late[0].entries.len(), late[0].state), (0, State::Expired));
    assert!(late[0].say().contains("1 left out: nobody confirmed it for too long"));
}

#[test]
fn what_is_ours_comes_back_from_its_file() {
    let own =
        gathered(&[answered("ec2:DescribeInstances", "10T10", host(&json!("198.51.100.5")))], &[]);
    let text = serde_json::to_string(&own).unwrap();
    assert_eq!(serde_json::from_str::<Own>(&text).unwrap(), own);
}
