//! What an answer took: files, bytes, rows, time of processors, memory.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::physical_plan::metrics::MetricValue;
use datafusion::physical_plan::{ExecutionPlan, displayable};

/// What an answer took. The numbers are DataFusion's own counts, whole when the last row was there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spent {
    /// Files of the tables that were asked.
    pub files: u64,
    /// Of these, files that were opened; the others were passed over by what the manifest says.
    pub files_read: u64,
    /// Row groups that were passed over by statistics or bloom filter.
    pub row_groups_pruned: u64,
    /// Bytes that were read from files.
    pub bytes_read: u64,
    /// Rows that were decoded.
    pub rows_scanned: u64,
    /// Bytes that sorts, joins and aggregations put into temporary files.
    pub bytes_spilled: u64,
    /// Time of processors, over all operators and threads.
    pub cpu: Duration,
}

impl Spent {
    /// Adds up the counts of a plan.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        let mut spent = Self::default();
        let mut waiting = vec![plan];
        while let Some(plan) = waiting.pop() {
            spent.add(plan.as_ref());
            waiting.extend(plan.children());
        }
        spent
    }

    fn add(&mut self, plan: &dyn ExecutionPlan) {
        let scan = plan.downcast_ref::<DataSourceExec>();
        if let Some(scan) = scan
            && let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>()
        {
            // A large file may be read in several stretches.
            let files = config.file_groups.iter().flat_map(|g| g.iter());
            let paths: BTreeSet<_> = files.map(|f| f.path()).collect();
            self.files += paths.len() as u64;
        }
        let Some(metrics) = plan.metrics() else { return };
        for metric in metrics.iter() {
            match (metric.value(), scan.is_some()) {
                (MetricValue::SpilledBytes(count), _) => self.bytes_spilled += count.value() as u64,
                (MetricValue::ElapsedCompute(time), false) => self.cpu += nanos(time.value()),
                (MetricValue::Time { name, time }, true) if name == "time_elapsed_processing" => {
                    self.cpu += nanos(time.value());
                }
                (MetricValue::OutputRows(count), true) => self.rows_scanned += count.value() as u64,
                (MetricValue::Count { name, count }, true) => match name.as_ref() {
                    "bytes_scanned" => self.bytes_read += count.value() as u64,
                    "pushdown_rows_pruned" => self.rows_scanned += count.value() as u64,
                    _ => {}
                },
                (MetricValue::PruningMetrics { name, pruning_metrics }, true) => {
                    match name.as_ref() {
                        "files_ranges_pruned_statistics" => {
                            self.files_read += pruning_metrics.matched() as u64;
                        }
                        "row_groups_pruned_statistics" | "row_groups_pruned_bloom_filter" => {
                            self.row_groups_pruned += pruning_metrics.pruned() as u64;
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        self.files_read = self.files_read.min(self.files);
    }
}

fn nanos(nanos: usize) -> Duration {
    Duration::from_nanos(nanos as u64)
}

/// The plan that runs, an operator a line.
pub fn plan_text(plan: &dyn ExecutionPlan) -> String {
    displayable(plan).indent(false).to_string()
}

/// A memory pool that remembers how much it gave at most.
#[derive(Debug)]
pub(super) struct Remembering {
    pool: FairSpillPool,
    most: AtomicUsize,
}

impl Remembering {
    pub(super) fn new(bytes: usize) -> Self {
        Self { pool: FairSpillPool::new(bytes), most: AtomicUsize::new(0) }
    }
    /// The most bytes that were given at once.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
    fn remember(&self) {
        self.most.fetch_max(self.pool.reserved(), Ordering::Relaxed);
    }
}

impl fmt::Display for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.pool, f)
    }
}

impl MemoryPool for Remembering {
    fn name(&self) -> &str {
        self.pool.name()
    }
    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }
    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }
    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.remember();
    }
    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }
    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.pool.try_grow(reservation, additional)?;
        self.remember();
        Ok(())
    }
    fn reserved(&self) -> usize {
        self.pool.reserved()
    }
    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}
