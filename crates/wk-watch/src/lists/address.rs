//! Networks in one form, and sets of them that answer in a few steps however many they are.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network; its address has no bits behind its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The widest networks that are taken from a list: one wrong line must not mean half the world.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 16;

impl Network {
    /// Reads `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`; an IPv4 address that is written as an
    /// IPv6 one is an IPv4 address.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        const NO: &str = "is not an address or network such as 192.0.2.0/24";
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NO)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = match bits {
            Some(bits) => bits.parse().map_err(|_| NO)?,
            None => most,
        };
        if bits > most {
            return Err(NO);
        }
        let (address, bits) = match address.to_canonical() {
            IpAddr::V4(v4) if most == 128 && bits >= 96 => (IpAddr::V4(v4), bits - 96),
            IpAddr::V4(_) if most == 128 => (address, bits),
            canonical => (canonical, bits),
        };
        if bits < if address.is_ipv4() { WIDEST_V4 } else { WIDEST_V6 } {
            return Err("is a wider network than is taken from a list");
        }
        Ok(Self::new(address, bits))
    }

    fn new(address: IpAddr, bits: u8) -> Self {
        let address = match address {
            IpAddr::V4(v4) => {
                let host = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !host))
            }
            IpAddr::V6(v6) => {
                let host = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !host))
            }
        };
        Self { address, bits }
    }
}

impl fmt::Display for Network {
    /// In CIDR notation; a network of one address is the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = if self.address.is_ipv4() { 32 } else { 128 };
        match self.bits == most {
            true => self.address.fmt(f),
            false => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

/// Addresses, as ranges that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressSet {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl AddressSet {
    /// The addresses of networks.
    pub fn of<'n>(networks: impl Iterator<Item = &'n Network>) -> Self {
        let mut set = Self::default();
        for network in networks {
            match network.address {
                IpAddr::V4(v4) => {
                    let host = u32::MAX.checked_shr(u32::from(network.bits)).unwrap_or(0);
                    let first = v4.to_bits();
                    set.v4.push((u128::from(first), u128::from(first | host)));
                }
                IpAddr::V6(v6) => {
                    let host = u128::MAX.checked_shr(u32::from(network.bits)).unwrap_or(0);
                    set.v6.push((v6.to_bits(), v6.to_bits() | host));
                }
            }
        }
        merge(&mut set.v4);
        merge(&mut set.v6);
        set
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether the address is among them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ranges, address) = match address.to_canonical() {
            IpAddr::V4(v4) => (&self.v4, u128::from(v4.to_bits())),
            IpAddr::V6(v6) => (&self.v6, v6.to_bits()),
        };
        let behind = ranges.partition_point(|(first, _)| *first <= address);
        behind.checked_sub(1).is_some_and(|at| address <= ranges[at].1)
    }

    /// The fewest networks that hold just these addresses, in order.
    pub fn networks(&self) -> Vec<Network> {
        let mut networks = Vec::new();
        for (first, last) in &self.v4 {
            split(*first, *last, 32, &mut |address, bits| {
                let address = u32::try_from(address).unwrap_or(u32::MAX);
                networks.push(Network { address: Ipv4Addr::from_bits(address).into(), bits });
            });
        }
        for (first, last) in &self.v6 {
            split(*first, *last, 128, &mut |address, bits| {
                networks.push(Network { address: Ipv6Addr::from_bits(address).into(), bits });
            });
        }
        networks
    }
}

fn merge(ranges: &mut Vec<(u128, u128)>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, before| {
        let touches = next.0 <= before.1.saturating_add(1);
        if touches {
            before.1 = before.1.max(next.1);
        }
        touches
    });
}

/// Cuts a range into networks, the largest that fit, from its beginning.
fn split(first: u128, last: u128, width: u32, give: &mut dyn FnMut(u128, u8)) {
    let mut next = first;
    loop {
        // How many bits the network may leave open: as its address allows, and as the range does.
        let room = (last - next).checked_add(1).map_or(128, u128::ilog2);
        let open = next.trailing_zeros().min(room).min(width);
        give(next, u8::try_from(width - open).unwrap_or(u8::MAX));
        let size = 1_u128.checked_shl(open);
        match size.and_then(|size| next.checked_add(size)) {
            Some(behind) if behind <= last => next = behind,
            _ => return,
        }
    }
}
