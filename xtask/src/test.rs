//! Every test of the workspace: by cargo-nextest where it is installed, by `cargo test` elsewhere.

use std::io::Write;

use crate::cargo;
use crate::tidy::house::House;

pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let root = &house.root;
    if !cargo::succeeds(root, &["nextest", "--version"]) {
        return cargo::run(root, &["test", "--workspace", "--no-fail-fast"], out);
    }
    // nextest runs no examples of documentation. They go first: its summary shall come last.
    let mut examples = vec!["test", "--doc"];
    let members = house.members()?;
    for member in members.iter().filter(|member| member.has_doctests) {
        examples.extend(["--package", &member.name]);
    }
    let documented = if examples.len() > 2 { cargo::run(root, &examples, out) } else { Ok(()) };
    cargo::run(root, &["nextest", "run", "--workspace"], out)?;
    documented
}
