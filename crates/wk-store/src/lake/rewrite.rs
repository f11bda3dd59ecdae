//! Files of one day become other files: sorted, as large as they should be, with the same rows.
//!
//! * Memory is bounded whatever the day's size: what does not fit is sorted in pieces on disk.
//! * The new files are read back before anybody is told of them. If they do not hold the rows that
//!   were to be kept, each as often as before, the rewrite fails and nothing has changed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan as _;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use wk_seam::lake::{File, Keep, Rewrite, Rewritten};
use wk_seam::{Answer, Failure, schema};

use super::content::Content;
use super::scratch::Scratch;
use super::write::Writer;
use crate::files::Files;

/// Memory of the sort; beyond it, it goes on on disk.
const SORT_BYTES: usize = 96 << 20;
/// Bytes of a batch of rows that pass from step to step.
const BATCH_BYTES: u64 = 2 << 20;

/// Writes the files anew.
pub(super) async fn rewrite(files: &Files, scratch: &Path, of: &Rewrite) -> Answer<Rewritten> {
    let failed =
        |e: DataFusionError| Failure::new(format!("write {} of {} anew", of.table.name, of.day), e);
    let scratch = Scratch::below(scratch)?;
    let context = context(files, scratch.path(), batch_rows(&of.files)).map_err(failed)?;
    let counts = Arc::new(Mutex::new(Counts::default()));
    let rows = counted(read(&context, of, &of.files).map_err(failed)?, of, counts.clone());
    let mut sorted = sort(&context, of, rows).map_err(failed)?;
    let mut writer = Writer::new(files, scratch.path(), of);
    while let Some(batch) = sorted.next().await.transpose().map_err(failed)? {
        writer.write(&batch).await?;
    }
    drop(sorted);
    let written = writer.finish().await?;
    let counts = std::mem::take(&mut *counts.lock().unwrap_or_else(PoisonError::into_inner));
    let said: u64 = of.files.iter().map(|f| f.rows).sum();
    if counts.read != said {
        let why = format!("the files hold {} rows; the ledger says {said}", counts.read);
        return Err(Failure::new(format!("read {} of {}", of.table.name, of.day), why));
    }
    let there = content_of(&context, of, &written).await.map_err(failed)?;
    if there != counts.kept {
        let why = format!(
            "the new files do not hold the same rows ({} of {}); nothing was changed",
            there.rows(),
            counts.kept.rows()
        );
        return Err(Failure::new(format!("check {} of {}", of.table.name, of.day), why));
    }
    Ok(Rewritten { rows_dropped: counts.read - counts.kept.rows(), files: written })
}

/// How many rows of each file a rewrite would leave out.
pub(super) async fn count_dropped(files: &Files, of: &Rewrite) -> Answer<Vec<u64>> {
    let failed = |e: DataFusionError| {
        Failure::new(format!("count rows of {} of {}", of.table.name, of.day), e)
    };
    let Some(keep) = &of.keep else { return Ok(vec![0; of.files.len()]) };
    let context = context(files, &std::env::temp_dir(), 8192).map_err(failed)?;
    let mut dropped = Vec::new();
    for file in &of.files {
        let schema = schema::of(of.table);
        let place = |name: &String| schema.index_of(name).map_err(|e| failed(e.into()));
        let columns = keep.columns.iter().map(place).collect::<Answer<Vec<_>>>()?;
        let file = std::slice::from_ref(file);
        let mut rows = read_columns(&context, of, file, Some(columns)).map_err(failed)?;
        let mut number = 0;
        while let Some(batch) = rows.next().await.transpose().map_err(failed)? {
            number += (keep.stays)(&batch).iter().filter(|stays| !**stays).count() as u64;
        }
        dropped.push(number);
    }
    Ok(dropped)
}

/// What went into the sort.
#[derive(Debug, Default)]
struct Counts {
    read: u64,
    kept: Content,
}

/// So many rows that a batch of the widest file has [`BATCH_BYTES`] or so. What a file holds is
/// about eight times as large as it lies there.
fn batch_rows(files: &[File]) -> usize {
    let widest = files.iter().map(|f| f.bytes.saturating_mul(8) / f.rows.max(1)).max();
    let rows = BATCH_BYTES / widest.unwrap_or(1).max(1);
    usize::try_from(rows.clamp(64, 8192)).unwrap_or(8192)
}

fn store_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("lake://files/")
}

pub(super) fn context(
    files: &Files,
    scratch: &Path,
    batch_rows: usize,
) -> Result<Arc<TaskContext>> {
    let spilled = DiskManagerMode::Directories(vec![scratch.to_path_buf()]);
    let disk =
        DiskManagerBuilder::default().with_mode(spilled).with_max_temp_directory_size(u64::MAX);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(SORT_BYTES)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    runtime.register_object_store(store_url()?.as_ref(), files.object_store()?);
    let config = datafusion::prelude::SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(batch_rows);
    Ok(SessionContext::new_with_config_rt(config, runtime).task_ctx())
}

/// All rows of files, in the newest form of the table.
pub(super) fn read(
    context: &Arc<TaskContext>,
    of: &Rewrite,
    files: &[File],
) -> Result<SendableRecordBatchStream> {
    read_columns(context, of, files, None)
}

fn read_columns(
    context: &Arc<TaskContext>,
    of: &Rewrite,
    files: &[File],
    columns: Option<Vec<usize>>,
) -> Result<SendableRecordBatchStream> {
    let schema = schema::of(of.table);
    if files.is_empty() {
        return Ok(Box::pin(EmptyRecordBatchStream::new(schema)));
    }
    let named = |f: &File| PartitionedFile::new(f.path.clone(), f.bytes);
    let group = FileGroup::new(files.iter().map(named).collect());
    let source = Arc::new(ParquetSource::new(schema));
    let config = FileScanConfigBuilder::new(store_url()?, source)
        .with_file_group(group)
        .with_projection_indices(columns)?
        .build();
    DataSourceExec::from_data_source(config).execute(0, context.clone())
}

/// The rows that stay, counted.
fn counted(
    rows: SendableRecordBatchStream,
    of: &Rewrite,
    counts: Arc<Mutex<Counts>>,
) -> SendableRecordBatchStream {
    let (schema, keep) = (rows.schema(), of.keep.clone());
    let kept = rows.map(move |batch| {
        let batch = batch?;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.read += batch.num_rows() as u64;
        let batch = kept(batch, keep.as_ref())?;
        counts.kept.add(&batch)?;
        Ok(batch)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, kept))
}

fn kept(batch: RecordBatch, keep: Option<&Keep>) -> Result<RecordBatch> {
    let Some(keep) = keep else { return Ok(batch) };
    Ok(filter_record_batch(&batch, &BooleanArray::from((keep.stays)(&batch)))?)
}

/// The rows in the order of the table; empty values last.
fn sort(
    context: &Arc<TaskContext>,
    of: &Rewrite,
    rows: SendableRecordBatchStream,
) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let by = |name: &&str| Ok(PhysicalSortExpr::new_default(col(name, &schema)?).nulls_last());
    let order = of.table.sort.iter().map(by).collect::<Result<Vec<_>>>()?;
    let Some(order) = LexOrdering::new(order) else { return Ok(rows) };
    let once = Once { schema: schema.clone(), rows: Mutex::new(Some(rows)) };
    let source =
        StreamingTableExec::try_new(schema.clone(), vec![Arc::new(once)], None, [], false, None)?;
    SortExec::new(order, Arc::new(source)).execute(0, context.clone())
}

/// A stream as the source of a plan. It can be read once.
struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Once")
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }
    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        rows.unwrap_or_else(|| {
            let again = DataFusionError::Internal("the rows were read already".to_owned());
            let error = futures::stream::once(async { Err(again) });
            Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), error))
        })
    }
}

/// What files hold, read from where they lie.
async fn content_of(context: &Arc<TaskContext>, of: &Rewrite, files: &[File]) -> Result<Content> {
    let mut content = Content::default();
    let mut rows = read(context, of, files)?;
    while let Some(batch) = rows.next().await.transpose()? {
        content.add(&batch)?;
    }
    Ok(content)
}
