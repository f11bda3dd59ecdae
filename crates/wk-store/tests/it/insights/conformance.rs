//! Every real query of the conformance list is answered, or refused for the reason that stands here.

use std::path::Path;

use super::records::lake;

/// Queries that are refused: a stretch of the text, a stretch of the reason.
const REFUSED: &[(&str, &str)] = &[
    // A quote of the script that the query was cut from.
    ("limit 50'", "has no second"),
    ("limit 20'", "has no second"),
    // Placeholders that stand where a value belongs.
    ("<logOnly_start>", "a value should stand here"),
    // A flow log here keeps no stream; the field is named @logStream.
    ("logStream = 'vpc-flow-logs'", "no field logStream"),
    // Commands that are not run yet.
    ("offset 1h", "offset is not run yet"),
    ("| outlier", "outlier is not there yet"),
    ("| sessionize", "sessionize is not there yet"),
    ("| estimate", "estimate is not there yet"),
];

/// The list, or why it cannot be read.
fn list() -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance/insights-queries.txt");
    std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
}

#[test]
fn every_query_of_the_list_runs_or_says_why_not() {
    let text = match list() {
        Ok(text) => text,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let world = lake();
    std::fs::create_dir(world.folder().join("lookups")).unwrap();
    let people = "user_id,username,email,department\nu1,ana,ana@example.com,Engineering\n";
    std::fs::write(world.folder().join("lookups/user_data.csv"), people).unwrap();
    let (mut answered, mut wrong) = (0, Vec::new());
    let mut refused = vec![0; REFUSED.len()];
    for block in text.split("\n\n") {
        let query: String =
            block.lines().filter(|l| !l.starts_with("# source:")).collect::<Vec<_>>().join("\n");
        if query.trim().is_empty() {
            continue;
        }
        match (
            world.ask(&query, &world.options()),
            REFUSED.iter().position(|(q, _)| query.contains(q)),
        ) {
            (Ok(_), None) => answered += 1,
            (Err(why), Some(known)) if why.contains(REFUSED[known].1) => refused[known] += 1,
            (Ok(_), Some(_)) => wrong.push(format!("is answered now:\n{query}")),
            (Err(why), _) => wrong.push(format!("{query}\n=> {why}")),
        }
    }
    println!("{answered} answered, {} refused", refused.iter().sum::<usize>());
    assert!(wrong.is_empty(), "{}\n\n{} in all", wrong.join("\n\n"), wrong.len());
    assert!(answered > 100 && refused.iter().all(|n| *n > 0), "{answered} {refused:?}");
}

/// The panel of failed authentication, with the spellings of a denial that the one above lacks.
const DENIALS: &str = "SOURCE '/aws/cloudtrail/logs'
| filter errorCode in ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'Client.UnauthorizedOperation', 'UnauthorizedAccess']
    or (eventName = 'ConsoleLogin' and responseElements.ConsoleLogin = 'Failure')
| fields @timestamp, userIdentity.arn, eventName, sourceIPAddress, errorCode
| sort @timestamp desc
| limit 100";

#[test]
fn the_panel_of_failed_authentication_runs_as_written_and_ours_beside_it() {
    let world = lake();
    let ours = world.csv(DENIALS);
    let denied: Vec<&str> = ours.lines().skip(1).filter_map(|l| l.rsplit(',').next()).collect();
    assert_eq!(denied, ["UnauthorizedOperation", "AccessDenied"], "{ours}");
    let text = match list() {
        Ok(text) => text,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let written = text.split("\n\n").find(|q| q.contains("dashboard widget")).unwrap();
    let query: Vec<&str> = written.lines().filter(|l| !l.starts_with("# source:")).collect();
    let answer = world.csv(&query.join("\n"));
    let denied: Vec<&str> = answer.lines().skip(1).filter_map(|l| l.rsplit(',').next()).collect();
    assert_eq!(denied, ["UnauthorizedOperation", "AccessDenied"], "{answer}");
}
