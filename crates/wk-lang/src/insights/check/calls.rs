//! Functions: their names, how many arguments they have, and what kind these are.

use super::super::ast::{At, Binary, Duration, Expr, Span};
use super::super::functions::{Argument, FUNCTIONS, Function, capped, function};
use super::super::mistake::{Mistake, shown};
use super::super::pattern;
use super::Checker;
use crate::nearest::nearest;

/// The largest count of days, weeks, months, quarters or years in a length of time.
const PERIOD_COUNT_MAX: u64 = 10_000;
/// AWS's limit for `topk`.
const TOPK_MAX: f64 = 10_000.0;
/// AWS's limit for the branches of `case`.
const CASE_BRANCHES_MAX: usize = 10;

impl Checker<'_> {
    /// Checks every call in an expression, and every literal that has its place only in calls.
    /// Where `known` says so, a call is the name of a column.
    pub(super) fn calls(&mut self, value: &At<Expr>, known: &dyn Fn(&At<Expr>) -> bool) {
        if known(value) {
            return;
        }
        match &value.node {
            Expr::Call { name, arguments } => {
                self.call(name, arguments, value.span);
                arguments.iter().for_each(|argument| match argument.node {
                    // Their place is judged by the call.
                    Expr::Duration(_) | Expr::Regex(_) => {}
                    _ => self.calls(argument, known),
                });
            }
            Expr::Like { value, pattern, .. } => {
                self.calls(value, known);
                match &pattern.node {
                    Expr::Regex(text) => self.compiles(text, pattern.span),
                    Expr::Text(text) if text.starts_with('%') || text.ends_with('%') => {
                        let message = "like looks for a part of the text, and % is a sign in it";
                        self.warn(pattern.span, message);
                    }
                    _ => self.calls(pattern, known),
                }
            }
            Expr::Duration(_) => {
                let message = "a length of time stands only in functions such as bin(…)";
                self.refuse(value.span, message);
            }
            Expr::Regex(_) => {
                let message = "a regular expression stands behind like, =~ or parse";
                self.refuse(value.span, message);
            }
            node => {
                self.hyphen(node);
                for child in node.children() {
                    self.calls(child, known);
                }
            }
        }
    }

    /// `detail-type` subtracts, which is seldom meant.
    fn hyphen(&mut self, node: &Expr) {
        let Expr::Binary(left, Binary::Subtract, right) = node else { return };
        let (Expr::Field(a), Expr::Field(b)) = (&left.node, &right.node) else { return };
        if right.span.start == left.span.end + 1 {
            let span = Span { start: left.span.start, end: right.span.end };
            let message = format!(
                "this subtracts {} from {}; a name with - in it stands in back ticks",
                shown(b),
                shown(a)
            );
            self.warn(span, message);
        }
    }

    fn call(&mut self, name: &At<String>, arguments: &[At<Expr>], span: Span) {
        let Some(function) = function(&name.node) else {
            let names = FUNCTIONS.iter().flat_map(|function| {
                std::iter::once(function.name).chain(function.aliases.iter().copied())
            });
            let message = format!("there is no function {}", shown(&name.node));
            let near = nearest(&name.node, names);
            return self.add(Mistake::new(self.text, name.span, message).or_rather(near));
        };
        let count = arguments.len();
        if count < function.required || function.most().is_some_and(|most| count > most) {
            let message = format!("{} takes {}, not {count}", function.name, takes(function));
            return self.refuse(span, message);
        }
        for (at, argument) in arguments.iter().enumerate() {
            // bin(5m) leaves out its first argument, not its last.
            let from_end = function.name == "bin" && count == 1;
            self.argument(function, function.argument(if from_end { 1 } else { at }), argument);
        }
        self.special(function, arguments, span);
    }

    fn argument(&mut self, function: &Function, wanted: Argument, given: &At<Expr>) {
        let name = function.name;
        match (wanted, &given.node) {
            (Argument::Period, Expr::Duration(duration)) => self.period(duration, given.span),
            (Argument::Period, _) => {
                let message = format!("{name} needs a length of time such as 5m here");
                self.refuse(given.span, message);
            }
            (_, Expr::Duration(_)) => {
                self.refuse(given.span, format!("{name} takes no length of time here"));
            }
            (Argument::Pattern, Expr::Regex(text) | Expr::Text(text)) => {
                self.compiles(text, given.span);
            }
            (_, Expr::Regex(_)) => {
                self.refuse(given.span, format!("{name} takes no regular expression here"));
            }
            (Argument::Number | Argument::Time, Expr::Text(text))
                if text.trim().parse::<f64>().is_err() =>
            {
                let what = if wanted == Argument::Number { "a number" } else { "a time" };
                self.refuse(given.span, format!("{name} needs {what} here"));
            }
            _ => {}
        }
    }

    fn period(&mut self, duration: &Duration, span: Span) {
        if duration.count == 0 {
            return self.refuse(span, "a length of time is more than nothing");
        }
        if duration.count > PERIOD_COUNT_MAX && capped(duration) == *duration {
            return self.refuse(span, format!("a length of time counts to {PERIOD_COUNT_MAX}"));
        }
        let capped = capped(duration);
        if capped != *duration {
            let message =
                format!("{duration} is taken as {capped}, as AWS does; use a larger unit");
            self.warn(span, message);
        }
    }

    /// What AWS says of single functions.
    fn special(&mut self, function: &Function, arguments: &[At<Expr>], span: Span) {
        let number = |at: usize| match arguments.get(at).map(|argument| &argument.node) {
            Some(Expr::Number(digits)) => digits.parse::<f64>().ok(),
            _ => None,
        };
        match function.name {
            "pct" => match number(1) {
                Some(percent) if (0.0..=100.0).contains(&percent) => {}
                _ => self.refuse(span, "the second argument of pct is a number from 0 to 100"),
            },
            "topk" => match number(0) {
                Some(most) if (1.0..=TOPK_MAX).contains(&most) && most.fract() == 0.0 => {}
                _ => self.refuse(span, "the first argument of topk is a number from 1 to 10000"),
            },
            "histogram" => match number(1) {
                Some(ranges) if (1.0..=TOPK_MAX).contains(&ranges) && ranges.fract() == 0.0 => {}
                _ => self.refuse(span, "the second argument of histogram is a number of ranges"),
            },
            "case" if arguments.len() / 2 > CASE_BRANCHES_MAX => {
                self.refuse(span, format!("case has at most {CASE_BRANCHES_MAX} branches"));
            }
            _ => {}
        }
    }

    pub(super) fn compiles(&mut self, text: &str, span: Span) {
        if let Err(why) = pattern::compile(text) {
            let message = format!("the regular expression cannot be used: {}", shown(&why));
            self.refuse(span, message);
        }
    }
}

fn takes(function: &Function) -> String {
    let least = function.required;
    let noun = |count: usize| if count == 1 { "argument" } else { "arguments" };
    match function.most() {
        None => format!("{least} {} or more", noun(least)),
        Some(0) => "no arguments".to_owned(),
        Some(most) if most == least => format!("{least} {}", noun(least)),
        Some(most) => format!("{least} to {most} arguments"),
    }
}
