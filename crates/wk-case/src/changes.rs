//! What changed between two times, from configuration items.
//!
//! * The state at a time is the newest item up to it. Both states are compared, and where they are
//!   the same, whether something lay between: what was opened and closed again is a change.
//! * Without an item from before, nobody can say what was there: the resource is *first recorded*,
//!   unless the item itself says that it was created in between.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wk_model::Timestamp;

/// What makes two items be of the same resource: account, region, type, id.
pub type ResourceKey = (String, String, String, String);

/// One configuration item without its bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// When it was recorded.
    pub time: Timestamp,
    /// Orders items of the same time.
    pub state_id: String,
    /// Whether the resource is gone.
    pub deleted: bool,
    /// Whether Config first saw the resource by it.
    pub discovered: bool,
    /// When the resource was made.
    pub created: Option<Timestamp>,
    /// Digest of all that is compared; equal means nothing changed.
    pub content: u128,
    /// Finds the whole item again: object and place in it.
    pub row: String,
}

/// The items of a resource that matter: the newest before the span, and those in it that say
/// something new.
#[derive(Debug, Clone, Default)]
pub struct History {
    before: Option<Item>,
    within: Vec<Item>,
    left_out: u64,
}

/// Items of one resource within the span that are kept apart.
const ITEMS_MAX: usize = 200;

/// What became of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It was made.
    Created,
    /// It is gone.
    Deleted,
    /// It was made and is gone again.
    CreatedAndDeleted,
    /// It is other than before.
    Changed,
    /// It was other for a while and is as before.
    ChangedAndBack,
    /// There is no item from before to compare with.
    FirstRecorded,
}

impl Became {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::CreatedAndDeleted => "created and deleted",
            Self::Changed => "changed",
            Self::ChangedAndBack => "changed and changed back",
            Self::FirstRecorded => "first recorded",
        }
    }
}

/// A change of a resource: what became of it, and which two items show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// What became of it.
    pub became: Became,
    /// The item before.
    pub from: Option<&'a Item>,
    /// The item after; for what was changed back, the first that was other.
    pub to: &'a Item,
    /// Items in the span that differ from the one before them.
    pub steps: usize,
    /// Items that were too many to be kept apart.
    pub left_out: u64,
}

impl History {
    /// Adds an item recorded up to the end of the span, in any order.
    pub fn add(&mut self, item: Item, begin: Timestamp) {
        let order = |i: &Item| (i.time, i.state_id.clone(), i.row.clone());
        if item.time <= begin {
            if self.before.as_ref().is_none_or(|b| order(b) < order(&item)) {
                self.before = Some(item);
            }
            return;
        }
        let place = self.within.partition_point(|i| order(i) < order(&item));
        // Of items that say the same one after the other, the first is enough.
        let same = |i: Option<&Item>| {
            i.is_some_and(|i| i.content == item.content && i.deleted == item.deleted)
        };
        if same(place.checked_sub(1).and_then(|p| self.within.get(p))) {
            return;
        }
        if same(self.within.get(place)) {
            self.within[place] = item;
        } else if self.within.len() < ITEMS_MAX {
            self.within.insert(place, item);
        } else {
            self.left_out += 1;
        }
    }

    /// What became of the resource; `None` if nothing.
    pub fn change(&self, begin: Timestamp) -> Option<Change<'_>> {
        let last = self.within.last()?;
        let mut before = self.before.as_ref();
        let steps = self
            .within
            .iter()
            .filter(|item| {
                let differs =
                    before.is_none_or(|b| b.content != item.content || b.deleted != item.deleted);
                before = Some(item);
                differs
            })
            .count();
        let there = self.before.as_ref().filter(|b| !b.deleted);
        let first = self.within.first()?;
        let is_new = self.before.is_some()
            || first.discovered
            || first.created.is_some_and(|made| made > begin);
        let (became, to) = match (there, last.deleted) {
            (Some(_), true) => (Became::Deleted, last),
            (Some(b), false) if b.content != last.content => (Became::Changed, last),
            (Some(b), false) => {
                let other = self.within.iter().find(|i| i.deleted || i.content != b.content)?;
                (Became::ChangedAndBack, other)
            }
            (None, true) if self.before.is_some() && steps == 0 => return None,
            (None, true) if self.within.len() == 1 => (Became::Deleted, last),
            (None, true) => (Became::CreatedAndDeleted, last),
            (None, false) if is_new => (Became::Created, last),
            (None, false) => (Became::FirstRecorded, last),
        };
        let from = match became {
            Became::CreatedAndDeleted => self.within.iter().rev().find(|i| !i.deleted),
            _ => there,
        };
        Some(Change { became, from, to, steps, left_out: self.left_out })
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where: `configuration.ipPermissions[0].fromPort`; `[+]` and `[-]` are elements of a list
    /// that came and went.
    pub path: String,
    /// The value before.
    pub from: Option<Value>,
    /// The value after.
    pub to: Option<Value>,
}

/// Fields that differ, as many as are kept, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// In the order of their paths.
    pub fields: Vec<Difference>,
    /// How many more there are.
    pub more: usize,
}

/// Fields of one resource that are listed.
const FIELDS_MAX: usize = 100;
/// Letters of a path.
const PATH_MAX: usize = 300;

/// What differs between two values. Order of members and of elements in a list does not count.
pub fn differences(from: &Value, to: &Value) -> Differences {
    let mut found = Differences::default();
    compare("", from, to, &mut found);
    found
}

/// The same value with members and elements in one order, texts that hold JSON opened, and what is
/// empty left out: two values are the same if these are equal.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> = members
                .iter()
                .map(|(name, value)| (name, canonical(value)))
                .filter(|(_, value)| !is_nothing(value))
                .collect();
            Value::Object(sorted.into_iter().map(|(n, v)| (n.clone(), v)).collect::<Map<_, _>>())
        }
        Value::Array(elements) => {
            let mut all: Vec<Value> = elements.iter().map(canonical).collect();
            all.sort_by_cached_key(ToString::to_string);
            Value::Array(all)
        }
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).map_or_else(|_| value.clone(), |inner| canonical(&inner))
        }
        other => other.clone(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

fn compare(path: &str, from: &Value, to: &Value, found: &mut Differences) {
    match (from, to) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match (a.get(name), b.get(name)) {
                    (Some(from), Some(to)) => compare(&below, from, to, found),
                    (from, to) => found.add(&below, from, to),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => lists(path, a, b, found),
        (from, to) if from == to => {}
        (from, to) => found.add(path, Some(from), Some(to)),
    }
}

/// Elements that came and went; where one went and one came, what differs in it.
fn lists(path: &str, from: &[Value], to: &[Value], found: &mut Differences) {
    let mut counts: BTreeMap<String, (i64, &Value)> = BTreeMap::new();
    for (elements, by) in [(from, -1), (to, 1)] {
        for element in elements {
            counts.entry(element.to_string()).or_insert((0, element)).0 += by;
        }
    }
    let gone: Vec<&Value> = counts.values().filter(|(n, _)| *n < 0).map(|(_, v)| *v).collect();
    let came: Vec<&Value> = counts.values().filter(|(n, _)| *n > 0).map(|(_, v)| *v).collect();
    if let ([old @ Value::Object(_)], [new @ Value::Object(_)]) = (&gone[..], &came[..]) {
        let place = to.iter().position(|v| v == *new).unwrap_or(0);
        return compare(&format!("{path}[{place}]"), old, new, found);
    }
    gone.into_iter().for_each(|v| found.add(&format!("{path}[-]"), Some(v), None));
    came.into_iter().for_each(|v| found.add(&format!("{path}[+]"), None, Some(v)));
}

impl Differences {
    fn add(&mut self, path: &str, from: Option<&Value>, to: Option<&Value>) {
        if self.fields.len() >= FIELDS_MAX {
            self.more += 1;
            return;
        }
        let path = path.chars().take(PATH_MAX).collect();
        self.fields.push(Difference { path, from: from.cloned(), to: to.cloned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(second: i64, content: u128) -> Item {
        Item {
            time: Timestamp::from_seconds(second),
            state_id: String::new(),
            deleted: content == 0,
            discovered: false,
            created: None,
            content,
            row: second.to_string(),
        }
    }

    /// What became of a resource whose items have these times and contents (0: gone), after 10 s.
    fn became(items: &[(i64, u128)]) -> Option<(Became, usize)> {
        let begin = Timestamp::from_seconds(10);
        let tell = |order: &mut dyn Iterator<Item = &(i64, u128)>| {
            let mut history = History::default();
            order.for_each(|(second, content)| history.add(item(*second, *content), begin));
            history.change(begin).map(|c| (c.became, c.steps))
        };
        let told = tell(&mut items.iter());
        assert_eq!(tell(&mut items.iter().rev()), told, "the order of reading does not count");
        told
    }

    #[test]
    fn both_states_and_what_lay_between_tell_what_became() {
        assert_eq!(became(&[(1, 7)]), None);
        assert_eq!(became(&[(1, 7), (11, 7), (12, 7)]), None);
        assert_eq!(became(&[(1, 6), (2, 7), (11, 8)]), Some((Became::Changed, 1)));
        assert_eq!(became(&[(1, 7), (11, 8), (12, 7)]), Some((Became::ChangedAndBack, 2)));
        assert_eq!(became(&[(1, 7), (11, 0), (12, 7)]), Some((Became::ChangedAndBack, 2)));
        assert_eq!(became(&[(1, 7), (11, 0)]), Some((Became::Deleted, 1)));
        assert_eq!(became(&[(1, 0), (11, 7)]), Some((Became::Created, 1)));
        assert_eq!(became(&[(11, 7), (12, 0)]), Some((Became::CreatedAndDeleted, 2)));
        assert_eq!(became(&[(11, 7)]), Some((Became::FirstRecorded, 1)));
        assert_eq!(became(&[(11, 0)]), Some((Became::Deleted, 1)));
        assert_eq!(became(&[(1, 0), (11, 0)]), None);
    }

    #[test]
    fn a_resource_made_in_the_span_is_created_though_nothing_is_known_from_before() {
        let begin = Timestamp::from_seconds(10);
        let mut history = History::default();
        let made = Some(Timestamp::from_seconds(11));
        history.add(Item { created: made, ..item(12, 7) }, begin);
        assert_eq!(history.change(begin).unwrap().became, Became::Created);
    }

    fn paths(from: &Value, to: &Value) -> Vec<String> {
        let found = differences(&canonical(from), &canonical(to));
        found.fields.into_iter().map(|d| d.path).collect()
    }

    #[test]
    fn a_difference_is_told_by_field() {
        let from = json!({"a": 1, "rules": [{"port": 22, "from": "10.0.0.0/8"}], "gone": true});
        let to = json!({"a": 2, "rules": [{"port": 22, "from": "0.0.0.0/0"}], "new": "x"});
        assert_eq!(paths(&from, &to), ["a", "gone", "new", "rules[0].from"]);
        let more = json!({"a": 1, "gone": true, "rules": [
            {"port": 443, "from": "0.0.0.0/0"}, {"port": 22, "from": "10.0.0.0/8"}]});
        assert_eq!(paths(&from, &more), ["rules[+]"]);
        assert_eq!(paths(&more, &from), ["rules[-]"]);
    }

    #[test]
    fn order_and_what_is_empty_and_text_that_is_json_are_no_difference() {
        let from = json!({"a": [2, 1], "b": {}, "c": "{\"x\":1}"});
        let to = json!({"c": {"x": 1}, "a": [1, 2], "d": null});
        assert_eq!(paths(&from, &to), Vec::<String>::new());
        assert_eq!(canonical(&from).to_string(), canonical(&to).to_string());
    }

    #[test]
    fn differences_and_items_are_bounded_and_what_is_left_out_is_counted() {
        let wide = |n: i64| (0..500).map(|i| (i.to_string(), json!(n))).collect::<Map<_, _>>();
        let found = differences(&Value::Object(wide(1)), &Value::Object(wide(2)));
        assert_eq!((found.fields.len(), found.more), (FIELDS_MAX, 400));
        let mut history = History::default();
        for n in 0..300 {
            history.add(item(n, n.unsigned_abs().into()), Timestamp::from_seconds(-1));
        }
        let change = history.change(Timestamp::from_seconds(-1)).unwrap();
        assert_eq!(change.left_out, 100);
    }
}
