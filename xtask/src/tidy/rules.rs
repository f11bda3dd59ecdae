//! rules/: each rule says everything about itself and shows one case that fires and one that stays
//! quiet. Whether it compiles and whether its tests hold is for the engine's own tests.

use std::collections::BTreeMap;

use super::Complaint;
use super::house::House;

const KEYS: &[&str] = &["title", "id", "status", "description", "tags", "level", "watchkeeper"];
/// What a rule over single events has besides; a correlation has its own key for it.
const SINGLE: &[&str] = &["logsource", "detection"];

pub(super) fn check(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let rules = house.files.iter().filter(|file| file.path.starts_with("rules/"));
    let mut complaints = Vec::new();
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for file in rules {
        if file.path.ends_with(".yaml") {
            complaints.push(Complaint::new(&file.path, 0, "rules end in .yml; rename it"));
        }
        if !file.path.ends_with(".yml") {
            continue;
        }
        complaints.extend(rule(&file.path, &file.text));
        for (line, id) in keys(&file.text, "id") {
            if let Some(other) = known.insert(id, &file.path) {
                let say = format!("{other} has the same id; give this rule its own");
                complaints.push(Complaint::new(&file.path, line, say));
            }
        }
    }
    Ok(complaints)
}

fn rule(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let single: &[&str] = if key(text, "correlation").is_some() { &[] } else { SINGLE };
    for name in KEYS.iter().chain(single) {
        if key(text, name).is_none() {
            complaints.push(Complaint::new(path, 0, format!("add the key `{name}`")));
        }
    }
    let Some((line, _)) = key(text, "watchkeeper") else { return complaints };
    for case in ["fires:", "quiet:"] {
        // A correlation shows its cases in the documents that it looks at.
        let mut ours = text.lines().skip(line);
        if !ours.any(|line| line.trim_start_matches([' ', '-']).starts_with(case)) {
            let say = format!("add a test with `{case}` under `watchkeeper: tests:`");
            complaints.push(Complaint::new(path, line, say));
        }
    }
    complaints
}

/// The line and the value of a key at the left margin, in the first document that has it.
fn key<'a>(text: &'a str, name: &str) -> Option<(usize, &'a str)> {
    keys(text, name).next()
}

/// The same for every document.
fn keys<'a>(text: &'a str, name: &str) -> impl Iterator<Item = (usize, &'a str)> {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        Some((index + 1, value.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "title: T\nid: 1\nstatus: stable\ndescription: D\ntags: []\n\
                        logsource: {}\ndetection:\n  a: b\nlevel: low\nwatchkeeper:\n  tests:\n    \
                        - name: n\n      fires: {a: b}\n    - quiet: {a: c}\n";

    #[test]
    fn every_rule_is_whole() {
        super::super::passes(check);
    }

    #[test]
    fn a_whole_rule_passes() {
        assert_eq!(rule("rules/a.yml", GOOD), []);
    }

    #[test]
    fn a_correlation_needs_no_detection_of_its_own() {
        let text = GOOD.replace("logsource: {}\ndetection:", "correlation:");
        assert_eq!(rule("rules/a.yml", &text), []);
    }

    #[test]
    fn a_rule_without_a_quiet_case_or_a_level_is_reported() {
        let text = GOOD.replace("quiet", "other").replace("level: low\n", "");
        let say: Vec<String> = rule("a.yml", &text).iter().map(Complaint::to_string).collect();
        let expected = [
            "a.yml: add the key `level`",
            "a.yml:9: add a test with `quiet:` under `watchkeeper: tests:`",
        ];
        assert_eq!(say, expected);
    }
}
