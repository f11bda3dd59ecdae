//! `cargo xtask fuzz [TARGET] [--seconds N] [--data FOLDER]`: parsers against any bytes.
//!
//! * Runs every target, or one, for N seconds (180) on stable Rust; never a part of the tests.
//! * Begins with the seeds that are committed and, where named, the files of a folder; what it
//!   finds interesting it keeps in `fuzz/corpus`, what breaks a promise in `fuzz/artifacts`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cargo;
use crate::tidy::house::House;

/// A fuzz target and what it begins with.
struct Target {
    name: &'static str,
    /// The package that it is built in.
    folder: &'static str,
    /// Seeds, by the beginning of their path.
    seeds: &'static [&'static str],
    /// What stands before each seed: the bytes that say how it is to be read.
    before: &'static [&'static str],
    dictionaries: &'static [&'static str],
    /// Longest input, in bytes.
    longest: usize,
}

/// The targets that need a decoder of Parquet, or stand beside them.
const ALL: &str = "fuzz";
/// Those that are built in minutes.
const LIGHT: &str = "fuzz/light";
const OBJECTS: &[&str] = &["fuzz/seeds/objects/"];

const TARGETS: &[Target] = &[
    Target {
        name: "event_pattern",
        folder: ALL,
        seeds: &["fuzz/seeds/patterns/"],
        before: &[""],
        dictionaries: &["patterns", "json"],
        longest: 2048,
    },
    Target {
        name: "insights",
        folder: ALL,
        seeds: &["fuzz/seeds/queries/"],
        before: &[""],
        dictionaries: &["insights"],
        longest: 2048,
    },
    Target {
        name: "json_tape",
        folder: ALL,
        seeds: OBJECTS,
        before: &[""],
        dictionaries: &["json"],
        longest: 2048,
    },
    Target {
        name: "json_splitter",
        folder: ALL,
        seeds: OBJECTS,
        before: &["00"],
        dictionaries: &["json"],
        longest: 1024,
    },
    Target {
        name: "sigma_rules",
        folder: ALL,
        seeds: &["fuzz/seeds/rules/", "rules/account/", "rules/ec2/", "rules/cloudtrail/"],
        before: &[""],
        dictionaries: &["sigma"],
        longest: 3000,
    },
    Target {
        name: "sigma_match",
        folder: ALL,
        seeds: OBJECTS,
        before: &[""],
        dictionaries: &["json"],
        longest: 2048,
    },
    Target {
        name: "reader_auto",
        folder: ALL,
        seeds: OBJECTS,
        before: &["000", "511"],
        dictionaries: &["json", "logs"],
        longest: 4096,
    },
    Target {
        name: "reader_forced",
        folder: ALL,
        seeds: OBJECTS,
        before: &[
            "A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1", "I1", "J1", "K1", "L1", "M1", "N1",
            "O1", "P1", "Q1", "R1", "S1", "T1", "U1",
        ],
        dictionaries: &["json", "logs"],
        longest: 4096,
    },
    Target {
        name: "timestamps",
        folder: ALL,
        seeds: &["fuzz/seeds/times/"],
        before: &[""],
        dictionaries: &["times"],
        longest: 64,
    },
    Target {
        name: "gzip_inflate",
        folder: ALL,
        seeds: OBJECTS,
        before: &["2"],
        dictionaries: &["packed"],
        longest: 2048,
    },
    Target {
        name: "unpack_object",
        folder: ALL,
        seeds: OBJECTS,
        // Each of the eight files as it is, with two bytes of its end changed, and no file of ours.
        before: &["\0", "\u{1}", "\u{2}", "\u{3}", "\u{4}", "\u{5}", "\u{6}", "\u{7}", "x"],
        dictionaries: &["packed"],
        longest: 2048,
    },
    Target {
        name: "sql_text",
        folder: ALL,
        seeds: &["fuzz/seeds/sql/"],
        before: &["\0\0\0\0", "\0\u{7}\u{40}\u{3}", "\u{20}\u{10}\u{7f}\u{5}"],
        dictionaries: &["sql"],
        longest: 1024,
    },
    Target {
        name: "queue_messages",
        folder: LIGHT,
        seeds: &["fuzz/seeds/messages/"],
        before: &[""],
        dictionaries: &["messages", "json"],
        longest: 2048,
    },
    Target {
        name: "otlp_body",
        folder: LIGHT,
        seeds: &["fuzz/seeds/otlp/"],
        // As JSON, and as protobuf with the byte at this place changed.
        before: &["0", "2\0\0\n", "2\u{9}\0\u{7f}"],
        dictionaries: &["messages", "json"],
        longest: 2048,
    },
    Target {
        name: "aws_xml",
        folder: LIGHT,
        seeds: &["fuzz/seeds/xml/"],
        before: &[""],
        dictionaries: &["xml"],
        longest: 2048,
    },
];

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    target: Option<String>,
    seconds: u64,
    data: Option<PathBuf>,
}

pub(crate) fn run(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    let asked = Asked::read(std::env::args().skip(2))?;
    let targets: Vec<&Target> = TARGETS.iter().filter(|t| asked.wants(t)).collect();
    anyhow::ensure!(!targets.is_empty(), "no such target; there are {}", names(TARGETS.iter()));
    anyhow::ensure!(
        cargo::succeeds(&house.root.join(ALL), &["fuzz", "--version"]),
        "needs cargo-fuzz: `cargo install cargo-fuzz --locked`, and a C++ compiler; no nightly Rust"
    );
    let data = asked.data.as_deref().map(files_below).transpose()?.unwrap_or_default();
    let mut failed = Vec::new();
    for target in targets {
        let fuzz = house.root.join(target.folder);
        target.sow(house, &fuzz, &data)?;
        if let Err(error) = target.run(&fuzz, asked.seconds, out) {
            writeln!(out, "xtask fuzz: {error:#}")?;
            failed.push(target);
        }
    }
    let failed = names(failed.into_iter());
    anyhow::ensure!(
        failed.is_empty(),
        "failed: {failed}; the inputs are in artifacts/ beside their targets"
    );
    Ok(())
}

fn names<'t>(targets: impl Iterator<Item = &'t Target>) -> String {
    targets.map(|target| target.name).collect::<Vec<_>>().join(", ")
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut asked = Self { target: None, seconds: 180, data: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--seconds" => asked.seconds = value()?.parse().context("--seconds is a number")?,
                "--data" => asked.data = Some(std::path::absolute(value()?)?),
                _ => asked.target = Some(word),
            }
        }
        Ok(asked)
    }

    fn wants(&self, target: &Target) -> bool {
        self.target.as_deref().is_none_or(|name| name == target.name)
    }
}

impl Target {
    /// Writes the seeds into the target's corpus, and its dictionary beside it.
    fn sow(&self, house: &House, fuzz: &Path, data: &[PathBuf]) -> anyhow::Result<()> {
        let corpus = fuzz.join("corpus").join(self.name);
        std::fs::create_dir_all(&corpus)?;
        let is_seed = |path: &str| self.seeds.iter().any(|start| path.starts_with(start));
        let own = house.files.iter().filter(|file| is_seed(&file.path));
        let mut seeds: Vec<Vec<u8>> = own.map(|file| file.text.clone().into_bytes()).collect();
        for path in data.iter().filter(|_| self.seeds == OBJECTS) {
            seeds.push(std::fs::read(path)?);
        }
        for (place, seed) in seeds.iter().enumerate() {
            for (which, before) in self.before.iter().enumerate() {
                let mut bytes = [before.as_bytes(), seed].concat();
                bytes.truncate(self.longest);
                std::fs::write(corpus.join(format!("seed-{place}-{which}")), bytes)?;
            }
        }
        let mut words = String::new();
        for name in self.dictionaries {
            writeln!(words, "{}", house.text(&format!("fuzz/dictionaries/{name}.dict"))?)?;
        }
        std::fs::write(corpus.with_extension("dict"), words).context("the dictionary")
    }

    fn run(&self, fuzz: &Path, seconds: u64, out: &mut dyn Write) -> anyhow::Result<()> {
        let flags = [
            format!("-max_total_time={seconds}"),
            format!("-max_len={}", self.longest),
            format!("-dict=corpus/{}.dict", self.name),
            "-timeout=10".to_owned(),
            "-rss_limit_mb=2048".to_owned(),
        ];
        // Its counters need flags of the compiler that stable Rust has, but hides.
        let stable = [("RUSTC_BOOTSTRAP", "1")];
        let mut args =
            vec!["fuzz", "run", "--fuzz-dir", ".", "--sanitizer", "none", self.name, "--"];
        args.extend(flags.iter().map(String::as_str));
        cargo::run_with(fuzz, &stable, &args, out)
    }
}

/// The files below a folder, the small ones first, as many as are worth a beginning.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    const MOST: usize = 300;
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let facts = entry.metadata()?;
            if facts.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((facts.len(), entry.path()));
            }
        }
    }
    found.sort();
    found.truncate(MOST);
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_of_the_manifest_is_run() {
        let house = House::open().unwrap();
        let manifest = |folder| house.text(&format!("{folder}/Cargo.toml")).unwrap();
        let built = [ALL, LIGHT].map(manifest).concat();
        let built = built.lines().filter(|line| line.starts_with("path = \"targets/")).count();
        assert_eq!(built, TARGETS.len());
        for target in TARGETS {
            let manifest = manifest(target.folder);
            assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
            for start in target.seeds {
                assert!(house.files.iter().any(|file| file.path.starts_with(start)), "{start}");
            }
        }
    }

    #[test]
    fn the_command_line_names_a_target_and_a_time() {
        let read = |words: &[&str]| Asked::read(words.iter().map(|word| (*word).to_owned()));
        let all = Asked { target: None, seconds: 180, data: None };
        assert_eq!(read(&[]).unwrap(), all);
        let one = Asked { target: Some("json_tape".to_owned()), seconds: 5, data: None };
        assert_eq!(read(&["json_tape", "--seconds", "5"]).unwrap(), one);
        assert!(read(&["--seconds"]).is_err() && read(&["--seconds", "x"]).is_err());
    }
}
