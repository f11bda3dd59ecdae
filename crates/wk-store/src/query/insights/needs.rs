//! Which fields of the records a query asks for, before it makes names of its own.

use std::collections::HashSet;

use wk_lang::insights::ast::{At, Command, Expr, InList, Query, Span, Stats, Template};

use super::stats::is_aggregate;

/// Fields in the order in which they are first named, each with the place.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) fields: Vec<(String, Span)>,
    /// Fields of a join's right side.
    pub(super) right: Vec<(String, Span)>,
    seen: HashSet<String>,
    made: HashSet<String>,
    /// `left.` and `right.` of a join.
    aliases: Option<(String, String)>,
}

/// The fields of a query. `more` are asked for from outside: by a join's other side.
pub(super) fn of(query: &Query, more: &[(String, Span)], pointers: bool) -> Needs {
    let mut needs = Needs { aliases: aliases(query), ..Needs::default() };
    needs.add("@timestamp", Span::default());
    if shows_records(query) {
        for name in ["@message", "@ptr"] {
            needs.add(name, Span::default());
        }
    }
    if pointers {
        needs.add("@ptr", Span::default());
    }
    let mut over = false;
    for command in &query.commands {
        if !over {
            needs.command(&command.node);
        }
        over |= matches!(command.node, Command::Stats(_) | Command::Pattern(_) | Command::Diff(_));
    }
    if !over {
        more.iter().for_each(|(name, span)| needs.add(name, *span));
    }
    needs
}

/// `left.` and `right.`, as the names of a joined query begin.
fn aliases(query: &Query) -> Option<(String, String)> {
    let prefix = |alias: &Option<At<String>>, other: &str| {
        [alias.as_ref().map_or(other, |a| a.node.as_str()), "."].concat()
    };
    query.commands.iter().find_map(|command| match &command.node {
        Command::Join(join) => {
            Some((prefix(&join.left_alias, "left"), prefix(&join.right_alias, "right")))
        }
        _ => None,
    })
}

/// Whether the query says nothing of what is shown: then records are.
pub(super) fn shows_records(query: &Query) -> bool {
    use Command::{Diff, Display, Fields, Pattern, Stats};
    let says = |c: &At<Command>| {
        matches!(c.node, Fields(_) | Display(_) | Stats(_) | Pattern(_) | Diff(_))
    };
    !query.commands.iter().any(says)
}

impl Needs {
    fn add(&mut self, name: &str, span: Span) {
        let mut name = name;
        if let Some((left, right)) = &self.aliases {
            if let Some(field) = name.strip_prefix(right.as_str()) {
                return self.right.push((field.to_owned(), span));
            }
            name = name.strip_prefix(left.as_str()).unwrap_or(name);
        }
        let mut head = name;
        loop {
            if self.made.contains(head) {
                return;
            }
            match head.rfind('.') {
                Some(at) => head = head.get(..at).unwrap_or_default(),
                None => break,
            }
        }
        if self.seen.insert(name.to_owned()) {
            self.fields.push((name.to_owned(), span));
        }
    }

    fn make(&mut self, name: &str) {
        self.made.insert(name.to_owned());
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Fields(outputs) | Command::Display(outputs) => {
                outputs.iter().for_each(|o| self.expression(&o.value));
                for name in outputs.iter().filter_map(|o| o.name.as_ref()) {
                    self.make(&name.node);
                }
            }
            Command::Filter(condition) | Command::FilterIndex(condition) => {
                self.expression(condition)
            }
            Command::Stats(stats) => self.stats(stats),
            Command::Sort(keys) => keys.iter().for_each(|k| self.expression(&k.value)),
            Command::Dedup(keys) => keys.iter().for_each(|k| self.expression(k)),
            Command::Parse(parse) => {
                self.expression(&parse.from);
                template_names(&parse.by.node).iter().for_each(|name| self.make(name));
            }
            Command::Pattern(of) => self.expression(of),
            Command::Diff(_) => self.add("@message", Span::default()),
            Command::Unnest { list, into } => {
                self.expression(list);
                self.make(&into.node);
            }
            Command::Lookup(lookup) | Command::CidrLookup(lookup) => {
                lookup.keys.iter().for_each(|(_, key)| self.expression(key));
                for (column, name) in &lookup.outputs {
                    let name = name.as_ref().unwrap_or(column);
                    if lookup.keep_present {
                        self.add(&name.node, name.span);
                    }
                    self.make(&name.node);
                }
            }
            Command::Join(join) => {
                for (left, right) in &join.on {
                    self.expression(left);
                    self.expression(right);
                }
            }
            Command::FillMissing(_)
            | Command::Limit(_)
            | Command::Tail { .. }
            | Command::NotYet { .. } => {}
        }
    }

    fn stats(&mut self, stats: &Stats) {
        stats.by.iter().for_each(|o| self.expression(&o.value));
        stats.outputs.iter().for_each(|o| self.aggregated(&o.value));
    }

    /// Only what stands in an aggregate is a field of the records: the rest are names of the same
    /// stats.
    fn aggregated(&mut self, value: &At<Expr>) {
        match &value.node {
            Expr::Call { name, arguments } if is_aggregate(&name.node) => {
                arguments.iter().for_each(|a| self.expression(a));
            }
            Expr::Call { arguments, .. } => arguments.iter().for_each(|a| self.aggregated(a)),
            Expr::Unary(_, inner) => self.aggregated(inner),
            Expr::Binary(left, _, right) | Expr::Index(left, right) => {
                self.aggregated(left);
                self.aggregated(right);
            }
            _ => {}
        }
    }

    fn expression(&mut self, value: &At<Expr>) {
        match &value.node {
            Expr::Field(name) => self.add(name, value.span),
            Expr::Unary(_, inner) => self.expression(inner),
            Expr::Binary(left, _, right) | Expr::Index(left, right) => {
                self.expression(left);
                self.expression(right);
            }
            Expr::Like { value, pattern, .. } => {
                self.expression(value);
                self.expression(pattern);
            }
            Expr::In { value, list, .. } => {
                self.expression(value);
                if let InList::Values(values) = list {
                    values.iter().for_each(|v| self.expression(v));
                }
            }
            Expr::Call { arguments, .. } => arguments.iter().for_each(|a| self.expression(a)),
            _ => {}
        }
    }
}

/// The names that a template gives.
pub(super) fn template_names(template: &Template) -> Vec<String> {
    match template {
        Template::Glob { names, .. } => names.iter().map(|n| n.node.clone()).collect(),
        Template::Regex(pattern) => {
            let names = regex::Regex::new(pattern).ok();
            names.iter().flat_map(|r| r.capture_names().flatten().map(str::to_owned)).collect()
        }
    }
}
