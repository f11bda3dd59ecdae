//! Modifiers: what stands behind a field's name.

use super::error::Problem;

/// A modifier of Sigma 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    All,
    Base64,
    Base64Offset,
    Cased,
    Cidr,
    Contains,
    Day,
    EndsWith,
    Exists,
    Expand,
    FieldRef,
    Greater,
    GreaterOrEqual,
    Hour,
    Insensitive,
    Less,
    LessOrEqual,
    Minute,
    Month,
    MultiLine,
    NotEqual,
    Regex,
    SingleLine,
    StartsWith,
    Utf16,
    Utf16Be,
    Utf16Le,
    Week,
    WinDash,
    Year,
}

/// What a modifier does, for telling which go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Role {
    /// Changes the value before it is compared.
    Transform,
    /// Says which part of a text is compared.
    Part,
    /// Says how values compare.
    Operator,
    /// Takes a number out of a time.
    Time,
    /// A flag of a regular expression.
    Flag,
    /// Goes with everything.
    Free,
}

const NAMES: &[(&str, Modifier, Role)] = &[
    ("all", Modifier::All, Role::Free),
    ("base64", Modifier::Base64, Role::Transform),
    ("base64offset", Modifier::Base64Offset, Role::Transform),
    ("cased", Modifier::Cased, Role::Free),
    ("cidr", Modifier::Cidr, Role::Operator),
    ("contains", Modifier::Contains, Role::Part),
    ("day", Modifier::Day, Role::Time),
    ("endswith", Modifier::EndsWith, Role::Part),
    ("exists", Modifier::Exists, Role::Operator),
    ("expand", Modifier::Expand, Role::Transform),
    ("fieldref", Modifier::FieldRef, Role::Operator),
    ("gt", Modifier::Greater, Role::Operator),
    ("gte", Modifier::GreaterOrEqual, Role::Operator),
    ("hour", Modifier::Hour, Role::Time),
    ("i", Modifier::Insensitive, Role::Flag),
    ("lt", Modifier::Less, Role::Operator),
    ("lte", Modifier::LessOrEqual, Role::Operator),
    ("m", Modifier::MultiLine, Role::Flag),
    ("minute", Modifier::Minute, Role::Time),
    ("month", Modifier::Month, Role::Time),
    ("neq", Modifier::NotEqual, Role::Free),
    ("re", Modifier::Regex, Role::Operator),
    ("s", Modifier::SingleLine, Role::Flag),
    ("startswith", Modifier::StartsWith, Role::Part),
    ("utf16", Modifier::Utf16, Role::Transform),
    ("utf16be", Modifier::Utf16Be, Role::Transform),
    ("utf16le", Modifier::Utf16Le, Role::Transform),
    ("week", Modifier::Week, Role::Time),
    ("wide", Modifier::Utf16Le, Role::Transform),
    ("windash", Modifier::WinDash, Role::Transform),
    ("year", Modifier::Year, Role::Time),
];

impl Modifier {
    fn name(self) -> &'static str {
        NAMES.iter().find(|(_, m, _)| *m == self).map_or("", |(name, _, _)| name)
    }
    fn role(self) -> Role {
        NAMES.iter().find(|(_, m, _)| *m == self).map_or(Role::Free, |(_, _, role)| *role)
    }
    fn is_comparison(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }
}

/// Splits a key into its field (empty for keywords) and modifiers, and checks that they go
/// together.
pub(super) fn read<'a>(key: &'a str, path: &str) -> Result<(&'a str, Vec<Modifier>), Problem> {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or("");
    let mut modifiers = Vec::new();
    for name in parts {
        let known = NAMES.iter().find(|(n, _, _)| *n == name);
        let Some((_, modifier, _)) = known else {
            return Err(Problem::unknown(path, name, NAMES.iter().map(|(n, _, _)| *n)));
        };
        modifiers.push(*modifier);
    }
    check(&modifiers, path)?;
    Ok((field, modifiers))
}

fn check(modifiers: &[Modifier], path: &str) -> Result<(), Problem> {
    for (n, first) in modifiers.iter().enumerate() {
        for second in &modifiers[n + 1..] {
            if !go_together(*first, *second) {
                return Err(Problem::Conflict {
                    key: path.to_owned(),
                    first: first.name().to_owned(),
                    second: second.name().to_owned(),
                });
            }
        }
    }
    let has = |wanted| modifiers.contains(&wanted);
    let flag = modifiers.iter().find(|m| m.role() == Role::Flag);
    match flag {
        Some(flag) if !has(Modifier::Regex) => Err(Problem::Value {
            key: path.to_owned(),
            value: flag.name().to_owned(),
            why: "is a flag of regular expressions, and re is not there".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn go_together(first: Modifier, second: Modifier) -> bool {
    use Role::{Flag, Free, Operator, Part, Time, Transform};
    let swap = first.role() > second.role();
    let (a, b) = if swap { (second, first) } else { (first, second) };
    match (a.role(), b.role()) {
        (Transform, Transform) => transforms_go_together(a, b),
        (Transform, Part) | (Flag, Flag) | (Free, Free) => a != b,
        (Transform, Operator) => a == Modifier::Expand && b == Modifier::Cidr,
        (Part, Operator) => b == Modifier::FieldRef,
        (Operator, Time) => a.is_comparison(),
        (Operator, Flag) => a == Modifier::Regex,
        (role, Free) => match b {
            Modifier::Cased => a != Modifier::Insensitive && role != Time,
            Modifier::All => a != Modifier::Exists,
            _ => true,
        },
        _ => false,
    }
}

/// One form of UTF-16, one form of Base64.
fn transforms_go_together(first: Modifier, second: Modifier) -> bool {
    use Modifier::{Base64, Base64Offset, Utf16, Utf16Be, Utf16Le};
    let wide = |m| matches!(m, Utf16 | Utf16Be | Utf16Le);
    let base64 = |m| matches!(m, Base64 | Base64Offset);
    let both = |is: fn(Modifier) -> bool| is(first) && is(second);
    first != second && !both(wide) && !both(base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str) -> String {
        match read(key, key) {
            Ok((field, modifiers)) => format!("{field}: {}", modifiers.len()),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn fields_and_their_modifiers() {
        assert_eq!(check("a.b"), "a.b: 0");
        assert_eq!(check("|all"), ": 1");
        for key in [
            "f|contains|all|cased",
            "f|utf16le|base64offset|contains",
            "f|re|i|m|s",
            "f|fieldref|endswith",
            "f|startswith|fieldref|cased",
            "f|hour|gte",
            "f|neq|contains",
            "f|windash|contains|all",
        ] {
            assert!(check(key).starts_with("f: "), "{}", check(key));
        }
    }

    #[test]
    fn what_is_misspelt_or_contradicts_itself_is_refused() {
        let refusals = [
            ("f|contians", "f|contians: \"contians\" is not known; did you mean contains?"),
            ("f|contains|re", "f|contains|re: contains and re cannot stand together"),
            ("f|gt|lt", "f|gt|lt: gt and lt cannot stand together"),
            ("f|wide|utf16be", "f|wide|utf16be: utf16le and utf16be cannot stand together"),
            ("f|base64|cidr", "f|base64|cidr: base64 and cidr cannot stand together"),
            ("f|all|all", "f|all|all: all and all cannot stand together"),
            ("f|i", "f|i: \"i\" is a flag of regular expressions, and re is not there"),
            ("f|exists|all", "f|exists|all: exists and all cannot stand together"),
        ];
        for (key, expected) in refusals {
            assert_eq!(check(key), expected);
        }
    }
}
