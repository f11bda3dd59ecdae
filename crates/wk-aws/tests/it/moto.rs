//! moto, and the AWS CLI to look at what it holds.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// moto on a free port, until dropped.
pub(crate) struct Moto {
    process: Child,
    pub(crate) url: String,
}

/// Nothing where no Python with moto is named; it says so.
#[expect(clippy::disallowed_methods, reason = "the set-up names the Python that has moto")]
pub(crate) fn python() -> Option<String> {
    let python = std::env::var("WATCHKEEPER_TEST_PYTHON").ok();
    if python.is_none() {
        println!("skipped: WATCHKEEPER_TEST_PYTHON names no Python with moto");
    }
    python
}

impl Moto {
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let mut process = Command::new(python()?)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        // It names its port when it answers; if it ends before that, so do the lines.
        let url = lines.by_ref().find_map(|line| {
            line.unwrap().split_once("Running on ").map(|(_, url)| url.trim().to_owned())
        });
        // Its log must be taken, or it stops when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, url: url.expect("moto starts") })
    }
}

impl Moto {
    /// What the AWS CLI answers, as somebody with keys of this account.
    pub(crate) fn cli(&self, words: &[&str]) -> Value {
        let python = python().expect("moto runs, so there is a Python");
        let aws = Path::new(&python).with_file_name("aws");
        let output = Command::new(python)
            .arg(aws)
            .args(["--endpoint-url", &self.url, "--region", "eu-central-1", "--output", "json"])
            .args(words)
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
