//! Which crate may lean on which, ours and outside ones. The tables are the architecture.

use super::Complaint;
use super::house::{House, Member};

/// One of our crates: what it may need, and what only its tests may need.
struct Floor {
    name: &'static str,
    needs: &'static [&'static str],
    tests_need: &'static [&'static str],
}

const FLOORS: &[Floor] = &[
    Floor { name: "wk-model", needs: &[], tests_need: &[] },
    Floor { name: "wk-lang", needs: &["wk-model"], tests_need: &[] },
    Floor { name: "wk-seam", needs: &["wk-model", "wk-lang"], tests_need: &[] },
    Floor { name: "wk-sim", needs: &["wk-model"], tests_need: &[] },
    Floor { name: "wk-fake-aws", needs: &["wk-model", "wk-seam"], tests_need: &[] },
    Floor { name: "wk-watch", needs: BELOW_THE_PARTS, tests_need: &["wk-sim"] },
    Floor { name: "wk-act", needs: BELOW_THE_PARTS, tests_need: &["wk-sim"] },
    Floor { name: "wk-case", needs: BELOW_THE_PARTS, tests_need: &["wk-sim"] },
    Floor {
        name: "wk-engine",
        needs: &["wk-model", "wk-lang", "wk-seam", "wk-watch", "wk-act", "wk-case"],
        tests_need: &["wk-sim", "wk-store"],
    },
    Floor {
        name: "wk-aws",
        needs: BELOW_THE_PARTS,
        tests_need: &["wk-sim", "wk-fake-aws", "wk-watch"],
    },
    Floor { name: "wk-courier", needs: BELOW_THE_PARTS, tests_need: &[] },
    Floor { name: "wk-store", needs: BELOW_THE_PARTS, tests_need: &["wk-sim", "wk-watch"] },
    Floor { name: "watchkeeper", needs: EVERY_OTHER, tests_need: &["wk-fake-aws"] },
    Floor { name: "xtask", needs: &[], tests_need: &[] },
];

const BELOW_THE_PARTS: &[&str] = &["wk-model", "wk-lang", "wk-seam"];

const EVERY_OTHER: &[&str] = &[
    "wk-model",
    "wk-lang",
    "wk-seam",
    "wk-sim",
    "wk-watch",
    "wk-act",
    "wk-case",
    "wk-engine",
    "wk-aws",
    "wk-courier",
    "wk-store",
];

/// Outside crates (a name, or a beginning that ends in `*`) and who may need them, in tests too:
/// a light crate whose tests build DataFusion is not light. The first row that fits counts.
const CONFINED: &[(&str, &[&str])] = &[
    ("arrow-schema", COLUMNS),
    ("arrow-array", COLUMNS),
    ("arrow-buffer", COLUMNS),
    ("arrow*", &["wk-store"]),
    ("datafusion*", &["wk-store"]),
    ("parquet*", &["wk-store"]),
    ("sqlparser*", &["wk-store"]),
    ("object_store", &["wk-store"]),
    ("rusqlite", &["wk-store"]),
    ("libsqlite3-sys", &["wk-store"]),
    ("tokio-postgres", &["wk-store"]),
    ("sqlx*", &["wk-store"]),
    ("ring", &["wk-store", "wk-courier"]),
    ("axum*", &["watchkeeper"]),
    ("reqwest", &["wk-aws", "wk-courier"]),
    ("lettre", &["wk-courier"]),
    ("aws-*", &["wk-aws"]),
    ("tokio*", &["wk-engine", "wk-aws", "wk-courier", "wk-store", "watchkeeper"]),
];

/// Sources fill column builders, so columns are known from the seams up.
const COLUMNS: &[&str] =
    &["wk-seam", "wk-watch", "wk-act", "wk-engine", "wk-aws", "wk-store", "watchkeeper"];

pub(super) fn between_ours(house: &House) -> anyhow::Result<Vec<Complaint>> {
    Ok(house.members()?.iter().flat_map(wrong_arrows).collect())
}

pub(super) fn to_the_outside(house: &House) -> anyhow::Result<Vec<Complaint>> {
    Ok(house.members()?.iter().flat_map(strays).collect())
}

fn wrong_arrows(member: &Member) -> Vec<Complaint> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let Some(floor) = FLOORS.iter().find(|floor| floor.name == member.name) else {
        let say = "this crate stands on no floor; give it a row in xtask/src/tidy/arrows.rs";
        return vec![Complaint::new(&manifest, 0, say)];
    };
    let mut complaints = Vec::new();
    for need in &member.needs {
        let name = need.name.as_str();
        let ours = FLOORS.iter().any(|floor| floor.name == name);
        let allowed = floor.needs.contains(&name) || (need.dev && floor.tests_need.contains(&name));
        if ours && !allowed {
            let whose = if need.dev { "the tests of " } else { "" };
            let say = format!("{whose}{} may not need {name}; see CONTRIBUTING.md", member.name);
            complaints.push(Complaint::new(&manifest, need.line, say));
        }
    }
    complaints
}

fn strays(member: &Member) -> Vec<Complaint> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let mut complaints = Vec::new();
    for need in &member.needs {
        let row = CONFINED.iter().find(|(pattern, _)| fits(pattern, &need.name));
        if let Some((_, allowed)) = row
            && !allowed.contains(&member.name.as_str())
        {
            let say = format!("{} is confined to {}", need.name, allowed.join(", "));
            complaints.push(Complaint::new(&manifest, need.line, say));
        }
    }
    complaints
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::super::house::Need;
    use super::*;

    /// `needs` are names; `(dev)` after a name makes it one of the tests only.
    fn member(name: &str, needs: &str) -> Member {
        let need = |word: &str| Need {
            name: word.trim_end_matches("(dev)").to_owned(),
            dev: word.ends_with("(dev)"),
            line: 1,
        };
        Member {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            needs: needs.split_whitespace().map(need).collect(),
        }
    }

    fn said(complaints: &[Complaint]) -> Vec<&str> {
        complaints.iter().map(|complaint| complaint.say.as_str()).collect()
    }

    #[test]
    fn every_arrow_in_the_tree_is_allowed() {
        super::super::passes(between_ours);
        super::super::passes(to_the_outside);
    }

    #[test]
    fn watch_and_case_do_not_know_each_other() {
        let wrong = wrong_arrows(&member("wk-watch", "wk-model wk-case serde"));
        assert_eq!(said(&wrong), ["wk-watch may not need wk-case; see CONTRIBUTING.md"]);
    }

    #[test]
    fn what_tests_may_need_the_crate_may_not() {
        assert_eq!(wrong_arrows(&member("wk-watch", "wk-sim(dev)")), []);
        assert_eq!(wrong_arrows(&member("wk-watch", "wk-sim")).len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_is_reported() {
        assert_eq!(wrong_arrows(&member("wk-new", "")).len(), 1);
    }

    #[test]
    fn columns_are_open_to_sources_and_arrow_compute_is_not() {
        let wrong = strays(&member("wk-watch", "arrow-array arrow-select tokio(dev) memchr"));
        let expected = [
            "arrow-select is confined to wk-store",
            "tokio is confined to wk-engine, wk-aws, wk-courier, wk-store, watchkeeper",
        ];
        assert_eq!(said(&wrong), expected);
        assert_eq!(strays(&member("wk-store", "arrow-select datafusion ring tokio")), []);
    }
}
