use super::*;

fn rule(detection: &str) -> String {
    format!(
        "title: T\nid: 00000000-0000-4000-8000-000000000001\ndescription: d\nlevel: high\ntags: [attack.persistence, attack.t1098]\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n{detection}\nfalsepositives: [n]\nwatchkeeper:\n  triage: [t]\n  tests:\n    - {{name: a, fires: {{eventName: One}}}}\n    - {{name: b, quiet: {{eventName: Two}}}}\n"
    )
}

/// What is told of a rule: level, check, words.
fn told(text: &str) -> Vec<String> {
    let found = lint(&[("f.yml".to_owned(), text.to_owned())]);
    found.iter().map(|f| format!("{} {}: {}", f.level.as_str(), f.check, f.say)).collect()
}

#[test]
fn a_good_rule_is_left_alone() {
    assert_eq!(told(&rule("  a: {eventName: One}\n  condition: a")), [""; 0]);
}

#[test]
fn a_field_that_cloudtrail_never_has_is_an_error_with_the_one_that_is_meant() {
    for (field, near) in [
        ("sourceIpAddres", Some("sourceIPAddress")),
        ("status", None),
        ("userIdentity.sessionContext.sesionIssuer.arn", Some("sessionIssuer.arn")),
    ] {
        let all = told(&rule(&format!("  a: {{eventName: One, {field}: x}}\n  condition: a")));
        let of = all.iter().find(|say| say.starts_with("error field")).unwrap();
        assert!(of.contains(field) && near.is_none_or(|near| of.contains(near)), "{of}");
    }
    for free in ["requestParameters.any.thing", "responseElements.x", "additionalEventData.MFAUsed"]
    {
        let all = told(&rule(&format!("  a: {{eventName: One, {free}: x}}\n  condition: a")));
        assert!(!all.iter().any(|say| say.contains(" field:")), "{all:?}");
    }
}

#[test]
fn what_cannot_be_true_is_dead() {
    for (detection, why) in [
        (
            "  a: {eventName: One}\n  b: {eventName: [Two, Three]}\n  condition: a and b",
            "two things at once",
        ),
        ("  a: {eventName: One}\n  condition: a and not a", "its opposite"),
        ("  a: {eventName: One}\n  b: {eventName: Two}\n  condition: a", "in no condition"),
        ("  a: {eventName|re: One}\n  condition: a", "says the same, and is quick"),
        ("  a: {eventName|re: '.*One$'}\n  condition: a", "begins with any text"),
    ] {
        let all = told(&rule(detection));
        assert!(all.iter().any(|say| say.contains(why)), "{why}: {all:?}");
    }
    let both =
        told(&rule("  a: {eventName: One}\n  b: {eventName: [ONE, Two]}\n  condition: a and b"));
    assert!(!both.iter().any(|say| say.contains("dead")), "{both:?}");
}

#[test]
fn ids_tags_tests_and_what_a_reader_needs_are_asked_for() {
    let good = rule("  a: {eventName: One}\n  condition: a");
    for (from, to, why) in [
        ("attack.persistence", "attack.persistance", "did you mean attack.persistence"),
        ("attack.t1098", "attack.t109", "no id such as"),
        ("attack.persistence", "attack.stealth", ""),
        ("attack.persistence", "attack.defense_evasion", ""),
        ("level: high\n", "", "warning missing: no level"),
        ("triage: [t]", "triage: []", "no watchkeeper.triage"),
        ("quiet: {eventName: Two}", "quiet: {eventName: One}", "does not come out"),
        ("fires: {eventName: One}", "fires: {eventName: Two}", "does not come out"),
        ("id: 00000000-0000-4000-8000-000000000001\n", "", "no id"),
        ("00000000-0000-4000-8000-000000000001", "mine", "is no UUID"),
        ("service: cloudtrail", "service: cloudtral", "no table has records"),
        ("condition: a", "condition: b", "error schema"),
    ] {
        let all = told(&good.replace(from, to));
        match why {
            "" => assert_eq!(all, [""; 0], "{to}"),
            why => assert!(all.iter().any(|say| say.contains(why)), "{why}: {all:?}"),
        }
    }
    let twice = format!("{good}---\n{}", good.replace("title: T", "title: U"));
    assert!(told(&twice).iter().any(|say| say.contains("has the same id")));
}

#[test]
fn the_pack_has_no_errors() {
    let files: Vec<(String, String)> =
        crate::pack::PACK.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    // Its tests are run elsewhere.
    let found = read(&files, &lists::standard());
    let errors: Vec<&Found> = found.iter().filter(|f| f.level == Level::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
