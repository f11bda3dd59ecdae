//! Rows for people: columns of text, safe on a terminal.

use std::io::{self, Write};

use wk_model::complaint::printable;

/// Characters of a cell that are shown of the answer to a query.
pub(crate) const CELL_MAX: usize = 120;

/// Prints rows under their heads. Control characters are escaped; the last column is not padded.
pub(crate) fn print(heads: &[&str], rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let widths = widths(heads, rows);
    line(heads, &widths, out)?;
    body(&widths, rows, out)
}

/// The same with a line below the heads.
pub(crate) fn print_ruled(
    heads: &[&str],
    rows: &[Vec<String>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let widths = widths(heads, rows);
    line(heads, &widths, out)?;
    let rule: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    writeln!(out, "{}", rule.join("  "))?;
    body(&widths, rows, out)
}

fn widths(heads: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let width = |n: usize| {
        let cells = rows.iter().filter_map(|r| r.get(n)).map(|c| letters(c));
        cells.chain([letters(heads[n])]).max().unwrap_or(0)
    };
    (0..heads.len()).map(width).collect()
}

fn letters(text: &str) -> usize {
    printable(text.as_bytes()).chars().count()
}

fn body(widths: &[usize], rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    rows.iter().try_for_each(|row| line(row, widths, out))
}

fn line<T: AsRef<str>>(cells: &[T], widths: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{:width$}", printable(cell.as_ref().as_bytes())))
        .collect();
    writeln!(out, "{}", padded.join("  ").trim_end())
}

/// Text cut to a width, with a sign that it was.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A number of bytes in the unit that suits it.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut unit, mut whole, mut tenths) = (0, bytes, 0);
    while whole >= 1024 && unit + 1 < UNITS.len() {
        (tenths, whole) = (whole % 1024 * 10 / 1024, whole / 1024);
        unit += 1;
    }
    if unit == 0 { format!("{whole} B") } else { format!("{whole}.{tenths} {}", UNITS[unit]) }
}
