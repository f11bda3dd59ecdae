//! Production is reached only from addresses that are listed.

use core::net::IpAddr;

use serde_json::Value;
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{first_list, tag, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "ingress-allow-list",
    title: "Security groups let in listed addresses only",
    severity: SeverityWord::High,
    points: &["CC7.1"],
    nist: &["SC-7", "AC-4"],
    serves: &["R-288"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeSecurityGroups"],
    parameters: &[
        Parameter {
            name: "allowed",
            default: "",
            doc: "networks between commas that may come: 192.0.2.0/24, 2001:db8::/32; without any, \
                  there is no list to judge by",
        },
        Parameter {
            name: "tag",
            default: "",
            doc: "only groups with this tag: env=production; without it, every group",
        },
    ],
    why: "What only a few need to reach is tried by everybody where everybody may.",
    remedy: "Take the rule back, or list its network in [checks] ingress-allow-list.allowed.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let groups =
        view.list("ec2:DescribeSecurityGroups", &["SecurityGroups", "securityGroupInfo"])?;
    let texts = parameters.list("allowed");
    let allowed: Option<Vec<Network>> = texts.iter().map(|text| Network::parse(text)).collect();
    let Some(allowed) = allowed else {
        let why = format!("allowed = {:?} has something that is no network", texts.join(", "));
        return Err(Blind { why, evidence: Vec::new() });
    };
    if allowed.is_empty() {
        return Ok(vec![view.beside(view.account(), "no networks are listed")]);
    }
    let wanted = |group: &&Value| match parameters.text("tag").and_then(|t| t.split_once('=')) {
        Some((key, value)) => tag(group, key.trim()) == Some(value.trim()),
        None => true,
    };
    Ok(view.each(
        groups.into_iter().filter(wanted),
        |group| word(group, "GroupId").to_owned(),
        |view, id, group| {
            let beyond = beyond(group, &allowed);
            let name = word(group, "GroupName");
            let why = match beyond.as_slice() {
                [] => format!("{name}: only listed networks come in"),
                beyond => format!("{name}: {} may come in and are not listed", beyond.join(", ")),
            };
            Ok(view.judged(id, beyond.is_empty(), why))
        },
    ))
}

/// The networks that a group lets in and that are not listed. Other groups are no addresses; what a
/// prefix list holds is not known here, and so it is beyond.
fn beyond(group: &Value, allowed: &[Network]) -> Vec<String> {
    let mut beyond = Vec::new();
    for permission in first_list(group, &["IpPermissions"]) {
        let ranges = [
            (first_list(permission, &["IpRanges", "IpRanges.item"]), "CidrIp"),
            (first_list(permission, &["Ipv6Ranges", "Ipv6Ranges.item"]), "CidrIpv6"),
        ];
        for (ranges, member) in ranges {
            for range in ranges {
                let cidr = range.as_str().unwrap_or_else(|| word(range, member));
                let inside = Network::parse(cidr)
                    .is_some_and(|network| allowed.iter().any(|all| all.holds(&network)));
                if !inside {
                    beyond.push(if cidr.is_empty() { "a network".into() } else { cidr.to_owned() });
                }
            }
        }
        for list in first_list(permission, &["PrefixListIds", "PrefixListIds.item"]) {
            beyond.push(word(list, "PrefixListId").to_owned());
        }
    }
    beyond.sort();
    beyond.dedup();
    beyond
}

/// A network of either kind of addresses.
struct Network {
    bits: u128,
    length: u32,
    is_v4: bool,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.trim().split_once('/').unwrap_or((text.trim(), ""));
        let (bits, width, is_v4) = match address.parse().ok()? {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32, true),
            IpAddr::V6(v6) => (u128::from(v6), 128, false),
        };
        let length = if length.is_empty() { width } else { length.parse().ok()? };
        (length <= width).then_some(Self { bits, length, is_v4 })
    }

    fn holds(&self, other: &Self) -> bool {
        let width = if self.is_v4 { 32 } else { 128 };
        let shift = width - self.length;
        let same = |a: u128, b: u128| {
            a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
        };
        self.is_v4 == other.is_v4 && self.length <= other.length && same(self.bits, other.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::groups::made::group;
    use super::super::testing::{verdicts, verdicts_with, why};
    use super::{CHECK, Network};

    #[test]
    fn only_networks_within_listed_ones_may_come_in() {
        let of = |cidr: &str, allowed: &str| {
            verdicts_with(&CHECK, &[group("web", "tcp", 443, 443, cidr)], &[("allowed", allowed)])
        };
        let list = "192.0.2.0/24, 2001:db8::/32";
        assert_eq!(of("192.0.2.128/25", list), "COMPLIANT sg-1");
        assert_eq!(of("192.0.0.0/16", list), "NON_COMPLIANT sg-1");
        assert_eq!(of("0.0.0.0/0", list), "NON_COMPLIANT sg-1");
        assert_eq!(of("2001:db8:1::/48", list), "COMPLIANT sg-1");
        assert_eq!(of("::/0", list), "NON_COMPLIANT sg-1");
        assert_eq!(of("192.0.2.1/32", "192.0.2.o/24"), "NO_DATA 111122223333");
        let none = [group("web", "tcp", 443, 443, "0.0.0.0/0")];
        assert_eq!(verdicts(&CHECK, &none), "NOT_APPLICABLE 111122223333");
        assert_eq!(why(&CHECK, &none), "no networks are listed");
    }

    #[test]
    fn groups_are_chosen_by_their_tag() {
        let set = [("allowed", "192.0.2.0/24"), ("tag", "env=production")];
        let made = [group("web", "tcp", 443, 443, "0.0.0.0/0")];
        assert_eq!(verdicts_with(&CHECK, &made, &set), "NOT_APPLICABLE 111122223333");
    }

    #[test]
    fn a_network_holds_what_lies_in_it() {
        let holds =
            |a: &str, b: &str| Network::parse(a).unwrap().holds(&Network::parse(b).unwrap());
        assert!(holds("0.0.0.0/0", "192.0.2.1") && holds("::/0", "::1"));
        assert!(!holds("0.0.0.0/0", "::/0") && !holds("10.0.0.0/8", "10.0.0.0/7"));
        assert!(holds("10.0.0.0/8", "10.255.0.0/16") && !holds("10.0.0.0/8", "11.0.0.0/8"));
        assert!(Network::parse("10.0.0.0/33").is_none() && Network::parse("").is_none());
    }
}
