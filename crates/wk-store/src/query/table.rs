//! A table of the lake as DataFusion sees it: the files of one version.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics, project_schema};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectMeta;
use object_store::path::Path;
use wk_model::{Table, Timestamp};
use wk_seam::lake::File;
use wk_seam::ledger::Snapshot;
use wk_seam::schema;

/// One table at one version.
#[derive(Debug)]
pub(super) struct LakeTable {
    schema: SchemaRef,
    files: Vec<File>,
}

/// Under which address the lake's files are known to DataFusion.
pub(super) fn store_url() -> ObjectStoreUrl {
    ObjectStoreUrl::parse("lake://files/").unwrap_or_else(|_| ObjectStoreUrl::local_filesystem())
}

impl LakeTable {
    /// The table's files in a snapshot.
    pub(super) fn new(table: &Table, snapshot: &Snapshot) -> Self {
        let mut files: Vec<File> =
            snapshot.files.iter().filter(|f| f.table == table.name).cloned().collect();
        // Most questions want the newest: once they are found, older files are passed over.
        files.sort_by_key(|f| std::cmp::Reverse((f.last, f.first)));
        Self { schema: views(&schema::of(table)), files }
    }

    /// The same, with texts in the form in which the lake's files are written.
    pub(super) fn as_written(table: &Table, snapshot: &Snapshot) -> Self {
        Self { schema: schema::of(table), ..Self::new(table, snapshot) }
    }

    /// Opens files; the footers it has read stay in memory for the next question.
    fn reader(&self, state: &dyn Session) -> Result<Arc<CachedParquetFileReaderFactory>> {
        let runtime = state.runtime_env();
        let store = runtime.object_store(store_url())?;
        let footers = runtime.cache_manager.get_file_metadata_cache();
        Ok(Arc::new(CachedParquetFileReaderFactory::new(store, footers)))
    }

    /// The files in so many groups that are read side by side, each from its newest on.
    fn groups(&self, number: usize) -> Vec<FileGroup> {
        let mut groups = vec![Vec::new(); number.clamp(1, self.files.len().max(1))];
        let places = groups.len();
        for (n, file) in self.files.iter().enumerate() {
            groups[n % places].push(self.partitioned(file));
        }
        groups.into_iter().map(FileGroup::new).collect()
    }

    /// A file with what the manifest knows of it, so that DataFusion passes over files outside the
    /// asked time without opening them.
    fn partitioned(&self, file: &File) -> PartitionedFile {
        let meta = ObjectMeta {
            location: Path::from(file.path.as_str()),
            last_modified: chrono_epoch(),
            size: file.bytes,
            e_tag: None,
            version: None,
        };
        let rows = Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX));
        let mut columns = vec![ColumnStatistics::new_unknown(); self.schema.fields().len()];
        let time = |t: Timestamp| {
            Precision::Exact(ScalarValue::TimestampMicrosecond(
                Some(t.micros()),
                Some(schema::UTC.into()),
            ))
        };
        columns[0].min_value = time(file.first);
        columns[0].max_value = time(file.last);
        columns[0].null_count = Precision::Exact(0);
        let statistics = Statistics {
            num_rows: rows,
            total_byte_size: Precision::Absent,
            column_statistics: columns,
        };
        PartitionedFile::from(meta).with_statistics(Arc::new(statistics))
    }
}

/// The schema with its texts as views: a text that repeats is read once and pointed at.
fn views(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|f| match f.data_type() {
        DataType::Utf8 => Arc::new(f.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => f.clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn chrono_epoch() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::UNIX_EPOCH
}

#[async_trait::async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        let options = state.config_options().execution.parquet.clone();
        let source = ParquetSource::new(self.schema.clone())
            .with_pushdown_filters(options.pushdown_filters)
            .with_reorder_filters(options.reorder_filters)
            .with_parquet_file_reader_factory(self.reader(state)?);
        let groups = self.groups(state.config().target_partitions());
        let rows = self.files.iter().map(|f| usize::try_from(f.rows).unwrap_or(0)).sum();
        let statistics = Statistics {
            num_rows: Precision::Exact(rows),
            ..Statistics::new_unknown(&self.schema)
        };
        let config = FileScanConfigBuilder::new(store_url(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
