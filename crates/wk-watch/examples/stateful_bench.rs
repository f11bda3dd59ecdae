//! What rules over several events cost at ingest. `stateful_bench FOLDER [EVENTS]` reads the files of
//! a folder again and again until so many events went through the built-in pack, once without and
//! once with its rules over several events, and prints CPU seconds, signals and their bytes.
#![expect(clippy::print_stdout, reason = "a measuring program: it prints what it measured")]

use std::path::Path;

use wk_lang::json::Value;
use wk_model::finding::Origin;
use wk_model::{Row, Timestamp};
use wk_watch::columns::{Place, TableBuilder};
use wk_watch::detect::Detections;
use wk_watch::pack::PACK;
use wk_watch::reader::{ObjectFacts, Reader, Sink};
use wk_watch::sources::{Settings, Source};
use wk_watch::stateful::packed::Pack;
use wk_watch::stateful::{MarkedRow, Marks};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("which folder?")?;
    let wanted: u64 = args.next().map_or(Ok(200_000), |n| n.parse())?;
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files)?;
    let single = |text: &str| !text.contains("\ncorrelation:");
    let without = PACK.iter().filter(|(_, text)| single(text));
    let without = without.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let (without, _) = Detections::read(without);
    let with = Detections::built_in()?;
    let several = with.stateful().rules().len();
    println!("{} rules over one event, {several} over several", with.rules().len());
    let mut each = Vec::new();
    for detections in [&without, &with] {
        let mut bench = Bench::new(detections);
        let before = cpu_seconds()?;
        while bench.events < wanted {
            files.iter().for_each(|bytes| bench.object(bytes));
            bench.settle()?;
        }
        let cpu = cpu_seconds()? - before;
        let Bench { events, signals, bytes, sightings, .. } = bench;
        println!("{events} events, {sightings} sightings, {signals} signals of {bytes} bytes");
        println!("{cpu:.2} CPU s");
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        each.push(cpu * 1e6 / events as f64);
    }
    println!("rules over several events: {:.2} CPU s in a million events", each[1] - each[0]);
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<Vec<u8>>) -> Outcome<()> {
    if path.is_dir() {
        let mut below: Vec<_> = std::fs::read_dir(path)?.flatten().map(|e| e.path()).collect();
        below.sort();
        below.iter().try_for_each(|path| collect(path, files))
    } else {
        files.push(std::fs::read(path)?);
        Ok(())
    }
}

/// Events on their way through rules, as ingest does it.
struct Bench<'a> {
    detections: &'a Detections,
    matching: Vec<usize>,
    builder: Option<TableBuilder>,
    marks: Marks,
    events: u64,
    sightings: u64,
    signals: u64,
    bytes: usize,
}

impl<'a> Bench<'a> {
    fn new(detections: &'a Detections) -> Self {
        let (matching, builder, marks) = (Vec::new(), None, Marks::default());
        let (events, sightings, signals, bytes) = (0, 0, 0, 0);
        Self { detections, matching, builder, marks, events, sightings, signals, bytes }
    }

    fn object(&mut self, bytes: &[u8]) {
        let facts = ObjectFacts { uri: "bench", modified: Timestamp::default(), metadata: &[] };
        Reader::new(facts, &Settings::default(), None, 16 << 20).read(bytes, true, self);
    }

    fn settle(&mut self) -> Outcome<()> {
        let Some(builder) = self.builder.take() else { return Ok(()) };
        let table = builder.table().name;
        let batch = builder.finish(Timestamp::default())?;
        let marks = std::mem::take(&mut self.marks);
        let mut pack = Pack::default();
        marks.pack(&mut pack, self.detections.stateful(), &batch, table, None);
        self.signals += pack.len();
        self.bytes += pack.finish().len();
        Ok(())
    }
}

impl Sink for Bench<'_> {
    fn event(&mut self, source: &'static Source, row: Row<'_>, record: Option<Value<'_>>, _: u64) {
        let builder = self.builder.get_or_insert_with(|| TableBuilder::new(row.table));
        if builder.table().name != row.table.name {
            return; // another table than the first
        }
        self.events += 1;
        let sightings = &mut self.sightings;
        self.detections.run(source, &row, record, &mut self.matching, &mut |_| *sightings += 1);
        let number = u32::try_from(builder.rows()).unwrap_or(u32::MAX);
        let at = MarkedRow { row: number, origin: Origin::Live };
        self.detections.mark(&row, record, &self.matching, at, &mut self.marks);
        let time = row.time.unwrap_or_default();
        let place =
            Place { delivered: time, received: time, object: "bench", ordinal: self.events };
        builder.append(&row, time, &place);
    }

    fn refuse(&mut self, _: &str, _: u64, _: &str, _: &[u8]) {}
}

/// User and system time of this process so far; the kernel counts in hundredths.
fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind = stat.rsplit_once(')').ok_or("no process name in stat")?.1;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok((user + system) / 100.0),
        _ => Err("no times in stat".into()),
    }
}
