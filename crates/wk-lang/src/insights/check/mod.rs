//! Whether a query that was read means something: functions, places of aggregates, and which
//! fields are left after `stats`.
//!
//! * Names of fields before the first `stats` are not judged here: only the planner knows the tables.
//! * What AWS refuses but what has one clear meaning runs with a warning.

mod calls;
mod columns;
mod shape;

use std::collections::BTreeSet;

use super::ast::{At, Command, Expr, Join, Output, Query, Span, Stats};
use super::mistake::{Mistake, shown};
use super::parser::MISTAKES_MAX;
pub use columns::{Columns, Found};
pub use shape::ROWS_MAX;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Why the query cannot run; empty where it can.
    pub mistakes: Vec<Mistake>,
    /// What AWS does otherwise, or what is probably not meant.
    pub warnings: Vec<Mistake>,
}

/// Checks a query that was read from this text.
pub fn check(text: &str, query: &Query) -> Checked {
    let mut checker = Checker { text, found: Checked::default() };
    checker.query(query, Place::Outer);
    checker.found.mistakes.sort_by_key(|mistake| mistake.span.start);
    checker.found.warnings.sort_by_key(|mistake| mistake.span.start);
    checker.found
}

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outer,
    /// Behind `in`.
    Inner,
    /// On the right of a `join`.
    Joined,
}

struct Checker<'a> {
    text: &'a str,
    found: Checked,
}

/// Which fields there are at one place of a query.
enum Scope {
    /// Those of the events; only the planner knows them.
    Events,
    /// Those that a `stats` left.
    Left(Columns),
}

impl Checker<'_> {
    fn query(&mut self, query: &Query, place: Place) {
        self.shape(query);
        let mut scope = Scope::Events;
        for command in &query.commands {
            self.inner_queries(&command.node, place);
            self.command(command, &scope, place);
            self.pass(&command.node, &mut scope);
        }
    }

    fn inner_queries(&mut self, command: &Command, place: Place) {
        for inner in command.expressions().into_iter().flat_map(At::inner_queries) {
            match place {
                Place::Outer => self.query(&inner.node, Place::Inner),
                Place::Inner => {
                    self.refuse(inner.span, "a subquery has no further subquery in it");
                }
                Place::Joined => {
                    self.refuse(inner.span, "the right side of a join has no subquery in it");
                }
            }
        }
    }

    fn command(&mut self, command: &At<Command>, scope: &Scope, place: Place) {
        match &command.node {
            Command::Stats(stats) => self.stats(stats, scope),
            Command::Sort(keys) => {
                for key in keys {
                    self.sort_key(&key.value, scope);
                }
            }
            Command::Join(join) => self.join(join, command.span, place),
            Command::NotYet { name } => {
                self.refuse(command.span, format!("{name} is not there yet"));
            }
            Command::Parse(parse) => {
                self.template(parse);
                self.rows_value(&parse.from, scope);
            }
            Command::Limit(limit) => self.rows(limit.rows, command.span),
            Command::Tail { rows } => self.rows(*rows, command.span),
            Command::Fields(outputs) | Command::Display(outputs) => {
                self.no_alias_twice(outputs);
                for value in command.node.expressions() {
                    self.rows_value(value, scope);
                }
            }
            _ => {
                for value in command.node.expressions() {
                    self.rows_value(value, scope);
                }
            }
        }
    }

    /// The fields there are behind a command.
    fn pass(&self, command: &Command, scope: &mut Scope) {
        match (command, &mut *scope) {
            (Command::Stats(stats), _) => *scope = Scope::Left(Columns::after(self.text, stats)),
            (Command::Pattern(_) | Command::Diff(_) | Command::Join(_), _) => {
                *scope = Scope::Events;
            }
            // Without names all columns of the table come, which only the planner knows.
            (Command::Lookup(lookup) | Command::CidrLookup(lookup), _)
                if lookup.outputs.is_empty() =>
            {
                *scope = Scope::Events;
            }
            (_, Scope::Left(columns)) => columns.add(self.text, command),
            (_, Scope::Events) => {}
        }
    }

    fn join(&mut self, join: &Join, span: Span, place: Place) {
        if place != Place::Outer {
            self.refuse(span, "an inner query has no join in it");
        }
        let sides = [(&join.left_alias, 0), (&join.right_alias, 1)];
        for pair in &join.on {
            for (alias, side) in sides {
                let field = if side == 0 { &pair.0 } else { &pair.1 };
                let (Some(alias), Expr::Field(name)) = (alias, &field.node) else { continue };
                let of_alias =
                    name.strip_prefix(&alias.node).is_some_and(|rest| rest.starts_with('.'));
                if !of_alias {
                    let side = if side == 0 { "left" } else { "right" };
                    let message = format!(
                        "{} is no field of {}, the {side} side",
                        shown(name),
                        shown(&alias.node)
                    );
                    self.refuse(field.span, message);
                }
            }
        }
        if place == Place::Outer {
            self.query(&join.right.node, Place::Joined);
        }
    }

    /// An expression over rows, in which aggregates have no place.
    fn rows_value(&mut self, value: &At<Expr>, scope: &Scope) {
        self.calls(value, &|part| scope.has(part));
        self.aggregates_are_in_stats(value, scope);
        self.fields_exist(value, scope);
    }

    fn aggregates_are_in_stats(&mut self, value: &At<Expr>, scope: &Scope) {
        let mut misplaced = Vec::new();
        value.walk(&mut |part| {
            if scope.has(part) {
                return false;
            }
            match &part.node {
                Expr::Call { name, .. } if super::walk::is_aggregate(&name.node) => {
                    misplaced.push((part.span, name.node.clone()));
                    false
                }
                _ => true,
            }
        });
        for (span, name) in misplaced.into_iter().take(MISTAKES_MAX + 1) {
            let message = match scope {
                Scope::Events => format!("{} has its place in stats", shown(&name)),
                Scope::Left(columns) => format!(
                    "{} is no column of the stats before; there {}",
                    shown(self.text.get(span.start..span.end).unwrap_or_default()),
                    columns.listed()
                ),
            };
            self.refuse(span, message);
        }
    }

    /// After `stats` only its columns exist.
    fn fields_exist(&mut self, value: &At<Expr>, scope: &Scope) {
        let Scope::Left(columns) = scope else { return };
        let mut missing = Vec::new();
        value.walk(&mut |part| {
            if columns.find(&part.node).is_some() {
                return false;
            }
            match &part.node {
                Expr::Field(name) => missing.push((part.span, name.clone())),
                Expr::Call { name, arguments }
                    if name.node.eq_ignore_ascii_case("bin")
                        && arguments.len() < 2
                        && columns.find(&Expr::Field("@timestamp".to_owned())).is_none() =>
                {
                    missing.push((part.span, "@timestamp".to_owned()));
                }
                _ => {}
            }
            true
        });
        for (span, name) in missing {
            self.gone(span, &name, columns);
        }
    }

    fn gone(&mut self, span: Span, name: &str, columns: &Columns) {
        if self.is_full() {
            return;
        }
        let message =
            format!("there is no {} after stats; there {}", shown(name), columns.listed());
        let near = crate::nearest::nearest(name, columns.titles());
        self.add(Mistake::new(self.text, span, message).or_rather(near));
    }

    /// A key that is no column may still say clearly which is meant.
    fn sort_key(&mut self, value: &At<Expr>, scope: &Scope) {
        if let Scope::Left(columns) = scope
            && let Some(Found { title, guessed: true }) = columns.find_for_sort(&value.node)
        {
            let written = self.text.get(value.span.start..value.span.end).unwrap_or_default();
            let message = format!(
                "there is no {} after stats; rows are sorted by {}",
                shown(written),
                shown(&title)
            );
            return self.warn(value.span, message);
        }
        self.rows_value(value, scope);
    }

    fn stats(&mut self, stats: &Stats, scope: &Scope) {
        self.no_column_twice(stats);
        for key in &stats.by {
            self.rows_value(&key.value, scope);
        }
        let keys = Columns::of_keys(self.text, stats);
        let names = stats.outputs.iter().filter_map(|output| output.name.as_ref());
        let names: BTreeSet<&str> = names.map(|name| name.node.as_str()).collect();
        for output in &stats.outputs {
            self.calls(&output.value, &|part| scope.has(part));
            self.aggregate_output(output, &names, &keys, scope);
        }
        self.topk_stands_alone(stats);
    }

    /// Outside of aggregates an output reads only keys and outputs beside it; inside no aggregate
    /// stands in another.
    fn aggregate_output(
        &mut self,
        output: &Output,
        names: &BTreeSet<&str>,
        keys: &Columns,
        scope: &Scope,
    ) {
        let own = output.name.as_ref().map(|name| name.node.as_str());
        let is_beside = |name: &str| names.contains(name) && own != Some(name);
        let (mut inside, mut alone) = (Vec::new(), Vec::new());
        output.value.walk(&mut |part| match &part.node {
            Expr::Call { name, arguments } if super::walk::is_aggregate(&name.node) => {
                inside.extend(arguments);
                false
            }
            node if keys.find(node).is_some() => false,
            Expr::Field(name) => {
                if !is_beside(name) {
                    alone.push((part.span, name.clone()));
                }
                false
            }
            _ => true,
        });
        for (span, name) in alone {
            if self.is_full() {
                return;
            }
            let near = crate::nearest::nearest(&name, names.iter().copied());
            let message =
                format!("{} is neither in an aggregate such as max(…) nor behind by", shown(&name));
            self.add(Mistake::new(self.text, span, message).or_rather(near));
        }
        for argument in inside {
            self.aggregates_are_single(argument, scope);
            self.fields_exist(argument, scope);
        }
    }

    fn aggregates_are_single(&mut self, argument: &At<Expr>, scope: &Scope) {
        let mut nested = Vec::new();
        argument.walk(&mut |part| {
            if scope.has(part) {
                return false;
            }
            if let Expr::Call { name, .. } = &part.node
                && super::walk::is_aggregate(&name.node)
            {
                nested.push((part.span, name.node.clone()));
            }
            true
        });
        for (span, name) in nested {
            let message =
                format!("{} stands in another aggregate; a second stats can do that", shown(&name));
            self.refuse(span, message);
        }
    }

    /// Whether more mistakes would not be told.
    fn is_full(&self) -> bool {
        self.found.mistakes.len() > MISTAKES_MAX
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>) {
        self.add(Mistake::new(self.text, span, message));
    }

    fn add(&mut self, mistake: Mistake) {
        told(&mut self.found.mistakes, mistake, self.text);
    }

    fn warn(&mut self, span: Span, message: impl Into<String>) {
        if self.found.warnings.len() <= MISTAKES_MAX {
            let warning = Mistake::new(self.text, span, message);
            told(&mut self.found.warnings, warning, self.text);
        }
    }
}

/// Adds to what is told; the one after the last that is says that there are more.
fn told(list: &mut Vec<Mistake>, mistake: Mistake, text: &str) {
    match list.len() {
        0..MISTAKES_MAX => list.push(mistake),
        MISTAKES_MAX => list.push(Mistake::new(text, mistake.span, "and more that are not told")),
        _ => {}
    }
}

impl Scope {
    /// Whether this expression is the text of a column that a `stats` left.
    fn has(&self, part: &At<Expr>) -> bool {
        match self {
            Self::Events => false,
            Self::Left(columns) => columns.find(&part.node).is_some(),
        }
    }
}
