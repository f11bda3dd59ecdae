//! CloudTrail's log file validation: digest files, their signatures, and the chain they make.
//!
//! * Facts of AWS's format: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>.
//! * Says what is proved and what is not; reads no bucket, asks no clock, holds no key of its own.
//! * What a digest says is believed only after its signature: until then it is hostile text.

mod chain;
mod cover;
mod excuse;
mod file;
mod keys;
mod names;
mod problem;

pub use chain::{Chain, Held, Opened, RsaVerify, Step, judge_signature};
pub use cover::Cover;
pub use excuse::{Excuse, read_excuses};
pub use file::{BadDigest, Digest, LogFile, Previous};
pub use keys::{Key, Keyring, WhichKey, key_of};
pub use names::{DigestName, LogName, file_name};
pub use problem::{Kind, Problem, Verdict};
