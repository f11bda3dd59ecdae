//! Commands over all rows, one after the other.

use std::collections::BTreeMap;

use wk_lang::insights::ast::{
    At, Command, Expr, InList, Output, Parse, Query, SortKey, Stats, Template,
};

use super::expression::{Known, kind, value};
use super::{Data, Kind, Row, Table, Value, natural, plain};

/// The rows between two commands: always in their order.
struct State<'q> {
    text: &'q str,
    rows: Vec<Row>,
    kinds: BTreeMap<String, Kind>,
    written: BTreeMap<String, String>,
    found: BTreeMap<usize, Vec<Value>>,
    shown: Vec<String>,
    /// Whether what is shown are results of `stats`, of which a `fields` chooses.
    results: bool,
    /// What `parse` and `unnest` made of records; it is shown behind the rest.
    made: Vec<String>,
}

/// What a query answers over these records.
pub(in super::super) fn answer(text: &str, query: &Query, data: &Data) -> Table {
    let mut rows = data.rows.clone();
    rows.iter_mut().enumerate().for_each(|(place, row)| row.place = place);
    // Newest first; of the same time, as they came.
    rows.sort_by(|a, b| plain(&b.fields["@timestamp"], &a.fields["@timestamp"]));
    let mut state = State {
        text,
        rows,
        kinds: data.kinds.clone(),
        written: BTreeMap::new(),
        found: inner(text, query, data),
        shown: Vec::new(),
        results: false,
        made: Vec::new(),
    };
    query.commands.iter().for_each(|command| state.run(&command.node));
    for name in std::mem::take(&mut state.made) {
        if !state.shown.contains(&name) {
            state.shown.push(name);
        }
    }
    let cells = |row: &Row| state.shown.iter().map(|title| row.field(title)).collect();
    Table { rows: state.rows.iter().map(cells).collect(), titles: state.shown }
}

/// The answers of the queries in parentheses, by where they stand.
fn inner(text: &str, query: &Query, data: &Data) -> BTreeMap<usize, Vec<Value>> {
    let mut found = BTreeMap::new();
    let expressions = query.commands.iter().flat_map(|command| command.node.expressions());
    for expr in expressions {
        expr.walk(&mut |part| {
            if let Expr::In { list: InList::Query(inner), .. } = &part.node {
                let rows = answer(text, &inner.node, data).rows;
                found.insert(inner.span.start, rows.into_iter().flatten().collect());
            }
            true
        });
    }
    found
}

impl State<'_> {
    fn known(&self) -> Known<'_> {
        Known {
            text: self.text,
            kinds: &self.kinds,
            group: None,
            written: &self.written,
            found: &self.found,
        }
    }

    fn run(&mut self, command: &Command) {
        match command {
            Command::Fields(outputs) => {
                if std::mem::take(&mut self.results) {
                    self.shown.clear();
                }
                outputs.iter().for_each(|output| self.show(output));
            }
            Command::Display(outputs) => {
                self.shown.clear();
                self.made.clear();
                outputs.iter().for_each(|output| self.show(output));
            }
            Command::Filter(condition) | Command::FilterIndex(condition) => {
                let keep: Vec<bool> = self
                    .rows
                    .iter()
                    .map(|row| value(self.known(), condition, row).is_true())
                    .collect();
                let mut keep = keep.into_iter();
                self.rows.retain(|_| keep.next().unwrap());
            }
            Command::Stats(stats) => self.stats(stats),
            Command::Sort(keys) => self.sort(keys),
            Command::Limit(limit) => self.rows.truncate(usize::try_from(limit.rows).unwrap()),
            Command::Tail { rows } => {
                let last = usize::try_from(*rows).unwrap();
                self.rows.drain(..self.rows.len().saturating_sub(last));
            }
            Command::Parse(parse) => self.parse(parse),
            Command::Dedup(keys) => self.dedup(keys),
            Command::Unnest { list, into } => self.unnest(list, &into.node),
            other => panic!("the reference does not know {other}"),
        }
    }

    fn show(&mut self, output: &Output) {
        let title = output.title(self.text).to_owned();
        let is_plain = output.name.is_none() && matches!(output.value.node, Expr::Field(_));
        if !is_plain {
            let values: Vec<Value> =
                self.rows.iter().map(|row| value(self.known(), &output.value, row)).collect();
            let kind = kind(self.known(), &output.value);
            self.put(&title, kind, values);
        }
        if !self.shown.contains(&title) {
            self.shown.push(title);
        }
    }

    fn put(&mut self, title: &str, kind: Kind, values: Vec<Value>) {
        self.kinds.insert(title.to_owned(), kind);
        for (row, value) in self.rows.iter_mut().zip(values) {
            row.fields.insert(title.to_owned(), value);
        }
    }

    fn sort(&mut self, keys: &[SortKey]) {
        let known = self.known();
        let mut keyed: Vec<(Vec<Value>, Row)> = self
            .rows
            .iter()
            .map(|row| {
                (keys.iter().map(|key| value(known, &key.value, row)).collect(), row.clone())
            })
            .collect();
        keyed.sort_by(|(left, a), (right, b)| {
            let pairs = left.iter().zip(right).zip(keys);
            let mut orders = pairs.map(|((l, r), key)| {
                let order = natural(l, r);
                if key.descending { order.reverse() } else { order }
            });
            orders.find(|order| order.is_ne()).unwrap_or_else(|| a.place.cmp(&b.place))
        });
        self.rows = keyed.into_iter().map(|(_, row)| row).collect();
    }

    /// The first of each key; a row that lacks one stays.
    fn dedup(&mut self, keys: &[At<Expr>]) {
        let mut seen: Vec<Vec<Value>> = Vec::new();
        let mut kept = Vec::new();
        for row in &self.rows {
            let key: Vec<Value> = keys.iter().map(|key| value(self.known(), key, row)).collect();
            if key.iter().any(Value::is_missing) || !seen.contains(&key) {
                kept.push(row.clone());
            }
            seen.push(key);
        }
        self.rows = kept;
    }

    fn parse(&mut self, parse: &Parse) {
        let texts: Vec<Option<String>> =
            self.rows.iter().map(|row| value(self.known(), &parse.from, row).text()).collect();
        let (names, taken): (Vec<String>, Vec<Vec<Value>>) = match &parse.by.node {
            Template::Glob { pieces, names } => (
                names.iter().map(|name| name.node.clone()).collect(),
                texts.iter().map(|text| stars(pieces, text.as_deref())).collect(),
            ),
            Template::Regex(regex) => {
                let regex = regex::Regex::new(regex).unwrap();
                let names: Vec<String> =
                    regex.capture_names().flatten().map(str::to_owned).collect();
                let take = |text: &Option<String>| groups(&regex, &names, text.as_deref());
                let taken = texts.iter().map(take).collect();
                (names, taken)
            }
        };
        for (n, name) in names.iter().enumerate() {
            let column = taken.iter().map(|row| row.get(n).cloned().unwrap_or(Value::Missing));
            self.put(name, Kind::Text, column.collect());
            self.made.push(name.clone());
        }
    }

    /// A row for each item.
    fn unnest(&mut self, list: &At<Expr>, into: &str) {
        let mut rows = Vec::new();
        for row in &self.rows {
            let items: Vec<Value> = match value(self.known(), list, row) {
                Value::List(items) => items.into_iter().map(Value::Text).collect(),
                other => match other.text().and_then(|text| serde_json::from_str(&text).ok()) {
                    Some(serde_json::Value::Array(items)) => {
                        let item = |n: usize| {
                            super::at_path(&serde_json::Value::Array(items.clone()), &n.to_string())
                        };
                        (0..items.len()).map(item).collect()
                    }
                    _ => Vec::new(),
                },
            };
            for item in items {
                let mut row = row.clone();
                row.fields.insert(into.to_owned(), item);
                rows.push(row);
            }
        }
        self.kinds.insert(into.to_owned(), Kind::Text);
        self.made.push(into.to_owned());
        self.rows = rows;
    }

    fn stats(&mut self, stats: &Stats) {
        let known = self.known();
        let mut groups: Vec<(Vec<Value>, Vec<Row>)> = Vec::new();
        for row in &self.rows {
            let key: Vec<Value> =
                stats.by.iter().map(|key| value(known, &key.value, row)).collect();
            match groups.iter_mut().find(|(other, _)| *other == key) {
                Some((_, rows)) => rows.push(row.clone()),
                None => groups.push((key, vec![row.clone()])),
            }
        }
        if groups.is_empty() && stats.by.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        groups.sort_by(|(l, _), (r, _)| {
            let mut orders = l.iter().zip(r).map(|(l, r)| plain(l, r));
            orders.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut rows = Vec::new();
        for (place, (key, group)) in groups.iter().enumerate() {
            let mut row = Row { place, ..Row::default() };
            for (output, value) in stats.by.iter().zip(key) {
                row.fields.insert(output.title(self.text).to_owned(), value.clone());
            }
            for output in &stats.outputs {
                let result = value(Known { group: Some(group), ..known }, &output.value, &row);
                row.fields.insert(output.title(self.text).to_owned(), result);
            }
            rows.push(row);
        }
        let outputs = || stats.by.iter().chain(&stats.outputs);
        let mut kinds = self.kinds.clone();
        let mut own = BTreeMap::new();
        for output in outputs() {
            let title = output.title(self.text).to_owned();
            let kind = kind(Known { kinds: &kinds, ..self.known() }, &output.value);
            kinds.insert(title.clone(), kind);
            own.insert(title, kind);
        }
        let title = |output: &Output| output.title(self.text).to_owned();
        self.shown = outputs().map(title).collect();
        self.written =
            outputs().map(|output| (self.known().normal(&output.value), title(output))).collect();
        self.kinds = own;
        self.rows = rows;
        self.results = true;
        self.made.clear();
    }
}

/// What the stars of a template stand for: each piece at its first place behind the one before.
fn stars(pieces: &[String], text: Option<&str>) -> Vec<Value> {
    let Some(text) = text else { return Vec::new() };
    let Some((_, mut rest)) = text.split_once(&pieces[0]) else { return Vec::new() };
    let mut found = Vec::new();
    for (n, piece) in pieces.iter().enumerate().skip(1) {
        if piece.is_empty() && n == pieces.len() - 1 {
            found.push(Value::Text(rest.to_owned()));
        } else {
            let Some((star, behind)) = rest.split_once(piece) else { return Vec::new() };
            found.push(Value::Text(star.to_owned()));
            rest = behind;
        }
    }
    found
}

/// What the named groups of an expression match.
fn groups(regex: &regex::Regex, names: &[String], text: Option<&str>) -> Vec<Value> {
    let Some(captures) = text.and_then(|text| regex.captures(text)) else { return Vec::new() };
    let group = |name: &String| {
        captures.name(name).map_or(Value::Missing, |found| Value::Text(found.as_str().to_owned()))
    };
    names.iter().map(group).collect()
}
