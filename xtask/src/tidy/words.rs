//! What may stand in a text, and where: blanks, markers, paths of a machine, words of other floors.

use super::Complaint;
use super::house::{House, Text};

/// A word that has no place in Rust sources, cut in two so that this file does not hold it.
const NOT_IN_RUST: &[(&str, &str)] = &[
    (concat!("#[ign", "ore"), "a test that is not run proves nothing; mend it or remove it"),
    (concat!("to", "do!("), "finish it or take it out"),
    (concat!("unimpl", "emented!("), "finish it or take it out"),
    (concat!("db", "g!("), "take it out"),
];

/// Beginnings of paths that exist on one machine only. Records of systems and rules about them
/// may hold the home of a user of their own.
const PATHS: &[(&str, &[&str])] = &[
    (concat!("/wo", "rk/"), &[]),
    (concat!("/ro", "ot/"), &["fixtures/", "rules/"]),
    (concat!("/ho", "me/"), &["fixtures/", "rules/"]),
];

/// Words that some crates never name, outside their tests.
struct Floor {
    crates: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const FLOORS: &[Floor] = &[
    Floor {
        crates: &["wk-watch", "wk-case"],
        words: &["WriteCall", "AwsWrite"],
        why: "only wk-act names a change to AWS",
    },
    Floor {
        crates: &["wk-model", "wk-lang", "wk-watch", "wk-act", "wk-case"],
        words: &["std::fs", "std::net", "std::process"],
        why: "this crate is pure; the caller brings bytes",
    },
];

pub(super) fn texts(house: &House) -> anyhow::Result<Vec<Complaint>> {
    Ok(house.files.iter().flat_map(text).collect())
}

pub(super) fn floors(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let sources = house.files.iter().filter(|file| file.path.ends_with(".rs"));
    Ok(sources.flat_map(floor).collect())
}

/// The first line of every crate says what it is.
pub(super) fn openings(house: &House) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for member in house.members()? {
        let roots = ["lib.rs", "main.rs"].map(|name| format!("{}/src/{name}", member.folder));
        for file in house.files.iter().filter(|file| roots.contains(&file.path)) {
            if !file.text.starts_with("//!") {
                let say = "open with a `//!` that says what this crate promises";
                complaints.push(Complaint::new(&file.path, 1, say));
            }
        }
    }
    Ok(complaints)
}

fn text(file: &Text) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut say = |line: usize, what: &str| {
        complaints.push(Complaint::new(&file.path, line, what));
    };
    // A fixture may be a record as it came, with whatever blanks it had.
    let as_it_came = file.path.starts_with("fixtures/");
    let is_rust = file.path.ends_with(".rs");
    for (index, line) in file.text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) && !as_it_came {
            say(index + 1, "remove the blanks at the end of the line");
        }
        for (word, what) in NOT_IN_RUST.iter().filter(|(word, _)| is_rust && line.contains(word)) {
            say(index + 1, &format!("`{}`: {what}", word.escape_debug()));
        }
        for (path, except) in PATHS {
            if holds_path(line, path) && !except.iter().any(|start| file.path.starts_with(start)) {
                say(index + 1, &format!("a path below {path} exists on one machine only"));
            }
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') && !as_it_came {
        say(file.text.lines().count(), "end the file with a new line");
    }
    complaints
}

/// Whether `line` holds `path` as the beginning of an absolute path, not the middle of another.
fn holds_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-~*})".contains(letter))
    })
}

fn floor(file: &Text) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let home = file.path.strip_prefix("crates/").and_then(|path| path.split_once("/src/"));
    let Some((home, _)) = home else { return complaints };
    for rule in FLOORS.iter().filter(|rule| rule.crates.contains(&home)) {
        // Tests come last in a file, and may read what they like.
        let code = file.text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
        for (index, line) in code.enumerate() {
            for word in rule.words.iter().filter(|word| names(line, word)) {
                let say = format!("`{word}` has no place in {home}: {}", rule.why);
                complaints.push(Complaint::new(&file.path, index + 1, say));
            }
        }
    }
    complaints
}

/// Whether `text` holds `word` as a whole word.
pub(super) fn names(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Text {
        Text { path: path.to_owned(), text: text.to_owned() }
    }

    fn lines(complaints: &[Complaint]) -> String {
        let lines: Vec<String> = complaints.iter().map(|one| one.line.to_string()).collect();
        lines.join(" ")
    }

    #[test]
    fn every_text_is_clean() {
        super::super::passes(texts);
    }

    #[test]
    fn every_word_is_on_its_floor() {
        super::super::passes(floors);
    }

    #[test]
    fn every_crate_opens_with_its_promise() {
        super::super::passes(openings);
    }

    #[test]
    fn blanks_at_the_end_and_a_missing_last_line_are_reported() {
        assert_eq!(lines(&text(&file("a.md", "a \nb\r\nc"))), "1 2 3");
        assert_eq!(lines(&text(&file("fixtures/a.log", "a \nb"))), "");
    }

    #[test]
    fn markers_are_reported_in_rust_only() {
        let markers: String = NOT_IN_RUST.iter().map(|(word, _)| format!("x {word} y\n")).collect();
        assert_eq!(lines(&text(&file("a.rs", &markers))), "1 2 3 4");
        assert_eq!(lines(&text(&file("a.md", &markers))), "");
    }

    #[test]
    fn a_path_of_one_machine_is_reported_and_a_longer_path_is_not() {
        let home = PATHS[2].0;
        assert_eq!(lines(&text(&file("a.md", &format!("see {home}x\n")))), "1");
        assert_eq!(lines(&text(&file("a.md", &format!("a{home}x ..{home}x\n")))), "");
        assert_eq!(lines(&text(&file("rules/a.yml", &format!("a: {home}x\n")))), "");
    }

    #[test]
    fn watch_never_names_a_write_and_its_tests_may_read_files() {
        let source = "use wk_seam::AwsWrite;\nlet a = MyWriteCall;\n#[cfg(test)]\nuse std::fs;\n";
        assert_eq!(lines(&floor(&file("crates/wk-watch/src/a.rs", source))), "1");
        assert_eq!(lines(&floor(&file("crates/wk-act/src/a.rs", source))), "");
    }
}
