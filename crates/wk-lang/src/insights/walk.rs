//! Looking through a query: the parts of an expression, and which fields a command reads and makes.

use std::collections::BTreeSet;

use super::ast::{At, Command, Expr, InList, Lookup, Query, Stats, Template};
use super::functions::function;
use super::pattern;

impl Expr {
    /// The parts right below this one, but for queries in parentheses.
    pub fn children(&self) -> Vec<&At<Expr>> {
        match self {
            Self::Unary(_, inner) => vec![inner],
            Self::Binary(left, _, right) | Self::Index(left, right) => vec![left, right],
            Self::Like { value, pattern, .. } => vec![value, pattern],
            Self::In { value, list, .. } => match list {
                InList::Values(values) => std::iter::once(&**value).chain(values).collect(),
                InList::Query(_) => vec![value],
            },
            Self::Call { arguments, .. } => arguments.iter().collect(),
            Self::Field(_)
            | Self::Text(_)
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Duration(_)
            | Self::Regex(_) => Vec::new(),
        }
    }
}

impl At<Expr> {
    /// Shows this part and all below it, from the outside in, until `visit` says false: then the
    /// parts below that one are left out.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a At<Expr>) -> bool) {
        if visit(self) {
            for child in self.node.children() {
                child.walk(visit);
            }
        }
    }

    /// The queries in parentheses that stand behind `in`.
    pub fn inner_queries(&self) -> Vec<&At<Query>> {
        let mut queries = Vec::new();
        self.walk(&mut |part| {
            if let Expr::In { list: InList::Query(query), .. } = &part.node {
                queries.push(&**query);
            }
            true
        });
        queries
    }

    /// Names of the fields that it reads, `@timestamp` among them where it is meant and not written.
    pub fn fields_read(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.walk(&mut |part| {
            match &part.node {
                Expr::Field(name) => {
                    names.insert(name.clone());
                }
                Expr::Call { name, arguments } if reads_timestamp(&name.node, arguments.len()) => {
                    names.insert("@timestamp".to_owned());
                }
                _ => {}
            }
            true
        });
        names
    }
}

/// Whether a function looks at `@timestamp` without naming it.
fn reads_timestamp(name: &str, arguments: usize) -> bool {
    match function(name).map(|function| function.name) {
        Some("bin") => arguments < 2,
        Some("earliest" | "latest" | "rate") => true,
        _ => false,
    }
}

impl Command {
    /// Every expression of the command, in the order of its text.
    pub fn expressions(&self) -> Vec<&At<Expr>> {
        match self {
            Self::Fields(outputs) | Self::Display(outputs) => {
                outputs.iter().map(|output| &output.value).collect()
            }
            Self::Filter(condition) | Self::FilterIndex(condition) => vec![condition],
            Self::Stats(stats) => {
                stats.outputs.iter().chain(&stats.by).map(|output| &output.value).collect()
            }
            Self::Sort(keys) => keys.iter().map(|key| &key.value).collect(),
            Self::Parse(parse) => vec![&parse.from],
            Self::Dedup(keys) => keys.iter().collect(),
            Self::Pattern(text) => vec![text],
            Self::Unnest { list, .. } => vec![list],
            Self::Lookup(lookup) | Self::CidrLookup(lookup) => {
                lookup.keys.iter().map(|(_, field)| field).collect()
            }
            Self::Join(join) => join.on.iter().flat_map(|(left, right)| [left, right]).collect(),
            Self::FillMissing(fill) => fill.fills.iter().map(|(_, value)| value).collect(),
            Self::Limit(_) | Self::Tail { .. } | Self::Diff(_) | Self::NotYet { .. } => Vec::new(),
        }
    }

    /// Names of the fields that the command reads from the rows that come to it.
    pub fn fields_read(&self) -> BTreeSet<String> {
        match self {
            Self::Stats(stats) => stats.fields_read(),
            // The right side's fields come from its own query.
            Self::Join(join) => join.on.iter().flat_map(|(left, _)| left.fields_read()).collect(),
            _ => self.expressions().iter().flat_map(|value| value.fields_read()).collect(),
        }
    }

    /// Names that the command gives to what it makes; none where it only passes rows on.
    pub fn fields_made(&self) -> Vec<String> {
        match self {
            Self::Fields(outputs) | Self::Display(outputs) => {
                outputs.iter().filter_map(|output| output.name.as_ref()).map(node).collect()
            }
            Self::Stats(stats) => {
                let outputs = stats.outputs.iter().chain(&stats.by);
                outputs.filter_map(|output| output.name.as_ref()).map(node).collect()
            }
            Self::Parse(parse) => match &parse.by.node {
                Template::Glob { names, .. } => names.iter().map(node).collect(),
                Template::Regex(text) => groups(text),
            },
            Self::Unnest { into, .. } => vec![node(into)],
            Self::Lookup(lookup) | Self::CidrLookup(lookup) => lookup.fields_made(),
            Self::Pattern(_) => PATTERN_FIELDS.iter().map(|name| (*name).to_owned()).collect(),
            _ => Vec::new(),
        }
    }
}

/// What `pattern` answers.
pub const PATTERN_FIELDS: &[&str] = &["@pattern", "@ratio", "@sampleCount", "@severityLabel"];

fn node(at: &At<String>) -> String {
    at.node.clone()
}

/// Names of the groups of an expression, in order.
pub fn groups(text: &str) -> Vec<String> {
    let Ok(regex) = pattern::compile(text) else { return Vec::new() };
    regex.capture_names().flatten().map(str::to_owned).collect()
}

impl Lookup {
    fn fields_made(&self) -> Vec<String> {
        self.outputs.iter().map(|(column, name)| node(name.as_ref().unwrap_or(column))).collect()
    }
}

impl Stats {
    /// Names of the fields that are read from the rows: not those of other outputs, which stand
    /// outside of aggregates.
    pub fn fields_read(&self) -> BTreeSet<String> {
        let made: BTreeSet<&String> = self
            .outputs
            .iter()
            .filter_map(|output| output.name.as_ref())
            .map(|at| &at.node)
            .collect();
        let mut names = BTreeSet::new();
        for output in &self.outputs {
            output.value.walk(&mut |part| match &part.node {
                Expr::Field(name) if made.contains(name) => false,
                Expr::Call { name, .. } if is_aggregate(&name.node) => {
                    names.extend(part.fields_read());
                    false
                }
                Expr::Field(name) => {
                    names.insert(name.clone());
                    false
                }
                _ => true,
            });
        }
        names.extend(self.by.iter().flat_map(|key| key.value.fields_read()));
        names
    }
}

/// Whether this is the name of a function for groups of rows.
pub fn is_aggregate(name: &str) -> bool {
    function(name).is_some_and(|function| function.aggregates())
}

impl Query {
    /// Names of the fields that the query reads from the events, not from what it made itself.
    pub fn fields_read(&self) -> BTreeSet<String> {
        let (mut read, mut made) = (BTreeSet::new(), BTreeSet::new());
        for command in &self.commands {
            read.extend(command.node.fields_read().into_iter().filter(|name| !made.contains(name)));
            made.extend(command.node.fields_made());
            if matches!(command.node, Command::Stats(_) | Command::Pattern(_)) {
                break;
            }
        }
        read
    }
}
