//! `watchkeeper route`, as users run it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Ended, Home};

/// A file of these lines in a folder beside the home.
fn file(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().with_file_name(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A file in `routes` of the home.
fn own_routes(home: &Home, text: &str) {
    let folder = home.path().join("routes");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("own.yaml"), text).unwrap();
}

fn route(home: &Home, args: &[&str]) -> Ended {
    home.run([&["route"], args].concat())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

fn of(path: &Path) -> &str {
    path.to_str().unwrap()
}

const CASES: &str = r#"{"id": 7, "pattern": "{\"a\":[1]}", "event": "{\"a\":1.0}", "expected": "true"}

{"pattern": {"a": [{"prefix": "x"}]}, "event": {"a": "y"}, "expected": false}
{"pattern": "{\"a\":1}", "event": null, "expected": "invalid"}
"#;

#[test]
fn route_test_asks_every_case_and_says_which_differ() {
    let home = Home::new();
    let right = file(&home, "right.jsonl", CASES);
    let ended = route(&home, &["test", "--cases", of(&right)]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "3 cases, 0 differ\n"), "{}", ended.err);
    assert!(!home.path().try_exists().unwrap(), "a test of patterns needs no home");

    let wrong =
        file(&home, "wrong.jsonl", &CASES.replace("\"invalid\"", "\"true\"").replace("null", "{}"));
    let ended = route(&home, &["test", "--cases", of(&wrong)]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("line 4: expected true, got invalid"), "{}", ended.out);
    assert!(ended.out.contains("Reason: \"a\" must be an object or an array"), "{}", ended.out);
    let told = json(&route(&home, &["test", "--json", "--cases", of(&wrong)]));
    assert_eq!(
        (&told["cases"], &told["differences"][0]["line"]),
        (&Value::from(3), &Value::from(4))
    );
}

#[test]
fn a_file_of_cases_that_is_broken_is_an_error_with_its_line() {
    let home = Home::new();
    for (text, say) in [
        ("", "holds no case"),
        ("\n{\"pattern\": {}}\n", "line 2"),
        ("{\"pattern\": {\"a\": [1]}, \"expected\": true}", "the case has no event"),
        ("{\"pattern\": {\"a\": [1]}, \"event\": {}, \"expected\": \"yes\"}", "expected is true"),
        ("nonsense", "line 1"),
    ] {
        let path = file(&home, "broken.jsonl", text);
        let ended = route(&home, &["test", "--cases", of(&path)]);
        assert_eq!(ended.code, Some(3), "{text}");
        assert!(ended.err.contains(say), "{text}: {}", ended.err);
    }
    assert_eq!(route(&home, &["test", "--cases", "not-there.jsonl"]).code, Some(3));
    assert_eq!(route(&home, &["test"]).code, Some(2));
    assert_eq!(route(&home, &["test", "{}"]).code, Some(2));
}

#[test]
fn lines_that_are_no_case_keep_nobody_from_asking_the_others() {
    let home = Home::new();
    let text = format!(
        "\u{feff}{CASES}nonsense\n{{\"pattern\": {{\"b\": [1]}}, \"event\": {{}}, \"expected\": true}}"
    );
    let path = file(&home, "some.jsonl", &text);
    let ended = route(&home, &["test", "--cases", of(&path)]);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    assert!(ended.out.ends_with("4 cases, 1 differ, 1 line is no case\n"), "{}", ended.out);
    assert!(ended.err.contains("some.jsonl, line 5: "), "{}", ended.err);
    let told = json(&route(&home, &["test", "--json", "--cases", of(&path)]));
    assert_eq!(told["unread"].as_array().map(Vec::len), Some(1));
    // A mark of the byte order begins a file, not a line.
    let path = file(&home, "marked.jsonl", &CASES.replace('\n', "\n\u{feff}"));
    assert_eq!(route(&home, &["test", "--cases", of(&path)]).code, Some(3));
}

#[test]
fn the_table_of_right_answers_is_right_for_the_program_too() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance/event-patterns.jsonl");
    if !table.try_exists().unwrap() {
        eprintln!("skipped: {} is not there", table.display());
        return;
    }
    let ended = route(&Home::new(), &["test", "--cases", of(&table)]);
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.out.ends_with(" cases, 0 differ\n"), "{}", ended.out);
}

#[test]
fn route_test_of_one_pattern_and_one_event() {
    let home = Home::new();
    let pattern = r#"{"detail":{"severity":[{"numeric":[">=",7]}]}}"#;
    for (event, code, out) in [
        (r#"{"detail":{"severity":7.5}}"#, 0, "match\n"),
        (r#"{"detail":{"severity":6.9}}"#, 1, "no match\n"),
        ("[]", 3, "no event: the event is no JSON object\n"),
    ] {
        let ended = route(&home, &["test", pattern, event]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(code), out), "{event}");
    }
    let event = file(&home, "event.json", r#"{"detail":{"severity":9}}"#);
    assert_eq!(route(&home, &["test", pattern, of(&event)]).code, Some(0));
    let refused = route(&home, &["test", r#"{"a":[{"PREFIX":"x"}]}"#, "{}", "--json"]);
    assert_eq!(refused.code, Some(1));
    let reason = json(&refused)["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.starts_with("Event pattern is not valid. Reason: Unrecognized match type PREFIX")
    );
}

/// The mission's rule, as AWS prints rules.
const RULE: &str = r#"{"Name": "guardduty-high", "EventPattern": "{\"source\":[\"aws.guardduty\"],\"detail-type\":[\"GuardDuty Finding\"],\"detail\":{\"severity\":[7,8,8.8]}}"}"#;

#[test]
fn route_lint_explains_the_list_of_severities() {
    let home = Home::new();
    let ended = route(&home, &["lint"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let rule = file(&home, "rule.json", RULE);
    let ended = route(&home, &["lint", of(&rule)]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("guardduty-high: severity-list"), "{}", ended.out);
    assert!(
        ended.out.contains(r#"write detail.severity: [{"numeric": [">=", 7]}]"#),
        "{}",
        ended.out
    );
    let remark = &json(&route(&home, &["lint", "--json", of(&rule)]))["remarks"][0];
    assert_eq!(remark["kind"], "severity-list");
}

#[test]
fn route_lint_knows_the_channels_of_the_configuration() {
    let home = Home::new();
    own_routes(
        &home,
        "- {name: a, pattern: {source: [x]}, notify: pagger}\n- {name: b, patern: {}, notify: y}\n",
    );
    let ended = route(&home, &["lint"]);
    assert!(
        ended.out.contains("a route has no key \"patern\"; did you mean pattern?"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("unknown-channel"), "no channels, no opinion: {}", ended.out);
    let config = "[channels.pager]\nkind = 'record'\n";
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let ended = route(&home, &["lint"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("no [channels.pagger]; did you mean pager?"), "{}", ended.out);
}

const FINDING: &str = r#"{"version":"0","id":"e-1","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","time":"2026-11-20T12:05:00Z","region":"eu-west-1","resources":[],"detail":{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","id":"f-1","arn":"arn:aws:guardduty:eu-west-1:111122223333:detector/d-1/finding/f-1","type":"UnauthorizedAccess:EC2/SSHBruteForce","resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0123456789abcdef0"}},"service":{"resourceRole":"TARGET","eventFirstSeen":"2026-11-20T11:45:00Z","eventLastSeen":"2026-11-20T12:00:00Z","archived":false,"count":147},"severity":5,"createdAt":"2026-11-20T11:50:00Z","updatedAt":"2026-11-20T12:01:00Z","title":"Many logins"}}"#;

#[test]
fn route_explain_says_why_and_route_suppressed_lists_what_is_hidden() {
    let home = Home::new();
    let event = file(&home, "guardduty.json", FINDING);
    assert_eq!(home.run(["ingest", of(&event)]).code, Some(0));
    let findings = json(&home.run(["findings", "list", "--json"]));
    let id = findings[0]["id"].as_str().unwrap();

    let told = json(&route(&home, &["explain", "--json", id]));
    assert_eq!(told["matches"][0]["route"], "medium");
    // It came in later than the limit for live events, so nobody is told at once.
    assert_eq!(told["outcomes"][0]["outcome"], "quiet");
    assert_eq!(told["outcomes"][0]["instead_of"]["channels"], serde_json::json!(["ticket"]));
    // The product's own record, not only what the finding has kept of it.
    assert_eq!(told["shapes"][1]["event"]["detail"]["service"]["resourceRole"], "TARGET");

    own_routes(
        &home,
        "- name: scanner
  pattern: {source: [aws.guardduty], detail: {resource: {instanceDetails: {instanceId: [i-0123456789abcdef0]}}}}
  suppress: {reason: a test machine, owner: ops@example.com, until: 2099-01-01}\n",
    );
    let ended = route(&home, &["explain", id.get(..8).unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("-> scanner: suppress until 2099-01-01T00:00:00Z: a test machine"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("not asked: a route before it decided"), "{}", ended.out);
    let ended = route(&home, &["suppressed"]);
    assert!(ended.out.contains("1 of 1 findings are suppressed"), "{}", ended.out);
    assert_eq!(json(&home.run(["findings", "list", "--json"])).as_array().unwrap().len(), 1);
    let live = route(&home, &["explain", "--event", of(&event)]);
    assert!(live.out.contains("scanner"), "{}", live.out);
    assert_eq!(route(&home, &["explain", "ffff"]).code, Some(3));
    assert_eq!(route(&home, &["explain"]).code, Some(2));
}

#[test]
fn an_event_that_is_no_finding_is_routed_where_a_route_asks_for_it() {
    let home = Home::new();
    own_routes(
        &home,
        "- name: tags
  pattern: {source: [aws.tag], detail-type: [Tag Change on Resource], detail: {service: [ec2]}}
  notify: cloud-team
  severity: low\n",
    );
    let of_service = |id: &str, service: &str| {
        format!(
            r#"{{"version":"0","id":"{id}","detail-type":"Tag Change on Resource","source":"aws.tag","account":"111122223333","time":"2026-11-20T12:00:00Z","region":"eu-west-1","resources":["arn:aws:ec2:eu-west-1:111122223333:instance/i-1"],"detail":{{"service":"{service}"}}}}"#
        )
    };
    let events = [of_service("e-1", "ec2"), of_service("e-2", "s3")].join("\n");
    let event = file(&home, "tags.json", &events);
    assert_eq!(home.run(["ingest", of(&event)]).code, Some(0));
    let findings = json(&home.run(["findings", "list", "--json"]));
    assert_eq!(findings.as_array().unwrap().len(), 1, "{findings}");
    assert_eq!(findings[0]["rule"]["id"], "route.tags");
    assert_eq!(findings[0]["title"], "Tag Change on Resource from aws.tag");
    let told = json(&route(&home, &["explain", "--json", findings[0]["id"].as_str().unwrap()]));
    assert_eq!(told["matches"][0]["route"], "tags");
    assert_eq!(told["outcomes"][0]["instead_of"]["channels"], serde_json::json!(["cloud-team"]));
}

#[test]
fn route_list_shows_own_routes_first_and_broken_ones_are_told() {
    let home = Home::new();
    own_routes(&home, "- {name: mine, pattern: {source: [x]}, notify: y}\n- {name: bad}\n");
    let ended = route(&home, &["list"]);
    assert_eq!(ended.code, Some(4));
    assert!(ended.err.contains("the route has no pattern; the route is left out"), "{}", ended.err);
    let event = file(&home, "event.json", FINDING);
    let ended = home.run(["ingest", of(&event)]);
    assert!(ended.err.contains("the route has no pattern; the route is left out"), "{}", ended.err);
    let all = json(&route(&home, &["list", "--json"]));
    assert_eq!((&all[0]["name"], &all[2]["name"]), (&"mine".into(), &"high-and-critical".into()));
    assert_eq!(all[0]["pattern"]["source"][0], "x");
}

/// A time some minutes ago, as AWS writes it.
fn ago(minutes: i64) -> String {
    crate::notify::now().plus_seconds(-minutes * 60).to_string()
}

/// What GuardDuty sends by EventBridge, as it happened just now.
fn just_found() -> String {
    let found = FINDING.replace(
        "\"resourceRole\"",
        "\"action\":{\"actionType\":\"NETWORK_CONNECTION\"},\"resourceRole\"",
    );
    ["12:05", "11:45", "12:00", "11:50", "12:01"]
        .into_iter()
        .zip([1, 20, 5, 15, 4])
        .fold(found, |text, (at, minutes)| {
            text.replace(&format!("2026-11-20T{at}:00Z"), &ago(minutes))
        })
}

/// What a route of this pattern brings to people when these events come in now.
fn told_live(pattern: &str, events: &[(&str, &str)]) -> Vec<String> {
    let (address, given) = crate::post::receiver(|_| Some((200, "")));
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    let config = format!(
        "[channels.team]\nkind = 'webhook'\nurl = '{address}/in'\n[notify]\ngroup_wait_seconds = 0\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    own_routes(
        &home,
        &format!(
            "- name: deep\n  pattern: {pattern}\n  notify: {{channels: [team], group_by: [finding]}}\n"
        ),
    );
    for (name, event) in events {
        let event = file(&home, name, event);
        let read = home.run(["ingest".as_ref(), event.as_os_str()]);
        assert_eq!(read.code, Some(0), "{read:?}");
        let once = home.run(["notify", "run", "--once"]);
        assert_eq!(once.code, Some(0), "{once:?}");
    }
    given.all()
}

#[test]
fn slow_a_live_finding_is_routed_by_what_lies_deep_in_its_report() {
    let asks = "{source: [aws.guardduty], detail: {service: {action: {actionType: [NETWORK_CONNECTION]}}}}";
    let event = just_found();
    let detail = event.split_once("\"detail\":").unwrap().1.strip_suffix('}').unwrap();
    // As EventBridge delivers it, and as GuardDuty exports it.
    for (name, event) in [("event.json", event.as_str()), ("export.jsonl", detail)] {
        let told = told_live(asks, &[(name, event)]);
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        assert!(told[0].contains("Many logins"), "{told:?}");
    }
    let other = asks.replace("NETWORK_CONNECTION", "PORT_PROBE");
    assert_eq!(told_live(&other, &[("event.json", &event)]), [""; 0]);
}

#[test]
fn slow_a_call_is_told_of_once_whichever_way_it_comes() {
    let asks = "{detail-type: [AWS API Call via CloudTrail], detail: {eventName: [CreateAccessKey], requestParameters: {userName: [deployer]}}}";
    let call = format!(
        r#"{{"eventVersion":"1.08","eventID":"11111111-2222-3333-4444-555555555555","eventTime":"{}","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","eventType":"AwsApiCall","awsRegion":"us-east-1","recipientAccountId":"111122223333","readOnly":false,"sourceIPAddress":"203.0.113.9","userAgent":"aws-cli","userIdentity":{{"type":"IAMUser","accountId":"111122223333","userName":"operator","arn":"arn:aws:iam::111122223333:user/operator"}},"requestParameters":{{"userName":"deployer"}},"responseElements":null}}"#,
        ago(3)
    );
    let event = format!(
        r#"{{"version":"0","id":"e-1","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"111122223333","time":"{}","region":"us-east-1","resources":[],"detail":{call}}}"#,
        ago(3)
    );
    let trail = format!(r#"{{"Records":[{call}]}}"#);
    for events in [
        [("bus.json", &event), ("trail.json", &trail)],
        [("trail.json", &trail), ("bus.json", &event)],
    ] {
        let events = events.map(|(name, text)| (name, text.as_str()));
        let told = told_live(asks, &events);
        let about = told
            .iter()
            .filter(|text| text.contains("via CloudTrail from aws.iam: CreateAccessKey"));
        assert_eq!(about.count(), 1, "once: {told:?}");
    }
}
