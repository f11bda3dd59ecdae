//! What rules over several events look at: by which single-event rule, under which fields.

use std::collections::BTreeMap;

use wk_lang::json::Value;
use wk_lang::sigma::{self, FieldPath};
use wk_model::Row;

use super::compile::{StatefulRule, Target};
use super::mark::KEYS_MAX;
use crate::history;
use crate::row_record::{self, RowRecord};
use crate::shared_fields;
use crate::sources::cloudtrail;

/// What rules look at, by the single-event rules that they refer to.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// For each single-event rule, who looks at its events.
    pub(super) of: Vec<Vec<usize>>,
    pub(super) looks: Vec<Look>,
    /// Lists of fields whose values are asked for, each once.
    pub(super) projections: Vec<Projection>,
}

/// A rule over several events that looks at the events of a single-event rule.
#[derive(Debug)]
pub(super) struct Look {
    /// The rule that looks.
    pub(super) rule: u16,
    /// At which of its places the single-event rule stands.
    pub(super) place: u16,
    /// The list of fields of its key.
    pub(super) key: usize,
    /// The list of fields of its value.
    pub(super) value: Option<usize>,
    /// The list of fields that name what was acted on, where the rule says so.
    pub(super) resources: Option<usize>,
    /// What the event is to rules that look at findings of this one.
    pub(super) above: Vec<AboveLook>,
}

#[derive(Debug)]
pub(super) struct AboveLook {
    pub(super) rule: String,
    pub(super) place: u16,
    pub(super) key: usize,
    pub(super) value: Option<usize>,
}

/// Fields that are asked for together.
#[derive(Debug)]
pub(super) struct Projection {
    pub(super) what: What,
    pub(super) fields: Vec<Field>,
}

/// What the values of a projection are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A key: the account stands before them, and what is absent is a value.
    Key,
    /// A value that is counted; what is absent is none.
    Value,
    /// The texts of all fields in one list.
    List,
}

/// How long the texts of a list may be together.
pub(super) const LIST_BYTES_MAX: usize = 8 << 10;
/// What stands between the texts of a list.
pub(super) const BETWEEN: char = '\u{1f}';

#[derive(Debug)]
pub(super) enum Field {
    /// What every event has.
    Core(shared_fields::Reads),
    /// A field of the record, and where CloudTrail's rows have it, if they hold it as it was written.
    Path(FieldPath, Option<row_record::Field>),
}

impl Looks {
    pub(super) fn of(rules: &[StatefulRule], singles: usize) -> Self {
        let mut known = BTreeMap::new();
        let mut looks = Self { of: vec![Vec::new(); singles], ..Self::default() };
        for (number, rule) in rules.iter().enumerate() {
            for (place, target) in rule.refers.iter().enumerate() {
                let Target::Single(single) = target else { continue };
                let (Ok(number), Ok(at)) = (u16::try_from(number), u16::try_from(place)) else {
                    continue;
                };
                let key = looks.projection(What::Key, &rule.group_by[place], &mut known);
                let value = looks.value(rule, place, &mut known);
                let above = looks.above(rules, rule, &mut known);
                let resources = looks.resources(rule, &mut known);
                looks.looks.push(Look { rule: number, place: at, key, value, resources, above });
                if let Some(of) = looks.of.get_mut(*single) {
                    of.push(looks.looks.len() - 1);
                }
            }
        }
        looks
    }

    /// What events of a rule are to the rules above it, and above those.
    fn above(
        &mut self,
        rules: &[StatefulRule],
        rule: &StatefulRule,
        known: &mut BTreeMap<(What, Vec<String>), usize>,
    ) -> Vec<AboveLook> {
        let mut all: Vec<AboveLook> = Vec::new();
        let mut open: Vec<(String, u16)> = rule.above.clone();
        while let Some((id, place)) = open.pop() {
            if all.iter().any(|a| a.rule == id && a.place == place) || all.len() >= KEYS_MAX {
                continue;
            }
            let Some(above) = rules.iter().find(|rule| rule.rule.id == id) else { continue };
            let at = usize::from(place);
            let key = self.projection(What::Key, &above.group_by[at], known);
            let value = self.value(above, at, known);
            open.extend(above.above.iter().cloned());
            all.push(AboveLook { rule: id, place, key, value });
        }
        all
    }

    fn value(
        &mut self,
        rule: &StatefulRule,
        place: usize,
        known: &mut BTreeMap<(What, Vec<String>), usize>,
    ) -> Option<usize> {
        let fields = &rule.values[place];
        (!fields.is_empty()).then(|| self.projection(What::Value, fields, known))
    }

    fn resources(
        &mut self,
        rule: &StatefulRule,
        known: &mut BTreeMap<(What, Vec<String>), usize>,
    ) -> Option<usize> {
        let paths = rule.correlation.about.extension.resource.iter();
        let fields: Vec<String> = paths.map(|path| path.as_str().to_owned()).collect();
        (!fields.is_empty()).then(|| self.projection(What::List, &fields, known))
    }

    /// The place of this list of fields; rules that ask for the same share it.
    fn projection(
        &mut self,
        what: What,
        names: &[String],
        known: &mut BTreeMap<(What, Vec<String>), usize>,
    ) -> usize {
        *known.entry((what, names.to_vec())).or_insert_with(|| {
            let fields = names.iter().map(|name| Field::of(name)).collect();
            self.projections.push(Projection { what, fields });
            self.projections.len() - 1
        })
    }
}

impl Field {
    fn of(name: &str) -> Self {
        // What means the same everywhere is asked before the record's own.
        match shared_fields::reads(name) {
            Some(reads) => Self::Core(reads),
            None => {
                let source = &cloudtrail::SOURCE;
                let written = history::column_of(source, name);
                let written = written.map(|_| row_record::Field::of(source.table, name));
                Self::Path(FieldPath::new(name), written)
            }
        }
    }

    pub(super) fn each(
        &self,
        row: &Row<'_>,
        record: Option<&Value<'_>>,
        look: &mut dyn FnMut(&str),
    ) {
        match (self, record) {
            (Self::Core(reads), _) => {
                if let Some(text) = reads(row) {
                    look(text);
                }
            }
            (Self::Path(_, Some(written)), Some(_)) if is_trail_as_written(row) => {
                written.value(row).each_text(look);
            }
            (Self::Path(path, _), Some(record)) => {
                sigma::Record::field(record, path).each_text(look);
            }
            (Self::Path(path, _), None) => {
                sigma::Record::field(&RowRecord::new(row), path).each_text(look);
            }
        }
    }
}

fn is_trail_as_written(row: &Row<'_>) -> bool {
    row.as_written && std::ptr::eq(row.table, cloudtrail::SOURCE.table)
}
