//! Questions to a lake: forms, limits, mistakes, saved questions, and the commands that help an
//! investigation.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::corpus::{Corpus, write_at};
use crate::program::{Ended, Home, ended};

/// A home with two days of the simulated organisation.
fn lake() -> &'static Home {
    static LAKE: OnceLock<Home> = OnceLock::new();
    LAKE.get_or_init(|| {
        let (home, corpus) = (Home::new(), Corpus::write());
        let (code, report) = home.ingest([corpus.path()]);
        assert_eq!(code, 0, "{report:#}");
        home
    })
}

/// Runs a command that must succeed.
fn good(home: &Home, args: &[&str]) -> Ended {
    let ended = home.run(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    ended
}

fn rows(home: &Home, args: &[&str]) -> Vec<Value> {
    let answered = good(home, args);
    serde_json::from_str(&answered.out).unwrap_or_else(|e| panic!("{e}: {answered:?}"))
}

fn sql(home: &Home, text: &str) -> Vec<Value> {
    rows(home, &["query", "--format", "json", "--sql", text])
}

/// A question that nobody wants to wait for, but whose first rows come at once.
const ENDLESS: &str = "SELECT a.event_id FROM events a, events b, events c";
/// A question that computes for ever before its first row.
const SILENT: &str = "SELECT count(*) AS n FROM events a, events b, events c WHERE a.raw < b.raw";

#[test]
fn slow_five_commands_see_search_fetch_archive_and_analyse_cloudtrail() {
    let (home, folder) = (lake(), tempfile::tempdir().unwrap());
    // See.
    let tables = rows(home, &["query", "--tables", "--format", "json"]);
    let trail = tables.iter().find(|t| t["table"] == "cloudtrail").unwrap();
    let events = trail["rows"].as_u64().unwrap();
    assert!(events > 1000 && trail["first"].as_str() < trail["last"].as_str(), "{trail}");
    // Search.
    let found = sql(home, "SELECT event_id FROM cloudtrail WHERE eventName = 'AssumeRole'");
    assert!(!found.is_empty());
    // Fetch: the records as they came.
    let raw = folder.path().join("raw.jsonl");
    let text = "SELECT event_id, raw FROM cloudtrail WHERE eventName = 'AssumeRole'";
    let output = raw.to_str().unwrap();
    good(home, &["query", "--sql", text, "--format", "jsonl", "--output", output]);
    let lines = fs::read_to_string(&raw).unwrap();
    assert_eq!(lines.lines().count(), found.len());
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let record: Value = serde_json::from_str(row["raw"].as_str().unwrap()).unwrap();
        assert_eq!(record["eventID"], row["event_id"]);
    }
    // Archive: one file that other programs read, and that this one reads again.
    let parquet = folder.path().join("trail.parquet");
    let output = parquet.to_str().unwrap();
    let all = "SELECT * FROM cloudtrail";
    good(home, &["query", "--sql", all, "--format", "parquet", "--output", output]);
    let bytes = fs::read(&parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    // Analyse.
    let text = "SELECT eventSource, count(*) AS calls FROM cloudtrail GROUP BY eventSource";
    let calls: u64 = sql(home, text).iter().map(|row| row["calls"].as_u64().unwrap()).sum();
    assert_eq!(calls, events);
}

#[test]
fn slow_every_form_holds_the_same_rows() {
    let home = lake();
    let text = "SELECT eventName, count(*) AS calls FROM cloudtrail GROUP BY eventName ORDER BY calls DESC, eventName";
    let json = sql(home, text);
    let lines = good(home, &["query", "--format", "jsonl", "--sql", text]).out;
    let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines, json);
    let csv = good(home, &["query", "--format", "csv", "--sql", text]).out;
    let csv: Vec<&str> = csv.lines().collect();
    assert_eq!((csv[0], csv.len()), ("eventName,calls", json.len() + 1));
    let table = good(home, &["query", "--sql", text]).out;
    assert!(table.ends_with(&format!("{} rows\n", json.len())), "{table}");
    let some = home.run(["query", "--format", "json", "--limit", "3", "--sql", text]);
    let three: Vec<Value> = serde_json::from_str(&some.out).unwrap();
    assert_eq!((some.code, &three[..]), (Some(0), &json[..3]));
    assert!(some.err.contains("more rows than --limit 3"), "{some:?}");
}

#[test]
fn slow_since_and_until_narrow_the_tables() {
    let home = lake();
    let count = |args: &[&str]| {
        let text = "SELECT count(*) AS n FROM events";
        let all = [&["query", "--format", "json", "--sql", text], args].concat();
        rows(home, &all)[0]["n"].as_u64().unwrap()
    };
    let noon = "2024-02-15T12:00:00Z";
    let (before, after) = (count(&["--until", noon]), count(&["--since", noon]));
    assert!(before > 0 && after > 0);
    assert_eq!(before + after, count(&[]));
    assert_eq!(count(&["--last", "1h"]), 0, "the lake is of 2024");
    let explained = good(
        home,
        &[
            "query",
            "--explain",
            "--format",
            "json",
            "--since",
            "2024-02-15",
            "--sql",
            "SELECT * FROM vpc_flow",
        ],
    );
    let facts: Value = serde_json::from_str(&explained.out).unwrap();
    let files = |name: &str| facts["files"][name].as_u64().unwrap();
    assert!(files("passed_over") > 0 && files("read") > 0, "{facts:#}");
    assert_eq!(files("passed_over") + files("read"), files("tables_asked"));
    for number in ["bytes_read", "cpu_s", "elapsed_s"] {
        assert!(facts[number].as_f64().unwrap() > 0.0, "{number} of {facts:#}");
    }
    assert!(facts["rows"]["scanned"].as_u64() >= facts["rows"]["returned"].as_u64());
}

#[test]
fn slow_a_question_that_takes_too_long_ends_with_whole_json_and_says_partial() {
    for text in [ENDLESS, SILENT] {
        let ended = lake().run(["query", "--format", "json", "--timeout", "2s", "--sql", text]);
        assert_eq!(ended.code, Some(4), "{text}: {}", ended.err);
        assert!(ended.err.contains("partial:") && ended.err.contains("--timeout"), "{}", ended.err);
        let rows: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(rows.is_empty(), text == SILENT);
    }
}

/// Sends a signal as a shell would.
fn signal(child: &std::process::Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn slow_ctrl_c_ends_a_question_with_whole_lines() {
    let mut command = lake().command(["query", "--format", "jsonl", "--sql", ENDLESS]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with('{'));
    signal(&child, "-INT");
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert!(rest.iter().all(|l| serde_json::from_str::<Value>(l).is_ok()), "{:?}", rest.last());
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(4), "{}", ended.err);
    assert!(ended.err.contains("partial: it was stopped"), "{}", ended.err);
}

#[test]
fn slow_a_sort_beyond_its_memory_spills_and_leaves_nothing_behind() {
    let (home, sorted) = (
        lake(),
        "SELECT a.raw FROM events a, (SELECT ordinal FROM events LIMIT 6) b ORDER BY a.raw",
    );
    let limited = ["query", "--memory", "16MiB", "--format", "jsonl", "--sql", sorted];
    let small = good(home, &limited);
    assert_eq!(small.out, good(home, &["query", "--format", "jsonl", "--sql", sorted]).out);
    let explained =
        ["query", "--memory", "16MiB", "--explain", "--format", "json", "--sql", sorted];
    let facts: Value = serde_json::from_str(&good(home, &explained).out).unwrap();
    assert!(facts["spilled_bytes"].as_u64().unwrap() > 0, "{facts:#}");
    assert!(facts["memory_peak_bytes"].as_u64() <= facts["memory_limit_bytes"].as_u64());
    let left = fs::read_dir(home.path().join("tmp")).unwrap().count();
    assert_eq!(left, 0, "temporary files were left");
}

#[test]
fn slow_mistakes_name_what_was_meant() {
    let home = lake();
    for (args, code, said) in [
        (&["query", "--sql", "SELECT eventNam FROM cloudtrail"][..], 3, "did you mean eventName?"),
        (&["query", "--sql", "SELECT 1 FROM cloudtrial"], 3, "did you mean cloudtrail?"),
        (
            &["query", "--sql", "SELECT userIdentity.arm FROM cloudtrail"],
            3,
            "did you mean userIdentity.arn?",
        ),
        (&["query", "--sql", "DELETE FROM cloudtrail"], 3, "only SELECT"),
        (&["query", "--sql", "SELECT * FROM '/etc/passwd'"], 3, "error"),
        (&["query", "--format", "parquet", "--sql", "SELECT 1"], 2, "needs --output"),
        (&["query", "--timeout", "60m", "--sql", "SELECT 1"], 2, "less than 60 minutes"),
        (&["query", "--memory", "1MiB", "--sql", "SELECT 1"], 2, "at least 16 MiB"),
        (&["query"], 2, "required"),
        (&["query", "--saved", "nothing-such"], 3, "--list"),
        (&["query", "--saved", "access-key-activity", "--language", "sql"], 2, "--param key="),
        (&["query", "--since", "yesterday", "--sql", "SELECT 1"], 2, "is no time"),
        (&["query", "--describe", "cloudtrial"], 3, "did you mean cloudtrail?"),
        (&["changes", "--between", "2024-02-15", "2024-02-14"], 2, "nothing lies between"),
    ] {
        let ended = home.run(args);
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.err.contains(said), "{args:?}: {}", ended.err);
    }
}

/// Values that the simulated organisation has.
const PARAMETERS: [&str; 8] = [
    "--param",
    "ip=203.0.113.10",
    "--param",
    "principal=deploy",
    "--param",
    "key=AKIAEXAMPLE",
    "--param",
    "day=2024-02-15",
];

fn library() -> Vec<Value> {
    rows(lake(), &["query", "--list", "--format", "json"])
}

/// Runs a saved question in one of its languages.
fn saved(question: &Value, language: &str) -> Vec<Value> {
    let name = question["name"].as_str().unwrap();
    let wanted = question["parameters"].as_array().unwrap();
    let given = PARAMETERS.chunks(2).filter(|pair| {
        let name = pair[1].split('=').next().unwrap();
        wanted.iter().any(|p| p["name"] == name)
    });
    let head = ["query", "--saved", name, "--language", language, "--format", "json"];
    rows(lake(), &[&head[..], &given.flatten().copied().collect::<Vec<_>>()].concat())
}

#[test]
fn slow_every_saved_question_runs_in_sql() {
    let (mut asked, mut answered) = (0, 0);
    for question in library().iter().filter(|q| !q["sql"].is_null()) {
        asked += 1;
        answered += usize::from(!saved(question, "sql").is_empty());
    }
    assert!(asked >= 25 && answered >= 12, "{answered} of {asked} found something");
}

/// Rows that do not depend on how a language writes numbers: 5 and 5.0 are the same.
fn plain(rows: &[Value]) -> Vec<String> {
    let value = |v: &Value| match v {
        Value::Number(n) => n.as_f64().unwrap().to_string(),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |row: &Value| {
        let mut cells: Vec<String> = row
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(name, v)| format!("{name}={}", value(v)))
            .collect();
        cells.sort();
        cells.join(" ")
    };
    let mut rows: Vec<String> = rows.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn slow_the_same_question_in_insights_and_in_sql_gives_the_same_rows() {
    let (mut pairs, mut answered, mut wrong) = (0, 0, Vec::new());
    for question in library().iter().filter(|q| !q["sql"].is_null() && !q["insights"].is_null()) {
        let (insights, sql) = (plain(&saved(question, "insights")), plain(&saved(question, "sql")));
        pairs += 1;
        answered += usize::from(!sql.is_empty());
        if insights != sql {
            wrong.push(format!("{}:\n{:#?}\n{:#?}", question["name"], insights, sql));
        }
    }
    assert!(wrong.is_empty(), "{} of {pairs}: {}", wrong.len(), wrong.join("\n"));
    assert!(pairs >= 20 && answered >= 15, "{answered} of {pairs} found something");
}

#[test]
fn slow_a_saved_hunt_becomes_a_rule_that_finds_the_same_events() {
    let (home, folder) = (lake(), tempfile::tempdir().unwrap());
    let (mut made, mut refused) = (0, 0);
    for question in library().iter().filter(|q| !q["insights"].is_null()) {
        let name = question["name"].as_str().unwrap();
        let parameters: Vec<String> = question["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|p| {
                ["--param".to_owned(), format!("{}=198.51.100.7", p["name"].as_str().unwrap())]
            })
            .collect();
        let mut command = home.command(["query", "--saved", name, "--as-rule"]);
        let ended = ended(command.args(parameters).output().unwrap());
        if ended.code == Some(0) {
            made += 1;
            fs::write(folder.path().join(format!("{name}.yml")), ended.out).unwrap();
        } else {
            refused += 1;
            assert!(ended.err.contains("cannot become a rule"), "{name}: {ended:?}");
        }
    }
    assert!(made >= 12 && refused >= 3, "{made} made, {refused} refused");
    let run = good(home, &["detect", "run", "--json", "--rules", folder.path().to_str().unwrap()]);
    assert!(!run.err.contains("warning"), "{}", run.err);
    let told: Value = serde_json::from_str(&run.out).unwrap();
    let count = |title: &str| {
        let rules = told["rules"].as_array().unwrap();
        rules.iter().find(|r| r["title"] == title).unwrap()["matches"].as_u64().unwrap()
    };
    let asked = sql(home, "SELECT count(*) AS n FROM vpc_flow WHERE action = 'REJECT'");
    assert_eq!(Some(count("Ports that were asked for in vain")), asked[0]["n"].as_u64());
    let asked = sql(home, "SELECT count(*) AS n FROM cloudtrail WHERE errorCode IS NOT NULL");
    assert_eq!(Some(count("What fails, and how often")), asked[0]["n"].as_u64());
}

#[test]
fn slow_an_own_question_is_found_before_a_built_in_one() {
    let home = Home::new();
    let folder = home.path().join("queries");
    fs::create_dir_all(&folder).unwrap();
    let own = "title: mine\nparameters:\n  word: {about: any, default: x}\nsql: SELECT '${word}' AS word\n";
    fs::write(folder.join("root-use.yml"), own).unwrap();
    fs::write(folder.join("broken.yml"), "title: [").unwrap();
    let ended = good(&home, &["query", "--saved", "root-use", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap(), json!([{"word": "x"}]));
    assert!(ended.err.contains("warning: the saved query broken"), "{}", ended.err);
}

#[test]
fn slow_all_accounts_are_asked_in_one_place() {
    let text = "SELECT DISTINCT account FROM events WHERE account IS NOT NULL";
    assert!(sql(lake(), text).len() >= 3);
    let services = library().into_iter().find(|q| q["name"] == "services-by-account").unwrap();
    let accounts: BTreeSet<String> =
        saved(&services, "sql").iter().map(|row| row["recipientAccountId"].to_string()).collect();
    assert!(accounts.len() >= 3, "{accounts:?}");
}

#[test]
fn slow_a_log_group_is_the_table_that_the_configuration_says() {
    let home = Home::new();
    home.ingest(Corpus::write().files.iter().take(3));
    let config = home.path().join("config.toml");
    std::fs::write(&config, "[log_groups]\n'/acme/*' = 'cloudtrail'\n").unwrap();
    let ask = ["query", "SOURCE '/acme/audit' | stats count(*) as n", "--format", "json"];
    let ended = home.run(ask);
    let n = serde_json::from_str::<Value>(&ended.out).unwrap()[0]["n"].as_u64();
    assert!(n > Some(0) && ended.err.contains("read as table cloudtrail"), "{ended:?}");
    std::fs::write(&config, "[log_groups]\n'/acme/*' = 'trails'\n").unwrap();
    let ended = home.run(ask);
    assert!(ended.code == Some(3) && ended.err.contains("\"trails\""), "{ended:?}");
}

#[test]
fn slow_logs_serve_troubleshooting() {
    let errors = library().into_iter().find(|q| q["name"] == "error-codes").unwrap();
    let rows = saved(&errors, "sql");
    assert!(rows.iter().any(|r| r["errorCode"] == "AccessDenied"), "{rows:#?}");
    assert!(rows.is_sorted_by_key(|r| std::cmp::Reverse(r["errors"].as_u64())));
}

#[test]
fn slow_first_seen_looks_over_the_whole_lake() {
    let home = lake();
    let key = "actor = 'cloudtrail.amazonaws.com' OR actor IS NOT NULL";
    let text = format!(
        "SELECT actor, action, min(event_time) AS t, count(*) AS n FROM events WHERE {key}
         GROUP BY source, account, actor, action ORDER BY t, actor, action, n LIMIT 50"
    );
    let first = format!(
        "SELECT actor, action, first_event_time AS t, events AS n FROM first_seen WHERE {key}
         ORDER BY t, actor, action, n LIMIT 50"
    );
    let (told, seen) = (sql(home, &text), sql(home, &first));
    assert_eq!(told, seen);
    let narrowed = ["query", "--format", "json", "--since", "2024-02-15", "--sql", &first];
    assert_eq!(rows(home, &narrowed), seen, "else everything would be new");
}

#[test]
fn slow_an_entity_is_shown_over_all_tables_with_what_is_new() {
    let home = lake();
    let top = "SELECT source_ip, count(*) AS n FROM events WHERE source = 'vpc_flow' AND source_ip IS NOT NULL GROUP BY source_ip ORDER BY n DESC LIMIT 1";
    let ip = sql(home, top)[0]["source_ip"].as_str().unwrap().to_owned();
    let counted = sql(
        home,
        &format!(
            "SELECT count(*) AS n FROM events WHERE source_ip = '{ip}' OR holds(resource_ids, '{ip}')"
        ),
    );
    let told = good(home, &["entity", &ip, "--json"]);
    let facts: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&facts["kind"], &facts["events"]), (&json!("ip"), &counted[0]["n"]));
    let bars = facts["histogram"]["bars"].as_array().unwrap();
    let sum: u64 = bars.iter().map(|bar| bar["events"].as_u64().unwrap()).sum();
    assert_eq!(Some(sum), facts["events"].as_u64());
    assert!(!facts["peers"].as_array().unwrap().is_empty(), "{facts:#}");
    let actor = "SELECT actor FROM cloudtrail WHERE actor LIKE 'arn:%/%' GROUP BY actor ORDER BY count(*) DESC LIMIT 1";
    let arn = sql(home, actor)[0]["actor"].as_str().unwrap().to_owned();
    let name = arn.rsplit('/').next().unwrap();
    let by_arn: Value = serde_json::from_str(&good(home, &["entity", &arn, "--json"]).out).unwrap();
    assert!(by_arn["columns"]["actions"]["different"].as_u64().unwrap() > 0);
    let by_name: Value =
        serde_json::from_str(&good(home, &["entity", name, "--json"]).out).unwrap();
    assert!(by_name["events"].as_u64() >= by_arn["events"].as_u64());
    let late = good(home, &["entity", &arn, "--since", "2024-02-15", "--json"]);
    let late: Value = serde_json::from_str(&late.out).unwrap();
    let both = late["events"].as_u64().unwrap() + late["events_before"].as_u64().unwrap();
    assert_eq!(Some(both), by_arn["events"].as_u64());
    let text = good(home, &["entity", &arn, "--since", "2024-02-15"]).out;
    assert!(text.contains("actions") && text.contains('█'), "{text}");
}

/// A configuration item of a security group, at a minute of an hour.
fn item(minute: u32, status: &str, cidr: &str, related: &str) -> Value {
    json!({
        "configurationItemVersion": "1.3", "configurationItemCaptureTime": format!("2024-02-15T10:{minute:02}:00.000Z"),
        "configurationStateId": 1_707_991_200 + minute, "awsAccountId": "111122223333",
        "configurationItemStatus": status, "resourceType": "AWS::EC2::SecurityGroup",
        "resourceId": "sg-0123456789abcdef0", "resourceName": "web", "awsRegion": "eu-west-1",
        "ARN": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0123456789abcdef0",
        "relatedEvents": if related.is_empty() { json!([]) } else { json!([related]) },
        "relationships": [], "tags": {"app": "shop"}, "supplementaryConfiguration": {},
        "configuration": {"groupId": "sg-0123456789abcdef0", "ipPermissions": [{"fromPort": 22, "ipRanges": [cidr]}]},
    })
}

#[test]
fn slow_what_changed_between_two_times_is_told_by_field_and_call() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let opened = "11111111-2222-4333-8444-555555555555";
    let mut other = item(7, "ResourceDiscovered", "10.0.0.0/8", "");
    other["resourceId"] = json!("sg-0aaaaaaaaaaaaaaa0");
    other["ARN"] = json!("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0aaaaaaaaaaaaaaa0");
    let items = json!({"fileVersion": "1.0", "configurationItems": [
        item(0, "OK", "10.0.0.0/8", ""), item(5, "OK", "0.0.0.0/0", opened), other,
        item(9, "OK", "10.0.0.0/8", ""), item(20, "ResourceDeleted", "10.0.0.0/8", ""),
    ]});
    let call = json!({"Records": [{
        "eventVersion": "1.09", "eventTime": "2024-02-15T10:04:30Z", "eventID": opened,
        "eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.9", "userAgent": "cli",
        "eventType": "AwsApiCall", "readOnly": false, "managementEvent": true,
        "recipientAccountId": "111122223333", "eventCategory": "Management",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333", "userName": "ann", "principalId": "AIDAEXAMPLE1234567890"},
        "requestParameters": {"groupId": "sg-0123456789abcdef0"}, "responseElements": {"_return": true},
    }]});
    let at = wk_model::Timestamp::parse("2024-02-15T11:00:00Z").unwrap();
    for (name, text) in [("items.json", items), ("trail.json", call)] {
        write_at(&folder.path().join(name), text.to_string().as_bytes(), at);
    }
    let (code, report) = home.ingest([folder.path()]);
    assert_eq!(code, 0, "{report:#}");
    let changes = |from: &str, to: &str| {
        let (from, to) = (format!("2024-02-15T10:{from}:00Z"), format!("2024-02-15T10:{to}:00Z"));
        let told = good(&home, &["changes", "--between", &from, &to, "--json"]);
        let mut told: Value = serde_json::from_str(&told.out).unwrap();
        let mut list = told["changes"].take().as_array().unwrap().clone();
        list.retain(|c| c["id"] == "sg-0123456789abcdef0");
        list
    };
    let open = &changes("01", "06")[0];
    assert_eq!(open["became"], "changed", "{open:#}");
    assert_eq!(open["fields"][0]["path"], "configuration.ipPermissions[0].ipRanges[-]");
    assert_eq!(open["fields"][1]["to"], "0.0.0.0/0");
    assert_eq!(open["fields"].as_array().unwrap().len(), 2, "{open:#}");
    assert_eq!(open["calls"][0]["event_id"], opened);
    assert_eq!(open["calls"][0]["named_by_config"], true);
    assert_eq!(changes("01", "15")[0]["became"], "changed and changed back");
    assert_eq!(changes("10", "25")[0]["became"], "deleted");
    assert!(changes("10", "15").is_empty());
    let all =
        good(&home, &["changes", "--between", "2024-02-15T10:01:00Z", "2024-02-15T10:08:00Z"]).out;
    assert!(all.contains("created: AWS::EC2::SecurityGroup sg-0aaaaaaaaaaaaaaa0"), "{all}");
    assert!(
        all.contains("by ec2:AuthorizeSecurityGroupIngress of arn:aws:iam::111122223333:user/ann"),
        "{all}"
    );
    let narrowed = [
        "changes",
        "--between",
        "2024-02-15T10:01:00Z",
        "2024-02-15T10:25:00Z",
        "--type",
        "AWS::S3::Bucket",
    ];
    assert!(good(&home, &narrowed).out.contains("nothing"));
}

#[test]
fn slow_tail_shows_every_event_once_while_others_ingest() {
    let (home, corpus) = (Home::new(), Corpus::some(400));
    let (first, second) = corpus.files.split_at(corpus.files.len() / 2);
    home.ingest(first);
    let args = ["tail", "--follow", "--since", "2000-01-01", "--format", "jsonl"];
    let mut command = home.command(args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let id = |row: &Value| format!("{}{}{}", row["object"], row["ordinal"], row["event_id"]);
    let mut seen = Vec::new();
    let mut expected = BTreeSet::new();
    for (number, line) in lines.enumerate() {
        let row: Value = serde_json::from_str(&line.unwrap()).unwrap();
        seen.push(id(&row));
        if number == 0 {
            for some in second.chunks(second.len() / 4 + 1) {
                home.ingest(some);
                // Rows that only move to another file are no new ones.
                good(&home, &["lake", "compact"]);
            }
            expected = sql(&home, "SELECT * FROM events").iter().map(id).collect();
            assert!(expected.len() > 1000);
        }
        if seen.len() >= expected.len() && number > 0 {
            break;
        }
    }
    signal(&child, "-INT");
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let distinct: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "an event was shown twice");
    assert!(distinct == expected, "{} shown, {} there", distinct.len(), expected.len());
    let plain = good(&home, &["tail", "--since", "2000-01-01", "--where", "outcome = 'denied'"]);
    assert!(plain.out.lines().all(|line| line.contains("denied")), "{}", plain.out);
    let filter = [
        "tail",
        "--since",
        "2000-01-01",
        "--table",
        "cloudtrail",
        "--filter",
        "eventName = 'AssumeRole'",
    ];
    let roles = sql(&home, "SELECT event_id FROM cloudtrail WHERE eventName = 'AssumeRole'");
    assert_eq!(good(&home, &filter).out.lines().count(), roles.len());
    assert!(!roles.is_empty());
}
