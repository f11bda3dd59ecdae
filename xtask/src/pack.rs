//! The built-in pack: `crates/wk-watch/src/pack.rs`, made from the files of `rules/`.
//!
//! * Generated and committed: no build script, no macro that looks at folders.
//! * A test fails when a rule was added, moved or removed and the file was not made anew.

use std::io::Write;

use crate::tidy::house::House;

/// Where the generated file lies.
const FILE: &str = "crates/wk-watch/src/pack.rs";

/// Writes the file anew.
pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = generate(house)?;
    std::fs::write(house.root.join(FILE), text)?;
    writeln!(out, "wrote {FILE}")?;
    Ok(())
}

fn generate(house: &House) -> anyhow::Result<String> {
    let root = house.root.join("rules");
    let mut names = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yml") {
                names.push(path.strip_prefix(&root)?.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    let mut text = String::from(
        "//! The rules that are built in, by file below `rules/`.\n//!\n\
         //! Made by `cargo xtask pack`; do not edit.\n\n\
         /// Name and text of every rule.\n#[rustfmt::skip]\npub const PACK: &[(&str, &str)] = &[\n",
    );
    for name in names {
        text.push_str("    (\"");
        text.push_str(&name);
        text.push_str("\", include_str!(\"../../../rules/");
        text.push_str(&name);
        text.push_str("\")),\n");
    }
    text.push_str("];\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_holds_every_rule() {
        let house = House::open().unwrap();
        let there = std::fs::read_to_string(house.root.join(FILE)).unwrap();
        assert!(generate(&house).unwrap() == there, "run: cargo xtask pack");
    }
}
