//! docs/requirements.md: 400 promises, each once and in order, each shown by a test that exists or
//! owned by a part that is still to come.

use std::collections::BTreeSet;

use super::Complaint;
use super::house::House;

const PAGE: &str = "docs/requirements.md";
const PROMISES: usize = 400;

pub(super) fn check(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let sources = house.files.iter().filter(|file| file.path.ends_with(".rs"));
    let functions = functions_in(sources.map(|file| file.text.as_str()));
    let files: BTreeSet<&str> = house.files.iter().map(|file| file.path.as_str()).collect();
    Ok(rows(house.text(PAGE)?, PROMISES, &functions, &files))
}

fn rows(
    page: &str,
    promises: usize,
    functions: &BTreeSet<&str>,
    files: &BTreeSet<&str>,
) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut last = 0;
    for (index, line) in page.lines().enumerate() {
        if !line.starts_with("| R-") {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (id, shown_by) = (cells[0], cells.get(2).copied().unwrap_or_default());
        let expected = format!("R-{:03}", last + 1);
        if id != expected {
            let say = format!("{id} stands where {expected} should; each number once, in order");
            complaints.push(Complaint::new(PAGE, index + 1, say));
        }
        let number = id.strip_prefix("R-").and_then(|digits| digits.parse().ok());
        last = number.unwrap_or(last + 1);
        for say in orphans(shown_by, functions, files) {
            complaints.push(Complaint::new(PAGE, index + 1, format!("{id}: {say}")));
        }
    }
    if last != promises {
        let say = format!("the last promise is R-{last:03}; there are {promises}");
        complaints.push(Complaint::new(PAGE, 0, say));
    }
    complaints
}

/// What is wrong with a cell of the last column: names in backticks, or `part N`, or `later`,
/// with commas or semicolons between them.
fn orphans(cell: &str, functions: &BTreeSet<&str>, files: &BTreeSet<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, piece) in cell.split('`').enumerate() {
        let is_name = index % 2 == 1;
        if is_name && !exists(piece, functions, files) {
            wrong.push(format!("no test or command is called `{piece}`"));
        } else if !is_name {
            let words = piece.split([',', ';']).map(str::trim).filter(|word| !word.is_empty());
            let unknown = words.filter(|word| !is_plan(word));
            wrong.extend(unknown.map(|word| {
                format!("\"{word}\" is neither a name in backticks nor `part N` nor `later`")
            }));
        }
    }
    if cell.is_empty() {
        wrong.push("the column \"shown by\" is empty".to_owned());
    }
    wrong
}

fn is_plan(word: &str) -> bool {
    let number = word.strip_prefix("part ").map(str::parse::<u8>);
    word == "later" || number.is_some_and(|number| number.is_ok())
}

/// A test as `path::to::name` or `crate: name`; a command as a script, a `cargo xtask` or a
/// sentence to the program.
fn exists(name: &str, functions: &BTreeSet<&str>, files: &BTreeSet<&str>) -> bool {
    let mut words = name.split(' ');
    match (words.next().unwrap_or_default(), words.next()) {
        ("watchkeeper", Some(_)) | ("cargo", Some("xtask")) => true,
        (script, _) if script.starts_with("scripts/") => files.contains(script),
        _ => {
            let function = name.rsplit([':', ' ']).next().unwrap_or_default();
            functions.contains(function)
        }
    }
}

/// The name of every function in the given sources.
fn functions_in<'a>(sources: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for source in sources {
        for line in source.lines() {
            let Some((before, after)) = line.split_once("fn ") else { continue };
            let is_word = before.is_empty() || before.ends_with(' ');
            let end = after.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if let (true, Some(end)) = (is_word && !before.contains("//"), end) {
                names.insert(after.split_at(end).0);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(page: &str) -> Vec<String> {
        let source = "#[test]\nfn a_root_login_is_found() {}\n// fn not_a_function() {}\n";
        let functions = functions_in([source].into_iter());
        let files = BTreeSet::from(["scripts/demo"]);
        rows(page, 3, &functions, &files).iter().map(Complaint::to_string).collect()
    }

    #[test]
    fn every_promise_is_listed_once_and_shown_or_owned() {
        super::super::passes(check);
    }

    #[test]
    fn tests_commands_and_parts_are_accepted() {
        let page = "| R-001 | a | `wk_watch::root::a_root_login_is_found`, part 3 |\n\
                    | R-002 | b | `wk-watch: a_root_login_is_found`; later |\n\
                    | R-003 | c | `scripts/demo`, `cargo xtask test`, `watchkeeper demo` |\n";
        assert_eq!(complaints(page), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_no_test_has_is_an_orphan() {
        let page = "| R-001 | a | `not_a_function` |\n| R-002 | b | |\n| R-003 | c | soon |\n";
        let expected = [
            "docs/requirements.md:1: R-001: no test or command is called `not_a_function`",
            "docs/requirements.md:2: R-002: the column \"shown by\" is empty",
            "docs/requirements.md:3: R-003: \"soon\" is neither a name in backticks nor `part N` \
             nor `later`",
        ];
        assert_eq!(complaints(page), expected);
    }

    #[test]
    fn a_missing_and_a_repeated_number_are_reported() {
        let missing = complaints("| R-001 | a | later |\n| R-003 | c | later |\n");
        assert_eq!(missing.len(), 1, "{missing:?}");
        let repeated = complaints(
            "| R-001 | a | later |\n| R-001 | a | later |\n| R-002 | b | later |\n\
             | R-003 | c | later |\n",
        );
        assert_eq!(repeated.len(), 1, "{repeated:?}");
        assert_eq!(complaints("| R-001 | a | later |\n").len(), 1);
    }
}
