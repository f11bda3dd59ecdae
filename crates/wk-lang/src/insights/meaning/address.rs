//! IP addresses and blocks of them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`. A bare address is a block of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    network: u128,
    mask: u128,
    is_v4: bool,
}

impl Block {
    /// Reads a block. Bits behind the prefix may be set; they do not count.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.trim_ascii().split_once('/') {
            Some((address, length)) => (read_plain(address)?, Some(length)),
            None => (read_plain(text)?, None),
        };
        let (bits, width, is_v4) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32, true),
            IpAddr::V6(v6) => (v6.to_bits(), 128, false),
        };
        let length = match length {
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse::<u32>().ok()?,
            Some(_) => return None,
            None => width,
        };
        if length > width {
            return None;
        }
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        Some(Self { network: bits & mask, mask, is_v4 })
    }

    /// Whether an address lies in the block. An address of the other family never does.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_v4) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
            IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        is_v4 == self.is_v4 && bits & self.mask == self.network
    }

    /// Whether it is a block of IPv4 addresses.
    pub fn is_v4(&self) -> bool {
        self.is_v4
    }
}

/// What kind of address it is. Every address is exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// RFC 1918, and the unique local addresses of IPv6 (RFC 4193).
    Private,
    /// Set aside by IANA for something that is neither private use nor the public internet.
    Reserved,
    /// Everything else.
    Public,
}

/// Reads an address, without port, brackets or zone. Leading zeros are refused, since half the
/// world reads them as octal. Text of an IPv4 address inside IPv6 (`::ffff:10.0.0.1`) is IPv6.
pub fn read(text: &str) -> Option<IpAddr> {
    match text.len() {
        2..=45 => read_plain(text),
        _ => None,
    }
}

fn read_plain(text: &str) -> Option<IpAddr> {
    text.trim_ascii().parse().ok()
}

/// The kind of an address; one of IPv4 inside IPv6 is judged as IPv4.
pub fn reach(address: IpAddr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    if address.is_private() {
        return Reach::Private;
    }
    let reserved = match address.octets() {
        [0 | 127 | 224..=255, ..]      // this network, loopback, multicast, future use
        | [169, 254, ..]               // link local
        | [192, 0, 0 | 2, _]           // protocol assignments, documentation
        | [192, 88, 99, _]             // former 6to4 relays
        | [198, 51, 100, _]            // documentation
        | [203, 0, 113, _] => true,    // documentation
        [100, b, ..] => b & 0xc0 == 64, // carrier-grade NAT
        [198, b, ..] => b & 0xfe == 18, // benchmarks
        _ => false,
    };
    if reserved { Reach::Reserved } else { Reach::Public }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let [a, b, c, ..] = address.segments();
    if a & 0xfe00 == 0xfc00 {
        return Reach::Private;
    }
    // Global unicast is 2000::/3; of it, protocol assignments and documentation are set aside.
    // 64:ff9b::/96 translates to IPv4 and is globally reachable.
    let global = a & 0xe000 == 0x2000 || (a, b, c) == (0x64, 0xff9b, 0);
    let set_aside =
        (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || a == 0x2002 || a == 0x3fff && b < 0x1000;
    if global && !set_aside { Reach::Public } else { Reach::Reserved }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(block: &str, address: &str) -> bool {
        Block::parse(block).expect("a block").contains(read(address).expect("an address"))
    }

    #[test]
    fn a_block_holds_its_addresses_and_no_others() {
        for (block, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "ffff::", "1.2.3.4"),
            ("::ffff:0:0/96", "::ffff:1.2.3.4", "1.2.3.4"),
        ] {
            assert!(within(block, inside), "{block} {inside}");
            assert!(!within(block, outside), "{block} {outside}");
        }
    }

    #[test]
    fn what_is_no_block_or_address_is_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "x/8",
        ] {
            assert_eq!(Block::parse(text), None, "{text:?}");
        }
        for text in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "01.2.3.4",
            "1.2.3.4:80",
            "[::1]",
            "fe80::1%eth0",
            "AWS Internal",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_address_is_private_reserved_or_public() {
        for (text, expected) in [
            ("10.0.0.1", Reach::Private),
            ("172.31.0.1", Reach::Private),
            ("172.32.0.1", Reach::Public),
            ("192.168.1.1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("127.0.0.1", Reach::Reserved),
            ("100.64.0.1", Reach::Reserved),
            ("100.128.0.1", Reach::Public),
            ("169.254.169.254", Reach::Reserved),
            ("198.19.0.1", Reach::Reserved),
            ("198.20.0.1", Reach::Public),
            ("203.0.113.9", Reach::Reserved),
            ("240.0.0.1", Reach::Reserved),
            ("8.8.8.8", Reach::Public),
            ("::1", Reach::Reserved),
            ("fe80::1", Reach::Reserved),
            ("2001:db8::1", Reach::Reserved),
            ("2600:1f18::1", Reach::Public),
            ("64:ff9b::808:808", Reach::Public),
        ] {
            assert_eq!(reach(read(text).expect("an address")), expected, "{text}");
        }
    }
}
