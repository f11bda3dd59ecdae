//! What every function answers, as a table: name, arguments, answer.
//!
//! Arguments stand between bars: text as it is, `#1.5` a number, `%7` a whole number, `?true` a
//! boolean, `@2026-…` a time, `[a,b]` a list of texts, `~` nothing. `~` is also the answer nothing.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::Field;
use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};
use datafusion::scalar::ScalarValue;
use wk_model::Timestamp;

use super::*;

fn value(text: &str) -> ScalarValue {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = text.strip_suffix(' ').unwrap_or(text);
    let Some((sign, rest)) = text.split_at_checked(1) else { return ScalarValue::from(text) };
    match sign {
        "~" if rest.is_empty() => ScalarValue::Utf8(None),
        "#" if rest.parse::<f64>().is_ok() => rest.parse::<f64>().expect("a number").into(),
        "%" if rest.parse::<i64>().is_ok() => rest.parse::<i64>().expect("a number").into(),
        "?" if !rest.is_empty() => (rest == "true").into(),
        "@" if Timestamp::parse(rest).is_ok() => {
            let micros = Timestamp::parse(rest).expect("a time").micros();
            ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
        }
        "[" if rest.ends_with(']') && !rest.contains('"') && !rest.contains('[') => {
            let mut list = ListBuilder::new(StringBuilder::new());
            rest.trim_end_matches(']').split(',').for_each(|item| list.values().append_value(item));
            list.append(true);
            ScalarValue::List(Arc::new(list.finish()))
        }
        _ => ScalarValue::from(text),
    }
}

fn invoke(udf: &ScalarUDF, args: Vec<ColumnarValue>, rows: usize) -> Result<ArrayRef, String> {
    let types: Vec<_> = args.iter().map(ColumnarValue::data_type).collect();
    let say = |e: datafusion::error::DataFusionError| e.strip_backtrace();
    udf.inner().coerce_types(&types).map_err(say)?;
    let arg_fields: Vec<_> =
        types.iter().map(|t| Arc::new(Field::new("a", t.clone(), true))).collect();
    let literals = vec![None; args.len()];
    let return_field = udf
        .return_field_from_args(ReturnFieldArgs {
            arg_fields: &arg_fields,
            scalar_arguments: &literals,
        })
        .map_err(say)?;
    let kind = return_field.data_type().clone();
    let config_options = Arc::new(ConfigOptions::new());
    let args =
        ScalarFunctionArgs { args, arg_fields, number_rows: rows, return_field, config_options };
    let answer = udf.invoke_with_args(args).map_err(say)?.into_array(rows).map_err(say)?;
    assert_eq!(*answer.data_type(), kind, "{}", udf.name());
    assert_eq!(answer.len(), rows, "{}", udf.name());
    Ok(answer)
}

fn shown(array: &ArrayRef) -> String {
    coerce::texts(array).expect("texts").get(0).unwrap_or("~").to_owned()
}

/// Calls a function on constants, and on columns of three rows; both say the same.
fn call(name: &str, arguments: &str) -> Result<String, String> {
    let udf = scalar(name).or_else(|| sql(name)).unwrap_or_else(|| panic!("no function {name}"));
    let values: Vec<ScalarValue> = arguments.split('|').map(value).collect();
    let constants: Vec<_> = values.iter().cloned().map(ColumnarValue::Scalar).collect();
    let once = shown(&invoke(&udf, constants.clone(), 3)?);
    let column = |v: &ScalarValue| ColumnarValue::Array(v.to_array_of_size(3).expect("an array"));
    // The first argument as a column, the others as constants: how queries mostly call.
    let mut first = constants;
    if let (Some(slot), Some(value)) = (first.first_mut(), values.first()) {
        *slot = column(value);
    }
    assert_eq!(shown(&invoke(&udf, first, 3)?), once, "{name}({arguments}) by column");
    let columns = values.iter().map(column).collect();
    if let Ok(many) = invoke(&udf, columns, 3) {
        assert_eq!(shown(&many), once, "{name}({arguments}) by columns");
    }
    Ok(once)
}

fn check(cases: &[(&str, &str, &str)]) {
    for (name, arguments, expected) in cases {
        assert_eq!(call(name, arguments).as_deref(), Ok(*expected), "{name}({arguments})");
    }
}

fn refused(name: &str, arguments: &str, part: &str) {
    let error = call(name, arguments).expect_err(name);
    assert!(error.contains(part), "{name}({arguments}): {error}");
}

#[test]
fn numbers() {
    check(&[
        ("abs", "#-2.5", "2.5"),
        ("abs", "-7", "7"),
        ("abs", "seven", "~"),
        ("abs", "~", "~"),
        ("ceil", "1.2", "2"),
        ("ceil", "#-1.2", "-1"),
        ("floor", "#-1.2", "-2"),
        ("floor", "?true", "1"),
        ("greatest", "#1 | 12 | %3", "12"),
        ("greatest", "#1 | x", "~"),
        ("least", "#1 | 12 | ~", "~"),
        ("least", "#1 | -12", "-12"),
        ("log", "#1", "0"),
        ("log", "#0", "~"),
        ("log", "#-1", "~"),
        ("round", "2.5", "3"),
        ("round", "#-2.5", "-3"),
        ("round", "3.14159 | %2", "3.14"),
        ("round", "1234 | #-2", "1200"),
        ("round", "1.5 | %400", "1.5"),
        ("sqrt", "%16", "4"),
        ("sqrt", "#-1", "~"),
        ("toNumber", " 1e3", "1000"),
        ("toNumber", "NaN", "~"),
        ("toNumber", "1e999", "~"),
        ("toDouble", "true", "1"),
        ("toNumber", "@1970-01-01T00:00:01.5Z", "1500"),
        ("toNumber", "[1,2]", "~"),
        ("toInt", "2147483647.9", "2147483647"),
        ("toInt", "2147483648", "~"),
        ("toLong", "9007199254740993", "9007199254740993"),
        ("toLong", "#-1.9", "-1"),
        ("toLong", "9223372036854775808", "~"),
        ("TOLONG", "%9007199254740993", "9007199254740993"),
        ("insights_add", "1 | #2", "3"),
        ("insights_subtract", "@1970-01-01T00:00:02Z | @1970-01-01T00:00:01Z", "1000"),
        ("insights_multiply", "?true | %5", "5"),
        ("insights_divide", "#1 | #0", "~"),
        ("insights_divide", "#1 | ~", "~"),
        ("insights_remainder", "%10 | %3", "1"),
        ("insights_power", "%2 | %3", "8"),
        ("insights_power", "%10 | %999", "~"),
        ("haversine", "#0 | #0 | #0 | #180", "20015.086796020572"),
        ("haversine", "#52 | #13 | #52 | #13", "0"),
        ("haversine", "#52 | #13 | #52 | ~", "~"),
    ]);
}

#[test]
fn values_of_any_type() {
    check(&[
        ("isPresent", "~", "false"),
        ("ispresent", "", "true"),
        ("isPresent", "x", "true"),
        ("coalesce", "~ | b | c", "b"),
        ("coalesce", "~ | %1", "1"),
        ("coalesce", "~ | ~", "~"),
        ("coalesce", "%1 | #2.5", "1"),
        ("coalesce", "@2026-01-02T03:04:05.678Z | x", "2026-01-02 03:04:05.678"),
        ("case", "?false | a | 1 | b | c", "b"),
        ("case", "?false | a | ~ | b | c", "c"),
        ("case", "?false | a", "~"),
        ("case", "?true | [a,b] | [c]", "[\"a\",\"b\"]"),
        ("if", "?true | %1 | #2.5", "1"),
        ("if", "~ | a | b", "b"),
        ("isNumeric", "1.5", "true"),
        ("isNumeric", "true", "false"),
        ("isNumeric", "%1", "true"),
        ("isNumeric", "~", "false"),
        ("messageSize", "né", "3"),
        ("messageSize", "~", "~"),
        ("insights_text", "#3", "3"),
        ("insights_text", "?true", "true"),
        ("insights_truth", "~", "false"),
        ("insights_truth", "#0.5", "true"),
        ("insights_truth", "false", "false"),
        ("insights_truth", "yes", "false"),
    ]);
    refused("if", "?true | a", "if(condition, value, otherwise) was given 2 arguments");
}

#[test]
fn comparisons() {
    for (left, right, order) in [
        ("a", "a", "="),
        ("a", "b", "<"),
        ("10", "9", ">"), // both are numbers, for order
        ("10", "9a", "<"),
        ("7", "#7", "="),
        ("7.0", "%7", "="),
        ("10", "#9", ">"),
        ("?true", "#1", "="),
        ("true", "?true", "="),
        ("false", "?true", "<"),
        ("@2026-01-01T00:00:00Z", "2026-01-01 00:00:00.000", "="),
        ("@2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "<"),
        ("@1970-01-01T00:00:01Z", "%1000", "="),
        ("@1970-01-01T00:00:01Z", "%999", ">"),
    ] {
        let arguments = format!("{left} | {right}");
        for (name, holds) in [
            ("insights_equal", order == "="),
            ("insights_not_equal", order != "="),
            ("insights_less", order == "<"),
            ("insights_less_or_equal", order != ">"),
            ("insights_greater", order == ">"),
            ("insights_greater_or_equal", order != "<"),
        ] {
            assert_eq!(call(name, &arguments), Ok(holds.to_string()), "{name}({arguments})");
        }
    }
    check(&[
        ("insights_equal", "1.0 | 1", "false"), // two texts are equal as texts
        ("insights_not_equal", "abc | #3000", "true"),
        ("insights_greater", "abc | #3000", "false"),
        ("insights_less", "abc | #3000", "false"),
        ("insights_equal", "~ | x", "false"),
        ("insights_not_equal", "~ | x", "false"),
        ("insights_not_equal", "~ | #1", "false"),
        ("insights_not_equal", "~ | ~", "false"),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("datefloor", "@2026-11-22T13:47:05Z | 5m", "2026-11-22 13:45:00.000"),
        ("dateceil", "@2026-11-22T13:47:05Z | 1h", "2026-11-22 14:00:00.000"),
        ("dateceil", "@2026-11-22T14:00:00Z | 1h", "2026-11-22 14:00:00.000"),
        ("datefloor", "%1642195111000 | 1 month", "2022-01-01 00:00:00.000"),
        ("datefloor", "2026-11-22T13:47:05+02:00 | 1d", "2026-11-22 00:00:00.000"),
        ("datefloor", "soon | 1d", "~"),
        ("bin_floor", "@2026-11-22T13:47:05Z | 300s", "2026-11-22 13:47:00.000"),
        ("fromMillis", "1642195111000", "2022-01-14 21:18:31.000"),
        ("fromMillis", "9e99", "~"),
        ("fromMillis", "%9223372036854775807", "~"),
        ("toMillis", "@2022-01-14T13:18:31-08:00", "1642195111000"),
        ("toMillis", "~", "~"),
        ("parseDate", "2026-03-29 | yyyy-MM-dd", "1774742400000"),
        ("parseDate", "2026-03-29 | yyyy-MM-dd | Europe/Rome", "1774738800000"),
        ("parseDate", "2026-03-29 02:30 | yyyy-MM-dd HH:mm | Europe/Rome", "~"), // skipped by the clock
        ("parseDate", "2026-03-29T00:00+0100 | yyyy-MM-dd'T'HH:mmZ | UTC", "1774738800000"),
        ("parseDate", "yesterday | yyyy-MM-dd", "~"),
        ("formatDate", "@2026-03-29T12:00:00Z | %Y-%m-%d", "2026-03-29"),
        ("strftime", "@2026-03-29T12:00:00Z | %H:%M %z | Europe/Rome", "14:00 +0200"),
        ("formatDate", "%0 | %s | +05:30", "0"),
        ("formatDate", "never | %Y", "~"),
    ]);
    refused("datefloor", "@2026-11-22T13:47:05Z | 5 fortnights", "takes a period such as 5m");
    refused("parseDate", "x | QQ", "takes a pattern such as yyyy-MM-dd");
    refused("formatDate", "%0 | %!", "takes a format such as");
    refused("formatDate", "%0 | %Y | Mars/Base", "takes a time zone such as");
}

#[test]
fn json() {
    check(&[
        ("json_path", r#"{"a":{"b":[1,{"c":"x"}]}} | a.b.1.c"#, "x"),
        ("json_path", r#"{"a":{"b":[1, {"c":null}]}} | a.b"#, r#"[1,{"c":null}]"#),
        ("json_path", r#"{"a":null} | a"#, "~"),
        ("json_path", "2 123 eni-1 | a", "~"),
        ("json_path", "~ | a", "~"),
        ("json_path", "[a,b] | 1", "b"),
        ("jsonParse", r#" {"a" : 1 }"#, r#"{"a":1}"#),
        ("jsonParse", "12", "~"),
        ("jsonParse", "{", "~"),
        ("jsonStringify", "[a,b]", r#"["a","b"]"#),
        ("jsonArraySize", r#"[1, [2, 3], "4"]"#, "3"),
        ("jsonArraySize", "[a,b]", "2"),
        ("jsonArraySize", "{}", "~"),
        ("jsonArraySize", "~", "~"),
        ("jsonArrayContains", r#"["admin","ops"] | admin"#, "true"),
        ("jsonArrayContains", r#"["admin","ops"] | Admin"#, "false"),
        ("jsonArrayContains", "[1,2] | %2", "true"),
        ("jsonArrayContains", "{} | 1", "false"),
        ("jsonArrayContains", "~ | 1", "false"),
    ]);
}

#[test]
fn addresses() {
    check(&[
        ("isValidIp", "::1", "true"),
        ("isValidIp", "AWS Internal", "false"),
        ("isValidIpV4", "::1", "false"),
        ("isValidIpV6", "::1", "true"),
        ("isIpInSubnet", "10.1.2.3 | 10.0.0.0/8", "true"),
        ("isIpInSubnet", "2001:db8::5 | 2001:db8::/32", "true"),
        ("isIpInSubnet", "~ | 10.0.0.0/8", "false"),
        ("isIpv4InSubnet", "2001:db8::5 | 2001:db8::/32", "false"),
        ("isIpv6InSubnet", "2001:db8::5 | 2001:db8::/32", "true"),
        ("cidr_contains", "10.0.0.0/8 | 10.1.2.3", "true"),
        ("ipv4ToNumber", "10.0.0.1", "167772161"),
        ("ipv4ToNumber", "::1", "~"),
        ("isPrivateIP", "192.168.0.1", "true"),
        ("isPrivateIP", "8.8.8.8", "false"),
        ("isPublicIP", "8.8.8.8", "true"),
        ("isPublicIP", "x", "false"),
        ("isReservedIP", "169.254.169.254", "true"),
    ]);
    refused("isIpInSubnet", "10.1.2.3 | 10.0.0.0/33", "it should look like 10.0.0.0/8");
}

#[test]
fn texts() {
    check(&[
        ("isempty", "~", "1"),
        ("isempty", "", "1"),
        ("isempty", "a", "0"),
        ("isblank", "\t\u{a0}", "1"),
        ("isblank", "a", "0"),
        ("concat", "a | #1 | ?true", "a1true"),
        ("concat", "a | ~", "~"),
        ("ltrim", "\t a ", "a"),
        ("ltrim", "xyZxyfooxyZ | xyZ", "fooxyZ"),
        ("rtrim", "xyZfooxyxyZ | xyZ", "xyZfoo"),
        ("trim", "xyZxyfooxyxyZ | xyZ", "foo"),
        ("trim", "~ | x", "~"),
        ("strlen", "né😀", "3"),
        ("strlen", "#12.5", "4"),
        ("toupper", "straße", "STRASSE"),
        ("tolower", "ÀB", "àb"),
        ("substr", "xyZfooxyZ | %3 | %3", "foo"),
        ("substr", "né😀x | %1", "é😀x"),
        ("substr", "abc | %9", ""),
        ("substr", "abc | #-1 | #1e300", "abc"),
        ("substr", "abc | x", "~"),
        ("replace", "smoke_test_smoke | smoke | S", "S_test_S"),
        ("replace", "abc |  | x", "abc"),
        ("regexReplace", r"user=alice id=7 | (\w+)=(\w+) | \2:$1x", "alice:userx 7:idx"),
        ("regexReplace", "a.b | [.] | $$", "a$b"),
        ("strcontains", "Access Denied | Denied", "1"),
        ("strcontains", "Access Denied | denied", "0"),
        ("strcontains", "Access Denied | denied | ?true", "1"),
        ("strcontains", "~ | denied", "0"),
        ("startsWith", "abc | ab", "1"),
        ("endsWith", "abc | ab", "0"),
        ("split", "a,b,,c | ,", r#"["a","b","","c"]"#),
        ("split", "abc | ", r#"["abc"]"#),
        ("split", "~ | ,", "~"),
        ("insights_like", "abc | b", "true"),
        ("insights_like", "~ | b", "false"),
        ("insights_matches", "Denied | (?i)^den", "true"),
        ("insights_matches", "~ | .", "false"),
    ]);
}

#[test]
fn a_hostile_regular_expression_is_refused_or_runs_in_linear_time() {
    refused("insights_matches", "a | (", "cannot use /(/");
    refused("insights_matches", "a | (a{1,1000}){1,1000}", "cannot use /");
    refused(
        "regexReplace",
        &format!("a | {}a{} | b", "(".repeat(300), ")".repeat(300)),
        "cannot use /",
    );
    let long = "a".repeat(200_000);
    check(&[("insights_matches", &format!("{long} | ^(a+)+$"), "true")]);
    check(&[("insights_matches", &format!("{long}b | ^(a+)+$"), "false")]);
}

#[test]
fn encodings_and_hashes() {
    check(&[
        ("urlencode", "a b/ü", "a%20b%2F%C3%BC"),
        ("urldecode", "a+b%2F", "a b/"),
        ("base64encode", "hi?", "aGk/"),
        ("base64decode", "aGk_", "hi?"),
        ("base64decode", "***", "~"),
        ("hexToAscii", "48656c6c6f", "Hello"),
        ("hexToDec", "0xff", "255"),
        ("hexToDec", "zz", "~"),
        ("decToHex", "%255", "0xff"),
        ("decToHex", "#-16.9", "-0x10"),
        ("decToHex", "x", "~"),
        ("md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
        ("md5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sha256", "~", "~"),
    ]);
}

#[test]
fn arns() {
    let arn = "arn:aws:iam::111122223333:user/team/alice";
    check(&[
        ("arn_partition", arn, "aws"),
        ("arn_service", arn, "iam"),
        ("arn_region", arn, "~"),
        ("arn_account", arn, "111122223333"),
        ("arn_resource", arn, "user/team/alice"),
        ("arn_resource_type", arn, "user"),
        ("arn_resource_name", arn, "team/alice"),
        ("arn_service", "no arn", "~"),
    ]);
}

#[test]
fn every_function_takes_nothing_text_and_numbers_without_failing() {
    for function in SCALARS.iter().flat_map(|(_, functions)| functions.iter()) {
        let (least, most) = function.arity;
        for count in [least, most.min(least + 2)] {
            for argument in ["~", "x\u{e9}", "#1.5", "?true", "@2026-01-01T00:00:00Z", "[a,b]", ""]
            {
                let arguments = vec![argument; count].join("|");
                // A constant that is no period, block or pattern is refused; nothing panics.
                if let Err(error) = call(function.name(), &arguments) {
                    let known = error.contains("given") || error.contains("cannot use");
                    assert!(known, "{}({arguments}): {error}", function.name());
                }
            }
        }
    }
}

#[test]
fn every_function_of_the_language_is_here_planned_or_refused_with_the_same_arguments() {
    for known in wk_lang::insights::FUNCTIONS {
        if PLANNED.contains(&known.name) || NOT_YET.contains(&known.name) {
            assert!(scalar(known.name).is_none() && aggregate(known.name).is_none());
            continue;
        }
        let arity = (known.required, known.most().unwrap_or(usize::MAX));
        for name in known.aliases.iter().chain([&known.name]) {
            let here = if known.aggregates() {
                describe_aggregate(name).map(|a| a.arity)
            } else {
                describe(name).map(|f| f.arity)
            };
            // `count(*)` and its kin may stand without arguments, which the checker decides.
            let same = here == Some(arity) || known.aggregates() && here.is_some();
            assert!(same, "{name}: {here:?}, not {arity:?}");
        }
    }
}

#[test]
fn every_sql_name_is_there_once_and_every_function_says_what_it_does() {
    let scalars = SCALARS.iter().flat_map(|(_, functions)| functions.iter());
    let mut names: Vec<&str> = scalars.clone().flat_map(|f| f.sql).copied().collect();
    names.extend(AGGREGATES.iter().flat_map(|a| a.sql));
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for function in scalars {
        assert!(function.says.ends_with('.') && !function.name().is_empty(), "{function:?}");
    }
}
