//! Running cargo from inside cargo.
//!
//! * The command is shown before it runs.
//! * The child does not see what `cargo run` told us about ourselves: build scripts that watch
//!   `CARGO_PKG_NAME` or `CARGO_MANIFEST_DIR` would otherwise build their crate anew each time.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

/// Runs `cargo ARGS` in `root` and fails when it fails.
pub(crate) fn run(root: &Path, args: &[&str], out: &mut dyn Write) -> anyhow::Result<()> {
    run_with(root, &[], args, out)
}

/// The same with variables of its environment set.
pub(crate) fn run_with(
    root: &Path,
    variables: &[(&str, &str)],
    args: &[&str],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let set: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    writeln!(out, "\n$ {set}cargo {}", args.join(" "))?;
    out.flush()?;
    let mut cargo = command(root, args);
    let status = cargo.envs(variables.to_vec()).status().context("could not start cargo")?;
    anyhow::ensure!(status.success(), "`cargo {}` failed", args.join(" "));
    Ok(())
}

/// What `cargo ARGS` prints.
pub(crate) fn read(root: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = command(root, args)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start cargo {}", args.join(" ")))?;
    anyhow::ensure!(output.status.success(), "`cargo {}` failed", args.join(" "));
    Ok(output.stdout)
}

/// Whether `cargo ARGS` succeeds; says nothing. For asking if a tool is there.
pub(crate) fn succeeds(root: &Path, args: &[&str]) -> bool {
    let quiet = command(root, args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

#[expect(clippy::disallowed_methods, reason = "names of variables to keep from a child process")]
fn command(root: &Path, args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(args).current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}
