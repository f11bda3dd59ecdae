//! Made-up rules and events, and what our engine says of them: one half of `bench/oracle.py`, which
//! holds it against another engine.
//!
//! `random_rules DIR SEED RULES EVENTS` writes `DIR/rules/N.yml`, `DIR/events.jsonl` and, for each
//! event, the ids of the rules that match it in `DIR/ours.jsonl`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use wk_lang::json::Tape;
use wk_lang::sigma::{LogSource, RuleSet, read_rules};

/// Numbers that look random and are the same for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 1) % end as u64).unwrap_or(0)
    }
    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
    fn many(
        &mut self,
        least: usize,
        most: usize,
        mut one: impl FnMut(&mut Self) -> String,
    ) -> Vec<String> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| one(self)).collect()
    }
}

const FIELDS: &[&str] = &["f", "g", "h.i", "l", "n", "missing"];
const TEXTS: &[&str] = &[
    "a", "A", "ab", "Abc", "b", "abc", "a b", "-x", "/x", "10.0.0.1", "10.1.2.3", "7", "x.y", "ä",
];
const PATTERNS: &[&str] =
    &["a", "AB", "a*", "*b*", "a?c", "*", "7", "x.y", "10.0.0.1", "Ä", "-x", "b"];
const NUMBERS: &[&str] = &["0", "7", "-3", "12.5", "100"];

/// A test of one field, as YAML.
fn test(random: &mut Random) -> String {
    let field = random.of(FIELDS);
    match random.below(12) {
        0 => format!("{field}: null"),
        1 => format!("{field}|exists: {}", random.of(&["true", "false"])),
        2 => format!("{field}|cidr: {}", random.of(&["10.0.0.0/8", "10.0.0.0/30"])),
        3 => format!("{field}|re: '{}'", random.of(&["a.c", "^a", "b$", "[0-9]+", "(?i)ABC"])),
        4 => format!("{field}|{}: {}", random.of(&["gt", "gte", "lt", "lte"]), random.of(NUMBERS)),
        5 => format!("{field}: {}", random.of(NUMBERS)),
        6 => format!("{field}|fieldref: {}", random.of(FIELDS)),
        _ => {
            let modifier = random.of(&[
                "",
                "|contains",
                "|startswith",
                "|endswith",
                "|cased",
                "|contains|all",
                "|contains|cased",
                "|windash|contains",
            ]);
            let one = |random: &mut Random| format!("'{}'", random.of(PATTERNS));
            // rsigma refuses `all` of one value, which is true or false like that value to us.
            let least = if modifier.ends_with("all") { 2 } else { 1 };
            let values = random.many(least, 3, one).join(", ");
            format!("{field}{modifier}: [{values}]")
        }
    }
}

/// A rule: up to three searches, each a mapping or a list of mappings, and a condition.
fn rule(random: &mut Random, number: usize) -> String {
    let searches = 1 + random.below(3);
    let mut text = format!(
        "title: r{number}\nid: 00000000-0000-4000-8000-{number:012}\nlogsource: {{product: test}}\ndetection:\n"
    );
    for search in 0..searches {
        let as_list = random.below(4) == 0;
        let mut fields: Vec<String> = Vec::new();
        let mut lines = random.many(1, 3, test);
        // A mapping has each key once.
        lines.retain(|line| {
            let key = line.split(':').next().unwrap_or_default().to_owned();
            let new = !fields.contains(&key);
            fields.push(key);
            new
        });
        text.push_str(&format_search(search, &lines, as_list));
    }
    let name = |random: &mut Random| {
        let not = if random.below(4) == 0 { "not " } else { "" };
        format!("{not}s{}", random.below(searches))
    };
    let condition = match random.below(6) {
        0 => "all of them".to_owned(),
        1 => "1 of s*".to_owned(),
        2 => name(random),
        _ => {
            let between = random.of(&[" and ", " or "]);
            random.many(1, 3, name).join(between)
        }
    };
    let ended = writeln!(text, "  condition: {condition}");
    debug_assert!(ended.is_ok(), "a text takes everything");
    text
}

fn format_search(search: usize, lines: &[String], as_list: bool) -> String {
    let before = if as_list { "    - " } else { "    " };
    let lines: Vec<String> = lines.iter().map(|line| format!("{before}{line}\n")).collect();
    format!("  s{search}:\n{}", lines.concat())
}

/// An event: some of the fields, each with a text, a number, a truth, null or a list.
fn event(random: &mut Random) -> String {
    let value = |random: &mut Random| match random.below(8) {
        0 => "null".to_owned(),
        1 => random.of(&["true", "false"]).to_owned(),
        2 | 3 => random.of(NUMBERS).to_owned(),
        _ => format!("\"{}\"", random.of(TEXTS)),
    };
    let mut members = Vec::new();
    for field in ["f", "g", "n"] {
        if random.below(4) > 0 {
            members.push(format!("\"{field}\":{}", value(random)));
        }
    }
    if random.below(2) == 0 {
        members.push(format!("\"h\":{{\"i\":{}}}", value(random)));
    }
    if random.below(2) == 0 {
        let items = random.many(0, 3, |random| format!("\"{}\"", random.of(TEXTS))).join(",");
        members.push(format!("\"l\":[{items}]"));
    }
    format!("{{{}}}", members.join(","))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, seed, rules, events] = args.as_slice() else {
        return Err("random_rules DIR SEED RULES EVENTS".into());
    };
    let mut random = Random(seed.parse::<u64>()?.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let folder = Path::new(folder);
    fs::create_dir_all(folder.join("rules"))?;
    let mut read = Vec::new();
    for number in 0..rules.parse::<usize>()? {
        let text = rule(&mut random, number);
        let reading = read_rules(&text);
        if let Some(error) = reading.errors.first() {
            return Err(format!("our reader refuses {text}: {error}").into());
        }
        fs::write(folder.join(format!("rules/{number}.yml")), &text)?;
        read.extend(reading.rules);
    }
    let set = RuleSet::compile(&read)?;
    let source = LogSource { product: Some("test".to_owned()), service: None, category: None };
    let readers = set.readers(&source);
    let (mut all, mut ours) = (String::new(), String::new());
    let mut tape = Tape::new();
    let mut matching = Vec::new();
    for _ in 0..events.parse::<usize>()? {
        let event = event(&mut random);
        set.matches(&tape.parse(&event)?, &readers, &mut matching);
        let names: Vec<String> =
            matching.iter().map(|place| format!("\"{}\"", read[*place].title)).collect();
        all.push_str(&event);
        all.push('\n');
        ours.extend(["[", &names.join(","), "]\n"]);
    }
    fs::write(folder.join("events.jsonl"), all)?;
    fs::write(folder.join("ours.jsonl"), ours)?;
    Ok(())
}
