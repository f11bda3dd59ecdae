//! The watch over the watch, as users see it: status, gaps, runbooks, drills.

use serde_json::Value;

use crate::program::Home;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn slow_a_drill_goes_the_way_of_an_alarm_and_enters_no_population() {
    let home = Home::new();
    let ended = home.run(["drill", "run", "--json"]);
    assert_eq!(ended.code, Some(4), "no channel is named that could take it: {ended:?}");
    let drill = json(&ended.out);
    let steps: Vec<(&str, &str)> = drill["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["name"].as_str().unwrap(), s["how"].as_str().unwrap()))
        .collect();
    let passed = |name| (name, "passed");
    assert_eq!(steps, [passed("read"), passed("detect"), passed("route"), ("receipt", "skipped")]);
    // Nothing of it is in the lake, among the findings, or left on the disk.
    assert_eq!(
        json(&home.run(["findings", "list", "--json"]).out).as_array().map(Vec::len),
        Some(0)
    );
    let status = json(&home.run(["status", "--json"]).out);
    assert_eq!((&status["lake"]["rows"], &status["sources"]), (&0.into(), &Value::Array(vec![])));
    assert_eq!(std::fs::read_dir(home.path().join("tmp")).unwrap().count(), 0);
    // It is kept, with a leaf in the log.
    let held = json(&home.run(["drill", "list", "--json"]).out);
    assert_eq!((held.as_array().unwrap().len(), &held[0]["passed"]), (1, &true.into()));
    assert_eq!(home.run(["verify"]).code, Some(0));
}

#[test]
fn slow_a_drill_that_nobody_takes_fails_and_raises_an_alert() {
    let home = Home::new();
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("config.toml"), "[drill]\nchannel = \"nobody\"\n").unwrap();
    let ended = home.run(["drill", "run", "--wait", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("nobody took nothing for 1 s"), "{}", ended.out);
    let status = json(&home.run(["status", "--raise", "--json"]).out);
    let alerts = status["alerts"].as_array().unwrap();
    let drill = alerts.iter().find(|a| a["rule"] == "selfwatch.drill-failed");
    assert!(drill.is_some_and(|a| a["severity"] == 8.0), "{status:#}");
    let again = json(&home.run(["status", "--raise", "--json"]).out);
    assert_eq!(again["alerts"].as_array().unwrap().len(), alerts.len(), "one finding");
}

#[test]
fn slow_questions_whose_answers_are_known_are_answered_right() {
    let home = Home::new();
    let ended = home.run(["drill", "run", "queries"]);
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.out.contains("the events of a story: 14 events, as is known"), "{}", ended.out);
}

#[test]
fn slow_status_shows_each_source_and_gaps_name_places() {
    let home = Home::new();
    let folder = tempfile::tempdir().unwrap();
    let record = |hour: u32| {
        format!(
            r#"{{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-{hour:012}","eventTime":"2024-02-15T{:02}:00:00Z","eventSource":"iam.amazonaws.com","eventName":"GetUser","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser"}}}}"#,
            hour % 24
        )
    };
    let records: Vec<String> = (0..24).map(record).collect();
    let file = folder.path().join("one.json");
    std::fs::write(&file, format!("{{\"Records\":[{}]}}", records.join(","))).unwrap();
    let ended = home.run(["ingest".as_ref(), file.as_os_str()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = home.run(["status", "--json"]);
    assert_eq!(ended.code, Some(0), "history alone is not silence");
    let status = json(&ended.out);
    let source = &status["sources"][0];
    assert_eq!((&source["source"], &source["state"]), (&"cloudtrail".into(), &"learning".into()));
    assert_eq!(source["intake_24h"]["back_fill"], 24);
    assert_eq!(source["last_event"], "2024-02-15T23:00:00Z");
    let table = home.run(["status"]);
    assert!(table.out.contains("cloudtrail  learning"), "{}", table.out);
    let gaps = json(&home.run(["status", "gaps", "--days", "2", "--json"]).out);
    assert_eq!((&gaps["gaps"], &gaps["judged"]), (&Value::Array(vec![]), &"by volume only".into()));
    assert_eq!(home.run(["status", "gaps", "--days", "0"]).code, Some(2));
}

#[test]
fn slow_a_runbook_is_found_by_its_name_and_by_its_alert() {
    let home = Home::new();
    let by_name = home.run(["runbook", "silence"]);
    let by_alert = home.run(["runbook", "selfwatch.silence"]);
    assert!(by_name.code == Some(0) && by_name.out == by_alert.out);
    assert!(by_name.out.starts_with("# A source has gone silent"), "{}", by_name.out);
    let unknown = home.run(["runbook", "silense"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("did you mean silence?"), "{}", unknown.err);
}
