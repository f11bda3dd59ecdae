//! `cargo xtask NAME`: what keeps the house in order, in Rust, so that every machine can run it.
//!
//! * A task is a row in [`TASKS`]: a name, a sentence, a function. To add one, add a row.
//! * Whatever a task runs it names first, so that a reader can run the same by hand.
//! * Knows the workspace from outside only: manifests, texts and `cargo`. Never links a crate of it.

mod bench;
mod cargo;
mod check;
mod docs;
mod fuzz;
mod pack;
mod test;
mod tidy;

use std::io::Write;
use std::process::ExitCode;

use tidy::house::House;

/// One thing that `cargo xtask` can do.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&House, &mut dyn Write) -> anyhow::Result<()>,
}

const TASKS: &[Task] = &[
    Task { name: "tidy", about: "the house rules that no compiler knows", run: tidy::run },
    Task { name: "check", about: "format, clippy with warnings as errors, tidy", run: check::run },
    Task {
        name: "deps",
        about: "cargo-deny and the advisories, where installed",
        run: check::deps,
    },
    Task {
        name: "pack",
        about: "make the lists of built-in rules and queries anew",
        run: pack::run,
    },
    Task { name: "docs", about: "make the pages of sources and rules anew", run: docs::run },
    Task { name: "bench", about: "what the work costs, beside its peers", run: bench::run },
    Task { name: "fuzz", about: "parsers against any bytes, for minutes", run: fuzz::run },
    Task { name: "test", about: "every test of the workspace", run: test::run },
    Task { name: "all", about: "check, deps and test; what must pass", run: all },
];

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    let name = std::env::args().nth(1);
    let Some(task) = TASKS.iter().find(|task| Some(task.name) == name.as_deref()) else {
        let _written = usage(&mut out);
        return ExitCode::from(2);
    };
    match House::open().and_then(|house| (task.run)(&house, &mut out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _written = writeln!(out, "xtask {}: {error:#}", task.name);
            ExitCode::FAILURE
        }
    }
}

fn usage(out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "usage: cargo xtask NAME, where NAME is one of")?;
    TASKS.iter().try_for_each(|task| writeln!(out, "  {:<6} {}", task.name, task.about))
}

/// Runs every part even when one fails, so that one run shows all there is to mend. The tests
/// come last: their summary then stands at the end of the output.
fn all(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for name in ["check", "deps", "test"] {
        let Some(task) = TASKS.iter().find(|task| task.name == name) else { continue };
        if let Err(error) = (task.run)(house, out) {
            writeln!(out, "xtask {name}: {error:#}")?;
            failed.push(name);
        }
    }
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}
