//! What a query's text may be: hostile text must not use up the stack of whoever reads it.
//!
//! * The parser bounds how deep it calls itself, but reads chains (`a OR b OR c`, `UNION`, `x::int::int`)
//!   in a loop. They become trees as deep as they are long, and whoever walks, plans or drops such a
//!   tree calls itself as often. So chains are counted in the tokens, before there is a tree.
//! * A list between commas is no chain: `IN (…)` may hold as many keys as the text has room for.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, ObjectName, Query, Statement, Visit as _, Visitor};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// How long a query's text may be, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Brackets that may be open at a time.
const OPEN_MAX: usize = 64;
/// Words and signs without a comma between them, within one pair of brackets. A condition is three
/// and its `OR` one: five hundred conditions.
const CHAIN_MAX: u32 = 2000;
/// How often a text may say `UNION`, `EXCEPT`, `INTERSECT`, and how often `OVER`: each makes the plan
/// one step deeper.
const STEPS_MAX: u32 = 100;
/// How deep an expression may be: a chain of `AND` is as deep as it is long.
const DEPTH_MAX: u32 = 500;
/// How often `INTERVAL` may stand before anything but a literal. The parser reads what follows twice,
/// and so twice as often for each `INTERVAL` within another.
const INTERVALS_MAX: u32 = 8;
/// Tables and subqueries of a statement, those of a `WITH` as often as its name is used: each is
/// planned for itself, and joins of them are planned again and again.
const PARTS_MAX: u64 = 200;

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the query is longer than {TEXT_BYTES_MAX} bytes")]
    Long,
    #[error("more than {OPEN_MAX} brackets are open at {0}")]
    Deep(String),
    #[error(
        "more than {CHAIN_MAX} words and signs follow each other without a comma at {0}; \
         many values are asked for by x IN (a, b, …)"
    )]
    Chained(String),
    #[error("more than {STEPS_MAX} times UNION, EXCEPT, INTERSECT or OVER at {0}")]
    Steps(String),
    #[error("more than {INTERVALS_MAX} times INTERVAL before anything but a value at {0}")]
    Intervals(String),
    #[error(
        "more than {PARTS_MAX} tables and subqueries, counting what WITH names as often as it is used"
    )]
    Parts,
    #[error(
        "an expression is more than {DEPTH_MAX} deep; many values are asked for by x IN (a, b, …)"
    )]
    Nested,
    #[error("{0}")]
    NoSql(String),
}

/// Takes a text apart.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Refused> {
    if sql.len() > TEXT_BYTES_MAX {
        return Err(Refused::Long);
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|e| Refused::NoSql(e.to_string()))?;
    let mut count = Count::default();
    for token in tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))) {
        count.take(token)?;
    }
    Ok(tokens)
}

/// What was counted of a text so far.
#[derive(Default)]
struct Count {
    /// Lengths of the chains around the open brackets.
    outer: Vec<u32>,
    /// Length of the chain within them.
    chain: u32,
    steps: u32,
    intervals: u32,
    after_interval: bool,
}

impl Count {
    fn take(&mut self, TokenWithSpan { token, span }: &TokenWithSpan) -> Result<(), Refused> {
        let at = || format!("line {}, column {}", span.start.line, span.start.column);
        let after_interval = std::mem::take(&mut self.after_interval);
        if after_interval && !matches!(token, Token::SingleQuotedString(_) | Token::Number(..)) {
            self.intervals += 1;
        }
        self.chain += 1;
        match token {
            Token::Comma => self.chain = 0,
            Token::LParen | Token::LBracket | Token::LBrace => {
                self.outer.push(std::mem::take(&mut self.chain));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                self.chain = self.outer.pop().unwrap_or(self.chain);
            }
            Token::Word(word) if makes_a_step(word.keyword) => self.steps += 1,
            Token::Word(word) => self.after_interval = word.keyword == Keyword::INTERVAL,
            _ => {}
        }
        match self {
            Self { outer, .. } if outer.len() > OPEN_MAX => Err(Refused::Deep(at())),
            Self { chain, .. } if *chain > CHAIN_MAX => Err(Refused::Chained(at())),
            Self { steps, .. } if *steps > STEPS_MAX => Err(Refused::Steps(at())),
            Self { intervals, .. } if *intervals > INTERVALS_MAX => Err(Refused::Intervals(at())),
            _ => Ok(()),
        }
    }
}

fn makes_a_step(keyword: Keyword) -> bool {
    use Keyword::{EXCEPT, INTERSECT, MINUS, OVER, UNION};
    matches!(keyword, UNION | EXCEPT | INTERSECT | MINUS | OVER)
}

/// Counts the tables and subqueries of a statement, and how deep its expressions are.
pub(super) fn parts(statement: &Statement) -> Result<(), Refused> {
    let mut parts = Parts { open: vec![0], ..Parts::default() };
    match statement.visit(&mut parts) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refused) => Err(refused),
    }
}

#[derive(Default)]
struct Parts {
    /// Parts of the queries around the place that is looked at, the innermost last.
    open: Vec<u64>,
    /// Names of `WITH`, by the address of their query: they end before their statement does.
    named: HashMap<usize, String>,
    /// Parts of what `WITH` names.
    within: HashMap<String, u64>,
    /// Expressions around the place that is looked at.
    depth: u32,
}

impl Parts {
    fn add(&mut self, parts: u64) -> ControlFlow<Refused> {
        let Some(open) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        *open = open.saturating_add(parts);
        if *open > PARTS_MAX {
            ControlFlow::Break(Refused::Parts)
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Visitor for Parts {
    type Break = Refused;

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<Refused> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return ControlFlow::Break(Refused::Nested);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<Refused> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refused> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let address = std::ptr::from_ref(&*table.query).addr();
            self.named.insert(address, table.alias.name.value.to_lowercase());
        }
        self.open.push(1);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Refused> {
        let parts = self.open.pop().unwrap_or(0);
        match self.named.get(&std::ptr::from_ref(query).addr()) {
            Some(name) => {
                // The same name may stand in several places: the larger one counts.
                let known = self.within.entry(name.clone()).or_default();
                *known = parts.max(*known);
                // Never used, it is planned all the same.
                self.add(1)
            }
            None => self.add(parts),
        }
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Refused> {
        let last = name.0.last().and_then(|part| part.as_ident());
        let within = last.and_then(|name| self.within.get(&name.value.to_lowercase()));
        self.add(within.copied().unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::parser::Parser;

    use super::*;

    fn count(sql: &str) -> Result<(), Refused> {
        parts(&Parser::parse_sql(&GenericDialect {}, sql).unwrap()[0])
    }

    #[test]
    fn a_long_list_is_read_and_a_long_chain_is_not() {
        let list = format!("SELECT 1 WHERE 1 IN (1{})", ", 1".repeat(100_000));
        assert!(tokens(&list).is_ok());
        let chain = |n: usize| tokens(&format!("SELECT 1{}", " OR 1".repeat(n))).map(drop);
        assert_eq!(chain(900), Ok(()));
        assert_eq!(chain(1000), Err(Refused::Chained("line 1, column 5005".to_owned())));
        let deep = tokens(&format!("SELECT\n{}1", "(".repeat(10_000))).unwrap_err();
        assert_eq!(deep.to_string(), "more than 64 brackets are open at line 2, column 65");
        assert_eq!(tokens(&"(".repeat(TEXT_BYTES_MAX + 1)), Err(Refused::Long));
    }

    /// Questions are planned on a thread with room for trees of this depth; so is this.
    #[test]
    fn a_condition_has_an_end() {
        let conditions = |n: usize| {
            let sql = format!("SELECT 1{}", " OR 1".repeat(n));
            let room = std::thread::Builder::new().stack_size(64 << 20);
            room.spawn(move || count(&sql)).unwrap().join().unwrap()
        };
        assert_eq!([conditions(490), conditions(510)], [Ok(()), Err(Refused::Nested)]);
    }

    #[test]
    fn a_with_counts_as_often_as_it_is_used() {
        let doubling = |n: usize| {
            let more = |i: usize| format!(", a{i} AS (SELECT * FROM A{} x, a{} y)", i - 1, i - 1);
            let all: String = (1..=n).map(more).collect();
            count(&format!("WITH a0 AS (SELECT 1){all} SELECT * FROM a{n}"))
        };
        assert_eq!([doubling(5), doubling(9)], [Ok(()), Err(Refused::Parts)]);
        let subqueries = |n: usize| count(&format!("SELECT 1{}", ", (SELECT 1)".repeat(n)));
        assert_eq!([subqueries(150), subqueries(250)], [Ok(()), Err(Refused::Parts)]);
        let tables = |n: usize| count(&format!("SELECT 1 FROM t{}", ", t".repeat(n)));
        assert_eq!([tables(150), tables(250)], [Ok(()), Err(Refused::Parts)]);
    }

    #[test]
    fn intervals_within_intervals_are_counted() {
        let within = |n: usize| tokens(&"INTERVAL ".repeat(n)).map(drop).map_err(drop);
        assert_eq!([within(8), within(20)], [Ok(()), Err(())]);
        assert!(tokens(&format!("SELECT {}", "INTERVAL '1 day' + ".repeat(100))).is_ok());
    }
}
