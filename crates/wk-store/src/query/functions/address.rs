//! IP addresses. What is no address is in no subnet and of no kind: these answer no, never nothing.

use core::net::IpAddr;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use wk_lang::insights::meaning::Block;
use wk_lang::insights::meaning::address::{self, Reach};

use super::scalar::{Call, Gives, Scalar};

const ADDRESS: Scalar = Scalar {
    insights: &[],
    sql: &[],
    takes: "address",
    arity: (1, 1),
    gives: Gives::Truth,
    says: "",
    run: |call| Ok(call.nothing()),
};

const SUBNET: Scalar = Scalar { takes: "address, block", arity: (2, 2), ..ADDRESS };

pub(super) const FUNCTIONS: &[Scalar] = &[
    Scalar {
        insights: &["isValidIp"],
        sql: &["is_valid_ip", "ip_is_valid"],
        says: "Whether the text is an IPv4 or IPv6 address.",
        run: |call| test(call, |_| true),
        ..ADDRESS
    },
    Scalar {
        insights: &["isValidIpV4"],
        sql: &["is_valid_ipv4", "ip_is_v4"],
        says: "Whether the text is an IPv4 address.",
        run: |call| test(call, |address| address.is_ipv4()),
        ..ADDRESS
    },
    Scalar {
        insights: &["isValidIpV6"],
        sql: &["is_valid_ipv6", "ip_is_v6"],
        says: "Whether the text is an IPv6 address.",
        run: |call| test(call, |address| address.is_ipv6()),
        ..ADDRESS
    },
    Scalar {
        insights: &["isIpInSubnet"],
        sql: &["ip_in_subnet"],
        says: "Whether the address lies in a block such as `10.0.0.0/8` or `2001:db8::/32`.",
        run: |call| subnet(call, (0, 1), |_| true),
        ..SUBNET
    },
    Scalar {
        insights: &["isIpv4InSubnet"],
        sql: &["ipv4_in_subnet"],
        says: "Whether the address is of IPv4 and lies in the block.",
        run: |call| subnet(call, (0, 1), |address| address.is_ipv4()),
        ..SUBNET
    },
    Scalar {
        insights: &["isIpv6InSubnet"],
        sql: &["ipv6_in_subnet"],
        says: "Whether the address is of IPv6 and lies in the block.",
        run: |call| subnet(call, (0, 1), |address| address.is_ipv6()),
        ..SUBNET
    },
    Scalar {
        sql: &["cidr_contains"],
        takes: "block, address",
        says: "Whether the block holds the address.",
        run: |call| subnet(call, (1, 0), |_| true),
        ..SUBNET
    },
    Scalar {
        insights: &["ipv4ToNumber"],
        sql: &["ipv4_to_number"],
        gives: Gives::Whole,
        says: "An IPv4 address as a number; nothing for other text.",
        run: |call| {
            let texts = call.texts(0)?;
            call.each_whole(|row| match address::read(texts.get(row)?)? {
                IpAddr::V4(v4) => Some(i64::from(v4.to_bits())),
                IpAddr::V6(_) => None,
            })
        },
        ..ADDRESS
    },
    Scalar {
        insights: &["isPrivateIP"],
        sql: &["ip_is_private"],
        says: "Whether the address is of a private network (RFC 1918, RFC 4193).",
        run: |call| test(call, |address| address::reach(address) == Reach::Private),
        ..ADDRESS
    },
    Scalar {
        insights: &["isPublicIP"],
        sql: &["ip_is_public"],
        says: "Whether the address is neither private nor reserved.",
        run: |call| test(call, |address| address::reach(address) == Reach::Public),
        ..ADDRESS
    },
    Scalar {
        insights: &["isReservedIP"],
        sql: &["ip_is_reserved"],
        says: "Whether IANA set the address aside: loopback, link local, multicast, documentation and such.",
        run: |call| test(call, |address| address::reach(address) == Reach::Reserved),
        ..ADDRESS
    },
];

fn test(call: &Call<'_>, test: fn(IpAddr) -> bool) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.each_truth(|row| Some(texts.get(row).and_then(address::read).is_some_and(test)))
}

fn subnet(
    call: &Call<'_>,
    (address, block): (usize, usize),
    family: fn(&IpAddr) -> bool,
) -> Result<ArrayRef> {
    let texts = call.texts(address)?;
    let mut blocks = call.made(block, Block::parse)?;
    if call.is_constant(block) && call.rows > 0 && blocks.get(0).is_none() {
        let given = call.texts(block)?;
        let given: String = given.get(0).unwrap_or("nothing").chars().take(64).collect();
        return Err(exec_datafusion_err!(
            "{} was given {given:?} as a block of addresses; it should look like 10.0.0.0/8",
            call.name
        ));
    }
    call.each_truth(|row| {
        let address = texts.get(row).and_then(address::read).filter(family);
        Some(address.is_some_and(|a| blocks.get(row).is_some_and(|block| block.contains(a))))
    })
}
