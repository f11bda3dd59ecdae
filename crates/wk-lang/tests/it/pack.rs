//! The detection pack: every rule can be read and does what its own tests say.

use wk_lang::json::Tape;
use wk_lang::sigma::{Around, Expected, Rule, RuleSet};

use crate::{rules_below, workspace};

#[test]
fn every_rule_of_the_pack_does_what_its_tests_say() {
    let rules = rules_below(&workspace().join("rules"));
    let set = RuleSet::compile(rules.iter().map(|(_, rule)| rule)).unwrap();
    let mut tape = Tape::new();
    let (mut failures, mut tests, mut around) = (Vec::new(), 0, 0);
    for (index, (path, rule)) in rules.iter().enumerate() {
        for test in &rule.extension.tests {
            if test.around != Around::default() {
                // What is known around events is wk-watch's business; these tests run there.
                around += 1;
                continue;
            }
            let event = tape.parse(&test.event).unwrap();
            let readers = set.readers(&rule.logsource);
            let fires = set.holds(index, &event, &readers);
            let mut matching = Vec::new();
            set.matches(&event, &readers, &mut matching);
            assert_eq!(matching.contains(&index), fires, "the index and {}", path.display());
            assert!(!fires || set.may_match(&test.event), "the prefilter and {}", path.display());
            if fires != (test.expected == Expected::Fires) {
                failures.push(format!("{}: {}", path.display(), test.name));
            }
            tests += 1;
        }
    }
    assert_eq!(failures, Vec::<String>::new());
    println!(
        "{} rules, {tests} tests; {around} passed over, for they need surroundings",
        rules.len()
    );
    assert!(rules.iter().all(|(_, rule): &(_, Rule)| !rule.extension.tests.is_empty()));
}
