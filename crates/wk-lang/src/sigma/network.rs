//! Networks in CIDR notation.

use core::net::IpAddr;
use std::collections::BTreeMap;

/// Networks; an address is looked up once for each length of prefix, however many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    v4: BTreeMap<u8, Vec<u32>>,
    v6: BTreeMap<u8, Vec<u128>>,
}

impl Networks {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or one address.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut networks = Self::default();
        networks.take(text).then_some(networks)
    }

    /// Adds the network that the text is; `false` if it is none.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match parse(text) {
            Some((IpAddr::V4(net), bits)) => {
                self.v4.entry(bits).or_default().push(prefix4(net.to_bits(), bits));
            }
            Some((IpAddr::V6(net), bits)) => {
                self.v6.entry(bits).or_default().push(prefix6(net.to_bits(), bits));
            }
            None => return false,
        }
        true
    }

    /// Adds others.
    pub(super) fn add(&mut self, others: &Self) {
        for (bits, prefixes) in &others.v4 {
            self.v4.entry(*bits).or_default().extend(prefixes);
        }
        for (bits, prefixes) in &others.v6 {
            self.v6.entry(*bits).or_default().extend(prefixes);
        }
    }

    /// Makes them ready to be asked, after others were added.
    pub(super) fn settle(&mut self) {
        self.v4.values_mut().for_each(|prefixes| {
            prefixes.sort_unstable();
            prefixes.dedup();
        });
        self.v6.values_mut().for_each(|prefixes| {
            prefixes.sort_unstable();
            prefixes.dedup();
        });
    }

    /// Whether the text is an address in one of them.
    pub fn contain(&self, text: &str) -> bool {
        match text.trim().parse() {
            Ok(IpAddr::V4(address)) => self.v4.iter().any(|(bits, prefixes)| {
                prefixes.binary_search(&prefix4(address.to_bits(), *bits)).is_ok()
            }),
            Ok(IpAddr::V6(address)) => self.v6.iter().any(|(bits, prefixes)| {
                prefixes.binary_search(&prefix6(address.to_bits(), *bits)).is_ok()
            }),
            Err(_) => false,
        }
    }
}

/// `10.0.0.0/8`, or one address.
fn parse(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) => bits.parse().ok().filter(|bits| *bits <= most)?,
        None => most,
    };
    Some((address, bits))
}

fn prefix4(address: u32, bits: u8) -> u32 {
    address.checked_shr(32 - u32::from(bits)).unwrap_or(0)
}

fn prefix6(address: u128, bits: u8) -> u128 {
    address.checked_shr(128 - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, yes, no) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.9.9.9", "9.9.9.9"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::/0", "fe80::1", "10.0.0.1"),
            ("::1/128", "::1", "::2"),
        ] {
            let network = Networks::read(network).unwrap();
            assert!(network.contain(yes) && !network.contain(no), "{network:?}");
            assert!(!network.contain("AWS Internal"));
        }
        for text in ["10.0.0.0/33", "10.0.0/8", "x", "::/129", "10.0.0.0/"] {
            assert_eq!(Networks::read(text), None, "{text}");
        }
    }

    #[test]
    fn many_networks_are_asked_at_once() {
        let mut all = Networks::default();
        for n in 0..10_000 {
            let network = format!("10.{}.{}.0/24", n / 256, n % 256);
            all.add(&Networks::read(&network).unwrap());
        }
        all.add(&Networks::read("192.0.2.7").unwrap());
        all.settle();
        assert!(all.contain("10.38.255.1") == (38 * 256 + 255 < 10_000));
        assert!(
            all.contain("192.0.2.7") && !all.contain("192.0.2.8") && !all.contain("10.200.0.1")
        );
    }
}
