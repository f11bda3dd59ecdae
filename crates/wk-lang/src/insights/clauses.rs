//! What stands behind the name of each command.

use super::ast::{
    At, Command, Expr, Limit, Output, Parse, Period, Query, SortKey, Span, Stats, Template,
};
use super::commands::CommandEntry;
use super::expression::is_keyword;
use super::mistake::shown;
use super::parser::{Parser, Read};
use super::token::{Kind, expression, inside, name, unescape, unquote};

/// Columns, keys or names between commas.
pub const ITEMS_MAX: usize = 1_000;

impl Parser<'_> {
    /// The body of a command whose name has been taken.
    pub(super) fn body(&mut self, entry: &CommandEntry, before: &Query) -> Read<Command> {
        Ok(match entry.name {
            "fields" => Command::Fields(self.outputs()?),
            "display" => Command::Display(self.outputs()?),
            "filter" | "where" => Command::Filter(self.expression()?),
            "filterIndex" => Command::FilterIndex(self.expression()?),
            "stats" => Command::Stats(self.stats()?),
            "sort" => Command::Sort(self.sort()?),
            "limit" => {
                let any = self.eat_word("any");
                Command::Limit(Limit { rows: self.rows()?, any })
            }
            "head" => Command::Limit(Limit { rows: self.rows()?, any: false }),
            "tail" => Command::Tail { rows: self.rows()? },
            "parse" => Command::Parse(self.parse_command()?),
            "dedup" => Command::Dedup(self.list(Self::expression)?),
            "pattern" => Command::Pattern(self.expression()?),
            "diff" => Command::Diff(self.period()?),
            "unnest" => {
                let list = self.value()?;
                self.expect_word("into")?;
                Command::Unnest { list, into: self.name("a name for the item")? }
            }
            "lookup" => Command::Lookup(self.lookup()?),
            "cidrlookup" => Command::CidrLookup(self.cidr_lookup()?),
            "join" => Command::Join(Box::new(self.join()?)),
            "fillmissing" => {
                let span = Span { start: self.last_end - entry.name.len(), end: self.last_end };
                let fills = self.fills()?;
                Command::FillMissing(self.fill_missing(fills, before, span)?)
            }
            _ => {
                self.skip(false);
                Command::NotYet { name: entry.name }
            }
        })
    }

    /// Items between commas, at least one.
    pub(super) fn list<T>(&mut self, item: fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(Kind::Comma) {
            if items.len() == ITEMS_MAX {
                let message = format!("a list has at most {ITEMS_MAX} items");
                return Err(self.mistake(self.next.span, message));
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn outputs(&mut self) -> Read<Vec<Output>> {
        self.list(Self::output)
    }

    fn output(&mut self) -> Read<Output> {
        let value = self.expression()?;
        let name = if self.eat_word("as") { Some(self.name("a name after as")?) } else { None };
        Ok(Output { value, name })
    }

    /// A name that the query gives: a word, also one that begins with a digit, or a text in quotes.
    pub(super) fn name(&mut self, what: &str) -> Read<At<String>> {
        let found = self.slice(self.next.span);
        let node = match self.next.kind {
            Kind::Word if !is_keyword(found) => name(found),
            Kind::Unit => name(found),
            Kind::Text => unquote(found),
            _ => return Err(self.unexpected(what)),
        };
        if node.is_empty() {
            return Err(self.mistake(self.next.span, format!("{what} is empty")));
        }
        Ok(At { node, span: self.bump().span })
    }

    fn stats(&mut self) -> Read<Stats> {
        let outputs = self.outputs()?;
        let by = if self.eat_word("by") { self.outputs()? } else { Vec::new() };
        let offset = if self.eat_word("offset") {
            let value = self.value()?;
            let Expr::Duration(node) = value.node else {
                let message = "a length of time such as 1h should stand after offset";
                return Err(self.mistake(value.span, message));
            };
            Some(At { node, span: value.span })
        } else {
            None
        };
        Ok(Stats { outputs, by, offset })
    }

    fn sort(&mut self) -> Read<Vec<SortKey>> {
        self.eat_word("by");
        self.list(|parser| {
            let value = parser.expression()?;
            let descending = parser.eat_word("desc");
            if !descending {
                parser.eat_word("asc");
            }
            Ok(SortKey { value, descending })
        })
    }

    fn rows(&mut self) -> Read<u64> {
        let number = self.expect(Kind::Number, "a number of rows")?;
        let digits = self.slice(number.span);
        digits.parse().map_err(|_| {
            let message = format!("{} is no whole number of rows", shown(digits));
            self.mistake(number.span, message)
        })
    }

    fn period(&mut self) -> Read<Period> {
        if self.next.kind != Kind::Word {
            return Ok(Period::Same);
        }
        let periods = [
            ("previousDay", Period::Day),
            ("previousWeek", Period::Week),
            ("previousMonth", Period::Month),
        ];
        for (word, period) in periods {
            if self.eat_word(word) {
                return Ok(period);
            }
        }
        let word = self.slice(self.next.span);
        let near = crate::nearest::nearest(word, periods.map(|(word, _)| word));
        let message = "previousDay, previousWeek, previousMonth or nothing should stand after diff";
        Err(self.mistake(self.next.span, message).or_rather(near))
    }

    fn parse_command(&mut self) -> Read<Parse> {
        let start = self.next.span;
        let from = match self.next.kind {
            Kind::Text | Kind::Slash => {
                let span = Span { start: start.start, end: start.start };
                At { node: Expr::Field("@message".to_owned()), span }
            }
            _ => self.value()?,
        };
        let by = match self.next.kind {
            Kind::Text => self.glob()?,
            Kind::Slash => {
                let slashed = self.regex()?;
                let node = Template::Regex(expression(self.slice(slashed.span)));
                At { node, span: slashed.span }
            }
            _ => return Err(self.unexpected("a text with stars or a regular expression")),
        };
        if self.is(self.next, "as") {
            let message = "a regular expression names its parts itself: (?<name>…)";
            return Err(self.mistake(self.next.span, message));
        }
        Ok(Parse { from, by })
    }

    fn glob(&mut self) -> Read<At<Template>> {
        let quoted = self.bump();
        let pieces = pieces(self.slice(quoted.span));
        self.expect_word("as")?;
        let names = self.list(|parser| parser.name("a name for what a star matches"))?;
        let span = Span { start: quoted.span.start, end: self.last_end };
        let stars = pieces.len() - 1;
        if stars != names.len() {
            let message = format!(
                "the text has {stars} star{} and {} name{}; each star needs one",
                plural(stars),
                names.len(),
                plural(names.len())
            );
            return Err(self.mistake(span, message));
        }
        Ok(At { node: Template::Glob { pieces, names }, span })
    }

    /// `with 0 for a, 1 for b`, or nothing.
    fn fills(&mut self) -> Read<Vec<(At<String>, At<Expr>)>> {
        if !self.eat_word("with") {
            return Ok(Vec::new());
        }
        self.list(|parser| {
            let value = parser.expression()?;
            parser.expect_word("for")?;
            Ok((parser.name("a field after for")?, value))
        })
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The literal pieces around the stars of a text in quotes; `\*` is a star that stands for itself.
fn pieces(quoted: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut chars = inside(quoted).chars();
    while let Some(letter) = chars.next() {
        match letter {
            '*' => pieces.push(std::mem::take(&mut piece)),
            '\\' => match chars.next() {
                Some('*') => piece.push('*'),
                escaped => unescape(escaped, &mut piece),
            },
            _ => piece.push(letter),
        }
    }
    pieces.push(piece);
    pieces
}
