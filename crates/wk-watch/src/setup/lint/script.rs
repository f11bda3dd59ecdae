//! A text with commands in it: a shell script, a page, a program.

use std::collections::BTreeMap;

/// Lines that one command may span.
const LINES_MAX: usize = 80;
/// Lines of a text that are read; what lies behind is told as unread.
pub(super) const TEXT_LINES_MAX: usize = 100_000;

/// A text, and the calls of the AWS CLI in it.
pub struct Script<'t> {
    pub(super) lines: Vec<&'t str>,
    pub(super) commands: Vec<Command>,
    pub(super) unread: usize,
}

/// A call of the AWS CLI.
pub(super) struct Command {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    pub(super) service: String,
    pub(super) operation: String,
    flags: BTreeMap<String, String>,
}

impl<'t> Script<'t> {
    /// Reads a text.
    pub fn read(text: &'t str) -> Self {
        let all = text.lines().count();
        let lines: Vec<&str> = text.lines().take(TEXT_LINES_MAX).collect();
        let mut commands = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let Some(begins) = begins(lines[at]) else {
                at += 1;
                continue;
            };
            let (text, took) = joined(begins, &lines[at..]);
            commands.extend(Command::read(at + 1, &text));
            at += took;
        }
        let unread = all - lines.len();
        Self { lines, commands, unread }
    }

    /// The calls of this operation.
    pub(super) fn calls<'s>(
        &'s self,
        service: &'s str,
        operation: &'s str,
    ) -> impl Iterator<Item = &'s Command> {
        self.commands.iter().filter(move |c| c.service == service && c.operation == operation)
    }

    /// The numbers of the lines that hold a text.
    pub(super) fn holding<'s>(&'s self, text: &'s str) -> impl Iterator<Item = usize> + use<'s> {
        self.where_line(move |line| line.contains(text))
    }

    /// The numbers of the lines of which something is so.
    pub(super) fn where_line<'s>(
        &'s self,
        so: impl Fn(&str) -> bool + 's,
    ) -> impl Iterator<Item = usize> + 's {
        self.lines.iter().enumerate().filter(move |(_, line)| so(line)).map(|(n, _)| n + 1)
    }

    /// Whether any line holds a text.
    pub(super) fn says(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

impl Command {
    fn read(line: usize, text: &str) -> Option<Self> {
        let mut words = words(text).into_iter();
        words.next()?;
        let (service, operation) = (words.next()?, words.next()?);
        let plain =
            |w: &str| w.chars().all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c));
        if !plain(&service) || !plain(&operation) || !operation.contains('-') {
            return None;
        }
        let mut flags: BTreeMap<String, String> = BTreeMap::new();
        let mut flag = None;
        for word in words {
            if let Some(name) = word.strip_prefix("--") {
                let (name, value) = name.split_once('=').unwrap_or((name, ""));
                flags.insert(name.to_owned(), value.to_owned());
                flag = Some(name.to_owned());
            } else if let Some(value) = flag.as_ref().and_then(|f| flags.get_mut(f)) {
                value.push_str(if value.is_empty() { "" } else { " " });
                value.push_str(&word);
            }
        }
        Some(Self { line, service, operation, flags })
    }

    /// What follows a flag.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }

    /// Whether anything that it says holds a text.
    pub(super) fn says(&self, text: &str) -> bool {
        self.flags.values().any(|value| value.contains(text))
    }
}

/// Where a call begins in a line: `aws`, alone as a word, before a service's name.
fn begins(line: &str) -> Option<&str> {
    let mut places = line.match_indices("aws ");
    let (at, _) = places.find(|(at, _)| {
        let before = line.get(..*at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| c.is_whitespace() || "(`;|&$".contains(c))
    })?;
    line.get(at..)
}

/// A command with the lines that it goes on in, and how many those are.
fn joined(begins: &str, lines: &[&str]) -> (String, usize) {
    let (mut text, mut took) = (String::new(), 0);
    let mut part = begins;
    loop {
        took += 1;
        let goes_on = part.trim_end().strip_suffix('\\');
        text.push_str(goes_on.unwrap_or(part));
        text.push(' ');
        let open = text.matches('\'').count() % 2 == 1;
        if (goes_on.is_none() && !open) || took >= LINES_MAX {
            return (text, took);
        }
        let Some(next) = lines.get(took) else { return (text, took) };
        part = next;
    }
}

/// Words as a shell parts them; what is quoted is one.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_over_lines_and_quotes() {
        let text = "# see\naws cloudtrail put-insight-selectors \\\n  --trail-name t \\\n  --insight-selectors '[{\n    \"InsightType\": \"ApiCallRateInsight\"\n  }]'\nfor v in $(aws ec2 describe-vpcs --query 'x' --output text); do\n";
        let script = Script::read(text);
        assert_eq!(script.commands.len(), 2);
        let first = &script.commands[0];
        assert_eq!((first.line, first.flag("trail-name")), (2, Some("t")));
        assert!(first.says("ApiCallRateInsight"));
        let second = &script.commands[1];
        assert_eq!((second.line, second.operation.as_str()), (7, "describe-vpcs"));
    }

    #[test]
    fn prose_and_unfinished_text_are_no_commands_and_no_panic() {
        for text in
            ["aws is a cloud", "the aws cli", "aws", "aws s3 'open", "aws \\", "", "é aws é-é é"]
        {
            assert_eq!(Script::read(text).commands.len(), 0, "{text}");
        }
        let long = "aws logs put-retention-policy \\\n".repeat(500);
        assert!(Script::read(&long).commands.len() <= 500);
    }
}
