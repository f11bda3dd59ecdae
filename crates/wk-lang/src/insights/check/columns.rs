//! Which columns a `stats` leaves, and which of them an expression behind it means.

use std::collections::BTreeMap;

use super::super::ast::{Command, Expr, Output, Stats};
use super::super::functions::function;
use super::super::mistake::shown;

/// Columns that a message lists.
const LISTED_MAX: usize = 12;

/// The columns that there are after a `stats`, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    columns: Vec<Column>,
    /// Where each name stands, and the first of each text.
    by_title: BTreeMap<String, usize>,
    by_own: BTreeMap<String, usize>,
    /// Whether some column is arithmetic or a comparison, so that such an expression may be one.
    has_operators: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    /// Its name: the one given, else its own text.
    title: String,
    /// What it is, in the one form of [`Expr::canonical`].
    own: String,
    /// Whether it is a time rounded by `bin` or its like.
    is_bucket: bool,
    /// The function, where it is nothing but a call.
    called: Option<&'static str>,
    named: bool,
    is_operator: bool,
}

/// The column that a key means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub title: String,
    /// Whether AWS would find no such column, and it is the only one that can be meant.
    pub guessed: bool,
}

impl Columns {
    /// The columns of a `stats` that was read from this text: outputs, then keys.
    pub fn after(text: &str, stats: &Stats) -> Self {
        Self::of(text, stats.outputs.iter().chain(&stats.by))
    }

    /// The group keys alone.
    pub(super) fn of_keys(text: &str, stats: &Stats) -> Self {
        Self::of(text, stats.by.iter())
    }

    fn of<'a>(text: &str, outputs: impl Iterator<Item = &'a Output>) -> Self {
        let mut columns = Self::default();
        outputs.for_each(|output| columns.push(column(text, output)));
        columns
    }

    fn push(&mut self, column: Column) {
        self.has_operators |= column.is_operator;
        let next = self.columns.len();
        let at = *self.by_title.entry(column.title.clone()).or_insert(next);
        self.by_own.entry(column.own.clone()).or_insert(at);
        if at == next {
            self.columns.push(column);
        } else {
            self.columns[at] = column;
        }
    }

    /// Their names, in order.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.title.as_str())
    }

    /// The name of the column that an expression is: by its name, or by the text of what it is
    /// (`sort count(*)`, also where the column was given a name).
    pub fn find(&self, expr: &Expr) -> Option<&str> {
        let at = match expr {
            Expr::Field(name) => self
                .by_title
                .get(name)
                .or_else(|| self.by_own.get(name))
                .or_else(|| self.by_own.get(&expr.canonical()))
                .or_else(|| self.holding(name)),
            Expr::Call { .. } => self.by_own.get(&expr.canonical()),
            _ if self.has_operators => self.by_own.get(&expr.canonical()),
            _ => None,
        };
        at.and_then(|at| self.columns.get(*at)).map(|column| column.title.as_str())
    }

    /// The column of which `column.a.b` is a part.
    fn holding(&self, name: &str) -> Option<&usize> {
        let dots = name.match_indices('.').map(|(at, _)| at);
        dots.filter_map(|at| name.get(..at)).find_map(|front| self.by_title.get(front))
    }

    /// The same for the key of a `sort`. Where AWS finds no column and leaves rows as they are, two
    /// spellings still mean one: `@timestamp` the only bucket of time, and the bare name of a
    /// function its only call.
    pub fn find_for_sort(&self, expr: &Expr) -> Option<Found> {
        if let Some(title) = self.find(expr) {
            return Some(Found { title: title.to_owned(), guessed: false });
        }
        let Expr::Field(name) = expr else { return None };
        let called = function(name).map(|function| function.name);
        let mut meant = self.columns.iter().filter(|column| match name.as_str() {
            "@timestamp" => column.is_bucket,
            _ => called.is_some() && column.called == called && !column.named,
        });
        let found = meant.next()?;
        let only = meant.next().is_none();
        only.then(|| Found { title: found.title.clone(), guessed: true })
    }

    /// Adds what a later command makes.
    pub(super) fn add(&mut self, text: &str, command: &Command) {
        match command {
            Command::Fields(outputs) | Command::Display(outputs) => {
                outputs.iter().for_each(|output| self.push(column(text, output)));
            }
            _ => command.fields_made().into_iter().for_each(|name| self.push(plain(name))),
        }
    }

    /// `is a, b and c`, for a message.
    pub(super) fn listed(&self) -> String {
        let mut names: Vec<String> = self.titles().take(LISTED_MAX).map(shown).collect();
        if self.columns.len() > LISTED_MAX {
            names.push(format!("{} more", self.columns.len() - LISTED_MAX));
        }
        match names.split_last() {
            None => "is nothing".to_owned(),
            Some((only, [])) => format!("is {only}"),
            Some((last, others)) => format!("are {} and {last}", others.join(", ")),
        }
    }
}

fn column(text: &str, output: &Output) -> Column {
    let called = match &output.value.node {
        Expr::Call { name, .. } => function(&name.node).map(|function| function.name),
        _ => None,
    };
    Column {
        title: output.title(text).to_owned(),
        own: output.value.node.canonical(),
        is_bucket: matches!(called, Some("bin" | "datefloor" | "dateceil")),
        called,
        named: output.name.is_some(),
        is_operator: !matches!(output.value.node, Expr::Field(_) | Expr::Call { .. }),
    }
}

fn plain(name: String) -> Column {
    let own = Expr::Field(name.clone()).canonical();
    Column { title: name, own, is_bucket: false, called: None, named: true, is_operator: false }
}
