//! The pages `docs/sources.md`, `docs/rules.md`, `docs/checks.md`, `docs/rule-agreement.md`,
//! `rules/NOISE.md` and `docs/query-functions.md`, made from the code.
//!
//! The catalogue is in wk-watch, the functions are in wk-store, and xtask links neither: a test of
//! each writes the pages when it is told to, and fails when they are not current.

use std::io::Write;

use crate::cargo;
use crate::tidy::house::House;

pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let test = ["test", "-p", "wk-watch", "--test", "it", "the_catalogue_pages_are_current"];
    cargo::run_with(&house.root, &[("UPDATE_DOCS", "1")], &test, out)?;
    // Where the data of others is not at hand, these say so and leave their pages as they are.
    for name in ["the_pack_agrees_with_the_rule_tests", "slow_calm_days_have_at_most_one_high"] {
        let test = ["test", "-p", "wk-watch", "--test", "it", name];
        cargo::run_with(&house.root, &[("UPDATE_DOCS", "1")], &test, out)?;
    }
    let test = ["test", "-p", "wk-store", "--lib", "the_page_of_functions_is_current"];
    cargo::run_with(&house.root, &[("UPDATE_DOCS", "1")], &test, out)?;
    writeln!(
        out,
        "wrote docs/sources.md, docs/rules.md, docs/checks.md, docs/rule-agreement.md, rules/NOISE.md, docs/query-functions.md"
    )?;
    Ok(())
}
