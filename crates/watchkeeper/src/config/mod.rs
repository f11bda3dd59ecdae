//! Where everything of a user lies, and what the user says about it.

pub(crate) mod aws;
pub(crate) mod backup;
pub(crate) mod checks;
mod detect;
#[cfg(test)]
mod example;
mod home;
mod inventory;
mod log_groups;
mod notify;
pub(crate) mod oncall;
mod own;
mod places;
mod retention;
mod routes;
mod selfwatch;
pub(crate) mod service;
mod smtp;
mod triage;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

pub(crate) use home::Home;
pub(crate) use routes::{event_rules, files as route_files};

/// `config.toml` in the home directory. Every key has a default; an unknown key is an error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the lake's files lie.
    pub(crate) lake: Lake,
    /// What logs do not say of themselves.
    pub(crate) sources: Sources,
    /// Which table a log group is.
    pub(crate) log_groups: log_groups::LogGroups,
    /// How long rows are kept.
    pub(crate) retention: retention::Retention,
    /// Where the service puts backups.
    pub(crate) backup: backup::Backup,
    /// How AWS is reached.
    pub(crate) aws: aws::Aws,
    /// How the service runs.
    pub(crate) service: service::Service,
    /// Folders that it watches.
    pub(crate) folder: Vec<service::Folder>,
    /// Queues that it pulls from.
    pub(crate) queue: Vec<service::Queue>,
    /// Prefixes that it lists.
    pub(crate) listing: Vec<service::Listing>,
    /// Log groups that it pulls.
    pub(crate) cloudwatch: Vec<service::CloudWatch>,
    /// Lists that rules may ask about.
    pub(crate) list: Vec<wk_watch::lists::ListSpec>,
    /// By what it is known what is ours.
    pub(crate) own: own::Own,
    /// Databases that know where addresses are.
    pub(crate) places: places::Places,
    /// Which rules are off, or only tried.
    pub(crate) detect: detect::Detect,
    /// What is asked of AWS every day.
    pub(crate) inventory: inventory::Inventory,
    /// Parameters of checks.
    pub(crate) checks: checks::Checks,
    /// Which findings must be decided, and within which time.
    pub(crate) triage: triage::Triage,
    /// When the watch calls itself in trouble.
    pub(crate) selfwatch: selfwatch::Selfwatch,
    /// What is history.
    pub(crate) backfill: selfwatch::BackFill,
    /// Where drills go.
    pub(crate) drill: selfwatch::Drill,
    /// Ways to people.
    pub(crate) channels: BTreeMap<String, notify::ChannelText>,
    /// How people are told.
    pub(crate) notify: notify::NotifyText,
    /// The server that takes mail.
    pub(crate) smtp: Option<smtp::SmtpText>,
    /// Times that come again, by name.
    pub(crate) time_intervals: BTreeMap<String, wk_act::notices::IntervalText>,
    /// Which alarms hold back which.
    pub(crate) inhibit: Vec<notify::InhibitText>,
    /// Who is asked when nobody acknowledges.
    pub(crate) escalation: notify::EscalationText,
    /// Who is on call.
    pub(crate) oncall: oncall::OncallText,
    /// How people are reached.
    pub(crate) people: BTreeMap<String, oncall::PersonText>,
    /// Logs over the OpenTelemetry protocol.
    pub(crate) otlp: service::Otlp,
}

/// `[lake]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lake {
    /// `s3://bucket/prefix`; else a folder of the home directory.
    pub(crate) location: Option<String>,
    /// Region of the bucket.
    pub(crate) region: Option<String>,
    /// Endpoint of an S3-compatible store.
    pub(crate) endpoint: Option<String>,
    /// KMS key (id or ARN) under which the lake's files are encrypted in S3.
    pub(crate) sse_kms_key: Option<String>,
    /// Profile whose credentials reach the bucket.
    pub(crate) profile: Option<String>,
}

/// `[sources]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sources {
    /// Field order of flow logs without a header line.
    pub(crate) flow_log_format: Option<String>,
    /// Name of the time field in JSON application logs.
    pub(crate) time_field: Option<String>,
}

impl Config {
    /// Reads the file; none is the same as an empty one.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .with_context(|| format!("could not understand {}", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e).with_context(|| format!("could not read {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_named() {
        let error =
            toml::from_str::<Config>("[lake]\nlocaton = 's3://x'\n").unwrap_err().to_string();
        assert!(error.contains("locaton"), "{error}");
        assert!(error.contains("line 2"), "{error}");
    }
}
