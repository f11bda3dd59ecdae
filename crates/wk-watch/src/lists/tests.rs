use proptest::prelude::*;
use wk_lang::json::Tape;
use wk_lang::sigma::{LogSource, RuleSet, read_rules_with};
use wk_model::Timestamp;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn load(spec: &ListSpec, text: &str) -> Loaded {
    read(spec, text.as_bytes(), NOW.plus_seconds(-7_200), NOW).unwrap()
}

fn spec(format: Format, kind: Kind) -> ListSpec {
    ListSpec { kind: Some(kind), ..ListSpec::new("mine", "mine.txt", format) }
}

fn values(loaded: &Loaded) -> String {
    let one = |entry: &Entry| match &entry.value {
        Value::Network(network) => network.to_string(),
        Value::Domain(text) | Value::Text(text) => text.clone(),
    };
    loaded.entries.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn left_out(loaded: &Loaded) -> Vec<String> {
    loaded.left_out.iter().map(ToString::to_string).collect()
}

#[test]
fn plain_lists_have_an_entry_a_line_and_comments() {
    let text = "\u{feff}# exits\r\n192.0.2.7\n\n 198.51.100.9/24 # a net\nnonsense\n2001:DB8::1\n192.0.2.7\n::ffff:203.0.113.5\n0.0.0.0/0\n10.0.0.0/33\n";
    let loaded = load(&spec(Format::Plain, Kind::Address), text);
    assert_eq!(values(&loaded), "192.0.2.7 198.51.100.0/24 2001:db8::1 203.0.113.5");
    assert_eq!(
        left_out(&loaded),
        [
            "line 5: \"nonsense\" is not an address or network such as 192.0.2.0/24",
            "line 9: \"0.0.0.0/0\" is a wider network than is taken from a list",
            "line 10: \"10.0.0.0/33\" is not an address or network such as 192.0.2.0/24",
        ]
    );
    assert_eq!((loaded.age_hours, loaded.state), (2, State::Fresh));
    let guessed = load(&ListSpec::new("x", "x", Format::Plain), "192.0.2.1\n192.0.2.2\n");
    assert_eq!(guessed.kind, Kind::Address);
    let guessed = load(&ListSpec::new("x", "x", Format::Plain), "192.0.2.1\nann\n");
    assert_eq!((guessed.kind, values(&guessed).as_str()), (Kind::Text, "192.0.2.1 ann"));
    let standard = load(&ListSpec::new("own_accounts", "x", Format::Plain), "000000000001\n");
    assert_eq!((standard.kind, values(&standard).as_str()), (Kind::Text, "000000000001"));
}

#[test]
fn columns_of_csv_are_found_by_name() {
    let spec = ListSpec { column: Some("IP".into()), ..spec(Format::Csv, Kind::Address) };
    let text = "# made by hand\nname,ip\n\"a, b\",192.0.2.1\n\"two\nlines \"\"x\"\"\",192.0.2.2\nonly\n\nc,x\n";
    let loaded = load(&spec, text);
    assert_eq!(values(&loaded), "192.0.2.1 192.0.2.2");
    assert_eq!(
        left_out(&loaded),
        [
            "line 6: \"only\" has no such column",
            "line 8: \"x\" is not an address or network such as 192.0.2.0/24",
        ]
    );
    let commented = "# id, \"ip\"\n1,192.0.2.9\n# 2,192.0.2.10\n";
    assert_eq!(values(&load(&spec, commented)), "192.0.2.9");
    let missing = read(&spec, b"a,b\n1,2\n", NOW, NOW).unwrap_err().to_string();
    assert!(missing.contains("no column \"IP\"; its columns are: a, b"), "{missing}");
}

#[test]
fn networks_of_aws_are_filtered_and_merged() {
    let text = r#"{"syncToken":"1","prefixes":[
      {"ip_prefix":"203.0.113.0/25","region":"eu-west-1","service":"AMAZON"},
      {"ip_prefix":"203.0.113.0/25","region":"eu-west-1","service":"EC2"},
      {"ip_prefix":"203.0.113.128/25","region":"eu-west-1","service":"EC2"},
      {"ip_prefix":"203.0.113.16/28","region":"us-east-1","service":"S3"},{"region":"x"}],
      "ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/33","region":"GLOBAL","service":"AMAZON"}]}"#;
    let list = ListSpec::new("aws_addresses", "ip-ranges.json", Format::AwsIpRanges);
    let all = load(&list, text);
    let (lists, told) = for_rules(std::slice::from_ref(&all));
    assert!(told.is_empty());
    assert_eq!(matching(&lists, "%aws_addresses%", "203.0.113.200"), 1);
    assert_eq!(matching(&lists, "%aws_addresses%", "198.51.100.1"), 0);
    let merged: Vec<String> = all.addresses().networks().iter().map(|n| n.to_string()).collect();
    assert_eq!(merged, ["203.0.113.0/24", "2001:db8::/33"]);
    assert_eq!(all.left_out_count.values().sum::<u64>(), 1);
    let some = ListSpec { services: vec!["S3".into()], regions: vec!["us-east-1".into()], ..list };
    assert_eq!(values(&load(&some, text)), "203.0.113.16/28");
}

#[test]
fn indicators_of_stix_are_taken_where_they_are_a_choice_of_values() {
    let indicator = |n: u8, pattern: &str, more: &str| {
        let pattern = pattern.replace('\\', r"\\");
        format!(
            r#"{{"type":"indicator","id":"indicator--{n}","pattern":"{pattern}","pattern_type":"stix"{more}}}"#
        )
    };
    let objects = [
        indicator(
            1,
            "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value ISSUBSET '198.51.100.0/24']",
            r#","valid_until":"2030-01-01T00:00:00Z""#,
        ),
        indicator(
            2,
            "[ipv6-addr:value='2001:db8::1'] OR [domain-name:value = 'EVIL.example.']",
            "",
        ),
        indicator(3, "[ipv4-addr:value = '192.0.2.3']", r#","valid_until":"2020-01-01T00:00:00Z""#),
        indicator(4, "[ipv4-addr:value = '192.0.2.4']", r#","revoked":true"#),
        indicator(5, "[ipv4-addr:value = '192.0.2.5' AND domain-name:value = 'a.example']", ""),
        indicator(
            6,
            "[ipv4-addr:value = '192.0.2.6'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.7']",
            "",
        ),
        indicator(
            7,
            "[file:hashes.'SHA-256' = 'abc' OR url:value = 'http://a.example/?q=\\'x']",
            "",
        ),
        indicator(8, "[ipv4-addr:value = '192.0.2.8", ""),
        indicator(9, "[ipv4-addr:value = '192.0.2.9']", r#","valid_from":"2040-01-01T00:00:00Z""#),
        r#"{"type":"malware","name":"x"}"#.to_owned(),
    ];
    let text = format!(r#"{{"type":"bundle","objects":[{}]}}"#, objects.join(","));
    let loaded = load(&spec(Format::Stix, Kind::Address), &text);
    assert_eq!(values(&loaded), "192.0.2.1 198.51.100.0/24 2001:db8::1");
    assert_eq!(loaded.entries[0].reference.as_deref(), Some("indicator--1"));
    assert_eq!(loaded.entries[0].expires, Some(Timestamp::parse("2030-01-01T00:00:00Z").unwrap()));
    let told = left_out(&loaded).join("\n");
    for reason in [
        "object 3: \"[ipv4-addr:value = '192.0.2.3']\" is expired",
        "is expired",
        "object 4: \"[ipv4-addr:value = '192.0.2.4']\" is revoked",
        "more than a choice of values",
        "whose text does not end",
        "is not valid yet",
        "\"EVIL.example.\" is of another kind",
    ] {
        let reason = reason.replace("\"[ipv4-addr:value = '192.0.2.3']\"", "\"192.0.2.3\"");
        assert!(told.contains(&reason), "{reason} is not in\n{told}");
    }
    assert_eq!(values(&load(&spec(Format::Stix, Kind::Domain), &text)), "evil.example");
    let texts = load(&spec(Format::Stix, Kind::Text), &text);
    assert_eq!(values(&texts), "abc http://a.example/?q='x");
    let (lists, _) = for_rules(&[texts]);
    assert_eq!(matching_text(&lists, "%mine%", "http://a.example/?q='x"), 1);
    assert_eq!(matching_text(&lists, "%mine%", "http://a.example/zq='x"), 0);
}

#[test]
fn attributes_of_misp_are_taken_where_they_are_meant_for_detection() {
    let text = r#"{"response":[{"Event":{"info":"x","Attribute":[
      {"type":"ip-dst|port","value":"192.0.2.1|443","to_ids":true,"uuid":"u-1"},
      {"type":"ip-src","value":"192.0.2.2","to_ids":false},
      {"type":"ip-src","value":"192.0.2.3","to_ids":"1","deleted":true},
      {"type":"domain|ip","value":"a.example|192.0.2.4","to_ids":1},
      {"type":"btc","value":"x","to_ids":true}],
      "Object":[{"Attribute":[{"type":"filename|sha256","value":"a.exe|ff00","to_ids":true}]}]}}]}"#;
    let loaded = load(&spec(Format::Misp, Kind::Address), text);
    assert_eq!(values(&loaded), "192.0.2.1 192.0.2.4");
    assert_eq!(loaded.entries[0].reference.as_deref(), Some("u-1"));
    assert_eq!(
        left_out(&loaded),
        [
            "event 1, attribute 2: \"192.0.2.2\" is not meant for detection (to_ids)",
            "event 1, attribute 3: \"192.0.2.3\" is deleted",
            "event 1, attribute 5: \"x\" has a type that no list holds",
            "event 1, attribute 6: \"a.exe|ff00\" is of another kind",
        ]
    );
    assert_eq!(values(&load(&spec(Format::Misp, Kind::Domain), text)), "a.example");
    assert_eq!(values(&load(&spec(Format::Misp, Kind::Text), text)), "ff00");
    let unsaid = ListSpec::new("x", "x", Format::Misp);
    assert!(read(&unsaid, text.as_bytes(), NOW, NOW).unwrap_err().to_string().contains("kind"));
}

#[test]
fn a_list_that_is_old_is_told_and_one_that_is_expired_matches_nothing() {
    let old = ListSpec { max_age_hours: Some(2), ..spec(Format::Plain, Kind::Address) };
    let stale = load(&old, "192.0.2.1");
    assert_eq!((stale.state, stale.entries.len()), (State::Stale, 1));
    assert!(stale.say().contains("STALE: 2 h old"), "{}", stale.say());
    let until = Until::try_from("2023-11-14".to_owned()).unwrap();
    let over = ListSpec { expires: Some(until), ..spec(Format::Plain, Kind::Address) };
    let expired = load(&over, "192.0.2.1\n192.0.2.2");
    assert_eq!((expired.state, expired.entries.len()), (State::Expired, 0));
    assert_eq!(expired.left_out_count["the whole list is expired"], 2);
    assert!(expired.say().contains("EXPIRED: it matches nothing"), "{}", expired.say());
    let (lists, _) = for_rules(&[expired]);
    assert_eq!(matching(&lists, "%mine%", "192.0.2.1"), 0);
}

#[test]
fn what_the_configuration_says_is_read_strictly() {
    let read = |json: &str| serde_json::from_str::<ListSpec>(json);
    let spec =
        read(r#"{"name":"tor_exits","file":"tor.txt","max_age_hours":24,"expires":"2030-01-01"}"#);
    assert_eq!(spec.unwrap().format, Format::Plain);
    let spec =
        read(r#"{"name":"a","file":"b","format":"aws_ip_ranges","services":["EC2"]}"#).unwrap();
    assert_eq!(spec.format, Format::AwsIpRanges);
    assert!(
        read(r#"{"name":"a","file":"b","colunm":"c"}"#).unwrap_err().to_string().contains("colunm")
    );
    assert!(read(r#"{"name":"a","file":"b","expires":"soon"}"#).is_err());
    let bad = ListSpec::new("a b%", "f", Format::Plain);
    assert!(super::read(&bad, b"", NOW, NOW).unwrap_err().to_string().contains("letters, digits"));
    assert!(super::read(&ListSpec::new("a", "f", Format::Plain), b"\xff", NOW, NOW).is_err());
}

/// How many of one rule match: a placeholder of networks, against an address.
fn matching(lists: &wk_lang::sigma::Lists, placeholder: &str, address: &str) -> usize {
    rule(
        lists,
        &format!("{{ip|expand|cidr: '{placeholder}'}}"),
        &format!(r#"{{"ip":"{address}"}}"#),
    )
}

fn matching_text(lists: &wk_lang::sigma::Lists, placeholder: &str, text: &str) -> usize {
    rule(lists, &format!("{{ip|expand: '{placeholder}'}}"), &format!(r#"{{"ip":"{text}"}}"#))
}

fn rule(lists: &wk_lang::sigma::Lists, search: &str, record: &str) -> usize {
    let text = format!(
        "title: t\nlogsource: {{product: aws}}\ndetection:\n  s: {search}\n  condition: s\n"
    );
    let reading = read_rules_with(&text, lists);
    assert!(reading.errors.is_empty(), "{:?}", reading.errors);
    let rules = RuleSet::compile(&reading.rules).unwrap();
    let (mut tape, mut found) = (Tape::new(), Vec::new());
    let readers = rules.readers(&LogSource::new("aws", "x"));
    rules.matches(&tape.parse(record).unwrap(), &readers, &mut found);
    found.len()
}

#[test]
fn a_rule_may_name_a_standard_list_that_nobody_keeps() {
    for standard in STANDARD {
        let placeholder = format!("%{}%", standard.name);
        match standard.kind {
            Kind::Address => assert_eq!(matching(&super::standard(), &placeholder, "192.0.2.1"), 0),
            Kind::Domain | Kind::Text => {
                assert_eq!(matching_text(&super::standard(), &placeholder, "x"), 0);
            }
        }
    }
    assert!(STANDARD.is_sorted_by_key(|standard| standard.name));
}

#[test]
fn a_long_list_is_cut_for_placeholders_and_that_is_told() {
    let text: String = (0..20_002).map(|n| format!("host{n}.example\n")).collect();
    let loaded = load(&spec(Format::Plain, Kind::Domain), &text);
    assert_eq!(loaded.entries.len(), 20_002);
    let (lists, told) = for_rules(&[loaded]);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("mine has 20002 values"), "{told:?}");
    assert_eq!(matching_text(&lists, "%mine%", "host0.example"), 1);
    // Addresses side by side are one network.
    let text: String = (0..65_536).map(|n| format!("10.1.{}.{}\n", n / 256, n % 256)).collect();
    let loaded = load(&spec(Format::Plain, Kind::Address), &text);
    assert_eq!(loaded.addresses().networks().len(), 1);
    assert!(for_rules(&[loaded]).1.is_empty());
}

/// Every second address, so that none can be merged: rules ask for each of them, the last one too.
#[test]
fn slow_a_list_has_a_million_addresses_and_what_stands_behind_is_told() {
    let address = |n: u32| core::net::Ipv4Addr::from_bits(0x0a00_0000 + 2 * n);
    let text: String = (0..1_000_001).map(|n| format!("{}\n", address(n))).collect();
    let loaded = load(&spec(Format::Plain, Kind::Address), &text);
    assert_eq!(loaded.entries.len(), 1_000_000);
    assert_eq!(
        left_out(&loaded),
        [format!(
            "line 1000001: \"{}\" stands behind the last entry that a list may have",
            address(1_000_000)
        )]
    );
    let (lists, told) = for_rules(&[loaded]);
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(matching(&lists, "%mine%", &address(999_999).to_string()), 1);
    assert_eq!(matching(&lists, "%mine%", &address(1_000_000).to_string()), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}:,\"'a-z0-9 .=/#\n\\\\]{0,200}") {
        for format in [Format::Plain, Format::Csv, Format::AwsIpRanges, Format::Stix, Format::Misp] {
            for kind in [Kind::Address, Kind::Domain, Kind::Text] {
                let spec = ListSpec { column: Some("a".into()), ..spec(format, kind) };
                for bytes in [bytes.as_slice(), text.as_bytes()] {
                    if let Ok(loaded) = read(&spec, bytes, NOW, NOW) {
                        prop_assert!(loaded.left_out.len() <= Loaded::LEFT_OUT_MAX);
                    }
                }
            }
        }
        let said = stix_pattern::terms(&text);
        prop_assert!(said.is_err() || text.contains('['));
    }

    #[test]
    fn merged_networks_hold_just_what_the_single_ones_hold(
        nets in prop::collection::vec((any::<u32>(), 8_u8..=32), 0..30),
        wide in prop::collection::vec((any::<u128>(), 16_u8..=128), 0..10),
        asked in prop::collection::vec(any::<u32>(), 20),
    ) {
        let v4 = |n: u32| core::net::Ipv4Addr::from_bits(n & 0x0103_ffff);
        let v6 = |n: u128| core::net::Ipv6Addr::from_bits(n | 1 << 127);
        let mut texts: Vec<String> = nets.iter().map(|(n, bits)| format!("{}/{bits}", v4(*n))).collect();
        texts.extend(wide.iter().map(|(n, bits)| format!("{}/{bits}", v6(*n))));
        let all: Vec<Network> = texts.iter().map(|t| Network::read(t).unwrap()).collect();
        let set = AddressSet::of(all.iter());
        let again = AddressSet::of(set.networks().iter());
        prop_assert_eq!(&set, &again);
        prop_assert!(set.networks().len() <= all.len());
        for n in asked {
            let address = core::net::IpAddr::V4(v4(n));
            let single = all.iter().any(|net| AddressSet::of(std::iter::once(net)).contains(address));
            prop_assert_eq!(set.contains(address), single);
        }
    }
}
