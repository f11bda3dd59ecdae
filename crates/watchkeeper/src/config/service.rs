//! `[service]`, `[[folder]]`, `[[queue]]`, `[[listing]]`, `[[cloudwatch]]`, `[otlp]`: what `run` does.

use std::net::SocketAddr;

use serde::Deserialize;

/// `[service]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Service {
    /// Where metrics and health are offered; `""` offers none. Loopback only.
    pub(crate) listen: String,
    /// So long jobs may take to end once the service is told to, in seconds.
    pub(crate) stop_seconds: u64,
    /// How long more is waited for before a commit, in seconds.
    pub(crate) gather_seconds: u64,
}

impl Default for Service {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7480".to_owned(), stop_seconds: 30, gather_seconds: 2 }
    }
}

/// `[[folder]]`: a folder that is watched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folder {
    /// Its path.
    pub(crate) path: String,
    /// A file that has not changed for so many seconds is complete.
    #[serde(default = "five")]
    pub(crate) settle_seconds: u64,
    /// Between two looks, in seconds.
    #[serde(default = "five")]
    pub(crate) poll_seconds: u64,
}

/// `[[queue]]`: a queue in SQS that is pulled from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Queue {
    /// Its URL (`https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`), ARN or name.
    pub(crate) url: String,
    /// Profile of the AWS CLI whose credentials are used.
    pub(crate) profile: Option<String>,
    /// Region of the buckets, where it is not that of the profile or the message.
    pub(crate) region: Option<String>,
    /// Endpoint of a stand-in for AWS, for the queue and its buckets.
    pub(crate) endpoint: Option<String>,
    /// Buckets that messages may name; a `*` at the end stands for any rest. None: all.
    #[serde(default)]
    pub(crate) buckets: Vec<String>,
    /// Where messages go that nobody could handle (URL, ARN or name): its depth is watched.
    pub(crate) dead_letters: Option<String>,
    /// How long a message stays invisible, in seconds; it is extended while it is worked on.
    #[serde(default = "five_minutes")]
    pub(crate) invisible_seconds: u32,
    /// Messages that are worked on at a time.
    #[serde(default = "thousand")]
    pub(crate) held: usize,
}

/// `[[listing]]`: a prefix that is listed now and then.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// `s3://bucket/prefix/`
    pub(crate) location: String,
    /// Profile of the AWS CLI whose credentials are used.
    pub(crate) profile: Option<String>,
    /// Region of the bucket.
    pub(crate) region: Option<String>,
    /// Endpoint of an S3-compatible store.
    pub(crate) endpoint: Option<String>,
    /// Between two listings, in minutes.
    #[serde(default = "sixty")]
    pub(crate) every_minutes: u64,
    /// What was written within so many minutes is left to its notification.
    #[serde(default = "fifteen")]
    pub(crate) grace_minutes: u32,
    /// How many days back the first listing reaches.
    #[serde(default = "seven")]
    pub(crate) first_days: u16,
    /// How many days before the last listing each one reaches back.
    #[serde(default = "two")]
    pub(crate) overlap_days: u16,
}

/// `[[cloudwatch]]`: a log group that is pulled, where nobody subscribes to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloudWatch {
    /// Its name.
    pub(crate) log_group: String,
    /// The account that it belongs to.
    pub(crate) account: String,
    /// Profile of the AWS CLI whose credentials are used.
    pub(crate) profile: Option<String>,
    /// Its region, where it is not that of the profile.
    pub(crate) region: Option<String>,
    /// Endpoint of a stand-in for AWS.
    pub(crate) endpoint: Option<String>,
    /// Between two rounds, in seconds.
    #[serde(default = "sixty")]
    pub(crate) every_seconds: u64,
    /// How many hours back the first round reaches.
    #[serde(default = "day")]
    pub(crate) first_hours: u32,
}

/// `[otlp]`: logs over the OpenTelemetry protocol. Nothing is offered by default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Otlp {
    /// Where it is offered over HTTP (protobuf and JSON): `127.0.0.1:4318`. Loopback only.
    pub(crate) http: String,
    /// Where it is offered over gRPC: `127.0.0.1:4317`. Loopback only.
    pub(crate) grpc: String,
    /// Bytes that may lie in the spool before senders are told to wait.
    pub(crate) spool_bytes: u64,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { http: String::new(), grpc: String::new(), spool_bytes: 1 << 30 }
    }
}

fn day() -> u32 {
    24
}
fn two() -> u16 {
    2
}
fn five() -> u64 {
    5
}
fn seven() -> u16 {
    7
}
fn fifteen() -> u32 {
    15
}
fn five_minutes() -> u32 {
    300
}
fn thousand() -> usize {
    1000
}
fn sixty() -> u64 {
    60
}

/// What of these sections cannot be, each with the key that says it. Asks nobody.
pub(crate) fn mistakes(config: &super::Config) -> Vec<(String, String)> {
    let mut within = vec![
        ("[service] stop_seconds", config.service.stop_seconds, 1, 3600),
        ("[service] gather_seconds", config.service.gather_seconds, 0, 5),
        ("[otlp] spool_bytes", config.otlp.spool_bytes, 1 << 20, 1 << 40),
    ];
    for folder in &config.folder {
        within.push(("[[folder]] poll_seconds", folder.poll_seconds, 1, 86_400));
        within.push(("[[folder]] settle_seconds", folder.settle_seconds, 0, 86_400));
    }
    for queue in &config.queue {
        let seconds = u64::from(queue.invisible_seconds);
        within.push(("[[queue]] invisible_seconds", seconds, 30, 43_200));
        within.push(("[[queue]] held", queue.held as u64, 10, 100_000));
    }
    for listing in &config.listing {
        within.push(("[[listing]] every_minutes", listing.every_minutes, 1, 44_640));
    }
    for group in &config.cloudwatch {
        within.push(("[[cloudwatch]] every_seconds", group.every_seconds, 10, 86_400));
    }
    let outside =
        within.into_iter().filter(|(_, value, least, most)| !(least..=most).contains(&value));
    let mut found: Vec<(String, String)> = outside
        .map(|(key, value, least, most)| {
            (key.to_owned(), format!("{value} is not between {least} and {most}"))
        })
        .collect();
    for group in &config.cloudwatch {
        if wk_model::AccountId::try_from(group.account.clone()).is_err() {
            let why = format!("{:?} is no account of 12 digits", group.account);
            found.push(("[[cloudwatch]] account".to_owned(), why));
        }
    }
    for listing in &config.listing {
        if let Err(e) = listing.parts() {
            found.push(("[[listing]] location".to_owned(), e.to_string()));
        }
    }
    let addresses = [
        ("[service] listen", &config.service.listen),
        ("[otlp] http", &config.otlp.http),
        ("[otlp] grpc", &config.otlp.grpc),
    ];
    for (key, address) in addresses {
        if let Err(e) = loopback(key, address) {
            found.push((key.to_owned(), e.to_string()));
        }
    }
    if let Err(e) = config.backup.seconds() {
        found.push(("[backup] at".to_owned(), e.to_string()));
    }
    let groups = config.cloudwatch.iter().map(|group| group.log_group.as_str());
    found.extend(twice("[[cloudwatch]] log_group", groups));
    found.extend(twice("[[folder]] path", config.folder.iter().map(|f| f.path.as_str())));
    found.extend(twice("[[queue]] url", config.queue.iter().map(|q| q.url.as_str())));
    found.extend(twice("[[listing]] location", config.listing.iter().map(|l| l.location.as_str())));
    found
}

/// Whether a service would have nothing to do.
pub(crate) fn watches_nothing(config: &super::Config) -> bool {
    let pulls =
        [config.folder.len(), config.queue.len(), config.listing.len(), config.cloudwatch.len()];
    pulls.iter().all(|n| *n == 0) && config.otlp.http.is_empty() && config.otlp.grpc.is_empty()
}

/// Names that stand twice: each names a job, and no two jobs may do the same.
fn twice<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let pairs = names.windows(2).filter(|pair| pair[0] == pair[1]);
    pairs.map(|pair| (key.to_owned(), format!("{:?} stands twice", pair[0]))).collect()
}

impl Listing {
    /// Bucket and prefix; the prefix is empty or ends in a slash.
    pub(crate) fn parts(&self) -> anyhow::Result<(String, String)> {
        let rest = self.location.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            anyhow::bail!("{:?} is not of the form s3://bucket/prefix/", self.location);
        }
        let prefix = prefix.trim_end_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok((bucket.to_owned(), format!("{prefix}{slash}")))
    }
}

/// The address that a key names; `None` where it is empty.
///
/// # Errors
/// If it is no address and port, or one that others than this machine can reach: nothing here asks
/// who calls.
pub(crate) fn loopback(key: &str, address: &str) -> anyhow::Result<Option<SocketAddr>> {
    if address.is_empty() {
        return Ok(None);
    }
    let Ok(parsed) = address.parse::<SocketAddr>() else {
        anyhow::bail!("{key} = {address:?} is no address with a port, such as 127.0.0.1:7480");
    };
    if !parsed.ip().is_loopback() {
        anyhow::bail!(
            "{key} = {address:?} can be reached from other machines, and nothing there asks who calls: \
             use 127.0.0.1 or [::1], and a proxy that authenticates in front of it"
        );
    }
    Ok(Some(parsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_offered() {
        let told = |address| loopback("[service] listen", address).map_err(|e| e.to_string());
        assert_eq!(told(""), Ok(None));
        assert!(told("127.0.0.1:0").unwrap().is_some() && told("[::1]:80").unwrap().is_some());
        for address in ["0.0.0.0:7480", "192.0.2.1:80", "[::]:80"] {
            let error = told(address).unwrap_err();
            assert!(error.contains("[service] listen") && error.contains(address), "{error}");
        }
        assert!(told("localhost").unwrap_err().contains("no address"));
    }
}
