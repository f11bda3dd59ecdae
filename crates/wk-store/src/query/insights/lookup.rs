//! `lookup` and `cidrlookup`: columns of a table of the user's own, by key.
//!
//! * A table is `NAME.csv` in the folder of lookup tables: UTF-8, a header line, at most 10 MB.
//!   Nothing else is opened, whatever the name says.
//! * Keys are compared exactly. Of rows with the same key the first counts; of networks that hold
//!   an address the narrowest.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, StringBuilder, UInt64Array,
};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::csv::ReaderBuilder;
use datafusion::arrow::csv::reader::Format;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr as Plan, JoinType, ident};
use wk_lang::insights::ast::{At, Lookup, Span};
use wk_lang::nearest::nearest;

use super::expression::{Lower, Lowered};
use super::functions;
use super::later::held;
use super::own::{Own, texts};
use super::rows::Rows;
use super::scope::shown;
use super::take_apart::{own_member, structure_of, structures};
use super::value::Value;

const BYTES_MAX: u64 = 10_000_000;

/// Runs a `lookup`, or with `networks` a `cidrlookup`.
pub(super) fn lookup(
    lower: &Lower<'_>,
    lookup: &Lookup,
    networks: bool,
    span: Span,
    rows: &mut Rows,
) -> Lowered<()> {
    let table = Csv::open(lower, &lookup.table)?;
    let keys: Vec<usize> =
        lookup.keys.iter().map(|(c, _)| table.column(lower, c)).collect::<Lowered<_>>()?;
    let mut outputs: Vec<(usize, String)> = Vec::new();
    for (column, name) in &lookup.outputs {
        outputs.push((table.column(lower, column)?, name.as_ref().unwrap_or(column).node.clone()));
    }
    if outputs.is_empty() {
        let others = table.names.iter().enumerate().filter(|(n, _)| !keys.contains(n));
        outputs.extend(others.map(|(n, name)| (n, name.clone())));
    }
    lower.names(outputs.iter().map(|(_, name)| name.as_str()), span)?;
    let arguments: Vec<Plan> = lookup
        .keys
        .iter()
        .map(|(_, key)| lower.value(key, &rows.scope).map(|v| v.to_text()))
        .collect::<Lowered<_>>()?;
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    let found = match networks {
        true => by_network(&table, &keys, &outputs, arguments, rows),
        false => by_key(&table, &keys, &outputs, arguments, rows),
    };
    let put = |((_, name), found): (&(usize, String), Plan)| {
        let before = rows.scope.get(name).filter(|_| lookup.keep_present);
        let value = match before {
            Some(before) => functions::call("coalesce", vec![before.to_text(), found]),
            None => found,
        };
        (name.clone(), Value::text(value))
    };
    let values = outputs.iter().zip(found.map_err(failed)?).map(put).collect();
    rows.put(values).map_err(failed)?;
    outputs.iter().for_each(|(_, name)| rows.made.add(name));
    Ok(())
}

/// The outputs of the first row with each record's keys: a join that leaves every record once.
fn by_key(
    table: &Csv,
    keys: &[usize],
    outputs: &[(usize, String)],
    arguments: Vec<Plan>,
    rows: &mut Rows,
) -> Result<Vec<Plan>> {
    let number = rows.fresh();
    let first = first_of_each_key(table, keys);
    let wanted = keys.iter().chain(outputs.iter().map(|(n, _)| n));
    let columns: Vec<ArrayRef> = wanted
        .map(|n| Ok(take(&cast(&table.columns[*n], &DataType::Utf8View)?, &first, None)?))
        .collect::<Result<_>>()?;
    let names: Vec<String> = (0..columns.len()).map(|n| format!("#lookup{number}_{n}")).collect();
    let fields = names.iter().map(|n| Field::new(n, DataType::Utf8View, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let right = held(schema.clone(), vec![RecordBatch::try_new(schema, columns)?])?;
    let (theirs, found) = names.split_at(keys.len());
    let ours = arguments
        .into_iter()
        .map(|key| rows.hide(Value::text(key)).map(ident))
        .collect::<Result<Vec<Plan>>>()?;
    let theirs: Vec<Plan> = theirs.iter().map(ident).collect();
    rows.change(|left| left.join_with_expr_keys(right, JoinType::Left, (ours, theirs), None))?;
    Ok(found.iter().map(ident).collect())
}

/// The outputs of the narrowest network that holds each record's address.
fn by_network(
    table: &Csv,
    keys: &[usize],
    outputs: &[(usize, String)],
    arguments: Vec<Plan>,
    rows: &mut Rows,
) -> Result<Vec<Plan>> {
    let names: Vec<String> = outputs.iter().map(|(_, name)| name.clone()).collect();
    let columns: Vec<StringArray> =
        outputs.iter().map(|(n, _)| table.columns[*n].clone()).collect();
    let made_of = format!("{} {keys:?} {outputs:?}", table.name);
    let networks = keys.first().map(|key| Networks::of(&table.columns[*key])).unwrap_or_default();
    let gives = structure_of(&names);
    let made = names.clone();
    let call = Own::call("cidrlookup", made_of, gives.clone(), arguments, move |arguments| {
        let addresses = texts(arguments, 0)?;
        let mut out: Vec<StringBuilder> = columns.iter().map(|_| StringBuilder::new()).collect();
        for address in addresses.iter() {
            let found = address.and_then(|a| networks.find(a));
            for (from, to) in columns.iter().zip(&mut out) {
                to.append_option(found.filter(|n| from.is_valid(*n)).map(|n| from.value(n)));
            }
        }
        structures(&made, out)
    });
    let column = rows.hide(Value::of(call, gives))?;
    Ok(names.iter().map(|name| own_member(&column, name)).collect())
}

/// For each distinct key, none of its parts missing, the first row that has it.
fn first_of_each_key(table: &Csv, keys: &[usize]) -> UInt64Array {
    let columns: Vec<&StringArray> = keys.iter().map(|n| &table.columns[*n]).collect();
    let mut seen = HashSet::new();
    let rows = columns.first().map_or(0, |c| c.len());
    let first = (0..rows).filter(|row| {
        let key: Option<Vec<&str>> =
            columns.iter().map(|c| c.is_valid(*row).then(|| c.value(*row))).collect();
        key.is_some_and(|key| seen.insert(key))
    });
    first.map(|row| row as u64).collect::<Vec<_>>().into()
}

/// A table of the user's own, as text.
struct Csv {
    name: String,
    names: Vec<String>,
    columns: Vec<StringArray>,
}

impl Csv {
    fn open(lower: &Lower<'_>, table: &At<String>) -> Lowered<Self> {
        let wrong = |why: String| lower.mistake(table.span, why);
        let name = &table.node;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
            return Err(wrong(
                "a lookup table's name has letters, digits, _ and - only".to_owned(),
            ));
        }
        let Some(folder) = &lower.options.lookups else {
            return Err(wrong("there is no folder of lookup tables".to_owned()));
        };
        let path = folder.join(format!("{name}.csv"));
        let bytes = read(&path).map_err(|e| {
            let known = known_tables(folder);
            let near = nearest(name, known.iter().map(String::as_str));
            wrong(format!("lookup table {name} cannot be read: {e}")).or_rather(near)
        })?;
        Self::of(name, bytes).map_err(|e| wrong(format!("lookup table {name} is no CSV: {e}")))
    }

    fn of(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let format = Format::default().with_header(true);
        let (schema, _) = format.infer_schema(Cursor::new(&bytes), Some(0))?;
        let names: Vec<String> =
            schema.fields().iter().map(|f| f.name().trim().to_owned()).collect();
        let fields: Vec<Field> =
            names.iter().map(|n| Field::new(n, DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let reader =
            ReaderBuilder::new(schema.clone()).with_header(true).build(Cursor::new(bytes))?;
        let batches = reader.collect::<std::result::Result<Vec<RecordBatch>, _>>()?;
        let all = datafusion::arrow::compute::concat_batches(&schema, &batches)?;
        let columns = all.columns().iter().map(|c| c.as_string::<i32>().clone()).collect();
        Ok(Self { name: name.to_owned(), names, columns })
    }

    fn into_table(self) -> Result<MemTable> {
        let fields = self.names.iter().map(|n| Field::new(n, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = self.columns.into_iter().map(|c| Arc::new(c) as ArrayRef).collect();
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        MemTable::try_new(schema, vec![vec![batch]])
    }

    fn column(&self, lower: &Lower<'_>, column: &At<String>) -> Lowered<usize> {
        self.names.iter().position(|n| *n == column.node).ok_or_else(|| {
            let message =
                format!("lookup table {} has no column {}", self.name, shown(&column.node));
            let near = nearest(&column.node, self.names.iter().map(String::as_str));
            lower.mistake(column.span, message).or_rather(near)
        })
    }
}

/// The lookup tables that a SELECT names as `lookup_NAME`, with their columns as texts.
pub(in crate::query) fn named_in_sql(
    sql: &str,
    folder: &Path,
) -> std::result::Result<Vec<(String, MemTable)>, String> {
    let mut tables = Vec::new();
    for name in known_tables(folder) {
        let known_as = format!("lookup_{name}");
        if !sql.contains(&known_as) {
            continue;
        }
        let failed = |e: DataFusionError| format!("lookup table {name} cannot be read: {e}");
        let bytes = read(&folder.join(format!("{name}.csv"))).map_err(|e| failed(e.into()))?;
        let csv = Csv::of(&name, bytes).map_err(failed)?;
        tables.push((known_as, csv.into_table().map_err(failed)?));
    }
    Ok(tables)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if read as u64 > BYTES_MAX {
        return Err(std::io::Error::other("it is larger than 10 MB"));
    }
    Ok(bytes)
}

fn known_tables(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |e: std::fs::DirEntry| {
        e.file_name().to_str().and_then(|n| n.strip_suffix(".csv")).map(str::to_owned)
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

/// Rows of a table by network. By the length of the network's prefix, the longest first: the
/// network's first bits, its row.
#[derive(Debug, Default)]
struct Networks(Vec<(Prefix, HashMap<u128, usize>)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Prefix {
    bits: u8,
    v6: bool,
}

impl Networks {
    fn of(column: &StringArray) -> Self {
        let mut all: Vec<(Prefix, HashMap<u128, usize>)> = Vec::new();
        for (row, text) in column.iter().enumerate() {
            let Some((prefix, bits)) = text.and_then(network) else { continue };
            let at = match all.iter().position(|(p, _)| *p == prefix) {
                Some(at) => at,
                None => {
                    all.push((prefix, HashMap::new()));
                    all.len() - 1
                }
            };
            all[at].1.entry(bits).or_insert(row);
        }
        all.sort_by(|(a, _), (b, _)| b.cmp(a));
        Self(all)
    }

    fn find(&self, address: &str) -> Option<usize> {
        let (v6, address) = bits_of(address.trim().parse().ok()?);
        let fitting = self.0.iter().filter(|(prefix, _)| prefix.v6 == v6);
        fitting.filter_map(|(p, rows)| rows.get(&masked(address, *p))).next().copied()
    }
}

fn bits_of(address: IpAddr) -> (bool, u128) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (false, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => (true, u128::from(v6)),
    }
}

fn masked(address: u128, prefix: Prefix) -> u128 {
    let width: u8 = if prefix.v6 { 128 } else { 32 };
    address.checked_shr(u32::from(width - prefix.bits)).unwrap_or(0)
}

/// `10.0.0.0/8`, or a bare address.
fn network(text: &str) -> Option<(Prefix, u128)> {
    let text = text.trim();
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let (v6, address) = bits_of(address.parse().ok()?);
    let width = if v6 { 128 } else { 32 };
    let bits = bits.unwrap_or(width);
    let prefix = (bits <= width).then_some(Prefix { bits, v6 })?;
    Some((prefix, masked(address, prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_network_counts() {
        let networks = Networks::of(&StringArray::from(vec![
            "10.0.0.0/8",
            "10.1.0.0/16",
            "0.0.0.0/0",
            "::/0",
            "x",
        ]));
        let find = |ip: &str| networks.find(ip);
        assert_eq!(find("10.1.2.3"), Some(1));
        assert_eq!(find("10.2.2.3"), Some(0));
        assert_eq!(find("192.0.2.1"), Some(2));
        assert_eq!(find("2001:db8::1"), Some(3));
        assert_eq!(find("ec2.amazonaws.com"), None);
    }

    #[test]
    fn the_first_row_of_a_key_counts_and_a_key_with_a_gap_never() {
        let csv = Csv::of("t", b"a,b\nx,1\nx,2\nx,1\n,1\n".to_vec()).unwrap();
        assert_eq!(first_of_each_key(&csv, &[0]).values(), &[0]);
        assert_eq!(first_of_each_key(&csv, &[0, 1]).values(), &[0, 1]);
    }

    #[test]
    fn a_csv_with_quotes_is_read() {
        let csv = Csv::of("t", b"id,name\n1,\"a, b\"\n2,\n".to_vec()).unwrap();
        assert_eq!(csv.names, ["id", "name"]);
        assert_eq!(csv.columns[1].value(0), "a, b");
        assert!(csv.columns[1].is_null(1));
    }
}
