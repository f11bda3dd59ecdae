//! Lists and places of the user reach the rules.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::notify::now;
use crate::program::{Ended, Home};
use crate::service::Running;

const RULE: &str = "
title: A call came by Tor
id: 2f2f2f2f-0000-4000-8000-000000000001
logsource: {product: aws, service: cloudtrail}
detection:
  by_tor: {sourceIPAddress|cidr|expand: '%tor_exits%'}
  condition: by_tor
level: high
---
title: A call came from an address on a list
id: 2f2f2f2f-0000-4000-8000-000000000002
logsource: {product: aws, service: cloudtrail}
detection:
  listed: {wk.source.lists: tor_exits}
  condition: listed
level: high
";

fn record(id: u8, from: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-{id:012}","eventTime":"2024-02-14T10:00:{id:02}Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeHosts","awsRegion":"eu-west-1","sourceIPAddress":"{from}","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/operator"}}}}"#
    )
}

fn home(config: &str) -> Home {
    let home = Home::new();
    for folder in ["rules", "lists"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    fs::write(home.path().join("rules/tor.yml"), RULE).unwrap();
    fs::write(home.path().join("lists/tor.txt"), "192.0.2.7 # seen\nnot an address\n").unwrap();
    fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

fn titles(home: &Home) -> Vec<String> {
    let ended = home.run(["findings", "list", "--rule", "A call came", "--json"]);
    let found: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    found.iter().map(|f| f["title"].as_str().unwrap().to_owned()).collect()
}

fn read(home: &Home) -> Ended {
    let lines = [record(1, "192.0.2.7"), record(2, "192.0.2.8")].join("\n");
    let file = home.path().join("calls.jsonl");
    fs::write(&file, lines).unwrap();
    home.run(["ingest", file.to_str().unwrap()])
}

#[test]
fn a_list_of_the_user_reaches_rules_and_an_expired_one_matches_nothing() {
    let list = "[[list]]\nname = 'tor_exits'\nfile = 'lists/tor.txt'\n";
    let with = home(list);
    assert_eq!(read(&with).code, Some(0));
    assert_eq!(titles(&with).len(), 3, "one call, by two rules of the pack and the user's");
    let shown = with.run(["list", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.out.contains("tor_exits") && shown.out.contains("1 left out"), "{shown:?}");

    let expired = home(&format!("{list}expires = '2020-01-01'\n"));
    let ended = read(&expired);
    assert!(ended.err.contains("EXPIRED"), "{ended:?}");
    assert!(titles(&expired).is_empty());
    assert_eq!(expired.run(["list", "show"]).code, Some(4));

    let missing = home(
        "[[list]]\nname = 'tor_exits'\nfile = 'lists/none.txt'\n[places]\ndatabases = ['none.mmdb']\n",
    );
    let ended = read(&missing);
    for file in ["lists/none.txt", "none.mmdb"] {
        assert!(ended.err.contains(file), "{file}: {ended:?}");
    }
}

const HOST: &str = "i-0123456789abcdef0";

fn ago(minutes: i64) -> String {
    now().plus_seconds(-minutes * 60).to_string()
}

/// An answer to our own inventory.
fn answer(operation: &str, page: &Value) -> String {
    json!({
        "captureId": format!("{:x}", operation.len()), "run": "r1", "service": "ec2",
        "operation": operation, "parameters": {}, "account": "111122223333", "region": "eu-west-1",
        "capturedAt": ago(120), "principal": "arn:aws:iam::111122223333:role/reader",
        "requestIds": ["q"], "outcome": "answered", "answer": [page],
        "answerSha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    })
    .to_string()
}

/// The host calls from an address; each call has another event id.
fn call_of_host(id: u8, from: &str, minutes: i64) -> String {
    let arn = format!("arn:aws:sts::111122223333:assumed-role/web/{HOST}");
    json!({
        "eventVersion": "1.08", "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "eventTime": ago(minutes), "eventSource": "ec2.amazonaws.com", "eventName": "DescribeHosts",
        "eventType": "AwsApiCall", "awsRegion": "eu-west-1", "sourceIPAddress": from,
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "arn": arn},
    })
    .to_string()
}

fn ingest(home: &Home, name: &str, lines: &[String], more: &[&str]) {
    let file = home.path().join(name);
    fs::write(&file, lines.join("\n")).unwrap();
    let ended = home.run(["ingest", file.to_str().unwrap()].iter().chain(more));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// The answers of AWS and the items of AWS Config say by which addresses a host goes out; a call from
/// elsewhere is told at once, though the thief called first, and his address never becomes an own one.
#[test]
fn slow_what_is_ours_comes_from_inventory_and_config_and_never_from_use() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let nothing = home.run(["list", "own", "--refresh"]);
    assert!(nothing.code == Some(4) && nothing.out.contains("says nothing"), "{nothing:?}");

    let instance = json!({"Reservations": [{"Instances": [{
        "InstanceId": HOST, "VpcId": "vpc-1", "LaunchTime": ago(10_000), "State": {"Name": "running"},
        "PublicIpAddress": "198.51.100.5",
    }]}]});
    let gateway = json!({"NatGateways": [{"NatGatewayId": "nat-1", "VpcId": "vpc-1",
        "State": "available", "NatGatewayAddresses": [{"PublicIp": "198.51.100.7"}]}]});
    let answers = [answer("DescribeInstances", &instance), answer("DescribeNatGateways", &gateway)];
    ingest(&home, "answers.ndjson", &answers, &["--source", "inventory"]);
    let item = |id: &str, status: &str, address: &str, minutes: i64| {
        json!({
            "version": "1.3", "accountId": "444455556666", "configurationItemStatus": status,
            "configurationItemCaptureTime": ago(minutes), "configurationStateId": minutes,
            "resourceType": "AWS::EC2::EIP", "resourceId": id, "awsRegion": "eu-west-1",
            "configuration": {"publicIp": address, "allocationId": id},
        })
        .to_string()
    };
    let items = [
        item("eipalloc-1", "OK", "198.51.100.40", 300),
        item("eipalloc-2", "OK", "198.51.100.41", 300),
        item("eipalloc-2", "ResourceDeleted", "198.51.100.41", 200),
    ];
    ingest(&home, "items.ndjson", &items, &[]);
    // The thief is there before the host is.
    ingest(&home, "stolen.ndjson", &[call_of_host(1, "203.0.113.66", 100)], &[]);

    let shown = home.run(["list", "own", "--refresh", "--json"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let own: Value = serde_json::from_str(&shown.out).unwrap();
    let keys = |of: &str| own[of].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys("addresses"), ["198.51.100.5", "198.51.100.7", "198.51.100.40"], "{own:#}");
    assert_eq!(keys("accounts"), ["444455556666"], "{own:#}");
    assert_eq!(own["addresses"]["198.51.100.40"]["by"], "AWS::EC2::EIP");
    assert_eq!(own["hosts"][HOST]["addresses"], json!(["198.51.100.5", "198.51.100.7"]));
    let listed = home.run(["list", "show"]);
    assert!(listed.out.contains("own_addresses  3"), "{}", listed.out);

    let calls = [
        call_of_host(2, "203.0.113.66", 90),
        call_of_host(3, "198.51.100.5", 80),
        call_of_host(4, "198.51.100.7", 70),
    ];
    ingest(&home, "calls.ndjson", &calls, &[]);
    let ended = home.run(["findings", "list", "--rule", "Credentials of an instance", "--json"]);
    let found: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    let titles: Vec<&str> = found.iter().map(|f| f["title"].as_str().unwrap()).collect();
    assert_eq!(
        titles,
        ["Credentials of an instance were used from an address that is none of ours"],
        "{found:#?}"
    );
    assert_eq!(found[0]["count"], 1, "only the call since it is known what is ours");
}

/// A file appears in a watched folder as programs put it there, and is committed.
fn deliver(service: &mut Running, folder: &Path, id: u8, from: &str, handled: f64) {
    fs::write(folder.join(".coming"), record(id, from)).unwrap();
    fs::rename(folder.join(".coming"), folder.join(format!("{id}.jsonl"))).unwrap();
    service.reaches("watchkeeper_objects_total", handled);
}

/// The service reads a changed list without being begun again; one that cannot be read takes nothing
/// away.
#[test]
fn slow_a_list_that_changes_while_the_service_runs_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let with = home(&format!(
        "[service]\nlisten = '127.0.0.1:0'\ngather_seconds = 0\n[[folder]]\npath = '{}'\n\
         settle_seconds = 0\npoll_seconds = 1\n[[list]]\nname = 'tor_exits'\nfile = 'lists/tor.txt'\n",
        folder.path().display()
    ));
    let list = with.path().join("lists/tor.txt");
    let mut service = Running::at(&with);
    deliver(&mut service, folder.path(), 1, "192.0.2.7", 1.0);
    deliver(&mut service, folder.path(), 2, "192.0.2.9", 2.0);
    fs::write(&list, "192.0.2.7\n192.0.2.9\n").unwrap();
    let reloaded =
        |became: &str| format!("watchkeeper_rules_reloaded_total{{became=\"{became}\"}}");
    service.reaches(&reloaded("taken"), 1.0);
    deliver(&mut service, folder.path(), 3, "192.0.2.9", 3.0);
    fs::remove_file(&list).unwrap();
    service.reaches(&reloaded("refused"), 1.0);
    deliver(&mut service, folder.path(), 4, "192.0.2.9", 4.0);
    assert_eq!(service.stop().0, Some(0));

    let asked = ["findings", "list", "--rule", "on a list", "--json"];
    let found: Vec<Value> = serde_json::from_str(&with.run(asked).out).unwrap();
    let mut events: Vec<&str> = found
        .iter()
        .flat_map(|f| f["events"].as_array().unwrap())
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    events.sort_unstable();
    let id = |n: u8| format!("00000000-0000-4000-8000-{n:012}");
    assert_eq!(events, [id(1), id(3), id(4)], "{found:#?}");
    let changes = with.run(["detect", "changes"]);
    assert!(changes.out.contains("the lists that rules ask"), "{}", changes.out);
}

/// What a finding rests on can be told apart by the lists that held then.
#[test]
fn slow_the_hash_of_a_findings_rules_holds_the_lists() {
    let hash_with = |entries: &str| {
        let with = home("[[list]]\nname = 'tor_exits'\nfile = 'lists/tor.txt'\n");
        fs::write(with.path().join("lists/tor.txt"), entries).unwrap();
        assert_eq!(read(&with).code, Some(0));
        let ended = with.run(["findings", "list", "--rule", "on a list", "--json"]);
        let found: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
        found[0]["ruleset"].as_str().unwrap().to_owned()
    };
    let one = hash_with("192.0.2.7\n");
    assert_eq!(one, hash_with("192.0.2.7\n"));
    assert_ne!(one, hash_with("192.0.2.7\n203.0.113.99\n"));
}
