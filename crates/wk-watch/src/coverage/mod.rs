//! Which techniques of ATT&CK the rules cover, and how much of that is shown to work.
//!
//! * A technique stands under each tactic that its rules name. It is covered where a rule runs, its log
//!   is in the lake, and a test or a drill has shown that the rule finds something.
//! * What a matrix cannot show: how well a rule finds it, and what no rule names.

mod svg;

use std::collections::{BTreeMap, BTreeSet};

use wk_lang::sigma::{Expected, Extension};
use wk_model::attack::{TACTICS, Tactic, tactic};

use crate::detect::Detections;
use crate::modes::Mode;
use crate::rehearsal;

/// What is known of the lake and of drills.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Services whose records are in the lake, as rules name them: `cloudtrail`.
    pub logged: BTreeSet<String>,
    /// Titles of rules that the last drill of detection found.
    pub drilled: BTreeSet<String>,
}

/// The matrix.
#[derive(Debug)]
pub struct Coverage {
    /// The tactics in their order, each with its techniques by id.
    pub columns: Vec<(&'static Tactic, BTreeMap<String, Cell>)>,
    /// Rules that name no technique or no tactic: they stand nowhere.
    pub nowhere: Vec<String>,
}

/// A technique under a tactic.
#[derive(Debug, Default)]
pub struct Cell {
    /// The titles of its rules that run.
    pub rules: Vec<String>,
    /// The titles of its rules that are off, only tried, or silent without a list or a database.
    pub idle: Vec<String>,
    /// Whether the log of one of the rules that run is in the lake.
    pub logged: bool,
    /// What shows that one of these rules works.
    pub proof: Proof,
}

/// What shows that a rule finds something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing.
    #[default]
    None,
    /// A test of its own, which was run.
    Test,
    /// A drill, over the whole way.
    Drill,
}

/// How far a technique is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Its rules are off, only tried, or silent without a list or a database.
    Idle,
    /// A rule runs, but its log is not in the lake.
    NoLog,
    /// A rule runs over its log; nothing shows that it works.
    Unproved,
    /// A rule runs over its log, and its test passed.
    Tested,
    /// The same, and the last drill found it.
    Drilled,
}

/// One rule, as far as the matrix needs it.
struct Entry<'a> {
    title: &'a str,
    tags: &'a [String],
    service: Option<&'a str>,
    runs: bool,
    proof: Proof,
}

impl Coverage {
    /// The matrix of these rules.
    pub fn of(detections: &Detections, facts: &Facts) -> Self {
        let columns = TACTICS.iter().map(|tactic| (tactic, BTreeMap::new())).collect();
        let mut coverage = Self { columns, nowhere: Vec::new() };
        let rehearsed = Rehearsals::of(detections);
        let silent: BTreeSet<String> = detections.silent().into_iter().map(|s| s.rule).collect();
        let runs =
            |id: &String| detections.mode_of(id, None).0 == Mode::Live && !silent.contains(id);
        for detection in detections.rules() {
            let drilled = facts.drilled.contains(&*detection.title);
            coverage.take(
                facts,
                &Entry {
                    title: &detection.title,
                    tags: &detection.sigma.tags,
                    service: detection.sigma.logsource.service.as_deref(),
                    runs: runs(&detection.rule.id),
                    proof: rehearsed.proof(drilled, &detection.rule.id, &detection.sigma.extension),
                },
            );
        }
        for rule in detections.stateful().rules() {
            let drilled = facts.drilled.contains(&*rule.title);
            coverage.take(
                facts,
                &Entry {
                    title: &rule.title,
                    tags: &rule.correlation.about.tags,
                    service: None,
                    runs: runs(&rule.rule.id),
                    proof: rehearsed.proof(
                        drilled,
                        &rule.rule.id,
                        &rule.correlation.about.extension,
                    ),
                },
            );
        }
        coverage
    }

    fn take(&mut self, facts: &Facts, entry: &Entry<'_>) {
        let tags: Vec<String> = entry
            .tags
            .iter()
            .filter_map(|tag| tag.to_ascii_lowercase().strip_prefix("attack.").map(str::to_owned))
            .collect();
        let tactics: Vec<&Tactic> = tags.iter().filter_map(|tag| tactic(tag)).collect();
        let techniques: Vec<&String> = tags.iter().filter(|tag| is_technique(tag)).collect();
        if tactics.is_empty() || techniques.is_empty() {
            self.nowhere.push(entry.title.to_owned());
            return;
        }
        // A rule over several events reads what the rules below it read.
        let logged = match entry.service {
            Some(service) => facts.logged.contains(service),
            None => !facts.logged.is_empty(),
        };
        for (column, cells) in &mut self.columns {
            if !tactics.iter().any(|tactic| tactic.tag == column.tag) {
                continue;
            }
            for technique in &techniques {
                let cell = cells.entry(technique.to_ascii_uppercase()).or_default();
                let list = if entry.runs { &mut cell.rules } else { &mut cell.idle };
                list.push(entry.title.to_owned());
                if entry.runs {
                    cell.logged |= logged;
                    cell.proof = cell.proof.max(entry.proof);
                }
            }
        }
    }

    /// How many techniques stand so, each under each of its tactics.
    pub fn sums(&self) -> BTreeMap<State, usize> {
        let mut sums = BTreeMap::new();
        for cell in self.columns.iter().flat_map(|(_, cells)| cells.values()) {
            *sums.entry(cell.state()).or_default() += 1;
        }
        sums
    }

    /// The matrix as a picture.
    pub fn svg(&self) -> String {
        svg::draw(self)
    }
}

impl Cell {
    /// How far the technique is covered.
    pub fn state(&self) -> State {
        match (self.rules.is_empty(), self.logged, self.proof) {
            (true, _, _) => State::Idle,
            (false, false, _) => State::NoLog,
            (false, true, Proof::None) => State::Unproved,
            (false, true, Proof::Test) => State::Tested,
            (false, true, Proof::Drill) => State::Drilled,
        }
    }
}

impl State {
    /// Every one, the best first.
    pub const ALL: [Self; 5] =
        [Self::Drilled, Self::Tested, Self::Unproved, Self::NoLog, Self::Idle];

    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::NoLog => "no-log",
            Self::Unproved => "unproved",
            Self::Tested => "tested",
            Self::Drilled => "drilled",
        }
    }

    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Idle => "its rules are off, only tried, or silent without a list or a database",
            Self::NoLog => "a rule runs, but its log is not in the lake",
            Self::Unproved => "a rule runs over its log; nothing shows that it works",
            Self::Tested => "a rule runs over its log, and its own test passed",
            Self::Drilled => "the same, and the last drill found it",
        }
    }
}

fn is_technique(tag: &str) -> bool {
    tag.strip_prefix('t').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The rules of which a test failed.
struct Rehearsals {
    failed: BTreeSet<String>,
}

impl Rehearsals {
    fn of(detections: &Detections) -> Self {
        let all = rehearsal::rehearse(detections).into_iter();
        Self { failed: all.filter(|test| !test.passed).map(|test| test.rule).collect() }
    }

    fn proof(&self, drilled: bool, rule: &str, extension: &Extension) -> Proof {
        let fires = extension.tests.iter().any(|test| test.expected == Expected::Fires);
        match drilled {
            true => Proof::Drill,
            false if fires && !self.failed.contains(rule) => Proof::Test,
            false => Proof::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modes::ModeEntry;

    fn facts(logged: &[&str], drilled: &[&str]) -> Facts {
        let owned = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Facts { logged: owned(logged), drilled: owned(drilled) }
    }

    fn cell<'c>(coverage: &'c Coverage, tactic: &str, technique: &str) -> &'c Cell {
        let of = coverage.columns.iter().find(|(column, _)| column.tag == tactic).unwrap();
        &of.1[technique]
    }

    #[test]
    fn a_technique_is_covered_where_rule_log_and_proof_come_together() {
        let text = |id: u8, service: &str, test: &str| {
            format!(
                "title: R{id}\nid: 00000000-0000-4000-8000-00000000000{id}\ntags: [attack.stealth, attack.T1562.008]\nlogsource: {{product: aws, service: {service}}}\ndetection:\n  a: {{eventName: One}}\n  condition: a\n{test}"
            )
        };
        let read = |text: String| Detections::read([("f".to_owned(), text)].into_iter()).0;
        let test = "watchkeeper:\n  tests: [{name: n, fires: {eventName: One}}]\n";
        let state = |detections: &Detections, facts: &Facts| {
            cell(&Coverage::of(detections, facts), "defense-evasion", "T1562.008").state()
        };
        let bare = read(text(1, "cloudtrail", ""));
        let tested = read(text(1, "cloudtrail", test));
        assert_eq!(state(&bare, &facts(&[], &[])), State::NoLog);
        assert_eq!(state(&bare, &facts(&["cloudtrail"], &[])), State::Unproved);
        assert_eq!(state(&tested, &facts(&["waf"], &[])), State::NoLog);
        assert_eq!(state(&tested, &facts(&["cloudtrail"], &[])), State::Tested);
        assert_eq!(state(&tested, &facts(&["cloudtrail"], &["R1"])), State::Drilled);
        let failing = read(text(1, "cloudtrail", &test.replace("One", "Two")));
        assert_eq!(state(&failing, &facts(&["cloudtrail"], &[])), State::Unproved);
        let off = ModeEntry { mode: Mode::DryRun, ..ModeEntry::default() };
        assert_eq!(state(&tested.with_modes(vec![off]), &facts(&["cloudtrail"], &[])), State::Idle);
    }

    #[test]
    fn every_rule_of_the_pack_stands_somewhere_or_is_named() {
        let pack = Detections::built_in().unwrap();
        let coverage = Coverage::of(&pack, &facts(&["cloudtrail"], &[]));
        let mut there: BTreeSet<&String> = coverage.nowhere.iter().collect();
        for cell in coverage.columns.iter().flat_map(|(_, cells)| cells.values()) {
            there.extend(cell.rules.iter().chain(&cell.idle));
        }
        let titles: BTreeSet<&str> = pack.every().map(|known| known.title).collect();
        assert_eq!(there.len(), titles.len());
        assert!(coverage.sums().get(&State::Tested).is_some_and(|count| *count > 30));
    }

    #[test]
    fn a_picture_is_well_formed_says_what_it_shows_and_lets_nothing_out() {
        let text = "title: '<script>alert(1)</script> & \"x\"'\nid: a\ntags: [attack.impact, 'attack.t1486<b>']\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {eventName: One}\n  condition: a\n";
        let detections = Detections::read([("f".to_owned(), text.to_owned())].into_iter()).0;
        let svg = Coverage::of(&detections, &facts(&[], &[])).svg();
        assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;"), "{svg}");
        for part in ["role=\"img\"", "<title id=", "<desc id=", "aria-labelledby=", "no-log"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        let (open, close) = (svg.matches("<g").count(), svg.matches("</g>").count());
        assert_eq!(open, close);
    }
}
