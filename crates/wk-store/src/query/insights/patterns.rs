//! `like` and `=~`: substrings and regular expressions.

use datafusion::logical_expr::{Expr as Plan, lit};
use regex::Regex;
use wk_lang::insights::ast::{At, Expr, Span};

use super::expression::{Lower, Lowered};
use super::scope::Scope;
use super::{functions, own};

/// Whether a text holds a substring or matches an expression; null for a missing text.
pub(super) fn like(
    lower: &Lower<'_>,
    text: Plan,
    pattern: &At<Expr>,
    scope: &Scope,
) -> Lowered<Plan> {
    if let Expr::Regex(regex) = &pattern.node {
        return matches(lower, text, regex, pattern.span);
    }
    let pattern = lower.value(pattern, scope)?;
    Ok(functions::call("contains", vec![text, pattern.to_text()]))
}

/// A regular expression that is a plain text needs none.
fn matches(lower: &Lower<'_>, text: Plan, regex: &str, span: Span) -> Lowered<Plan> {
    let (anchored, body) = regex.strip_prefix('^').map_or((false, regex), |body| (true, body));
    if let Some(plain) = plain_text(body) {
        let name = if anchored { "starts_with" } else { "contains" };
        return Ok(functions::call(name, vec![text, lit(plain)]));
    }
    Ok(own::matches(compile(lower, regex, span)?, text))
}

/// The text that an expression without any operator stands for.
fn plain_text(regex: &str) -> Option<String> {
    let mut plain = String::new();
    let mut letters = regex.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next()?;
                if escaped.is_alphanumeric() || escaped == '<' || escaped == '>' {
                    return None;
                }
                plain.push(escaped);
            }
            '.' | '*' | '+' | '?' | '|' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => {
                return None;
            }
            other => plain.push(other),
        }
    }
    (!plain.is_empty()).then_some(plain)
}

/// Compiles an expression, within limits.
pub(super) fn compile(lower: &Lower<'_>, regex: &str, span: Span) -> Lowered<Regex> {
    wk_lang::insights::pattern::compile(regex)
        .map_err(|why| lower.mistake(span, format!("the regular expression cannot be used: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_without_operators_is_a_text() {
        assert_eq!(plain_text(r"10\.").as_deref(), Some("10."));
        assert_eq!(plain_text(r"\/api\/v1").as_deref(), Some("/api/v1"));
        assert_eq!(plain_text("Exception").as_deref(), Some("Exception"));
        for regex in ["a|b", "a.b", r"\d", "", "x$", "a(b)"] {
            assert_eq!(plain_text(regex), None, "{regex}");
        }
    }
}
