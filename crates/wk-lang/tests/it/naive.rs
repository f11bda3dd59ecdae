//! Random rules on random events: the compiled set, its index and its prefilter must say what a
//! slow evaluator says that goes through everything.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use wk_lang::json::Tape;
use wk_lang::sigma::{LogSource, RuleSet, read_rules};

/// A rule as it is made up here.
#[derive(Debug, Clone)]
struct Made {
    searches: Vec<Search>,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Search {
    Map(Vec<Item>),
    List(Vec<Vec<Item>>),
    Keywords(Vec<String>),
}

#[derive(Debug, Clone)]
struct Item {
    field: &'static str,
    modifiers: &'static [&'static str],
    values: Vec<Json>,
}

#[derive(Debug, Clone)]
enum Condition {
    Search(usize),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Any,
    All,
}

const FIELDS: &[&str] = &["a", "b", "a.b", "a.c", "b.c.a"];
const MODIFIERS: &[&[&str]] = &[
    &[],
    &[],
    &[],
    &["contains"],
    &["startswith"],
    &["endswith"],
    &["contains", "all"],
    &["all"],
    &["cased"],
    &["contains", "cased"],
    &["neq"],
    &["contains", "neq"],
    &["re"],
    &["exists"],
    &["gt"],
    &["lte"],
    &["fieldref"],
    &["fieldref", "startswith"],
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "", "x", "X", "xy", "yx", "é", "É", "1", "1.5", "true", "k", "\u{212a}", "\"", "\\"
        ])
        .prop_map(str::to_owned),
        "[xyXY]{0,4}",
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let field = prop::sample::select(FIELDS.to_vec());
    (field, prop::sample::select(MODIFIERS.to_vec())).prop_flat_map(|(field, modifiers)| {
        let number =
            prop_oneof![(-1i64..3).prop_map(Json::from), Just(json!(1.5)), Just(json!(1.0))];
        let value: BoxedStrategy<Json> = match modifiers.first() {
            Some(&"re") => prop::sample::select(vec![
                "x", "^x", "y$", "x.y", "[^x]y", "x+y", "xy?x", "(?i)x", "é|1", "xx*yy",
            ])
            .prop_map(Json::from)
            .boxed(),
            Some(&"exists") => any::<bool>().prop_map(Json::from).boxed(),
            Some(&("gt" | "lte")) => number.boxed(),
            Some(&"fieldref") => prop::sample::select(FIELDS.to_vec()).prop_map(Json::from).boxed(),
            Some(&("contains" | "startswith" | "endswith" | "cased")) => {
                prop_oneof![text().prop_map(Json::from), "[xy*?\\\\]{1,4}".prop_map(Json::from)]
                    .boxed()
            }
            _ => prop_oneof![
                4 => text().prop_map(Json::from),
                1 => "[xy*?\\\\]{1,4}".prop_map(Json::from),
                2 => number,
                1 => any::<bool>().prop_map(Json::from),
                1 => Just(Json::Null),
            ]
            .boxed(),
        };
        let most = if modifiers.first() == Some(&"exists") { 2 } else { 9 };
        prop::collection::vec(value, 1..most).prop_map(move |values| Item {
            field,
            modifiers,
            values,
        })
    })
}

fn search() -> impl Strategy<Value = Search> {
    let items = || prop::collection::vec(item(), 1..3).prop_map(one_per_key);
    prop_oneof![
        4 => items().prop_map(Search::Map),
        2 => prop::collection::vec(items(), 1..3).prop_map(Search::List),
        1 => prop::collection::vec(text(), 1..3).prop_map(Search::Keywords),
    ]
}

/// YAML has no mapping with the same key twice.
fn one_per_key(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        if kept.iter().all(|k| (k.field, k.modifiers) != (item.field, item.modifiers)) {
            kept.push(item);
        }
    }
    kept
}

fn made() -> impl Strategy<Value = Made> {
    prop::collection::vec(search(), 1..4).prop_flat_map(|searches| {
        let leaf = prop_oneof![
            6 => (0..searches.len()).prop_map(Condition::Search),
            1 => Just(Condition::Any),
            1 => Just(Condition::All),
        ];
        let condition = leaf.prop_recursive(3, 8, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|c| Condition::Not(Box::new(c))),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b))),
                (inner.clone(), inner).prop_map(|(a, b)| Condition::Or(Box::new(a), Box::new(b))),
            ]
        });
        condition.prop_map(move |condition| Made { searches: searches.clone(), condition })
    })
}

fn event() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        6 => text().prop_map(Json::from),
        2 => (-1i64..3).prop_map(Json::from),
        1 => prop::sample::select(vec![json!(1.5), json!(1.0), json!(true), json!(false), Json::Null]),
    ];
    let value =
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
                members(inner),
            ]
        });
    members(value)
}

fn members<S: Strategy<Value = Json> + Clone + 'static>(value: S) -> impl Strategy<Value = Json> {
    let key = prop::sample::select(vec!["a", "b", "c", "a.b", "b.c"]);
    prop::collection::vec((key, value), 0..4).prop_map(|members| {
        let mut object = Map::new();
        for (key, value) in members {
            object.entry(key).or_insert(value);
        }
        Json::Object(object)
    })
}

/// The rule as YAML (JSON is YAML).
fn yaml(made: &Made) -> String {
    let items = |items: &[Item]| {
        let members = items.iter().map(|item| {
            let key =
                std::iter::once(&item.field).chain(item.modifiers).copied().collect::<Vec<_>>();
            (key.join("|"), Json::from(item.values.clone()))
        });
        Json::Object(members.collect())
    };
    let mut detection = Map::new();
    for (n, search) in made.searches.iter().enumerate() {
        let search = match search {
            Search::Map(map) => items(map),
            Search::List(list) => list.iter().map(|map| items(map)).collect(),
            Search::Keywords(words) => words.iter().cloned().map(Json::from).collect(),
        };
        detection.insert(format!("s{n}"), search);
    }
    detection.insert("condition".to_owned(), condition(&made.condition).into());
    json!({"title": "t", "logsource": {}, "detection": detection}).to_string()
}

fn condition(made: &Condition) -> String {
    match made {
        Condition::Search(n) => format!("s{n}"),
        Condition::Not(inner) => format!("not ({})", condition(inner)),
        Condition::And(a, b) => format!("({} and {})", condition(a), condition(b)),
        Condition::Or(a, b) => format!("({} or {})", condition(a), condition(b)),
        Condition::Any => "1 of them".to_owned(),
        Condition::All => "all of s*".to_owned(),
    }
}

/// The slow evaluator.
fn rule_holds(made: &Made, event: &Json) -> bool {
    let searches: Vec<bool> = made.searches.iter().map(|s| search_holds(s, event)).collect();
    condition_holds(&made.condition, &searches)
}

fn condition_holds(condition: &Condition, searches: &[bool]) -> bool {
    match condition {
        Condition::Search(n) => searches[*n],
        Condition::Not(inner) => !condition_holds(inner, searches),
        Condition::And(a, b) => condition_holds(a, searches) && condition_holds(b, searches),
        Condition::Or(a, b) => condition_holds(a, searches) || condition_holds(b, searches),
        Condition::Any => searches.contains(&true),
        Condition::All => !searches.contains(&false),
    }
}

fn search_holds(search: &Search, event: &Json) -> bool {
    match search {
        Search::Map(items) => items.iter().all(|item| item_holds(item, event)),
        Search::List(list) => list.iter().any(|items| items.iter().all(|i| item_holds(i, event))),
        Search::Keywords(words) => words.iter().any(|word| {
            texts(event)
                .iter()
                .any(|text| like(&format!("*{}*", word.replace('\\', "\\\\")), text, false))
        }),
    }
}

fn item_holds(item: &Item, event: &Json) -> bool {
    let has = |modifier| item.modifiers.contains(&modifier);
    let mut found = Vec::new();
    let path: Vec<&str> = item.field.split('.').collect();
    let present = at(event, &path, &mut found);
    let leaves: Vec<&Json> = found.into_iter().flat_map(leaves).collect();
    let holds = |value: &Json| match value {
        Json::Null => !present || leaves.iter().any(|leaf| leaf.is_null()),
        Json::Bool(wanted) if has("exists") => present == *wanted,
        _ if has("fieldref") => reference_holds(value, &leaves, has("startswith"), event),
        _ => leaves.iter().any(|leaf| value_holds(item, value, leaf)),
    };
    let holds =
        if has("all") { item.values.iter().all(holds) } else { item.values.iter().any(holds) };
    holds != has("neq")
}

fn value_holds(item: &Item, value: &Json, leaf: &Json) -> bool {
    let has = |modifier| item.modifiers.contains(&modifier);
    let parts = has("contains") || has("startswith") || has("endswith");
    let wanted = match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    if has("gt") || has("lte") {
        let number = match leaf {
            Json::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        let wanted = value.as_f64().unwrap();
        return number.is_some_and(|n: f64| if has("gt") { n > wanted } else { n <= wanted });
    }
    if value.is_number() && !parts && !has("cased") {
        return match leaf {
            Json::Number(number) => number.as_f64() == value.as_f64(),
            Json::String(text) => *text == wanted || *text == value.as_f64().unwrap().to_string(),
            _ => false,
        };
    }
    let is_plain = !parts && !has("re") && !wanted.contains(['*', '?']);
    let text = match leaf {
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) => leaf.to_string(),
        Json::Object(_) if !is_plain => leaf.to_string(),
        _ => return false,
    };
    if has("re") {
        return regex::Regex::new(&wanted).unwrap().is_match(&text);
    }
    let wanted = match (has("contains"), has("startswith"), has("endswith")) {
        (true, _, _) => format!("*{wanted}"),
        (_, _, true) => format!("*{wanted}"),
        _ => wanted,
    };
    // A star behind a backslash at the end would be escaped by it.
    like_with_tail(&wanted, &text, has("cased"), has("contains") || has("startswith"))
}

/// Whether a text of one field is, or begins with, a text of the other.
fn reference_holds(other: &Json, leaves: &[&Json], start: bool, event: &Json) -> bool {
    let mut found = Vec::new();
    let path: Vec<&str> = other.as_str().unwrap().split('.').collect();
    at(event, &path, &mut found);
    let text = |leaf: &Json| match leaf {
        Json::String(text) => Some(fold(text)),
        Json::Bool(_) | Json::Number(_) => Some(leaf.to_string()),
        _ => None,
    };
    let others: Vec<String> = found.into_iter().flat_map(self::leaves).filter_map(text).collect();
    leaves.iter().filter_map(|leaf| text(leaf)).any(|leaf| {
        others.iter().any(|other| if start { leaf.starts_with(other) } else { leaf == *other })
    })
}

/// The values at a path; whether there are any.
fn at<'j>(value: &'j Json, path: &[&str], found: &mut Vec<&'j Json>) -> bool {
    match value {
        _ if path.is_empty() => {
            found.push(value);
            true
        }
        Json::Array(items) => items.iter().filter(|item| at(item, path, found)).count() > 0,
        Json::Object(object) => (1..=path.len()).any(|n| {
            object.get(&path[..n].join(".")).is_some_and(|member| at(member, &path[n..], found))
        }),
        _ => false,
    }
}

fn leaves(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(items) => items.iter().flat_map(leaves).collect(),
        other => vec![other],
    }
}

fn texts(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        Json::Object(members) => members.values().flat_map(texts).collect(),
        _ => vec![],
    }
}

fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn like(pattern: &str, text: &str, cased: bool) -> bool {
    like_with_tail(pattern, text, cased, false)
}

/// Sigma's wildcards, by trying everything; `tail` adds a star.
fn like_with_tail(pattern: &str, text: &str, cased: bool, tail: bool) -> bool {
    let case = |text: &str| if cased { text.to_owned() } else { fold(text) };
    let mut wanted: Vec<Option<char>> = Vec::new(); // None is a star, '\0' is any character
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('*' | '?' | '\\')) => wanted.extend(chars.next().map(Some)),
            ('*', _) => wanted.push(None),
            ('?', _) => wanted.push(Some('\0')),
            _ => wanted.extend(case(&c.to_string()).chars().map(Some)),
        }
    }
    if tail {
        wanted.push(None);
    }
    let text: Vec<char> = case(text).chars().collect();
    try_all(&wanted, &text)
}

fn try_all(wanted: &[Option<char>], text: &[char]) -> bool {
    match (wanted.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((None, rest)), _) => (0..=text.len()).any(|n| try_all(rest, &text[n..])),
        (Some((Some('\0'), rest)), Some((_, text))) => try_all(rest, text),
        (Some((Some(c), rest)), Some((t, text))) => c == t && try_all(rest, text),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn compiled_rules_match_what_a_slow_evaluator_matches(
        made in prop::collection::vec(made(), 1..5),
        events in prop::collection::vec(event(), 1..6),
    ) {
        let text: Vec<String> = made.iter().map(yaml).collect();
        let reading = read_rules(&text.join("\n---\n"));
        prop_assert_eq!(&reading.errors, &[], "{:?}", text);
        let set = RuleSet::compile(&reading.rules).unwrap();
        let (mut tape, mut matching) = (Tape::new(), Vec::new());
        for event in events {
            let json = event.to_string();
            set.matches(&tape.parse(&json).unwrap(), &set.readers(&LogSource::default()), &mut matching);
            let expected: Vec<usize> =
                made.iter().enumerate().filter(|(_, m)| rule_holds(m, &event)).map(|(n, _)| n).collect();
            prop_assert_eq!(&matching, &expected, "{} on {}", text.join("\n"), json);
            prop_assert!(matching.is_empty() || set.may_match(&json), "{} on {}", text.join("\n"), json);
        }
    }
}
