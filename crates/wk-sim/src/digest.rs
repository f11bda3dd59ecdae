//! CloudTrail's hourly digest files: the hash of every log file, and of the digest before.
//!
//! * `hashValue` is the SHA-256 of the log file before compression, as AWS computes it.
//! * Nothing is signed: the key belongs to AWS. `previousDigestSignature` is null and the objects
//!   carry no signature, so a verifier can prove hashes and chain here, never authorship.

use serde_json::{Value, json};
use wk_model::{Sha256, Timestamp};

use crate::clock::{folder, stamp};
use crate::delivery::{Filed, document};
use crate::rng::Rng;
use crate::world::{HOME, LOG_BUCKET, ORGANISATION, PLACES, Place, TRAIL};

/// The chains of every account and region.
#[derive(Debug)]
pub(crate) struct Digests {
    seed: u64,
    chains: Vec<Chain>,
}

#[derive(Debug)]
struct Chain {
    place: Place,
    logs: Vec<Value>,
    span: Option<(Timestamp, Timestamp)>,
    previous: Option<(String, Sha256)>,
}

impl Digests {
    /// Chains without a digest yet.
    pub(crate) fn new(seed: u64) -> Self {
        let chain = |place| Chain { place, logs: Vec::new(), span: None, previous: None };
        Self { seed, chains: PLACES.into_iter().map(chain).collect() }
    }

    /// Takes note of a log file that was delivered.
    pub(crate) fn note(&mut self, filed: &Filed) {
        if filed.file.source != "cloudtrail" {
            return;
        }
        let Some(chain) = self.chains.iter_mut().find(|c| c.place == filed.place) else { return };
        let Some((oldest, newest)) = filed.span else { return };
        chain.span = Some(match chain.span {
            None => (oldest, newest),
            Some((o, n)) => (o.min(oldest), n.max(newest)),
        });
        chain.logs.push(json!({
            "s3Bucket": LOG_BUCKET,
            "s3Object": filed.file.path,
            "hashValue": Sha256::of(&filed.file.bytes).to_string(),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": newest.to_string(),
            "oldestEventTime": oldest.to_string(),
        }));
    }

    /// The digests of the hour that ends now, one for each account and region.
    pub(crate) fn close(&mut self, hour_end: Timestamp) -> Vec<Filed> {
        let seed = self.seed;
        self.chains.iter_mut().map(|chain| chain.close(seed, hour_end)).collect()
    }
}

impl Chain {
    fn close(&mut self, seed: u64, end: Timestamp) -> Filed {
        let Place { account, region } = self.place;
        let mut rng = Rng::named(seed, &["digest", account, region], end.seconds());
        let path = format!(
            "AWSLogs/{ORGANISATION}/{account}/CloudTrail-Digest/{region}/{}/{account}_CloudTrail-Digest_{region}_{TRAIL}_{HOME}_{}.json.gz",
            folder(end),
            stamp(end)
        );
        let (before, hash) = self.previous.take().unzip();
        let span = self.span.take();
        let digest = json!({
            "awsAccountId": account,
            "digestStartTime": end.plus_seconds(-3600).to_string(),
            "digestEndTime": end.to_string(),
            "digestS3Bucket": LOG_BUCKET,
            "digestS3Object": path,
            "digestPublicKeyFingerprint": crate::world::hex_id(region, 32),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": span.map(|s| s.1.to_string()),
            "oldestEventTime": span.map(|s| s.0.to_string()),
            "previousDigestS3Bucket": before.as_ref().map(|_| LOG_BUCKET),
            "previousDigestS3Object": before,
            "previousDigestHashValue": hash.map(|h| h.to_string()),
            "previousDigestHashAlgorithm": hash.map(|_| "SHA-256"),
            "previousDigestSignature": null,
            "logFiles": std::mem::take(&mut self.logs),
        });
        let delivered = end.plus_seconds(rng.seconds(240, 900));
        let filed = document("cloudtrail-digest", path, delivered, self.place, &digest, 1);
        self.previous = Some((filed.file.path.clone(), Sha256::of(&filed.file.bytes)));
        filed
    }
}
