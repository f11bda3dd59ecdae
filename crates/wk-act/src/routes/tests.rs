//! What is told to whom, case by case.

use expect_test::expect;
use wk_model::finding::{EventRef, Finding, FindingId, Origin, Rule};
use wk_model::{Severity, Timestamp};

use super::{Outcome, QuietReason, Request, RoutedEvent, Routes, Taken, decide, lint};

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00Z").unwrap()
}

/// A live finding of a product, with its type and severity.
fn finding(product: &str, kind: &str, severity: f64) -> Finding {
    let time = Timestamp::parse("2026-11-22T11:00:00Z").unwrap();
    let table = match product {
        "guardduty" => "guardduty",
        "securityhub" => "security_hub",
        "watchkeeper" => "cloudtrail",
        _ => "eventbridge",
    };
    let latest = EventRef { time, table: table.into(), id: "f-1@2026-11-22T11:00:00Z".into() };
    Finding {
        id: FindingId("0123456789abcdef0123456789abcdef".into()),
        rule: Rule {
            id: kind.into(),
            version: "2.0".into(),
            product: product.into(),
            attack: vec![],
            controls: vec!["CC7.2".into()],
        },
        title: "Something happened".into(),
        severity: Severity::try_from(severity).unwrap(),
        account: Some("111122223333".into()),
        region: Some("eu-west-1".into()),
        actor: Some("198.51.100.42".into()),
        resources: vec!["i-0123456789abcdef0".into()],
        first_seen: time,
        last_seen: time,
        count: 3,
        events: vec![latest.clone()],
        origin: Origin::Live,
        latest,
        ended: None,
        source_ips: vec![],
        matched: vec![],
        ruleset: None,
        dry_run: false,
    }
}

fn guardduty(severity: f64) -> Finding {
    finding("guardduty", "UnauthorizedAccess:EC2/SSHBruteForce", severity)
}

fn own(text: &str) -> Routes {
    let (routes, bad) = Routes::with_own([("own.yaml", text)]);
    assert_eq!(bad, []);
    routes
}

fn broken(text: &str) -> String {
    let (_, bad) = Routes::with_own([("own.yaml", text)]);
    bad.iter().map(|b| format!("{b}\n")).collect()
}

/// Outcomes as lines.
fn told(routes: &Routes, event: &RoutedEvent) -> Vec<String> {
    let line = |outcome: &Outcome| format!("{}: {outcome}", outcome.route());
    decide(routes, event, now()).iter().map(line).collect()
}

fn channels(routes: &Routes, finding: &Finding) -> Vec<String> {
    decide(routes, &RoutedEvent::of_finding(finding), now())
        .into_iter()
        .flat_map(|outcome| match outcome {
            Outcome::Notify { tell, .. } => tell.channels,
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn high_and_above_pages_and_medium_opens_a_ticket_only() {
    let routes = Routes::built_in().unwrap();
    for product in ["guardduty", "securityhub", "watchkeeper"] {
        for (severity, expected) in [
            (10.0, &["page", "ticket"][..]),
            (9.5, &["page", "ticket"]),
            (8.9, &["page", "ticket"]),
            (7.0, &["page", "ticket"]),
            (6.9, &["ticket"]),
            (4.0, &["ticket"]),
            (3.9, &["register"]),
            (0.0, &["register"]),
        ] {
            let found = finding(product, "some-type", severity);
            assert_eq!(channels(&routes, &found), expected, "{product} {severity}");
        }
    }
}

#[test]
fn high_asks_for_an_incident() {
    let routes = Routes::built_in().unwrap();
    let outcomes = decide(&routes, &RoutedEvent::of_finding(&guardduty(7.5)), now());
    assert!(
        outcomes.iter().any(|o| matches!(o, Outcome::Request { request: Request::Incident, .. }))
    );
}

#[test]
fn failures_of_operation_go_to_those_who_run_it() {
    let routes = Routes::built_in().unwrap();
    let backup = finding("backup", "Copy Job State Change", 5.0);
    assert_eq!(channels(&routes, &backup), ["operations", "ticket"]);
    let lost = finding("health", "AWS Health Event", 9.5);
    assert_eq!(channels(&routes, &lost), ["page", "ticket"]);
    let blind = finding("watchkeeper", "selfwatch.silence", 8.0);
    assert_eq!(channels(&routes, &blind), ["page", "operations"]);
}

/// A rule as AWS's own pages show it, and the mission's, which lists three numbers.
const COPIED: &str = r#"
- name: guardduty-high
  pattern: '{"source":["aws.guardduty"],"detail-type":["GuardDuty Finding"],"detail":{"severity":[{"numeric":[">=",7]}]}}'
  notify: soc
- name: guardduty-listed
  pattern: {source: [aws.guardduty], detail: {severity: [4, 6, 6.5]}}
  notify: [listed]
"#;

#[test]
fn a_rule_copied_from_aws_matches_findings_of_guardduty() {
    let routes = own(COPIED);
    for severity in [7.0, 7.5, 8.9, 9.5] {
        assert_eq!(channels(&routes, &guardduty(severity)), ["soc"], "{severity}");
    }
    assert_eq!(channels(&routes, &guardduty(6.9)), ["ticket"]);
    assert_eq!(channels(&routes, &guardduty(6.5)), ["listed"]);
    let ours = finding("watchkeeper", "x", 8.0);
    assert_eq!(channels(&routes, &ours), ["page", "ticket"], "our findings are not AWS's");
}

#[test]
fn the_shapes_of_a_finding() {
    let mut text = String::new();
    for found in [
        guardduty(5.0),
        finding("securityhub", "security-control/S3.1", 7.5),
        finding("cloudwatch", "CloudWatch Alarm State Change", 5.0),
    ] {
        for face in RoutedEvent::of_finding(&found).faces() {
            text.extend([face.name, " ", &face.text, "\n"]);
        }
    }
    expect![[r#"
        watchkeeper {"version":"0","id":"0123456789abcdef0123456789abcdef","detail-type":"Watchkeeper Finding","source":"watchkeeper","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"eu-west-1","resources":["i-0123456789abcdef0"],"detail":{"id":"0123456789abcdef0123456789abcdef","type":"UnauthorizedAccess:EC2/SSHBruteForce","title":"Something happened","severity":5.0,"severityWord":"medium","product":"guardduty","ruleVersion":"2.0","attack":[],"controls":["CC7.2"],"accountId":"111122223333","region":"eu-west-1","actor":"198.51.100.42","resources":["i-0123456789abcdef0"],"firstSeen":"2026-11-22T11:00:00Z","lastSeen":"2026-11-22T11:00:00Z","count":3,"origin":"live","table":"guardduty"}}
        aws {"version":"0","id":"0123456789abcdef0123456789abcdef","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"eu-west-1","resources":["i-0123456789abcdef0"],"detail":{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","id":"f-1","type":"UnauthorizedAccess:EC2/SSHBruteForce","severity":5.0,"title":"Something happened","resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0123456789abcdef0"}},"service":{"serviceName":"guardduty","eventFirstSeen":"2026-11-22T11:00:00Z","eventLastSeen":"2026-11-22T11:00:00Z","archived":false,"count":3},"updatedAt":"2026-11-22T11:00:00Z"}}
        watchkeeper {"version":"0","id":"0123456789abcdef0123456789abcdef","detail-type":"Watchkeeper Finding","source":"watchkeeper","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"eu-west-1","resources":["i-0123456789abcdef0"],"detail":{"id":"0123456789abcdef0123456789abcdef","type":"security-control/S3.1","title":"Something happened","severity":7.5,"severityWord":"high","product":"securityhub","ruleVersion":"2.0","attack":[],"controls":["CC7.2"],"accountId":"111122223333","region":"eu-west-1","actor":"198.51.100.42","resources":["i-0123456789abcdef0"],"firstSeen":"2026-11-22T11:00:00Z","lastSeen":"2026-11-22T11:00:00Z","count":3,"origin":"live","table":"security_hub"}}
        aws {"version":"0","id":"0123456789abcdef0123456789abcdef","detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"eu-west-1","resources":["i-0123456789abcdef0"],"detail":{"findings":[{"SchemaVersion":"2.0","Id":"f-1","GeneratorId":"security-control/S3.1","Types":["security-control/S3.1"],"Title":"Something happened","AwsAccountId":"111122223333","Region":"eu-west-1","Severity":{"Label":"HIGH","Normalized":75},"Resources":[{"Id":"i-0123456789abcdef0"}],"FirstObservedAt":"2026-11-22T11:00:00Z","LastObservedAt":"2026-11-22T11:00:00Z","UpdatedAt":"2026-11-22T11:00:00Z"}]}}
        watchkeeper {"version":"0","id":"0123456789abcdef0123456789abcdef","detail-type":"Watchkeeper Finding","source":"watchkeeper","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"eu-west-1","resources":["i-0123456789abcdef0"],"detail":{"id":"0123456789abcdef0123456789abcdef","type":"CloudWatch Alarm State Change","title":"Something happened","severity":5.0,"severityWord":"medium","product":"cloudwatch","ruleVersion":"2.0","attack":[],"controls":["CC7.2"],"accountId":"111122223333","region":"eu-west-1","actor":"198.51.100.42","resources":["i-0123456789abcdef0"],"firstSeen":"2026-11-22T11:00:00Z","lastSeen":"2026-11-22T11:00:00Z","count":3,"origin":"live","table":"eventbridge"}}
        aws {"version":"0","id":"0123456789abcdef0123456789abcdef","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"111122223333","time":"2026-11-22T11:00:00Z","region":"eu-west-1","resources":["i-0123456789abcdef0"],"detail":{}}
    "#]]
    .assert_eq(&text);
}

#[test]
fn the_products_own_record_completes_its_shape() {
    let routes = own(r#"
- name: port
  pattern: {detail: {service: {action: {networkConnectionAction: {localPortDetails: {port: [22]}}}}}}
  notify: soc
- name: label
  pattern: {source: [aws.securityhub], detail: {findings: {Workflow: {Status: [NEW]}, Severity: {Label: [HIGH]}}}}
  notify: hub
"#);
    let record = r#"{"id":"f-1","type":"x","severity":5,"service":{"action":{"networkConnectionAction":{"localPortDetails":{"port":22}}}}}"#;
    let event = RoutedEvent::of_report(&guardduty(5.0), record);
    assert_eq!(told(&routes, &event), ["port: notify soc (grouped by rule, account)"]);
    let whole = format!(
        r#"{{"source":"aws.guardduty","detail-type":"GuardDuty Finding","detail":{record}}}"#
    );
    assert_eq!(told(&routes, &RoutedEvent::of_report(&guardduty(5.0), &whole)).len(), 1);
    assert_eq!(told(&routes, &RoutedEvent::of_event(&whole, Origin::Live)).len(), 1);
    let hub = finding("securityhub", "GuardDuty", 7.0);
    let record = r#"{"Id":"a","Workflow":{"Status":"NEW"},"Severity":{"Label":"HIGH"}}"#;
    let event = RoutedEvent::of_report(&hub, record);
    assert_eq!(told(&routes, &event), ["label: notify hub (grouped by rule, account)"]);
    let broken = RoutedEvent::of_report(&guardduty(5.0), "{");
    assert_eq!(broken, RoutedEvent::of_finding(&guardduty(5.0)), "a broken record adds nothing");
}

#[test]
fn back_fill_and_drills_never_page_and_say_what_would_have_been() {
    let routes = Routes::built_in().unwrap();
    let mut old = guardduty(9.0);
    old.origin = Origin::BackFill;
    let drill = RoutedEvent::of_finding(&guardduty(9.0)).as_drill();
    for (event, reason) in
        [(RoutedEvent::of_finding(&old), QuietReason::BackFill), (drill, QuietReason::Drill)]
    {
        let outcomes = decide(&routes, &event, now());
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            let Outcome::Quiet { reason: why, instead_of } = outcome else { panic!("{outcome}") };
            assert_eq!(why, reason);
            assert!(!matches!(*instead_of, Outcome::Quiet { .. }));
        }
    }
}

const SCANNER: &str = "
- name: scanner
  pattern: {source: [watchkeeper], detail: {actor: ['198.51.100.42']}}
  suppress: {reason: our own scanner, owner: security@example.com, until: UNTIL}
";

#[test]
fn suppression_has_a_reason_an_owner_and_an_end() {
    let until = |text: &str| own(&SCANNER.replace("UNTIL", text));
    let event = RoutedEvent::of_finding(&guardduty(9.0));
    assert_eq!(
        told(&until("2026-12-31"), &event),
        ["scanner: suppress until 2026-12-31T00:00:00Z: our own scanner (security@example.com)"]
    );
    let over = until("2026-11-22T12:00:00Z");
    assert!(told(&over, &event)[0].starts_with("high-and-critical: notify page"));
    assert_eq!(over.steps(&event, now())[0].taken, Taken::Expired);
}

#[test]
fn the_first_route_decides_unless_it_goes_on() {
    let routes = own("
- name: a
  pattern: {source: [watchkeeper]}
  notify: x
  continue: true
- name: b
  pattern: {source: [watchkeeper]}
  notify: y
  request: [{playbook: isolate-instance}]
- name: c
  pattern: {source: [watchkeeper]}
  notify: z
");
    let event = RoutedEvent::of_finding(&guardduty(5.0));
    assert_eq!(
        told(&routes, &event),
        [
            "a: notify x (grouped by rule, account)",
            "b: notify y (grouped by rule, account)",
            "b: request playbook isolate-instance",
        ]
    );
    let taken: Vec<Taken> = routes.steps(&event, now()).iter().map(|step| step.taken).collect();
    assert_eq!(taken, [Taken::GoesOn, Taken::Decides, Taken::TooLate, Taken::TooLate]);
}

#[test]
fn an_event_that_a_route_asked_for_goes_to_that_route() {
    let routes = own("
- name: tags
  pattern: {source: [aws.tag], detail: {service: [ec2]}}
  notify: cloud-team
  severity: low
");
    assert_eq!(routes.all()[0].severity, Severity::of_word(wk_model::SeverityWord::Low));
    let mut asked = finding("watchkeeper", "route.tags", 2.0);
    assert_eq!(channels(&routes, &asked), ["cloud-team"]);
    asked.rule.product = "guardduty".into();
    assert_eq!(channels(&routes, &asked), ["register"], "another product cannot choose a route");
}

#[test]
fn an_own_route_takes_the_name_of_a_built_in_one_and_others_are_switched_off() {
    let routes = own("
- name: medium
  pattern: {source: [watchkeeper], detail: {severityWord: [medium]}}
  notify: mine
- {name: low, off: true}
");
    assert_eq!(channels(&routes, &guardduty(5.0)), ["mine"]);
    assert_eq!(channels(&routes, &guardduty(1.0)), [""; 0]);
}

#[test]
fn an_event_that_takes_too_long_is_told_and_never_suppressed() {
    let routes = own("
- name: hidden
  pattern: {x: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1], g: [1]}}
  suppress: {reason: r, owner: o, until: 2026-12-31}
- name: seen
  pattern: {x: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1], g: [1]}}
  notify: soc
");
    let each = ["a", "b", "c", "d", "e", "f", "g"].map(|key| format!(r#"{{"{key}":1}}"#));
    let keys = vec![format!(r#""x":[{}]"#, vec![each.join(","); 30].join(",")); 6].join(",");
    let event = RoutedEvent::of_event(&format!("{{{keys}}}"), Origin::Live);
    assert_eq!(told(&routes, &event), ["seen: notify soc (grouped by rule, account)"]);
    let unread = RoutedEvent::of_event("{\"x\":", Origin::Live);
    assert!(told(&routes, &unread).iter().any(|line| line.starts_with("seen")));
    assert!(!told(&routes, &unread).iter().any(|line| line.contains("suppress")));
}

#[test]
fn what_is_broken_says_where_and_what_would_be_right() {
    let text = "
- name: a b
  pattern: {source: [x]}
  notify: x
- name: typo
  patern: {source: [x]}
- name: refused
  pattern: {source: x}
  notify: y
- name: both
  pattern: {source: [x]}
  notify: y
  suppress: {reason: r, owner: o, until: 2026-12-31}
- name: nobody
  pattern: {source: [x]}
- name: forever
  pattern: {source: [x]}
  suppress: {reason: r, owner: o}
- name: when
  pattern: {source: [x]}
  suppress: {reason: r, owner: o, until: soon}
- name: label
  pattern: {source: [x]}
  notify: {channels: [y], group_by: [colour]}
- name: twice
  pattern: {source: [x]}
  notify: y
- name: twice
  pattern: {source: [x]}
  notify: y
- {name: nothing, off: true}
";
    expect![[r#"
        own.yaml, line 2, column 9: a route's name is 1 to 100 letters, digits, -, _ or .
        own.yaml, line 6, column 3: a route has no key "patern"; did you mean pattern?
        own.yaml, line 8, column 12: Event pattern is not valid. Reason: "source" must be an object or an array
        own.yaml, line 10, column 3: a route that suppresses neither notifies nor requests
        own.yaml, line 14, column 3: the route has neither notify, suppress nor request
        own.yaml, line 18, column 13: suppress needs until: reason, owner, until
        own.yaml, line 21, column 42: until is a time such as 2026-12-31 or 2026-12-31T18:00:00Z
        own.yaml, line 24, column 38: findings are grouped by account, actor, finding, product, region, resource, route, rule, severity, not "colour"
        own.yaml, line 28, column 3: the name twice is taken by own.yaml, line 25, column 3
        own.yaml, line 31, column 3: there is no built-in route nothing
    "#]]
    .assert_eq(&broken(text));
    assert!(broken("routes: []").contains("a file of routes is a list, not a mapping"));
    assert!(broken("- {").contains("the file is no YAML"));
}

/// Remarks on own routes, as lines.
fn remarks(text: &str) -> String {
    let (routes, _) = Routes::with_own([("own.yaml", text)]);
    let channels = ["page", "ticket", "operations", "register"].map(str::to_owned);
    lint(&routes, Some(&channels), now())
        .iter()
        .map(|r| {
            let instead = r.instead.as_ref().map(|i| format!("\n    instead: {i}"));
            format!("{} {}: {}{}\n", r.route, r.kind, r.say, instead.unwrap_or_default())
        })
        .collect()
}

#[test]
fn the_missions_list_of_severities_is_remarked_with_what_is_meant() {
    let said = remarks(
        "
- name: mission
  pattern: {source: [aws.guardduty], detail-type: [GuardDuty Finding], detail: {severity: [7, 8, 8.8]}}
  notify: page
- name: middling
  pattern: {source: [aws.guardduty], detail: {severity: [4, 5, 6]}}
  notify: page
",
    );
    expect![[r#"
        mission severity-list: detail.severity [7, 8, 8.8] matches just these numbers; 7.5, say, goes by. Severity is a scale in tenths: ask for a range
            instead: detail.severity: [{"numeric": [">=", 7]}]
        middling severity-list: detail.severity [4, 5, 6] matches just these numbers; 4.5, say, goes by. Severity is a scale in tenths: ask for a range
            instead: detail.severity: [{"numeric": [">=", 4, "<", 7]}]
    "#]]
    .assert_eq(&said);
}

#[test]
fn the_built_in_routes_are_without_remark() {
    assert_eq!(remarks("[]"), "");
}

#[test]
fn what_can_never_match_or_never_be_asked_is_remarked() {
    let said = remarks(
        "
- name: wide
  pattern: {source: [aws.guardduty]}
  notify: page
- name: dead
  pattern: {source: [aws.guardduty], detail: {severity: [{numeric: ['>=', 7]}]}}
  notify: ticket
- name: old
  pattern: {source: [aws.ec2]}
  suppress: {reason: r, owner: o, until: 2026-01-01}
- name: forever
  pattern: {source: [aws.ec2]}
  suppress: {reason: r, owner: o, until: 2099-01-01}
- name: nowhere
  pattern: {source: [aws.s3]}
  notify: [pager, pages]
- name: typos
  pattern: {source: [aws.guardduty], detail-type: [GuardDuty finding], detail: {severity: [{numeric: ['>', 3]}]}}
  notify: page
- name: fields
  pattern: {sources: [x], account: [111122223333], detail: {eventname: [x]}, detail-type: [AWS API Call via CloudTrail]}
  notify: page
- name: source
  pattern: {source: [guardduty.amazonaws.com]}
  notify: page
- name: absent
  pattern: {source: [watchkeeper], detail: {severety: [5], nothing: [{exists: false}]}}
  notify: page
",
    );
    expect![[r#"
        dead shadowed: wide (own.yaml, line 2) matches all that this route matches, and decides: this one is never asked
            instead: continue: true in wide, or this route before it
        old expired: it suppressed until 2026-01-01T00:00:00Z; that is over, so it does nothing: remove it
        forever long-suppression: it suppresses until 2099-01-01T00:00:00Z, more than a year from now: nobody will look at it
        nowhere unknown-channel: the configuration has no [channels.pager]; did you mean page?
        nowhere unknown-channel: the configuration has no [channels.pages]; did you mean page?
        typos unknown-detail-type: aws.guardduty sends no event with the detail-type "GuardDuty finding"
            instead: GuardDuty Finding
        typos shadowed: wide (own.yaml, line 2) matches all that this route matches, and decides: this one is never asked
            instead: continue: true in wide, or this route before it
        fields account-as-number: account is a text in every event; a number never matches it
            instead: account: ["111122223333"]
        fields unknown-field: events of AWS API Call via CloudTrail have no detail.eventname: the route never matches
            instead: detail.eventName
        fields unknown-field: no event has the field "sources"; what the event itself says is below detail
            instead: source
        source unknown-source: no event has the source "guardduty.amazonaws.com": that is how CloudTrail calls a service
            instead: source: [aws.guardduty], or detail: {eventSource: [guardduty.amazonaws.com]}
        absent unknown-field: events of watchkeeper have no detail.severety: the route never matches
            instead: detail.severity
    "#]]
    .assert_eq(&said);
}
