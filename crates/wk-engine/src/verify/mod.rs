//! Proves CloudTrail's logs by its digests: in the bucket where they were delivered, or in a copy.
//!
//! * Every account, region and trail below a place is found and walked on its own, in the order of
//!   time, each digest read once; what is asked of memory does not grow with the period.
//! * What could not be read is told as that, and never taken for proved or for wrong.
//! * A walk begins after the last digest that an earlier one proved, whose content is compared again.

mod days;
mod find;
mod keys;
mod lake;
mod logs;
mod opener;
mod report;
mod strays;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use wk_model::Timestamp;
use wk_seam::Answer;
use wk_seam::aws::{Call as _, Operation};
use wk_seam::clock::Clock;
use wk_seam::ledger::Ledger;
use wk_seam::objects::{Bucket, Unpack};
use wk_watch::digest::{Cover, Excuse, Held, Kind, Problem, RsaVerify};

pub use keys::{AwsKeys, FileKeys, Keys};
pub use logs::metadata_of;
pub use report::{ChainReport, Counts, HourDifference, LakeCounts, Report};

/// Everything that is asked of AWS, for the least privilege.
pub const OPERATIONS: &[&Operation] = &[keys::ListPublicKeys::OPERATION];

/// Names of logs that are kept to find those that nobody lists: 16 bytes each.
const NAMES_MAX: usize = 20_000_000;

/// What is verified, and by what means.
pub struct Verify {
    /// The bucket, or a folder that stands for one.
    pub bucket: Arc<dyn Bucket>,
    /// What stands before every key in the names of objects: `s3://bucket/` or a folder with its slash.
    pub address: String,
    /// The beginning of the keys that are looked at; empty, or with a slash at its end.
    pub prefix: String,
    /// The bucket's name, if digests have to lie where AWS delivered them; none for a copy.
    pub original: Option<String>,
    /// Metadata of objects that did not come with them, by the name of the file.
    pub metadata: BTreeMap<String, Vec<(String, String)>>,
    /// AWS's public keys.
    pub keys: Arc<dyn Keys>,
    /// Verifies a signature.
    pub rsa: RsaVerify,
    /// Takes gzip apart.
    pub unpack: fn() -> Box<dyn Unpack>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What the lake has taken in; none if it is not to be compared.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// Which part is verified.
    pub scope: Scope,
    /// The last digest that was proved, by the name of its chain.
    pub past: BTreeMap<String, Held>,
}

/// Which part is verified.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// From when; none is where the chain begins, or where the last run ended.
    pub since: Option<Timestamp>,
    /// Until when; none is now.
    pub until: Option<Timestamp>,
    /// Only these accounts; none are all.
    pub accounts: Vec<String>,
    /// Only these regions; none are all.
    pub regions: Vec<String>,
    /// How long after its end a digest may come.
    pub grace_seconds: i64,
    /// Gaps that somebody accounts for.
    pub excuses: Vec<Excuse>,
}

/// How far a run is, for whoever waits.
#[derive(Debug, Default)]
pub struct Progress {
    /// Chains that were found.
    pub chains: AtomicU64,
    /// Digests that were read.
    pub digests: AtomicU64,
    /// Logs that were read.
    pub logs: AtomicU64,
}

/// What a run keeps while it walks.
struct Run<'a> {
    verify: &'a Verify,
    progress: &'a Progress,
    now: Timestamp,
    opener: Arc<opener::Opener>,
    days: days::Days,
    report: Report,
    /// Names of the logs that proved digests list.
    names: HashSet<u128>,
    /// Names of the logs that lie there and that no digest lists.
    unreferenced: HashSet<u128>,
    /// What was proved, by account and region.
    proved: BTreeMap<(String, String), Proved>,
    /// Logs that the lake does not hold under their identity, by name; and how many more.
    absent: BTreeMap<u128, lake::Absent>,
    absent_more: u64,
    /// For chains with such logs: what was proved before the first of them.
    before_absent: BTreeMap<String, Option<Held>>,
    lake: LakeCounts,
}

/// What the walks of a region's chains proved, to judge its logs by.
#[derive(Default)]
struct Proved {
    cover: Cover,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Verify {
    /// Verifies everything that is in scope.
    ///
    /// # Errors
    /// If the place or the ledger cannot be read; what is wrong with logs is in the report.
    pub async fn run(&self, progress: &Progress) -> Answer<Report> {
        let mut run = Run {
            verify: self,
            progress,
            now: self.clock.now().floor_to(1),
            opener: Arc::new(opener::Opener::new(self.unpack, self.original.is_none())),
            days: days::Days::new(self.bucket.clone()),
            report: Report::default(),
            names: HashSet::new(),
            unreferenced: HashSet::new(),
            proved: BTreeMap::new(),
            absent: BTreeMap::new(),
            absent_more: 0,
            before_absent: BTreeMap::new(),
            lake: LakeCounts::default(),
        };
        let trees = find::trees(self).await?;
        for tree in &trees {
            run.region(tree).await?;
        }
        if run.report.chains.is_empty() && run.report.problems.is_empty() {
            let says = "nothing below this place is a digest file".to_owned();
            run.wrong(Kind::NoDigests, ("", ""), self.at(&self.prefix), says);
        }
        run.against_the_lake().await?;
        run.report.names_full = run.names.len() >= NAMES_MAX;
        if run.report.names_full {
            let says = format!(
                "more than {NAMES_MAX} logs: those that nobody lists were not all looked for"
            );
            run.wrong(Kind::Limit, ("", ""), self.at(&self.prefix), says);
        }
        Ok(run.report)
    }

    /// What an object's name is in full.
    fn at(&self, key: &str) -> String {
        format!("{}{key}", self.address)
    }
}

impl Run<'_> {
    /// Walks every chain of an account and region, then looks at the logs beside them.
    async fn region(&mut self, tree: &find::Tree) -> Answer<()> {
        let place = (tree.account.as_str(), tree.region.as_str());
        let chains = self.chains_of(tree).await?;
        if chains.is_empty() {
            let says = "there are logs and no digests".to_owned();
            self.wrong(Kind::NoDigests, place, self.verify.at(&tree.logs()), says);
            return Ok(());
        }
        let mut proved = Proved::default();
        let mut filled: BTreeMap<(String, String), Cover> = BTreeMap::new();
        // Those that AWS made later come first: they fill the gaps of the others.
        for chain in chains {
            let trail = (chain.name.trail.clone(), chain.name.home.clone());
            let walked = self.walk(tree, &chain, filled.get(&trail)).await?;
            if chain.name.backfill {
                filled.entry(trail).or_default().add_all(&walked.cover);
            }
            proved.cover.add_all(&walked.cover);
            proved.from = [proved.from, walked.from].into_iter().flatten().min();
            proved.until = proved.until.max(walked.until);
        }
        self.strays(tree, &proved).await?;
        let all = self.proved.entry((tree.account.clone(), tree.region.clone())).or_default();
        all.cover.add_all(&proved.cover);
        all.from = [all.from, proved.from].into_iter().flatten().min();
        all.until = all.until.max(proved.until);
        Ok(())
    }

    fn wrong(&mut self, kind: Kind, place: (&str, &str), subject: String, says: String) {
        self.report.add(Problem {
            kind,
            account: place.0.to_owned(),
            region: place.1.to_owned(),
            subject,
            from: None,
            until: None,
            says,
        });
    }

    /// Remembers the name of a log that a digest lists.
    fn remember(&mut self, key: &str) {
        if self.names.len() < NAMES_MAX {
            self.names.insert(name_hash(key));
        }
    }
}

/// A log's name in sixteen bytes. Names hold account, region, time and sixteen random letters.
fn name_hash(key: &str) -> u128 {
    let digest = wk_model::Sha256::of(wk_watch::digest::file_name(key).as_bytes());
    let mut half = [0u8; 16];
    half.copy_from_slice(&digest.0[..16]);
    u128::from_be_bytes(half)
}

#[cfg(test)]
mod tests;
