//! The words of a notice, as people read them: subject, text, and lines that cannot lie.

use std::fmt::Write as _;

use wk_model::Notice;
use wk_model::notice::{NoticeFinding, NoticeKind};

/// Text of one line: control characters and those that hide or turn text are blanks, blanks do not
/// repeat, and what is longer than `chars_max` is cut before a word, with a sign that it was.
pub fn line(text: &str, chars_max: usize) -> String {
    let mut clean = String::new();
    let mut chars = 0;
    for word in text.split(|c: char| c.is_whitespace() || is_hidden(c)).filter(|w| !w.is_empty()) {
        let blank = usize::from(!clean.is_empty());
        let length = word.chars().take(chars_max + 1).count();
        if chars + blank + length > chars_max {
            return cut(clean, chars, word, chars_max);
        }
        if blank == 1 {
            clean.push(' ');
        }
        clean.push_str(word);
        chars += blank + length;
    }
    clean
}

/// Ends a line that is full. A first word that is too long by itself is cut within.
fn cut(mut clean: String, chars: usize, word: &str, chars_max: usize) -> String {
    if clean.is_empty() {
        clean = word.chars().take(chars_max.saturating_sub(1)).collect();
    } else if chars == chars_max {
        clean.pop();
    }
    clean.push('…');
    clean
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Printable ASCII only: whatever else becomes `?`, an ellipsis three dots where there is room.
pub fn ascii(text: &str, chars_max: usize) -> String {
    let dots = line(&text.replace('…', "..."), usize::MAX - 1);
    let plain: String =
        dots.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    if plain.len() <= chars_max {
        return plain;
    }
    let head = line(&plain, chars_max.saturating_sub(2));
    head.replace('…', "...").chars().take(chars_max).collect()
}

/// The one line by which people tell notices apart, at most `chars_max` characters: how bad, what,
/// where, and the beginning of the alarm's key. Only what happened is cut.
pub fn subject(notice: &Notice, chars_max: usize) -> String {
    let head = match notice.kind {
        NoticeKind::Trigger => {
            format!("[{}] ", notice.severity.word().as_str().to_uppercase())
        }
        NoticeKind::Update => {
            format!("[{} update] ", notice.severity.word().as_str().to_uppercase())
        }
        kind => format!("[{}] ", kind.as_str().to_uppercase()),
    };
    let place = match (&notice.account, &notice.region) {
        (Some(account), Some(region)) => format!(" {} {}", line(account, 20), line(region, 20)),
        (Some(only), None) | (None, Some(only)) => format!(" {}", line(only, 20)),
        (None, None) => String::new(),
    };
    let tail = format!("{place} #{}", short(&notice.key));
    let room = chars_max.saturating_sub(head.chars().count() + tail.chars().count()).max(8);
    format!("{head}{}{tail}", line(&notice.title, room))
}

/// The beginning of a key, as people say it aloud.
pub fn short(key: &str) -> String {
    key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(8).collect()
}

/// Everything a notice says, as plain text in lines.
pub fn text(notice: &Notice) -> String {
    let mut out = String::new();
    say(&mut out, "", &line(&notice.title, Notice::TITLE_CHARS));
    let severity = format!("{} ({})", notice.severity.word(), notice.severity);
    say(&mut out, "Severity: ", &severity);
    if let Some(account) = &notice.account {
        say(&mut out, "Account: ", &line(account, 60));
    }
    if let Some(region) = &notice.region {
        say(&mut out, "Region: ", &line(region, 60));
    }
    if !notice.resources.is_empty() {
        let names: Vec<String> =
            notice.resources.iter().map(|r| line(r, Notice::LINE_CHARS)).collect();
        say(&mut out, "Resources: ", &and_more(&names.join(", "), notice.resources_more));
    }
    if !notice.analysis.is_empty() {
        out.push('\n');
        for paragraph in notice.analysis.lines() {
            say(&mut out, "", &line(paragraph, Notice::TEXT_CHARS));
        }
    }
    findings(notice, &mut out);
    if !notice.actions.is_empty() {
        out.push_str("\nWhat to do:\n");
        for (place, action) in notice.actions.iter().enumerate() {
            say(&mut out, &format!("{}. ", place + 1), &line(action, Notice::LINE_CHARS));
        }
    }
    ending(notice, &mut out);
    out
}

fn findings(notice: &Notice, out: &mut String) {
    if notice.findings.is_empty() {
        return;
    }
    say(out, "\nFindings: ", &notice.count().to_string());
    for finding in &notice.findings {
        say(out, "- ", &of_finding(finding));
    }
    if notice.more > 0 {
        say(out, "- ", &format!("and {} more", notice.more));
    }
}

/// One finding in one line.
pub fn of_finding(finding: &NoticeFinding) -> String {
    let title = line(&finding.title, Notice::LINE_CHARS);
    let by = match &finding.actor {
        Some(actor) => format!(" by {}", line(actor, Notice::LINE_CHARS)),
        None => String::new(),
    };
    let times = if finding.count == 1 { "once" } else { &format!("{} times", finding.count) };
    let until = match finding.last_seen == finding.first_seen {
        true => String::new(),
        false => format!(" to {}", finding.last_seen),
    };
    let (severity, from, id) = (finding.severity, finding.first_seen, &finding.id);
    format!("{severity} {title}{by}, seen {times} from {from}{until} [{id}]")
}

fn ending(notice: &Notice, out: &mut String) {
    out.push('\n');
    if let Some(runbook) = &notice.runbook {
        say(out, "Runbook: ", &line(runbook, Notice::LINE_CHARS));
    }
    if matches!(notice.kind, NoticeKind::Trigger | NoticeKind::Update | NoticeKind::Drill) {
        say(out, "Take it: ", &format!("watchkeeper notify ack {} --by NAME", notice.key));
    }
    say(out, "Alarm: ", &notice.key);
    if let Some(route) = &notice.route {
        say(out, "Route: ", &line(route, 100));
    }
    say(out, "Sent by Watchkeeper, made at ", &notice.created.to_string());
}

fn say(out: &mut String, head: &str, what: &str) {
    // Writing to a String never fails.
    if writeln!(out, "{head}{what}").is_err() {
        out.push('\n');
    }
}

/// A list with what it leaves out.
pub fn and_more(list: &str, more: u64) -> String {
    if more == 0 { list.to_owned() } else { format!("{list} and {more} more") }
}

/// Text cut to so many bytes, between characters, with a sign that it was.
pub fn bytes(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mark = "\n… cut";
    let mut kept = String::new();
    for c in text.chars() {
        if kept.len() + c.len_utf8() + mark.len() > bytes_max {
            break;
        }
        kept.push(c);
    }
    kept + mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_a_line_that_is_too_long_or_hides_something(
            text in proptest::collection::vec(any::<char>(), 0..200),
            chars_max in 4usize..120,
        ) {
            let text: String = text.into_iter().collect();
            let said = line(&text, chars_max);
            prop_assert!(said.chars().count() <= chars_max);
            prop_assert!(!said.contains(is_hidden));
            let plain = ascii(&text, chars_max);
            prop_assert!(plain.len() <= chars_max);
            prop_assert!(plain.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert!(bytes(&text, chars_max + 8).len() <= chars_max + 8);
        }
    }

    #[test]
    fn a_line_is_one_line_and_is_cut_between_words() {
        assert_eq!(line("  a\r\n\tb\u{202e}c \u{0}", 20), "a b c");
        assert_eq!(line("one two three", 13), "one two three");
        assert_eq!(line("one two three", 12), "one two…");
        assert_eq!(line("one two three", 7), "one tw…");
        assert_eq!(line("abcdefgh", 5), "abcd…");
        assert_eq!(line("", 5), "");
        for n in 1..30 {
            assert!(line("äöü one two three", n).chars().count() <= n, "{n}");
        }
    }

    #[test]
    fn ascii_has_no_character_that_sns_refuses() {
        assert_eq!(ascii("café – x", 20), "caf? ? x");
        assert_eq!(ascii("one two three", 12), "one two...");
        for n in 4..40 {
            let said = ascii("Ärger… in Zürich, über alles \u{7}", n);
            assert!(said.len() <= n && said.bytes().all(|b| (b' '..=b'~').contains(&b)), "{said}");
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(bytes("abc", 3), "abc");
        for n in 9..40 {
            let said = bytes(&"ä".repeat(40), n);
            assert!(said.len() <= n && said.ends_with("cut"), "{said}");
        }
    }
}
