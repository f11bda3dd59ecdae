//! The walk over accounts and regions that asks what the inventory lists.
//!
//! * Every question leaves a capture, whatever came of it: denied and failed are data.
//! * What is caught is kept at once; a walk that was killed goes on, and asks again only what failed.
//! * The client repeats, waits and follows pages; here only the order is decided.
//! * Nothing is changed anywhere.

mod caught;
mod slice;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use wk_model::capture::{GLOBAL, Outcome};
use wk_model::{AccountId, Capture};
use wk_seam::aws::{AwsRead, Target};
use wk_seam::clock::Clock;
use wk_seam::shelf::Shelf;
use wk_seam::{Answer, Failure};
use wk_watch::inventory::{Fan, Item, items};
use wk_watch::posture::members::{first_list, text, word};

use slice::Slice;

/// Regions of an account that are walked at the same time.
const REGIONS_AT_ONCE: usize = 4;
const IDENTITY: &str = "sts:GetCallerIdentity";
const REGIONS: &str = "ec2:DescribeRegions";

/// What is walked, and by what means.
pub struct Walk {
    /// The way to AWS.
    pub aws: Arc<dyn AwsRead>,
    /// Where captures are kept.
    pub shelf: Arc<dyn Shelf>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The walk's name.
    pub run: String,
    /// Accounts besides our own; they are entered by the role.
    pub accounts: Vec<AccountId>,
    /// Our own account is walked only if it is among them; who we are there is asked always.
    pub only_accounts: bool,
    /// Only these regions; none are all that each account has switched on.
    pub regions: Vec<String>,
    /// The region in which what is one for an account is asked.
    pub home_region: String,
    /// Only questions to these services; none are all.
    pub services: Vec<String>,
}

/// How far a walk is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Questions that were asked.
    pub asked: AtomicU64,
    /// Questions that were answered by an earlier, interrupted part of the walk.
    pub known: AtomicU64,
    /// Regions that are done.
    pub regions: AtomicU64,
}

/// What a walk caught.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// Accounts that were entered.
    pub accounts: Vec<String>,
    /// Accounts that were not, and why.
    pub not_entered: Vec<(String, String)>,
    /// Regions of every account, counted.
    pub regions: u64,
    /// Captures by how they ended.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The first questions that were denied, failed or answered in part, and why.
    pub blind: Vec<String>,
    /// Further ones.
    pub blind_more: u64,
}

/// How many blind questions are told by name.
const BLIND_MAX: usize = 1_000;

impl Walk {
    /// Walks everything.
    ///
    /// # Errors
    /// If captures cannot be kept, or nobody knows who we are.
    pub async fn run(&self, progress: &Progress) -> Answer<Walked> {
        let mut walked = Walked::default();
        let own = self.enter(None, progress).await?;
        let Some(own) = own.filter(|one| one.entered) else {
            return Err(Failure::new(
                "walk the accounts",
                "nobody knows who we are there: watchkeeper doctor says why",
            ));
        };
        let others = self.accounts.iter().filter(|id| id.as_str() != own.id);
        let others: Vec<AccountId> = others.cloned().collect();
        if !self.only_accounts || others.len() < self.accounts.len() {
            self.account(own, progress, &mut walked).await?;
        }
        for id in others {
            if let Some(one) = self.enter(Some(id), progress).await? {
                self.account(one, progress, &mut walked).await?;
            }
        }
        Ok(walked)
    }

    /// Asks who we are in an account; the capture is the first of its slice.
    async fn enter(
        &self,
        account: Option<AccountId>,
        progress: &Progress,
    ) -> Answer<Option<Entered>> {
        let Some(item) = items().find(|item| item.is(IDENTITY)) else { return Ok(None) };
        let target = Target { account: account.clone(), region: Some(self.home_region.clone()) };
        let said = caught::ask(self, item, &json!({}), &target).await;
        progress.asked.fetch_add(1, Ordering::Relaxed);
        let page = said.pages.first();
        let told = page.and_then(|page| text(page, "Account")).map(str::to_owned);
        let id = match (told, &account) {
            (Some(told), Some(wanted)) if told != wanted.as_str() => {
                return Err(Failure::new(
                    format!("enter account {wanted}"),
                    format!("the role there is one of account {told}"),
                ));
            }
            (Some(told), _) => told,
            (None, Some(wanted)) => wanted.to_string(),
            (None, None) => return Ok(None),
        };
        let principal = page.map(|page| word(page, "Arn").to_owned()).unwrap_or_default();
        let entered = said.outcome == Outcome::Answered;
        let who = Who { account, id: id.clone(), principal };
        let mut slice = Slice::open(self, &who, GLOBAL, &self.home_region).await?;
        slice.take_first(item, said).await?;
        let why = slice.captures().first().and_then(|c| c.reason.clone());
        Ok(Some(Entered { id, who, entered, why: why.unwrap_or_default(), slice }))
    }

    async fn account(
        &self,
        mut one: Entered,
        progress: &Progress,
        walked: &mut Walked,
    ) -> Answer<()> {
        if !one.entered {
            walked.count(one.slice.captures());
            walked.not_entered.push((one.id, one.why));
            return Ok(());
        }
        walked.accounts.push(one.id.clone());
        one.slice.ask_all(self, Fan::Account, progress).await?;
        let regions = self.regions_of(one.slice.captures());
        walked.count(one.slice.captures());
        let who = &one.who;
        let done: Vec<Vec<Capture>> = stream::iter(regions)
            .map(|region| async move {
                let mut slice = Slice::open(self, who, &region, &region).await?;
                slice.ask_all(self, Fan::Region, progress).await?;
                progress.regions.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Failure>(slice.into_captures())
            })
            .buffered(REGIONS_AT_ONCE)
            .try_collect()
            .await?;
        for captures in &done {
            walked.regions += 1;
            walked.count(captures);
        }
        Ok(())
    }

    /// The regions to walk: those asked for that the account has switched on, else all that it has.
    /// Where that is not told, those asked for, else the home region: the refusal is a capture.
    fn regions_of(&self, captures: &[Capture]) -> Vec<String> {
        let pages = captures.iter().filter(|c| c.key() == REGIONS).flat_map(|c| &c.answer);
        let told = pages.flat_map(|page| first_list(page, &["Regions", "regionInfo"]));
        let mut on: Vec<String> =
            told.filter_map(|region| text(region, "RegionName")).map(str::to_owned).collect();
        if on.is_empty() {
            on = self.regions.clone();
            if on.is_empty() {
                on.push(self.home_region.clone());
            }
        } else if !self.regions.is_empty() {
            on.retain(|region| self.regions.contains(region));
        }
        on.sort();
        on.dedup();
        on
    }

    /// Whether a question is one of those that are to be asked. Who we are, where, and in which
    /// organization is asked always.
    fn wants(&self, item: &Item) -> bool {
        let always = ["sts", "organizations"].contains(&item.operation.service) || item.is(REGIONS);
        always
            || self.services.is_empty()
            || self.services.iter().any(|service| service == item.operation.service)
    }
}

/// Who we are in an account.
struct Who {
    /// The account as calls name it; none is our own.
    account: Option<AccountId>,
    id: String,
    principal: String,
}

/// An account that was entered, or tried.
struct Entered {
    id: String,
    who: Who,
    entered: bool,
    why: String,
    slice: Slice,
}

impl Walked {
    fn count(&mut self, captures: &[Capture]) {
        for capture in captures {
            *self.outcomes.entry(capture.outcome.as_str()).or_default() += 1;
            if matches!(capture.outcome, Outcome::Answered | Outcome::Absent) {
                continue;
            }
            if self.blind.len() < BLIND_MAX {
                let reason = capture.reason.as_deref().unwrap_or_default();
                let (key, region, account) = (capture.key(), &capture.region, &capture.account);
                let how = capture.outcome.as_str();
                self.blind.push(format!("{key} in {region} of {account}: {how}: {reason}"));
            } else {
                self.blind_more += 1;
            }
        }
    }

    /// Whether everything was seen.
    pub fn is_whole(&self) -> bool {
        self.blind.is_empty() && self.not_entered.is_empty()
    }
}
