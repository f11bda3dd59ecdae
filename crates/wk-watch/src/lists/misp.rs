//! Events of MISP: attributes, also those of objects.
//!
//! * Format: <https://www.misp-standard.org/rfc/misp-standard-core.html>. An event, a list of
//!   events, and the answers of a search (`response`) are read.
//! * An attribute is taken if it is meant for detection (`to_ids`) and not deleted.

use wk_lang::json::{Kind as Json, Tape, Value};
use wk_model::Timestamp;

use super::entry::Kind;
use super::loaded::{About, Taking};

pub(super) fn read(text: &str, taking: &mut Taking) -> Result<(), String> {
    let mut tape = Tape::new();
    let root = tape.parse(text).map_err(|defect| format!("it is not JSON: {defect}"))?;
    let root = root.get("response").unwrap_or(root);
    let mut found = false;
    match root.kind() {
        Json::Array => root.items().enumerate().for_each(|(number, item)| {
            found |= event(number + 1, item, taking);
        }),
        _ => found = event(1, root, taking),
    }
    if found { Ok(()) } else { Err("it has neither an Event nor an Attribute".to_owned()) }
}

/// Takes the attributes of an event and of its objects; says whether it is one.
fn event(number: usize, value: Value<'_>, taking: &mut Taking) -> bool {
    let event = value.get("Event").unwrap_or(value);
    let lists = event.get("Object").into_iter().flat_map(|objects| objects.items());
    let lists = std::iter::once(event).chain(lists).filter_map(|holder| holder.get("Attribute"));
    let mut found = value.get("Event").is_some();
    let mut count = 0;
    for list in lists.filter(|list| list.kind() == Json::Array) {
        found = true;
        for item in list.items() {
            count += 1;
            attribute(&|| format!("event {number}, attribute {count}"), item, taking);
        }
    }
    found
}

fn attribute(place: &dyn Fn() -> String, item: Value<'_>, taking: &mut Taking) {
    let value = item.text("value").unwrap_or_default();
    if flag(item, "deleted") == Some(true) {
        return taking.leave_out(place, &value, "is deleted");
    }
    if flag(item, "to_ids") != Some(true) {
        return taking.leave_out(place, &value, "is not meant for detection (to_ids)");
    }
    let kind = item.text("type").unwrap_or_default();
    let parts = parts(&kind, &value);
    if parts.is_empty() {
        return taking.leave_out(place, &value, "has a type that no list holds");
    }
    let until = item.text("expires").and_then(|text| Timestamp::parse(&text).ok());
    let uuid = item.text("uuid");
    let about = About { from: None, until, reference: uuid.as_deref() };
    let wanted: Vec<&(Kind, &str)> = parts.iter().filter(|(kind, _)| taking.wants(*kind)).collect();
    if wanted.is_empty() {
        taking.leave_out(place, &value, "is of another kind");
    }
    for (_, part) in wanted {
        taking.take(place, part, about);
    }
}

/// True and false are written as such, as numbers and as texts.
fn flag(item: Value<'_>, key: &str) -> Option<bool> {
    let value = item.get(key)?;
    let text = value.as_str().unwrap_or_else(|| value.raw().into());
    match &*text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// What an attribute of a type names; two things where the type says so.
fn parts<'v>(kind: &str, value: &'v str) -> Vec<(Kind, &'v str)> {
    let (first, second) = value.split_once('|').unwrap_or((value, ""));
    match kind {
        "ip-src" | "ip-dst" => vec![(Kind::Address, value)],
        "ip-src|port" | "ip-dst|port" => vec![(Kind::Address, first)],
        "domain" | "hostname" => vec![(Kind::Domain, value)],
        "hostname|port" => vec![(Kind::Domain, first)],
        "domain|ip" => vec![(Kind::Domain, first), (Kind::Address, second)],
        "url" | "uri" | "md5" | "sha1" | "sha256" | "sha512" | "user-agent" => {
            vec![(Kind::Text, value)]
        }
        "filename|md5" | "filename|sha1" | "filename|sha256" | "filename|sha512" => {
            vec![(Kind::Text, second)]
        }
        _ => Vec::new(),
    }
}
