//! A hunt becomes a rule: the filters of a Logs Insights query as a rule in Sigma.
//!
//! * What a rule cannot say is refused with the reason. What only shapes the answer (sort, limit,
//!   counts) is left out and named in the rule's first lines.
//! * Insights compares letter by letter, so the rule's texts are `cased`.

use std::fmt::Write as _;

use wk_lang::insights::ast::{At, Binary, Command, Expr, InList, Output, Query, Unary};
use wk_model::Sha256;
use wk_model::table::{CORE, ColumnType};

use crate::sources::{self, Source};

/// Why a query is no rule: a sentence without a final stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoRule(pub String);

type Said<T> = Result<T, NoRule>;

/// Tests that one rule may hold.
const SELECTIONS_MAX: usize = 500;

/// The rule in YAML that fires on the events which the query's filters let through.
///
/// # Errors
/// If the filters ask what one event cannot answer, or in a way that Sigma has no words for.
pub fn rule(query: &Query, title: &str, description: &str, table: &str) -> Said<String> {
    let source = sources::ALL.iter().find(|s| s.table.name == table);
    let Some((source, service)) = source.and_then(|s| Some((*s, s.service?))) else {
        return no(format!("no rules are run over the table {table:?}"));
    };
    let mut maker = Maker { source, selections: Vec::new(), made: Vec::new() };
    let (mut conditions, mut left_out) = (Vec::new(), Vec::new());
    let mut counted = false;
    for command in &query.commands {
        match &command.node {
            Command::Filter(expr) | Command::FilterIndex(expr) => {
                if counted {
                    return no(
                        "a filter stands after stats or dedup: it asks about a number of events, and a rule looks at one",
                    );
                }
                conditions.push(maker.condition(expr)?);
            }
            Command::Fields(outputs) | Command::Display(outputs) => maker.note_made(outputs),
            Command::Stats(_) => {
                counted = true;
                left_out.push("stats");
            }
            Command::Dedup(_) => {
                counted = true;
                left_out.push("dedup");
            }
            Command::Sort(_) => left_out.push("sort"),
            Command::Limit(_) | Command::Tail { .. } => left_out.push("limit"),
            other => return no(format!("{} has no counterpart in a rule", name_of(other))),
        }
    }
    if conditions.is_empty() {
        return no("it has no filter: the rule would fire on every event");
    }
    left_out.dedup();
    Ok(written(&maker, &conditions, &left_out, title, description, (source.product, service)))
}

fn no<T>(why: impl Into<String>) -> Said<T> {
    Err(NoRule(why.into()))
}

fn name_of(command: &Command) -> &'static str {
    match command {
        Command::Parse(_) => "parse",
        Command::Pattern(_) => "pattern",
        Command::Diff(_) => "diff",
        Command::Unnest { .. } => "unnest",
        Command::Lookup(_) => "lookup",
        Command::CidrLookup(_) => "cidrlookup",
        Command::Join(_) => "join",
        Command::FillMissing(_) => "fillmissing",
        Command::NotYet { name } => name,
        _ => "this command",
    }
}

struct Maker {
    source: &'static Source,
    /// Key and values of each selection.
    selections: Vec<(String, Vec<String>)>,
    /// Names that the query itself computes.
    made: Vec<String>,
}

impl Maker {
    fn note_made(&mut self, outputs: &[Output]) {
        self.made.extend(outputs.iter().filter_map(|o| Some(o.name.as_ref()?.node.clone())));
    }

    fn condition(&mut self, expr: &At<Expr>) -> Said<String> {
        match &expr.node {
            Expr::Binary(a, Binary::And, b) => {
                Ok(format!("({} and {})", self.condition(a)?, self.condition(b)?))
            }
            Expr::Binary(a, Binary::Or, b) => {
                Ok(format!("({} or {})", self.condition(a)?, self.condition(b)?))
            }
            Expr::Unary(Unary::Not, inner) => Ok(format!("not {}", self.condition(inner)?)),
            Expr::Binary(field, operator, value) => self.comparison(field, *operator, value),
            Expr::Like { value, pattern, negated } => self.like(value, pattern, *negated),
            Expr::In { value, list: InList::Values(list), negated } => {
                let field = self.field(value)?;
                let values = list.iter().map(|v| self.literal(&field, v)).collect::<Said<_>>()?;
                self.equal(&field, values, *negated)
            }
            Expr::In { .. } => no("a subquery looks at other events"),
            Expr::Call { name, arguments } => self.call(&name.node, arguments),
            _ => no("a value alone is no condition: compare it with something"),
        }
    }

    fn comparison(&mut self, field: &At<Expr>, operator: Binary, value: &At<Expr>) -> Said<String> {
        let name = self.field(field)?;
        let modifier = match operator {
            Binary::Equal | Binary::NotEqual => {
                let value = self.literal(&name, value)?;
                return self.equal(&name, vec![value], operator == Binary::NotEqual);
            }
            Binary::Less => "lt",
            Binary::LessOrEqual => "lte",
            Binary::Greater => "gt",
            Binary::GreaterOrEqual => "gte",
            _ => return no("a rule does not calculate"),
        };
        let Expr::Number(number) = &value.node else {
            return no(format!("{name}: only numbers have an order in a rule"));
        };
        self.select(format!("{name}|{modifier}"), vec![number.clone()])
    }

    /// Equal to one of the values, or there and equal to none of them.
    fn equal(&mut self, field: &str, values: Vec<Literal>, negated: bool) -> Said<String> {
        let texts = values.iter().any(|v| v.is_text);
        let key = if texts { format!("{field}|cased") } else { field.to_owned() };
        let values = values.into_iter().map(|v| v.yaml).collect();
        self.perhaps_not(field, key, values, negated)
    }

    fn perhaps_not(
        &mut self,
        field: &str,
        key: String,
        values: Vec<String>,
        negated: bool,
    ) -> Said<String> {
        let selection = self.select(key, values)?;
        if !negated {
            return Ok(selection);
        }
        let there = self.select(format!("{field}|exists"), vec!["true".to_owned()])?;
        Ok(format!("({there} and not {selection})"))
    }

    fn like(&mut self, value: &At<Expr>, pattern: &At<Expr>, negated: bool) -> Said<String> {
        let field = self.field(value)?;
        let (modifiers, pattern) = match &pattern.node {
            Expr::Text(text) => ("contains|cased", yaml(&literally(text))?),
            Expr::Regex(regex) => ("re", yaml(regex)?),
            _ => return no(format!("{field}: the pattern is no text")),
        };
        self.perhaps_not(&field, format!("{field}|{modifiers}"), vec![pattern], negated)
    }

    fn call(&mut self, name: &str, arguments: &[At<Expr>]) -> Said<String> {
        match (name.to_ascii_lowercase().as_str(), arguments) {
            ("ispresent", [field]) => {
                let field = self.field(field)?;
                self.select(format!("{field}|exists"), vec!["true".to_owned()])
            }
            ("strcontains", [field, text]) => self.like(field, text, false),
            (
                "isipinsubnet" | "isipv4insubnet" | "isipv6insubnet",
                [field, At { node: Expr::Text(network), .. }],
            ) => {
                let field = self.field(field)?;
                self.select(format!("{field}|cidr"), vec![yaml(network)?])
            }
            _ => no(format!("{name}() has no counterpart in a rule")),
        }
    }

    /// The name under which a rule sees a field.
    fn field(&self, expr: &At<Expr>) -> Said<String> {
        let Expr::Field(name) = &expr.node else {
            return no("a rule compares fields of the record, not what is computed of them");
        };
        if self.made.contains(name) {
            return no(format!("{name} is computed by the query; a rule sees only the record"));
        }
        if name.starts_with('@') {
            return no(format!("{name} is no field of the record; name the field that is meant"));
        }
        if name.is_empty() || name.chars().any(|c| c.is_control() || "|:#'\"{}[],&*!%`".contains(c))
        {
            return no(format!("{name:?} cannot be written as a field of a rule"));
        }
        let table = self.source.table;
        let alias = |(_, column): &&(&str, &str)| column == name;
        // Lines are seen by their columns, and sources that have both are lines nearly always.
        if self.source.lines.is_some() {
            let column = table.aliases.iter().find(|(alias, _)| alias == name);
            return Ok(column.map_or(name.as_str(), |(_, column)| *column).to_owned());
        }
        if CORE.iter().any(|c| c.name == name) {
            return match table.aliases.iter().find(alias) {
                Some((own, _)) => Ok((*own).to_owned()),
                None => {
                    no(format!("{name} is a column of the lake; a rule sees the record as it came"))
                }
            };
        }
        Ok(name.clone())
    }

    fn literal(&self, field: &str, value: &At<Expr>) -> Said<Literal> {
        let is_truth =
            self.source.table.columns.iter().any(|c| c.name == field && c.kind == ColumnType::Bool);
        let plain = |yaml: &str| Ok(Literal { yaml: yaml.to_owned(), is_text: false });
        match &value.node {
            Expr::Text(text) => Ok(Literal { yaml: yaml(&literally(text))?, is_text: true }),
            Expr::Number(number) if is_truth && number == "0" => plain("false"),
            Expr::Number(number) if is_truth && number == "1" => plain("true"),
            Expr::Number(number) => plain(number),
            Expr::Unary(Unary::Minus, inner) => match &inner.node {
                Expr::Number(number) => plain(&format!("-{number}")),
                _ => no(format!("{field} is compared with what is no constant")),
            },
            Expr::Bool(truth) => plain(if *truth { "true" } else { "false" }),
            Expr::Null => plain("null"),
            _ => no(format!("{field} is compared with what is no constant")),
        }
    }

    fn select(&mut self, key: String, values: Vec<String>) -> Said<String> {
        if self.selections.len() >= SELECTIONS_MAX {
            return no(format!("it asks more than {SELECTIONS_MAX} things"));
        }
        self.selections.push((key, values));
        Ok(format!("s{}", self.selections.len()))
    }
}

/// A constant as YAML.
struct Literal {
    yaml: String,
    is_text: bool,
}

/// A text whose wildcards stand for themselves.
fn literally(text: &str) -> String {
    let mut said = String::new();
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '\\') {
            said.push('\\');
        }
        said.push(letter);
    }
    said
}

/// A text in single quotes.
fn yaml(text: &str) -> Said<String> {
    if text.chars().any(char::is_control) {
        return no("a text holds control characters");
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

fn written(
    maker: &Maker,
    conditions: &[String],
    left_out: &[&str],
    title: &str,
    description: &str,
    (product, service): (&str, &str),
) -> String {
    let line =
        |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\'', "''");
    let mut rule = String::from(
        "# Made from a query. Before you rely on it: say why it matters, set the level, add tests.\n",
    );
    if !left_out.is_empty() {
        writeln_to(
            &mut rule,
            format_args!("# Left out, since a rule looks at one event: {}.", left_out.join(", ")),
        );
    }
    let condition = conditions.join(" and ");
    let mut body = String::new();
    for (number, (key, values)) in maker.selections.iter().enumerate() {
        let values = match values.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        writeln_to(&mut body, format_args!("  s{}:\n    {key}: {values}", number + 1));
    }
    let digest = Sha256::of(format!("{service}\n{condition}\n{body}").as_bytes()).to_string();
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
    let id = [
        part(0, 8),
        part(8, 12),
        format!("8{}", part(13, 16)),
        format!("8{}", part(17, 20)),
        part(20, 32),
    ]
    .join("-");
    writeln_to(
        &mut rule,
        format_args!(
            "title: '{}'\nid: {id}\nstatus: experimental\ndescription: '{}'\nlogsource: {{product: {product}, service: {service}}}\ndetection:\n{body}  condition: {condition}\nlevel: medium",
            line(title),
            line(description)
        ),
    );
    rule
}

/// Writing to a text does not fail.
fn writeln_to(text: &mut String, line: std::fmt::Arguments<'_>) {
    if writeln!(text, "{line}").is_err() {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_lang::insights::parse;
    use wk_lang::json::Tape;
    use wk_lang::sigma::{LogSource, RuleSet, read_rules};

    fn made(text: &str) -> Said<String> {
        rule(&parse(text).unwrap(), "A hunt", "It's what somebody looked for.", "cloudtrail")
    }

    /// Whether the rule made of a query fires on a record.
    fn fires(text: &str, record: &str) -> bool {
        let rule = made(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let reading = read_rules(&rule);
        assert!(reading.errors.is_empty(), "{rule}\n{:?}", reading.errors);
        let rules = RuleSet::compile(&reading.rules).unwrap();
        let (mut tape, mut matching) = (Tape::new(), Vec::new());
        let record = tape.parse(record).unwrap();
        let readers = rules.readers(&LogSource::new("aws", "cloudtrail"));
        rules.matches(&record, &readers, &mut matching);
        !matching.is_empty()
    }

    #[test]
    fn a_rule_fires_on_what_the_filters_let_through() {
        let record = r#"{"eventName":"StopLogging","errorCode":"Access*Denied","readOnly":false,"sourceIPAddress":"198.51.100.7","n":5,"userIdentity":{"type":"Root","arn":"arn:aws:iam::1:user/o'neil"}}"#;
        for (text, fired) in [
            ("filter eventName = 'StopLogging'", true),
            ("filter eventName = 'stoplogging'", false),
            ("filter eventName != 'StopLogging'", false),
            ("filter eventName != 'Other'", true),
            ("filter missing != 'Other'", false),
            ("filter not (missing = 'Other')", true),
            ("filter eventName in ['A', 'StopLogging']", true),
            ("filter eventName not in ['A', 'StopLogging']", false),
            ("filter errorCode like 's*D'", true),
            ("filter errorCode like 'sssD'", false),
            ("filter errorCode = 'Access*Denied'", true),
            ("filter errorCode = 'Access*'", false),
            ("filter eventName like /^Stop/", true),
            ("filter eventName not like /^Stop/", false),
            ("filter n > 4 and n <= 5", true),
            ("filter n > 5 or n < 5", false),
            ("filter readOnly = 0", true),
            ("filter readOnly = 1", false),
            ("filter isPresent(errorCode)", true),
            ("filter !isPresent(errorCode)", false),
            ("filter isIpInSubnet(sourceIPAddress, '198.51.100.0/24')", true),
            ("filter source_ip = '198.51.100.7'", true),
            ("filter userIdentity.type = 'Root' and (n = 4 or n = 5)", true),
            ("filter userIdentity.arn like \"o'neil\"", true),
            ("filter n = 5 | filter eventName = 'X'", false),
            (
                "fields eventName | filter n = 5 | stats count(*) by eventName | sort eventName | limit 3",
                true,
            ),
        ] {
            assert_eq!(fires(text, record), fired, "{text}\n{}", made(text).unwrap());
        }
    }

    #[test]
    fn what_a_rule_cannot_say_is_refused_with_the_reason() {
        for (text, why) in [
            ("fields eventName", "no filter"),
            ("stats count(*) as n by eventName | filter n > 5", "a number of events"),
            ("filter @message like 'x'", "@message"),
            ("filter actor = 'x'", "column of the lake"),
            ("fields n + 1 as m | filter m = 2", "computed by the query"),
            ("filter strlen(eventName) > 3", "computed of them"),
            ("filter n = other", "no constant"),
            ("filter eventName > 'x'", "only numbers"),
            ("parse @message 'a *' as b | filter b = 1", "parse"),
        ] {
            let said = made(text).unwrap_err().to_string();
            assert!(said.contains(why), "{text}: {said}");
        }
        let query = parse("filter level = 'ERROR'").unwrap();
        assert!(rule(&query, "", "", "app_log").is_err());
    }

    #[test]
    fn the_same_query_makes_the_same_rule() {
        let text = "filter eventName = 'StopLogging' | sort eventName";
        assert_eq!(made(text), made(text));
        assert!(made(text).unwrap().contains("# Left out, since a rule looks at one event: sort."));
    }
}
