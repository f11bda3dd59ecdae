//! The files themselves: opens digests, finds logs where their digests say, hashes them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::stream::{self, StreamExt as _};
use serde_json::Value;
use wk_model::{Sha256, Timestamp};
use wk_seam::Answer;
use wk_seam::objects::{Object, Objects};
use wk_watch::digest::{Digest, DigestName, Kind, LogFile, Opened, file_name};

use super::find::Tree;
use super::lake::Absent;
use super::opener::{NotRead, Opener};
use super::report::HourDifference;
use super::walk::Walk;
use super::{Run, Verify, name_hash};

/// Logs that are read at a time.
const AT_ONCE: usize = 16;
/// The end of the name of a file beside a digest, that says what its metadata is.
const SIDECAR: &str = ".metadata.json";
/// Such a file is a few hundred bytes long.
const SIDECAR_BYTES_MAX: u64 = 64 << 10;

/// Metadata of an object.
type Metadata = Vec<(String, String)>;

/// Where a log lies.
enum Place {
    /// Here.
    At(Object),
    /// Nobody here knows.
    Unknown(String),
}

/// What is left of an object's name when only its key is known.
fn named(uri: String) -> Object {
    Object { uri, size: 0, modified: Timestamp::default(), identity: None }
}

impl Verify {
    /// Opens a digest; what is no digest is for the chain to judge.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) async fn open_digest(
        &self,
        opener: &Arc<Opener>,
        name: &DigestName,
        object: &Object,
    ) -> Result<Opened, (Kind, String)> {
        let place = self.bucket.under("");
        let read = opener.digest(place.as_ref(), object).await;
        let (content, metadata) = match read {
            Ok(content) => (Digest::read(&content.of).map_err(|e| e.to_string()), content.metadata),
            Err(NotRead::Damaged(why)) => (Err(why), Metadata::new()),
            Err(NotRead::Failed(why)) => return Err((Kind::Unreadable, why)),
            Err(NotRead::Missing) => {
                return Err((Kind::DigestMissing, "it was listed a moment ago".to_owned()));
            }
        };
        let mut metadata = metadata;
        if self.original.is_none() && find(&metadata, "signature").is_none() {
            metadata = self.metadata_beside(opener, place.as_ref(), object).await?;
        }
        let generated = find(&metadata, "backfill-generation-timestamp");
        let key = object.uri.strip_prefix(&self.address).unwrap_or(&object.uri);
        Ok(Opened {
            subject: object.uri.clone(),
            key: key.to_owned(),
            time: name.time,
            content,
            signature: find(&metadata, "signature").map(str::to_owned),
            generated: generated.and_then(|text| Timestamp::parse(text).ok()),
        })
    }

    /// Metadata that a copy keeps: in one file for all, or in a file beside the object.
    async fn metadata_beside(
        &self,
        opener: &Arc<Opener>,
        place: &dyn Objects,
        object: &Object,
    ) -> Result<Metadata, (Kind, String)> {
        if let Some(known) = self.metadata.get(file_name(&object.uri)) {
            return Ok(known.clone());
        }
        let beside = named(format!("{}{SIDECAR}", object.uri));
        let text = match opener.digest(place, &beside).await {
            Ok(content) if content.of.len() as u64 <= SIDECAR_BYTES_MAX => content.of,
            Ok(_) => return Err((Kind::Unreadable, format!("{} is too long", beside.uri))),
            Err(NotRead::Missing) => return Ok(Metadata::new()),
            Err(NotRead::Damaged(why) | NotRead::Failed(why)) => {
                return Err((Kind::Unreadable, format!("{}: {why}", beside.uri)));
            }
        };
        let value: Value = serde_json::from_slice(&text)
            .map_err(|e| (Kind::Unreadable, format!("{}: {e}", beside.uri)))?;
        Ok(metadata_of(&value))
    }

    /// Where a log lies that a digest lists.
    fn place_of(&self, tree: &Tree, digest: &Digest, log: &LogFile) -> Result<String, String> {
        let steps = || log.key.split('/');
        if steps().any(|step| step.is_empty() || step == "." || step == "..") {
            return Err("its key is none that CloudTrail gives".to_owned());
        }
        if let Some(bucket) = &self.original {
            return match log.bucket == *bucket {
                true => Ok(log.key.clone()),
                false => Err(format!("it lies in bucket {}; verify that one too", log.bucket)),
            };
        }
        let there = DigestName::read(&digest.key).map(|name| name.base).unwrap_or_default();
        if let Some(rest) = log.key.strip_prefix(&there) {
            return Ok(format!("{}{rest}", tree.base));
        }
        match tree.base.strip_suffix(&there) {
            Some(root) => Ok(format!("{root}{}", log.key)),
            None => Err("the copy holds nothing from outside of its account's folder".to_owned()),
        }
    }
}

impl Run<'_> {
    /// Compares the logs of a digest. Answers whether all are what was delivered.
    pub(super) async fn logs(&mut self, walk: &mut Walk<'_>, digest: &Digest) -> Answer<bool> {
        let verify = self.verify;
        let mut places = Vec::with_capacity(digest.logs.len());
        for log in &digest.logs {
            let place = match verify.place_of(walk.tree, digest, log) {
                Err(why) => Place::Unknown(why),
                // What is not listed is asked for: an empty object is not listed everywhere.
                Ok(key) => match self.days.object(&key).await? {
                    Some(object) => Place::At(object),
                    None => Place::At(named(verify.at(&key))),
                },
            };
            places.push((log, place));
        }
        let (opener, objects) = (self.opener.clone(), verify.bucket.under(""));
        let judged: Vec<Result<(Sha256, u64), (Kind, String)>> = stream::iter(&places)
            .map(|(log, place)| judge(&opener, objects.as_ref(), log, place))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut good = Vec::new();
        for ((log, _), judged) in places.iter().zip(judged) {
            self.progress.logs.fetch_add(1, Ordering::Relaxed);
            walk.counts.logs += 1;
            match judged {
                Ok((identity, bytes)) => {
                    walk.counts.logs_proven += 1;
                    walk.counts.bytes += bytes;
                    good.push((*log, identity));
                }
                Err((kind, says)) => self.report.add(walk.problem(kind, log.uri(), says)),
            }
        }
        let whole = good.len() == digest.logs.len();
        self.hour(walk, digest, &good).await?;
        Ok(whole)
    }

    /// Asks the lake for an hour's logs, and takes the hour down if something differs.
    async fn hour(
        &mut self,
        walk: &mut Walk<'_>,
        digest: &Digest,
        good: &[(&LogFile, Sha256)],
    ) -> Answer<()> {
        let identities: Vec<Sha256> = good.iter().map(|(_, identity)| *identity).collect();
        let known = match &self.verify.ledger {
            Some(ledger) => Some(ledger.objects_known(&identities).await?),
            None => None,
        };
        let held = known.as_ref().map(|known| known.iter().filter(|k| **k).count() as u64);
        let (listed, in_bucket) = (digest.logs.len() as u64, good.len() as u64);
        self.lake.proven += in_bucket;
        self.lake.held += held.unwrap_or(0);
        if listed == in_bucket && held.is_none_or(|held| held == in_bucket) {
            return Ok(());
        }
        let hour = self.report.add_hour(HourDifference {
            account: walk.name.account.clone(),
            region: walk.tree.region.clone(),
            from: digest.start,
            listed,
            in_bucket,
            in_lake: held,
        });
        let absent = known.into_iter().flatten().zip(good).filter(|(known, _)| !known);
        for (_, (log, _)) in absent {
            walk.note_absent();
            let chain = self.verify.chain_id(walk.tree, walk.name);
            self.absent_add(
                name_hash(&log.key),
                Absent {
                    problem: walk.problem(Kind::LakeMissing, log.uri(), String::new()),
                    chain,
                    hour,
                },
            );
        }
        Ok(())
    }
}

/// Whether a log is what was delivered. Answers what makes it the same object, and its length.
async fn judge(
    opener: &Arc<Opener>,
    objects: &dyn Objects,
    log: &LogFile,
    place: &Place,
) -> Result<(Sha256, u64), (Kind, String)> {
    let object = match place {
        Place::At(object) => object,
        Place::Unknown(why) => return Err((Kind::Unreadable, why.clone())),
    };
    match opener.hash(objects, object).await {
        Ok(content) => {
            let (hash, bytes) = content.of;
            match log.sha256 {
                Some(expected) if expected == hash => Ok((content.identity, bytes)),
                Some(expected) => Err((
                    Kind::LogModified,
                    format!("its hash is {hash}, its digest says {expected}"),
                )),
                None => Err((Kind::LogModified, "its digest holds no SHA-256 for it".to_owned())),
            }
        }
        Err(NotRead::Missing) => Err((Kind::LogMissing, "a digest lists it".to_owned())),
        Err(NotRead::Damaged(why)) => Err((Kind::LogFormat, why)),
        Err(NotRead::Failed(why)) => Err((Kind::Unreadable, why)),
    }
}

/// The value of a name; tools spell names with and without S3's prefix, in any letter case.
fn find<'m>(metadata: &'m [(String, String)], name: &str) -> Option<&'m str> {
    let is_it = |key: &str| {
        let key = key.to_ascii_lowercase();
        key.strip_prefix("x-amz-meta-").unwrap_or(&key) == name
    };
    metadata.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.as_str())
}

/// The metadata in what `head-object` answers, or in the metadata alone.
pub fn metadata_of(value: &Value) -> Vec<(String, String)> {
    let members = value.get("Metadata").unwrap_or(value).as_object();
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    members.into_iter().flatten().filter_map(text).collect()
}
