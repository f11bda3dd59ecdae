//! What can be wrong, each with its name, its meaning and what to do about it.

use wk_model::Timestamp;

/// What a problem means for the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Something is not as AWS delivered it.
    Invalid,
    /// Something is not proved.
    Incomplete,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// No digest at all for logs that are there.
    NoDigests,
    /// The signature does not fit what it is said to sign.
    DigestSignature,
    /// The signature is of a key that AWS does not list.
    KeyUnknown,
    /// The file is no digest.
    DigestFormat,
    /// The digest says that it was delivered elsewhere.
    DigestMoved,
    /// A digest that a later one names is not there.
    DigestMissing,
    /// A later digest names other content, or another signature, than is there.
    ChainBroken,
    /// A digest that later ones pass over.
    OutOfChain,
    /// A log's content is not what its digest says.
    LogModified,
    /// A log that a digest lists is not there.
    LogMissing,
    /// A log cannot be unpacked.
    LogFormat,
    /// A log that no digest lists, in a time that digests cover.
    LogUnreferenced,
    /// The lake took in a log that no digest lists.
    LakeExtra,
    /// A time without digests.
    Gap,
    /// No digest since some time.
    MissingTail,
    /// The chain goes further back than what is there.
    HeadMissing,
    /// A log in a time that no good digest covers.
    LogUncovered,
    /// A log that is proved and that the lake does not hold.
    LakeMissing,
    /// The copy holds no signature for a digest.
    SignatureNotHeld,
    /// There are no keys to verify with.
    NoKeys,
    /// Something could not be read.
    Unreadable,
    /// A limit was reached.
    Limit,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub kind: Kind,
    /// Of which account; empty where it is of none.
    pub account: String,
    /// Of which region; empty where it is of none.
    pub region: String,
    /// The file, or the folder.
    pub subject: String,
    /// From when, where it is about a time.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// What was seen.
    pub says: String,
}

impl Kind {
    /// Its name, for people and machines.
    pub fn name(self) -> &'static str {
        self.row().0
    }
    /// What it means for the proof.
    pub fn verdict(self) -> Verdict {
        self.row().1
    }
    /// What it means.
    pub fn means(self) -> &'static str {
        self.row().2
    }
    /// What to do about it.
    pub fn what_to_do(self) -> &'static str {
        self.row().3
    }

    fn row(self) -> (&'static str, Verdict, &'static str, &'static str) {
        use Verdict::{Incomplete, Invalid};
        match self {
            Self::NoDigests => (
                "NO DIGESTS",
                Incomplete,
                "AWS signed nothing about these logs, so nothing about them can be proved",
                "switch log file validation on (EnableLogFileValidation) and look for who switched it off",
            ),
            Self::DigestSignature => (
                "SIGNATURE FAILED",
                Invalid,
                "the digest is not what AWS signed: it, or its place, was changed",
                "take the digest from a replica or an earlier version of the object, and look in the bucket's access log for who wrote it",
            ),
            Self::KeyUnknown => (
                "KEY UNKNOWN",
                Invalid,
                "the digest names a key that AWS does not list for this region and time",
                "check that the keys are of this region and period; else somebody else signed it",
            ),
            Self::DigestFormat => (
                "DIGEST INVALID",
                Invalid,
                "the file lies where a digest should, and is none",
                "take the digest from a replica or an earlier version of the object",
            ),
            Self::DigestMoved => (
                "DIGEST MOVED",
                Invalid,
                "the digest says that it was delivered under another bucket or key",
                "name copies with --copy; in the bucket itself somebody put it there",
            ),
            Self::DigestMissing => (
                "DIGEST MISSING",
                Invalid,
                "a later digest names this one, so it was there and is gone",
                "restore it from a replica or an earlier version; find who deleted it (DeleteObject in data events)",
            ),
            Self::ChainBroken => (
                "CHAIN BROKEN",
                Invalid,
                "the digest is not the one that its successor was made after",
                "compare both with a replica; one of them was exchanged for another signed one",
            ),
            Self::OutOfChain => (
                "OUT OF CHAIN",
                Invalid,
                "later digests pass over this one, as if it had not been there",
                "look for who wrote it, and compare with a replica",
            ),
            Self::LogModified => (
                "LOG MODIFIED",
                Invalid,
                "the content is not what CloudTrail delivered",
                "take the file from a replica or an earlier version, and find who wrote this one",
            ),
            Self::LogMissing => (
                "LOG MISSING",
                Invalid,
                "CloudTrail delivered this log and it is gone",
                "restore it from a replica or an earlier version; find who deleted it, or which lifecycle rule",
            ),
            Self::LogFormat => (
                "LOG DAMAGED",
                Invalid,
                "the file is not the gzip file that CloudTrail delivered",
                "take the file from a replica or an earlier version",
            ),
            Self::LogUnreferenced => (
                "UNREFERENCED LOG",
                Invalid,
                "the file lies among the logs, and no digest of its time lists it: CloudTrail does not vouch for it",
                "find who wrote it; a second trail without validation in the same folder also does this",
            ),
            Self::LakeExtra => (
                "LAKE HOLDS MORE",
                Invalid,
                "the lake took in a log of this place that no digest lists",
                "look at its events (column object); find who wrote the file",
            ),
            Self::Gap => (
                "GAP",
                Incomplete,
                "no digest covers this time: the trail was off, or validation was",
                "find who stopped the trail (StopLogging, UpdateTrail); account for it with --excuses",
            ),
            Self::MissingTail => (
                "MISSING TAIL",
                Incomplete,
                "CloudTrail writes a digest every hour, also for an hour without events, and the newest are not here",
                "look whether the trail logs (GetTrailStatus), whether digests were deleted, whether a copy is behind",
            ),
            Self::HeadMissing => (
                "HEAD MISSING",
                Incomplete,
                "the oldest digest here names an earlier one that is not here",
                "name the beginning of the period with --since, or bring the earlier digests",
            ),
            Self::LogUncovered => (
                "LOG UNCOVERED",
                Incomplete,
                "the log is there, and the digest that would prove it is missing or invalid",
                "restore the digest of its hour",
            ),
            Self::LakeMissing => (
                "LAKE HOLDS LESS",
                Incomplete,
                "the log is proved, and the lake has not taken it in",
                "watchkeeper ingest reads it; complaints tell why it was left out",
            ),
            Self::SignatureNotHeld => (
                "SIGNATURE NOT HELD",
                Incomplete,
                "the copy has no signature for this digest: it lies in the metadata of the object in S3",
                "keep `aws s3api head-object` beside it as NAME.metadata.json, name --metadata, or add the digest that follows it",
            ),
            Self::NoKeys => (
                "NO KEYS",
                Incomplete,
                "without AWS's public keys no signature can be verified",
                "allow cloudtrail:ListPublicKeys, or name a file with its answer as --keys",
            ),
            Self::Unreadable => (
                "NOT READ",
                Incomplete,
                "it could not be read, so nothing is said of it",
                "see the reason; allow s3:GetObject, s3:ListBucket and kms:Decrypt to the reader",
            ),
            Self::Limit => (
                "LIMIT REACHED",
                Incomplete,
                "there is more than one run looks at",
                "verify a shorter period, or fewer accounts at a time",
            ),
        }
    }
}
