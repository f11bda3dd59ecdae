//! How the lake's Parquet files are written.
//!
//! * zstd 1: level 9 costs seven times the CPU for 7 %.
//! * No dictionary where every value is its own, statistics only where they prune.

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use wk_model::Table;
use wk_model::table::{CORE, Column, ColumnType};

/// Rows of a row group.
pub(super) const ROW_GROUP_ROWS: usize = 128 << 10;
/// Bytes of a page of a wide column: whoever wants one record decodes so many.
const WIDE_PAGE_BYTES: usize = 128 << 10;
/// After so many values the writer looks whether a page is full.
const VALUES_AT_ONCE: usize = 128;
/// Columns that are asked for by one value among very many, which lies anywhere in a sorted day.
const LOOKED_UP: &[&str] = &["event_id", "access_key", "source_ip", "actor", "requestID"];
/// Texts of which a file may hold one alone, however it came.
const ONE_OF_FEW: &[&str] = &["account", "region"];
/// How often a bloom filter says yes where it should say no.
const BLOOM_WRONG: f64 = 0.02;

/// Files as they come from an ingest: many, small, read for a day or so. Their rows lie in no order,
/// so that the least and the greatest of most texts are those of all texts there are.
pub(super) fn as_it_came(table: &Table) -> WriterProperties {
    let mut properties = base(table);
    for column in CORE.iter().chain(table.columns) {
        let is_text = matches!(column.kind, ColumnType::Text | ColumnType::TextList);
        if is_text && !ONE_OF_FEW.contains(&column.name) {
            let path = ColumnPath::new(vec![column.name.to_owned()]);
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    properties.build()
}

/// Files of a day that is sorted by [`Table::sort`]: statistics of every page where the order makes
/// pages differ, bloom filters for what it scatters, small pages for what is wide.
pub(super) fn sorted(table: &Table, rows: u64) -> WriterProperties {
    let mut properties = base(table).set_write_batch_size(VALUES_AT_ONCE);
    let distinct_max = rows.clamp(1, ROW_GROUP_ROWS as u64);
    for column in CORE.iter().chain(table.columns) {
        let path = || ColumnPath::new(vec![column.name.to_owned()]);
        if table.sort.contains(&column.name) || column.kind == ColumnType::Time {
            properties = properties.set_column_statistics_enabled(path(), EnabledStatistics::Page);
        }
        if LOOKED_UP.contains(&column.name) && table.sort.first() != Some(&column.name) {
            properties = properties
                .set_column_bloom_filter_enabled(path(), true)
                .set_column_bloom_filter_fpp(path(), BLOOM_WRONG)
                .set_column_bloom_filter_max_ndv(path(), distinct_max);
        }
        if is_wide(column) {
            properties = properties.set_column_data_page_size_limit(path(), WIDE_PAGE_BYTES);
        }
    }
    properties.build()
}

fn is_wide(column: &Column) -> bool {
    column.name == "raw" || column.kind == ColumnType::Json
}

fn base(table: &Table) -> WriterPropertiesBuilder {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let mut properties = WriterProperties::builder()
        .set_compression(zstd)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by("watchkeeper lake 1".to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64));
    for column in CORE.iter().chain(table.columns) {
        let path = ColumnPath::new(vec![column.name.to_owned()]);
        let unique = matches!(column.name, "event_id" | "requestID" | "ordinal");
        if unique || is_wide(column) {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if is_wide(column) {
            properties =
                properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if column.kind == ColumnType::Time || column.name == "ordinal" {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties
}
