//! `watchkeeper route test`

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use wk_lang::json::{Kind, Tape, Value};
use wk_lang::pattern::{Pattern, Verdict};
use wk_model::complaint::printable;

use crate::cli::{Exit, Usage, table};

/// Ask whether an event pattern matches an event, as EventBridge would.
///
/// Exit code 0: it matches, or every case is as expected; 1: it does not match, the pattern is
/// refused, or a case differs.
#[derive(Args)]
pub(super) struct Test {
    /// The pattern: JSON, or a file that holds it
    #[arg(value_name = "PATTERN", requires = "event")]
    pattern: Option<String>,
    /// The event: JSON, a file that holds it, or - for standard input
    #[arg(value_name = "EVENT")]
    event: Option<String>,
    /// A file of cases, one JSON object a line: pattern, event, expected (true, false or "invalid")
    #[arg(long, value_name = "FILE", conflicts_with = "pattern")]
    cases: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Bytes of one event or case.
const BYTES_MAX: u64 = 16 << 20;
/// Letters of a pattern that are shown beside a difference.
const SHOWN: usize = 160;

/// What a pattern says of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Said(Verdict),
    /// The pattern is refused, for this reason.
    Invalid(String),
    /// The event is none.
    NoEvent(String),
}

impl Answer {
    /// Asks. A pattern without an event is only read.
    fn of(pattern: &str, event: Option<&str>) -> Self {
        let pattern = match Pattern::parse(pattern) {
            Ok(pattern) => pattern,
            Err(refused) => {
                let place = format!("line {}, column {}", refused.line, refused.column);
                return Self::Invalid(format!("{refused} ({place})"));
            }
        };
        let Some(event) = event else { return Self::Said(Verdict::No) };
        let mut tape = Tape::new();
        match tape.parse(event) {
            Ok(event) if event.kind() == Kind::Object => Self::Said(pattern.verdict(event)),
            Ok(_) => Self::NoEvent("the event is no JSON object".to_owned()),
            Err(defect) => Self::NoEvent(format!("the event is no JSON: {defect}")),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Said(Verdict::Yes) => "true",
            Self::Said(Verdict::No) => "false",
            Self::Said(Verdict::Unclear) => "unclear",
            Self::Invalid(_) => "invalid",
            Self::NoEvent(_) => "no event",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Said(Verdict::Unclear) => {
                Some("to say so takes more work than one event may cost")
            }
            Self::Said(_) => None,
            Self::Invalid(reason) | Self::NoEvent(reason) => Some(reason),
        }
    }
}

impl Test {
    pub(super) fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match (self.cases, self.pattern, self.event) {
            (Some(file), None, None) => cases(&file, self.json, out),
            (None, Some(pattern), Some(event)) => {
                let answer = Answer::of(&given(&pattern)?, Some(&given(&event)?));
                one(&answer, self.json, out)
            }
            _ => Err(Usage::error("route test needs PATTERN and EVENT, or --cases FILE")),
        }
    }
}

/// JSON as it stands, or what is in a file, or on standard input.
fn given(text: &str) -> anyhow::Result<Cow<'_, str>> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut read = String::new();
    let failed = || format!("could not read {text}");
    let length = if text == "-" {
        std::io::stdin().take(BYTES_MAX + 1).read_to_string(&mut read)
    } else {
        let file = File::open(text).with_context(failed)?;
        file.take(BYTES_MAX + 1).read_to_string(&mut read)
    };
    if length.with_context(failed)? as u64 > BYTES_MAX {
        bail!("{text} is larger than {BYTES_MAX} bytes");
    }
    Ok(Cow::Owned(read))
}

fn one(answer: &Answer, json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if json {
        let value = json!({"answer": answer.word(), "reason": answer.reason()});
        writeln!(out, "{value:#}")?;
    } else {
        let word = match answer {
            Answer::Said(Verdict::Yes) => "match",
            Answer::Said(Verdict::No) => "no match",
            other => other.word(),
        };
        let reason = answer.reason().map(|reason| format!(": {}", printable(reason.as_bytes())));
        writeln!(out, "{word}{}", reason.unwrap_or_default())?;
    }
    match answer {
        Answer::Said(Verdict::Yes) => Ok(Exit::Ok),
        Answer::NoEvent(_) => Ok(Exit::Failed),
        Answer::Said(_) | Answer::Invalid(_) => Ok(Exit::Found),
    }
}

/// A case whose answer is not what was expected.
struct Difference {
    line: usize,
    id: Option<String>,
    expected: String,
    answer: Answer,
    pattern: String,
    event: Option<String>,
}

/// What a file of cases comes to.
#[derive(Default)]
struct Told {
    /// Cases that were asked.
    cases: u64,
    differences: Vec<Difference>,
    /// Lines that are no case, each with its place and the reason; the others are asked all the same.
    unread: Vec<String>,
}

fn cases(path: &Path, json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let failed = || format!("could not read the cases in {}", path.display());
    let mut file = BufReader::new(File::open(path).with_context(failed)?);
    let (mut line, mut number, mut told) = (Vec::new(), 0usize, Told::default());
    let mut tape = Tape::new();
    loop {
        line.clear();
        let read = file.by_ref().take(BYTES_MAX + 1).read_until(b'\n', &mut line);
        if read.with_context(failed)? == 0 {
            break;
        }
        number += 1;
        let place = || format!("{}, line {number}", path.display());
        if line.len() as u64 > BYTES_MAX {
            told.unread.push(format!("{}: the line is longer than {BYTES_MAX} bytes", place()));
            file.skip_until(b'\n').with_context(failed)?;
            continue;
        }
        match case_of(&line, number, &mut tape) {
            Ok(None) => {}
            Ok(Some(difference)) => {
                told.cases += 1;
                told.differences.extend(difference);
            }
            Err(why) => told.unread.push(format!("{}: {why:#}", place())),
        }
    }
    if told.cases == 0 && told.unread.is_empty() {
        bail!("{} holds no case", path.display());
    }
    tell(&told, json, out)?;
    Ok(match (&told.unread[..], &told.differences[..]) {
        ([], []) => Exit::Ok,
        ([], _) => Exit::Found,
        _ => Exit::Failed,
    })
}

/// Asks the case of a line: nothing if the line is empty, else the difference if there is one.
fn case_of(
    line: &[u8],
    number: usize,
    tape: &mut Tape,
) -> anyhow::Result<Option<Option<Difference>>> {
    let text = std::str::from_utf8(line)?;
    // Some editors begin a file with a mark of the byte order.
    let text = if number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
    if text.trim().is_empty() {
        return Ok(None);
    }
    case_differs(tape.parse(text.trim())?, number).map(Some)
}

fn case_differs(case: Value<'_>, line: usize) -> anyhow::Result<Option<Difference>> {
    let pattern = case.get("pattern").and_then(text).context("the case has no pattern")?;
    let event = case.get("event").and_then(text);
    let expected = case.get("expected").and_then(text).context("the case has no expected")?;
    if !matches!(&*expected, "true" | "false" | "invalid") {
        bail!("expected is true, false or \"invalid\", not {expected}");
    }
    if event.is_none() && expected != "invalid" {
        bail!("the case has no event");
    }
    let answer = Answer::of(&pattern, event.as_deref());
    if answer.word() == expected {
        return Ok(None);
    }
    Ok(Some(Difference {
        line,
        id: case.get("id").and_then(text).map(Cow::into_owned),
        expected: expected.into_owned(),
        answer,
        pattern: pattern.into_owned(),
        event: event.map(Cow::into_owned),
    }))
}

/// JSON that stands in a text, or as itself; null is nothing.
fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::Null => None,
        Kind::String => value.as_str(),
        _ => Some(Cow::Borrowed(value.raw())),
    }
}

fn tell(told: &Told, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let Told { cases, differences, unread } = told;
    unread.iter().for_each(|line| say(line));
    if json {
        let each = |d: &Difference| {
            json!({
                "line": d.line, "id": d.id, "expected": d.expected, "answer": d.answer.word(),
                "reason": d.answer.reason(), "pattern": d.pattern, "event": d.event,
            })
        };
        let all: Vec<_> = differences.iter().map(each).collect();
        writeln!(out, "{:#}", json!({"cases": cases, "differences": all, "unread": unread}))?;
        return Ok(());
    }
    for d in differences {
        let id = d.id.as_ref().map(|id| format!(" (id {id})")).unwrap_or_default();
        let answer = d.answer.word();
        writeln!(out, "line {}{id}: expected {}, got {answer}", d.line, d.expected)?;
        if let Some(reason) = d.answer.reason() {
            writeln!(out, "  {}", printable(reason.as_bytes()))?;
        }
        let shown = |text: &str| printable(table::cut(text, SHOWN).as_bytes());
        writeln!(out, "  pattern {}", shown(&d.pattern))?;
        writeln!(out, "  event   {}", shown(d.event.as_deref().unwrap_or("none")))?;
    }
    let lines = match unread.len() {
        0 => String::new(),
        1 => ", 1 line is no case".to_owned(),
        many => format!(", {many} lines are no cases"),
    };
    writeln!(out, "{cases} cases, {} differ{lines}", differences.len())?;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "lines that are no case are told where errors are told")]
fn say(line: &str) {
    eprintln!("{}", printable(line.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_word_and_a_reason() {
        let word = |pattern, event| Answer::of(pattern, event).word();
        assert_eq!(word(r#"{"a":[1]}"#, Some(r#"{"a":1}"#)), "true");
        assert_eq!(word(r#"{"a":[1]}"#, Some(r#"{"a":2}"#)), "false");
        assert_eq!(word(r#"{"a":1}"#, None), "invalid");
        assert_eq!(word(r#"{"a":[1]}"#, Some("[]")), "no event");
        let refused = Answer::of("{\"a\":\n[]}", None);
        assert_eq!(
            refused.reason().unwrap(),
            "Event pattern is not valid. Reason: Empty arrays are not allowed (line 2, column 1)"
        );
    }
}
