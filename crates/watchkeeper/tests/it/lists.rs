//! Lists and places of the user reach the rules.

use std::fs;

use serde_json::Value;

use crate::program::{Ended, Home};

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
