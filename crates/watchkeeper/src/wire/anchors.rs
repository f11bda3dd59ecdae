//! Places outside, where checkpoints of the record lie.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use wk_model::Sha256;
use wk_store::files::Files;
use wk_store::log::Tree;
use wk_store::log::anchor::{self, Anchored, Head};
use wk_store::objects::{S3Place, S3Settings};

use super::{Access, App};

/// The folder of the checkpoints.
const FOLDER: &str = "anchors";
/// Checkpoints of a place that are compared: one a day for 270 years.
const ANCHORS_MAX: usize = 100_000;

/// A checkpoint that lies outside.
pub(crate) struct Found {
    /// Where it lies.
    pub(crate) path: String,
    /// What it says; none if it is no checkpoint.
    pub(crate) head: Option<Head>,
    /// What it is to the log.
    pub(crate) anchored: Option<Anchored>,
}

/// The files below a folder or an `s3://` address.
pub(crate) async fn place(address: &str, access: &Access) -> anyhow::Result<Files> {
    if !address.starts_with("s3://") {
        return Ok(Files::Local(address.into()));
    }
    let credentials = wk_aws::CliCredentials::load(access.profile.as_deref()).await?;
    let settings = S3Settings {
        region: access.region.clone(),
        endpoint: access.endpoint.clone(),
        sse_kms_key: None,
    };
    Ok(S3Place::open_with_checksums(address, &settings, Arc::new(credentials))?.into_files())
}

/// The path of a checkpoint of so many leaves.
pub(crate) fn path(size: u64) -> String {
    format!("{FOLDER}/{size:012}")
}

/// Writes a file that is not there yet; false if it lies there with the same content.
///
/// # Errors
/// If it cannot be written, or lies there with other content.
pub(crate) async fn write_new(files: &Files, path: &str, bytes: Vec<u8>) -> anyhow::Result<bool> {
    match files.read_small(path).await? {
        None => {
            files.write(path, bytes).await?;
            Ok(true)
        }
        Some(there) if there == bytes => Ok(false),
        Some(_) => bail!(
            "{path} lies there with other content: it is of another log, or this log was rewritten; `watchkeeper verify --anchor` says which"
        ),
    }
}

impl App {
    /// Holds the log against every checkpoint that lies at a place.
    pub(crate) async fn anchors(
        &self,
        address: &str,
        access: &Access,
        key: Option<&str>,
    ) -> anyhow::Result<Vec<Found>> {
        let files = place(address, access).await?;
        let listed = files.entries(FOLDER).await?;
        if listed.len() > ANCHORS_MAX {
            bail!("{address} has {} checkpoints; at most {ANCHORS_MAX} are compared", listed.len());
        }
        let mut notes = Vec::new();
        for entry in listed {
            let bytes = files.read_small(&entry.path).await?;
            let bytes = bytes.with_context(|| format!("{} went away", entry.path))?;
            notes.push((entry.path, String::from_utf8_lossy(&bytes).into_owned()));
        }
        let heads: Vec<Option<Head>> = notes.iter().map(|(_, note)| anchor::read(note)).collect();
        let sizes: BTreeSet<u64> = heads.iter().flatten().map(|head| head.size).collect();
        let roots = roots(&self.ledger.leaf_hashes().await?, &sizes);
        let verifier = key.map_or_else(|| self.ledger.verifier(), str::to_owned);
        let found = notes.into_iter().zip(heads).map(|((path, note), head)| {
            let judge =
                |head: &Head| anchor::judge(&note, head, &verifier, roots.get(&head.size).copied());
            let anchored = head.as_ref().map(judge);
            Found { path, head, anchored }
        });
        Ok(found.collect())
    }
}

/// The roots that the log had at these sizes, as far as it has them.
fn roots(leaves: &[Sha256], sizes: &BTreeSet<u64>) -> BTreeMap<u64, Sha256> {
    let mut tree = Tree::default();
    let mut roots = BTreeMap::from([(0, tree.root())]);
    for leaf in leaves {
        tree.push(*leaf);
        if sizes.contains(&tree.size()) {
            roots.insert(tree.size(), tree.root());
        }
    }
    roots
}
