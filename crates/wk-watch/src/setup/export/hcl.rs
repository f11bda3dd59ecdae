//! Terraform's own language, written.

use serde_json::Value;

/// A line or a block of a body.
pub(super) enum Hcl {
    /// `name = expression`
    Set(String, String),
    /// `kind "label" { … }`
    Block(String, Vec<Hcl>),
}

/// An attribute with a value.
pub(super) fn set(name: &str, value: impl Into<Value>) -> Hcl {
    Hcl::Set(name.to_owned(), expression(&value.into(), 1))
}

/// An attribute with an expression of Terraform's.
pub(super) fn refer(name: &str, to: &str) -> Hcl {
    Hcl::Set(name.to_owned(), to.to_owned())
}

/// An attribute that is a JSON document.
pub(super) fn json(name: &str, document: &Value) -> Hcl {
    Hcl::Set(name.to_owned(), format!("jsonencode({})", expression(document, 1)))
}

/// A block within another.
pub(super) fn block(kind: &str, body: Vec<Hcl>) -> Hcl {
    Hcl::Block(kind.to_owned(), body)
}

/// A resource.
pub(super) fn resource(kind: &str, name: &str, body: Vec<Hcl>) -> Hcl {
    Hcl::Block(format!("resource {} {}", quoted(kind), quoted(name)), body)
}

/// A block with one label.
pub(super) fn labelled(kind: &str, label: &str, body: Vec<Hcl>) -> Hcl {
    Hcl::Block(format!("{kind} {}", quoted(label)), body)
}

/// A file's text.
pub(super) fn text(body: &[Hcl]) -> String {
    let mut out = String::new();
    for (n, part) in body.iter().enumerate() {
        if n > 0 && matches!(part, Hcl::Block(..)) {
            out.push('\n');
        }
        write(part, 0, &mut out);
    }
    out
}

fn write(part: &Hcl, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match part {
        Hcl::Set(name, value) => line(name, value, name.len(), depth, out),
        Hcl::Block(head, body) => {
            out.extend([&indent, head.as_str(), " {\n"]);
            let widths = widths(body.iter().map(|part| match part {
                Hcl::Set(name, value) if !value.contains('\n') => Some(name.len()),
                _ => None,
            }));
            for (inner, width) in body.iter().zip(widths) {
                match inner {
                    Hcl::Set(name, value) => line(name, value, width, depth + 1, out),
                    Hcl::Block(..) => write(inner, depth + 1, out),
                }
            }
            out.extend([&indent, "}\n"]);
        }
    }
}

fn line(name: &str, value: &str, width: usize, depth: usize, out: &mut String) {
    let value = value.replace('\n', &format!("\n{}", "  ".repeat(depth.saturating_sub(1))));
    out.extend(["  ".repeat(depth), format!("{name:width$} = {value}\n")]);
}

/// How wide each name is written: names of neighbours are as wide as the widest of them, as `terraform
/// fmt` has it. What takes several lines stands alone.
fn widths(names: impl Iterator<Item = Option<usize>>) -> Vec<usize> {
    let names: Vec<Option<usize>> = names.collect();
    let mut widths = vec![0; names.len()];
    let mut from = 0;
    while from < names.len() {
        let to = names[from..].iter().position(Option::is_none).map_or(names.len(), |n| from + n);
        let widest = names[from..to].iter().flatten().copied().max().unwrap_or(0);
        widths[from..to].fill(widest);
        from = to + 1;
    }
    widths
}

/// A value as an expression, in which Terraform sees nothing of its own.
pub(super) fn expression(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items)
            if items.iter().all(|i| !i.is_object() && !i.is_array()) && items.len() <= 3 =>
        {
            let items: Vec<String> = items.iter().map(|item| expression(item, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("{indent}{},\n", expression(item, depth + 1)))
                .collect();
            format!("[\n{}{end}]", items.concat())
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<(String, String)> = members
                .iter()
                .map(|(name, value)| (quoted(name), expression(value, depth + 1)))
                .collect();
            let widths = widths(
                members
                    .iter()
                    .map(|(name, value)| (!value.contains('\n')).then(|| name.chars().count())),
            );
            let lines: Vec<String> = members
                .iter()
                .zip(widths)
                .map(|((name, value), width)| format!("{indent}{name:width$} = {value}\n"))
                .collect();
            format!("{{\n{}{end}}}", lines.concat())
        }
    }
}

/// A text in quotes; nothing in it is an expression.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if letters.peek() == Some(&'{') => out.extend([c, c]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name as Terraform takes it: letters, digits and underscores, never a digit first.
pub(super) fn name(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("n{plain}") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_text_becomes_an_expression() {
        assert_eq!(quoted("${a} %{b} $c 100%"), "\"$${a} %%{b} $c 100%\"");
        assert_eq!(quoted("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
        assert_eq!(quoted("$${a}"), "\"$$${a}\"");
    }

    #[test]
    fn a_file_is_blocks_with_lines_in_them() {
        let file = [
            resource(
                "aws_x",
                "y",
                vec![set("a", 1), block("b", vec![json("c", &json!({"D": ["e"]}))])],
            ),
            labelled("output", "z", vec![refer("value", "aws_x.y.id")]),
        ];
        let expected = "resource \"aws_x\" \"y\" {\n  a = 1\n  b {\n    c = jsonencode({\n      \"D\" = [\"e\"]\n    })\n  }\n}\n\noutput \"z\" {\n  value = aws_x.y.id\n}\n";
        assert_eq!(text(&file), expected);
        let wide = [block(
            "x",
            vec![set("a", 1), set("long", 2), set("b", json!({"c": 1, "dd": 2})), set("e", 3)],
        )];
        let expected = "x {\n  a    = 1\n  long = 2\n  b = {\n    \"c\"  = 1\n    \"dd\" = 2\n  }\n  e = 3\n}\n";
        assert_eq!(text(&wide), expected);
        assert_eq!(name("7-A.b"), "n7_a_b");
    }
}
