//! Format, lints and the dependencies.

use std::io::Write;

use crate::tidy::house::House;
use crate::{cargo, tidy};

pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let lint = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let results = [
        cargo::run(&house.root, &["fmt", "--all", "--check"], out),
        tidy::run(house, out),
        cargo::run(&house.root, &lint, out),
    ];
    let failed: Vec<String> =
        results.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    anyhow::ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

/// Licences, bans and sources are in tidy and so always checked. What only cargo-deny can do is
/// done where it is installed, and named where it is not.
pub(crate) fn deps(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let root = &house.root;
    if !cargo::succeeds(root, &["deny", "--version"]) {
        writeln!(out, "\nadvisories: NOT CHECKED (cargo-deny is not installed)")?;
        return Ok(());
    }
    cargo::run(root, &["deny", "check", "licenses", "bans", "sources"], out)?;
    if !cargo::succeeds(root, &["deny", "fetch", "db"]) {
        writeln!(out, "\nadvisories: NOT CHECKED (the database cannot be fetched here)")?;
        return Ok(());
    }
    cargo::run(root, &["deny", "check", "--disable-fetch", "advisories"], out)
}
