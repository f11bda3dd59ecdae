//! Every test of the workspace: by cargo-nextest where it is installed, by `cargo test` elsewhere.

use std::io::Write;

use crate::cargo;
use crate::tidy::house::House;

pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let root = &house.root;
    if !cargo::succeeds(root, &["nextest", "--version"]) {
        return cargo::run(root, &["test", "--workspace", "--no-fail-fast"], out);
    }
    // nextest runs no examples of documentation. They go first: its summary shall come last. Over
    // the whole workspace as well: a part of it would have other features, and be built anew.
    let examples = cargo::run(root, &["test", "--doc", "--workspace"], out);
    cargo::run(root, &["nextest", "run", "--workspace"], out)?;
    examples
}
