//! The built-in rules over any JSON record: the index and the text's quick no against every rule.

use std::sync::LazyLock;

use wk_lang::json::Tape;
use wk_lang::sigma::{LogSource, RuleSet, read_rules};
use wk_watch::pack::PACK;

use crate::sigma_rules::agree;

/// Rules of every kind of question; few, so that the text alone can say no.
const OWN: &str = include_str!("../seeds/rules/own.yml");

struct Sets {
    pack: RuleSet,
    own: RuleSet,
    /// Every rule alone, and its log source: of all together the text alone cannot say no.
    alone: Vec<(RuleSet, LogSource)>,
}

static SETS: LazyLock<Sets> = LazyLock::new(|| {
    let of_pack: Vec<_> = PACK.iter().flat_map(|(_, text)| read_rules(text).rules).collect();
    let own = read_rules(OWN);
    assert!(own.errors.is_empty(), "{:?}", own.errors);
    let set = |rules: &[_]| RuleSet::compile(rules).expect("there are few rules");
    let all = of_pack.iter().chain(&own.rules);
    let alone = all.map(|rule| (set(std::slice::from_ref(rule)), rule.logsource.clone()));
    Sets { pack: set(&of_pack), alone: alone.collect(), own: set(&own.rules) }
});

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut tape = Tape::new();
    let Ok(value) = tape.parse(text) else { return };
    let sets = &*SETS;
    for source in [LogSource::new("aws", "cloudtrail"), LogSource::default()] {
        agree(&sets.pack, text, value, &source);
        agree(&sets.own, text, value, &source);
    }
    for (set, source) in &sets.alone {
        agree(set, text, value, source);
    }
}
