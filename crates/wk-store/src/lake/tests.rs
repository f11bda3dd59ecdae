//! Files of a day, rewritten on a real disk.

use std::sync::Arc;

use arrow_array::{
    Array as _, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use futures::StreamExt as _;
use wk_model::table::{BY_ACTION, CORE};
use wk_model::{Day, Table};
use wk_seam::lake::{File, Keep, Lake as _, Part, Rewrite, Rewritten, SORTED};
use wk_seam::schema;

use super::ParquetLake;
use super::rewrite::{context, read};
use crate::files::Files;

static TABLE: Table =
    Table { name: "t", doc: "a table", columns: &[], sort: BY_ACTION, aliases: &[] };
const DAY: Day = Day::from_number(19_768);

struct World {
    folder: tempfile::TempDir,
    lake: ParquetLake,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::Local(folder.path().join("lake"));
        let lake = ParquetLake::new(files, folder.path().join("scratch"));
        Self { folder, lake }
    }

    fn files(&self) -> Files {
        Files::Local(self.folder.path().join("lake"))
    }

    /// Stages a file of events with these numbers; each has a raw record of so many bytes.
    async fn stage(&self, numbers: std::ops::Range<i64>, width: usize) -> File {
        let all: Vec<i64> = numbers.collect();
        let texts = |f: &dyn Fn(i64) -> String| -> ArrayRef {
            Arc::new(all.iter().map(|n| Some(f(*n))).collect::<StringArray>())
        };
        let schema = schema::of(&TABLE);
        let columns = CORE.iter().zip(schema.fields()).map(|(column, field)| match column.name {
            "event_time" => {
                let times = all.iter().map(|n| DAY.start().micros() + n * 7919 % 86_400);
                let times = TimestampMicrosecondArray::from_iter_values(times);
                Arc::new(times.with_timezone(schema::UTC)) as ArrayRef
            }
            "event_id" => texts(&|n| format!("e{n}")),
            "action" => texts(&|n| format!("a{}", n % 7)),
            "actor" => texts(&|n| format!("u{}", n * 31 % 11)),
            "ordinal" => Arc::new(Int64Array::from(all.clone())),
            "raw" => texts(&|n| format!("{n:x}").repeat(width)),
            _ => new_null_array(field.data_type(), all.len()),
        });
        let batch = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
        let part = Part { table: &TABLE, day: DAY, batch, keep: None };
        self.lake.stage(&part).await.unwrap().unwrap()
    }

    async fn rows(&self, of: &Rewrite, files: &[File]) -> Vec<(String, String, i64, String)> {
        let context = context(&self.files(), self.folder.path(), 1000).unwrap();
        let mut stream = read(&context, of, files).unwrap();
        let mut rows = Vec::new();
        while let Some(batch) = stream.next().await {
            let batch = batch.unwrap();
            let texts = |name| {
                let column = batch.column_by_name(name).unwrap().as_any();
                column.downcast_ref::<StringArray>().unwrap()
            };
            let times = batch.column(0).as_any();
            let times = times.downcast_ref::<TimestampMicrosecondArray>().unwrap();
            for n in 0..batch.num_rows() {
                let text = |name| texts(name).value(n).to_owned();
                rows.push((text("action"), text("actor"), times.value(n), text("event_id")));
            }
        }
        rows
    }
}

fn of(files: &[File], file_bytes: u64) -> Rewrite {
    Rewrite { table: &TABLE, day: DAY, files: files.to_vec(), keep: None, file_bytes }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test)
}

#[test]
fn rows_come_out_sorted_and_as_many_as_before() {
    run(async {
        let world = World::new();
        let files = [world.stage(0..500, 3).await, world.stage(500..2000, 3).await];
        let of = of(&files, 1 << 30);
        let made = world.lake.rewrite(&of).await.unwrap();
        assert_eq!((made.files.len(), made.rows_dropped), (1, 0));
        let file = &made.files[0];
        assert_eq!((file.rows, file.layout), (2000, SORTED));
        assert!(file.first == files[0].first.min(files[1].first) && file.last >= files[0].last);
        let rows = world.rows(&of, &made.files).await;
        let key = |row: &(String, String, i64, String)| (row.0.clone(), row.1.clone(), row.2);
        assert!(rows.is_sorted_by_key(key));
        let mut before = world.rows(&of, &files).await;
        before.sort();
        let mut after = rows;
        after.sort();
        assert_eq!(before, after);
        let again = world.lake.rewrite(&Rewrite { files: made.files.clone(), ..of }).await;
        assert_eq!(again.unwrap().files, made.files, "the same rows give the same file");
    });
}

#[test]
fn a_file_that_is_large_enough_is_followed_by_another() {
    run(async {
        let world = World::new();
        let files = [world.stage(0..40_000, 40).await];
        let made = world.lake.rewrite(&of(&files, 100 << 10)).await.unwrap();
        assert!(made.files.len() > 2, "{}", made.files.len());
        assert_eq!(made.files.iter().map(|f| f.rows).sum::<u64>(), 40_000);
        let large = made.files.iter().map(|f| f.bytes).max();
        assert!(large < Some(1 << 20), "{large:?}");
    });
}

#[test]
fn rows_that_are_not_kept_are_counted() {
    run(async {
        let world = World::new();
        let files = [world.stage(0..100, 3).await];
        let stays = |batch: &RecordBatch| {
            let ordinals = batch.column_by_name("ordinal").unwrap().as_any();
            let ordinals = ordinals.downcast_ref::<Int64Array>().unwrap();
            ordinals.values().iter().map(|n| n % 10 != 0).collect()
        };
        let columns = vec!["ordinal".to_owned()];
        let keep = Keep { columns, stays: Arc::new(stays) };
        let some = Rewrite { keep: Some(keep.clone()), ..of(&files, 1 << 30) };
        assert_eq!(world.lake.count_dropped(&some).await.unwrap(), [10]);
        let made = world.lake.rewrite(&Rewrite { keep: Some(keep), ..of(&files, 1 << 30) }).await;
        let made = made.unwrap();
        assert_eq!((made.files[0].rows, made.rows_dropped), (90, 10));
        let none = |batch: &RecordBatch| vec![false; batch.num_rows()];
        let none = Keep { columns: vec![], stays: Arc::new(none) };
        let made = world.lake.rewrite(&Rewrite { keep: Some(none), ..of(&files, 1 << 30) }).await;
        assert_eq!(made.unwrap(), Rewritten { files: vec![], rows_dropped: 100 });
    });
}

#[test]
fn a_file_with_other_rows_than_the_ledger_says_is_not_rewritten() {
    run(async {
        let world = World::new();
        let mut file = world.stage(0..100, 3).await;
        file.rows = 101;
        let error = world.lake.rewrite(&of(&[file], 1 << 30)).await.unwrap_err();
        assert!(error.source.to_string().contains("100 rows; the ledger says 101"), "{error:?}");
    });
}

#[test]
fn slow_a_day_beyond_memory_is_sorted_on_disk() {
    run(async {
        let world = World::new();
        let mut files = Vec::new();
        for n in 0..6 {
            files.push(world.stage(n * 5_000..(n + 1) * 5_000, 1200).await);
        }
        let of = of(&files, 1 << 30);
        let made = world.lake.rewrite(&of).await.unwrap();
        assert_eq!(made.files.iter().map(|f| f.rows).sum::<u64>(), 30_000);
        let rows = world.rows(&of, &made.files).await;
        assert!(rows.is_sorted_by_key(|row| (row.0.clone(), row.1.clone(), row.2)));
        let left = std::fs::read_dir(world.folder.path().join("scratch")).unwrap();
        assert_eq!(left.count(), 1, "the lock");
    });
}
