//! The checkout as the checks see it: texts from git's list of files, facts from `cargo metadata`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::cargo;

/// The checkout, read once.
pub(crate) struct House {
    pub(crate) root: PathBuf,
    /// Every text file that git tracks or would add; binary files are left out.
    pub(crate) files: Vec<Text>,
}

/// A text file; its path is relative to the root, with `/`.
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A crate of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Relative to the root, as `crates/wk-model`.
    pub(crate) folder: String,
    pub(crate) needs: Vec<Need>,
}

/// One line of a crate's dependencies.
pub(crate) struct Need {
    pub(crate) name: String,
    pub(crate) dev: bool,
    /// Where the manifest asks for it.
    pub(crate) line: usize,
}

impl House {
    /// Cargo tells a program it runs where its manifest is; the root is one above.
    #[expect(clippy::disallowed_methods, reason = "asked at run time: a build may be shared")]
    pub(crate) fn open() -> anyhow::Result<Self> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
        let root = Path::new(&own).parent().context("xtask has a folder above")?.to_owned();
        let mut files = Vec::new();
        for path in listed(&root)? {
            // What is listed but gone was deleted and not yet committed.
            let Ok(bytes) = std::fs::read(root.join(&path)) else { continue };
            if let Ok(text) = String::from_utf8(bytes)
                && !text.contains('\0')
            {
                files.push(Text { path, text });
            }
        }
        Ok(Self { root, files })
    }

    pub(crate) fn text(&self, path: &str) -> anyhow::Result<&str> {
        let file = self.files.iter().find(|file| file.path == path);
        Ok(&file.with_context(|| format!("{path} is missing"))?.text)
    }

    /// The crates of the workspace with what their manifests ask for.
    pub(crate) fn members(&self) -> anyhow::Result<Vec<Member>> {
        let facts = self.metadata(&["--no-deps"])?;
        Ok(list(&facts, "packages").iter().map(|package| self.member(package)).collect())
    }

    /// Every package in the tree of the given platforms, as cargo describes it.
    pub(crate) fn packages(&self, platforms: &[String]) -> anyhow::Result<Vec<Value>> {
        let wanted = platforms.iter().flat_map(|platform| ["--filter-platform", platform]);
        let facts = self.metadata(&wanted.collect::<Vec<_>>())?;
        Ok(list(&facts, "packages").to_vec())
    }

    fn metadata(&self, extra: &[&str]) -> anyhow::Result<Value> {
        let args = [&["metadata", "--format-version", "1"], extra].concat();
        serde_json::from_slice(&cargo::read(&self.root, &args)?).context("cargo metadata is JSON")
    }

    fn member(&self, package: &Value) -> Member {
        let manifest = Path::new(word(package, "manifest_path"));
        let parent = manifest.parent().and_then(|path| path.strip_prefix(&self.root).ok());
        let folder = parent.unwrap_or(manifest).display().to_string();
        let text = self.text(&format!("{folder}/Cargo.toml")).unwrap_or_default();
        let needs = list(package, "dependencies").iter().map(|need| Need {
            name: word(need, "name").to_owned(),
            dev: word(need, "kind") == "dev",
            line: line_of(text, word(need, "name")),
        });
        Member { name: word(package, "name").to_owned(), folder, needs: needs.collect() }
    }
}

/// The files that git tracks or would add. The checkout may belong to another user.
fn listed(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard", "--deduplicate"])
        .current_dir(root)
        .output()
        .context("could not start git, which lists the files to check")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "git ls-files failed: {complaint}");
    let names = String::from_utf8(output.stdout).context("file names are UTF-8")?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

/// The line of a manifest that asks for the crate `name`; 0 where it is not found.
fn line_of(manifest: &str, name: &str) -> usize {
    let asks =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    manifest.lines().position(asks).map_or(0, |index| index + 1)
}

/// The text under `key`, or nothing.
pub(crate) fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The list under `key`, or nothing.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}
