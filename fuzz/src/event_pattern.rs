//! Any text is a pattern or is refused by place; what a pattern says of an event is what it says in a
//! set, twice under `$or`, and of the same event without white space.

use wk_lang::json::{Kind, Tape, Value};
use wk_lang::pattern::{Pattern, PatternSet, Scratch, Verdict};

/// The first line is the pattern, the rest the event.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern_text, event) = text.split_once('\n').unwrap_or((text, "{}"));
    let pattern = match Pattern::parse(pattern_text) {
        Ok(pattern) => pattern,
        Err(refused) => {
            assert!(refused.line == 1 && refused.column <= pattern_text.len() + 1, "{refused:?}");
            assert!(!refused.reason.is_empty() && refused.reason.len() < 1_000, "{refused:?}");
            return;
        }
    };
    for branch in pattern.branches() {
        assert!(branch.iter().all(|field| field.path.len() <= pattern_text.len()));
    }
    let (mut tape, mut tight) = (Tape::new(), Tape::new());
    let Ok(event) = tape.parse(event) else { return };
    let verdict = pattern.verdict(event);
    let others = [r#"{"source":["aws.ec2"]}"#, r#"{"detail":{"a":[{"exists":false}]}}"#];
    let mut all: Vec<Pattern> = others.iter().map(|text| Pattern::parse(text).expect(text)).collect();
    all.push(pattern);
    assert_eq!(in_set(&all, event), verdict, "the set says otherwise");
    let compact = event.compact();
    let again = tight.parse(&compact).expect("white space means nothing");
    assert_eq!(in_set(&all, again), verdict, "white space says otherwise");
    let twice = format!(r#"{{"$or":[{pattern_text},{pattern_text}]}}"#);
    if let Ok(twice) = Pattern::parse(&twice) {
        assert_eq!(twice.verdict(event), verdict, "twice is otherwise");
    }
    if event.kind() != Kind::Object {
        assert_eq!(verdict, Verdict::No);
    }
}

/// What the last pattern says.
fn in_set(patterns: &[Pattern], event: Value<'_>) -> Verdict {
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    PatternSet::new(patterns).verdicts(event, &mut scratch, &mut found);
    let last = found.iter().find(|(place, _)| *place + 1 == patterns.len());
    last.map_or(Verdict::No, |(_, verdict)| *verdict)
}
