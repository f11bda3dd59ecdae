//! The service's figures in the form that Prometheus reads (OpenMetrics text).

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use wk_engine::service::Counts;
use wk_engine::service::counts::{self, Kind, Labels, SECONDS, Value};

/// What the text is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every figure of the process.
pub(super) fn text(counts: &Arc<Counts>) -> Result<String, std::fmt::Error> {
    match resident_bytes() {
        Some(bytes) => counts.set(counts::MEMORY, &[], bytes),
        None => counts.unset(counts::MEMORY, &[]),
    }
    let mut registry = Registry::with_prefix("watchkeeper");
    registry.register_collector(Box::new(Figures(counts.clone())));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Figures(Arc<Counts>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let all = self.0.all();
        for figure in counts::ALL {
            let mut series = all.iter().filter(|(name, ..)| *name == figure.name).peekable();
            if series.peek().is_none() {
                continue;
            }
            let kind = match figure.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Seconds => MetricType::Histogram,
            };
            let mut family = encoder.encode_descriptor(figure.name, figure.help, None, kind)?;
            for (_, labels, value) in series {
                one(family.encode_family(&pairs(labels))?, value)?;
            }
        }
        Ok(())
    }
}

fn pairs(labels: &Labels) -> Vec<(&'static str, String)> {
    labels.clone()
}

fn one(
    mut encoder: prometheus_client::encoding::MetricEncoder<'_>,
    value: &Value,
) -> Result<(), std::fmt::Error> {
    type NoLabels = Vec<(&'static str, String)>;
    match value {
        Value::Count(count) => encoder.encode_counter::<NoLabels, _, u64>(count, None),
        Value::Level(level) => encoder.encode_gauge(level),
        Value::Spread(classes, sum) => {
            let ends = SECONDS.iter().copied().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = ends.zip(classes.iter().copied()).collect();
            encoder.encode_histogram::<NoLabels>(*sum, classes.iter().sum(), &buckets, None)
        }
    }
}

/// The memory that the system has given to this process, where it says so.
pub(crate) fn resident_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let counts = Arc::new(Counts::default());
        counts.add(counts::MESSAGES, &[("queue", "a\"\n"), ("became", "read")], 3);
        counts.took(counts::COMMIT_LAG, &[("path", "queue")], 1.5);
        counts.took(counts::COMMIT_LAG, &[("path", "queue")], 4.0);
        let text = text(&counts).unwrap();
        for line in [
            "# TYPE watchkeeper_messages counter",
            r#"watchkeeper_messages_total{queue="a\"\n",became="read"} 3"#,
            "# TYPE watchkeeper_commit_lag_seconds histogram",
            r#"watchkeeper_commit_lag_seconds_bucket{le="2.0",path="queue"} 1"#,
            r#"watchkeeper_commit_lag_seconds_bucket{le="+Inf",path="queue"} 2"#,
            r#"watchkeeper_commit_lag_seconds_sum{path="queue"} 5.5"#,
            "watchkeeper_resident_memory_bytes ",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
