//! Lists as rules see them: names with values for placeholders.

use wk_lang::sigma::Lists;

use super::address::AddressSet;
use super::entry::{Kind, Value};
use super::loaded::Loaded;
use super::spec::Format;

/// A name that rules may use whether the user has such a list or not; without one it is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standard {
    /// The name.
    pub name: &'static str,
    /// What its entries are.
    pub kind: Kind,
    /// What is on it.
    pub doc: &'static str,
}

/// The standard names, in order.
pub const STANDARD: &[Standard] = &[
    named("allowed_actors", Kind::Text, "actors of whom nothing is told; wildcards may be used"),
    named("allowed_addresses", Kind::Address, "addresses of which nothing is told"),
    named("aws_addresses", Kind::Address, "AWS's own networks, from ip-ranges.json"),
    named("bad_addresses", Kind::Address, "addresses that are known to be bad"),
    named("bad_domains", Kind::Domain, "domains that are known to be bad"),
    named("break_glass_roles", Kind::Text, "names of roles that are for emergencies only"),
    named("known_regions", Kind::Text, "regions that are used"),
    named("own_accounts", Kind::Text, "accounts of the organisation"),
    named("own_addresses", Kind::Address, "addresses by which the organisation goes out"),
    named("own_organizations", Kind::Text, "ids of the organisation: o-…"),
    named("tor_exits", Kind::Address, "addresses by which Tor goes out"),
];

const fn named(name: &'static str, kind: Kind, doc: &'static str) -> Standard {
    Standard { name, kind, doc }
}

pub(super) fn is_name(name: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(letters)
}

/// The standard names, all of them empty.
pub fn standard() -> Lists {
    for_rules(&[]).0
}

/// Lists for placeholders, the standard names among them, and what had to be left out: a rule can
/// use [`Lists::ENTRIES_MAX`] values of a list of texts or domains, and every network of a list of
/// networks, which are merged first. `wk.domain.lists` knows no such limit.
pub fn for_rules(loaded: &[Loaded]) -> (Lists, Vec<String>) {
    let mut lists = Lists::none();
    let mut told = Vec::new();
    let mut names: Vec<&str> = STANDARD.iter().map(|standard| standard.name).collect();
    names.extend(loaded.iter().map(|list| list.name.as_str()));
    names.sort_unstable();
    names.dedup();
    for name in names {
        let parts: Vec<&Loaded> = loaded.iter().filter(|list| list.name == name).collect();
        let mut values = values(&parts);
        let networks = parts.iter().all(|list| list.kind == Kind::Address);
        let max = if networks { Lists::LISTED_MAX } else { Lists::ENTRIES_MAX };
        if values.len() > max {
            told.push(format!(
                "the list {name} has {} values; placeholders in rules stand for the first {} of \
                 them, so ask wk.source.lists or wk.domain.lists instead",
                values.len(),
                max
            ));
            values.truncate(max);
        }
        // It is short enough by the cut above.
        if let Err(long) = lists.add(name, values) {
            told.push(long.to_string());
        }
    }
    (lists, told)
}

/// What others wrote into a list has no wildcards: the `?` of a page's address is one letter.
fn without_wildcards(text: &str) -> String {
    text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?")
}

/// The values of lists of one name, as a rule would write them: in a plain list wildcards may stand.
fn values(parts: &[&Loaded]) -> Vec<String> {
    let mut networks = Vec::new();
    let mut values = Vec::new();
    for list in parts {
        for entry in &list.entries {
            match &entry.value {
                Value::Network(network) => networks.push(*network),
                Value::Domain(domain) => values.push(domain.clone()),
                Value::Text(text) if list.format == Format::Plain => values.push(text.clone()),
                Value::Text(text) => values.push(without_wildcards(text)),
            }
        }
    }
    values.sort_unstable();
    values.dedup();
    let networks = AddressSet::of(networks.iter()).networks();
    values.extend(networks.iter().map(ToString::to_string));
    values
}
