//! The house rules that no compiler knows.
//!
//! * Every check is a row in [`CHECKS`] and an ordinary test of this crate.
//! * A complaint names file and line and says what to do about it.
//! * A check reads what [`house::House`] brings: texts and `cargo metadata`. It changes nothing.

pub(crate) mod arrows;
pub(crate) mod house;
mod manifests;
mod packages;
mod promises;
mod rules;
mod words;

use std::fmt;
use std::io::Write;

use house::House;

/// One house rule.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    run: fn(&House) -> anyhow::Result<Vec<Complaint>>,
}

const CHECKS: &[Check] = &[
    Check { name: "arrows between our crates", run: arrows::between_ours },
    Check { name: "outside crates in their place", run: arrows::to_the_outside },
    Check { name: "manifests", run: manifests::check },
    Check { name: "dependencies that nobody uses", run: manifests::unused },
    Check { name: "licences, bans and sources", run: packages::check },
    Check { name: "promises and their tests", run: promises::check },
    Check { name: "rules", run: rules::check },
    Check { name: "texts", run: words::texts },
    Check { name: "words that stay on their floor", run: words::floors },
    Check { name: "every crate says what it is", run: words::openings },
];

/// Something to mend, and where. Line 0 means the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) say: String,
}

impl Complaint {
    pub(crate) fn new(file: &str, line: usize, say: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, say: say.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.say),
            line => write!(f, "{}:{line}: {}", self.file, self.say),
        }
    }
}

/// Runs every check and prints every complaint.
pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut count = 0;
    for check in CHECKS {
        let complaints = (check.run)(house)?;
        if !complaints.is_empty() {
            writeln!(out, "\ntidy: {}", check.name)?;
        }
        for complaint in &complaints {
            writeln!(out, "  {complaint}")?;
        }
        count += complaints.len();
    }
    anyhow::ensure!(count == 0, "tidy has {count} complaints");
    writeln!(out, "\ntidy: {} checks, no complaint", CHECKS.len())?;
    Ok(())
}

/// For the tests of a check: the tree as it is passes.
#[cfg(test)]
pub(crate) fn passes(run: fn(&House) -> anyhow::Result<Vec<Complaint>>) {
    let complaints = run(&House::open().expect("the checkout is readable")).expect("it runs");
    let lines: Vec<String> = complaints.iter().map(Complaint::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}
