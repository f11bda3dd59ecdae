//! One digest file.

use serde::{Deserialize, Deserializer};
use wk_model::{Sha256, Timestamp};

/// Log files that a digest may list. AWS delivers some hundred an hour for a busy account.
const LOGS_MAX: usize = 200_000;

/// What a digest file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The account whose logs it lists.
    pub account: String,
    /// Start of the time that it covers.
    pub start: Timestamp,
    /// End of that time.
    pub end: Timestamp,
    /// The end as it is written: it is part of what is signed.
    pub end_text: String,
    /// Bucket that it was delivered to.
    pub bucket: String,
    /// Key that it was delivered under.
    pub key: String,
    /// Fingerprint of the key that signed it.
    pub fingerprint: String,
    /// The digest before it; none where a chain begins.
    pub previous: Option<Previous>,
    /// The signature of the digest before it, as it is written.
    pub previous_signature: Option<String>,
    /// The log files that were delivered in its time.
    pub logs: Vec<LogFile>,
    /// SHA-256 of the uncompressed file.
    pub sha256: Sha256,
}

/// The digest before another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// SHA-256 of its uncompressed content; none where it is not of that form.
    pub sha256: Option<Sha256>,
}

/// A log file that a digest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Bucket that it was delivered to.
    pub bucket: String,
    /// Key that it was delivered under.
    pub key: String,
    /// SHA-256 of its uncompressed content; none where it is not of that form.
    pub sha256: Option<Sha256>,
}

/// The file is no digest.
#[derive(Debug, thiserror::Error)]
pub enum BadDigest {
    /// No JSON of the form of a digest.
    #[error("it does not have the form of a digest file: {0}")]
    Form(#[from] serde_json::Error),
    /// A time that is none.
    #[error("{field} {text:?} is not a time")]
    Time {
        /// Which member.
        field: &'static str,
        /// What it says.
        text: String,
    },
    /// More than one digest may hold.
    #[error("it lists {0} log files; at most {LOGS_MAX} are read")]
    TooMany(usize),
    /// Its end is not after its start.
    #[error("it ends before it starts")]
    Backwards,
}

/// The members of the file. Those that what is signed is made of have to be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default)]
    aws_account_id: Option<String>,
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: String,
    #[serde(rename = "digestS3Object")]
    object: String,
    digest_public_key_fingerprint: String,
    #[serde(rename = "previousDigestS3Bucket", default)]
    previous_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object", default)]
    previous_object: Option<String>,
    #[serde(default)]
    previous_digest_hash_value: Option<String>,
    #[serde(deserialize_with = "present")]
    previous_digest_signature: Option<String>,
    #[serde(default)]
    log_files: Option<Vec<WrittenLog>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLog {
    #[serde(rename = "s3Bucket")]
    bucket: String,
    #[serde(rename = "s3Object")]
    object: String,
    hash_value: String,
}

/// A member that may be null and has to be there.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

impl Digest {
    /// Reads an uncompressed digest file.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(content: &[u8]) -> Result<Self, BadDigest> {
        let written: Written = serde_json::from_slice(content)?;
        let start = time("digestStartTime", &written.digest_start_time)?;
        let end = time("digestEndTime", &written.digest_end_time)?;
        if end <= start {
            return Err(BadDigest::Backwards);
        }
        let logs = written.log_files.unwrap_or_default();
        if logs.len() > LOGS_MAX {
            return Err(BadDigest::TooMany(logs.len()));
        }
        let hash = written.previous_digest_hash_value;
        let before = written.previous_bucket.zip(written.previous_object);
        let previous = before.map(|(bucket, key)| Previous {
            bucket,
            key,
            sha256: hash.as_deref().and_then(Sha256::parse),
        });
        Ok(Self {
            account: written.aws_account_id.unwrap_or_default(),
            start,
            end,
            end_text: written.digest_end_time,
            bucket: written.bucket,
            key: written.object,
            fingerprint: written.digest_public_key_fingerprint,
            previous,
            previous_signature: written.previous_digest_signature,
            logs: logs.into_iter().map(log).collect(),
            sha256: Sha256::of(content),
        })
    }

    /// What AWS signed: the end as it is written, where the digest lies, its hash, and the signature
    /// of the one before it, in lines.
    pub fn signed_text(&self) -> String {
        let before = self.previous_signature.as_deref().unwrap_or("null");
        format!("{}\n{}/{}\n{}\n{before}", self.end_text, self.bucket, self.key, self.sha256)
    }

    /// Where it was delivered.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl LogFile {
    /// Where it was delivered.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

fn log(written: WrittenLog) -> LogFile {
    let sha256 = Sha256::parse(&written.hash_value);
    LogFile { bucket: written.bucket, key: written.object, sha256 }
}

fn time(field: &'static str, text: &str) -> Result<Timestamp, BadDigest> {
    Timestamp::parse(text).map_err(|e| BadDigest::Time { field, text: e.text })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = r#"{"awsAccountId":"111122223333","digestStartTime":"2026-01-01T00:00:00Z","digestEndTime":"2026-01-01T01:00:00Z","digestS3Bucket":"b","digestS3Object":"k","digestPublicKeyFingerprint":"f","previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestSignature":null,"logFiles":[{"s3Bucket":"b","s3Object":"l","hashValue":"zz"}]}"#;

    #[test]
    fn what_is_signed_is_four_lines_without_an_end() {
        let digest = Digest::read(FIRST.as_bytes()).unwrap();
        let hash = Sha256::of(FIRST.as_bytes());
        let expected = format!("2026-01-01T01:00:00Z\nb/k\n{hash}\nnull");
        assert_eq!(digest.signed_text(), expected);
        assert_eq!(digest.logs[0].sha256, None, "zz is no hash, so nothing can have it");
    }

    #[test]
    fn a_file_without_what_is_signed_is_no_digest() {
        let without = FIRST.replace(r#""previousDigestSignature":null,"#, "");
        let error = Digest::read(without.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("previousDigestSignature"), "{error}");
        for (from, to) in [("00:00Z\",\"digestEnd", "xx\",\"digestEnd"), ("01:00:00", "00:00:00")] {
            assert!(Digest::read(FIRST.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        for broken in [&b"\xff\xfe"[..], b"", b"[]", b"{}", b"null"] {
            assert!(Digest::read(broken).is_err(), "{broken:?}");
        }
    }
}
