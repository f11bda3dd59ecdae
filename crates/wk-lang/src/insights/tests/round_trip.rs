//! A query, printed and read again, is the same but for places.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use crate::insights::ast::*;
use crate::insights::parse;

/// The query without places: as the debug text, in which every span is taken out.
fn placeless(query: &Query) -> String {
    static PLACES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap());
    PLACES.replace_all(&format!("{query:?}"), "-").into_owned()
}

fn at<T>(node: T) -> At<T> {
    At { node, span: Span::default() }
}

fn boxed(node: Expr) -> Box<At<Expr>> {
    Box::new(at(node))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z@_][a-zA-Z0-9_@]{0,4}(\\.[a-z0-9]{1,3}){0,2}",
        1 => prop::sample::select(vec!["by", "as", "not", "in", "like", "true", "5xx", "a-b", "a..b", "é", "desc", "any", "for", "m"])
            .prop_map(str::to_owned),
    ]
}

fn named() -> impl Strategy<Value = At<String>> {
    name().prop_map(at)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z*/\\\\\"'|#\\n\\t ]{0,8}", "\\PC{0,4}"]
}

fn pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a/b", "(?i)x|y", r"\d+\.", "[/|]", "[^]/]#", r"\[", "a\nb", "", r"\\", "'\"`", "{\"a\":",
    ])
    .prop_map(str::to_owned)
}

fn duration() -> impl Strategy<Value = Duration> {
    let units = [
        Unit::Millisecond,
        Unit::Second,
        Unit::Minute,
        Unit::Hour,
        Unit::Day,
        Unit::Week,
        Unit::Month,
        Unit::Quarter,
        Unit::Year,
    ];
    (0u64..500, prop::sample::select(units.to_vec()))
        .prop_map(|(count, unit)| Duration { count, unit })
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        6 => name().prop_map(Expr::Field),
        2 => text().prop_map(Expr::Text),
        2 => prop::sample::select(vec!["0", "12", "1.50", "2e-3", "3E+4"]).prop_map(|n| Expr::Number(n.into())),
        1 => any::<bool>().prop_map(Expr::Bool),
        1 => Just(Expr::Null),
        1 => duration().prop_map(Expr::Duration),
        1 => pattern().prop_map(Expr::Regex),
    ]
}

fn operator() -> impl Strategy<Value = Binary> {
    use Binary::*;
    prop::sample::select(vec![
        Or,
        And,
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        Add,
        Subtract,
        Multiply,
        Divide,
        Power,
        Remainder,
        Or,
        And,
    ])
}

fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        let values = prop::collection::vec(inner.clone().prop_map(at), 0..4);
        prop_oneof![
            4 => (inner.clone(), operator(), inner.clone())
                .prop_map(|(a, op, b)| Expr::Binary(boxed(a), op, boxed(b))),
            1 => (any::<bool>(), inner.clone()).prop_map(|(not, a)| {
                Expr::Unary(if not { Unary::Not } else { Unary::Minus }, boxed(a))
            }),
            1 => (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(value, pattern, negated)| {
                Expr::Like { value: boxed(value), pattern: boxed(pattern), negated }
            }),
            1 => (inner.clone(), values.clone(), any::<bool>()).prop_map(|(value, list, negated)| {
                Expr::In { value: boxed(value), list: InList::Values(list), negated }
            }),
            1 => (inner.clone(), name(), any::<bool>()).prop_map(|(value, field, negated)| {
                let commands = vec![at(Command::Fields(vec![shown(Expr::Field(field), None)]))];
                let query = at(Query { source: None, commands });
                Expr::In { value: boxed(value), list: InList::Query(Box::new(query)), negated }
            }),
            2 => (named(), values).prop_map(|(name, arguments)| Expr::Call { name, arguments }),
            1 => (inner.clone(), inner).prop_map(|(a, b)| Expr::Index(boxed(a), boxed(b))),
        ]
    })
}

fn value() -> impl Strategy<Value = At<Expr>> {
    expr().prop_map(at)
}

fn shown(value: Expr, name: Option<At<String>>) -> Output {
    Output { value: at(value), name }
}

fn outputs() -> impl Strategy<Value = Vec<Output>> {
    let output = (expr(), prop::option::of(named())).prop_map(|(value, name)| shown(value, name));
    prop::collection::vec(output, 1..3)
}

fn template() -> impl Strategy<Value = Template> {
    let glob = prop::collection::vec((text(), named()), 0..3).prop_flat_map(|parts| {
        text().prop_map(move |last| {
            let (mut pieces, names): (Vec<_>, Vec<_>) = parts.clone().into_iter().unzip();
            pieces.push(last);
            Template::Glob { pieces, names }
        })
    });
    let named_glob = glob.prop_filter(
        "as needs a name",
        |template| !matches!(template, Template::Glob { names, .. } if names.is_empty()),
    );
    prop_oneof![named_glob, pattern().prop_map(Template::Regex)]
}

fn lookup() -> impl Strategy<Value = Lookup> {
    let key = (named(), name()).prop_map(|(column, field)| (column, at(Expr::Field(field))));
    let outputs = prop::collection::vec((named(), prop::option::of(named())), 0..3);
    (text(), key, outputs, any::<bool>()).prop_map(|(table, key, outputs, keep)| Lookup {
        table: at(table),
        keys: vec![key],
        keep_present: keep && !outputs.is_empty(),
        outputs,
    })
}

fn join() -> impl Strategy<Value = Join> {
    let right = command().prop_map(|command| Query { source: None, commands: vec![at(command)] });
    (any::<bool>(), name(), name(), right).prop_map(|(left, a, b, right)| Join {
        left,
        left_alias: Some(at("l".into())),
        right_alias: Some(at("r".into())),
        on: vec![(at(Expr::Field(format!("l.{a}"))), at(Expr::Field(format!("r.{b}"))))],
        right: at(right),
    })
}

fn command() -> impl Strategy<Value = Command> {
    let keys = prop::collection::vec((value(), any::<bool>()), 1..3);
    let stats = (outputs(), prop::option::of(outputs()), prop::option::of(duration()));
    prop_oneof![
        outputs().prop_map(Command::Fields),
        outputs().prop_map(Command::Display),
        value().prop_map(Command::Filter),
        value().prop_map(Command::FilterIndex),
        stats.prop_map(|(outputs, by, offset)| Command::Stats(Stats {
            outputs,
            by: by.unwrap_or_default(),
            offset: offset.map(at),
        })),
        keys.prop_map(|keys| {
            let key = |(value, descending)| SortKey { value, descending };
            Command::Sort(keys.into_iter().map(key).collect())
        }),
        (any::<u64>(), any::<bool>()).prop_map(|(rows, any)| Command::Limit(Limit { rows, any })),
        any::<u64>().prop_map(|rows| Command::Tail { rows }),
        (value(), template()).prop_map(|(from, by)| Command::Parse(Parse { from, by: at(by) })),
        prop::collection::vec(value(), 1..3).prop_map(Command::Dedup),
        value().prop_map(Command::Pattern),
        prop::sample::select(vec![Period::Same, Period::Day, Period::Week, Period::Month])
            .prop_map(Command::Diff),
        (value(), named()).prop_map(|(list, into)| Command::Unnest { list, into }),
        lookup().prop_map(Command::Lookup),
        lookup().prop_map(Command::CidrLookup),
        prop::sample::select(vec!["estimate", "countFrequent", "anomaly"])
            .prop_map(|name| Command::NotYet { name }),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    let texts = || prop::collection::vec(text().prop_map(at), 0..3);
    let tag = ("[a-z]{1,3}", prop::collection::vec(text(), 0..2))
        .prop_map(|(key, values)| at(TagFilter { key, values }));
    let seconds = || prop::option::of(-5_000i64..5_000);
    let tags = prop::collection::vec(tag, 0..2);
    (texts(), texts(), texts(), texts(), tags, seconds(), seconds()).prop_map(
        |(groups, prefixes, accounts, data_sources, tags, start_s, end_s)| Source {
            groups,
            prefixes,
            accounts,
            class: None,
            data_sources,
            tags,
            start_s,
            end_s,
        },
    )
}

fn query() -> impl Strategy<Value = Query> {
    let command = prop_oneof![
        8 => command(),
        1 => join().prop_map(|join| Command::Join(Box::new(join))),
    ];
    (prop::option::of(source()), prop::collection::vec(command, 1..4)).prop_map(
        |(source, commands)| Query {
            source: source.map(at),
            commands: commands.into_iter().map(at).collect(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_printed_is_read_as_the_same(query in query()) {
        let printed = query.to_string();
        match parse(&printed) {
            Ok(read) => prop_assert_eq!(placeless(&read), placeless(&query), "{}", printed),
            Err(mistakes) => {
                let told: Vec<String> = mistakes.iter().map(|m| m.render(&printed)).collect();
                prop_assert!(false, "{}\n{}", printed, told.join("\n"));
            }
        }
    }

    #[test]
    fn chains_of_any_shape_come_back(terms in 1usize..40, extra in 0usize..3) {
        let chain = (0..terms).map(|n| format!("a{n}")).collect::<Vec<_>>().join(" and ");
        let text = format!("filter {}{chain}", "b or (c) or ".repeat(extra));
        let query = parse(&text).unwrap();
        let printed = query.to_string();
        prop_assert_eq!(&printed, &text.replace("(c)", "c"));
        prop_assert_eq!(placeless(&parse(&printed).unwrap()), placeless(&query));
    }
}
