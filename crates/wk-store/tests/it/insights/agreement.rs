//! Made-up queries over made-up records: the engine and the reference answer the same.
//!
//! `WATCHKEEPER_AGREEMENT_CASES=20000` asks more of them.

use serde_json::json;
use wk_lang::insights::{check, parse};

use super::engine::{answer, same, told};
use super::reference::{self, Data, Kind, Row, Value};
use crate::world::World;

/// Numbers that look random and are the same each time (SplitMix64).
pub(super) struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// One table with its records, as the lake and as the reference have them.
struct Asked {
    world: World,
    group: &'static str,
    data: Data,
    /// Fields to ask for.
    fields: &'static [&'static str],
}

const START_S: i64 = 1_763_632_800; // 2025-11-20T10:00:00Z

/// Values that a field of JSON may have, all of them troublesome.
fn anything(choices: &mut Choices) -> serde_json::Value {
    let values = [
        json!(null),
        json!(""),
        json!(" "),
        json!("a"),
        json!("b2"),
        json!("b10"),
        json!("B1"),
        json!("é€"),
        json!("7"),
        json!("07"),
        json!(" 7 "),
        json!("1.0"),
        json!("-3"),
        json!("1e2"),
        json!("true"),
        json!("null"),
        json!("NaN"),
        json!("0x10"),
        json!(0),
        json!(7),
        json!(10),
        json!(-2.5),
        json!(404),
        json!(true),
        json!(false),
        json!(["x", "y"]),
        json!({"k": 1}),
        json!("192.0.2.7"),
        json!("2025-11-20T10:00:30Z"),
    ];
    choices.of(&values)
}

fn record(choices: &mut Choices) -> serde_json::Map<String, serde_json::Value> {
    let mut record = serde_json::Map::new();
    let mut put = |name: &str, value| record.insert(name.to_owned(), value);
    if !choices.one_in(5) {
        put("a", anything(choices));
    }
    if !choices.one_in(4) {
        let many = choices.below(40);
        put("b", json!(many));
    }
    let words = ["red", "green", "blue", "Red", ""];
    put("c", json!(choices.of(&words)));
    if !choices.one_in(4) {
        put("d", json!({"e": anything(choices), "f": choices.below(3)}));
    }
    let (user, ms) = (choices.of(&["ana", "bo", "cy"]), choices.below(30));
    put("msg", json!(format!("user={user} took {ms} ms")));
    record
}

fn app_log(choices: &mut Choices) -> Asked {
    let (mut events, mut data) = (Vec::new(), Data::default());
    data.kinds.insert("@timestamp".to_owned(), Kind::Time);
    for n in 0..choices.below(30) + 1 {
        let seconds = START_S + i64::try_from(choices.below(900)).unwrap();
        let message = serde_json::Value::Object(record(choices));
        let text = message.to_string();
        events.push(json!({"id": n.to_string(), "timestamp": seconds * 1000, "message": text}));
        let mut row = Row { record: Some(message), ..Row::default() };
        row.fields.insert("@timestamp".to_owned(), Value::Time(seconds * 1_000_000));
        row.fields.insert("@message".to_owned(), Value::Text(text));
        data.rows.push(row);
    }
    let delivered = json!({"messageType": "DATA_MESSAGE", "owner": "111122223333",
        "logGroup": "/app/t", "logStream": "s", "subscriptionFilters": ["f"], "logEvents": events});
    let world = World::of(&[("applog", &delivered.to_string())]);
    let fields = &["a", "b", "c", "d.e", "d.f", "msg", "a", "nowhere", "a.0"];
    Asked { world, group: "/app/t", data, fields }
}

fn trail(choices: &mut Choices) -> Asked {
    let (mut records, mut data) = (Vec::new(), Data::default());
    data.kinds.insert("@timestamp".to_owned(), Kind::Time);
    data.kinds.insert("readOnly".to_owned(), Kind::Bool);
    for n in 0..choices.below(30) + 1 {
        let seconds = START_S + i64::try_from(choices.below(900)).unwrap();
        let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let read_only = choices.one_in(2);
        let mut event = json!({
            "eventVersion": "1.08", "eventTime": time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": choices.of(&["s3.amazonaws.com", "ec2.amazonaws.com"]),
            "eventName": choices.of(&["GetObject", "PutObject", "RunInstances"]),
            "awsRegion": "eu-west-1", "readOnly": read_only, "eventType": "AwsApiCall",
            "sourceIPAddress": choices.of(&["192.0.2.1", "10.0.0.9", "ec2.amazonaws.com"]),
            "userIdentity": {"type": "IAMUser", "arn": choices.of(&["arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:user/b"])},
            "requestParameters": {"n": anything(choices), "m": choices.below(12)},
            "eventID": format!("11111111-1111-4111-8111-{n:012}"),
            "recipientAccountId": "111122223333",
        });
        let code = choices.of(&["AccessDenied", "Client.UnauthorizedOperation", "404", ""]);
        if !code.is_empty() {
            event["errorCode"] = json!(code);
        }
        let mut row = Row { record: Some(event.clone()), ..Row::default() };
        row.fields.insert("@timestamp".to_owned(), Value::Time(seconds * 1_000_000));
        row.fields.insert("@message".to_owned(), Value::Text(event.to_string()));
        row.fields.insert("readOnly".to_owned(), Value::Bool(read_only));
        data.rows.push(row);
        records.push(event);
    }
    let world = World::of(&[("cloudtrail", &json!({"Records": records}).to_string())]);
    let fields = &[
        "eventName",
        "errorCode",
        "readOnly",
        "sourceIPAddress",
        "userIdentity.arn",
        "requestParameters.n",
        "requestParameters.m",
        "requestParameters.n.k",
    ];
    Asked { world, group: "x-cloudtrail", data, fields }
}

const FLOW: &[&str] = &["srcaddr", "dstaddr", "srcport", "dstport", "packets", "bytes", "action"];

fn flows(choices: &mut Choices) -> Asked {
    let mut text = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n".to_owned();
    let mut data = Data::default();
    data.kinds.insert("@timestamp".to_owned(), Kind::Time);
    for name in ["srcport", "dstport", "packets", "bytes"] {
        data.kinds.insert(name.to_owned(), Kind::Number);
    }
    for _ in 0..choices.below(30) + 1 {
        let seconds = START_S + i64::try_from(choices.below(900)).unwrap();
        let values = [
            choices.of(&["10.0.1.5", "10.0.1.40", "198.51.100.9", "192.0.2.1"]).to_owned(),
            choices.of(&["10.0.1.5", "10.0.1.40"]).to_owned(),
            (40_000 + choices.below(5)).to_string(),
            choices.of(&["22", "443", "3389"]).to_owned(),
            choices.below(9).to_string(),
            (choices.below(9) * 40).to_string(),
            choices.of(&["ACCEPT", "REJECT"]).to_owned(),
        ];
        let known = !choices.one_in(8);
        let shown: Vec<&str> =
            values.iter().map(|v| if known { v.as_str() } else { "-" }).collect();
        let [src, dst, sport, dport, packets, bytes, action] = shown[..] else { unreachable!() };
        let status = if known { "OK" } else { "NODATA" };
        let line = format!(
            "2 111122223333 eni-0a {src} {dst} {sport} {dport} 6 {packets} {bytes} {seconds} {} {action} {status}",
            seconds + 60
        );
        text = [text.as_str(), line.as_str(), "\n"].concat();
        let mut row = Row::default();
        row.fields.insert("@message".to_owned(), Value::Text(line));
        row.fields.insert("@timestamp".to_owned(), Value::Time(seconds * 1_000_000));
        for (name, value) in FLOW.iter().zip(&values) {
            let value = match data.kinds.get(*name) {
                _ if !known => Value::Missing,
                Some(Kind::Number) => Value::Number(value.parse().unwrap()),
                _ => Value::Text(value.clone()),
            };
            row.fields.insert((*name).to_owned(), value);
        }
        data.rows.push(row);
    }
    let world = World::of(&[("vpcflow", &text)]);
    Asked { world, group: "/aws/vpc/flow", data, fields: FLOW }
}

/// A query that is being made: what can be named at this point.
struct Maker<'c> {
    choices: &'c mut Choices,
    names: Vec<String>,
    made: usize,
}

impl Maker<'_> {
    fn name(&mut self) -> String {
        let name = self.choices.of(&self.names);
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._".contains(&b));
        if plain { name } else { format!("`{name}`") }
    }

    fn new_name(&mut self) -> String {
        self.made += 1;
        format!("x{}", self.made)
    }

    fn constant(&mut self) -> String {
        let constants = [
            "7",
            "0",
            "10",
            "404",
            "-3",
            "2.5",
            "'7'",
            "'07'",
            "' 7'",
            "'a'",
            "'b2'",
            "'red'",
            "''",
            "true",
            "false",
            "'true'",
            "null",
            "'é€'",
            "'1.0'",
            "'GetObject'",
            "443",
            "'AccessDenied'",
        ];
        self.choices.of(&constants).to_owned()
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.choices.one_in(3) {
            return if self.choices.one_in(3) {
                self.choices.of(&["0", "1", "3", "2.5", "-4", "100"]).to_owned()
            } else {
                self.name()
            };
        }
        let deeper = depth - 1;
        match self.choices.below(12) {
            0..=4 => {
                let sign = self.choices.of(&["+", "-", "*", "/", "%"]);
                format!("({} {sign} {})", self.number(deeper), self.number(deeper))
            }
            5 => format!("strlen({})", self.text(deeper)),
            6 => {
                let name = self
                    .choices
                    .of(&["abs", "ceil", "floor", "sqrt", "round", "toNumber", "toInt"]);
                format!("{name}({})", self.number(deeper))
            }
            7 => format!("greatest({}, {})", self.number(deeper), self.number(deeper)),
            8 => format!("least({}, {})", self.number(deeper), self.number(deeper)),
            9 => format!("isEmpty({})", self.value(deeper)),
            10 => format!("strcontains({}, {})", self.text(deeper), self.text(deeper)),
            _ => format!("-({})", self.number(deeper)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 || self.choices.one_in(3) {
            return if self.choices.one_in(4) {
                self.choices.of(&["'a'", "'7'", "'e'", "' x '", "''"]).to_owned()
            } else {
                self.name()
            };
        }
        let deeper = depth - 1;
        match self.choices.below(7) {
            0 => format!("concat({}, {})", self.text(deeper), self.text(deeper)),
            1 => format!("toupper({})", self.text(deeper)),
            2 => format!("tolower({})", self.text(deeper)),
            3 => format!("substr({}, {})", self.text(deeper), self.choices.below(4)),
            4 => format!("substr({}, {}, 2)", self.text(deeper), self.choices.below(4)),
            5 => format!("replace({}, 'e', {})", self.text(deeper), self.text(deeper)),
            _ => format!("trim({})", self.text(deeper)),
        }
    }

    fn value(&mut self, depth: usize) -> String {
        if depth == 0 {
            return if self.choices.one_in(3) { self.constant() } else { self.name() };
        }
        let deeper = depth - 1;
        match self.choices.below(9) {
            0 | 1 => self.number(depth),
            2 | 3 => self.text(depth),
            4 => format!("coalesce({}, {})", self.value(deeper), self.value(deeper)),
            5 => format!(
                "if({}, {}, {})",
                self.condition(deeper),
                self.value(deeper),
                self.value(deeper)
            ),
            6 => format!(
                "case({}, {}, {}, {})",
                self.condition(deeper),
                self.value(deeper),
                self.condition(deeper),
                self.value(deeper)
            ),
            7 => format!("({})", self.condition(deeper)),
            _ => self.name(),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let deeper = depth.saturating_sub(1);
        match self.choices.below(if depth == 0 { 7 } else { 11 }) {
            0..=2 => {
                let sign = self.choices.of(&["=", "!=", "<", "<=", ">", ">="]);
                format!("{} {sign} {}", self.value(deeper), self.value(deeper))
            }
            3 => {
                let sign = self.choices.of(&["=", "!=", "<", "<=", ">", ">=", "=="]);
                format!("{} {sign} {}", self.name(), self.constant())
            }
            4 => {
                let pattern = self.choices.of(&[
                    "'e'",
                    "''",
                    "'7'",
                    "/^[a-r]/",
                    "/7/",
                    "/^re/",
                    "/(?i)RED|b/",
                    "/./",
                    "/[0-9]+$/",
                ]);
                let like = self.choices.of(&["like", "not like"]);
                format!("{} {like} {pattern}", self.text(deeper))
            }
            5 => {
                let many = self.choices.below(4) + 1;
                let list: Vec<String> = (0..many).map(|_| self.constant()).collect();
                let among = self.choices.of(&["in", "not in"]);
                format!("{} {among} [{}]", self.value(deeper), list.join(", "))
            }
            6 => {
                let test = self.choices.of(&["ispresent", "isNumeric", "isValidIp", "isPrivateIP"]);
                format!("{test}({})", self.name())
            }
            7 => format!("({} and {})", self.condition(deeper), self.condition(deeper)),
            8 => format!("({} or {})", self.condition(deeper), self.condition(deeper)),
            9 => format!("not ({})", self.condition(deeper)),
            _ => self.value(deeper),
        }
    }

    fn aggregate(&mut self) -> String {
        let of = if self.choices.one_in(2) { self.name() } else { self.value(2) };
        let number = if self.choices.one_in(2) { self.name() } else { self.number(2) };
        match self.choices.below(15) {
            0 => "count(*)".to_owned(),
            1 => format!("count({of})"),
            2 => format!("count_distinct({of})"),
            3 => format!("sum({number})"),
            4 => format!("avg({number})"),
            5 => format!("min({of})"),
            6 => format!("max({of})"),
            7 => format!("pct({number}, {})", self.choices.of(&["0", "50", "90", "99.9", "100"])),
            8 => format!("stddev({number})"),
            9 => format!("sortsFirst({of})"),
            10 => format!("sortsLast({of})"),
            11 => format!("values({of})"),
            12 => format!("sum({})", self.condition(1)),
            13 => format!("count(*) * 100 / (count({of}) + 1)"),
            _ => format!("max({number}) - min({number})"),
        }
    }

    /// `stats`; what can be named behind it are its results.
    fn stats(&mut self, records: bool) -> String {
        let mut outputs = Vec::new();
        let mut names = Vec::new();
        for _ in 0..=self.choices.below(3) {
            let mut aggregate = self.aggregate();
            if records && self.choices.one_in(6) {
                let name = self.choices.of(&["earliest", "latest"]);
                aggregate = format!("{name}({})", self.name());
            }
            let name = self.new_name();
            outputs.push(format!("{aggregate} as {name}"));
            names.push(name);
        }
        let mut keys = Vec::new();
        for _ in 0..self.choices.below(3) {
            let key = match self.choices.below(5) {
                0 if records => self
                    .choices
                    .of(&["bin(1m)", "bin(5m)", "bin(90s)", "datefloor(@timestamp, 1h)"])
                    .to_owned(),
                1 => self.value(1),
                _ => self.name(),
            };
            let name = self.new_name();
            keys.push(format!("{key} as {name}"));
            names.push(name);
        }
        self.names = names;
        let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
        format!("stats {}{by}", outputs.join(", "))
    }

    fn query(&mut self, group: &str) -> String {
        let mut commands = vec![format!("SOURCE '{group}'")];
        let mut records = true;
        for _ in 0..=self.choices.below(5) {
            let command = match self.choices.below(12) {
                0..=2 => format!("filter {}", self.condition(3)),
                3 | 4 => {
                    let (value, name) = (self.value(3), self.new_name());
                    self.names.push(name.clone());
                    format!("fields {value} as {name}")
                }
                5 if records => {
                    let (a, b) = (self.new_name(), self.new_name());
                    self.names.extend([a.clone(), b.clone()]);
                    let from =
                        if self.choices.one_in(3) { self.name() } else { "@message".to_owned() };
                    match self.choices.below(3) {
                        0 => format!("parse {from} 'user=* took * ms' as {a}, {b}"),
                        1 => format!("parse {from} '*e*' as {a}, {b}"),
                        _ => format!("parse {from} /(?<{a}>[a-z]+)=?(?<{b}>[0-9]+)?/"),
                    }
                }
                6 | 7 => {
                    let descending = self.choices.of(&["", " asc", " desc"]);
                    let more = if self.choices.one_in(2) {
                        String::new()
                    } else {
                        format!(", {} desc", self.name())
                    };
                    let key = if self.choices.one_in(3) { self.value(2) } else { self.name() };
                    format!("sort {key}{descending}{more}")
                }
                8 => format!("limit {}", self.choices.below(12) + 1),
                9 => format!("dedup {}", self.name()),
                10 => {
                    let stats = self.stats(records);
                    records = false;
                    stats
                }
                _ => continue,
            };
            commands.push(command);
        }
        if self.choices.one_in(3) {
            commands.push(self.stats(records));
        }
        let shown: Vec<String> = (0..3).map(|_| self.name()).collect();
        commands.push(format!("display {}", shown.join(", ")));
        commands.join(" | ")
    }
}

/// A query in the form in which it is printed, or why it is none.
fn printed(text: &str) -> Result<String, String> {
    let told = |mistakes: Vec<wk_lang::insights::Mistake>| mistakes[0].render(text);
    let query = parse(text).map_err(told)?;
    let mistakes = check(text, &query).mistakes;
    if mistakes.is_empty() { Ok(query.to_string()) } else { Err(told(mistakes)) }
}

#[test]
fn made_up_queries_are_answered_as_the_reference_answers_them() {
    #[expect(clippy::disallowed_methods, reason = "how long the test is")]
    let cases = std::env::var("WATCHKEEPER_AGREEMENT_CASES").ok().and_then(|n| n.parse().ok());
    let cases: usize = cases.unwrap_or(240);
    let (mut differ, mut refused, mut rows) = (Vec::new(), 0_usize, 0_usize);
    let mut asked: Vec<Asked> = Vec::new();
    for case in 0..cases {
        let mut choices = Choices(u64::try_from(case).unwrap());
        if case % 60 == 0 {
            asked = vec![app_log(&mut choices), trail(&mut choices), flows(&mut choices)];
        }
        let Asked { world, group, data, fields } = &asked[case % 3];
        let mut names: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
        names.push("@timestamp".to_owned());
        let mut maker = Maker { choices: &mut choices, names, made: 0 };
        let text = maker.query(group);
        let Ok(text) = printed(&text) else {
            refused += 1;
            continue;
        };
        let query = parse(&text).unwrap_or_else(|mistakes| panic!("{}", mistakes[0].render(&text)));
        let reference = reference::answer(&text, &query, data);
        let engine = answer(world, &text);
        rows += reference.rows.len();
        if !engine.as_ref().is_ok_and(|engine| same(engine, &reference)) {
            differ.push(told(&text, &engine, &reference));
            if differ.len() == 25 {
                break;
            }
        }
    }
    differ.sort_by_key(String::len);
    assert!(differ.is_empty(), "{} of {cases} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(refused * 5 < cases, "{refused} of {cases} queries are none");
    assert!(rows > cases, "{cases} queries have {rows} rows");
}
