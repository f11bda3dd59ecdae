//! Names of people who answer for what a command does. Nobody proves who they are here: the log keeps
//! what was said.

use anyhow::{bail, ensure};

/// A name as it is kept: without blanks around it, and not empty.
pub(crate) fn name(option: &str, given: &str) -> anyhow::Result<String> {
    let name = given.trim();
    ensure!(!name.is_empty(), "{option} needs a name");
    Ok(name.to_owned())
}

/// The second of two people, who must be another one.
pub(crate) fn second(first: &str, given: &str) -> anyhow::Result<String> {
    let second = name("--second-person", given)?;
    if second.to_lowercase() == first.trim().to_lowercase() {
        bail!("--second-person must be another person than {first:?}");
    }
    Ok(second)
}
