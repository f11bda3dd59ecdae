//! The chain that digests make: each names the one before it, by key, hash and signature.
//!
//! * Digests are pushed in the order of time. What a digest says counts only once its signature is
//!   proved; of one that is not, only its name is believed.
//! * A copy may hold a digest without its signature, which lies in S3's metadata. The digest that
//!   follows it holds it too: so a digest waits for its successor.

use std::collections::VecDeque;

use wk_model::{Sha256, Timestamp};

use super::file::Digest;
use super::keys::{Keyring, WhichKey};
use super::names::file_name;
use super::problem::{Kind, Problem};

/// Verifies a signature (RSA PKCS#1 v1.5 with SHA-256): key in PKCS#1 DER, message, signature.
pub type RsaVerify = fn(key: &[u8], message: &[u8], signature: &[u8]) -> bool;

/// Names of digests that are remembered, to tell one that is passed over from one that is missing.
const SEEN_MAX: usize = 100;
/// A signature is as long as its key: 256 bytes for AWS's; longer ones than these are none.
const SIGNATURE_BYTES_MAX: usize = 1024;
/// A key of a backfill digest is looked for so long around the time when it was made.
const BACKFILL_SECONDS: i64 = 3600;

/// A digest as it lies somewhere.
#[derive(Debug)]
pub struct Opened {
    /// Where it lies.
    pub subject: String,
    /// The key that its place gives it: for a copy, whatever is known of it.
    pub key: String,
    /// The time in its name.
    pub time: Timestamp,
    /// What it says, or why it is no digest.
    pub content: Result<Digest, String>,
    /// Its signature in hexadecimal, where the metadata came with it.
    pub signature: Option<String>,
    /// When AWS made it, if that was later than it should have been.
    pub generated: Option<Timestamp>,
}

/// What is kept of a digest, to judge the next one by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Where it lies.
    pub subject: String,
    /// Its key.
    pub key: String,
    /// Hash of its uncompressed content; none if it could not be read.
    pub sha256: Option<Sha256>,
    /// Its signature in hexadecimal.
    pub signature: Option<String>,
    /// The end of what it covers.
    pub end: Timestamp,
}

/// What a digest leads to.
#[derive(Debug)]
pub enum Step {
    /// AWS signed it, and it is what it was.
    Proven(Box<Digest>, Held),
    /// Something is wrong.
    Wrong(Problem),
}

/// Where the digests of a chain lie.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In the bucket of this name, where AWS delivered them.
    Original(String),
    /// Elsewhere.
    Copy,
}

/// A chain that is being walked.
pub struct Chain<'a> {
    verify: RsaVerify,
    keys: &'a Keyring,
    account: String,
    region: String,
    place: Place,
    backfill: bool,
    /// Whether the first digest may name one that is not there: the period begins later.
    may_begin_late: bool,
    before: Option<Before>,
    seen: VecDeque<String>,
}

struct Before {
    held: Held,
    proven: bool,
    /// The digest, as long as its signature is waited for.
    waiting: Option<Box<Digest>>,
    generated: Option<Timestamp>,
}

impl<'a> Chain<'a> {
    /// A chain of an account and region, verified with these keys.
    pub fn new(verify: RsaVerify, keys: &'a Keyring, account: &str, region: &str) -> Self {
        Self {
            verify,
            keys,
            account: account.to_owned(),
            region: region.to_owned(),
            place: Place::Copy,
            backfill: false,
            may_begin_late: false,
            before: None,
            seen: VecDeque::new(),
        }
    }

    /// Digests have to lie where AWS delivered them, in this bucket, with their metadata.
    #[must_use]
    pub fn in_bucket(mut self, bucket: &str) -> Self {
        self.place = Place::Original(bucket.to_owned());
        self
    }

    /// AWS made these digests later: they leave gaps, which other digests fill.
    #[must_use]
    pub fn of_backfill(mut self, backfill: bool) -> Self {
        self.backfill = backfill;
        self
    }

    /// The digest before the first one, proved at another time; or nothing is said of it.
    #[must_use]
    pub fn after(mut self, held: Option<Held>, may_begin_late: bool) -> Self {
        self.may_begin_late = may_begin_late;
        self.before =
            held.map(|held| Before { held, proven: true, waiting: None, generated: None });
        self
    }

    /// Takes the next digest in the order of time.
    pub fn push(&mut self, opened: Opened) -> Vec<Step> {
        let mut steps = Vec::new();
        let Opened { subject, key, time, content, signature, generated } = opened;
        let signature = signature.map(|s| s.to_ascii_lowercase());
        let digest = match content {
            Ok(digest) => digest,
            Err(why) => {
                steps.push(self.wrong(Kind::DigestFormat, &subject, why));
                self.settle(None, &mut steps);
                return self
                    .step_on(Held { subject, key, sha256: None, signature, end: time }, steps);
            }
        };
        let held = Held { subject, key, sha256: Some(digest.sha256), signature, end: digest.end };
        if let Some(why) = self.moved(&held.key, &digest) {
            steps.push(self.wrong(Kind::DigestMoved, &held.subject, why));
            self.settle(None, &mut steps);
            return self.step_on(Held { end: time, ..held }, steps);
        }
        let judged = match &held.signature {
            Some(signature) => Some(judge_signature(
                self.verify,
                self.keys,
                &self.region,
                &digest,
                signature,
                generated,
            )),
            None if self.place == Place::Copy => None,
            None => {
                Some(Err((Kind::DigestSignature, "its metadata holds no signature".to_owned())))
            }
        };
        if let Some(Err((kind, why))) = judged {
            self.settle(None, &mut steps);
            steps.push(self.wrong(kind, &held.subject, why));
            // Of a digest that is not proved, only its name says when it ends.
            return self.step_on(Held { end: time, ..held }, steps);
        }
        self.link(&digest, &mut steps);
        let proven = judged.is_some();
        let digest = Box::new(digest);
        let waiting = if proven {
            steps.push(Step::Proven(digest, held.clone()));
            None
        } else {
            Some(digest)
        };
        self.remember(&held.key);
        self.before = Some(Before { held, proven, waiting, generated });
        steps
    }

    /// A digest lies there and could not be read: what comes after it is not held against it.
    pub fn unread(&mut self, subject: &str, key: &str, time: Timestamp) -> Vec<Step> {
        let mut steps = Vec::new();
        self.settle(None, &mut steps);
        let (subject, key) = (subject.to_owned(), key.to_owned());
        self.step_on(Held { subject, key, sha256: None, signature: None, end: time }, steps)
    }

    /// No digest follows.
    pub fn finish(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.settle(None, &mut steps);
        steps
    }

    /// A digest of which only its name is believed becomes the one before the next.
    fn step_on(&mut self, held: Held, steps: Vec<Step>) -> Vec<Step> {
        self.remember(&held.key);
        self.before = Some(Before { held, proven: false, waiting: None, generated: None });
        steps
    }

    fn remember(&mut self, key: &str) {
        if self.seen.len() >= SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(file_name(key).to_owned());
    }

    /// Why a digest is not where it says it was delivered.
    fn moved(&self, key: &str, digest: &Digest) -> Option<String> {
        let there = match &self.place {
            Place::Original(bucket) => digest.bucket == *bucket && digest.key == key,
            Place::Copy => below_folder(&digest.key) == below_folder(key),
        };
        (!there).then(|| format!("it says that it was delivered as {}", digest.uri()))
    }

    /// Judges how a digest follows the one before it.
    fn link(&mut self, digest: &Digest, steps: &mut Vec<Step>) {
        let Some(before) = &self.before else {
            if let (Some(previous), false) =
                (&digest.previous, self.may_begin_late || self.backfill)
            {
                let says = format!("it names s3://{}/{}", previous.bucket, previous.key);
                steps.push(self.wrong(Kind::HeadMissing, &digest.uri(), says));
            }
            return;
        };
        let end = before.held.end;
        match &digest.previous {
            None => self.settle(None, steps),
            Some(previous) if file_name(&previous.key) == file_name(&before.held.key) => {
                self.settle(digest.previous_signature.as_deref(), steps);
                self.compare(digest, previous.sha256, steps);
            }
            Some(previous) => {
                let name = file_name(&previous.key);
                let passed = self.seen.iter().any(|seen| seen == name);
                let subject = before.held.subject.clone();
                self.settle(None, steps);
                let uri = format!("s3://{}/{}", previous.bucket, previous.key);
                let step = if passed {
                    let says = format!("{} names {uri} as the one before it", digest.uri());
                    self.wrong(Kind::OutOfChain, &subject, says)
                } else {
                    let says = format!("{} names it as the one before it", digest.uri());
                    self.spanning(Kind::DigestMissing, &uri, says, (end, digest.start))
                };
                steps.push(step);
                return;
            }
        }
        if digest.start > end && !self.backfill {
            let says = match digest.previous {
                None => "the chain begins anew after it",
                Some(_) => "the digests before and after it follow each other",
            };
            steps.push(self.spanning(Kind::Gap, &digest.uri(), says.into(), (end, digest.start)));
        }
    }

    /// Whether the digest before is the one that this digest was made after.
    fn compare(&self, digest: &Digest, hash: Option<Sha256>, steps: &mut Vec<Step>) {
        let Some(Before { held, proven: true, .. }) = &self.before else { return };
        let says = if hash != held.sha256 {
            "the hash that its successor holds is of other content"
        } else if differs(digest.previous_signature.as_deref(), held.signature.as_deref()) {
            "the signature that its successor holds is another one"
        } else {
            return;
        };
        let says = format!("{says}; successor: {}", digest.uri());
        steps.push(self.wrong(Kind::ChainBroken, &held.subject, says));
    }

    /// Proves the digest that waits, with the signature that its successor holds.
    fn settle(&mut self, signature: Option<&str>, steps: &mut Vec<Step>) {
        let Some(before) = &mut self.before else { return };
        let Some(digest) = before.waiting.take() else { return };
        let judged = match signature {
            None => Err((Kind::SignatureNotHeld, "no digest that follows it holds it".to_owned())),
            Some(given) => {
                before.held.signature = Some(given.to_ascii_lowercase());
                judge_signature(
                    self.verify,
                    self.keys,
                    &self.region,
                    &digest,
                    given,
                    before.generated,
                )
            }
        };
        let held = before.held.clone();
        match judged {
            Ok(()) => {
                before.proven = true;
                steps.push(Step::Proven(digest, held));
            }
            Err((kind, why)) => steps.push(self.wrong(kind, &held.subject, why)),
        }
    }

    fn wrong(&self, kind: Kind, subject: &str, says: String) -> Step {
        Step::Wrong(Problem {
            kind,
            account: self.account.clone(),
            region: self.region.clone(),
            subject: subject.to_owned(),
            from: None,
            until: None,
            says,
        })
    }

    fn spanning(
        &self,
        kind: Kind,
        subject: &str,
        says: String,
        span: (Timestamp, Timestamp),
    ) -> Step {
        match self.wrong(kind, subject, says) {
            Step::Wrong(problem) => {
                Step::Wrong(Problem { from: Some(span.0), until: Some(span.1), ..problem })
            }
            proven @ Step::Proven(..) => proven,
        }
    }
}

/// Whether AWS signed a digest.
///
/// # Errors
/// What is wrong with the signature or its key, and why.
pub fn judge_signature(
    verify: RsaVerify,
    keys: &Keyring,
    region: &str,
    digest: &Digest,
    signature: &str,
    generated: Option<Timestamp>,
) -> Result<(), (Kind, String)> {
    let (from, until) = match generated {
        Some(at) => (at.plus_seconds(-BACKFILL_SECONDS), at.plus_seconds(BACKFILL_SECONDS)),
        None => (digest.start, digest.end),
    };
    let print = &digest.fingerprint;
    let key = match keys.find(region, print, from, until) {
        WhichKey::This(key) => key,
        WhichKey::NotThen => {
            return Err((Kind::KeyUnknown, format!("the key {print} did not sign at {until}")));
        }
        WhichKey::Unknown => {
            return Err((Kind::KeyUnknown, format!("there is no key {print} in {region}")));
        }
    };
    let failed = |why: &str| Err((Kind::DigestSignature, why.to_owned()));
    let Some(signature) = unhex(signature) else {
        return failed("the signature is not hexadecimal");
    };
    if verify(&key.der, digest.signed_text().as_bytes(), &signature) {
        Ok(())
    } else {
        failed("the signature is not one of this content at this place")
    }
}

/// What of a key stands from its folder on: the same wherever a copy lies.
fn below_folder(key: &str) -> &str {
    key.rsplit_once("CloudTrail-Digest/").map_or(key, |(_, below)| below)
}

fn differs(said: Option<&str>, held: Option<&str>) -> bool {
    match (said, held) {
        (Some(said), Some(held)) => !said.eq_ignore_ascii_case(held),
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits.len() % 2 == 1 || digits.len() > 2 * SIGNATURE_BYTES_MAX {
        return None;
    }
    let nibble = |d: u8| char::from(d).to_digit(16).and_then(|n| u8::try_from(n).ok());
    digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests;
