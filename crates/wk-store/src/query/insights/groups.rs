//! Which tables a query asks, and which part of them.

use wk_lang::insights::Mistake;
use wk_lang::insights::ast::{At, Query, Source, Span};
use wk_lang::nearest::nearest;
use wk_model::{Table, Timestamp};

use super::catalog::{self, fits_any};
use super::fields::{Found, find, is_own, misspelt, not_kept};
use super::needs::Needs;
use super::scope::shown;
use crate::query::AskOptions;

/// A part of a table that is asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) table: &'static Table,
    /// Log groups of the table's column `log_group`; empty is all.
    pub(super) groups: Vec<String>,
    /// Beginnings of them; empty is all.
    pub(super) prefixes: Vec<String>,
    /// Accounts; empty is all.
    pub(super) accounts: Vec<String>,
}

/// What is asked, and when.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) asked: Vec<Asked>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    /// What is to be said about the choice.
    pub(super) notes: Vec<String>,
}

/// The tables of a lake, and what of them is known while planning.
pub(super) struct Lake<'l> {
    pub(super) tables: &'l [&'static Table],
    /// Tables that hold something.
    pub(super) filled: &'l [&'static str],
    /// Groups of the query that a `log_group` column holds, with the table.
    pub(super) written: &'l [(String, &'static str)],
}

impl Lake<'_> {
    fn table(&self, name: &str) -> Option<&'static Table> {
        self.tables.iter().copied().find(|t| t.name == name)
    }
    fn holds(&self, table: &Table) -> bool {
        self.filled.contains(&table.name)
    }
}

/// Every log group that a query names, by `SOURCE` or by an option.
pub(super) fn named(query: &Query, options: &AskOptions) -> Vec<String> {
    match &query.source {
        Some(source) => source.node.groups.iter().map(|g| name_of(&g.node).0).collect(),
        None => options.log_groups.iter().map(|g| name_of(g).0).collect(),
    }
}

/// Where a query asks.
pub(super) fn place(
    text: &str,
    query: &Query,
    needs: &Needs,
    lake: &Lake<'_>,
    options: &AskOptions,
) -> Result<Place, Mistake> {
    let mut place =
        Place { asked: Vec::new(), since: options.since, until: options.until, notes: Vec::new() };
    match &query.source {
        Some(source) => from_source(text, source, needs, lake, options, &mut place)?,
        None if !options.log_groups.is_empty() => {
            for group in &options.log_groups {
                of_group(group, lake, options, &mut place);
            }
        }
        None => match &options.table {
            Some(name) => {
                let table = lake.table(name).ok_or_else(|| {
                    let near = nearest(name, lake.tables.iter().map(|t| t.name));
                    Mistake::new(
                        text,
                        Span::default(),
                        format!("there is no table {}", shown(name)),
                    )
                    .or_rather(near)
                })?;
                place.add(whole(table));
            }
            None => choose(needs, lake, &mut place),
        },
    }
    for (name, _) in &needs.fields {
        place.notes.extend(place.asked.iter().filter_map(|asked| not_kept(asked.table, name)));
    }
    Ok(place)
}

fn whole(table: &'static Table) -> Asked {
    Asked { table, groups: Vec::new(), prefixes: Vec::new(), accounts: Vec::new() }
}

impl Place {
    /// Adds a part; parts of the same table become one.
    fn add(&mut self, asked: Asked) {
        let same =
            |a: &&mut Asked| a.table.name == asked.table.name && a.accounts == asked.accounts;
        match self.asked.iter_mut().find(same) {
            Some(there) if there.groups.is_empty() != asked.groups.is_empty() => {
                there.groups.clear(); // the whole table holds the group too
            }
            Some(there) => there.groups.extend(asked.groups),
            None => self.asked.push(asked),
        }
    }
}

/// The name and the account of a log group or its ARN.
fn name_of(group: &str) -> (String, Option<String>) {
    let Some(rest) = group.strip_prefix("arn:") else { return (group.to_owned(), None) };
    let parts: Vec<&str> = rest.splitn(6, ':').collect();
    match parts.as_slice() {
        [_, "logs", _, account, "log-group", name] => {
            let name = name.strip_suffix(":*").unwrap_or(name);
            (name.to_owned(), Some((*account).to_owned()))
        }
        _ => (group.to_owned(), None),
    }
}

/// The table of one log group. What the logs themselves say comes first, then the user's rules,
/// then the habits.
fn of_group(group: &str, lake: &Lake<'_>, options: &AskOptions, place: &mut Place) {
    let (name, account) = name_of(group);
    let written = lake.written.iter().find(|(g, _)| *g == name).map(|(_, table)| *table);
    let own = options.group_tables.iter().find(|(pattern, _)| fits_any(pattern, &name));
    let table = written
        .or(own.map(|(_, table)| table.as_str()))
        .or_else(|| catalog::table_of_group(&name))
        .unwrap_or("app_log");
    let Some(table) = lake.table(table) else {
        place.notes.push(format!("log group {} belongs to no table of this lake", shown(&name)));
        return;
    };
    let by_name = written.is_some() || (table.name == "app_log" && own.is_none());
    if by_name && written.is_none() {
        place.notes.push(format!("no record says that it is of log group {}", shown(&name)));
    } else if !by_name {
        place.notes.push(format!("log group {} is read as table {}", shown(&name), table.name));
    }
    let groups = if by_name { vec![name] } else { Vec::new() };
    place.add(Asked { groups, accounts: account.into_iter().collect(), ..whole(table) });
}

fn from_source(
    text: &str,
    source: &At<Source>,
    needs: &Needs,
    lake: &Lake<'_>,
    options: &AskOptions,
    place: &mut Place,
) -> Result<(), Mistake> {
    let said = &source.node;
    if let Some(tag) = said.tags.first() {
        return Err(Mistake::new(
            text,
            tag.span,
            "the tags of log groups are not known here; name the groups",
        ));
    }
    if let Some(class) = &said.class {
        place
            .notes
            .push(format!("class {} says nothing here: all records are asked", shown(&class.node)));
    }
    let at = |s: i64| if s <= 0 { options.now.plus_seconds(s) } else { Timestamp::from_seconds(s) };
    place.since = said.start_s.map(at).or(place.since);
    place.until = said.end_s.map(at).or(place.until);
    for group in &said.groups {
        of_group(&group.node, lake, options, place);
    }
    let mut sources: Vec<&'static str> = Vec::new();
    for name in &said.data_sources {
        let tables = catalog::tables_of_data_source(&name.node);
        if tables.is_empty() {
            let known = catalog::data_sources();
            let near = nearest(&name.node, known.iter().map(String::as_str));
            let message = format!("there is no data source {}", shown(&name.node));
            return Err(Mistake::new(text, name.span, message).or_rather(near));
        }
        sources.extend(tables);
    }
    for prefix in &said.prefixes {
        of_prefix(&prefix.node, &sources, lake, place);
    }
    if said.prefixes.is_empty() {
        sources.iter().filter_map(|name| lake.table(name)).for_each(|t| place.add(whole(t)));
    }
    if place.asked.is_empty() {
        choose(needs, lake, place);
    }
    let accounts: Vec<String> = said.accounts.iter().map(|a| a.node.clone()).collect();
    if !accounts.is_empty() {
        place.asked.iter_mut().for_each(|asked| asked.accounts.clone_from(&accounts));
    }
    Ok(())
}

/// Groups whose names begin like this: of logs that keep the name, and the table that it speaks of.
fn of_prefix(prefix: &str, sources: &[&'static str], lake: &Lake<'_>, place: &mut Place) {
    let wanted = |table: &Table| sources.is_empty() || sources.contains(&table.name);
    let named = catalog::table_of_group(prefix).and_then(|name| lake.table(name));
    if let Some(table) = named.filter(|t| wanted(t) && t.index("log_group").is_none()) {
        place.notes.push(format!("log groups {}* are read as table {}", shown(prefix), table.name));
        place.add(whole(table));
    }
    for table in lake.tables.iter().filter(|t| wanted(t) && t.index("log_group").is_some()) {
        place.add(Asked { prefixes: vec![prefix.to_owned()], ..whole(table) });
    }
    if named.is_none() && !sources.is_empty() {
        let others =
            sources.iter().filter_map(|n| lake.table(n)).filter(|t| t.index("log_group").is_none());
        others.for_each(|table| place.add(whole(table)));
    }
}

/// The tables that know the query's fields best; all that hold something, where it names none.
///
/// A table is fit if it can answer every field and knows half of them itself. Where none that holds
/// something is fit, fields that only a program's own log can have are looked for there.
fn choose(needs: &Needs, lake: &Lake<'_>, place: &mut Place) {
    let named: Vec<&str> = needs.fields.iter().map(|(name, _)| name.as_str()).collect();
    let known = |table: &Table| {
        let of = catalog::of(table.name);
        named.iter().filter(|name| is_own(table, &of, name)).count()
    };
    let own = named.iter().filter(|name| !name.starts_with('@')).count();
    let answers = |table: &Table| {
        let of = catalog::of(table.name);
        named.iter().all(|name| matches!(find(table, &of, name), Found::Value(_)))
    };
    let best = lake.tables.iter().map(|t| known(t)).max().unwrap_or(0);
    let mut fit: Vec<&'static Table> = if best == 0 && own == 0 {
        lake.tables.to_vec()
    } else {
        lake.tables.iter().copied().filter(|t| known(t) * 2 >= own.max(1) && answers(t)).collect()
    };
    if fit.iter().any(|t| lake.holds(t)) {
        fit.retain(|t| lake.holds(t));
    }
    let most = fit.iter().map(|t| known(t)).max().unwrap_or(0);
    fit.retain(|t| known(t) == most);
    if fit.is_empty() {
        // A misspelt field is told by the table that has it.
        let nearly = |t: &&Table| {
            lake.holds(t)
                && named.iter().any(|n| n.len() > 5 && misspelt(t, n).is_some())
                && known(t) * 2 >= own.saturating_sub(1)
        };
        fit.extend(lake.tables.iter().copied().filter(|t| nearly(t)).max_by_key(|t| known(t)));
    }
    if fit.is_empty() || (most < own && !fit.iter().any(|t| lake.holds(t))) {
        fit = lake.table("app_log").into_iter().collect();
    }
    let names: Vec<&str> = fit.iter().map(|t| t.name).collect();
    let why = if most > 0 {
        "for the names of the query's fields"
    } else {
        "for the query names no log group"
    };
    let tables = if names.len() == 1 { "table" } else { "tables" };
    let empty = if fit.iter().any(|t| lake.holds(t)) { "" } else { "; it holds nothing yet" };
    place.notes.push(format!("asked: {tables} {}, {why}{empty}", names.join(", ")));
    fit.into_iter().for_each(|table| place.add(whole(table)));
}
