//! Places of addresses, from test databases that are not ours to publish, whole and damaged.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use proptest::prelude::*;
use wk_lang::json::Tape;
use wk_model::Timestamp;
use wk_watch::detect::Detections;
use wk_watch::places::{Place, Places};
use wk_watch::sources;
use wk_watch::surroundings::Surroundings;

fn file(name: &str) -> Option<Vec<u8>> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/geoip").join(name);
    let bytes = std::fs::read(&path);
    if bytes.is_err() {
        println!("SKIPPED: {name} is not in ../shared/data/geoip");
    }
    bytes.ok()
}

fn places(names: &[&str]) -> Option<Places> {
    let mut places = Places::none();
    for name in names {
        places.add(name, file(name)?).unwrap();
    }
    Some(places)
}

fn of(places: &Places, address: &str) -> Place {
    (*places.of(address.parse().unwrap())).clone()
}

#[test]
fn country_city_and_network_of_an_address_come_from_mounted_files() {
    let Some(places) = places(&["GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"]) else {
        return;
    };
    for _ in 0..2 {
        let london = of(&places, "81.2.69.160");
        assert_eq!(
            (london.country.as_deref(), london.continent.as_deref()),
            (Some("GB"), Some("EU"))
        );
        let at = london.coordinates.unwrap();
        assert!((at.latitude - 51.5).abs() < 0.1 && (at.longitude + 0.1).abs() < 0.2, "{at:?}");
        let network = of(&places, "1.128.0.1");
        assert_eq!(
            (network.asn, network.as_name.as_deref()),
            (Some(1221), Some("Telstra Pty Ltd"))
        );
        assert_eq!(of(&places, "::ffff:1.128.0.1"), network);
        assert_eq!(of(&places, "192.0.2.1"), Place::default());
    }
    assert_eq!(places.failed(), 0);
}

#[test]
fn a_rule_asks_for_the_country_and_the_network_of_the_source() {
    let names = ["GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"];
    let Some(places) = places(&names) else { return };
    let rule = |search: &str| {
        format!(
            "title: t\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  s: {search}\n  condition: s\n---\n"
        )
    };
    let text = [
        rule("{wk.source.country: GB}"),
        rule("{wk.source.country: [DE, AU], eventName: X}"),
        rule("{wk.source.asn: 1221, wk.source.as_name|contains: telstra}"),
        rule("{wk.source.country|exists: false}"),
    ];
    let (rules, bad) = Detections::read([("mine.yml".to_owned(), text.concat())].into_iter());
    assert!(bad.is_empty(), "{bad:?}");
    let rules = rules.with_surroundings(Surroundings::new(places, &[]));
    let cloudtrail = sources::named("cloudtrail").unwrap();
    for (address, matching) in
        [("81.2.69.160", vec![0]), ("1.128.0.1", vec![2, 3]), ("ec2.amazonaws.com", vec![3])]
    {
        let record = format!(r#"{{"eventName":"X","sourceIPAddress":"{address}"}}"#);
        let (mut tape, mut found) = (Tape::new(), Vec::new());
        rules.matches(cloudtrail, tape.parse(&record).unwrap(), &mut found);
        assert_eq!(found, matching, "{address}");
    }
}

#[test]
fn a_database_says_what_it_is_and_what_is_none_is_refused() {
    let mut places = Places::none();
    let refused = places.add("notes.txt", b"no database".to_vec()).unwrap_err();
    assert_eq!(refused.to_string(), "could not read notes.txt as a MaxMind DB; fetch it anew");
    assert!(places.is_empty() && of(&places, "81.2.69.160") == Place::default());
    let Some(bytes) = file("GeoLite2-Country-Test.mmdb") else { return };
    let about = places.add("country", bytes.clone()).unwrap();
    assert_eq!((about.kind.as_str(), about.ipv6), ("GeoLite2-Country", true));
    assert!(about.built_at > Timestamp::from_seconds(1_400_000_000));
    assert_eq!(of(&places, "81.2.69.160").country.as_deref(), Some("GB"));
    for n in 1..Places::DATABASES_MAX {
        places.add(&n.to_string(), bytes.clone()).unwrap();
    }
    assert!(places.add("more", bytes).unwrap_err().to_string().contains("one database too many"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes are flipped all over the file, and it is cut; whatever it still answers, it answers.
    #[test]
    fn a_damaged_database_answers_less_and_ends_nothing(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        near_the_end in prop::collection::vec((0_usize..2_000, any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        asked in prop::collection::vec(any::<u32>(), 30),
    ) {
        for name in ["GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"] {
            let Some(mut bytes) = file(name) else { return Ok(()) };
            let length = bytes.len();
            flips.iter().for_each(|(at, byte)| bytes[at.index(length)] ^= byte);
            near_the_end.iter().for_each(|(at, byte)| bytes[length - 1 - at % length] ^= byte);
            bytes.truncate(cut.map_or(length, |at| at.index(length)));
            let mut places = Places::none();
            if places.add(name, bytes).is_err() {
                continue;
            }
            let known = ["81.2.69.160", "2.125.160.216", "1.128.0.1", "2001:218::1", "67.43.156.1"];
            let known = known.iter().map(|text| text.parse::<IpAddr>().unwrap());
            for address in asked.iter().map(|n| Ipv4Addr::from_bits(*n).into()).chain(known) {
                let place = places.of(address);
                prop_assert!(place.country.as_ref().is_none_or(|c| c.len() == 2));
                prop_assert!(place.coordinates.is_none_or(|c| c.latitude.abs() <= 90.0));
            }
        }
    }
}
