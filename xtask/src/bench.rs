//! The benches: what our work costs, beside others who do the same. `docs/benchmarks.md` has the
//! latest figures.
//!
//! * The measuring is `bench/run.py`: the standard library of Rust cannot ask the system what a
//!   child has used, and two of the peers are Python packages.
//! * No part of [`all`](crate::all): a figure is read by people, never compared with a limit.

use std::io::Write;
use std::process::Command;

use anyhow::Context;

use crate::tidy::house::House;

/// Passes on whatever stands behind `bench` on the command line.
pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(2).collect();
    writeln!(out, "$ python3 bench/run.py {}", args.join(" "))?;
    out.flush()?;
    let status = Command::new("python3")
        .arg(house.root.join("bench/run.py"))
        .args(&args)
        .status()
        .context("could not start python3, which measures")?;
    anyhow::ensure!(status.success(), "the bench ended early");
    Ok(())
}
