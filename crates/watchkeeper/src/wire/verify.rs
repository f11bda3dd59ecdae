//! The parts of `verify cloudtrail`: the place, the keys, what is known of earlier runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use serde_json::Value;
use wk_engine::verify::{AwsKeys, FileKeys, Keys, Report, Verify, metadata_of};
use wk_seam::objects::Bucket;
use wk_store::ledger::checks::DigestCheck;
use wk_store::objects::{LocalFolder, S3Place, S3Settings};
use wk_watch::digest::{Excuse, Held, Keyring, file_name, read_excuses};

use super::{Access, App};

/// Files that the user brings are read up to this size.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A place with logs and digests.
pub(crate) struct Place {
    /// The bucket, or a folder that stands for one.
    pub(crate) bucket: Arc<dyn Bucket>,
    /// What stands before every key: `s3://bucket/`, or the folder with its slash.
    pub(crate) address: String,
    /// The beginning of its keys, empty or with a slash at its end.
    pub(crate) prefix: String,
    /// The bucket's name; none for a folder.
    pub(crate) name: Option<String>,
}

/// The place that a path or an `s3://` address names.
pub(crate) async fn place(address: &str, access: &Access) -> anyhow::Result<Place> {
    let Some(rest) = address.strip_prefix("s3://") else {
        let path = address.trim_end_matches('/');
        let path = if path.is_empty() && address.starts_with('/') { "/" } else { path };
        let folder = format!("{}/", path.trim_end_matches('/'));
        let meta = fs::metadata(path).with_context(|| format!("could not read {path}"))?;
        if !meta.is_dir() {
            return Err(anyhow!("{path} is no folder; name the one that holds AWSLogs"));
        }
        let bucket = Arc::new(LocalFolder::new(path));
        return Ok(Place { bucket, address: folder, prefix: String::new(), name: None });
    };
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let credentials = wk_aws::CliCredentials::load(access.profile.as_deref()).await?;
    let settings = S3Settings {
        region: access.region.clone(),
        endpoint: access.endpoint.clone(),
        sse_kms_key: None,
    };
    let place = S3Place::open(&format!("s3://{name}"), &settings, Arc::new(credentials))?;
    let (bucket, address) = (Arc::new(place), format!("s3://{name}/"));
    Ok(Place { bucket, address, prefix, name: Some(name.to_owned()) })
}

impl App {
    /// AWS's public keys: from files with what `ListPublicKeys` answered, or from AWS.
    pub(crate) async fn public_keys(
        &self,
        files: &[std::path::PathBuf],
        profile: Option<&str>,
    ) -> anyhow::Result<Arc<dyn Keys>> {
        if files.is_empty() {
            let mut settings = self.config.aws.settings()?;
            settings.profile = profile.map(str::to_owned).or(settings.profile);
            let client = wk_aws::Client::load(&settings, Arc::new(wk_aws::LoggedCalls)).await?;
            return Ok(Arc::new(AwsKeys::new(Arc::new(client))));
        }
        let mut ring = Keyring::default();
        for file in files {
            let read = Keyring::read(&text_of(file)?)
                .map_err(|why| anyhow!("could not read the keys in {}: {why}", file.display()))?;
            ring.add_all(read);
        }
        Ok(Arc::new(FileKeys(ring)))
    }

    /// What earlier runs proved, by the name of the chain.
    pub(crate) async fn proved_before(&self) -> anyhow::Result<BTreeMap<String, Held>> {
        let checks = self.ledger.digest_checks().await?;
        let held = |check: DigestCheck| {
            let held = Held {
                subject: check.subject,
                key: check.key,
                sha256: Some(check.sha256),
                signature: Some(check.signature),
                end: check.end,
            };
            (check.chain, held)
        };
        Ok(checks.into_iter().map(held).collect())
    }

    /// Keeps what a run proved, where it goes on from what was proved before. Answers how many chains
    /// got further.
    pub(crate) async fn note_proved(
        &self,
        verify: &Verify,
        past: &BTreeMap<String, Held>,
        report: &Report,
        verdict: &str,
    ) -> anyhow::Result<usize> {
        let mut checks = Vec::new();
        for chain in &report.chains {
            let Some(held) = &chain.proven_until else { continue };
            let (Some(sha256), Some(signature)) = (held.sha256, &held.signature) else { continue };
            let before = past.get(&chain.id);
            // A period that begins later leaves something between unproved.
            let goes_on = before.is_none_or(|b| {
                b.end < held.end && verify.scope.since.is_none_or(|since| since <= b.end)
            });
            if goes_on {
                checks.push(DigestCheck {
                    chain: chain.id.clone(),
                    subject: held.subject.clone(),
                    key: held.key.clone(),
                    sha256,
                    signature: signature.clone(),
                    end: held.end,
                    digests: chain.counts.digests_proven,
                    logs: chain.counts.logs_proven,
                    verdict: verdict.to_owned(),
                    recorded: self.clock.now(),
                });
            }
        }
        self.ledger.note_digest_checks(&checks).await?;
        Ok(checks.len())
    }
}

/// Metadata of objects in JSON lines of `Key` and `Metadata`, by the name of the file.
pub(crate) fn metadata(file: &Path) -> anyhow::Result<BTreeMap<String, Vec<(String, String)>>> {
    let mut all = BTreeMap::new();
    for (n, line) in text_of(file)?.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let whose = || format!("could not read line {} of {}", n + 1, file.display());
        let value: Value = serde_json::from_str(line).with_context(whose)?;
        let key =
            value["Key"].as_str().ok_or_else(|| anyhow!("it has no Key")).with_context(whose)?;
        if value["Metadata"].as_object().is_none() {
            return Err(anyhow!("it has no Metadata")).with_context(whose);
        }
        all.insert(file_name(key).to_owned(), metadata_of(&value));
    }
    Ok(all)
}

/// Gaps that somebody accounts for.
pub(crate) fn excuses(file: &Path) -> anyhow::Result<Vec<Excuse>> {
    read_excuses(&text_of(file)?)
        .map_err(|why| anyhow!("could not read the excuses in {}: {why}", file.display()))
}

fn text_of(file: &Path) -> anyhow::Result<String> {
    let failed = || format!("could not read {}", file.display());
    let bytes = fs::metadata(file).with_context(failed)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(anyhow!("it has {bytes} bytes; at most {FILE_BYTES_MAX} are read"))
            .with_context(failed);
    }
    fs::read_to_string(file).with_context(failed)
}
