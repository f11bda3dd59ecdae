//! The pages `docs/sources.md` and `docs/rules.md`, made from the catalogue.
//!
//! The catalogue is in wk-watch, which xtask never links: one of its tests writes the pages when it
//! is told to, and fails when they are not current.

use std::io::Write;

use crate::cargo;
use crate::tidy::house::House;

pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let test = ["test", "-p", "wk-watch", "--test", "it", "the_catalogue_pages_are_current"];
    cargo::run_with(&house.root, &[("UPDATE_DOCS", "1")], &test, out)?;
    writeln!(out, "wrote docs/sources.md and docs/rules.md")?;
    Ok(())
}
