//! The manifests: versions stand in the root, once, with a reason; nobody carries what he does not use.

use super::Complaint;
use super::house::{House, Member};

/// Needed without being named in any source: what a feature or a macro of another crate reaches for.
const USED_UNSEEN: &[(&str, &str)] = &[];

pub(super) fn check(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = root_manifest(house.text("Cargo.toml")?);
    for file in &house.files {
        if file.path.ends_with("/Cargo.toml") && !is_its_own_workspace(&file.text) {
            complaints.extend(member_manifest(&file.path, &file.text));
        }
    }
    Ok(complaints)
}

/// What a crate asks for and none of its sources names.
pub(super) fn unused(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for member in house.members()? {
        let inside = format!("{}/", member.folder);
        let sources = house
            .files
            .iter()
            .filter(|file| file.path.starts_with(&inside) && file.path.ends_with(".rs"));
        let sources: Vec<&str> = sources.map(|file| file.text.as_str()).collect();
        complaints.extend(unnamed(&member, &sources));
    }
    Ok(complaints)
}

/// Every outside crate: a reason above it, default features off, a real version.
fn root_manifest(text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut inside = false;
    let mut has_reason = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        }
        if line.trim().is_empty() || line.starts_with('[') {
            has_reason = false;
        } else if line.starts_with('#') {
            has_reason = true;
        } else if inside && line.contains(" = ") && !line.contains("path = ") {
            let name = line.split(' ').next().unwrap_or_default();
            let mut say = |what: &str| {
                let say = format!("{name} {what}");
                complaints.push(Complaint::new("Cargo.toml", index + 1, say));
            };
            if !has_reason {
                say("needs a comment line above it that says what it is for");
            }
            if !line.contains("default-features = false") {
                say("needs `default-features = false`; name the features that are used");
            }
            if line.contains("\"*\"") || !line.contains("version = \"") {
                say("needs a version from crates.io");
            }
        }
    }
    complaints
}

/// A member names its needs and inherits the rest.
fn member_manifest(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim_end().ends_with("dependencies]");
            if line.contains("dependencies.") {
                let say = "write it as one line under [dependencies]";
                complaints.push(Complaint::new(path, index + 1, say));
            }
        } else if inside && line.contains('=') && !line.starts_with('#') {
            let inherited =
                line.contains(".workspace = true") || line.contains("workspace = true,");
            if !inherited || line.contains("version =") {
                let say = "take it from the workspace: `NAME.workspace = true`; the version \
                           stands in the root manifest";
                complaints.push(Complaint::new(path, index + 1, say));
            }
        }
    }
    complaints
}

/// A fuzz crate stands outside the workspace, because cargo-fuzz wants it so.
fn is_its_own_workspace(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("[workspace]"))
}

fn unnamed(member: &Member, sources: &[&str]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for need in &member.needs {
        let known = USED_UNSEEN.contains(&(member.name.as_str(), need.name.as_str()));
        let ident = need.name.replace('-', "_");
        if !known && !sources.iter().any(|text| super::words::names(text, &ident)) {
            let manifest = format!("{}/Cargo.toml", member.folder);
            let say = format!("no source of {} names {ident}; remove it", member.name);
            complaints.push(Complaint::new(&manifest, need.line, say));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::house::Need;
    use super::*;

    fn said(complaints: &[Complaint]) -> Vec<String> {
        complaints.iter().map(Complaint::to_string).collect()
    }

    #[test]
    fn versions_stand_in_the_root_with_a_reason() {
        super::super::passes(check);
    }

    #[test]
    fn every_dependency_is_used() {
        super::super::passes(unused);
    }

    #[test]
    fn a_dependency_without_reason_or_with_default_features_is_reported() {
        let text = "[workspace.dependencies]\nours = { path = \"ours\" }\n\n# Why.\n\
                    good = { version = \"1\", default-features = false }\n\n\
                    bare = { version = \"1\", default-features = false }\n\
                    # Why.\nplain = \"1\"\n";
        let expected = [
            "Cargo.toml:7: bare needs a comment line above it that says what it is for",
            "Cargo.toml:9: plain needs `default-features = false`; name the features that are used",
            "Cargo.toml:9: plain needs a version from crates.io",
        ];
        assert_eq!(said(&root_manifest(text)), expected);
    }

    #[test]
    fn a_version_in_a_member_is_reported() {
        let text = "[package]\nversion.workspace = true\n[dependencies]\na.workspace = true\n\
                    b = { workspace = true, features = [\"x\"] }\nc = \"1\"\n";
        let complaints = member_manifest("crates/a/Cargo.toml", text);
        assert_eq!(complaints.iter().map(|one| one.line).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_dependency_that_no_source_names_is_reported() {
        let need = |name: &str| Need { name: name.to_owned(), dev: false, line: 9 };
        let member = Member {
            name: "a".to_owned(),
            folder: "crates/a".to_owned(),
            needs: vec![need("serde-saphyr"), need("regex")],
        };
        let expected = ["crates/a/Cargo.toml:9: no source of a names regex; remove it"];
        assert_eq!(said(&unnamed(&member, &["use serde_saphyr::from_str;"])), expected);
    }
}
