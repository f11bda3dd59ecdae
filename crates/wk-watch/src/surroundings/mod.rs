//! What is known around a record, as fields that rules can ask: `wk.source.country`,
//! `wk.session.instance`, `wk.domain.entropy` ([`FIELDS`]).
//!
//! * They are worked out when they are asked, once for each record. Where no rule asks for one, no
//!   record is looked at in this way.
//! * What cannot be known (no database, no address) is an absent field, as in any record.
//! * A member `wk` that somebody wrote into a record is never taken for one of them.

mod asks;
mod field;
mod names;
mod record;

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use wk_model::Timestamp;

pub(crate) use asks::Asks;
use field::Asked;
pub use field::{FIELDS, Known, PREFIX, is_unknown};
pub(crate) use field::{Names, is_ours, unknown_fields};
pub use names::{Domain, Session};
pub(crate) use record::{InSurroundings, as_json};

use crate::lists::{AddressSet, Loaded, Value};
use crate::own::{Aged, Home, Own};
use crate::places::{Place, Places};
use crate::sources::Settings;

/// Places and lists.
#[derive(Default)]
pub struct Surroundings {
    places: Places,
    addresses: BTreeMap<String, AddressSet>,
    /// The lists, by domain.
    domains: BTreeMap<String, Vec<String>>,
    /// Which hosts are ours.
    own: Own,
    aged: Aged,
    /// Which lists there are, a line each.
    text: String,
    /// By which a record is read of which no row is at hand.
    settings: Settings,
}

/// The list of addresses by which we go out.
const OWN_ADDRESSES: &str = "own_addresses";
/// A list, as far as what rules find depends on it.
fn line(list: &Loaded) -> String {
    format!("{}: {} entries of version {}\n", list.name, list.entries.len(), list.version)
}

/// Labels of a name whose parents are looked for, at most.
const LABELS_MAX: usize = 32;

impl Surroundings {
    /// Nothing is known.
    pub fn none() -> Self {
        Self::default()
    }

    /// What these databases and lists say.
    pub fn new(places: Places, lists: &[Loaded]) -> Self {
        let mut networks: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let mut domains: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for list in lists {
            for entry in &list.entries {
                match &entry.value {
                    Value::Network(network) => {
                        networks.entry(list.name.clone()).or_default().push(*network);
                    }
                    Value::Domain(domain) => {
                        let on = domains.entry(domain.clone()).or_default();
                        if !on.contains(&list.name) {
                            on.push(list.name.clone());
                        }
                    }
                    Value::Text(_) => {}
                }
            }
        }
        let addresses = networks.into_iter();
        let addresses = addresses.map(|(name, all)| (name, AddressSet::of(all.iter()))).collect();
        let mut lines: Vec<String> = lists.iter().map(line).collect();
        lines.sort_unstable();
        Self { places, addresses, domains, text: lines.concat(), ..Self::default() }
    }

    /// Which lists there are and which content they have, a line each; empty where there are none. What
    /// rules find depends on it.
    pub fn lists_text(&self) -> &str {
        &self.text
    }

    /// The same, and what is ours.
    pub fn with_own(self, own: Own, aged: Aged) -> Self {
        let mut text = self.text;
        if !own.hosts.is_empty() {
            let version = own.version_of_hosts();
            let line = format!("hosts: {} of version {version}\n", own.hosts.len());
            text.push_str(&line);
        }
        Self { own, aged, text, ..self }
    }

    /// The databases.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Whether anything could answer the field.
    pub(crate) fn answers(&self, known: &Known) -> bool {
        match known.asked {
            Asked::SourceCountry
            | Asked::SourceAsn
            | Asked::SourceAsName
            | Asked::SourcePosition => !self.places.is_empty(),
            Asked::SourceLists => !self.addresses.is_empty(),
            Asked::DomainLists => !self.domains.is_empty(),
            Asked::SessionHome => !self.own.hosts.is_empty(),
            Asked::DomainEntropy
            | Asked::DomainLabelBytes
            | Asked::DomainName
            | Asked::DomainRegistered
            | Asked::PolicyAdmin
            | Asked::SessionInstance
            | Asked::SessionName
            | Asked::SessionRole
            | Asked::SourcePrivate
            | Asked::SourceService => true,
        }
    }

    /// Whose an address was at a time, or is now, seen from a host of ours.
    fn home(&self, host: &str, address: IpAddr, at: Option<Timestamp>) -> Option<Home> {
        let home = self.own.home(host, address, at, self.aged)?;
        let listed = || self.addresses.get(OWN_ADDRESSES).is_some_and(|own| own.contains(address));
        Some(if home == Home::Foreign && listed() { Home::Ours } else { home })
    }

    fn place(&self, address: IpAddr) -> Arc<Place> {
        self.places.of(address)
    }

    /// The lists that an address is on, in order.
    pub fn lists_of_address(&self, address: IpAddr) -> Vec<&str> {
        let on = self.addresses.iter().filter(|(_, set)| set.contains(address));
        on.map(|(name, _)| name.as_str()).collect()
    }

    /// The lists that a domain or one above it is on, in order.
    pub fn lists_of_domain(&self, name: &str) -> Vec<&str> {
        let mut on: Vec<&str> = Vec::new();
        let dots = name.match_indices('.').map(|(at, _)| at + 1);
        for at in std::iter::once(0).chain(dots).take(LABELS_MAX) {
            let lists = name.get(at..).and_then(|above| self.domains.get(above));
            on.extend(lists.into_iter().flatten().map(String::as_str));
        }
        on.sort_unstable();
        on.dedup();
        on
    }
}

#[cfg(test)]
mod tests;
