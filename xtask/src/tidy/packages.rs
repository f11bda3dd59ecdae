//! What comes from outside: licences, bans, sources and duplicates, by the lists in deny.toml.
//!
//! cargo-deny would check the same and more, but takes longer to build than all our tests take to
//! run; so this is what always runs, and cargo-deny runs too where it is installed.

use serde_json::Value;

use super::Complaint;
use super::house::{House, word};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The lists of deny.toml that we read.
#[derive(Debug, Default, PartialEq)]
struct Policy {
    platforms: Vec<String>,
    licences: Vec<String>,
    banned: Vec<String>,
    only_once: Vec<String>,
}

pub(super) fn check(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let policy = read(house.text("deny.toml")?);
    let packages = house.packages(&policy.platforms)?;
    let root = house.root.display().to_string();
    let mut complaints = Vec::new();
    for package in &packages {
        let (name, version) = (word(package, "name"), word(package, "version"));
        for say in objections(package, &policy, &root) {
            complaints.push(Complaint::new("Cargo.lock", 0, format!("{name} {version} {say}")));
        }
    }
    for name in &policy.only_once {
        let versions = packages.iter().filter(|package| word(package, "name") == name).count();
        if versions > 1 {
            let say = format!("{name} is in the tree {versions} times; `cargo tree -d` shows why");
            complaints.push(Complaint::new("Cargo.lock", 0, say));
        }
    }
    Ok(complaints)
}

fn objections(package: &Value, policy: &Policy, root: &str) -> Vec<String> {
    let mut say = Vec::new();
    let licence = word(package, "license");
    if !accepted(licence, &policy.licences) {
        say.push(format!("has the licence `{licence}`, which deny.toml does not allow"));
    }
    if policy.banned.iter().any(|name| name == word(package, "name")) {
        say.push("is banned; deny.toml says why".to_owned());
    }
    match package["source"].as_str() {
        Some(CRATES_IO) => {}
        Some(source) => say.push(format!("comes from {source}; only crates.io is allowed")),
        None if word(package, "manifest_path").starts_with(root) => {}
        None => say.push("is a folder outside the workspace".to_owned()),
    }
    say
}

/// Reads the few shapes that deny.toml uses: lists of strings, and one table per line.
fn read(text: &str) -> Policy {
    let mut policy = Policy::default();
    let (mut section, mut list) = ("", "");
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') && line.ends_with(']') {
            section = line;
        } else if let Some((key, _)) = line.split_once(" = [") {
            list = key;
        }
        let Some(quoted) = line.split('"').nth(1).filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let into = match (section, list) {
            ("[graph]", "targets") => &mut policy.platforms,
            ("[licenses]", "allow") => &mut policy.licences,
            ("[bans]", "deny") if line.contains("deny-multiple-versions") => &mut policy.only_once,
            ("[bans]", "deny") => &mut policy.banned,
            _ => continue,
        };
        into.push(quoted.to_owned());
        if line == "]" {
            list = "";
        }
    }
    policy
}

/// Whether an SPDX expression can be met with the licences allowed: `OR` needs one side, `AND`
/// needs both, and binds tighter. The old `/` means `OR`.
fn accepted(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let verdict = either(&mut rest, allowed);
    verdict && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut verdict = both(rest, allowed);
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        verdict |= both(rest, allowed);
    }
    verdict
}

fn both(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut verdict = one(rest, allowed);
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        verdict &= one(rest, allowed);
    }
    verdict
}

fn one(rest: &mut &[&str], allowed: &[String]) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let verdict = either(rest, allowed);
            *rest = rest.strip_prefix(&[")"]).unwrap_or(&[]);
            verdict
        }
        [name, "WITH", exception, tail @ ..] => {
            *rest = tail;
            let name = format!("{name} WITH {exception}");
            allowed.contains(&name)
        }
        [name, tail @ ..] => {
            *rest = tail;
            allowed.iter().any(|known| known == name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy() -> Policy {
        read(concat!(
            "[graph]\ntargets = [\n    \"linux\",\n]\n",
            "[licenses]\n# \"GPL-3.0\" is not\nallow = [\n    \"MIT\",\n    \"Apache-2.0\",\n]\n",
            "[bans]\nwildcards = \"deny\"\ndeny = [\n",
            "    { crate = \"openssl\", reason = \"r\" },\n",
            "    { crate = \"tokio\", deny-multiple-versions = true, reason = \"r\" },\n]\n",
        ))
    }

    #[test]
    fn everything_from_outside_is_allowed() {
        super::super::passes(check);
    }

    #[test]
    fn the_lists_are_read_from_the_file_cargo_deny_reads() {
        let expected = Policy {
            platforms: vec!["linux".to_owned()],
            licences: vec!["MIT".to_owned(), "Apache-2.0".to_owned()],
            banned: vec!["openssl".to_owned()],
            only_once: vec!["tokio".to_owned()],
        };
        assert_eq!(policy(), expected);
    }

    #[test]
    fn a_licence_expression_needs_a_way_through() {
        let allowed = policy().licences;
        for good in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(GPL-3.0 OR MIT) AND Apache-2.0"] {
            assert!(accepted(good, &allowed), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH X", "MIT GPL-3.0"] {
            assert!(!accepted(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn bans_git_sources_and_folders_elsewhere_are_reported() {
        let package = |name: &str, source: Value, manifest: &str| json!({ "name": name, "license": "MIT", "source": source, "manifest_path": manifest });
        let say = |package: &Value| objections(package, &policy(), "/r").join("; ");
        assert_eq!(say(&package("a", json!(CRATES_IO), "/x")), "");
        assert_eq!(say(&package("a", Value::Null, "/r/a")), "");
        assert_eq!(
            say(&package("openssl", json!(CRATES_IO), "/x")),
            "is banned; deny.toml says why"
        );
        assert_eq!(
            say(&package("a", json!("git+https://example.org/a"), "/x")),
            "comes from git+https://example.org/a; only crates.io is allowed"
        );
        assert_eq!(say(&package("a", Value::Null, "/x")), "is a folder outside the workspace");
    }
}
