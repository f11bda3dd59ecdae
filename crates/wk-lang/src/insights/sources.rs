//! Where rows come from: `SOURCE`, inner queries, `join`, and the tables of `lookup`.

use super::ast::{At, Expr, Join, Lookup, Query, Source, Span, TagFilter};
use super::commands::command;
use super::expression::is_keyword;
use super::mistake::shown;
use super::parser::{Parser, Read};
use super::token::{Kind, name, unquote};
use crate::nearest::nearest;

/// Names of log groups, prefixes, accounts, data sources and tags of one `SOURCE`. AWS takes fewer;
/// the checker says so.
const SOURCES_MAX: usize = 1_000;

type Names = Vec<At<String>>;

impl Parser<'_> {
    /// What follows `SOURCE`, whose place is given. A query may begin with several, as those of
    /// dashboards do: `SOURCE 'a' | SOURCE 'b' | …`.
    pub(super) fn source(&mut self, query: &mut Query, word: Span) -> Read<()> {
        if let Some(command) = query.commands.first() {
            let line = self.mistake(command.span, "").line;
            let message = format!("SOURCE stands before the other commands, not after line {line}");
            return Err(self.mistake(word, message));
        }
        let mut source = query.source.take().map(|at| at.node).unwrap_or_default();
        let mut items = 0;
        while !matches!(self.next.kind, Kind::Pipe | Kind::End | Kind::Close | Kind::Semicolon) {
            self.source_item(&mut source)?;
            self.eat(Kind::Comma);
            items += 1;
        }
        if items == 0 {
            return Err(self.unexpected("the name of a log group"));
        }
        let count = source.groups.len() + source.prefixes.len() + source.accounts.len();
        if count + source.data_sources.len() + source.tags.len() > SOURCES_MAX {
            return Err(self.mistake(word, format!("SOURCE has more than {SOURCES_MAX} names")));
        }
        let span = Span { start: word.start, end: self.last_end };
        query.source = Some(At { node: source, span });
        Ok(())
    }

    fn source_item(&mut self, source: &mut Source) -> Read<()> {
        const FORMS: [&str; 3] = ["logGroups", "dataSource", "logGroupTags"];
        if self.next.kind == Kind::OpenBracket {
            source.groups.extend(self.texts()?);
            return Ok(());
        }
        match self.second().kind {
            Kind::Open if self.eat_word("logGroups") => self.log_groups(source),
            Kind::Open if self.eat_word("dataSource") || self.eat_word("dataSources") => {
                self.bump();
                source.data_sources.extend(self.texts()?);
                self.expect(Kind::Close, ")").map(drop)
            }
            Kind::Open if self.eat_word("logGroupTags") => {
                self.bump();
                self.tags(source)?;
                self.expect(Kind::Close, ")").map(drop)
            }
            Kind::Open if self.next.kind == Kind::Word => {
                let near = nearest(self.slice(self.next.span), FORMS);
                Err(self.unexpected("logGroups, dataSource or logGroupTags").or_rather(near))
            }
            Kind::Equal if self.eat_word("START") => {
                source.start_s = Some(self.seconds()?);
                Ok(())
            }
            Kind::Equal if self.eat_word("END") => {
                source.end_s = Some(self.seconds()?);
                Ok(())
            }
            _ => {
                let found = self.slice(self.next.span);
                if command(found).is_some() {
                    let message = format!("a | is missing before {found}");
                    return Err(self.mistake(self.next.span, message));
                }
                source.groups.push(self.group()?);
                Ok(())
            }
        }
    }

    /// The name of a log group, or of a table: in quotes, or as it is.
    fn group(&mut self) -> Read<At<String>> {
        if self.next.kind == Kind::Text {
            return self.text();
        }
        let start = self.next.span.start;
        let rest = self.text.get(start..).unwrap_or_default();
        let bare = |letter: char| letter.is_ascii_alphanumeric() || "_-/.:*".contains(letter);
        let length = rest.find(|letter| !bare(letter)).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected("a name"));
        }
        let span = Span { start, end: start + length };
        self.next.span = span;
        self.bump();
        Ok(At { node: self.slice(span).to_owned(), span })
    }

    fn text(&mut self) -> Read<At<String>> {
        let text = self.expect(Kind::Text, "a text in quotes")?;
        Ok(At { node: unquote(self.slice(text.span)), span: text.span })
    }

    /// Texts in brackets, or one alone.
    fn texts(&mut self) -> Read<Names> {
        if self.next.kind == Kind::Text {
            return Ok(vec![self.text()?]);
        }
        self.expect(Kind::OpenBracket, "a list such as ['a', 'b']")?;
        let mut texts = Vec::new();
        while !self.eat(Kind::CloseBracket) {
            if !texts.is_empty() {
                self.expect(Kind::Comma, "a comma or ]")?;
            }
            texts.push(self.text()?);
        }
        Ok(texts)
    }

    /// `(namePrefix: […], accountIdentifiers: […], class: […])`.
    fn log_groups(&mut self, source: &mut Source) -> Read<()> {
        const KEYS: [&str; 3] = ["namePrefix", "accountIdentifiers", "class"];
        self.bump();
        while !self.eat(Kind::Close) {
            let key = self.expect(Kind::Word, "namePrefix, accountIdentifiers, class or )")?;
            let word = self.slice(key.span).to_ascii_lowercase();
            if !matches!(self.next.kind, Kind::Colon | Kind::Equal) {
                return Err(self.unexpected(": and a list"));
            }
            self.bump();
            match word.as_str() {
                "nameprefix" | "nameprefixes" => source.prefixes.extend(self.texts()?),
                "accountidentifier" | "accountidentifiers" => {
                    source.accounts.extend(self.texts()?);
                }
                "class" | "loggroupclass" => {
                    let from = self.next.span;
                    let mut classes = self.texts()?;
                    if classes.len() != 1 {
                        return Err(self.mistake(from, "class takes one name"));
                    }
                    source.class = classes.pop();
                }
                _ => {
                    let message = format!("logGroups has no {}", shown(&word));
                    return Err(self.mistake(key.span, message).or_rather(nearest(&word, KEYS)));
                }
            }
            if !self.eat(Kind::Comma) && self.next.kind != Kind::Close {
                return Err(self.unexpected("a comma or )"));
            }
        }
        Ok(())
    }

    /// `[{"key": "…", "values": ["…"]}, …]`.
    fn tags(&mut self, source: &mut Source) -> Read<()> {
        self.expect(Kind::OpenBracket, "a list of tags")?;
        while !self.eat(Kind::CloseBracket) {
            let start = self.expect(Kind::OpenBrace, "{\"key\": …}")?.span.start;
            let mut tag = TagFilter::default();
            while !self.eat(Kind::CloseBrace) {
                let key = self.name("\"key\" or \"values\"")?;
                self.expect(Kind::Colon, ":")?;
                match key.node.as_str() {
                    "key" => tag.key = self.text()?.node,
                    "values" => tag.values.extend(self.texts()?.into_iter().map(|at| at.node)),
                    other => {
                        let message = format!("a tag has no {}", shown(other));
                        let near = nearest(other, ["key", "values"]);
                        return Err(self.mistake(key.span, message).or_rather(near));
                    }
                }
                self.eat(Kind::Comma);
            }
            let span = Span { start, end: self.last_end };
            if tag.key.is_empty() {
                return Err(self.mistake(span, "this tag has no key"));
            }
            source.tags.push(At { node: tag, span });
            if !self.eat(Kind::Comma) && self.next.kind != Kind::CloseBracket {
                return Err(self.unexpected("a comma or ]"));
            }
        }
        Ok(())
    }

    /// `=-3600s`, `=0`, `=1767225600`.
    fn seconds(&mut self) -> Read<i64> {
        self.bump();
        let from = self.next.span;
        let sign = if self.eat(Kind::Minus) { -1 } else { 1 };
        let word = self.slice(self.next.span);
        let digits = word.strip_suffix(['s', 'S']).unwrap_or(word);
        match digits.parse::<i64>() {
            Ok(seconds) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.bump();
                Ok(sign * seconds)
            }
            _ => {
                let message = "seconds should stand here, as in START=-3600s END=0s";
                Err(self.mistake(from, message))
            }
        }
    }

    /// A query in parentheses.
    pub(super) fn inner_query(&mut self) -> Read<At<Query>> {
        let start = self.expect(Kind::Open, "( and a query")?.span.start;
        let parts = self.parts;
        self.enter()?;
        let node = self.query(true)?;
        self.leave();
        self.parts = parts;
        self.expect(Kind::Close, ") after the inner query")?;
        Ok(At { node, span: Span { start, end: self.last_end } })
    }

    pub(super) fn join(&mut self) -> Read<Join> {
        const KEYS: [&str; 3] = ["type", "left", "right"];
        let (mut left, mut left_alias, mut right_alias) = (false, None, None);
        while self.next.kind == Kind::Word && self.second().kind == Kind::Equal {
            let key = self.bump();
            self.bump();
            let word = self.slice(key.span).to_ascii_lowercase();
            let value = self.name("a name")?;
            match word.as_str() {
                "type" if value.node.eq_ignore_ascii_case("inner") => left = false,
                "type" if value.node.eq_ignore_ascii_case("left") => left = true,
                "type" => {
                    let message = format!("there is no join of type {}", shown(&value.node));
                    let near = nearest(&value.node, ["inner", "left"]);
                    return Err(self.mistake(value.span, message).or_rather(near));
                }
                "left" => left_alias = Some(value),
                "right" => right_alias = Some(value),
                _ => {
                    let message = format!("join has no {}", shown(&word));
                    return Err(self.mistake(key.span, message).or_rather(nearest(&word, KEYS)));
                }
            }
        }
        if !self.eat_word("where") {
            self.expect_word("on")?;
        }
        let mut on = vec![self.pair(left_alias.as_ref(), right_alias.as_ref())?];
        while self.eat_word("and") {
            on.push(self.pair(left_alias.as_ref(), right_alias.as_ref())?);
        }
        let right = self.inner_query()?;
        Ok(Join { left, left_alias, right_alias, on, right })
    }

    /// `left.a = right.b`, in either order.
    fn pair(
        &mut self,
        left: Option<&At<String>>,
        right: Option<&At<String>>,
    ) -> Read<(At<Expr>, At<Expr>)> {
        let one = self.field()?;
        self.expect(Kind::Equal, "=; rows are joined where fields are equal")?;
        let other = self.field()?;
        let of = |field: &At<Expr>, alias: Option<&At<String>>| match (&field.node, alias) {
            (Expr::Field(name), Some(alias)) => {
                name.strip_prefix(&alias.node).is_some_and(|rest| rest.starts_with('.'))
            }
            _ => false,
        };
        let turned = of(&one, right) && !of(&one, left) || of(&other, left) && !of(&other, right);
        Ok(if turned { (other, one) } else { (one, other) })
    }

    /// The name of a field, and nothing else.
    fn field(&mut self) -> Read<At<Expr>> {
        let found = self.slice(self.next.span);
        if self.next.kind != Kind::Word || is_keyword(found) {
            return Err(self.unexpected("a field"));
        }
        Ok(At { node: Expr::Field(name(found)), span: self.bump().span })
    }

    /// `table column as field, … OUTPUT column as name, …`.
    pub(super) fn lookup(&mut self) -> Read<Lookup> {
        let table = self.group()?;
        let keys = self.list(|parser| {
            let column = parser.name("a column of the table")?;
            let field = if parser.eat_word("as") {
                parser.field()?
            } else {
                At { node: Expr::Field(column.node.clone()), span: column.span }
            };
            Ok((column, field))
        })?;
        let (outputs, keep_present) = self.lookup_outputs()?;
        Ok(Lookup { table, keys, outputs, keep_present })
    }

    /// `table field as column OUTPUT …`: the other way round than in `lookup`.
    pub(super) fn cidr_lookup(&mut self) -> Read<Lookup> {
        let table = self.group()?;
        let field = self.field()?;
        let column = if self.eat_word("as") {
            self.name("a column of the table")?
        } else {
            At { node: name(self.slice(field.span)), span: field.span }
        };
        let (outputs, keep_present) = self.lookup_outputs()?;
        Ok(Lookup { table, keys: vec![(column, field)], outputs, keep_present })
    }

    #[expect(clippy::type_complexity, reason = "two fields of Lookup")]
    fn lookup_outputs(&mut self) -> Read<(Vec<(At<String>, Option<At<String>>)>, bool)> {
        let keep_present = self.eat_word("OUTPUTNEW");
        if !keep_present && !self.eat_word("OUTPUT") {
            return match self.next.kind {
                Kind::Pipe | Kind::End | Kind::Close | Kind::Semicolon => Ok((Vec::new(), false)),
                _ => Err(self.unexpected("OUTPUT or OUTPUTNEW")),
            };
        }
        let outputs = self.list(|parser| {
            let column = parser.name("a column of the table")?;
            let renamed = parser.eat_word("as");
            let name = if renamed { Some(parser.name("a name after as")?) } else { None };
            Ok((column, name))
        })?;
        Ok((outputs, keep_present))
    }
}
