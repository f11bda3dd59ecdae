//! Killed at any moment, or three at once: nothing is lost and nothing is there twice.

use std::path::PathBuf;
use std::process::Child;
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use crate::corpus::{Corpus, moved_copy};
use crate::program::{Home, Seen, ended};

/// How often a process is killed.
const KILLS: u32 = 80;
/// How many homes are filled; each is compared.
const HOMES: u32 = 3;

/// A small generator: the same seed kills at the same moments of a run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

/// What ingests that nobody disturbs make of the corpus, and how long one slice takes.
struct Reference {
    corpus: Corpus,
    seen: Seen,
    took: Duration,
}

/// In how many ingests the corpus is read.
const SLICES: usize = 8;

impl Reference {
    /// The files of each ingest.
    fn slices(&self) -> impl Iterator<Item = &[PathBuf]> {
        self.corpus.files.chunks(self.corpus.files.len().div_ceil(SLICES))
    }
}

fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let (corpus, home) = (Corpus::write(), Home::new());
        let begun = now();
        let (code, report) = home.ingest([corpus.path()]);
        let took = begun.elapsed() / u32::try_from(SLICES).unwrap();
        assert_eq!((code, &report["adds_up"]), (0, &true.into()), "{report:#}");
        let seen = home.seen();
        let findings = seen.findings.as_array().unwrap().len();
        eprintln!("{} files, {} events, {findings} findings", corpus.files.len(), seen.events);
        assert!(seen.events > 1000 && findings > 0);
        Reference { corpus, seen, took }
    })
}

#[expect(clippy::disallowed_methods, reason = "moments of a kill are parts of a run's length")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Lets the child live so long; answers whether it was killed.
fn kill_after(child: &mut Child, life: Duration) -> bool {
    let (_keep, never) = mpsc::channel::<()>();
    assert!(never.recv_timeout(life).is_err());
    let alive = child.try_wait().unwrap().is_none();
    if alive {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    alive
}

fn finish(child: Child) {
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

/// Reads files until it is done, killed again and again as long as kills are left.
fn read_in_spite_of_kills(
    home: &Home,
    files: &[PathBuf],
    life: &mut dyn FnMut() -> Option<Duration>,
) {
    loop {
        let mut child = home.start_ingest(files);
        match life() {
            Some(life) if kill_after(&mut child, life) => {}
            _ => return finish(child),
        }
    }
}

#[test]
fn slow_a_killed_ingest_loses_and_doubles_nothing() {
    let reference = reference();
    let seed = u64::from(std::process::id());
    eprintln!("seed {seed}");
    let (mut chance, mut kills, mut homes) = (Chance(seed), 0, 0);
    let whole = u64::try_from(reference.took.as_micros()).unwrap();
    // Up to twice as long as it takes undisturbed: the commit comes last.
    let mut life = || {
        kills += 1;
        (kills <= KILLS).then(|| Duration::from_micros(chance.below(whole * 2)))
    };
    while homes < HOMES {
        let home = Home::new();
        for files in reference.slices() {
            read_in_spite_of_kills(&home, files, &mut life);
        }
        assert_eq!(home.seen(), reference.seen, "seed {seed}, home {homes}");
        homes += 1;
    }
    assert!(kills > KILLS, "{kills} kills were tried");
}

#[test]
fn crash_ingests_side_by_side_are_as_good_as_one() {
    let Reference { corpus, seen, took } = reference();
    let most = *took * u32::try_from(SLICES).unwrap() * 3 / 4;
    for (number, killed) in [(2, false), (3, false), (2, true), (3, true)] {
        let home = Home::new();
        let mut children: Vec<Child> =
            (0..number).map(|_| home.start_ingest(&[corpus.path()])).collect();
        if killed {
            let mut first = children.remove(0);
            kill_after(&mut first, most);
        }
        children.into_iter().for_each(finish);
        assert_eq!(&home.seen(), seen, "{number} at once, one killed: {killed}");
    }
}

#[test]
fn slow_a_second_ingest_and_a_moved_copy_bring_nothing_new() {
    let Reference { corpus, seen, .. } = reference();
    let (home, copies) = (Home::new(), tempfile::tempdir().unwrap());
    moved_copy(&corpus.files, copies.path());
    let (first, _) = home.ingest([corpus.path()]);
    for place in [corpus.path(), copies.path().to_path_buf()] {
        let (code, report) = home.ingest([place]);
        let objects = &report["objects"];
        assert_eq!((first, code, &objects["read"]), (0, 0, &0.into()), "{report:#}");
        assert_eq!(objects["skipped"], corpus.files.len());
        assert_eq!(report["commits"], 0);
    }
    assert_eq!(&home.seen(), seen);
}
