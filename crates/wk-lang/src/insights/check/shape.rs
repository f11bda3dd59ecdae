//! What may follow what, how often, and how much.

use std::collections::BTreeSet;

use super::super::ast::{At, Command, Expr, Output, Parse, Query, Source, Span, Stats, Template};
use super::super::functions::function;
use super::super::mistake::shown;
use super::super::walk::groups;
use super::Checker;

/// AWS's limit for `stats` in one query.
const STATS_MAX: usize = 10;
/// AWS's limit for the rows of an answer.
pub const ROWS_MAX: u64 = 100_000;

impl Checker<'_> {
    pub(super) fn shape(&mut self, query: &Query) {
        if let Some(source) = &query.source {
            self.source(source);
        }
        let is_stats = |command: &At<Command>| matches!(command.node, Command::Stats(_));
        let is_join = |command: &&At<Command>| matches!(command.node, Command::Join(_));
        if let Some(eleventh) = query.commands.iter().filter(|c| is_stats(c)).nth(STATS_MAX) {
            self.refuse(eleventh.span, format!("a query has at most {STATS_MAX} stats"));
        }
        if let Some(second) = query.commands.iter().filter(is_join).nth(1) {
            self.refuse(second.span, "a query has at most one join");
        }
        let last_stats = query.commands.iter().rposition(is_stats).unwrap_or(0);
        let mut after_dedup = false;
        for (at, command) in query.commands.iter().enumerate() {
            let ordered = matches!(command.node, Command::Sort(_) | Command::Limit(_));
            if ordered && at < last_stats {
                let message =
                    "AWS refuses this before the last stats; here it runs where it stands";
                self.warn(command.span, message);
            }
            if after_dedup && !matches!(command.node, Command::Limit(_)) {
                let message = "AWS takes only limit after dedup; here it runs where it stands";
                self.warn(command.span, message);
            }
            after_dedup |= matches!(command.node, Command::Dedup(_));
        }
    }

    fn source(&mut self, source: &At<Source>) {
        let Source { prefixes, accounts, data_sources, tags, .. } = &source.node;
        let lists = [
            (prefixes.len(), 5, "prefixes"),
            (accounts.len(), 20, "accounts"),
            (data_sources.len(), 10, "data sources"),
            (tags.len(), 5, "tags"),
        ];
        for (count, most, what) in lists {
            if count > most {
                let message = format!("AWS takes at most {most} {what}; here all {count} count");
                self.warn(source.span, message);
            }
        }
    }

    pub(super) fn rows(&mut self, rows: u64, span: Span) {
        if rows > ROWS_MAX {
            self.refuse(span, format!("at most {ROWS_MAX} rows are answered"));
        }
    }

    pub(super) fn template(&mut self, parse: &Parse) {
        match &parse.by.node {
            Template::Glob { names, .. } => self.no_name_twice(names.iter()),
            Template::Regex(text) => {
                let mistakes = self.found.mistakes.len();
                self.compiles(text, parse.by.span);
                if self.found.mistakes.len() == mistakes && groups(text).is_empty() {
                    let message = "parse needs a named group such as (?<name>…) in its expression";
                    self.refuse(parse.by.span, message);
                }
            }
        }
    }

    pub(super) fn no_alias_twice(&mut self, outputs: &[Output]) {
        self.no_name_twice(outputs.iter().filter_map(|output| output.name.as_ref()));
    }

    fn no_name_twice<'a>(&mut self, names: impl Iterator<Item = &'a At<String>>) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(&name.node) {
                self.refuse(name.span, format!("two columns are called {}", shown(&name.node)));
            }
        }
    }

    pub(super) fn no_column_twice(&mut self, stats: &Stats) {
        let mut seen = BTreeSet::new();
        for output in stats.outputs.iter().chain(&stats.by) {
            let title = output.title(self.text);
            if !seen.insert(title) {
                let span = output.name.as_ref().map_or(output.value.span, |name| name.span);
                self.refuse(span, format!("two columns are called {}", shown(title)));
            }
        }
    }

    /// AWS lets `topk` stand with nothing beside it.
    pub(super) fn topk_stands_alone(&mut self, stats: &Stats) {
        if stats.outputs.len() == 1 && stats.by.is_empty() {
            return;
        }
        for output in &stats.outputs {
            let mut is_topk = false;
            output.value.walk(&mut |part| {
                if let Expr::Call { name, .. } = &part.node {
                    is_topk |= function(&name.node).is_some_and(|found| found.name == "topk");
                }
                true
            });
            if is_topk {
                let message = "topk stands alone, without by and other aggregates";
                self.refuse(output.value.span, message);
            }
        }
    }
}
