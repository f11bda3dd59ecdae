//! What to ask of each thing that an answer names.

use serde_json::{Value, json};

use super::item::Asking;
use crate::posture::members::{first_list, text};

/// One question with this parameter for each text, or for each element's member, of a list.
pub(super) fn each(page: &Value, lists: &[&str], member: &str, parameter: &str) -> Vec<Asking> {
    let things = first_list(page, lists).into_iter();
    let name = |thing: &Value| match member {
        "" => thing.as_str().map(str::to_owned),
        member => text(thing, member).map(str::to_owned),
    };
    let names = things.into_iter().filter_map(name);
    names.map(|name| asking(json!({ parameter: name }))).collect()
}

/// A question in the region of the other answer.
pub(super) fn asking(parameters: Value) -> Asking {
    Asking { parameters, region: None }
}

/// The texts of a list in groups of at most so many, each as one list parameter.
pub(super) fn grouped(texts: &[&str], at_once: usize, parameter: &str) -> Vec<Value> {
    texts.chunks(at_once.max(1)).map(|some| json!({ parameter: some })).collect()
}
