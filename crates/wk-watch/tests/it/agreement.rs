//! The built-in pack beside the rules of others: what their tests expect of an event, and what our
//! rules say of the same event.
//!
//! `docs/rule-agreement.md` holds the figures, every disagreement and its reason; this test fails
//! where the page says otherwise, or where a disagreement has no reason. `cargo xtask docs` makes
//! the figures anew and keeps the reasons.

mod cases;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use wk_lang::json::Value;
use wk_model::severity::SeverityWord;
use wk_model::{Row, Severity, Timestamp};
use wk_watch::detect::Detections;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};

use crate::catalogue::{docs, update};
use cases::Case;

/// Rules that say that somebody was refused, or that something of a kind was changed, and nothing
/// of what was done. They are there for the record (R-393, section 4 of the CIS benchmark); they
/// neither catch a behaviour nor take one for another.
const GENERAL: &[&str] = &[
    "account/access-denied-to-person.yml",
    "account/access-denied-to-workload.yml",
    "cloudtrail/trail-changed.yml",
    "config/recorder-changed.yml",
    "ec2/network-acl-changed.yml",
    "ec2/network-gateway-changed.yml",
    "ec2/route-changed.yml",
    "ec2/security-group-changed.yml",
    "ec2/vpc-changed.yml",
    "iam/policy-changed.yml",
    "organizations/organization-changed.yml",
    "s3/bucket-access-settings-changed.yml",
];

/// Subjects in the order of the page, and where the bars hold: 85 of a hundred caught, 90 quiet.
const SUBJECTS: &[(&str, Bar)] = &[
    ("CloudTrail", Bar::Holds),
    ("GuardDuty", Bar::Holds),
    ("S3 access", Bar::Holds),
    ("VPC flow", Bar::Holds),
    ("DNS queries", Bar::Holds),
    ("EKS audit", Bar::Holds),
    ("WAF", Bar::Holds),
    ("Bedrock", Bar::Holds),
    ("Security Hub", Bar::None),
];

/// Whether the bars hold for a subject.
#[derive(PartialEq)]
enum Bar {
    /// They hold.
    Holds,
    /// They do not: the subject has too few.
    None,
}

/// What came of one event.
#[derive(Default)]
struct Verdict {
    /// Rules that fired, by file, and reports of the source.
    fired: Vec<String>,
    /// Rules over several events that count it.
    fed: Vec<String>,
    /// Whether one of them is medium or above.
    alert: bool,
}

struct Watch<'a> {
    pack: &'a Detections,
    verdict: Verdict,
}

impl Sink for Watch<'_> {
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, _: u64) {
        let mut matching = Vec::new();
        self.pack.run(source, &row, record, &mut matching, &mut |_| {});
        let medium = Severity::of_word(SeverityWord::Medium);
        for rule in matching.iter().map(|rule| &self.pack.rules()[*rule]) {
            if rule.alerts {
                self.verdict.fired.push(rule.file.clone());
                self.verdict.alert |= rule.severity >= medium;
            } else {
                self.verdict.fed.push(rule.file.clone());
            }
        }
        let of_a_sample = |title: &str| title.ends_with("(sample)");
        if let Some(report) = &row.sighting
            && report.severity >= Severity::of_word(SeverityWord::Low)
            && !of_a_sample(&report.title)
        {
            self.verdict.fired.push("the source's own report".to_owned());
            self.verdict.alert |= report.severity >= medium;
        }
    }
    fn refuse(&mut self, _: &str, _: u64, _: &str, _: &[u8]) {}
}

fn verdict(pack: &Detections, case: &Case) -> Verdict {
    let facts = ObjectFacts { uri: "case", modified: Timestamp::default(), metadata: &[] };
    let settings = Settings::default();
    let mut watch = Watch { pack, verdict: Verdict::default() };
    Reader::new(facts, &settings, None, 16 << 20).read(&case.object, true, &mut watch);
    watch.verdict
}

impl Verdict {
    fn specific(&self) -> bool {
        self.fired.iter().any(|rule| !GENERAL.contains(&&**rule))
    }

    /// Where a rule of others only counts the event, ours that count it are as good.
    fn catches(&self, signal: bool) -> bool {
        self.specific() || signal && !self.fed.is_empty()
    }

    fn shown(&self) -> String {
        let names: Vec<&str> = self.fired.iter().map(|f| f.trim_end_matches(".yml")).collect();
        names.join(", ")
    }
}

/// The figures of one subject.
#[derive(Default, Clone, Copy)]
struct Figures {
    /// Events that must fire.
    fire: usize,
    /// Of these, a specific rule fires on.
    caught: usize,
    /// Of these, any rule fires on.
    noticed: usize,
    /// Events that must stay quiet.
    quiet: usize,
    /// Of these, no specific rule fires on.
    calm: usize,
    /// Of these, nothing at medium or above fires on.
    unalarmed: usize,
    /// Of these, nothing at all fires on.
    silent: usize,
}

impl Figures {
    fn add(&mut self, fires: bool, signal: bool, verdict: &Verdict) {
        if fires {
            self.fire += 1;
            self.caught += usize::from(verdict.catches(signal));
            self.noticed += usize::from(!verdict.fired.is_empty());
        } else {
            self.quiet += 1;
            self.calm += usize::from(!verdict.specific());
            self.unalarmed += usize::from(!verdict.alert);
            self.silent += usize::from(verdict.fired.is_empty());
        }
    }

    fn row(&self, subject: &str) -> String {
        let of = |part: usize, whole: usize| match whole {
            0 => "-".to_owned(),
            whole => format!("{part} ({} %)", part * 100 / whole),
        };
        let Self { fire, caught, noticed, quiet, calm, unalarmed, silent } = *self;
        let cells = [
            subject.to_owned(),
            fire.to_string(),
            of(caught, fire),
            of(noticed, fire),
            quiet.to_string(),
            of(calm, quiet),
            of(unalarmed, quiet),
            of(silent, quiet),
        ];
        format!("| {} |\n", cells.join(" | "))
    }
}

/// Cases of one rule of others with the same disagreement: file, what ours said, and the numbers.
type Disagreements = BTreeMap<(String, String), Vec<usize>>;

#[test]
fn the_pack_agrees_with_the_rule_tests_of_others() {
    let cases = cases::all();
    if cases.is_empty() {
        return;
    }
    let pack = Detections::built_in().unwrap();
    let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
    let mut alone: BTreeMap<&str, Figures> = BTreeMap::new();
    let mut disagreements = Disagreements::new();
    for case in &cases {
        let known = SUBJECTS.iter().any(|(subject, _)| *subject == case.subject);
        let (true, Some(fires)) = (known, case.fires) else { continue };
        let verdict = verdict(&pack, case);
        figures.entry(case.subject).or_default().add(fires, case.signal, &verdict);
        if !case.signal {
            alone.entry(case.subject).or_default().add(fires, case.signal, &verdict);
        }
        let specific = verdict.catches(case.signal && fires);
        let said = match (fires, specific, verdict.fired.is_empty()) {
            (true, true, _) | (false, _, true) => continue,
            (true, false, true) => "missed".to_owned(),
            (true, false, false) => format!("only {}", verdict.shown()),
            (false, _, false) => format!("fires {}", verdict.shown()),
        };
        disagreements.entry((case.rule.clone(), said)).or_default().push(case.number);
    }
    let page = page(&cases, &figures, &alone, &disagreements);
    compare(&page);
    for (subject, bar) in SUBJECTS {
        let Figures { fire, caught, quiet, calm, .. } = figures[subject];
        if *bar == Bar::Holds {
            assert!(caught * 100 >= fire * 85, "{subject}: {caught} of {fire} are caught");
            assert!(calm * 100 >= quiet * 90, "{subject}: {calm} of {quiet} stay quiet");
        }
    }
}

fn page(
    cases: &[Case],
    figures: &BTreeMap<&str, Figures>,
    alone: &BTreeMap<&str, Figures>,
    disagreements: &Disagreements,
) -> String {
    let count = |subject: &str| cases.iter().filter(|c| c.subject == subject).count();
    let mut page = String::from(OPENING);
    table(&mut page, figures);
    page.push_str(
        "\nWithout the rules that only count towards a threshold or feed a correlation:\n\n",
    );
    table(&mut page, alone);
    writeln!(
        page,
        "\nNot among them: {} tests of configuration, which is posture and has no event; {} of \
         correlations over alerts of other rules; {} that ask which source a record belongs to.",
        count("configuration"),
        count("correlation"),
        count("recognition"),
    )
    .unwrap();
    page.push_str(DISAGREEMENTS);
    let reasons = reasons();
    for ((rule, said), numbers) in disagreements {
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        let numbers = numbers.join(", ");
        let key = format!("| {rule} | {numbers} | {said} |");
        let why = reasons.get(&key).map_or("", String::as_str);
        writeln!(page, "{key} {why} |").unwrap();
    }
    page
}

const OPENING: &str = "# Agreement with the rule tests of others\n\n\
<!-- Figures and rows are made by `cargo xtask docs`; the reasons are written by hand and kept. -->\n\n\
Two public rule packs carry events that their rules must fire on and events that they must not. Each \
event, as a record of its source, is given to our pack. *Caught*: a specific rule of ours fires, or, where \
theirs only counts the event towards a threshold, ours does. \
*Noticed*: any rule does. *Quiet*: no specific rule fires. *No alert*: nothing at medium or above does. \
*Silent*: nothing at all, however low. Not specific are the rules that only say that somebody was \
refused, or that something of a kind was changed, which section 4 of the CIS benchmark and R-393 ask \
for. A finding of GuardDuty or Security Hub is its own report with its own severity; samples do not \
count.\n\n";

const DISAGREEMENTS: &str = "\n## Every disagreement\n\n\
| rule of others | test | ours | why |\n|---|---|---|---|\n";

fn table(page: &mut String, figures: &BTreeMap<&str, Figures>) {
    page.push_str(
        "| subject | must fire | caught | noticed | must stay quiet | quiet | no alert | silent |\n",
    );
    page.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (subject, _) in SUBJECTS {
        page.push_str(&figures.get(subject).copied().unwrap_or_default().row(subject));
    }
}

/// The reasons that the page holds, by the rest of their row.
fn reasons() -> BTreeMap<String, String> {
    let text = fs::read_to_string(docs().join("rule-agreement.md")).unwrap_or_default();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [rule, numbers, said, why] = cells[..] else { return None };
        Some((format!("| {rule} | {numbers} | {said} |"), why.to_owned()))
    });
    rows.collect()
}

fn compare(page: &str) {
    let path = docs().join("rule-agreement.md");
    if update() {
        fs::write(&path, page).unwrap();
    } else {
        let is = fs::read_to_string(&path).unwrap_or_default();
        assert!(is == page, "docs/rule-agreement.md differs from the pack; run: cargo xtask docs");
    }
    let without: Vec<&str> = page.lines().filter(|line| line.ends_with(" |  |")).collect();
    assert!(without.is_empty() || update(), "give each a reason: {without:#?}");
}
