//! Rules over rows that lie in the lake: what has to be read of them.
//!
//! * Most rules ask for nothing but what stands in columns; they are asked of those columns alone.
//! * The others are asked of whole records, and only where columns say that they may match.
//! * A row whose columns do not say what its record says, which its flags tell, is asked whole.
//!
//! Both ways find the same as a look at every record: a test compares them.

use std::collections::{BTreeMap, BTreeSet};

use wk_lang::json::Value;
use wk_lang::sigma::{FieldPath, Readers};
use wk_model::finding::Sighting;
use wk_model::table::{CORE, ColumnType};
use wk_model::{Row, Table};
use wk_seam::lake::RowTest;

use crate::detect::{Detection, Detections};
use crate::shared_fields;
use crate::sources::{Source, cloudtrail};
use crate::stateful::fields_asked_of;
use crate::surroundings;

/// One look at rows of a source's table.
#[derive(Debug)]
pub struct Pass {
    /// The columns that are read; none stands for all.
    pub columns: Vec<&'static str>,
    /// Rows of which one of these is true are read; where there is none, every row.
    pub rows: Vec<RowTest>,
    /// Whether rules see the record, or what columns say of it.
    pub whole: bool,
    /// Whether it is the first look at these rows, the one that counts them.
    pub first: bool,
    /// The rules that are asked.
    pub(crate) readers: Readers,
    /// The rules that are asked of rows whose columns do not say what their records say; of such
    /// rows none is asked from columns alone.
    pub(crate) of_odd_rows: Option<Readers>,
}

/// Columns that every look needs.
const ALWAYS: [&str; 7] =
    ["event_time", "event_id", "account", "region", "actor", "source_ip", "resource_ids"];
/// Columns that say that a row's record says more than its columns.
const ODD: [&str; 2] = ["flags", "insightDetails"];

/// The rules that are asked of a row.
#[derive(Debug, Clone, Copy)]
pub struct AskedOf<'a>(pub(crate) &'a Readers);

impl Pass {
    /// One look at whole records for all rules; `None` where no rule reads them.
    pub fn at_all(detections: &Detections, source: &Source) -> Option<Self> {
        let readers = detections.readers(source)?;
        let all = vec![true; detections.rules().len()];
        Some(Self {
            columns: Vec::new(),
            rows: Vec::new(),
            whole: true,
            first: true,
            readers: readers.only(all),
            of_odd_rows: None,
        })
    }

    /// The rules that are asked of a row; `there` says whether a column of the row holds something.
    /// `None`: another look is at this row.
    pub fn of_row(&self, there: impl Fn(&str) -> bool) -> Option<AskedOf<'_>> {
        match &self.of_odd_rows {
            Some(odd) if ODD.iter().any(|column| there(column)) => {
                self.whole.then_some(AskedOf(odd))
            }
            _ => Some(AskedOf(&self.readers)),
        }
    }
}

impl Detections {
    /// Runs the rules that a look asks of a row over its event. `matching` is lent.
    pub fn look(
        &self,
        source: &Source,
        asked: AskedOf<'_>,
        row: &Row<'_>,
        record: Option<Value<'_>>,
        matching: &mut Vec<usize>,
        see: &mut dyn FnMut(Sighting),
    ) {
        self.run_for((source, asked.0), row, record, matching, see);
    }
}

/// The looks at rows of a source that these rules need; none where no rule reads its records.
pub fn passes(detections: &Detections, source: &Source) -> Vec<Pass> {
    let Some(readers) = detections.readers(source) else { return Vec::new() };
    let asked = Asked::of(detections, source, readers);
    let rules = |wanted: &dyn Fn(&OfRule) -> bool| -> Vec<bool> {
        asked.rules.iter().map(wanted).collect()
    };
    let light = rules(&|rule| matches!(rule, OfRule::Columns(_)));
    let heavy = rules(&|rule| matches!(rule, OfRule::Record));
    let any = |rules: &[bool]| rules.contains(&true);
    let mut passes = Vec::new();
    if any(&light) {
        passes.push(Pass {
            columns: asked.columns(source.json.is_some()),
            rows: Vec::new(),
            whole: false,
            first: true,
            readers: readers.only(light.clone()),
            of_odd_rows: source.json.is_some().then(|| readers.only(vec![false; light.len()])),
        });
    }
    if any(&heavy) || any(&light) && source.json.is_some() {
        let all: Vec<bool> =
            light.iter().zip(&heavy).map(|(light, heavy)| *light || *heavy).collect();
        passes.push(Pass {
            columns: Vec::new(),
            rows: asked.may_match(detections, source, &heavy),
            whole: true,
            first: !any(&light),
            readers: readers.only(heavy),
            of_odd_rows: any(&light).then(|| readers.only(all)),
        });
    }
    passes
}

/// What rules ask of the rows of a source.
struct Asked {
    table: &'static Table,
    /// By the places of rules.
    rules: Vec<OfRule>,
}

/// What one rule asks.
enum OfRule {
    /// It does not read these records, or nobody hears of it.
    Nothing,
    /// These columns.
    Columns(BTreeSet<&'static str>),
    /// The whole record.
    Record,
}

impl Asked {
    fn of(detections: &Detections, source: &Source, readers: &Readers) -> Self {
        let table = source.table;
        let of = |(place, rule): (usize, &Detection)| {
            let several = fields_asked_of(place, detections.stateful());
            let reads = detections.rule_set().reads(place, readers);
            if !reads || !rule.alerts && several.is_empty() {
                return OfRule::Nothing;
            }
            let single = rule.sigma.fields();
            let Some(single) = single else { return OfRule::of_keywords(source) };
            let named = rule.sigma.extension.resource.iter();
            let mut fields: Vec<(&str, bool)> =
                single.into_iter().chain(named).map(|path| (path.as_str(), false)).collect();
            fields.extend(several.iter().map(|name| (name.as_str(), true)));
            OfRule::of_fields(source, &fields)
        };
        Self { table, rules: detections.rules().iter().enumerate().map(of).collect() }
    }

    /// The columns that rules ask of, in the order of the table.
    fn columns(&self, json: bool) -> Vec<&'static str> {
        let asked = self.rules.iter().filter_map(|rule| match rule {
            OfRule::Columns(columns) => Some(columns),
            OfRule::Nothing | OfRule::Record => None,
        });
        let mut asked: BTreeSet<&str> = asked.flatten().copied().chain(ALWAYS).collect();
        if json {
            asked.extend(ODD);
        }
        let all = CORE.iter().chain(self.table.columns).map(|column| column.name);
        all.filter(|name| asked.contains(name)).collect()
    }

    /// Which rows the rules may match, and which are odd; none where every row may be.
    fn may_match(&self, detections: &Detections, source: &Source, rules: &[bool]) -> Vec<RowTest> {
        if source.json.is_none() {
            return Vec::new();
        }
        let mut there: BTreeSet<&str> = BTreeSet::new();
        let mut one_of: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let of_text = |path: &FieldPath| {
            column_of(source, path.as_str()).is_some_and(|column| is_text(self.table, column))
        };
        let witnesses = detections.rule_set().witnesses(&of_text);
        for (witnesses, _) in witnesses.into_iter().zip(rules).filter(|(_, asked)| **asked) {
            let Some(witnesses) = witnesses else { return Vec::new() };
            for (field, texts) in witnesses {
                let Some(column) = column_of(source, field.as_str()) else { return Vec::new() };
                match texts.is_empty() {
                    true => drop(there.insert(column)),
                    false => one_of.entry(column).or_default().extend(texts),
                }
            }
        }
        let has = |column: &&&str| self.table.index(column).is_some() || is_core(column);
        there.extend(ODD.iter().filter(has));
        let one_of = one_of.into_iter().filter(|(column, _)| !there.contains(column));
        let one_of = one_of.map(|(column, texts)| RowTest::OneOf {
            column: column.to_owned(),
            texts: texts.into_iter().collect(),
        });
        let tests: Vec<RowTest> = one_of.collect();
        let there = there.into_iter().map(|column| RowTest::There { column: column.to_owned() });
        tests.into_iter().chain(there).collect()
    }
}

impl OfRule {
    fn of_fields(source: &Source, fields: &[(&str, bool)]) -> Self {
        let mut columns = BTreeSet::new();
        for (name, of_several) in fields {
            if surroundings::is_ours(name) {
                return Self::Record;
            }
            // Rules over several events ask what means the same everywhere of the row.
            let shared = shared_fields::NAMES.iter().find(|shared| *shared == name);
            match (column_of(source, name), shared, source.json.is_some()) {
                (_, Some(shared), json) if *of_several || !json => {
                    columns.insert(*shared);
                }
                (Some(column), _, _) => {
                    columns.insert(column);
                }
                // A text log has no more than its columns.
                (None, _, false) => {}
                (None, _, true) => return Self::Record,
            }
        }
        Self::Columns(columns)
    }

    fn of_keywords(source: &Source) -> Self {
        match source.json {
            Some(_) => Self::Record,
            None => {
                Self::Columns(CORE.iter().chain(source.table.columns).map(|c| c.name).collect())
            }
        }
    }
}

/// The column that holds a field of a source's records as it was written.
pub(crate) fn column_of(source: &Source, name: &str) -> Option<&'static str> {
    let table = source.table;
    let by_alias = table.aliases.iter().find(|(alias, _)| *alias == name);
    let column = by_alias.map_or(name, |(_, column)| *column);
    let all = CORE.iter().chain(table.columns).map(|column| column.name);
    let column = all.into_iter().find(|known| *known == column)?;
    let as_written = match source.json {
        None => true,
        Some(_) => source.id == cloudtrail::SOURCE.id && cloudtrail::AS_WRITTEN.contains(&name),
    };
    as_written.then_some(column)
}

fn is_core(name: &str) -> bool {
    CORE.iter().any(|column| column.name == name)
}

fn is_text(table: &Table, name: &str) -> bool {
    let mut all = CORE.iter().chain(table.columns);
    all.any(|column| column.name == name && column.kind == ColumnType::Text)
}

#[cfg(test)]
mod tests {
    use arrow_array::RecordBatch;
    use wk_lang::json::Tape;
    use wk_model::Timestamp;

    use super::*;
    use crate::columns::{self, Place, TableBuilder};
    use crate::sources::{Context, Envelope, Settings};

    #[test]
    fn most_rules_of_the_pack_are_asked_from_columns_or_of_few_records() {
        let pack = Detections::built_in().unwrap();
        let passes = passes(&pack, &cloudtrail::SOURCE);
        let [light, heavy] = passes.as_slice() else { panic!("{passes:#?}") };
        assert!(!light.columns.contains(&"raw") && !light.columns.contains(&"requestParameters"));
        assert!(light.columns.starts_with(&["event_time", "event_id"]), "{:?}", light.columns);
        assert!(heavy.whole && !heavy.rows.is_empty(), "every record would have to be read");
        // Few calls fail.
        let few = |column: &str| ODD.contains(&column) || column == "errorCode";
        for test in &heavy.rows {
            if let RowTest::There { column } = test {
                assert!(few(column), "every record with {column} would have to be read");
            }
        }
    }

    #[test]
    fn every_field_that_is_as_written_has_a_column() {
        for name in cloudtrail::AS_WRITTEN {
            assert!(column_of(&cloudtrail::SOURCE, name).is_some(), "{name}");
        }
        for name in ["eventTime", "requestParameters.bucketName", "actor", "raw"] {
            assert_eq!(column_of(&cloudtrail::SOURCE, name), None, "{name}");
        }
    }

    /// What rules say of an event: which match, and what is told of it.
    type Said = (BTreeSet<usize>, BTreeSet<String>);

    /// Asks rules of one record, whole, and as the lake gives it back in looks at its row.
    fn both_ways(pack: &Detections, passes: &[Pass], json: &str) -> Option<(Said, Said)> {
        let source = &cloudtrail::SOURCE;
        let mut tape = Tape::new();
        let record = tape.parse(json).ok()?;
        let settings = Settings::default();
        let context = Context {
            uri: "o",
            modified: Timestamp::default(),
            settings: &settings,
            metadata: &[],
            envelope: Envelope::default(),
        };
        let row = (source.json.as_ref()?.read)(record, &context).ok()?;
        let time = row.time.unwrap_or_default();
        let mut builder = TableBuilder::new(row.table);
        let place = Place { delivered: time, received: time, object: "o", ordinal: 0 };
        builder.append(&row, time, &place);
        let batch = builder.finish(time).ok()?;
        let mut by_record = Vec::new();
        pack.matches(source, record, &mut by_record);

        let mut matching = Vec::new();
        let tell = |told: &mut BTreeSet<String>, sighting: Sighting| {
            told.insert(format!(
                "{} {:?} {:?}",
                sighting.finding, sighting.resources, sighting.grounds
            ));
        };
        let (mut whole, mut in_looks): (Said, Said) = Default::default();
        pack.run(source, &row, Some(record), &mut matching, &mut |s| tell(&mut whole.1, s));
        assert_eq!(matching, by_record, "columns say otherwise: {json}");
        whole.0.extend(&matching);
        for pass in passes.iter().filter(|pass| reads(pass, &batch)) {
            let there = |column: &str| columns::is_there(&batch, column, 0);
            let Some(asked) = pass.of_row(there) else { continue };
            let some = match pass.columns.is_empty() {
                true => batch.clone(),
                false => {
                    let places = pass.columns.iter().map(|c| batch.schema().index_of(c).unwrap());
                    batch.project(&places.collect::<Vec<_>>()).unwrap()
                }
            };
            let row = columns::row(source.table, &some, 0);
            let record = pass.whole.then_some(record);
            let see = &mut |s| tell(&mut in_looks.1, s);
            pack.look(source, asked, &row, record, &mut matching, see);
            in_looks.0.extend(&matching);
        }
        // Of rules that nobody hears of nothing is asked.
        let heard = |place: &usize| {
            pack.rules()[*place].alerts || !fields_asked_of(*place, pack.stateful()).is_empty()
        };
        whole.0.retain(heard);
        in_looks.0.retain(heard);
        Some((whole, in_looks))
    }

    fn reads(pass: &Pass, batch: &RecordBatch) -> bool {
        let holds = |test: &RowTest| match test {
            RowTest::There { column } => columns::is_there(batch, column, 0),
            RowTest::OneOf { column, texts } => columns::text(batch, column, 0)
                .is_some_and(|text| texts.contains(&text.to_lowercase())),
        };
        pass.rows.is_empty() || pass.rows.iter().any(holds)
    }

    /// Every record of the pack's own tests, and what becomes of it where one of its fields is
    /// something else.
    #[test]
    fn slow_looks_at_columns_find_what_a_look_at_records_finds() {
        let pack = Detections::built_in().unwrap();
        let passes = passes(&pack, &cloudtrail::SOURCE);
        let singles = pack.rules().iter().flat_map(|rule| &rule.sigma.extension.tests);
        let others =
            ["null", "7", "true", "\"\"", "[]", "[\"AccessDenied\",null]", "{\"a\":1}", "\"x\""];
        let (mut asked, mut matched) = (0, 0);
        for (number, test) in singles.enumerate() {
            let mut records = vec![test.event.clone()];
            let value: serde_json::Value = serde_json::from_str(&test.event).unwrap();
            for (n, name) in cloudtrail::AS_WRITTEN.iter().enumerate() {
                let mut changed = value.clone();
                let (object, key) = match name.split_once('.') {
                    Some((outer, key)) => (changed.get_mut(outer), key),
                    None => (Some(&mut changed), *name),
                };
                let Some(serde_json::Value::Object(object)) = object else { continue };
                let other = others[(n + number) % others.len()];
                object.insert(key.to_owned(), serde_json::from_str(other).unwrap());
                records.push(changed.to_string());
            }
            for record in records {
                let Some((whole, in_looks)) = both_ways(&pack, &passes, &record) else { continue };
                asked += 1;
                matched += whole.0.len();
                assert_eq!(in_looks, whole, "{record}");
            }
        }
        assert!(asked > 5_000 && matched > 2_000, "{asked} records, {matched} matches");
    }
}
