//! The behaviours of the pack, each over events with offsets: what fires, what stays quiet, and the
//! same in any order and with every event delivered twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wk_model::{Finding, Signal, Timestamp};
use wk_watch::detect::Detections;
use wk_watch::sources;
use wk_watch::stateful::{Happened, signals_of};

use crate::together::{at_once, one_by_one};

const START: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

/// An event: second, source, record.
type Event = (i64, &'static str, Value);

/// The titles of what is found. Whatever the order, and however often each event comes, it is the
/// same; and what is left over one by one is what is found at once.
fn found(pack: &Detections, events: &[Event]) -> BTreeSet<String> {
    let signals = signals(pack, events);
    let straight = titles(at_once(pack, signals.iter().flatten().cloned().collect()));
    let mut backwards = signals.clone();
    backwards.reverse();
    let mut shuffled: Vec<Vec<Signal>> = signals.iter().chain(&signals).cloned().collect();
    shuffled.sort_by_key(|s| wk_model::Sha256::of(format!("{s:?}").as_bytes()).to_string());
    for other in [backwards, shuffled] {
        assert_eq!(titles(one_by_one(pack, other)), straight);
    }
    straight
}

fn signals(pack: &Detections, events: &[Event]) -> Vec<Vec<Signal>> {
    let signals = events.iter().enumerate().map(|(number, (second, source, record))| {
        let (id, record) = (format!("e{number}"), record.to_string());
        let time = Timestamp::from_seconds(START + second);
        let happened = Happened { time, id: &id, record: &record };
        let source = sources::named(source).unwrap();
        signals_of(pack, source, happened).unwrap_or_else(|| panic!("{record}")).0
    });
    signals.collect()
}

fn titles(found: Vec<Finding>) -> BTreeSet<String> {
    found.into_iter().map(|finding| finding.title).collect()
}

/// What only tells that something is kept for a count.
fn loud(pack: &Detections, events: &[Event]) -> Vec<String> {
    let mut found = found(pack, events);
    found.remove("An address outside tried ten ports of an own host");
    found.into_iter().collect()
}

fn call(second: i64, service: &str, name: &str, who: &str, more: &Value) -> Event {
    let mut event = json!({
        "eventVersion": "1.08", "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name, "eventType": "AwsApiCall", "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333", "sourceIPAddress": "203.0.113.10",
        "userIdentity": {
            "type": "IAMUser", "userName": who, "accountId": "111122223333",
            "arn": format!("arn:aws:iam::111122223333:user/{who}"),
        },
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    (second, "cloudtrail", event)
}

fn sign_in(second: i64, who: &str, from: &str, works: bool) -> Event {
    let mut more = json!({
        "eventType": "AwsConsoleSignIn", "sourceIPAddress": from,
        "responseElements": {"ConsoleLogin": if works { "Success" } else { "Failure" }},
    });
    if !works {
        more["errorMessage"] = json!("Failed authentication");
    }
    call(second, "signin", "ConsoleLogin", who, &more)
}

fn flow(second: i64, from: (&str, i64), to: (&str, i64), more: &Value) -> Event {
    let mut event = json!({
        "version": 5, "account_id": "111122223333", "interface_id": "eni-0123456789abcdef0",
        "srcaddr": from.0, "srcport": from.1, "dstaddr": to.0, "dstport": to.1, "protocol": 6,
        "packets": 10, "bytes": 840, "start": START + second, "end": START + second + 30,
        "action": "ACCEPT", "log_status": "OK",
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    (second, "vpcflow", event)
}

const OWN: &str = "10.0.0.8";
const OUTSIDE: &str = "198.51.100.7";

/// The promise R-272, for both: by user and by address.
#[test]
fn the_fifth_failure_within_fifteen_minutes_alerts_by_user_and_by_address() {
    let pack = Detections::built_in().unwrap();
    let by_user = |minutes: &[i64]| -> Vec<String> {
        let from = |n: usize| format!("198.51.100.{n}");
        let tries = minutes.iter().enumerate();
        let events: Vec<Event> =
            tries.map(|(n, m)| sign_in(m * 60, "anna", &from(n), false)).collect();
        loud(&pack, &events)
    };
    assert!(by_user(&[0, 3, 6, 9]).is_empty(), "four");
    assert_eq!(
        by_user(&[0, 3, 6, 9, 12]),
        ["Five sign-ins of one user failed within fifteen minutes"]
    );
    assert!(by_user(&[0, 4, 8, 12, 16]).is_empty(), "five in sixteen minutes");
    let by_address = |tries: &[(i64, &str)]| -> Vec<String> {
        let events: Vec<Event> =
            tries.iter().map(|(m, who)| sign_in(m * 60, who, OUTSIDE, false)).collect();
        loud(&pack, &events)
    };
    assert!(by_address(&[(0, "a"), (3, "b"), (6, "a"), (9, "b")]).is_empty(), "four, two users");
    assert_eq!(
        by_address(&[(0, "a"), (3, "b"), (6, "a"), (9, "b"), (12, "a")]),
        ["Five sign-ins from one address failed within fifteen minutes"]
    );
    assert!(by_address(&[(0, "a"), (4, "b"), (8, "a"), (12, "b"), (16, "a")]).is_empty());
}

/// The promise R-284.
#[test]
fn a_success_after_five_failures_is_correlated_with_them() {
    let pack = Detections::built_in().unwrap();
    let after = |failures: i64, who: &str, from: &str| -> Vec<String> {
        let mut events: Vec<Event> =
            (0..failures).map(|n| sign_in(n * 60, "anna", "203.0.113.9", false)).collect();
        events.push(sign_in(600, who, from, true));
        loud(&pack, &events)
    };
    let user = "A user signed in after five failures";
    let address = "Somebody signed in from an address after five failures from there";
    assert!(after(5, "anna", OUTSIDE).contains(&user.to_owned()));
    assert!(after(5, "ben", "203.0.113.9").contains(&address.to_owned()));
    let other = after(5, "ben", OUTSIDE);
    assert!(!other.contains(&user.to_owned()) && !other.contains(&address.to_owned()), "{other:?}");
    assert!(after(4, "anna", "203.0.113.9").is_empty(), "four failures are typing mistakes");
}

#[test]
fn three_users_tried_from_one_address_are_a_spray() {
    let pack = Detections::built_in().unwrap();
    let tried = |users: &[&str], from: fn(usize) -> &'static str| {
        let tries = users.iter().enumerate();
        let events: Vec<Event> =
            tries.map(|(n, who)| sign_in(n as i64 * 60, who, from(n), false)).collect();
        loud(&pack, &events)
    };
    let title = "Three users were tried from one address within fifteen minutes";
    assert_eq!(tried(&["a", "b", "c"], |_| OUTSIDE), [title]);
    assert!(tried(&["a", "b", "a"], |_| OUTSIDE).is_empty(), "two users");
    assert!(tried(&["a", "b", "c"], |n| ["1.1.1.1", "1.1.1.2", "1.1.1.3"][n]).is_empty());
}

/// The promise R-275.
#[test]
fn ten_different_questions_within_ten_minutes_are_an_enumeration() {
    let pack = Detections::built_in().unwrap();
    let names = [
        "GetCallerIdentity",
        "ListUsers",
        "ListRoles",
        "ListGroups",
        "ListBuckets",
        "ListSecrets",
        "DescribeInstances",
        "DescribeSnapshots",
        "ListKeys",
        "DescribeTrails",
    ];
    let asked = |count: usize, apart: i64, more: &Value| {
        let names = names.iter().take(count).enumerate();
        let events: Vec<Event> =
            names.map(|(n, name)| call(n as i64 * apart, "x", name, "anna", more)).collect();
        loud(&pack, &events)
    };
    let title = "One identity took stock of the account within ten minutes";
    assert_eq!(asked(10, 20, &json!({})), [title]);
    assert!(asked(9, 20, &json!({})).is_empty());
    assert!(asked(10, 120, &json!({})).is_empty(), "over eighteen minutes");
    assert!(asked(10, 20, &json!({"sessionCredentialFromConsole": "true"})).is_empty());
}

#[test]
fn refusals_by_three_services_are_told_and_those_of_one_are_not() {
    let pack = Detections::built_in().unwrap();
    let refused = |services: &[&str]| {
        let services = services.iter().enumerate();
        let events: Vec<Event> = services
            .map(|(n, s)| {
                call(n as i64 * 60, s, "X", "anna", &json!({"errorCode": "AccessDenied"}))
            })
            .collect();
        loud(&pack, &events)
    };
    let title = "One identity was refused by three services within ten minutes";
    assert_eq!(refused(&["iam", "s3", "kms"]), [title]);
    assert!(refused(&["iam", "iam", "s3", "s3", "iam"]).is_empty());
}

/// The promise R-299: the home of a session is where it was first seen.
#[test]
fn credentials_of_an_instance_used_elsewhere_are_told_and_at_home_they_are_not() {
    let pack = Detections::built_in().unwrap();
    let used = |uses: &[(i64, &str, Value)]| {
        let events: Vec<Event> = uses
            .iter()
            .map(|(second, from, more)| {
                let mut all = json!({"sourceIPAddress": from, "userIdentity": {
                    "type": "AssumedRole", "accountId": "111122223333",
                    "arn": "arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0",
                }});
                for (key, value) in more.as_object().unwrap() {
                    all[key] = value.clone();
                }
                call(*second, "ec2", "DescribeInstances", "", &all)
            })
            .collect();
        loud(&pack, &events)
    };
    let none = || json!({});
    let title = "Credentials of an instance were used from another address";
    assert_eq!(used(&[(0, "203.0.113.5", none()), (60, OUTSIDE, none())]), [title]);
    assert!(used(&[(0, "203.0.113.5", none()), (60, "203.0.113.5", none())]).is_empty());
    let endpoint = json!({"vpcEndpointId": "vpce-0123456789abcdef0"});
    assert!(used(&[(0, "203.0.113.5", none()), (60, "10.0.0.8", endpoint)]).is_empty());
}

#[test]
fn a_first_time_is_told_after_two_weeks_of_known_habits() {
    let pack = Detections::built_in().unwrap();
    let history = |last: i64| -> Vec<Event> {
        let user = json!({"readOnly": false});
        let mut events: Vec<Event> =
            (0..3).map(|n| call(n * 7 * DAY, "iam", "CreateUser", "anna", &user)).collect();
        events.push(call(last, "iam", "CreateAccessKey", "anna", &user));
        events
    };
    let title = "An identity made lasting access for the first time";
    assert_eq!(loud(&pack, &history(15 * DAY)), [title]);
    assert!(loud(&pack, &history(5 * DAY)).is_empty(), "its habits are not known yet");
    let rights = |last: &str| -> Vec<Event> {
        let call = |day: i64, name: &str| call(day * DAY, "iam", name, "anna", &json!({}));
        vec![call(0, "AttachRolePolicy"), call(8, "AttachRolePolicy"), call(16, last)]
    };
    assert_eq!(
        loud(&pack, &rights("PutUserPolicy")),
        ["An identity changed rights for the first time"]
    );
    assert!(loud(&pack, &rights("AttachRolePolicy")).is_empty());
    let sign_ins = |last: &str| -> Vec<Event> {
        [(0, "203.0.113.1"), (8, "203.0.113.1"), (16, last)]
            .map(|(day, from)| sign_in(day * DAY, "anna", from, true))
            .to_vec()
    };
    assert_eq!(
        loud(&pack, &sign_ins(OUTSIDE)),
        ["Somebody signed in from an address never seen with them"]
    );
    assert!(loud(&pack, &sign_ins("203.0.113.1")).is_empty());
}

#[test]
fn ten_reads_never_made_before_are_a_search_and_nine_are_none() {
    let pack = Detections::built_in().unwrap();
    let reads = |count: i64| -> Vec<Event> {
        let read = json!({"readOnly": true});
        let mut events: Vec<Event> =
            (0..3).map(|n| call(n * 7 * DAY, "s3", "GetBucketTagging", "anna", &read)).collect();
        let late = 15 * DAY;
        events.extend(
            (0..count)
                .map(|n| call(late + n * 20, "ec2", &format!("DescribeThing{n}"), "anna", &read)),
        );
        events
    };
    assert_eq!(loud(&pack, &reads(10)), ["One identity made ten kinds of reads it had never made"]);
    assert!(loud(&pack, &reads(9)).is_empty());
}

#[test]
fn many_secrets_parameters_passwords_scripts_hosts_and_objects() {
    let pack = Detections::built_in().unwrap();
    type Case = (&'static str, &'static str, &'static str, i64, fn(i64) -> Value);
    let cases: [Case; 6] = [
        (
            "One identity read many secrets within ten minutes",
            "secretsmanager",
            "GetSecretValue",
            15,
            |n| json!({"requestParameters": {"secretId": format!("s{n}")}}),
        ),
        (
            "One identity decrypted many parameters within ten minutes",
            "ssm",
            "GetParameter",
            25,
            |n| json!({"requestParameters": {"name": format!("/p{n}"), "withDecryption": true}}),
        ),
        (
            "One identity asked many hosts for their administrator password",
            "ec2",
            "GetPasswordData",
            10,
            |n| json!({"requestParameters": {"instanceId": format!("i-{n}")}}),
        ),
        (
            "One identity read the start scripts of many hosts",
            "ec2",
            "DescribeInstanceAttribute",
            10,
            |n| json!({"requestParameters": {"instanceId": format!("i-{n}"), "attribute": "userData"}}),
        ),
        (
            "One identity pushed SSH keys to several hosts",
            "ec2-instance-connect",
            "SendSSHPublicKey",
            2,
            |n| json!({"requestParameters": {"instanceId": format!("i-{n}")}}),
        ),
        (
            "A hundred objects were deleted within five minutes",
            "s3",
            "DeleteObject",
            100,
            |n| json!({"requestParameters": {"bucketName": "b", "key": format!("k{n}")}}),
        ),
    ];
    for (title, service, name, count, more) in cases {
        let events = |count: i64| -> Vec<Event> {
            (0..count).map(|n| call(n * 2, service, name, "anna", &more(n))).collect()
        };
        assert_eq!(loud(&pack, &events(count)), [title]);
        assert!(loud(&pack, &events(count - 1)).is_empty(), "{title}: one less");
        let one = |n: i64| call(n * 2, service, name, "anna", &more(0));
        if name != "DeleteObject" {
            let same: Vec<Event> = (0..count).map(one).collect();
            assert!(loud(&pack, &same).is_empty(), "{title}: the same again and again");
        }
    }
}

/// The promise R-276: more in five minutes than at this hour of the weeks before.
#[test]
fn a_burst_of_deletions_and_of_calls_and_errors_is_told_beside_the_usual() {
    let pack = Detections::built_in().unwrap();
    let run = |name: &str, more: &Value, burst: i64| -> Vec<String> {
        // Two in the same five minutes of each of four weeks, then the burst.
        let mut events: Vec<Event> = (0..4)
            .flat_map(|week| (0..2).map(move |n| week * 7 * DAY + n))
            .map(|second| call(second, "dynamodb", name, "anna", more))
            .collect();
        let now = 28 * DAY;
        events.extend((0..burst).flat_map(|n| {
            [n, 300 + n].map(|second| call(now + second, "dynamodb", name, "anna", more))
        }));
        // History comes at once, as at the end of a first load: weeks late it would count for nothing.
        let signals = signals(&pack, &events).into_iter().flatten().collect();
        titles(at_once(&pack, signals)).into_iter().collect()
    };
    let destroyed = "One identity deletes far more than it ever does at this hour";
    assert_eq!(run("DeleteTable", &json!({}), 12), [destroyed]);
    assert!(run("DeleteTable", &json!({}), 5).is_empty());
    let called = "A call is made far more often than is usual at this hour";
    let writes = json!({"readOnly": false});
    assert_eq!(run("UpdateItem", &writes, 40), [called]);
    assert!(run("UpdateItem", &writes, 10).is_empty());
    let failed = "A call fails far more often than is usual at this hour";
    let errors = json!({"errorCode": "ThrottlingException"});
    assert_eq!(run("UpdateItem", &errors, 40), [failed]);
}

/// The promise R-168.
#[test]
fn scans_and_sweeps_of_an_own_host_are_told_and_conversations_are_not() {
    let pack = Detections::built_in().unwrap();
    let small = json!({"packets": 1, "bytes": 44, "flow_direction": "egress"});
    let ports = |count: i64, more: &Value| -> Vec<String> {
        let events: Vec<Event> = (0..count)
            .map(|n| flow(n * 3, (OWN, 40_000 + n), ("10.0.1.9", 1000 + n), more))
            .collect();
        loud(&pack, &events)
    };
    assert_eq!(ports(25, &small), ["A host tried many ports of another host"]);
    assert!(ports(24, &small).is_empty());
    assert!(ports(40, &json!({"packets": 40, "flow_direction": "egress"})).is_empty());
    let rejected = json!({"packets": 1, "action": "REJECT", "flow_direction": "egress"});
    assert_eq!(ports(10, &rejected), ["A host was rejected at many ports of another host"]);
    let hosts = |count: i64, port: i64| -> Vec<String> {
        let events: Vec<Event> = (0..count)
            .map(|n| flow(n * 3, (OWN, 40_000), (&format!("198.51.100.{n}"), port), &small))
            .collect();
        loud(&pack, &events)
    };
    assert_eq!(hosts(50, 8_081), ["A host tried one port of many hosts outside"]);
    assert!(hosts(49, 8_081).is_empty());
    // Of a port behind which one signs in, fewer are enough.
    assert_eq!(hosts(10, 22), ["A host asked many hosts outside for a way in"]);
    assert!(hosts(9, 22).is_empty());
}

#[test]
fn what_knocks_from_the_internet_is_told_where_it_gets_through() {
    let pack = Detections::built_in().unwrap();
    let probes = |open: bool| -> BTreeSet<String> {
        let events: Vec<Event> = (0..12)
            .map(|n| {
                let action = if open && n == 7 { "ACCEPT" } else { "REJECT" };
                flow(n * 20, (OUTSIDE, 40_000), (OWN, 1000 + n), &json!({"action": action}))
            })
            .collect();
        found(&pack, &events)
    };
    let weather = "An address outside tried ten ports of an own host";
    let through = "An address outside tried many ports of an own host and got through at one";
    assert_eq!(Vec::from_iter(probes(false)), [weather]);
    assert!(probes(true).contains(through));
}

#[test]
fn tries_of_passwords_on_a_remote_sign_in_by_direction_and_what_follows() {
    let pack = Detections::built_in().unwrap();
    let one = json!({"packets": 14, "bytes": 2800});
    let tries = |count: i64, from: &str, to: &str| -> Vec<Event> {
        (0..count).map(|n| flow(n * 20, (from, 40_000 + n), (to, 22), &one)).collect()
    };
    let outside = "Somebody outside tries passwords on a remote sign-in";
    let own = "An own host tries passwords on a remote sign-in";
    assert_eq!(loud(&pack, &tries(20, OUTSIDE, OWN)), [outside]);
    assert!(loud(&pack, &tries(19, OUTSIDE, OWN)).is_empty());
    assert_eq!(loud(&pack, &tries(20, OWN, "10.0.1.9")), [own]);
    let mut events = tries(20, OUTSIDE, OWN);
    let session = json!({"packets": 900, "bytes": 280_000});
    events.push(flow(500, (OUTSIDE, 50_000), (OWN, 22), &session));
    let followed = "A long connection followed upon tries of passwords from outside";
    assert!(loud(&pack, &events).contains(&followed.to_owned()));
}

/// The promise R-277.
#[test]
fn denied_bursts_thin_connections_mail_floods_and_volumes() {
    let pack = Detections::built_in().unwrap();
    let out = |more: Value| {
        let mut all = json!({"flow_direction": "egress"});
        for (key, value) in more.as_object().unwrap() {
            all[key] = value.clone();
        }
        all
    };
    let events = |count: i64, apart: i64, to: fn(i64) -> (String, i64), more: &Value| {
        let events: Vec<Event> = (0..count)
            .map(|n| {
                let (address, port) = to(n);
                flow(n * apart, (OWN, 40_000), (&address, port), more)
            })
            .collect();
        loud(&pack, &events)
    };
    let rejected = out(json!({"action": "REJECT"}));
    let inside: fn(i64) -> (String, i64) = |_| ("10.0.1.9".to_owned(), 443);
    assert_eq!(
        events(100, 2, inside, &rejected),
        ["Connections of an own host were rejected a hundred times within five minutes"]
    );
    assert!(events(99, 2, inside, &rejected).is_empty());
    let thin = out(json!({"packets": 6, "bytes": 900}));
    let pool: fn(i64) -> (String, i64) = |_| (OUTSIDE.to_owned(), 3333);
    let miner = "A host keeps a thin connection to a port of mining pools";
    assert_eq!(events(20, 60, pool, &thin), [miner]);
    assert!(events(10, 60, pool, &thin).is_empty(), "ten minutes are no habit");
    let mail: fn(i64) -> (String, i64) = |n| (format!("198.51.100.{n}"), 25);
    let spam = "A host sends mail to twenty servers within ten minutes";
    assert_eq!(events(20, 20, mail, &out(json!({}))), [spam]);
    assert!(events(19, 20, mail, &out(json!({}))).is_empty());
    let web: fn(i64) -> (String, i64) = |_| (OUTSIDE.to_owned(), 443);
    let large = out(json!({"packets": 700_000, "bytes": 1_000_000_000_i64}));
    assert_eq!(
        events(10, 300, web, &large),
        ["A host sent ten gigabytes to the internet within an hour"]
    );
    assert!(events(9, 300, web, &large).is_empty());
    let flood = out(json!({"protocol": 17, "packets": 250_000, "bytes": 15_000_000}));
    assert_eq!(events(4, 60, web, &flood), ["A host floods an address outside"]);
}

#[test]
fn a_port_never_used_before_is_told_after_two_weeks() {
    let pack = Detections::built_in().unwrap();
    let flows = |last: i64| -> Vec<Event> {
        let out = json!({"flow_direction": "egress"});
        [(0, 443), (8, 443), (16, last)]
            .map(|(day, port)| flow(day * DAY, (OWN, 40_000), (OUTSIDE, port), &out))
            .to_vec()
    };
    assert_eq!(
        loud(&pack, &flows(8443)),
        ["A host uses a port to the internet that it never used"]
    );
    assert!(loud(&pack, &flows(443)).is_empty());
}

/// The promise R-164, for names.
#[test]
fn a_hundred_long_names_are_a_tunnel() {
    let pack = Detections::built_in().unwrap();
    let asked = |count: i64, name: fn(i64) -> String| -> Vec<String> {
        let events: Vec<Event> = (0..count)
            .map(|n| {
                let record = json!({
                    "version": "1.1", "account_id": "111122223333", "region": "eu-west-1",
                    "query_timestamp": "2023-11-14T22:13:20Z", "query_name": name(n),
                    "query_type": "TXT", "rcode": "NOERROR", "srcaddr": OWN,
                    "srcids": {"instance": "i-0123456789abcdef0"},
                });
                (n * 3, "resolver", record)
            })
            .collect();
        loud(&pack, &events)
    };
    let title = "A host asked for a hundred different long names within ten minutes";
    assert_eq!(asked(100, |n| format!("68656c6c6f20776f726c6420{n:08}.x.example.com.")), [title]);
    assert!(asked(99, |n| format!("68656c6c6f20776f726c6420{n:08}.x.example.com.")).is_empty());
    assert!(asked(200, |n| format!("host{n}.example.com.")).is_empty());
}
