//! IP addresses as texts, and ranges of them.

/// An address: its bytes as a number, and whether there are four or sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Address {
    V4(u32),
    V6(u128),
}

/// Addresses from one to another, both of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    first: Address,
    last: Address,
}

impl Address {
    /// Reads an address in any of its spellings; a text that only looks like one is none. IPv4 that
    /// is mapped into IPv6 is IPv4.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.bytes().next()? {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':' if text.len() <= LONGEST => {}
            _ => return None,
        }
        if text.contains(':') {
            let bits = v6(text)?;
            let mapped = bits >> 32 == 0xffff;
            return Some(match u32::try_from(bits & 0xffff_ffff) {
                Ok(bits) if mapped => Self::V4(bits),
                _ => Self::V6(bits),
            });
        }
        v4(text).map(Self::V4)
    }
}

/// Zeros may lead; no spelling needs more letters.
const LONGEST: usize = 200;

fn v4(text: &str) -> Option<u32> {
    if text.len() > 15 {
        return None;
    }
    let mut bits = 0u32;
    let mut parts = 0;
    for part in text.split('.') {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let value: u8 = part.parse().ok().filter(|_| digits)?;
        bits = bits << 8 | u32::from(value);
        parts += 1;
    }
    (parts == 4 && text.len() <= 15).then_some(bits)
}

fn v6(text: &str) -> Option<u128> {
    let (head, tail) = match text.split_once("::") {
        Some((head, tail)) => (groups(head)?, Some(groups(tail)?)),
        None => (groups(text)?, None),
    };
    let given = head.len() + tail.as_ref().map_or(0, Vec::len);
    let zeros = match &tail {
        Some(_) if given < 8 => 8 - given,
        None if given == 8 => 0,
        _ => return None,
    };
    let all =
        head.iter().copied().chain(std::iter::repeat_n(0, zeros)).chain(tail.into_iter().flatten());
    Some(all.fold(0, |bits, group| bits << 16 | u128::from(group)))
}

/// Groups between single colons; none in an empty text.
fn groups(text: &str) -> Option<Vec<u16>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let group = |group: &str| {
        let hex = !group.is_empty() && group.bytes().all(|b| b.is_ascii_hexdigit());
        u16::from_str_radix(group, 16).ok().filter(|_| hex)
    };
    let groups: Option<Vec<u16>> = text.split(':').map(group).collect();
    groups.filter(|groups| groups.len() <= 8)
}

impl Range {
    /// Just this address.
    pub(super) fn only(address: Address) -> Self {
        Self { first: address, last: address }
    }

    /// The address of a range that holds one.
    pub(super) fn single(&self) -> Option<Address> {
        (self.first == self.last).then_some(self.first)
    }

    /// Whether it holds all that another holds.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.holds(other.first) && self.holds(other.last)
    }

    pub(super) fn holds(&self, address: Address) -> bool {
        match (self.first, self.last, address) {
            (Address::V4(first), Address::V4(last), Address::V4(bits)) => {
                (first..=last).contains(&bits)
            }
            (Address::V6(first), Address::V6(last), Address::V6(bits)) => {
                (first..=last).contains(&bits)
            }
            _ => false,
        }
    }

    /// Reads `address/bits`; bits of the host may be set.
    ///
    /// # Errors
    /// AWS's reason.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let Some((address, mask)) = text.split_once('/').filter(|(_, m)| !m.contains('/')) else {
            return Err("Malformed CIDR, one '/' required".to_owned());
        };
        let Ok(mask) = mask.parse::<i32>() else {
            return Err("Malformed CIDR, mask bits must be an integer".to_owned());
        };
        let Ok(mask) = u32::try_from(mask) else {
            return Err("Malformed CIDR, mask bits must not be negative".to_owned());
        };
        match Address::read(address) {
            None if looks_like_one(address) => {
                Err(format!("Invalid IP address: {}", super::refused::quoted(address)))
            }
            None => Err(format!("Nonstandard IP address: {}", super::refused::quoted(address))),
            Some(Address::V4(_)) if mask > 31 => Err("IPv4 mask bits must be < 32".to_owned()),
            Some(Address::V6(_)) if mask > 127 => Err("IPv6 mask bits must be < 128".to_owned()),
            Some(Address::V4(bits)) => {
                let host = u32::MAX.checked_shr(mask).unwrap_or(0);
                Ok(Self { first: Address::V4(bits & !host), last: Address::V4(bits | host) })
            }
            Some(Address::V6(bits)) => {
                let host = u128::MAX.checked_shr(mask).unwrap_or(0);
                Ok(Self { first: Address::V6(bits & !host), last: Address::V6(bits | host) })
            }
        }
    }
}

/// Whether a text has the letters of an address, if not its sense: `300.1.1.1`.
fn looks_like_one(text: &str) -> bool {
    let quads = text.split('.').filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let v4 = text.split('.').count() == 4 && quads.count() == 4;
    v4 || (text.contains(':') && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    #[test]
    fn spellings_of_one_address_are_the_same() {
        for (a, b) in [
            ("2001:db8::1", "2001:0DB8:0:0:0:0:0:0001"),
            ("::ffff:0102:0304", "1.2.3.4"),
            ("010.0.0.1", "10.0.0.1"),
            ("::", "0:0:0:0:0:0:0:0"),
        ] {
            assert_eq!(Address::read(a), Address::read(b), "{a} {b}");
            assert!(Address::read(a).is_some(), "{a}");
        }
        for text in [
            "",
            ":",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "12:30",
            "1:2:3:4:5:6:7:8:9",
            "a",
            "1::2::3",
            ":::",
            "+1.2.3.4",
            "1.2.3.4/8",
            "fe80::1%eth0",
        ] {
            assert_eq!(Address::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn addresses_are_read_as_the_standard_library_reads_them(ip in any::<IpAddr>()) {
            let expected = match ip {
                IpAddr::V4(v4) => Address::V4(v4.to_bits()),
                IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                    Some(v4) => Address::V4(v4.to_bits()),
                    None => Address::V6(v6.to_bits()),
                },
            };
            // The mixed spelling with dots is none of JSON's users', nor of the rule engine's.
            let text = ip.to_string();
            prop_assume!(!(text.contains(':') && text.contains('.')));
            prop_assert_eq!(Address::read(&text), Some(expected));
        }

        #[test]
        fn a_range_holds_what_has_its_first_bits(base in any::<u32>(), other in any::<u32>(), mask in 0u32..32) {
            let dotted = |bits: u32| std::net::Ipv4Addr::from_bits(bits).to_string();
            let range = Range::read(&format!("{}/{mask}", dotted(base))).unwrap();
            let same = mask == 0 || base >> (32 - mask) == other >> (32 - mask);
            prop_assert_eq!(range.holds(Address::read(&dotted(other)).unwrap()), same);
        }
    }
}
