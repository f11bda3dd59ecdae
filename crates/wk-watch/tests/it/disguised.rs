//! The logs of attack techniques with everything changed that says whose they are: times, accounts,
//! keys, names, addresses, marks of the tool. Behaviour is what must be left, and the same rules must
//! see it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use wk_model::{Sha256, Timestamp};
use wk_watch::detect::Detections;

use crate::files;
use crate::pack::Watch;

/// How much later everything happens: 217 days, 5 hours and 13 minutes.
const LATER: i64 = 217 * 86_400 + 5 * 3_600 + 13 * 60;
/// Words of the tools that made the logs, and what stands there instead.
const MARKS: [(&str, &str); 5] = [
    ("stratus-red-team", "orchard-blue-moss"),
    ("stratus", "orchard"),
    ("red-team", "blue-moss"),
    ("terraform", "tidewater"),
    ("malicious", "ordinary"),
];

#[derive(Default)]
struct Disguise {
    /// Names of users, with what they are called instead.
    names: BTreeMap<String, String>,
}

/// Some digits or letters that depend on a text only.
fn made_of(text: &str, many: usize, alphabet: &str) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let digest = Sha256::of(text.as_bytes()).0;
    digest.iter().cycle().take(many).map(|b| letters[usize::from(*b) % letters.len()]).collect()
}

/// Runs of letters and digits are given to `change`, everything else stays.
fn by_word(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        out.push_str(&change(&word).unwrap_or_else(|| word.clone()));
        word.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

/// Account numbers, access keys and ids of principals.
fn other_word(word: &str) -> Option<String> {
    let digits = word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit());
    if digits {
        return Some(made_of(word, 12, "123456789"));
    }
    let kinds = ["AKIA", "ASIA", "AIDA", "AROA"];
    let kind = kinds.iter().find(|kind| word.starts_with(**kind))?;
    (word.len() >= 20).then(|| {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        [kind, made_of(word, word.len() - 4, letters).as_str()].concat()
    })
}

impl Disguise {
    fn learn(&mut self, record: &Value) {
        let user = &record["userIdentity"];
        if user["type"] == "IAMUser"
            && let Some(name) = user["userName"].as_str()
        {
            let instead = ["person-", &made_of(name, 6, "abcdefghijklm")].concat();
            self.names.insert(name.to_owned(), instead);
        }
    }

    fn text(&self, key: &str, text: &str) -> String {
        if let Ok(at) = Timestamp::parse(text) {
            return at.plus_seconds(LATER).to_string();
        }
        if key == "sourceIPAddress" && text.parse::<IpAddr>().is_ok() {
            let byte = |place: usize| Sha256::of(text.as_bytes()).0[place] % 200 + 1;
            return Ipv4Addr::new(81, byte(0), byte(1), byte(2)).to_string();
        }
        if key == "userAgent" && !text.contains(".amazonaws.com") && !text.contains("Console") {
            return "Boto3/1.34.51 md/Botocore#1.34.51".to_owned();
        }
        let mut text = text.to_owned();
        for (name, instead) in &self.names {
            text = text.replace(name, instead);
        }
        for (mark, instead) in MARKS {
            text = text.replace(mark, instead);
        }
        by_word(&text, other_word)
    }

    fn change(&self, key: &str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(key, text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.change(key, item)),
            Value::Object(members) => {
                members.iter_mut().for_each(|(key, value)| self.change(key, value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn records(mut whole: Value) -> Vec<Value> {
    match &mut whole {
        Value::Array(items) => std::mem::take(items),
        Value::Object(members) => match members.remove("Records") {
            Some(Value::Array(items)) => items,
            _ => vec![whole],
        },
        _ => Vec::new(),
    }
}

fn disguised(text: &[u8]) -> Vec<u8> {
    let mut records = records(serde_json::from_slice(text).unwrap());
    let mut disguise = Disguise::default();
    records.iter().for_each(|record| disguise.learn(record));
    for record in &mut records {
        disguise.change("", record);
        // Identities are as they were: each event is one event still.
        let id = record["eventID"].as_str().unwrap_or_default().to_owned();
        record["eventID"] = [
            &made_of(&id, 8, "0123456789abcdef"),
            "-0000-4000-8000-",
            &made_of(&id, 12, "0123456789abcdef"),
        ]
        .concat()
        .into();
    }
    serde_json::to_vec(&Value::Array(records)).unwrap()
}

#[test]
fn the_same_rules_see_every_technique_when_all_that_names_its_maker_is_changed() {
    let pack = Detections::built_in().unwrap();
    let fired = |bytes: &[u8]| -> BTreeMap<String, usize> {
        let mut watch = Watch::new(&pack);
        watch.read_bytes("log.json", bytes);
        let named = |(rule, count): (&usize, &usize)| (pack.rules()[*rule].file.clone(), *count);
        watch.rules.iter().map(named).collect()
    };
    let mut changed = BTreeSet::new();
    for path in files("cloudtrail/stratus-per-technique") {
        let plain = std::fs::read(&path).unwrap();
        let other = disguised(&plain);
        let text = String::from_utf8(other.clone()).unwrap();
        assert!(!text.contains("stratus") && !text.contains("AKIAIOSF"), "{}", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if fired(&plain) != fired(&other) {
            changed.insert(format!("{name}: {:?} became {:?}", fired(&plain), fired(&other)));
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}
