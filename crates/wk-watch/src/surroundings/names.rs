//! What names and addresses say by themselves: sessions of roles, domains, private addresses, and
//! policies that allow everything.

use core::net::IpAddr;
use std::collections::BTreeMap;

use wk_lang::json::{Kind, Tape, Value};

/// A session of an assumed role, from its ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session<'a> {
    /// The name of the role.
    pub role: &'a str,
    /// The name of the session.
    pub name: &'a str,
}

impl<'a> Session<'a> {
    /// Reads `arn:aws:sts::111122223333:assumed-role/ROLE/SESSION`.
    pub fn of(arn: &'a str) -> Option<Self> {
        let (before, rest) = arn.split_once(":assumed-role/")?;
        if !before.starts_with("arn:") {
            return None;
        }
        let (role, name) = rest.rsplit_once('/')?;
        (!role.is_empty() && !name.is_empty()).then_some(Self { role, name })
    }

    /// The instance that the session is of: EC2 calls the sessions of instance profiles by their ids.
    pub fn instance(&self) -> Option<&'a str> {
        let digits = self.name.strip_prefix("i-")?;
        let hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (hex && matches!(digits.len(), 8 | 17)).then_some(self.name)
    }
}

/// A domain name that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// In lower case, without its final dot.
    pub name: String,
    /// Where the registered domain begins in it.
    registered_at: usize,
    /// Bytes of the labels before it.
    pub label_bytes: usize,
    /// Shannon entropy of the letters before it, in bits, rounded to thousandths.
    pub entropy: f64,
}

impl Domain {
    /// Takes a name apart.
    ///
    /// The registered domain is the last two labels, or the last three where the last but one is a
    /// kind of organisation below a country (`co.uk`, `com.br`): such labels have at most three
    /// letters and stand before a country's two. Public suffixes of companies (`github.io`) are not
    /// known, and countries' own short names (`bbc.uk` below a name) may be taken for kinds.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
        if name.is_empty() || name.len() > 255 {
            return None;
        }
        let labels: Vec<&str> = name.split('.').collect();
        let count = match labels.as_slice() {
            [.., _, second, last] if last.len() == 2 && second.len() <= 3 => 3,
            all => all.len().min(2),
        };
        let registered = labels.iter().rev().take(count).map(|l| l.len() + 1).sum::<usize>();
        let registered_at = (name.len() + 1).saturating_sub(registered);
        let before = name.get(..registered_at).unwrap_or("");
        let letters: String = before.chars().filter(|c| *c != '.').collect();
        let (label_bytes, entropy) = (letters.len(), entropy(&letters));
        Some(Self { name, registered_at, label_bytes, entropy })
    }

    /// The registered domain.
    pub fn registered(&self) -> &str {
        self.name.get(self.registered_at..).unwrap_or("")
    }
}

fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    text.chars().for_each(|letter| *counts.entry(letter).or_default() += 1);
    let all = f64::from(counts.values().sum::<u32>());
    let bits = |count: &u32| {
        let share = f64::from(*count) / all;
        -share * share.log2()
    };
    // Adding zero turns the negative zero of a text with one letter into zero.
    (counts.values().map(bits).sum::<f64>() * 1_000.0).round() / 1_000.0 + 0.0
}

/// Whether an address is none of the internet's: private use, shared (carriers), link-local, loopback,
/// documentation, unspecified.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            v6.is_loopback()
                || v6.is_unspecified()
                || a & 0xfe00 == 0xfc00
                || a & 0xffc0 == 0xfe80
                || (a == 0x2001 && b == 0x0db8)
                || a == 0x3fff && b < 0x1000
        }
    }
}

/// Whether the name of a service stands where an address would.
pub(super) fn is_service(source: &str) -> bool {
    source.ends_with(".amazonaws.com") || source == "AWS Internal"
}

/// Bytes of a policy, at most; IAM takes 10,240 and S3 20 KiB.
const POLICY_BYTES_MAX: usize = 64 << 10;

/// Whether a policy in the request's parameters allows every action on every resource; `None` where
/// there is no policy. Conditions are not weighed: they can be lifted later.
pub(super) fn allows_everything(record: Value<'_>) -> Option<bool> {
    let request = record.get("requestParameters")?;
    let policy =
        ["policyDocument", "inlinePolicy", "policy"].iter().find_map(|key| request.get(key))?;
    if policy.kind() == Kind::Object {
        return Some(some_statement(policy));
    }
    let text = policy.as_str().filter(|text| text.len() <= POLICY_BYTES_MAX)?;
    let mut tape = Tape::new();
    tape.parse(&text).ok().map(some_statement)
}

fn some_statement(policy: Value<'_>) -> bool {
    let Some(statement) = policy.get("Statement") else { return false };
    match statement.kind() {
        Kind::Array => statement.items().any(everything),
        _ => everything(statement),
    }
}

fn everything(statement: Value<'_>) -> bool {
    let all = |key: &str, words: &[&str]| {
        let is = |value: Value<'_>| value.as_str().is_some_and(|text| words.contains(&&*text));
        statement.get(key).is_some_and(|value| is(value) || value.items().any(is))
    };
    statement.text("Effect").as_deref() == Some("Allow")
        && all("Action", &["*", "*:*"])
        && all("Resource", &["*"])
}
