//! Asks for credentials in a process of its own, because environment and home belong to a process.
//!
//! The process is this test program again, at the one test that answers.

use std::process::Command;

use futures::future::join_all;
use tempfile::TempDir;
use wk_aws::CliCredentials;
use wk_seam::credentials::CredentialSource as _;

/// Set in the process that answers.
const ASKED: &str = "WATCHKEEPER_TEST_ASKED";
/// The profile to name, if any.
const ASKED_PROFILE: &str = "WATCHKEEPER_TEST_ASKED_PROFILE";
/// Every secret in these tests has this in it.
pub(crate) const SECRET: &str = "SeCrEt";

/// A user with a home, an environment and a wish.
pub(crate) struct Asker {
    home: TempDir,
    vars: Vec<(String, String)>,
}

/// What the process said, line by line.
#[derive(Debug)]
pub(crate) struct Said(Vec<String>);

impl Asker {
    /// One with empty files, off EC2.
    pub(crate) fn new() -> Self {
        let asker = Self { home: tempfile::tempdir().unwrap(), vars: Vec::new() };
        asker.var("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub(crate) fn var(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vars.push((name.to_owned(), value.into()));
        self
    }

    /// Names a profile as `--profile` does.
    pub(crate) fn profile(self, name: &str) -> Self {
        self.var(ASKED_PROFILE, name)
    }

    pub(crate) fn config(self, text: &str) -> Self {
        self.file(".aws/config", text)
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self, path: &str) -> String {
        self.home.path().join(path).to_str().unwrap().to_owned()
    }

    pub(crate) fn ask(&self) -> Said {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "asker::answer", "--nocapture"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env(ASKED, "1")
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said =
            text.lines().filter_map(|l| l.split_once("said ")).map(|(_, said)| said.to_owned());
        let said = Said(said.collect());
        assert!(output.status.success() && !said.0.is_empty(), "{text}");
        for shown in said.0.iter().filter(|line| !line.starts_with("secret=")) {
            assert!(!shown.contains(SECRET), "a secret is shown: {shown}");
        }
        said
    }
}

impl Said {
    /// The value of a name, or nothing.
    pub(crate) fn get(&self, name: &str) -> &str {
        let value = |line: &'_ str| line.strip_prefix(name)?.strip_prefix('=').map(str::len);
        let found =
            self.0.iter().find_map(|line| value(line).and_then(|n| line.get(line.len() - n..)));
        found.unwrap_or_default()
    }

    pub(crate) fn error(&self) -> &str {
        assert_eq!(self.get("key"), "", "there are credentials: {self:?}");
        self.get("error")
    }
}

#[expect(clippy::disallowed_methods, reason = "what the asking process passes on")]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Does nothing unless it is asked by another test.
#[test]
fn answer() {
    if var(ASKED).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(answer_now());
    }
}

async fn answer_now() {
    println!();
    let loaded = match CliCredentials::load(var(ASKED_PROFILE).as_deref()).await {
        Ok(loaded) => loaded,
        Err(error) => return say_failure(&error),
    };
    println!("said debug={loaded:?}");
    println!("said region={}", loaded.region().unwrap_or_default());
    println!("said s3_endpoint={}", loaded.s3_endpoint().unwrap_or_default());
    let mut all = join_all((0..20).map(|_| loaded.credentials())).await;
    let first = match all.swap_remove(0) {
        Ok(first) => first,
        Err(error) => return say_failure(&error),
    };
    let alike = all.iter().all(|c| c.as_ref().is_ok_and(|c| c.access_key == first.access_key));
    println!("said debug={first:?}");
    println!("said alike={alike}");
    println!("said key={}", first.access_key);
    println!("said secret={}", first.secret_key);
    println!("said session={}", first.session_token.is_some());
    println!("said expires={}", first.expires.map(|at| at.to_string()).unwrap_or_default());
}

fn say_failure(failure: &wk_seam::Failure) {
    let first: &dyn std::error::Error = failure;
    let chain = std::iter::successors(Some(first), |e| (*e).source()).map(ToString::to_string);
    println!("said error={}", chain.collect::<Vec<_>>().join(": "));
    println!("said transient={}", failure.transient);
    println!("said debug={failure:?}");
}
