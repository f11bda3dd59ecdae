//! What the configuration says of a list.

use serde::Deserialize;
use wk_model::{Day, Timestamp};

use super::entry::Kind;

/// A list: its name in rules, where it is, how to read it and how long it is good.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSpec {
    /// What rules call it: `%tor_exits%`. Several lists of one name are one list.
    pub name: String,
    /// The file.
    pub file: String,
    /// How it is written.
    #[serde(default)]
    pub format: Format,
    /// The column that holds the entries, for `csv`.
    pub column: Option<String>,
    /// What its entries are; the standard names know.
    pub kind: Option<Kind>,
    /// Where it is from, for people.
    pub source: Option<String>,
    /// Older than this it is stale: told, and still used.
    pub max_age_hours: Option<u32>,
    /// From then on it matches nothing.
    pub expires: Option<Until>,
    /// Only these services of `aws_ip_ranges`, such as `EC2`; none named: all.
    #[serde(default)]
    pub services: Vec<String>,
    /// Only these regions of `aws_ip_ranges`, such as `eu-west-1`; none named: all.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One entry a line; `#` begins a comment.
    #[default]
    Plain,
    /// RFC 4180 with a line of names.
    Csv,
    /// `ip-ranges.json`, as AWS publishes it.
    AwsIpRanges,
    /// A STIX 2.1 bundle.
    Stix,
    /// An event or a feed of MISP.
    Misp,
    /// No file: put together from what is in the lake ([`crate::own`]).
    #[serde(skip)]
    Lake,
}

impl Format {
    /// Its word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Csv => "csv",
            Self::AwsIpRanges => "aws_ip_ranges",
            Self::Stix => "stix",
            Self::Misp => "misp",
            Self::Lake => "lake",
        }
    }
}

/// A time or a day, whose start is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Until(pub Timestamp);

impl TryFrom<String> for Until {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let day = || Day::parse(&text).map(Day::start);
        Timestamp::parse(&text)
            .ok()
            .or_else(day)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no time; write 2026-12-31 or 2026-12-31T18:00:00Z"))
    }
}

impl ListSpec {
    /// A plain list; for tests and callers that have no configuration.
    pub fn new(name: &str, file: &str, format: Format) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            format,
            column: None,
            kind: None,
            source: None,
            max_age_hours: None,
            expires: None,
            services: Vec::new(),
            regions: Vec::new(),
        }
    }
}
