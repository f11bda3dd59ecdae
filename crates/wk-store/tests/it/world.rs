//! A lake in a folder, filled from texts as sources deliver them.

use tempfile::TempDir;
use wk_lang::json::Value;
use wk_model::{Row, Timestamp};
use wk_seam::lake::{File, Lake as _, Part};
use wk_seam::ledger::Snapshot;
use wk_store::files::Files;
use wk_store::lake::ParquetLake;
use wk_store::query::{AskOptions, Format, Limits, Questions};
use wk_watch::columns::{Place, TableBuilder};
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{self, Settings, Source};

/// A lake and what is asked of it.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) questions: Questions,
    runtime: tokio::runtime::Runtime,
}

/// What time it is in these tests.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00Z").unwrap()
}

#[derive(Default)]
struct Rows(Vec<TableBuilder>, u64);

impl Sink for Rows {
    fn event(&mut self, source: &'static Source, row: Row<'_>, _: Option<Value<'_>>, _: u64) {
        let at = self.0.iter().position(|b| b.table().name == source.table.name);
        let at = at.unwrap_or_else(|| {
            self.0.push(TableBuilder::new(source.table));
            self.0.len() - 1
        });
        let place = Place {
            delivered: now(),
            received: now(),
            object: "00000000000000ab",
            ordinal: self.1,
        };
        let time = row.time.unwrap_or(now());
        self.0[at].append(&row, time, &place);
        self.1 += 1;
    }
    fn refuse(&mut self, source: &str, at: u64, reason: &str, bytes: &[u8]) {
        panic!("{source} refuses at {at}: {reason}: {}", String::from_utf8_lossy(bytes));
    }
}

impl World {
    /// A lake of objects: the source that reads it, its text.
    pub(crate) fn of(objects: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let files = Files::Local(folder.path().to_path_buf());
        let mut rows = Rows::default();
        for (source, text) in objects {
            let settings = Settings::default();
            let facts = ObjectFacts { uri: "test", modified: now(), metadata: &[] };
            let mut reader = Reader::new(facts, &settings, sources::named(source), 64 << 20);
            reader.read(text.as_bytes(), true, &mut rows);
        }
        let mut snapshot = Snapshot { version: 1, files: Vec::new() };
        for builder in rows.0 {
            let (table, (first, _)) = (builder.table(), builder.span());
            let part =
                Part { table, day: first.day(), batch: builder.finish(now()).unwrap(), keep: None };
            let lake = ParquetLake::new(files.clone(), folder.path().join("scratch"));
            let staged: Option<File> = runtime.block_on(lake.stage(&part)).unwrap();
            snapshot.files.extend(staged);
        }
        let mut tables: Vec<_> = sources::ALL.iter().map(|s| s.table).collect();
        tables.dedup_by_key(|t| t.name);
        let questions = Questions::over(&files, &snapshot, &tables, Limits::default()).unwrap();
        Self { folder, questions, runtime }
    }

    /// The folder that the lake lies in; tests put lookup tables there.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn options(&self) -> AskOptions {
        AskOptions {
            now: now(),
            lookups: Some(self.folder.path().join("lookups")),
            ..AskOptions::default()
        }
    }

    /// The answer as CSV, and what was said about it.
    pub(crate) fn ask(
        &self,
        text: &str,
        options: &AskOptions,
    ) -> Result<(String, Vec<String>), String> {
        self.runtime.block_on(async {
            let answer = self.questions.ask_insights(text, options).await.map_err(|e| told(&e))?;
            let notes = answer.notes();
            let mut out = Vec::new();
            answer.write(Format::Csv, &mut out).await.map_err(|e| told(&e))?;
            Ok((String::from_utf8(out).unwrap(), notes.list()))
        })
    }

    /// The answer as CSV.
    pub(crate) fn csv(&self, text: &str) -> String {
        match self.ask(text, &self.options()) {
            Ok((csv, _)) => csv,
            Err(why) => panic!("{text}\n{why}"),
        }
    }

    /// The answer of an SQL question as CSV.
    pub(crate) fn sql(&self, text: &str) -> String {
        self.try_sql(text).unwrap()
    }

    /// The same, or why there is none.
    pub(crate) fn try_sql(&self, text: &str) -> Result<String, String> {
        self.runtime.block_on(async {
            let mut out = Vec::new();
            let answer = self.questions.ask_sql(text, &self.options()).await;
            let answer = answer.map_err(|e| told(&e))?;
            answer.write(Format::Csv, &mut out).await.map_err(|e| told(&e))?;
            Ok(String::from_utf8(out).unwrap())
        })
    }

    /// Why a query is refused.
    pub(crate) fn refused(&self, text: &str) -> String {
        match self.ask(text, &self.options()) {
            Ok((csv, _)) => panic!("{text}\nwas answered:\n{csv}"),
            Err(why) => why,
        }
    }

    /// Runs something that waits.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
