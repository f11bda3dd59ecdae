//! The catalogue of sources: one file each.
//!
//! To add one, copy its neighbour, write its `SOURCE` and add it to [`ALL`]. A source says what
//! its records look like and which columns they become; splitting, unwrapping, identity and
//! counting are shared machinery ([`crate::reader`]).

pub mod alb;
pub mod applog;
pub mod bedrock_invocation;
pub mod check_results;
pub mod cloudfront;
pub mod cloudtrail;
pub mod cloudtrail_digest;
pub mod config;
pub mod eks_audit;
pub mod entra_audit;
pub mod entra_signin;
pub mod eventbridge;
pub mod google_workspace;
pub mod guardduty;
pub mod inventory;
pub mod network_firewall;
pub mod ocsf;
pub mod okta;
pub mod rds_audit;
pub mod rds_mysql_error;
pub mod rds_mysql_slow;
pub mod rds_postgres;
pub mod resolver;
pub mod route53_public;
pub mod s3_access;
pub mod security_hub;
pub mod vpc_flow;
pub mod waf;

use wk_lang::json::Value;
use wk_model::{Row, Table, Timestamp};

/// Every source, in the order in which they are asked whether a record is theirs.
pub const ALL: &[&Source] = &[
    &cloudtrail_digest::SOURCE,
    &cloudtrail::SOURCE,
    &ocsf::SOURCE,
    &security_hub::SOURCE,
    &guardduty::SOURCE,
    &config::SOURCE,
    &eventbridge::SOURCE,
    &vpc_flow::SOURCE,
    &resolver::SOURCE,
    &waf::SOURCE,
    &s3_access::SOURCE,
    &alb::SOURCE,
    &eks_audit::SOURCE,
    &bedrock_invocation::SOURCE,
    &okta::SOURCE,
    &entra_signin::SOURCE,
    &entra_audit::SOURCE,
    &google_workspace::SOURCE,
    &network_firewall::SOURCE,
    &cloudfront::SOURCE,
    &route53_public::SOURCE,
    &rds_audit::SOURCE,
    &rds_postgres::SOURCE,
    &rds_mysql_slow::SOURCE,
    &rds_mysql_error::SOURCE,
    &applog::SOURCE,
    &inventory::SOURCE,
    &check_results::SOURCE,
];

/// A kind of log or report that Watchkeeper reads.
pub struct Source {
    /// Its name in commands and counts.
    pub id: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// Where its format is documented.
    pub page: &'static str,
    /// The promises it serves.
    pub serves: &'static [&'static str],
    /// The table its events go to.
    pub table: &'static Table,
    /// `logsource.product` of rules that apply to it: `aws` nearly always.
    pub product: &'static str,
    /// `logsource.service` of rules that apply to it; `None` if no rule with a product does.
    pub service: Option<&'static str>,
    /// How it reads JSON records, if it has any.
    pub json: Option<JsonForm>,
    /// How it reads lines of text, if it has any.
    pub lines: Option<LineForm>,
}

/// How a source reads JSON records.
pub struct JsonForm {
    /// Whether an object is a record of this source. Cheap: it is asked of every record.
    pub claims: fn(Value<'_>) -> bool,
    /// Turns a record into an event.
    pub read: for<'a> fn(Value<'a>, &Context<'a>) -> Result<Row<'a>, Refusal>,
}

/// How a source reads lines of text.
pub struct LineForm {
    /// Whether the first lines of an object (at most 20, none empty) are of this source.
    pub claims: fn(&[&str], &Settings) -> bool,
    /// A reader for one object; it may remember header lines.
    pub begin: fn(&Settings) -> Box<dyn LineReader>,
}

/// Reads the lines of one object.
pub trait LineReader: Send {
    /// For formats whose records span lines: whether this line begins one. Lines that do not are
    /// joined to the record before them. `None`: every line is a record.
    fn begins(&self) -> Option<fn(&str) -> bool> {
        None
    }
    /// Reads a record: a line, or several joined by newlines.
    fn record<'a>(&mut self, text: &'a str, context: &Context<'a>) -> Line<'a>;
}

/// What a line turned out to be.
pub enum Line<'a> {
    /// An event.
    Event(Box<Row<'a>>),
    /// A header or comment that belongs to the format: not a record.
    Header,
    /// No event, and why.
    Refused(Refusal),
}

/// Why a record could not become an event: a sentence without a final stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// What is known of a record from outside itself.
#[derive(Clone)]
pub struct Context<'a> {
    /// Where the object lies: a path or `s3://bucket/key`.
    pub uri: &'a str,
    /// When the object was written.
    pub modified: Timestamp,
    /// The settings of the user.
    pub settings: &'a Settings,
    /// Metadata of the object.
    pub metadata: &'a [(String, String)],
    /// What envelopes around the record said.
    pub envelope: Envelope<'a>,
}

/// What the envelopes around a record said; the innermost that says something wins.
#[derive(Clone, Default)]
pub struct Envelope<'a> {
    /// AWS account of an EventBridge event, or owner of a log group.
    pub account: Option<&'a str>,
    /// AWS region of an EventBridge event.
    pub region: Option<&'a str>,
    /// Time of the envelope.
    pub time: Option<Timestamp>,
    /// The envelope's own id of this record.
    pub id: Option<&'a str>,
    /// Log group of a CloudWatch Logs subscription.
    pub log_group: Option<&'a str>,
    /// Log stream of a CloudWatch Logs subscription.
    pub log_stream: Option<&'a str>,
}

/// What a user can say about logs that do not describe themselves, and what the edge lends.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Field order of flow logs without a header: `${version} ${account-id} …` or bare names.
    pub flow_log_format: Option<String>,
    /// Name of the time field in JSON application logs (dots reach into objects).
    pub time_field: Option<String>,
    /// Inflates a small gzip member within limits; gives other bytes back as they are. `None`:
    /// broken, or beyond the limits.
    pub inflate: fn(&[u8]) -> Option<Vec<u8>>,
}

impl Default for Settings {
    /// Nothing said; only bytes that are not compressed are read.
    fn default() -> Self {
        let inflate = |bytes: &[u8]| (!bytes.starts_with(&[0x1f, 0x8b])).then(|| bytes.to_vec());
        Self { flow_log_format: None, time_field: None, inflate }
    }
}

impl Context<'_> {
    /// When the record was delivered: the envelope's time, else the object's.
    pub fn delivered(&self) -> Timestamp {
        self.envelope.time.unwrap_or(self.modified)
    }
}

/// The source of this name.
pub fn named(id: &str) -> Option<&'static Source> {
    ALL.iter().find(|s| s.id == id).copied()
}

/// The source whose record this JSON object is; `hint` is asked first.
pub fn of_json(record: Value<'_>, hint: Option<&'static Source>) -> Option<&'static Source> {
    let claims = |s: &Source| s.json.as_ref().is_some_and(|form| (form.claims)(record));
    if let Some(source) = hint.filter(|s| claims(s)) {
        return Some(source);
    }
    ALL.iter().find(|s| claims(s)).copied()
}

/// The source whose lines these are.
pub fn of_lines(head: &[&str], settings: &Settings) -> Option<&'static Source> {
    ALL.iter().find(|s| s.lines.as_ref().is_some_and(|form| (form.claims)(head, settings))).copied()
}
