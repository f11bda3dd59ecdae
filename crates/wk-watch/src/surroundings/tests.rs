use core::net::IpAddr;

use wk_lang::json::Tape;
use wk_lang::sigma::{FieldPath, Record};
use wk_model::{Row, Timestamp};

use super::asks::Asks;
use super::names::{Domain, Session, allows_everything, is_private, is_service};
use super::record::InSurroundings;
use super::*;
use crate::detect::Detections;
use crate::lists::{Format, ListSpec};
use crate::sources::{self, Source};
use crate::stateful::{Happened, signals_of};

const SESSION: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0123456789abcdef0","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0","accountId":"111122223333"},"eventTime":"2024-02-15T14:23:00Z","eventSource":"iam.amazonaws.com","eventName":"PutUserPolicy","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","requestParameters":{"policyDocument":"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":[\"*\"],\"Resource\":\"*\"}}"},"responseElements":null,"eventID":"e-1","eventType":"AwsApiCall","recipientAccountId":"111122223333","wk":{"source":{"country":"XX","lists":"mine"}},"wk.source.asn":"666"}"#;

fn source(id: &str) -> &'static Source {
    sources::ALL.iter().find(|source| source.id == id).unwrap()
}

fn surroundings() -> Surroundings {
    let now = Timestamp::from_seconds(1_700_000_000);
    let list = |name: &str, text: &str| {
        let spec = ListSpec::new(name, name, Format::Plain);
        crate::lists::read(&spec, text.as_bytes(), now, now).unwrap()
    };
    let lists = [
        list("tor_exits", "198.51.100.0/24\n"),
        list("bad_domains", "evil.example\n"),
        list("bad_addresses", "203.0.113.9\n2001:db8::/32\n"),
    ];
    Surroundings::new(Places::none(), &lists)
}

/// A field of a record: of which no row is at hand, as when records are only counted.
fn field(source: &'static Source, record: &str, name: &str) -> String {
    let (surroundings, asks, mut tape) = (surroundings(), Asks::default(), Tape::new());
    let record = tape.parse(record).unwrap();
    let record = InSurroundings::new(&surroundings, &asks, source, (None, Some(record), None));
    let mut texts = Vec::new();
    record.field(&FieldPath::new(name)).each_text(&mut |text| texts.push(text.to_owned()));
    texts.join(" ")
}

#[test]
fn a_session_of_a_role_is_known_by_role_name_and_instance() {
    let cloudtrail = source("cloudtrail");
    let of = |name: &str| field(cloudtrail, SESSION, name);
    assert_eq!(of("wk.session.role"), "web");
    assert_eq!(of("wk.session.name"), "i-0123456789abcdef0");
    assert_eq!(of("wk.session.instance"), "i-0123456789abcdef0");
    assert_eq!(of("eventName"), "PutUserPolicy");
    for (arn, instance) in [
        ("arn:aws:sts::1:assumed-role/web/i-0123abcd", Some("i-0123abcd")),
        ("arn:aws:sts::1:assumed-role/web/i-0123abc", None),
        ("arn:aws:sts::1:assumed-role/web/I-0123ABCD", None),
        ("arn:aws:sts::1:assumed-role/web/deploy", None),
    ] {
        assert_eq!(Session::of(arn).unwrap().instance(), instance, "{arn}");
    }
    for arn in
        ["arn:aws:iam::1:user/ann", "x:assumed-role/a/b", "arn:aws:sts::1:assumed-role/a", ""]
    {
        assert_eq!(Session::of(arn), None, "{arn}");
    }
    // A record that shows no more than a rule asks for.
    assert_eq!(field(cloudtrail, r#"{"sourceIPAddress":"10.0.0.1"}"#, "wk.source.private"), "true");
    let arn = r#"{"userIdentity":{"arn":"arn:aws:sts::1:assumed-role/a/b"}}"#;
    assert_eq!(field(cloudtrail, arn, "wk.session.role"), "a");
}

#[test]
fn what_somebody_wrote_into_a_record_is_not_taken_for_what_is_known() {
    let cloudtrail = source("cloudtrail");
    for name in ["wk.source.country", "wk.source.asn"] {
        assert_eq!(field(cloudtrail, SESSION, name), "", "{name}");
    }
    assert_eq!(field(cloudtrail, SESSION, "wk.source.lists"), "tor_exits");
}

#[test]
fn addresses_of_no_internet_and_names_of_services_are_told_apart() {
    for address in [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.10.20",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.169.254",
        "127.0.0.1",
        "0.0.0.0",
        "203.0.113.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(is_private(address.parse::<IpAddr>().unwrap()), "{address}");
    }
    for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2600:1f18::1", "::ffff:8.8.8.8"] {
        assert!(!is_private(address.parse::<IpAddr>().unwrap()), "{address}");
    }
    assert!(is_service("ec2.amazonaws.com") && is_service("AWS Internal"));
    assert!(!is_service("198.51.100.7") && !is_service("ec2.amazonaws.com.evil.example"));
    let of = |address: &str, name: &str| {
        let record = SESSION.replace("198.51.100.7", address);
        field(source("cloudtrail"), &record, name)
    };
    assert_eq!(of("ec2.amazonaws.com", "wk.source.service"), "true");
    assert_eq!(of("8.8.8.8", "wk.source.service"), "false");
    assert_eq!(of("ec2.amazonaws.com", "wk.source.private"), "");
    assert_eq!(of("2001:db8:1::1", "wk.source.lists"), "bad_addresses");
    assert_eq!(of("8.8.8.8", "wk.source.lists"), "");
}

#[test]
fn domains_are_taken_apart() {
    for (name, registered, bytes, entropy) in [
        ("www.Example.COM.", "example.com", 3, 0.0),
        ("example.com", "example.com", 0, 0.0),
        ("a.b.example.co.uk.", "example.co.uk", 2, 1.0),
        ("abcd.efgh.evil.example", "evil.example", 8, 3.0),
        ("localhost", "localhost", 0, 0.0),
        ("co.uk", "co.uk", 0, 0.0),
    ] {
        let domain = Domain::of(name).unwrap();
        assert_eq!(
            (domain.registered(), domain.label_bytes, domain.entropy),
            (registered, bytes, entropy),
            "{name}"
        );
    }
    assert_eq!((Domain::of("."), Domain::of(""), Domain::of(&"a".repeat(300))), (None, None, None));
    let query = r#"{"version":"1.1","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":"2024-02-15T14:23:00Z","query_name":"c2.Evil.example.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[],"srcaddr":"10.0.0.5","srcport":"5353","transport":"UDP","srcids":{"instance":"i-0123456789abcdef0"}}"#;
    let of = |name: &str| field(source("resolver"), query, name);
    assert_eq!(of("wk.domain.name"), "c2.evil.example");
    assert_eq!(of("wk.domain.registered"), "evil.example");
    assert_eq!(of("wk.domain.lists"), "bad_domains");
    assert_eq!((of("wk.domain.label_bytes"), of("wk.domain.entropy")), ("2".into(), "1".into()));
    assert_eq!(of("wk.source.private"), "true");
}

#[test]
fn a_policy_that_allows_everything_is_seen_in_the_request() {
    let judged = |request: &str| {
        let text = format!(r#"{{"requestParameters":{request}}}"#);
        allows_everything(Tape::new().parse(&text).unwrap())
    };
    let document = |statement: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        judged(&format!(r#"{{"policyDocument":{}}}"#, serde_json::Value::from(text)))
    };
    assert_eq!(document(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#), Some(true));
    assert_eq!(
        document(
            r#"[{"Effect":"Deny"},{"Effect":"Allow","Action":["s3:Get*","*:*"],"Resource":["*"]}]"#
        ),
        Some(true)
    );
    assert_eq!(document(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#), Some(false));
    assert_eq!(document(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#), Some(false));
    assert_eq!(
        document(r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"}"#),
        Some(false)
    );
    assert_eq!(judged(r#"{"userName":"x"}"#), None);
    assert_eq!(judged(r#"{"policyDocument":"not json"}"#), None);
    assert_eq!(field(source("cloudtrail"), SESSION, "wk.policy.admin"), "true");
}

const RULES: &str = "title: By Tor
id: 00000000-0000-0000-0000-00000000000a
name: by_tor
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventSource: iam.amazonaws.com, wk.source.lists: tor_exits, wk.policy.admin: true}
  condition: s
watchkeeper: {resource: [wk.session.instance]}
---
title: Often
id: 00000000-0000-0000-0000-00000000000b
correlation:
  type: value_count
  rules: [by_tor]
  group-by: [wk.session.role, eventSource]
  timespan: 10m
  condition: {gte: 2, field: wk.session.name}
";

fn rules(text: &str) -> (Detections, Vec<String>) {
    let (rules, bad) = Detections::read([("mine.yml".to_owned(), text.to_owned())].into_iter());
    let bad = bad.iter().map(ToString::to_string).collect();
    (rules.with_surroundings(surroundings()), bad)
}

#[test]
fn rules_over_one_event_and_over_several_ask_for_what_is_known() {
    let (rules, bad) = rules(RULES);
    assert_eq!(bad, Vec::<String>::new());
    let cloudtrail = source("cloudtrail");
    let mut tape = Tape::new();
    let record = tape.parse(SESSION).unwrap();
    let mut matching = Vec::new();
    rules.matches(cloudtrail, record, &mut matching);
    assert_eq!(matching, [0]);
    let context = crate::sources::Context {
        uri: "",
        modified: Timestamp::default(),
        settings: &Settings::default(),
        metadata: &[],
        envelope: crate::sources::Envelope::default(),
    };
    let row: Row<'_> = (cloudtrail.json.as_ref().unwrap().read)(record, &context).unwrap();
    rules.run(cloudtrail, &row, Some(record), &mut matching, &mut |_| {
        panic!("a part of a correlation of its own file tells of nothing");
    });
    assert_eq!(matching, [0]);
    let time = Timestamp::from_seconds(1_708_006_980);
    let event = Happened { time, id: "e-1", record: SESSION };
    let (signals, _) = signals_of(&rules, cloudtrail, event).unwrap();
    let key = &signals[0].key;
    assert!(key.contains("web") && key.contains("iam.amazonaws.com"), "{key}");
    let seen = format!("{:?}", signals[0].seen);
    assert!(seen.contains("i-0123456789abcdef0"), "{seen}");
    let elsewhere = SESSION.replace("198.51.100.7", "8.8.8.8");
    let event = Happened { time, id: "e-2", record: &elsewhere };
    assert!(signals_of(&rules, cloudtrail, event).unwrap().0.is_empty());
}

/// The example of the guide.
#[test]
fn credentials_of_an_instance_are_told_where_they_are_used_elsewhere() {
    let text = "title: t
logsource: {product: aws, service: cloudtrail}
detection:
  instance_elsewhere:
    wk.session.instance|exists: true
    wk.source.service: false
  known:
    wk.source.lists: [own_addresses, aws_addresses, bad_addresses]
  condition: instance_elsewhere and not known
";
    let (rules, bad) = rules(text);
    assert_eq!(bad, Vec::<String>::new());
    let fires = |record: &str| {
        let (mut tape, mut matching) = (Tape::new(), Vec::new());
        rules.matches(source("cloudtrail"), tape.parse(record).unwrap(), &mut matching);
        !matching.is_empty()
    };
    assert!(fires(SESSION));
    assert!(!fires(&SESSION.replace("198.51.100.7", "203.0.113.9")), "its address is known");
    assert!(!fires(&SESSION.replace("198.51.100.7", "ec2.amazonaws.com")), "AWS calls for it");
    assert!(!fires(&SESSION.replace("i-0123456789abcdef0", "deploy")), "it is of no instance");
}

#[test]
fn what_rules_ask_and_nothing_can_answer_is_told() {
    let text = RULES.replace("wk.policy.admin: true", "wk.source.country: DE");
    let text = text.replace("wk.session.name", "wk.source.asn");
    let (rules, _) = rules(&text);
    assert_eq!(rules.unanswered(), ["wk.source.asn", "wk.source.country"]);
    let rules = rules.with_surroundings(Surroundings::none());
    assert_eq!(rules.unanswered(), ["wk.source.asn", "wk.source.country", "wk.source.lists"]);
    // Who asks for nothing is not looked at.
    let (plain, _) =
        self::rules("title: t\nlogsource: {product: aws}\ndetection: {s: {a: b}, condition: s}\n");
    assert!(plain.unanswered().is_empty());
}

#[test]
fn sightings_show_what_was_known() {
    let single = RULES.split("---").next().unwrap();
    let (rules, _) = rules(single);
    let cloudtrail = source("cloudtrail");
    let mut tape = Tape::new();
    let record = tape.parse(SESSION).unwrap();
    let mut row = Row::new(cloudtrail.table, SESSION);
    row.source_ip = Some("198.51.100.7".into());
    row.actor = Some("arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0".into());
    let mut seen = Vec::new();
    rules.run(cloudtrail, &row, Some(record), &mut Vec::new(), &mut |sighting| seen.push(sighting));
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].resources, ["i-0123456789abcdef0"]);
    let matched: Vec<String> =
        seen[0].grounds.matched.iter().map(|m| format!("{}={}", m.field, m.value)).collect();
    assert!(matched.contains(&"wk.source.lists=tor_exits".to_owned()), "{matched:?}");
}

#[test]
fn rules_over_rows_of_text_logs_ask_for_it_too() {
    let text = "title: t
id: 00000000-0000-0000-0000-00000000000c
name: flow
logsource: {product: aws, service: vpcflow}
detection: {s: {wk.source.private: true, dstport: 22}, condition: s}
---
title: many
id: 00000000-0000-0000-0000-00000000000d
correlation: {type: event_count, rules: [flow], group-by: [wk.source.lists, dstaddr], timespan: 5m, condition: {gte: 2}}
";
    let (rules, bad) = rules(text);
    assert_eq!(bad, Vec::<String>::new());
    let flow = source("vpcflow");
    let mut row = Row::new(flow.table, "raw");
    row.source_ip = Some("203.0.113.9".into());
    row.time = Some(Timestamp::from_seconds(1_708_006_980));
    for (name, value) in [("dstport", "22"), ("dstaddr", "192.0.2.80")] {
        let alias = flow.table.aliases.iter().find(|(alias, _)| *alias == name);
        let column = alias.map_or(name, |(_, column)| column);
        row.read(flow.table.index(column).unwrap(), value);
    }
    let mut matching = Vec::new();
    rules.run(flow, &row, None, &mut matching, &mut |_| {});
    assert_eq!(matching, [0]);
    let at = crate::stateful::MarkedRow { row: 0, origin: wk_model::finding::Origin::Live };
    let mut marks = crate::stateful::Marks::default();
    rules.mark(&row, None, &matching, at, &mut marks);
    let time = row.time.unwrap();
    let mut builder = crate::columns::TableBuilder::new(flow.table);
    let place = crate::columns::Place { delivered: time, received: time, object: "o", ordinal: 0 };
    builder.append(&row, time, &place);
    let batch = builder.finish(time).unwrap();
    let signals = marks.signals(rules.stateful(), &batch, flow.table.name, None);
    assert!(
        signals[0].key.contains("bad_addresses") && signals[0].key.contains("192.0.2.80"),
        "{signals:?}"
    );
}

#[test]
fn a_field_of_ours_that_there_is_not_is_refused_with_the_nearest() {
    for (before, after, told) in [
        (
            "wk.source.lists: tor",
            "wk.source.list: tor",
            "\"wk.source.list\" is not known; did you mean wk.source.lists?",
        ),
        ("[wk.session.instance]", "[wk.session.instanc]", "wk.session.instanc"),
        ("[wk.session.role, ", "[wk.session.rolle, ", "wk.session.rolle"),
        ("field: wk.session.name", "field: wk.session.nam", "wk.session.nam"),
    ] {
        let text = RULES.replace(before, after);
        assert_ne!(text, RULES);
        let (_, bad) = rules(&text);
        assert!(
            bad.iter().any(|bad| bad.starts_with("mine.yml:") && bad.contains(told)),
            "{bad:?}"
        );
    }
    assert!(is_unknown("wk.x") && !is_unknown("wk.source.asn") && !is_unknown("eventName"));
    // What is known is no error where the fields of records are looked at.
    let said = crate::lint::lint(&[("mine.yml".to_owned(), RULES.to_owned())]);
    assert!(!said.iter().any(|said| said.say.contains("wk.")), "{said:?}");
    assert!(FIELDS.is_sorted_by_key(|known| known.name));
}

#[test]
fn texts_of_any_kind_come_through_json_unchanged() {
    let (surroundings, asks, mut tape) = (surroundings(), Asks::default(), Tape::new());
    let record =
        tape.parse(r#"{"a":"\"\\\u0001\n ü","b":[1,{"c":null}],"d":true,"e":null}"#).unwrap();
    let around =
        InSurroundings::new(&surroundings, &asks, source("cloudtrail"), (None, Some(record), None));
    let names: Vec<FieldPath> =
        ["a", "b", "b.c", "d", "e", "f", "wk.source.asn"].map(FieldPath::new).into();
    let json = as_json(&around, &names);
    let mut other = Tape::new();
    let again = other.parse(&json).unwrap();
    for path in &names {
        let texts = |record: &dyn Record| {
            let mut texts = Vec::new();
            record.field(path).each_text(&mut |text| texts.push(text.to_owned()));
            texts
        };
        assert_eq!(texts(&around), texts(&again), "{}", path.as_str());
    }
}
