//! What the stand-in knows: accounts, who may enter them, and what lies in their regions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wk_model::Timestamp;

use crate::faults::Faults;

/// Everything.
#[derive(Debug, Default)]
pub struct World {
    /// Accounts by number.
    pub accounts: BTreeMap<String, Account>,
    /// The organisation's accounts in order, the management account first; none: there is none.
    pub organization: Vec<String>,
    /// Elements of a page of a list.
    pub page_size: usize,
    /// What is denied: account and IAM action.
    pub denied: BTreeSet<(String, String)>,
    /// For so many further reads, a queue's attributes are those from before.
    pub stale_reads: u32,
    pub(crate) principals: BTreeMap<String, Principal>,
    pub(crate) faults: Faults,
    pub(crate) minted: u64,
}

/// An account.
#[derive(Debug, Default)]
pub struct Account {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Regions that are switched on, with what lies there.
    pub regions: BTreeMap<String, Here>,
}

/// A role.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// The account that may assume it.
    pub trusted: String,
    /// What its trust asks for.
    pub external_id: Option<String>,
}

/// What lies in a region of an account.
#[derive(Debug, Default)]
pub struct Here {
    /// Trails whose home this is.
    pub trails: Vec<Trail>,
    /// GuardDuty's detectors: id and status.
    pub detectors: Vec<(String, String)>,
    /// AWS Config's recorders: name, and whether it records.
    pub recorders: Vec<(String, bool)>,
    /// Whether Security Hub is on.
    pub hub: bool,
    /// Networks.
    pub vpcs: Vec<String>,
    /// Flow logs: id, resource, delivery status.
    pub flow_logs: Vec<(String, String, String)>,
    /// KMS keys: ARN and state.
    pub keys: BTreeMap<String, String>,
    /// Queues by name.
    pub queues: BTreeMap<String, Vec<Queued>>,
    /// Log groups with their events as FilterLogEvents tells them.
    pub log_groups: BTreeMap<String, Vec<Value>>,
    /// What was published: topic or telephone, and message.
    pub published: Vec<(String, String)>,
}

/// A trail.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// Its name.
    pub name: String,
    /// Its bucket.
    pub bucket: String,
    /// Whether it logs.
    pub logging: bool,
    /// Its last delivery.
    pub delivered: Option<Timestamp>,
    /// Whether it delivers digests.
    pub digests: bool,
    /// Its KMS key.
    pub key: Option<String>,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// What it says.
    pub body: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// How often it was delivered.
    pub deliveries: u32,
    /// Until when nobody sees it.
    pub hidden_until: Timestamp,
    /// Its number in the queue.
    pub number: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Principal {
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) ends: Option<Timestamp>,
    pub(crate) account: String,
    pub(crate) arn: String,
}

impl World {
    /// Accounts of an organisation, each with these regions, and in each a role that the first one
    /// may assume; and keys for a user of the first.
    pub fn organization(
        accounts: &[&str],
        regions: &[&str],
        role: &str,
        external_id: &str,
    ) -> Self {
        let first = accounts.first().copied().unwrap_or_default();
        let account = || Account {
            roles: BTreeMap::from([(
                role.to_owned(),
                Role { trusted: first.to_owned(), external_id: Some(external_id.to_owned()) },
            )]),
            regions: regions.iter().map(|r| ((*r).to_owned(), Here::default())).collect(),
        };
        let mut world = Self {
            accounts: accounts.iter().map(|a| ((*a).to_owned(), account())).collect(),
            organization: accounts.iter().map(|a| (*a).to_owned()).collect(),
            page_size: 2,
            ..Self::default()
        };
        world.user(first, "AKIAEXAMPLE", "example");
        world
    }

    /// Gives a user of an account these keys.
    pub fn user(&mut self, account: &str, access_key: &str, secret: &str) {
        let principal = Principal {
            secret: secret.to_owned(),
            token: None,
            ends: None,
            account: account.to_owned(),
            arn: format!("arn:aws:iam::{account}:user/watchkeeper"),
        };
        self.principals.insert(access_key.to_owned(), principal);
    }

    /// Denies an action in an account.
    pub fn deny(&mut self, account: &str, action: &str) {
        self.denied.insert((account.to_owned(), action.to_owned()));
    }

    /// What lies in a region of an account, made if it was not switched on.
    pub fn here(&mut self, account: &str, region: &str) -> &mut Here {
        let account = self.accounts.entry(account.to_owned()).or_default();
        account.regions.entry(region.to_owned()).or_default()
    }

    pub(crate) fn principal(&self, access_key: &str) -> Option<&Principal> {
        self.principals.get(access_key)
    }

    /// A number that was not given out before.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.minted += 1;
        self.minted
    }

    /// A page of a list from a token, and the token of the next.
    pub(crate) fn page<T: Clone>(
        &self,
        all: &[T],
        token: Option<&str>,
    ) -> (Vec<T>, Option<String>) {
        let from = token.and_then(|t| t.strip_prefix("from-")?.parse().ok()).unwrap_or(0_usize);
        let size = self.page_size.max(1);
        let page: Vec<T> = all.iter().skip(from).take(size).cloned().collect();
        let next = (from + size < all.len()).then(|| format!("from-{}", from + size));
        (page, next)
    }
}

impl Here {
    /// Puts a message into a queue.
    pub fn send(&mut self, queue: &str, body: &str, now: Timestamp) {
        let messages = self.queues.entry(queue.to_owned()).or_default();
        let number = messages.last().map_or(0, |last| last.number + 1);
        messages.push(Queued {
            body: body.to_owned(),
            sent: now,
            deliveries: 0,
            hidden_until: now,
            number,
        });
    }
}
