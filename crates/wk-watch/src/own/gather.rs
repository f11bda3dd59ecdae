//! Puts together what is ours.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wk_model::capture::Outcome;
use wk_model::{AccountId, Capture, Timestamp};

use super::{Host, Origin, Own};
use crate::posture::members::{first_list, list, text, time, word};

/// The questions of the inventory that say what is ours.
pub const QUESTIONS: &[&str] =
    &[IDENTITY, ORGANIZATION, ACCOUNTS, ADDRESSES, INSTANCES, NAT_GATEWAYS];
/// The types of resources of AWS Config that say so.
pub const CONFIG_TYPES: &[&str] = &[EIP, INSTANCE, NAT];

const IDENTITY: &str = "sts:GetCallerIdentity";
const ORGANIZATION: &str = "organizations:DescribeOrganization";
const ACCOUNTS: &str = "organizations:ListAccounts";
const ADDRESSES: &str = "ec2:DescribeAddresses";
const INSTANCES: &str = "ec2:DescribeInstances";
const NAT_GATEWAYS: &str = "ec2:DescribeNatGateways";
const EIP: &str = "AWS::EC2::EIP";
const INSTANCE: &str = "AWS::EC2::Instance";
const NAT: &str = "AWS::EC2::NatGateway";

/// How much is told of what could not be told.
const BLIND_MAX: usize = 100;

/// The newest item of AWS Config about a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigItem {
    /// Its type: one of [`CONFIG_TYPES`].
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The account it is in.
    pub account: String,
    /// The region it is in.
    pub region: String,
    /// Whether it is no more.
    pub deleted: bool,
    /// Of when the item is.
    pub at: Timestamp,
    /// The resource, as its service describes it.
    pub configuration: Value,
}

/// Answers and items, as they are taken in; in whichever order.
#[derive(Debug, Default)]
pub struct Gathering {
    /// The newest answer to each question, and when.
    answers: BTreeMap<Question, (Timestamp, Capture)>,
    /// The newest question that was not answered.
    unanswered: BTreeMap<Question, (Timestamp, String)>,
    items: BTreeMap<Resource, ConfigItem>,
}

/// A question and its parameters, an account, a region.
type Question = (String, String, String, String);
/// A type, an account, a region, an id.
type Resource = (&'static str, String, String, String);

/// What there is of a resource.
#[derive(Debug)]
enum Thing {
    Address { address: IpAddr, host: Option<String> },
    Host { host: Host },
    Gateway { network: String, addresses: Vec<IpAddr>, origin: Origin },
}

impl Gathering {
    /// Takes in an answer of the inventory; of several to one question the newest counts.
    pub fn capture(&mut self, capture: Capture) {
        let Ok(at) = Timestamp::parse(&capture.at) else { return };
        if !QUESTIONS.contains(&capture.key().as_str()) {
            return;
        }
        let parameters = capture.parameters.to_string();
        let (account, region) = (capture.account.clone(), capture.region.clone());
        let question = (capture.key(), parameters, account, region);
        match capture.outcome {
            Outcome::Answered | Outcome::Absent => {
                let newer = self.answers.get(&question).is_none_or(|(known, _)| *known <= at);
                if newer {
                    self.answers.insert(question, (at, capture));
                }
            }
            Outcome::Partial | Outcome::Denied | Outcome::Failed => {
                let newer = self.unanswered.get(&question).is_none_or(|(known, _)| *known <= at);
                if newer {
                    let how = capture.outcome.as_str();
                    let why = capture.reason.unwrap_or_default();
                    self.unanswered.insert(question, (at, format!("{how}: {why}")));
                }
            }
        }
    }

    /// Takes in an item of AWS Config; of several of one resource the newest counts.
    pub fn item(&mut self, item: ConfigItem) {
        let Some(kind) = CONFIG_TYPES.iter().find(|kind| **kind == item.kind) else { return };
        let key = (*kind, item.account.clone(), item.region.clone(), item.id.clone());
        if self.items.get(&key).is_none_or(|known| known.at <= item.at) {
            self.items.insert(key, item);
        }
    }

    /// Puts it together.
    pub fn finish(self, now: Timestamp) -> Own {
        let mut own = Own { gathered_at: now, ..Own::default() };
        let mut things: BTreeMap<Resource, (Thing, Origin)> = BTreeMap::new();
        for ((key, ..), (at, capture)) in &self.answers {
            let (by, evidence) = (key.clone(), capture.id.clone());
            let origin = Origin { by, evidence, at: *at };
            match key.as_str() {
                IDENTITY => account(&mut own, &capture.account, &origin),
                ORGANIZATION => organization(&mut own, capture, &origin),
                ACCOUNTS => accounts(&mut own, capture, &origin),
                _ => things.extend(in_answer(key, capture, &origin)),
            }
        }
        for ((kind, ..), item) in &self.items {
            account(&mut own, &item.account, &origin_of(item));
            // An answer that is newer than the item knows the resource better, or knows it is gone.
            let question = question_of(kind);
            let newer = self.answers.iter().any(|((key, _, account, region), (at, _))| {
                key == question
                    && (account, region) == (&item.account, &item.region)
                    && *at >= item.at
            });
            if newer {
                continue;
            }
            let key = (*kind, item.account.clone(), item.region.clone(), item.id.clone());
            things.remove(&key);
            if !item.deleted {
                let thing = in_item(kind, item).map(|thing| (thing, origin_of(item)));
                things.extend(thing.map(|thing| (key, thing)));
            }
        }
        own.take(things);
        own.blind = self.blind();
        own
    }

    /// What was asked and not answered since it was answered last.
    fn blind(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (question, (at, why)) in &self.unanswered {
            let answered = self.answers.get(question).map(|(at, _)| *at);
            if answered.is_none_or(|answered| answered < *at) {
                let (key, _, account, region) = question;
                let stands =
                    answered.map_or(String::new(), |at| format!("; what was told at {at} stands"));
                told.push(format!("{key} in {region} of {account} at {at}: {why}{stands}"));
            }
        }
        if told.len() > BLIND_MAX {
            let more = told.len() - BLIND_MAX;
            told.truncate(BLIND_MAX);
            told.push(format!("and {more} more"));
        }
        told
    }
}

impl Own {
    fn take(&mut self, things: BTreeMap<Resource, (Thing, Origin)>) {
        let mut gateways: BTreeMap<(String, String, String), BTreeSet<IpAddr>> = BTreeMap::new();
        let mut of_hosts: Vec<(String, IpAddr)> = Vec::new();
        for ((_, account, region, id), (thing, origin)) in things {
            match thing {
                Thing::Address { address, host } => {
                    of_hosts.extend(host.map(|host| (host, address)));
                    self.address(address, &origin);
                }
                Thing::Host { host } => {
                    for address in &host.addresses {
                        self.address(*address, &origin);
                    }
                    self.hosts.insert(id, host);
                }
                Thing::Gateway { network, addresses, origin } => {
                    for address in &addresses {
                        self.address(*address, &origin);
                    }
                    gateways.entry((account, region, network)).or_default().extend(addresses);
                }
            }
        }
        for (host, address) in of_hosts {
            if let Some(host) = self.hosts.get_mut(&host) {
                host.addresses.insert(address);
            }
        }
        for host in self.hosts.values_mut() {
            let Some(network) = host.network.clone() else { continue };
            let of = gateways.get(&(host.account.clone(), host.region.clone(), network));
            host.addresses.extend(of.into_iter().flatten());
        }
    }

    /// Of several who know an address the one who said so last counts.
    fn address(&mut self, address: IpAddr, origin: &Origin) {
        let known = self.addresses.entry(address).or_insert_with(|| origin.clone());
        if known.at < origin.at {
            *known = origin.clone();
        }
    }
}

fn origin_of(item: &ConfigItem) -> Origin {
    Origin { by: item.kind.clone(), evidence: item.id.clone(), at: item.at }
}

fn question_of(kind: &str) -> &'static str {
    match kind {
        EIP => ADDRESSES,
        INSTANCE => INSTANCES,
        _ => NAT_GATEWAYS,
    }
}

fn account(own: &mut Own, id: &str, origin: &Origin) {
    if AccountId::try_from(id.to_owned()).is_ok() {
        let known = own.accounts.entry(id.to_owned()).or_insert_with(|| origin.clone());
        if known.at < origin.at {
            *known = origin.clone();
        }
    }
}

fn organization(own: &mut Own, capture: &Capture, origin: &Origin) {
    for page in &capture.answer {
        if let Some(id) = text(page, "Organization.Id") {
            own.organizations.insert(id.to_owned(), origin.clone());
        }
    }
}

/// Also those that are suspended: nobody else can have them.
fn accounts(own: &mut Own, capture: &Capture, origin: &Origin) {
    for page in &capture.answer {
        for one in list(page, "Accounts") {
            account(own, word(one, "Id"), origin);
        }
    }
}

/// What the pages of an answer name.
fn in_answer(key: &str, capture: &Capture, origin: &Origin) -> Vec<(Resource, (Thing, Origin))> {
    let mut found = Vec::new();
    let (account, region) = (&capture.account, &capture.region);
    let mut add = |kind, id: &str, thing: Option<Thing>| {
        let of = (kind, account.clone(), region.clone(), id.to_owned());
        found.extend(thing.map(|thing| (of, (thing, origin.clone()))));
    };
    for page in &capture.answer {
        match key {
            ADDRESSES => {
                for one in first_list(page, &["Addresses", "addressesSet"]) {
                    let id = text(one, "AllocationId").unwrap_or(word(one, "PublicIp"));
                    add(EIP, id, elastic(one));
                }
            }
            INSTANCES => {
                let reservations = first_list(page, &["Reservations", "reservationSet"]);
                for reservation in reservations {
                    for one in first_list(reservation, &["Instances", "instancesSet"]) {
                        let host = instance(one, account, region, origin);
                        add(INSTANCE, word(one, "InstanceId"), host);
                    }
                }
            }
            _ => {
                for one in first_list(page, &["NatGateways", "natGatewaySet"]) {
                    add(NAT, word(one, "NatGatewayId"), gateway(one, origin));
                }
            }
        }
    }
    found
}

fn in_item(kind: &str, item: &ConfigItem) -> Option<Thing> {
    match kind {
        EIP => elastic(&item.configuration),
        INSTANCE => instance(&item.configuration, &item.account, &item.region, &origin_of(item)),
        _ => gateway(&item.configuration, &origin_of(item)),
    }
}

fn elastic(one: &Value) -> Option<Thing> {
    let address = address_at(one, "PublicIp")?;
    Some(Thing::Address { address, host: text(one, "InstanceId").map(str::to_owned) })
}

fn instance(one: &Value, account: &str, region: &str, origin: &Origin) -> Option<Thing> {
    let state = text(one, "State.Name").or_else(|| text(one, "instanceState.name"));
    if matches!(state, Some("terminated" | "shutting-down")) {
        return None;
    }
    let mut addresses = BTreeSet::new();
    addresses.extend(address_at(one, "PublicIpAddress"));
    addresses.extend(address_at(one, "ipAddress")); // as EC2 writes it
    for card in first_list(one, &["NetworkInterfaces", "networkInterfaceSet"]) {
        addresses.extend(address_at(card, "Association.PublicIp"));
        for more in first_list(card, &["PrivateIpAddresses", "privateIpAddressesSet"]) {
            addresses.extend(address_at(more, "Association.PublicIp"));
        }
        for v6 in first_list(card, &["Ipv6Addresses", "ipv6AddressesSet"]) {
            addresses.extend(address_at(v6, "Ipv6Address"));
        }
    }
    let profile = text(one, "IamInstanceProfile.Arn");
    let profile = profile.map(|arn| arn.rsplit('/').next().unwrap_or(arn).to_owned());
    Some(Thing::Host {
        host: Host {
            account: account.to_owned(),
            region: region.to_owned(),
            profile,
            network: text(one, "VpcId").map(str::to_owned),
            started: time(one, "LaunchTime"),
            addresses,
            origin: origin.clone(),
        },
    })
}

fn gateway(one: &Value, origin: &Origin) -> Option<Thing> {
    if matches!(text(one, "State"), Some("deleted" | "deleting" | "failed")) {
        return None;
    }
    let network = text(one, "VpcId")?.to_owned();
    let addresses = first_list(one, &["NatGatewayAddresses", "natGatewayAddressSet"]);
    let addresses = addresses.into_iter().filter_map(|of| address_at(of, "PublicIp")).collect();
    Some(Thing::Gateway { network, addresses, origin: origin.clone() })
}

fn address_at(value: &Value, path: &str) -> Option<IpAddr> {
    text(value, path)?.parse().ok().map(|address: IpAddr| address.to_canonical())
}
