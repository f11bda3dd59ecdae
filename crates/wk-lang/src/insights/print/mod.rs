//! A query as text again, in one form: what it says read anew is the same query.

use std::fmt::{self, Display, Formatter, Write as _};

use super::ast::{
    Command, Expr, Join, Limit, Lookup, Output, Parse, Period, Query, Source, Stats, Template,
};
use expression::{Name, Operand, Quoted, escaped, expressions, slashed};

mod expression;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "SOURCE{}", source.node)?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            if at > 0 || self.source.is_some() {
                f.write_str("\n| ")?;
            }
            write!(f, "{}", command.node)?;
        }
        Ok(())
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, group) in self.groups.iter().enumerate() {
            write!(f, "{} {}", if at > 0 { "," } else { "" }, Quoted(&group.node))?;
        }
        let mut limits = Vec::new();
        for (key, texts) in [("namePrefix", &self.prefixes), ("accountIdentifiers", &self.accounts)]
        {
            if !texts.is_empty() {
                limits.push(format!("{key}: {}", Texts(texts.iter().map(|at| at.node.as_str()))));
            }
        }
        if let Some(class) = &self.class {
            limits.push(format!("class: [{}]", Quoted(&class.node)));
        }
        let nothing_else = self.groups.is_empty()
            && self.data_sources.is_empty()
            && self.tags.is_empty()
            && self.start_s.or(self.end_s).is_none();
        if !limits.is_empty() || nothing_else {
            write!(f, " logGroups({})", limits.join(", "))?;
        }
        if !self.data_sources.is_empty() {
            let names = Texts(self.data_sources.iter().map(|at| at.node.as_str()));
            write!(f, " dataSource({names})")?;
        }
        let tags = self.tags.iter().map(|tag| {
            let values = Texts(tag.node.values.iter().map(String::as_str));
            format!("{{\"key\": {}, \"values\": {values}}}", Quoted(&tag.node.key))
        });
        if !self.tags.is_empty() {
            write!(f, " logGroupTags([{}])", tags.collect::<Vec<_>>().join(", "))?;
        }
        for (key, seconds) in [("START", self.start_s), ("END", self.end_s)] {
            if let Some(seconds) = seconds {
                write!(f, " {key}={seconds}s")?;
            }
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(outputs) => write!(f, "fields {}", Listed(outputs)),
            Self::Display(outputs) => write!(f, "display {}", Listed(outputs)),
            Self::Filter(condition) => write!(f, "filter {}", condition.node),
            Self::FilterIndex(condition) => write!(f, "filterIndex {}", condition.node),
            Self::Stats(stats) => write!(f, "stats {stats}"),
            Self::Sort(keys) => {
                f.write_str("sort ")?;
                for (at, key) in keys.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    let order = if key.descending { "desc" } else { "asc" };
                    write!(f, "{comma}{} {order}", key.value.node)?;
                }
                Ok(())
            }
            Self::Limit(Limit { rows, any }) => {
                write!(f, "limit {}{rows}", if *any { "any " } else { "" })
            }
            Self::Tail { rows } => write!(f, "tail {rows}"),
            Self::Parse(parse) => write!(f, "parse {parse}"),
            Self::Dedup(keys) => {
                f.write_str("dedup ")?;
                expressions(f, keys)
            }
            Self::Pattern(text) => write!(f, "pattern {}", text.node),
            Self::Diff(Period::Same) => f.write_str("diff"),
            Self::Diff(Period::Day) => f.write_str("diff previousDay"),
            Self::Diff(Period::Week) => f.write_str("diff previousWeek"),
            Self::Diff(Period::Month) => f.write_str("diff previousMonth"),
            Self::Unnest { list, into } => {
                write!(f, "unnest {} into {}", Operand(&list.node), Name(&into.node))
            }
            Self::Lookup(found) => lookup(f, found, false),
            Self::CidrLookup(found) => lookup(f, found, true),
            Self::Join(join) => write!(f, "join {join}"),
            Self::FillMissing(fill) => {
                f.write_str("fillmissing")?;
                for (at, (name, value)) in fill.fills.iter().enumerate() {
                    let word = if at > 0 { "," } else { " with" };
                    write!(f, "{word} {} for {}", value.node, Name(&name.node))?;
                }
                Ok(())
            }
            Self::NotYet { name } => f.write_str(name),
        }
    }
}

impl Display for Output {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value.node)?;
        match &self.name {
            Some(name) => write!(f, " as {}", Name(&name.node)),
            None => Ok(()),
        }
    }
}

impl Display for Stats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Listed(&self.outputs))?;
        if !self.by.is_empty() {
            write!(f, " by {}", Listed(&self.by))?;
        }
        match &self.offset {
            Some(offset) => write!(f, " offset {}", offset.node),
            None => Ok(()),
        }
    }
}

impl Display for Parse {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // What begins with a quote or a slash would be read as the template.
        let from = Operand(&self.from.node).to_string();
        if from.starts_with(['"', '/']) {
            write!(f, "({from}) ")?;
        } else {
            write!(f, "{from} ")?;
        }
        match &self.by.node {
            Template::Regex(pattern) => slashed(f, pattern),
            Template::Glob { pieces, names } => {
                let pieces: Vec<String> =
                    pieces.iter().map(|piece| escaped(piece).replace('*', "\\*")).collect();
                write!(f, "\"{}\" as ", pieces.join("*"))?;
                for (at, name) in names.iter().enumerate() {
                    write!(f, "{}{}", if at > 0 { ", " } else { "" }, Name(&name.node))?;
                }
                Ok(())
            }
        }
    }
}

fn lookup(f: &mut Formatter<'_>, lookup: &Lookup, by_network: bool) -> fmt::Result {
    let command = if by_network { "cidrlookup" } else { "lookup" };
    write!(f, "{command} {} ", Quoted(&lookup.table.node))?;
    for (at, (column, field)) in lookup.keys.iter().enumerate() {
        f.write_str(if at > 0 { ", " } else { "" })?;
        let same = matches!(&field.node, Expr::Field(name) if *name == column.node);
        match (same, by_network) {
            (true, _) => write!(f, "{}", Name(&column.node))?,
            (false, true) => write!(f, "{} as {}", field.node, Name(&column.node))?,
            (false, false) => write!(f, "{} as {}", Name(&column.node), field.node)?,
        }
    }
    if lookup.outputs.is_empty() {
        return Ok(());
    }
    f.write_str(if lookup.keep_present { " OUTPUTNEW " } else { " OUTPUT " })?;
    for (at, (column, name)) in lookup.outputs.iter().enumerate() {
        write!(f, "{}{}", if at > 0 { ", " } else { "" }, Name(&column.node))?;
        if let Some(name) = name {
            write!(f, " as {}", Name(&name.node))?;
        }
    }
    Ok(())
}

impl Display for Join {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "type={}", if self.left { "left" } else { "inner" })?;
        for (key, alias) in [("left", &self.left_alias), ("right", &self.right_alias)] {
            if let Some(alias) = alias {
                write!(f, " {key}={}", Name(&alias.node))?;
            }
        }
        for (at, (left, right)) in self.on.iter().enumerate() {
            let word = if at > 0 { "and" } else { "where" };
            write!(f, " {word} {} = {}", left.node, right.node)?;
        }
        write!(f, " ({})", self.right.node)
    }
}

/// Outputs between commas.
struct Listed<'a>(&'a [Output]);

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, output) in self.0.iter().enumerate() {
            write!(f, "{}{output}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Texts in brackets.
struct Texts<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> Display for Texts<I> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (at, text) in self.0.clone().enumerate() {
            write!(f, "{}{}", if at > 0 { ", " } else { "" }, Quoted(text))?;
        }
        f.write_char(']')
    }
}
