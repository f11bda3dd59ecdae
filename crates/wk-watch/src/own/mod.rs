//! What is ours: accounts, addresses by which they go out, and which host has which of them; from
//! what AWS answered to our own inventory, and from items of AWS Config that are in the lake.
//!
//! * Nothing is ours because it was seen in use: whoever stole the credentials of a host would make
//!   his address an own one by using them. Only what AWS says of its configuration counts.
//! * Everything says from where and of when it is. What nobody confirmed for too long is not used.
//! * Pure: the caller brings captures and items, and keeps what came of them.

mod gather;

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wk_model::{Sha256, Timestamp};

pub use gather::{CONFIG_TYPES, ConfigItem, Gathering, QUESTIONS};

use crate::lists::{Entry, Format, Kind, Loaded, State, Value};

/// What is ours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// When it was put together.
    pub gathered_at: Timestamp,
    /// Accounts.
    pub accounts: BTreeMap<String, Origin>,
    /// Organisations: `o-…`.
    pub organizations: BTreeMap<String, Origin>,
    /// Addresses by which we go out.
    pub addresses: BTreeMap<IpAddr, Origin>,
    /// Hosts, by their ids: `i-…`.
    pub hosts: BTreeMap<String, Host>,
    /// What could not be told, and why.
    pub blind: Vec<String>,
}

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The question of the inventory (`ec2:DescribeAddresses`) or the type of resource of AWS Config
    /// (`AWS::EC2::EIP`).
    pub by: String,
    /// The capture, or the resource of the item.
    pub evidence: String,
    /// Of when it is.
    pub at: Timestamp,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The account it is in.
    pub account: String,
    /// The region it is in.
    pub region: String,
    /// The instance profile by which it has a role.
    pub profile: Option<String>,
    /// The network it stands in.
    pub network: Option<String>,
    /// When it was started last: before, its addresses may have been others.
    pub started: Option<Timestamp>,
    /// Public addresses by which it goes out: its own, and those of the NAT gateways of its network.
    pub addresses: BTreeSet<IpAddr>,
    /// Who says so.
    pub origin: Origin,
}

/// Whose a source address is, seen from the host whose credentials were used from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The host's own, or of a NAT gateway of its network.
    Own,
    /// Another one of ours.
    Ours,
    /// Neither.
    Foreign,
}

impl Home {
    /// Its word in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Ours => "ours",
            Self::Foreign => "foreign",
        }
    }
}

/// What is not confirmed for longer is not used, unless the configuration says otherwise.
pub const MAX_AGE_HOURS: u32 = 72;
const HOUR_SECONDS: i64 = 3_600;
const NOT_CONFIRMED: &str = "nobody confirmed it for too long";

impl Own {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.organizations.is_empty()
            && self.addresses.is_empty()
            && self.hosts.is_empty()
    }

    /// Whose address that was at that time, seen from a host; without a time, when that was put
    /// together. Nothing where it cannot be told: the host or its way out is not known, it was started
    /// later, or what is known of it is too old.
    pub fn home(
        &self,
        host: &str,
        address: IpAddr,
        at: Option<Timestamp>,
        aged: Aged,
    ) -> Option<Home> {
        let host = self.hosts.get(host)?;
        let at = at.unwrap_or(host.origin.at);
        let started_later = host.started.is_some_and(|started| at < started);
        if started_later || at > host.origin.at.plus_seconds(aged.seconds()) || is_inside(address) {
            return None;
        }
        if host.addresses.contains(&address) {
            return Some(Home::Own);
        }
        if self.addresses.contains_key(&address) {
            return Some(Home::Ours);
        }
        (!host.addresses.is_empty()).then_some(Home::Foreign)
    }

    /// Hash of the hosts and their addresses, whoever says so: 16 hexadecimal digits.
    pub fn version_of_hosts(&self) -> String {
        let mut said = String::new();
        for (id, host) in &self.hosts {
            let started = host.started.map_or(0, Timestamp::micros);
            said.extend([id.as_str(), " ", &started.to_string()]);
            host.addresses.iter().for_each(|address| said.extend([" ", &address.to_string()]));
            said.push('\n');
        }
        Sha256::of(said.as_bytes()).short()
    }

    /// The lists that rules see: `own_accounts`, `own_addresses`, `own_organizations`.
    pub fn lists(&self, now: Timestamp, aged: Aged) -> Vec<Loaded> {
        let mut lists = Vec::new();
        let text = |(id, origin): (&String, &Origin)| (Value::Text(id.clone()), origin.clone());
        lists.extend(list("own_accounts", Kind::Text, self.accounts.iter().map(text), now, None));
        let networks = self.addresses.iter().filter_map(|(address, origin)| {
            let network = Value::read(Kind::Address, &address.to_string()).ok()?;
            Some((network, origin.clone()))
        });
        lists.extend(list("own_addresses", Kind::Address, networks, now, Some(aged)));
        let ids = self.organizations.iter().map(text);
        lists.extend(list("own_organizations", Kind::Text, ids, now, None));
        lists
    }
}

/// How old what is known may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aged {
    /// In hours.
    pub hours_max: u32,
}

impl Default for Aged {
    fn default() -> Self {
        Self { hours_max: MAX_AGE_HOURS }
    }
}

impl Aged {
    fn seconds(self) -> i64 {
        i64::from(self.hours_max) * HOUR_SECONDS
    }
}

/// An address of a network, which says nothing of where it goes out.
fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let carrier = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || carrier
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// A list of what is ours; none where nothing is known. With `aged`, what is older is left out.
fn list(
    name: &str,
    kind: Kind,
    values: impl Iterator<Item = (Value, Origin)>,
    now: Timestamp,
    aged: Option<Aged>,
) -> Option<Loaded> {
    let (mut entries, mut left_out, mut oldest) = (Vec::new(), 0_u64, now);
    let mut said = String::new();
    for (value, origin) in values {
        let old = |aged: Aged| origin.at.plus_seconds(aged.seconds()) < now;
        if aged.is_some_and(old) {
            left_out += 1;
            continue;
        }
        oldest = oldest.min(origin.at);
        said.push_str(&format_value(&value));
        entries.push(Entry { value, expires: None, reference: Some(origin.evidence) });
    }
    if entries.is_empty() && left_out == 0 {
        return None;
    }
    let counts = [(NOT_CONFIRMED, left_out)].into_iter().filter(|(_, n)| *n > 0);
    Some(Loaded {
        name: name.to_owned(),
        source: "this lake: own inventory and AWS Config".to_owned(),
        format: Format::Lake,
        kind,
        taken_at: oldest,
        age_hours: now.seconds().saturating_sub(oldest.seconds()) / HOUR_SECONDS,
        state: if entries.is_empty() { State::Expired } else { State::Fresh },
        version: Sha256::of(said.as_bytes()).short(),
        entries,
        left_out: Vec::new(),
        left_out_count: counts.collect(),
    })
}

fn format_value(value: &Value) -> String {
    match value {
        Value::Network(network) => format!("{network}\n"),
        Value::Domain(text) | Value::Text(text) => format!("{text}\n"),
    }
}

#[cfg(test)]
mod tests;
