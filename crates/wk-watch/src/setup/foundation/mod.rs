//! The foundation as one file: which accounts and regions there are, what is logged in them, how long
//! it is kept, who is told, and what is left out for which reason.
//!
//! * Everything but accounts, regions, contacts and buckets has a default that keeps the promises.
//! * [`read`] answers every mistake of a file at once, by place; what it answers as a foundation has
//!   none. Mistakes of the mission's documents are refused in the words of [`super::lint`].
//! * What is left out is left out by name, with a reason, and is told in every plan.

mod fields;
mod parts;
mod read;
mod services;
mod terms;

use super::retention::Policy;

pub use fields::Mistake;
pub use parts::{FLOW_FIELDS, OPT_OUTS};
pub use read::read;

/// What an organisation wants of logging and monitoring.
#[derive(Debug, Clone)]
pub struct Foundation {
    /// The organisation's id, `o-…`.
    pub organization: String,
    /// The accounts.
    pub accounts: Accounts,
    /// The regions, the home region first, each once.
    pub regions: Vec<String>,
    /// Who is told of what is critical.
    pub contacts: Vec<Contact>,
    /// The key under which logs lie: `alias/…` in the archive's account, or the ARN of one.
    pub key: String,
    /// Where logs are kept.
    pub buckets: Buckets,
    /// The trail.
    pub trail: Trail,
    /// Flow logs.
    pub flow_logs: FlowLogs,
    /// AWS Config.
    pub config: Config,
    /// GuardDuty.
    pub guardduty: GuardDuty,
    /// Security Hub.
    pub security_hub: SecurityHub,
    /// Alarms.
    pub alarms: Alarms,
    /// Rules of EventBridge.
    pub events: Events,
    /// The dashboard's name.
    pub dashboard: String,
    /// How long log groups keep what they hold.
    pub retention: Policy,
    /// What is left out.
    pub opt_outs: Vec<OptOut>,
}

/// The accounts of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// It owns the organisation and its trail.
    pub management: String,
    /// It administers GuardDuty and Security Hub, and the service runs in it.
    pub security: String,
    /// It owns the buckets with logs.
    pub archive: String,
    /// The others.
    pub members: Vec<String>,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// A protocol of SNS: `email`, `https`, `sms`, `sqs`.
    pub protocol: String,
    /// The address.
    pub endpoint: String,
}

/// Buckets with logs, and how long they keep what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// Files of the trail.
    pub trail: String,
    /// Snapshots and history of AWS Config.
    pub config: String,
    /// Flow logs.
    pub flow_logs: String,
    /// Days at hand.
    pub hot_days: u32,
    /// Days until it goes into the deep archive.
    pub archive_days: u32,
    /// Days until it is deleted.
    pub keep_days: u32,
    /// The lock of objects; none where that was left out by name.
    pub lock: Option<Lock>,
}

/// A lock of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// For so many days.
    pub days: u32,
}

/// The organisation's trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Its name.
    pub name: String,
    /// The log group that it writes into as well.
    pub log_group: String,
    /// Kinds of Insights.
    pub insights: Vec<String>,
    /// Types of resources whose data events are logged.
    pub data_events: Vec<String>,
}

/// Flow logs of every VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogs {
    /// `cloud-watch-logs` and `s3`.
    pub destinations: Vec<String>,
    /// Fields in their order.
    pub fields: Vec<String>,
    /// Log groups are called by this and the VPC's id.
    pub log_group: String,
    /// Seconds that one record sums up: 60 or 600.
    pub interval_seconds: u32,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// AWS Config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How often a snapshot is delivered.
    pub snapshots: String,
    /// Identifiers of AWS's rules that hold for the organisation.
    pub rules: Vec<String>,
}

/// GuardDuty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardDuty {
    /// How often updated findings are published.
    pub frequency: String,
    /// Features that are on.
    pub features: Vec<String>,
}

/// Security Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityHub {
    /// Standards as the end of their ARNs: `NAME/v/VERSION`.
    pub standards: Vec<String>,
    /// Products of AWS whose findings are taken in.
    pub products: Vec<String>,
}

/// Metric filters on the trail's log group, and their alarms.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarms {
    /// The topic that they tell.
    pub topic: String,
    /// The name space of the filters' metrics.
    pub namespace: String,
    /// More than so many unauthorised calls in five minutes alarm.
    pub unauthorized_above: u32,
    /// Alarms of the user's own.
    pub also: Vec<OwnAlarm>,
}

/// An alarm of the user's own on a metric that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnAlarm {
    /// Its name.
    pub name: String,
    /// The metric's name space.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// It alarms from this on.
    pub threshold: f64,
}

/// Rules of EventBridge that bring findings to the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// The ARN of the service's queue.
    pub queue: String,
    /// Findings of GuardDuty from this severity on also go to the topic.
    pub severity_min: f64,
}

/// Something that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    /// What: one of [`OPT_OUTS`].
    pub what: String,
    /// Only there; empty: everywhere.
    pub accounts: Vec<String>,
    /// Only there; empty: everywhere.
    pub regions: Vec<String>,
    /// Why.
    pub reason: String,
}

impl Foundation {
    /// The home region.
    pub fn home(&self) -> &str {
        self.regions.first().map(String::as_str).unwrap_or_default()
    }

    /// The partition of the home region.
    pub fn partition(&self) -> &'static str {
        match self.home() {
            china if china.starts_with("cn-") => "aws-cn",
            gov if gov.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Every account that is named, each once.
    pub fn named_accounts(&self) -> Vec<&str> {
        let accounts = &self.accounts;
        let own = [&accounts.management, &accounts.security, &accounts.archive];
        let mut all: Vec<&str> =
            own.into_iter().chain(&accounts.members).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Why something is left out there, if it is. Nothing said of account or region: everywhere.
    pub fn left_out(&self, what: &str, account: &str, region: &str) -> Option<&OptOut> {
        let of = |list: &[String], one: &str| list.is_empty() || list.iter().any(|l| l == one);
        let fits =
            |o: &&OptOut| o.what == what && of(&o.accounts, account) && of(&o.regions, region);
        self.opt_outs.iter().find(fits)
    }

    /// An ARN in the partition of the home region.
    pub fn arn(&self, service: &str, region: &str, account: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{region}:{account}:{rest}", self.partition())
    }

    /// The ARN of the trail.
    pub fn trail_arn(&self) -> String {
        let rest = format!("trail/{}", self.trail.name);
        self.arn("cloudtrail", self.home(), &self.accounts.management, &rest)
    }

    /// The ARN of an account's topic. The trail's alarms lie in the management account, those of
    /// findings in the security account, and an alarm tells a topic beside it.
    pub fn topic_arn(&self, account: &str) -> String {
        self.arn("sns", self.home(), account, &self.alarms.topic)
    }

    /// The accounts that have a topic.
    pub fn topic_accounts(&self) -> Vec<&str> {
        let mut both = vec![self.accounts.management.as_str(), &self.accounts.security];
        both.dedup();
        both
    }

    /// The ARN of the key, or of its alias.
    pub fn key_arn(&self) -> String {
        if self.key.starts_with("arn:") {
            return self.key.clone();
        }
        self.arn("kms", self.home(), &self.accounts.archive, &self.key)
    }

    /// The ARN of a bucket.
    pub fn bucket_arn(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.partition())
    }

    /// The buckets, each once.
    pub fn bucket_names(&self) -> Vec<&str> {
        let buckets = &self.buckets;
        let mut all = vec![buckets.trail.as_str(), &buckets.config, &buckets.flow_logs];
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The format of flow logs as AWS writes it.
    pub fn flow_format(&self) -> String {
        let fields: Vec<String> =
            self.flow_logs.fields.iter().map(|f| format!("${{{f}}}")).collect();
        fields.join(" ")
    }
}

#[cfg(test)]
mod tests;
