//! The rules of SigmaHQ for AWS over a public corpus: which of them match how often is known from
//! three other engines.

use std::collections::BTreeMap;
use std::path::Path;

use wk_lang::json::{Splitter, Step, Tape};
use wk_lang::sigma::{LogSource, Rule, RuleSet};

use crate::{rules_below, workspace};

#[test]
fn the_rules_of_sigmahq_match_the_corpus_as_in_other_engines() {
    let shared = workspace().join("../shared");
    let Ok(answers) = std::fs::read_to_string(shared.join("conformance/sigma-invictus.json"))
    else {
        println!("skipped: {} is not there", shared.display());
        return;
    };
    let rules: Vec<Rule> = rules_below(&shared.join("data/sigma-rules/aws"))
        .into_iter()
        .map(|(_, rule)| rule)
        .collect();
    assert_eq!(rules.len(), 57);
    let mut tape = Tape::new();
    let answers = tape.parse(&answers).unwrap();
    let expected: BTreeMap<String, u64> = answers
        .get("matches")
        .unwrap()
        .fields()
        .map(|(id, count)| (id.into_owned(), count.as_u64().unwrap()))
        .collect();
    let mut count = Count { set: RuleSet::compile(&rules).unwrap(), ..Count::default() };
    count.folder(&shared.join("data/cloudtrail/invictus-stratus"));
    let found: BTreeMap<String, u64> = count
        .matches
        .into_iter()
        .map(|(rule, count)| (rules[rule].id.clone().unwrap(), count))
        .collect();
    assert_eq!(count.records, 2_900);
    assert_eq!(found, expected);
}

#[derive(Default)]
struct Count {
    set: RuleSet,
    records: u64,
    matches: BTreeMap<usize, u64>,
}

impl Count {
    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                self.file(&std::fs::read(&path).unwrap());
            }
        }
    }

    fn file(&mut self, text: &[u8]) {
        let readers = self.set.readers(&LogSource::new("aws", "cloudtrail"));
        let (mut splitter, mut tape) = (Splitter::new(&["Records"]), Tape::new());
        let mut matching = Vec::new();
        loop {
            match splitter.step(text, true) {
                Step::Record { start, end } => {
                    let record = std::str::from_utf8(&text[start..end]).unwrap();
                    self.set.matches(&tape.parse(record).unwrap(), &readers, &mut matching);
                    assert!(matching.is_empty() || self.set.may_match(record));
                    self.records += 1;
                    for rule in &matching {
                        *self.matches.entry(*rule).or_default() += 1;
                    }
                }
                Step::End => return,
                other => panic!("{other:?}"),
            }
        }
    }
}
