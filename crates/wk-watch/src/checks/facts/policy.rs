//! Whom a policy of a resource lets in, by AWS's meaning of "public": a statement lets everybody in
//! unless a condition narrows it to fixed values, without wildcard and without variable.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use serde_json::Value;

use crate::posture::members::{at, list, word};

/// Keys by which a condition names who comes, or from where.
const NARROWING: &[&str] = &[
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:userid",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Statements that let everybody do one of these actions. The policy is a document or its text; text
/// that is none lets nobody in that could be named, so it is an error.
pub(in crate::checks) fn public<'p>(policy: &'p Value, actions: &[&str]) -> Vec<&'p Value> {
    let lets = |s: &&'p Value| {
        word(s, "Effect").eq_ignore_ascii_case("Allow")
            && everybody(s)
            && covers(s, actions)
            && !narrowed(s)
    };
    list(policy, "Statement").into_iter().filter(lets).collect()
}

/// The document of a policy that comes as text.
pub(in crate::checks) fn document(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

fn everybody(statement: &Value) -> bool {
    if at(statement, "NotPrincipal").is_some() {
        return true;
    }
    let Some(principal) = at(statement, "Principal") else { return false };
    let is_star = |v: &Value| v.as_str() == Some("*");
    is_star(principal) || list(principal, "AWS").into_iter().any(is_star)
}

/// Whether a statement covers one of these actions. Both may hold wildcards: `s3:Get*`.
fn covers(statement: &Value, actions: &[&str]) -> bool {
    let named = |name| list(statement, name).into_iter().filter_map(Value::as_str);
    if at(statement, "NotAction").is_some() {
        return actions.iter().any(|a| !named("NotAction").any(|n| matches(n, a)));
    }
    named("Action").any(|named| actions.iter().any(|action| matches(named, action)))
}

/// Whether a pattern with `*` and `?` meets a text, without regard to case.
pub(in crate::checks) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<u8>, Vec<u8>) =
        (pattern.to_ascii_lowercase().into(), text.to_ascii_lowercase().into());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

/// Whether a condition narrows the statement to fixed values.
fn narrowed(statement: &Value) -> bool {
    let Some(Value::Object(operators)) = at(statement, "Condition") else { return false };
    operators.iter().any(|(operator, keys)| {
        let Value::Object(keys) = keys else { return false };
        positive(operator)
            && keys.iter().any(|(key, values)| {
                let key = key.to_ascii_lowercase();
                NARROWING.contains(&key.as_str()) && fixed(&key, values)
            })
    })
}

/// Operators that demand a value. `…IfExists` lets in who brings none.
fn positive(operator: &str) -> bool {
    let operator = operator.to_ascii_lowercase();
    let bare = operator.rsplit(':').next().unwrap_or(&operator);
    !operator.starts_with("forallvalues")
        && [
            "stringequals",
            "stringequalsignorecase",
            "stringlike",
            "arnequals",
            "arnlike",
            "ipaddress",
        ]
        .contains(&bare)
}

fn fixed(key: &str, values: &Value) -> bool {
    let values: Vec<&Value> = match values {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    };
    let is_fixed = |value: &&Value| {
        let Some(text) = value.as_str().filter(|text| !text.contains("${")) else { return false };
        match key {
            "aws:sourceip" => !wide(text),
            // The part before the colon is a role's id, what is behind it is a session's name.
            "aws:userid" => !text.starts_with('*'),
            _ => !text.contains(['*', '?']),
        }
    };
    !values.is_empty() && values.iter().all(is_fixed)
}

/// A range of addresses beyond a /8 (IPv6: /32) is as good as everybody.
fn wide(range: &str) -> bool {
    let Some((address, bits)) = range.split_once('/') else { return false };
    let least = if address.contains(':') { 32 } else { 8 };
    bits.parse::<u8>().map_or(true, |bits| bits < least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is_public(statement: Value) -> bool {
        !public(&json!({"Statement": [statement]}), &["s3:GetObject"]).is_empty()
    }

    #[test]
    fn everybody_is_a_star_in_each_of_its_forms() {
        let with = |principal: Value| {
            is_public(json!({"Effect": "Allow", "Principal": principal, "Action": "s3:Get*"}))
        };
        assert!(with(json!("*")) && with(json!({"AWS": "*"})) && with(json!({"AWS": ["1", "*"]})));
        assert!(!with(json!({"AWS": "111122223333"})) && !with(json!({"Service": "x"})));
        assert!(is_public(json!({"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "*"})));
        assert!(!is_public(json!({"Effect": "Deny", "Principal": "*", "Action": "*"})));
        assert!(!is_public(json!({"Effect": "Allow", "Principal": "*", "Action": "s3:Put*"})));
        let all_but = |not: &str| json!({"Effect": "Allow", "Principal": "*", "NotAction": not});
        assert!(is_public(all_but("s3:PutObject")) && !is_public(all_but("s3:*")));
    }

    #[test]
    fn only_fixed_values_narrow() {
        let when = |condition: Value| {
            is_public(
                json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition}),
            )
        };
        assert!(!when(json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})));
        assert!(!when(json!({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}})));
        assert!(!when(json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-west-1:1:t"}})));
        assert!(when(json!({"StringLike": {"aws:SourceArn": "arn:aws:s3:::*"}})), "a wildcard");
        assert!(when(json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:x}"}})), "a variable");
        assert!(when(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})));
        assert!(when(json!({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}})));
        assert!(when(json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}})));
        assert!(when(json!({"Bool": {"aws:SecureTransport": "true"}})), "says not who");
    }

    #[test]
    fn patterns_meet_as_iam_means_them() {
        for (pattern, text) in [("s3:*", "s3:GetObject"), ("S3:get*", "s3:GetObject"), ("*", "x")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("s3:Put*", "s3:GetObject"), ("", "x"), ("s3:Get", "s3:GetObject")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
