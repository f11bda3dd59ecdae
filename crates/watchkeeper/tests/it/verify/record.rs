//! The record, held against what lies outside, and checked by code that is not ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::program::{Ended, Home, ended};
use crate::s3::{Moto, as_reader, python};

/// A home with several commits, and a place outside.
struct World {
    home: Home,
    corpus: Corpus,
    outside: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            home: Home::new(),
            corpus: Corpus::some(60),
            outside: tempfile::tempdir().unwrap(),
        };
        world.ingest(0..20);
        world.ingest(20..40);
        world
    }

    fn ingest(&self, files: std::ops::Range<usize>) {
        assert_eq!(self.home.ingest(&self.corpus.files[files]).0, 0);
    }

    fn place(&self) -> String {
        self.outside.path().display().to_string()
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.home.run(args)
    }

    fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}{}", ended.out, ended.err);
        ended.out
    }

    /// Checks what was published, and perhaps a proof, with a program of its own.
    fn read_log(&self, python: &Path, proof: Option<(&Path, &str)>) -> (bool, String) {
        let mut command = Command::new(python);
        command.args(["-c", include_str!("read_log.py")]).arg(self.outside.path());
        if let Some((path, line)) = proof {
            command.arg(path).arg(line);
        }
        let ended = ended(command.output().unwrap());
        assert!(ended.err.is_empty(), "{}", ended.err);
        (ended.code == Some(0), ended.out.trim().to_owned())
    }

    /// A file of the lake: its path there, and where it lies.
    fn file(&self) -> (String, PathBuf) {
        let folder = self.home.path().join("lake");
        let mut waiting = vec![folder.join("data")];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            } else {
                let name = path.strip_prefix(&folder).unwrap().display().to_string();
                return (name, path);
            }
        }
        panic!("the lake holds no file");
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn slow_a_published_log_is_verified_by_code_that_is_not_ours() {
    let Some(python) = python() else { return };
    let world = World::new();
    world.ok(&["anchor", &world.place(), "--tiles"]);
    let leaves = |world: &World| {
        let told: Value = serde_json::from_str(&world.ok(&["verify", "record", "--json"])).unwrap();
        told["leaves"].to_string()
    };
    assert_eq!(world.read_log(&python, None), (true, leaves(&world)));
    // The log grows; what was full stays, and all of it is verified again.
    world.ingest(40..60);
    world.ok(&["anchor", &world.place(), "--tiles"]);
    assert_eq!(world.read_log(&python, None), (true, leaves(&world)));
    // One bit, in leaves and in hashes.
    let size: usize = leaves(&world).parse().unwrap();
    let (full, rest) = (size / 256, size % 256);
    for level in ["entries", "0"] {
        let tile = world.outside.path().join(format!("tile/{level}/{full:03}.p/{rest}"));
        let kept = fs::read(&tile).unwrap();
        flip(&tile);
        let (good, said) = world.read_log(&python, None);
        assert!(!good && said.starts_with("wrong: tile/0/"), "{said}");
        fs::write(&tile, kept).unwrap();
    }
    let tile = world.outside.path().join(format!("tile/0/{full:03}.p/{rest}"));
    fs::remove_file(&tile).unwrap();
    let (_, said) = world.read_log(&python, None);
    assert!(said.contains("is not there"), "{said}");
}

#[test]
fn slow_a_file_of_the_lake_is_proved_to_be_in_the_record() {
    let Some(python) = python() else { return };
    let world = World::new();
    world.ok(&["anchor", &world.place(), "--tiles"]);
    let (name, path) = world.file();
    let proof = world.outside.path().join("proof");
    let out = proof.display().to_string();
    let told: Value =
        serde_json::from_str(&world.ok(&["prove", &name, "--json", "--out", &out])).unwrap();
    let line = told["proof"]["leaf"].as_str().unwrap();
    assert_eq!((&told["as_recorded"], &told["deleted"]), (&true.into(), &false.into()));
    assert!(world.read_log(&python, Some((&proof, line))).0);
    let other = told["proof"]["index"].as_u64().unwrap().to_string();
    let text = fs::read_to_string(&proof).unwrap();
    fs::write(&proof, text.replace(&format!("index {other}\n"), "index 0\n")).unwrap();
    let (good, said) = world.read_log(&python, Some((&proof, line)));
    assert!(!good, "{said}");
    // A copy elsewhere is known by its content; a changed one is not.
    let copy = world.outside.path().join("copy.parquet");
    fs::copy(&path, &copy).unwrap();
    let copied = copy.display().to_string();
    assert!(world.ok(&["prove", &copied]).contains("what was recorded"));
    flip(&copy);
    assert_eq!(world.run(&["prove", &copied]).code, Some(1));
    flip(&path);
    let ended = world.run(&["prove", &name]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.out.contains("wrong: its content is"), "{}", ended.out);
}

#[test]
fn slow_who_rewrites_and_signs_everything_anew_is_caught_by_the_anchor() {
    let world = World::new();
    let place = world.place();
    let anchored = ["verify", "record", "--anchor", &place];
    assert_eq!(world.run(&anchored).code, Some(4), "nothing is anchored yet");
    world.ok(&["anchor", &place]);
    assert!(world.ok(&anchored).contains("log: consistent, anchored:"));
    world.ingest(40..50);
    let told = world.ok(&anchored);
    assert!(told.contains("newer ones are not"), "{told}");
    assert!(world.ok(&["verify", "record"]).contains("consistent, not anchored"));
    let note = fs::read_dir(world.outside.path().join("anchors")).unwrap().next().unwrap();
    let note = note.unwrap().path().display().to_string();
    assert!(world.ok(&["consistency", &note]).contains("consistent: the first"));
    // The operator holds the key, and makes another history of as many files.
    let rewritten = Home::new();
    fs::create_dir_all(rewritten.path()).unwrap();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(world.home.path().join("keys"))
        .arg(rewritten.path())
        .status();
    assert!(copied.unwrap().success());
    for files in [5..25, 25..45, 45..60] {
        assert_eq!(rewritten.ingest(&world.corpus.files[files]).0, 0);
    }
    let alone = rewritten.run(["verify"]);
    assert_eq!(alone.code, Some(0), "alone it is consistent: {}", alone.out);
    let ended = rewritten.run(anchored);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("the log was rewritten"), "{}", ended.out);
    let ended = rewritten.run(["consistency", &note]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("rewritten"), "{}", ended.out);
    // One that was cut off, under a key of its own, is no better.
    let short = Home::new();
    assert_eq!(short.ingest(&world.corpus.files[..1]).0, 0);
    let ended = short.run(anchored);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("cut off"), "{}", ended.out);
}

#[test]
fn moto_a_bucket_with_object_lock_takes_anchors_and_is_compared() {
    let Some(moto) = Moto::start() else { return };
    let world = World::new();
    let code = "
s3 = boto3.client('s3', endpoint_url=endpoint, **{**keys, 'region_name': 'us-east-1'})
s3.create_bucket(Bucket='anchors', ObjectLockEnabledForBucket=True)
rule = {'DefaultRetention': {'Mode': 'COMPLIANCE', 'Days': 3650}}
s3.put_object_lock_configuration(Bucket='anchors', ObjectLockConfiguration={'ObjectLockEnabled': 'Enabled', 'Rule': rule})
";
    moto.do_in_python(code, &[]);
    let run = |args: &[&str]| ended(as_reader(&world.home, &moto.endpoint, args).output().unwrap());
    let place = ["s3://anchors/log", "--profile", "reader"];
    let done = run(&[&["anchor", "--tiles"], &place[..]].concat());
    assert_eq!(done.code, Some(0), "{}", done.err);
    let again = run(&[&["anchor"], &place[..]].concat());
    assert!(again.out.contains("anchored before"), "{}{}", again.out, again.err);
    let verified = run(&[&["verify", "record", "--anchor"], &place[..]].concat());
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    assert!(verified.out.contains("consistent, anchored"), "{}", verified.out);
    let code = "
versions = s3.list_object_versions(Bucket='anchors', Prefix='log/anchors/')['Versions']
try:
    s3.delete_object(Bucket='anchors', Key=versions[0]['Key'], VersionId=versions[0]['VersionId'])
    print('deleted')
except s3.exceptions.ClientError as error:
    print(error.response['Error']['Code'])
";
    assert_eq!(moto.do_in_python(code, &[]).trim(), "AccessDenied");
}

#[test]
fn slow_what_was_deleted_is_told_with_who_authorised_it() {
    let world = World::new();
    let people = ["--authorised-by", "ann", "--second-person", "ben", "--apply"];
    let erase = ["lake", "erase", "--subject", "111122223333", "--request", "T-1"];
    world.ok(&[&erase[..], &people].concat());
    let told = world.ok(&["verify", "record"]);
    assert!(told.contains("request T-1, authorised by ann and ben"), "{told}");
    assert!(told.contains("lawfully deleted"), "{told}");
}

/// Where Go is, the environment says, with a GOPATH in which golang.org/x/mod lies.
#[expect(clippy::disallowed_methods, reason = "where the tests' Go is, the environment says")]
fn go() -> Option<PathBuf> {
    let go = std::env::var_os("WATCHKEEPER_TEST_GO").map(PathBuf::from);
    if go.is_none() {
        eprintln!("skipped: WATCHKEEPER_TEST_GO names no Go with golang.org/x/mod in its GOPATH");
    }
    go
}

#[test]
fn slow_a_published_log_is_verified_by_the_packages_of_go() {
    let Some(go) = go() else { return };
    let world = World::new();
    let place = world.place();
    world.ok(&["anchor", &place, "--tiles"]);
    let old = world.outside.path().join("old");
    fs::copy(world.outside.path().join("checkpoint"), &old).unwrap();
    world.ingest(40..60);
    world.ok(&["anchor", &place, "--tiles"]);
    let program = world.outside.path().join("read_log.go");
    fs::write(&program, include_str!("read_log.go")).unwrap();
    let read = || {
        let mut command = Command::new(&go);
        command.env("GO111MODULE", "off").env("GOCACHE", world.outside.path().join("cache"));
        command.arg("run").arg(&program).arg(world.outside.path()).arg(&old);
        let ended = ended(command.output().unwrap());
        (ended.code == Some(0), ended.out.trim().to_owned(), ended.err)
    };
    let (good, said, err) = read();
    let told: Value = serde_json::from_str(&world.ok(&["verify", "record", "--json"])).unwrap();
    assert!(good, "{said}{err}");
    assert_eq!(said, told["leaves"].to_string());
    let checkpoint = world.outside.path().join("checkpoint");
    let kept = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&checkpoint, kept.replacen(&format!("\n{said}\n"), "\n1\n", 1)).unwrap();
    let (good, said, _) = read();
    assert!(!good && said.starts_with("wrong: the signature"), "{said}");
}
