//! Which files of which days are worth rewriting. Facts in, a plan out.

use std::collections::BTreeMap;

use wk_model::{Day, Table, Timestamp};
use wk_seam::lake::{File, SORTED};

/// When files are many, and how large they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of a large file: a new one is begun there.
    pub file_bytes: u64,
    /// So long after its end a day is closed, in seconds: nearly everything has come by then.
    pub closed_after_seconds: i64,
    /// Below this a file is small.
    pub small_bytes: u64,
    /// So many small files of an open day are merged.
    pub small_files: usize,
    /// So many files that came late to a sorted day are worth rewriting it.
    pub late_files: usize,
    /// Or this part of its bytes: one in so many.
    pub late_part: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            closed_after_seconds: 3 * 3600,
            small_bytes: 32 << 20,
            small_files: 16,
            late_files: 4,
            late_part: 10,
        }
    }
}

/// Files of one table and day that should become few.
#[derive(Debug, Clone)]
pub struct Heap {
    /// The table.
    pub table: &'static Table,
    /// The day.
    pub day: Day,
    /// Its files that are rewritten together.
    pub files: Vec<File>,
    /// Why.
    pub reason: Reason,
}

/// Why files are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The day is over and was never sorted.
    Closed,
    /// The day is over and sorted, and enough came late.
    Late,
    /// The day is open and has many small files.
    Small,
    /// The user asked for all.
    Asked,
}

impl Reason {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed day",
            Self::Late => "late arrivals",
            Self::Small => "many small files",
            Self::Asked => "asked for",
        }
    }
}

/// Whether a day is over, late records included.
pub fn is_closed(day: Day, now: Timestamp, limits: &Limits) -> bool {
    day.start().plus_seconds(86_400 + limits.closed_after_seconds) <= now
}

/// What is worth rewriting, by table and day. Files of tables that this program does not know stay
/// as they are.
pub fn heaps(
    files: Vec<File>,
    tables: &[&'static Table],
    now: Timestamp,
    limits: &Limits,
    all: bool,
) -> Vec<Heap> {
    let mut days: BTreeMap<(String, Day), Vec<File>> = BTreeMap::new();
    for file in files {
        days.entry((file.table.clone(), file.day)).or_default().push(file);
    }
    let mut heaps = Vec::new();
    for ((name, day), files) in days {
        let Some(table) = tables.iter().find(|t| t.name == name) else { continue };
        let chosen = if all {
            asked(files, limits)
        } else if is_closed(day, now, limits) {
            closed(files, limits)
        } else {
            open(files, limits)
        };
        heaps.extend(chosen.map(|(reason, files)| Heap { table, day, files, reason }));
    }
    heaps
}

/// Everything but large sorted files, if there is anything to gain.
fn asked(files: Vec<File>, limits: &Limits) -> Option<(Reason, Vec<File>)> {
    let gain = files.iter().any(|f| !is_sorted(f));
    let chosen = movable(files, limits);
    (gain || chosen.len() > 1).then_some((Reason::Asked, chosen))
}

fn closed(files: Vec<File>, limits: &Limits) -> Option<(Reason, Vec<File>)> {
    let late: Vec<&File> = files.iter().filter(|f| !is_sorted(f)).collect();
    let bytes = |files: &[&File]| files.iter().map(|f| f.bytes).sum::<u64>();
    let late_bytes = bytes(&late);
    let sorted_bytes = bytes(&files.iter().filter(|f| is_sorted(f)).collect::<Vec<_>>());
    let (many, much) = (
        late.len() >= limits.late_files,
        late_bytes.saturating_mul(limits.late_part) >= sorted_bytes,
    );
    match late.len() {
        0 => None,
        n if n == files.len() => Some((Reason::Closed, files)),
        _ if many || much => Some((Reason::Late, movable(files, limits))),
        _ => None,
    }
}

/// The small files of an open day, once they are many.
fn open(files: Vec<File>, limits: &Limits) -> Option<(Reason, Vec<File>)> {
    let small: Vec<File> = files.into_iter().filter(|f| f.bytes < limits.small_bytes).collect();
    (small.len() >= limits.small_files).then_some((Reason::Small, small))
}

/// Sorted files that are large enough stay as they are.
fn movable(files: Vec<File>, limits: &Limits) -> Vec<File> {
    let full = |f: &File| is_sorted(f) && f.bytes >= limits.file_bytes / 2;
    files.into_iter().filter(|f| !full(f)).collect()
}

fn is_sorted(file: &File) -> bool {
    file.layout >= SORTED
}

#[cfg(test)]
mod tests {
    use wk_model::Sha256;
    use wk_model::table::BY_TIME;

    use super::*;

    static TABLE: Table =
        Table { name: "t", doc: "a table", columns: &[], sort: BY_TIME, aliases: &[] };
    const MIB: u64 = 1 << 20;

    fn day(files: &[(u64, u8)]) -> Vec<File> {
        let day = Day::from_number(100);
        let file = |(n, (mib, layout)): (usize, &(u64, u8))| File {
            path: format!("{n:03}"),
            table: "t".to_owned(),
            day,
            sha256: Sha256::of(b""),
            bytes: mib * MIB,
            rows: 1,
            first: day.start(),
            last: day.start(),
            layout: *layout,
        };
        files.iter().enumerate().map(file).collect()
    }

    /// The reason and the number of files, so many hours after the day's end.
    fn planned(files: &[(u64, u8)], hours: i64, all: bool) -> Option<(Reason, usize)> {
        let now = Day::from_number(101).start().plus_seconds(hours * 3600);
        let mut heaps = heaps(day(files), &[&TABLE], now, &Limits::default(), all);
        assert!(heaps.len() <= 1);
        heaps.pop().map(|heap| (heap.reason, heap.files.len()))
    }

    #[test]
    fn a_closed_day_is_rewritten_once_even_when_it_is_small() {
        assert_eq!(planned(&[(1, 0)], 2, false), None, "records may still come");
        assert_eq!(planned(&[(1, 0)], 3, false), Some((Reason::Closed, 1)));
        assert_eq!(planned(&[(1, SORTED)], 3, false), None);
        assert_eq!(planned(&[(256, SORTED), (9, SORTED)], 3, false), None);
    }

    #[test]
    fn late_files_wait_until_there_are_enough_of_them() {
        assert_eq!(planned(&[(100, SORTED), (1, 0)], 9, false), None);
        let four = [(100, SORTED), (1, 0), (1, 0), (1, 0), (1, 0)];
        assert_eq!(planned(&four, 9, false), Some((Reason::Late, 5)));
        assert_eq!(planned(&[(100, SORTED), (10, 0)], 9, false), Some((Reason::Late, 2)));
        let beside_a_large_one = [(250, SORTED), (30, SORTED), (30, 0)];
        assert_eq!(planned(&beside_a_large_one, 9, false), Some((Reason::Late, 2)));
    }

    #[test]
    fn small_files_of_an_open_day_are_merged_when_they_are_many() {
        assert_eq!(planned(&[(1, 0); 15], 0, false), None);
        let mut many = vec![(1, 0); 16];
        many.push((40, 0));
        assert_eq!(planned(&many, 0, false), Some((Reason::Small, 16)));
    }

    #[test]
    fn all_leaves_nothing_that_is_not_in_the_best_form() {
        assert_eq!(planned(&[(1, 0)], 0, true), Some((Reason::Asked, 1)));
        assert_eq!(planned(&[(100, SORTED), (1, 0)], 0, true), Some((Reason::Asked, 2)));
        assert_eq!(planned(&[(1, SORTED)], 0, true), None);
        assert_eq!(planned(&[(200, SORTED), (100, SORTED)], 0, true), None);
    }
}
