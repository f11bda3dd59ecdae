//! Any text is read as rules or refused by place, and rules that were read can be run.

use wk_lang::json::{Tape, Value};
use wk_lang::sigma::{LogSource, RuleSet, read_rules};

/// Records that rules run over: what CloudTrail writes, and what nobody should.
const RECORDS: &[&str] = &[
    r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"ada","accountId":"111122223333"},"eventTime":"2026-03-01T09:30:00Z","eventSource":"iam.amazonaws.com","eventName":"AttachUserPolicy","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.17","requestParameters":{"userName":"ada","tags":[{"key":"a"},{"key":"b*"}]},"responseElements":null,"readOnly":false}"#,
    r#"{"a":"","a.b":[1,-0.0,1e400,"1",null,[["x"],{}]],"A":{"b":true},"event\u004eame":"\ud83d\ude00 \\*?"}"#,
    "[]",
];

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let reading = read_rules(text);
    let lines = text.split(['\n', '\r']).count();
    for error in &reading.errors {
        assert!(error.to_string().len() < 2_000 + 8 * text.len());
        assert!(line_of(&error.to_string()).is_none_or(|line| line <= lines + 1), "{error}");
    }
    let set = RuleSet::compile(&reading.rules).expect("a text of some kB holds few rules");
    assert_eq!(set.len(), reading.rules.len());
    let log_sources = reading.rules.iter().map(|rule| rule.logsource.clone());
    let mut log_sources: Vec<_> = log_sources.take(4).collect();
    log_sources.push(LogSource::new("aws", "cloudtrail"));
    let mut tape = Tape::new();
    for record in RECORDS {
        let value = tape.parse(record).expect("it is JSON");
        log_sources.iter().for_each(|source| agree(&set, record, value, source));
    }
}

/// The line at the beginning of a complaint.
fn line_of(told: &str) -> Option<usize> {
    told.split(':').next()?.parse().ok()
}

/// The index finds what asking every rule finds, and the text never says no to a match.
pub(crate) fn agree(set: &RuleSet, text: &str, value: Value<'_>, source: &LogSource) {
    let (mut matching, readers) = (vec![7], set.readers(source));
    set.matches(&value, &readers, &mut matching);
    let asked: Vec<usize> = (0..set.len()).filter(|n| set.holds(*n, &value, &readers)).collect();
    assert_eq!(matching, asked, "the index finds others");
    assert!(set.may_match(text) || matching.is_empty(), "{matching:?} match, but not the text");
}
