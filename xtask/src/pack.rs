//! What is built in: `crates/wk-watch/src/pack.rs`, made from the files of `rules/`, and
//! `crates/wk-watch/src/library.rs`, made from those of `queries/`, and `crates/wk-watch/src/runbooks.rs`,
//! made from those of `rules/runbooks/`.
//!
//! * Generated and committed: no build script, no macro that looks at folders.
//! * A test fails when a file was added, moved or removed and the list was not made anew.

use std::fmt::Write as _;
use std::io::Write;

use crate::tidy::house::House;

/// A folder of data and the generated file that lists it.
struct Pack {
    folder: &'static str,
    /// How the names of its files end.
    ends: &'static str,
    file: &'static str,
    what: &'static str,
    list: &'static str,
}

const PACKS: [Pack; 3] = [
    Pack {
        folder: "rules",
        ends: "yml",
        file: "crates/wk-watch/src/pack.rs",
        what: "The rules that are built in, by file below `rules/`.",
        list: "/// Name and text of every rule.\n#[rustfmt::skip]\npub const PACK",
    },
    Pack {
        folder: "queries",
        ends: "yml",
        file: "crates/wk-watch/src/library.rs",
        what: "The queries that are built in, by file below `queries/`.",
        list: "/// Name and text of every query.\n#[rustfmt::skip]\npub const LIBRARY",
    },
    Pack {
        folder: "rules/runbooks",
        ends: "md",
        file: "crates/wk-watch/src/runbooks.rs",
        what: "The runbooks that are built in, by file below `rules/runbooks/`.",
        list: "/// Name and text of every runbook.\n#[rustfmt::skip]\npub const RUNBOOKS",
    },
];

/// Writes the files anew.
pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    for pack in &PACKS {
        let text = generate(house, pack)?;
        std::fs::write(house.root.join(pack.file), text)?;
        writeln!(out, "wrote {}", pack.file)?;
    }
    Ok(())
}

fn generate(house: &House, pack: &Pack) -> anyhow::Result<String> {
    let Pack { folder, ends, what, list, .. } = pack;
    let root = house.root.join(folder);
    let mut names = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == *ends) {
                names.push(path.strip_prefix(&root)?.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    let mut text = format!(
        "//! {what}\n//!\n//! Made by `cargo xtask pack`; do not edit.\n\n\
         {list}: &[(&str, &str)] = &[\n"
    );
    for name in names {
        writeln!(text, "    (\"{name}\", include_str!(\"../../../{folder}/{name}\")),")?;
    }
    text.push_str("];\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packs_hold_every_rule_query_and_runbook() {
        let house = House::open().unwrap();
        for pack in &PACKS {
            let there = std::fs::read_to_string(house.root.join(pack.file)).unwrap();
            assert!(generate(&house, pack).unwrap() == there, "run: cargo xtask pack");
        }
    }
}
