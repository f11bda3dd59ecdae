//! `parse`: fields out of a text, by a template with stars or by a regular expression.
//!
//! * The pieces of a template are looked for from left to right, each at its first place behind the
//!   one before; a star is what stands between. A last star takes the rest of the text.
//! * A text that does not fit gives nothing for every field.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, StringBuilder, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr as Plan, ident};
use regex::Regex;
use wk_lang::insights::ast::{Parse, Span, Template};

use super::expression::{Lower, Lowered};
use super::own::{Own, texts};
use super::patterns::compile;
use super::rows::Rows;
use super::value::Value;

/// Runs a `parse`.
pub(super) fn parse(lower: &Lower<'_>, parse: &Parse, span: Span, rows: &mut Rows) -> Lowered<()> {
    let from = lower.value(&parse.from, &rows.scope)?.to_text();
    let (names, call) = match &parse.by.node {
        Template::Glob { pieces, names } => {
            let names: Vec<String> = names.iter().map(|n| n.node.clone()).collect();
            let call = glob(pieces.clone(), &names, from);
            (names, call)
        }
        Template::Regex(pattern) => {
            let regex = compile(lower, pattern, parse.by.span)?;
            let names: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
            if names.is_empty() {
                let why = "the regular expression names no group: (?<name>…)";
                return Err(lower.mistake(parse.by.span, why));
            }
            let call = groups(regex, &names, from);
            (names, call)
        }
    };
    lower.names(names.iter().map(String::as_str), parse.by.span)?;
    let failed = |e: DataFusionError| lower.mistake(span, e.strip_backtrace());
    spread(rows, call, &names).map_err(failed)
}

/// Makes fields of the members of a structure, and shows them.
pub(super) fn spread(rows: &mut Rows, structure: Plan, names: &[String]) -> Result<()> {
    let column = rows.hide(Value::of(structure, structure_of(names)))?;
    let member = |name: &String| {
        let value = own_member(&column, name);
        (name.clone(), Value::text(value))
    };
    rows.put(names.iter().map(member).collect())?;
    names.iter().for_each(|name| rows.made.add(name));
    Ok(())
}

/// A member of a structure.
pub(super) fn own_member(column: &str, name: &str) -> Plan {
    let member = name.to_owned();
    Own::call("member", name, DataType::Utf8, vec![ident(column)], move |arguments| {
        let structure = arguments.first().and_then(|a| a.as_struct_opt());
        let found = structure.and_then(|s| s.column_by_name(&member)).cloned();
        found.ok_or_else(|| exec_datafusion_err!("there is no member {member}"))
    })
}

pub(super) fn structure_of(names: &[String]) -> DataType {
    DataType::Struct(fields_of(names))
}

fn fields_of(names: &[String]) -> Fields {
    names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect()
}

/// Columns of texts as one column of structures.
pub(super) fn structures(names: &[String], columns: Vec<StringBuilder>) -> Result<ArrayRef> {
    let arrays = columns.into_iter().map(|mut c| Arc::new(c.finish()) as ArrayRef).collect();
    Ok(Arc::new(StructArray::try_new(fields_of(names), arrays, None)?))
}

fn glob(pieces: Vec<String>, names: &[String], from: Plan) -> Plan {
    let made_of = format!("{pieces:?} as {names:?}");
    let names = names.to_vec();
    Own::call("parse_glob", made_of, structure_of(&names), vec![from], move |arguments| {
        let texts = texts(arguments, 0)?;
        let mut columns: Vec<StringBuilder> = names.iter().map(|_| StringBuilder::new()).collect();
        for text in texts.iter() {
            let found = text.and_then(|text| stars(&pieces, text));
            for (n, column) in columns.iter_mut().enumerate() {
                column.append_option(found.as_ref().and_then(|f| f.get(n).copied()));
            }
        }
        structures(&names, columns)
    })
}

/// What the stars between the pieces stand for.
fn stars<'t>(pieces: &[String], text: &'t str) -> Option<Vec<&'t str>> {
    let (first, rest) = pieces.split_first()?;
    let (_, mut left) = text.split_once(first.as_str())?;
    let mut found = Vec::with_capacity(rest.len());
    for (n, piece) in rest.iter().enumerate() {
        if piece.is_empty() && n + 1 == rest.len() {
            found.push(left);
            break;
        }
        let (star, after) = left.split_once(piece.as_str())?;
        found.push(star);
        left = after;
    }
    Some(found)
}

fn groups(regex: Regex, names: &[String], from: Plan) -> Plan {
    let names = names.to_vec();
    Own::call(
        "parse_regex",
        regex.as_str().to_owned(),
        structure_of(&names),
        vec![from],
        move |arguments| {
            let texts = texts(arguments, 0)?;
            let mut columns: Vec<StringBuilder> =
                names.iter().map(|_| StringBuilder::new()).collect();
            for text in texts.iter() {
                let found = text.and_then(|text| regex.captures(text));
                for (name, column) in names.iter().zip(&mut columns) {
                    let group = found.as_ref().and_then(|f| f.name(name));
                    column.append_option(group.map(|g| g.as_str()));
                }
            }
            structures(&names, columns)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(template: &[&str], text: &str) -> Option<Vec<String>> {
        let pieces: Vec<String> = template.iter().map(|p| (*p).to_owned()).collect();
        stars(&pieces, text).map(|f| f.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn stars_take_what_stands_between_the_pieces() {
        let line = "user=bob, method:PUT, latency := 12";
        let template = ["user=", ", method:", ", latency := ", ""];
        assert_eq!(taken(&template, line).unwrap(), ["bob", "PUT", "12"]);
        assert_eq!(
            taken(&["", " [", "] ", ""], "12:00 [ERROR] no").unwrap(),
            ["12:00", "ERROR", "no"]
        );
        assert_eq!(taken(&["\"id\":\"", "\""], r#"{"id":"x","b":1}"#).unwrap(), ["x"]);
        assert_eq!(taken(&template, "user=bob"), None);
    }
}
