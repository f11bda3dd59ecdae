//! The catalogue pages `docs/sources.md`, `docs/rules.md` and `docs/checks.md`: made from what the catalogue says,
//! and compared with it.
//!
//! `cargo xtask docs` writes them anew: it runs this test with `UPDATE_DOCS=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wk_lang::sigma::Extension;
use wk_model::Severity;
use wk_model::finding::Rule;
use wk_model::table::{CORE, Column, ColumnType};
use wk_watch::checks::{self, Check};
use wk_watch::detect::{Detection, Detections};
use wk_watch::inventory::{self, Fan};
use wk_watch::pack::PACK;
use wk_watch::period;
use wk_watch::sources::{self, Source};
use wk_watch::stateful::StatefulRule;

#[test]
fn the_catalogue_pages_are_current() {
    let docs = docs();
    let pages =
        [("sources.md", sources_page()), ("rules.md", rules_page()), ("checks.md", checks_page())];
    let mut stale = Vec::new();
    for (name, page) in pages {
        let path = docs.join(name);
        if update() {
            fs::write(&path, &page).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&*page) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} differ from the catalogue; run: cargo xtask docs");
}

/// A page for every source, in the order in which they are asked.
fn sources_page() -> String {
    let mut page = Page::new(
        "Sources",
        "Every kind of log and report that Watchkeeper reads, in the order in which it asks whether \
         a record is theirs. `NAME` is what `ingest --source NAME` takes; the table is what \
         `query --sql` asks. Promises are rows of [requirements.md](requirements.md).",
    );
    let rows = sources::ALL.iter().map(|s| {
        [link(s.title, s.title), code(s.id), code(s.table.name), forms(s).to_owned()].to_vec()
    });
    page.table(&["source", "NAME", "table", "comes as"], rows);

    page.heading("Columns that every table has");
    page.text(
        "The view `events` has these columns of all tables, and `source`, the name of the table. \
         Times are UTC.",
    );
    page.columns(CORE);
    sources::ALL.iter().for_each(|source| page.source(source));
    page.0
}

/// A page for every check, and for every question of the inventory.
fn checks_page() -> String {
    let mut page = Page::new(
        "Checks",
        "What `watchkeeper check run` judges, and what `watchkeeper inventory run` asks for it. A \
         check in capitals stands for the AWS Config rule of that identifier and has its logic and \
         parameters. No check makes anybody compliant with anything. Promises are rows of \
         [requirements.md](requirements.md).",
    );
    let rows = checks::ALL.iter().map(|check| {
        let severity = Severity::of_word(check.severity).word().as_str().to_owned();
        let test = format!("{}, {}", check.test.as_str(), check.method.as_str());
        [link(check.id, check.id), cell(check.title), severity, check.points.join(", "), test]
            .to_vec()
    });
    page.table(&["check", "what should be so", "severity", "SOC 2", "test"], rows);
    checks::ALL.iter().for_each(|check| page.check(check));
    page.heading("Checks over a period");
    page.text(
        "`watchkeeper check run --quarter 2026Q3` (or `--since`, `--until`) tells what was on for all of it, \
         and what was off when. Calls in CloudTrail say when it was switched, walks of the inventory how it \
         was; what neither saw for 50 hours is not known.",
    );
    let rows = period::ALL.iter().map(|check| {
        let severity = check.about().severity().word().as_str().to_owned();
        let codes = |all: &[&str]| all.iter().map(|c| code(c)).collect::<Vec<_>>().join(", ");
        [
            code(check.id),
            cell(check.title),
            severity,
            check.points.join(", "),
            codes(check.calls),
            codes(check.reads),
            check.serves.join(", "),
        ]
        .to_vec()
    });
    page.table(
        &["check", "what should have been so", "severity", "SOC 2", "calls", "reads", "promises"],
        rows,
    );
    page.heading("Questions of the inventory");
    page.text(
        "Every question is a read. The reader's role of `watchkeeper init` is made from this list.",
    );
    let rows = inventory::items().map(|item| {
        let asked = match item.fan {
            Fan::Account => "once an account".to_owned(),
            Fan::Region => "once a region".to_owned(),
            Fan::Each { of, .. } => format!("for each of {}", code(of)),
        };
        [code(&item.key()), asked, cell(item.operation.permission), cell(item.asks)].to_vec()
    });
    page.table(&["question", "asked", "permission", "for"], rows);
    page.0
}

/// A page for every rule, by folder.
fn rules_page() -> String {
    let pack = Detections::built_in().unwrap();
    // What only a correlation of the same file looks at is told there.
    let singles = pack.rules().iter().filter(|rule| rule.alerts).map(Entry::of_single);
    let several = pack.stateful().rules().iter().filter(|rule| rule.alerts);
    let mut entries: Vec<Entry<'_>> = singles.chain(several.map(Entry::of_several)).collect();
    entries.sort_by_key(|entry| (entry.file, entry.title));
    let told: BTreeSet<&str> = entries.iter().map(|entry| entry.file).collect();
    assert!(PACK.iter().all(|(file, _)| told.contains(file)), "every file tells of something");
    let mut folders: BTreeMap<&str, Vec<&Entry<'_>>> = BTreeMap::new();
    for entry in &entries {
        let (folder, _) = entry.file.split_once('/').unwrap();
        folders.entry(folder).or_default().push(entry);
    }
    let mut page = Page::new(
        "Rules",
        "The built-in detection pack, by folder of `rules/`. [rules/README.md](../rules/README.md) \
         says how a rule is written, [rules/NOISE.md](../rules/NOISE.md) what each fires on where \
         it should be calm.",
    );
    let counts = folders.iter().map(|(folder, rules)| {
        let highest = rules.iter().map(|entry| entry.severity).max().unwrap();
        let highest = format!("{highest} {}", highest.word());
        [link(folder, folder), rules.len().to_string(), highest].to_vec()
    });
    page.table(&["folder", "rules", "highest severity"], counts);
    page.text(&format!("{} rules.", entries.len()));
    for (folder, rules) in folders {
        page.heading(folder);
        rules.iter().for_each(|entry| page.rule(entry));
    }
    page.0
}

/// A page that grows from top to bottom.
struct Page(String);

impl Page {
    fn new(title: &str, opening: &str) -> Self {
        let mark = "<!-- Made by `cargo xtask docs` from the catalogue; do not edit. -->";
        Self(format!("# {title}\n\n{mark}\n\n{opening}\n"))
    }

    fn heading(&mut self, text: &str) {
        self.text(&format!("## {text}"));
    }

    fn text(&mut self, text: &str) {
        self.0.push('\n');
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn table(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
        let rule = format!("|{}", "---|".repeat(heads.len()));
        let lines: Vec<String> =
            [line(&heads), rule].into_iter().chain(rows.map(|row| line(&row))).collect();
        self.text(&lines.join("\n"));
    }

    fn list(&mut self, name: &str, items: &[String]) {
        match items {
            [] => {}
            [only] => self.text(&format!("**{name}.** {}", sentence(only))),
            items => {
                let lines: Vec<String> =
                    items.iter().map(|item| format!("* {}", sentence(item))).collect();
                self.text(&format!("**{name}.**\n\n{}", lines.join("\n")));
            }
        }
    }

    fn columns(&mut self, columns: &[Column]) {
        let rows = columns.iter().map(|c| vec![code(c.name), kind(c.kind).to_owned(), cell(c.doc)]);
        self.table(&["column", "type", "what it holds"], rows);
    }

    fn source(&mut self, source: &Source) {
        self.heading(source.title);
        let rules = match source.service {
            Some(service) => format!("`product: {}`, `service: {service}`", source.product),
            None => "none apply".to_owned(),
        };
        let promises = match source.serves {
            [] => String::new(),
            serves => format!("\n* promises: {}", serves.join(", ")),
        };
        self.text(&format!(
            "{}\n\n* `--source {}`, table `{}`, comes as {}\n* format: <{}>\n* `logsource` of its \
             rules: {rules}{promises}",
            source.table.doc,
            source.id,
            source.table.name,
            forms(source),
            source.page,
        ));
        let same = sources::ALL.iter().find(|s| std::ptr::eq(s.table, source.table)).unwrap();
        if same.id != source.id {
            return self.text(&format!("Columns: as of {}.", link(same.title, same.title)));
        }
        self.columns(source.table.columns);
        let aliases: Vec<String> = source
            .table
            .aliases
            .iter()
            .map(|(alias, column)| format!("`{alias}` for `{column}`"))
            .collect();
        if !aliases.is_empty() {
            self.text(&format!("Also by the source's own names: {}.", aliases.join(", ")));
        }
    }

    fn check(&mut self, check: &Check) {
        self.heading(check.id);
        self.text(&sentence(check.title));
        let reads: Vec<String> = check.reads.iter().map(|read| (*read).to_owned()).collect();
        let facts = [
            ("NIST SP 800-53", check.nist.join(", ")),
            ("CIS", check.cis.join(", ")),
            ("promises", check.serves.join(", ")),
            ("asked", format!("for each {}", check.scope.as_str())),
            ("reads", codes(&reads)),
        ];
        let told = facts.iter().filter(|(_, value)| !value.is_empty());
        let lines: Vec<String> = told.map(|(name, value)| format!("* {name}: {value}")).collect();
        self.text(&lines.join("\n"));
        if !check.parameters.is_empty() {
            let rows =
                check.parameters.iter().map(|p| vec![code(p.name), cell(p.default), cell(p.doc)]);
            self.table(&["parameter", "default", "means"], rows);
        }
        self.text(&format!("**Why.** {}", sentence(check.why)));
        self.text(&format!("**Where it is not so.** {}", sentence(check.remedy)));
    }

    fn rule(&mut self, entry: &Entry<'_>) {
        let Entry { file, title, severity, rule, window_seconds, .. } = entry;
        self.text(&format!("### {title}"));
        let techniques = &entry.extension.techniques;
        let facts = [
            format!("{severity} {}", severity.word()),
            rule.controls.join(", "),
            rule.attack.join(", "),
            format!("window {}", span(*window_seconds)),
            format!("[{file}](../rules/{file})"),
        ];
        self.text(&facts.join(" · "));
        self.text(entry.description.unwrap_or_default().trim());
        if let Some(looks) = &entry.looks {
            self.text(&format!("**Over several events.** {}", sentence(looks)));
        }
        self.list("Known noise", entry.falsepositives);
        self.list("First look", &entry.extension.triage);
        if !techniques.is_empty() {
            self.text(&format!("**Catches.** {}", codes(techniques)));
        }
        if !entry.extension.requirements.is_empty() {
            self.text(&format!("**Promises.** {}", entry.extension.requirements.join(", ")));
        }
    }
}

/// What the page says of a rule, over one event or several.
struct Entry<'a> {
    file: &'a str,
    title: &'a str,
    severity: Severity,
    rule: &'a Rule,
    window_seconds: i64,
    description: Option<&'a str>,
    falsepositives: &'a [String],
    extension: &'a Extension,
    /// Of a rule over several events: what it asks of them.
    looks: Option<String>,
}

impl<'a> Entry<'a> {
    fn of_single(of: &'a Detection) -> Self {
        Self {
            file: &of.file,
            title: &of.title,
            severity: of.severity,
            rule: &of.rule,
            window_seconds: of.window_seconds,
            description: of.sigma.description.as_deref(),
            falsepositives: &of.sigma.falsepositives,
            extension: &of.sigma.extension,
            looks: None,
        }
    }

    fn of_several(of: &'a StatefulRule) -> Self {
        let about = &of.correlation.about;
        Self {
            file: &of.file,
            title: &of.title,
            severity: of.severity,
            rule: &of.rule,
            window_seconds: of.window_seconds,
            description: about.description.as_deref(),
            falsepositives: &about.falsepositives,
            extension: &about.extension,
            looks: Some(of.in_words()),
        }
    }
}

fn forms(source: &Source) -> &'static str {
    match (&source.json, &source.lines) {
        (Some(_), Some(_)) => "JSON or text",
        (Some(_), None) => "JSON",
        (None, Some(_)) => "text",
        (None, None) => "nothing",
    }
}

fn kind(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Json => "JSON text",
        ColumnType::Int => "integer",
        ColumnType::Float => "number",
        ColumnType::Bool => "boolean",
        ColumnType::Time => "time",
        ColumnType::TextList => "list of texts",
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// A link to a heading of the same page, as GitHub names it.
fn link(text: &str, heading: &str) -> String {
    let anchor: String = heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect();
    format!("[{text}](#{anchor})")
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes(texts: &[String]) -> String {
    texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ")
}

/// Text in a table's cell: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Text on one line, with a stop.
fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.ends_with(['.', '?', '!']) { line } else { format!("{line}.") }
}

/// The folder of the pages. Asked at run time: a build may be shared between checkouts.
#[expect(clippy::disallowed_methods, reason = "cargo tells a test where its crate is")]
pub(super) fn docs() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../../docs")
}

#[expect(clippy::disallowed_methods, reason = "the word of cargo xtask docs")]
pub(super) fn update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|word| word == "1")
}

#[test]
fn tables_are_sorted_by_columns_of_theirs_and_by_time_last() {
    for source in wk_watch::sources::ALL {
        let table = source.table;
        let known = |name: &&str| CORE.iter().chain(table.columns).any(|c| c.name == *name);
        assert!(table.sort.iter().all(known), "{}: {:?}", table.name, table.sort);
        assert_eq!(table.sort.last(), Some(&"event_time"), "{}", table.name);
    }
}
