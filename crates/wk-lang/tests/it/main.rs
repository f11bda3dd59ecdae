//! Whole languages against answers that others gave, and against slow evaluators.
#![expect(clippy::unwrap_used, reason = "a test stops where an answer is missing")]

mod conformance;
mod insights;
mod naive;
mod pack;
mod patterns;

use std::path::{Path, PathBuf};

use wk_lang::sigma::{Rule, read_rules};

/// The folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rules of all `.yml` files in a folder and those below it, with their files.
#[expect(clippy::print_stdout, reason = "what a test passes over is said on its output")]
fn rules_below(folder: &Path) -> Vec<(PathBuf, Rule)> {
    let mut rules = Vec::new();
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rules.extend(rules_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("|expand:") {
                // It needs lists, which wk-watch has; its tests run there.
                println!("passed over, for it asks for lists: {}", path.display());
                continue;
            }
            let reading = read_rules(&text);
            assert_eq!(reading.errors, [], "{}", path.display());
            rules.extend(reading.rules.into_iter().map(|rule| (path.clone(), rule)));
        }
    }
    rules
}
