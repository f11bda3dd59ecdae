//! What of AWS can be reached from here, what is denied, what is stale.
//!
//! * Each subject is one file: the calls that it makes, and how their answers are judged.
//! * "Denied" is never told as "there is none", and a list with an end that was not reached is
//!   never told as the whole.
//! * Nothing is changed anywhere.

mod config_recorders;
mod detectors;
mod flow_logs;
mod hubs;
mod identity;
mod keys;
mod organization;
mod places;
mod regions;
mod trails;
mod verdict;

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use wk_model::{AccountId, Timestamp};
use wk_seam::aws::{AwsRead, Call as _, Operation, Target};

pub use places::{Measured, PRICES, Places, Price, cost};
pub use trails::Bucket;
pub use verdict::{Line, Verdict};

/// Regions that are looked at at the same time.
const REGIONS_AT_ONCE: usize = 6;

/// What is examined, and by what means.
pub struct Doctor {
    /// The way to AWS.
    pub aws: Arc<dyn AwsRead>,
    /// The way to buckets.
    pub places: Arc<dyn Places>,
    /// What time it is.
    pub now: Timestamp,
    /// Only these regions; none are all that the account has switched on.
    pub regions: Vec<String>,
    /// The region of calls that name none.
    pub home_region: Option<String>,
    /// Whether a role is set up by which other accounts are entered.
    pub enters_accounts: bool,
    /// Accounts to examine besides our own. They are entered by the role.
    pub accounts: Vec<AccountId>,
    /// Objects that are listed of each bucket before its size counts as "at least".
    pub objects_max: u64,
}

/// Everything that is asked of AWS, for the least privilege.
pub const OPERATIONS: &[&Operation] = &[
    config_recorders::DescribeRecorders::OPERATION,
    config_recorders::DescribeStatus::OPERATION,
    detectors::GetDetector::OPERATION,
    detectors::ListDetectors::OPERATION,
    flow_logs::DescribeFlowLogs::OPERATION,
    flow_logs::DescribeVpcs::OPERATION,
    hubs::DescribeHub::OPERATION,
    identity::GetCallerIdentity::OPERATION,
    keys::DescribeKey::OPERATION,
    organization::DescribeOrganization::OPERATION,
    organization::ListAccounts::OPERATION,
    organization::ListDelegatedAdministrators::OPERATION,
    regions::DescribeRegions::OPERATION,
    trails::DescribeTrails::OPERATION,
    trails::GetTrailStatus::OPERATION,
];

impl Doctor {
    /// Examines everything; the lines come in the order in which a person reads them.
    pub async fn examine(&self) -> Vec<Line> {
        let (mut lines, known) = identity::examine(self.aws.as_ref()).await;
        if !known {
            // Whoever is nobody is denied everything; a hundred lines would say the same.
            return lines;
        }
        let (told, members) = organization::examine(self.aws.as_ref()).await;
        lines.extend(told);
        if self.enters_accounts {
            lines.extend(identity::enter(self.aws.as_ref(), &members).await);
        }
        let mut found = Vec::new();
        lines.extend(self.examine_account(None, &mut found).await);
        for account in &self.accounts {
            lines.extend(self.examine_account(Some(account), &mut found).await);
        }
        lines.extend(self.examine_buckets(found).await);
        lines
    }

    async fn examine_account(
        &self,
        account: Option<&AccountId>,
        buckets: &mut Vec<Bucket>,
    ) -> Vec<Line> {
        let base = Target { account: account.cloned(), region: self.home_region.clone() };
        let (mut lines, regions) = regions::find(self.aws.as_ref(), &base, &self.regions).await;
        let targets =
            regions.into_iter().map(|region| Target { region: Some(region), ..base.clone() });
        let examined: Vec<Examined> = stream::iter(targets)
            .map(|target| self.examine_region(target))
            .buffered(REGIONS_AT_ONCE)
            .collect()
            .await;
        let has_trail = examined.iter().any(|one| one.trails > 0);
        let sees_trails = examined.iter().all(|one| one.sees_trails);
        lines.extend(trails::none_at_all(&base, has_trail, sees_trails));
        for one in examined {
            lines.extend(one.lines);
            buckets.extend(one.buckets);
        }
        lines
    }

    async fn examine_region(&self, target: Target) -> Examined {
        let aws = self.aws.as_ref();
        let mut examined = trails::examine(aws, &target, self.now).await;
        for key in std::mem::take(&mut examined.keys) {
            examined.lines.push(keys::examine(aws, &target, &key).await);
        }
        examined.lines.extend(detectors::examine(aws, &target).await);
        examined.lines.extend(config_recorders::examine(aws, &target).await);
        examined.lines.push(hubs::examine(aws, &target).await);
        examined.lines.extend(flow_logs::examine(aws, &target).await);
        examined
    }

    async fn examine_buckets(&self, mut buckets: Vec<Bucket>) -> Vec<Line> {
        buckets.sort();
        buckets.dedup();
        let mut lines = Vec::new();
        for bucket in buckets {
            let measured = self.places.measure(&bucket, self.objects_max).await;
            lines.extend(places::judge(&bucket, measured, self.now));
        }
        lines
    }
}

/// What one region showed.
#[derive(Default)]
struct Examined {
    lines: Vec<Line>,
    trails: usize,
    /// Whether trails could be listed at all.
    sees_trails: bool,
    buckets: Vec<Bucket>,
    keys: Vec<String>,
}
