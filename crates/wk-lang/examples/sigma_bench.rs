//! How fast are rules over a file? `sigma_bench RULES_DIR FILE [full]` streams a file of JSON
//! records through all rules of a folder, on one thread and in windows, and prints records,
//! matches, CPU seconds, records per CPU second and the peak of resident memory. With `full` every
//! record is parsed.
#![expect(clippy::print_stdout, reason = "a measuring program: it prints what it measured")]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use wk_lang::json::{Splitter, Step, Tape};
use wk_lang::sigma::{LogSource, Readers, RuleSet, read_rules};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Bytes read at once.
const WINDOW: usize = 256 << 10;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let rules = compile(Path::new(&args.next().ok_or("which folder of rules?")?))?;
    let file = File::open(args.next().ok_or("which file?")?)?;
    let full = args.next().is_some_and(|mode| mode == "full");
    let mut scan = Scan { rules, full, ..Scan::default() };
    let before = cpu_seconds()?;
    scan.file(file)?;
    let cpu = cpu_seconds()? - before;
    let Scan { records, parsed, defects, matches, .. } = scan;
    println!("{records} records, {parsed} parsed, {defects} defects, {matches} matches");
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = records as f64 / cpu;
    println!("{cpu:.2} CPU s, {rate:.0} records per CPU s, {}", peak_memory()?);
    Ok(())
}

fn compile(folder: &Path) -> Outcome<RuleSet> {
    let mut rules = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yml")) {
        let reading = read_rules(&std::fs::read_to_string(path)?);
        if let Some(error) = reading.errors.first() {
            return Err(format!("{}: {error}", path.display()).into());
        }
        rules.extend(reading.rules);
    }
    println!("{} rules", rules.len());
    Ok(RuleSet::compile(&rules)?)
}

#[derive(Default)]
struct Scan {
    rules: RuleSet,
    full: bool,
    tape: Tape,
    matching: Vec<usize>,
    records: u64,
    parsed: u64,
    defects: u64,
    matches: usize,
}

impl Scan {
    fn file(&mut self, mut file: File) -> Outcome<()> {
        let readers = self.rules.readers(&LogSource::new("aws", "cloudtrail"));
        let mut splitter = Splitter::new(&["Records"]);
        let mut window = Vec::with_capacity(2 * WINDOW);
        let mut at_end = false;
        loop {
            match splitter.step(&window, at_end) {
                Step::Record { start, end } => {
                    self.records += 1;
                    let record = window.get(start..end).unwrap_or(&[]);
                    self.record(record, &readers);
                }
                Step::Defect { .. } => self.defects += 1,
                Step::NeedMore { keep_from } => {
                    window.drain(..keep_from);
                    let before = window.len();
                    window.resize(before + WINDOW, 0);
                    let read = file.read(window.get_mut(before..).unwrap_or(&mut []))?;
                    window.truncate(before + read);
                    at_end = read == 0;
                }
                Step::End => return Ok(()),
            }
        }
    }

    fn record(&mut self, record: &[u8], readers: &Readers) {
        let Ok(text) = std::str::from_utf8(record) else {
            self.defects += 1;
            return;
        };
        if !self.full && !self.rules.may_match(text) {
            return;
        }
        self.parsed += 1;
        match self.tape.parse(text) {
            Ok(value) => {
                self.rules.matches(&value, readers, &mut self.matching);
                self.matches += self.matching.len();
            }
            Err(_) => self.defects += 1,
        }
    }
}

/// User and system time of this process so far; the kernel counts in hundredths.
fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat has another form")?;
    let ticks: Vec<u32> = fields.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    Ok(f64::from(ticks.iter().sum::<u32>()) / 100.0)
}

fn peak_memory() -> Outcome<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: ?");
    Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
}
