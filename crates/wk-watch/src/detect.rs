//! Rules over events: the pack that is built in, and the user's own.
//!
//! * Every rule is Sigma; it is compiled once and runs over each new event.
//! * What a rule sees is the record as its source wrote it; a text log's rows by column name.
//! * A match becomes a [`Sighting`]: it names the finding it belongs to by rule, account, actor,
//!   resource and window of event time, so that the order of events does not matter.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use wk_lang::json::{Tape, Value};
use wk_lang::sigma::{self, FieldPath, FieldValue, Lists, LogSource, Readers, RuleError, RuleSet};
use wk_model::finding::{EventRef, FindingId, Grounds, Matched, Origin, Rule, Sighting};
use wk_model::{Row, Severity, SeverityWord, Sha256};

use crate::event_rules::{EventRule, EventRules};
use crate::filters;
use crate::history;
use crate::lists;
use crate::modes::{Mode, ModeEntry, Modes};
use crate::pack::PACK;
use crate::row_record::{Field, RowRecord};
use crate::sources::{self, Source};
use crate::stateful::{self, Around, Lateness, MarkedRow, Marks, Names, Stateful, Target};
use crate::surroundings::{self, Asks, InSurroundings, Surroundings};

/// Rules, compiled once.
pub struct Detections {
    set: RuleSet,
    rules: Vec<Detection>,
    /// Rules over several events.
    stateful: Stateful,
    /// Who reads records of each source of the catalogue, in the order of the catalogue.
    readers: Vec<Readers>,
    /// Where the fields of rules are in rows of each source of the catalogue.
    fields: Vec<KnownFields>,
    /// What is known around records.
    surroundings: Surroundings,
    /// What of that the rules ask.
    asks: Asks,
    /// What the user's routes ask to be told of.
    events: EventRules,
    /// Which rules are off, or only tried.
    modes: Modes,
    /// Hash of all of them, modes included.
    hash: Arc<str>,
    /// The texts of the files of rules, by their names.
    texts: BTreeMap<String, String>,
}

/// Where the fields of rules are in rows of a source, by their numbers, once somebody asks.
#[derive(Default)]
struct KnownFields {
    /// Of rows without a record: their columns.
    columns: OnceLock<Vec<Field>>,
    /// Of rows with one: columns that hold what is written there.
    written: OnceLock<Vec<Field>>,
}

/// A rule of either kind, as far as it says who it is.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The file it is from.
    pub file: &'a str,
    /// Who says so.
    pub rule: &'a Rule,
    /// What it finds.
    pub title: &'a str,
    /// Its tags, as they are written.
    pub tags: &'a [String],
    /// Who wrote it.
    pub author: Option<&'a str>,
}

/// One rule, as findings need it.
pub struct Detection {
    /// The file it is from.
    pub file: String,
    /// Who says so.
    pub rule: Arc<Rule>,
    /// What it finds.
    pub title: Arc<str>,
    /// How bad a match is.
    pub severity: Severity,
    /// How long repeats are one finding.
    pub window_seconds: i64,
    /// Whether a match is told; not so where only a correlation of the same file asks for it.
    pub alerts: bool,
    /// The rule as it was read.
    pub sigma: sigma::Rule,
    /// The fields that it asks for.
    asked: Vec<FieldPath>,
}

/// A file of rules that could not be read whole.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{error}")]
pub struct BadRule {
    /// The file.
    pub file: String,
    /// Where and why.
    pub error: RuleError,
}

/// Rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Some could not be read.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Bad(Vec<BadRule>),
    /// There are too many.
    #[error(transparent)]
    TooMany(#[from] sigma::TooManyRules),
}

/// Repeats within an hour are one finding, unless the rule says otherwise.
const WINDOW_SECONDS: i64 = 3600;

impl Detections {
    /// No rules.
    pub fn none() -> Self {
        // An empty list is below every limit.
        let (detections, _) = Self::read(std::iter::empty());
        detections
    }

    /// The built-in pack.
    ///
    /// # Errors
    /// If a rule of the pack is broken, which a test rules out.
    pub fn built_in() -> Result<Self, RulesError> {
        match Self::built_in_and(std::iter::empty()) {
            (detections, bad) if bad.is_empty() => Ok(detections),
            (_, bad) => Err(RulesError::Bad(bad)),
        }
    }

    /// The built-in pack and the rules of these files (name and text), and those that could not be
    /// read.
    pub fn built_in_and(files: impl Iterator<Item = (String, String)>) -> (Self, Vec<BadRule>) {
        Self::built_in_and_with(files, &lists::standard())
    }

    /// The same, with lists for the placeholders in rules ([`lists::for_rules`]).
    pub fn built_in_and_with(
        files: impl Iterator<Item = (String, String)>,
        lists: &Lists,
    ) -> (Self, Vec<BadRule>) {
        let pack = PACK.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self::read_with(pack.chain(files), lists)
    }

    /// The rules of these files (name and text), and those that could not be read.
    pub fn read(files: impl Iterator<Item = (String, String)>) -> (Self, Vec<BadRule>) {
        Self::read_with(files, &lists::standard())
    }

    /// The same, with lists for the placeholders in rules ([`lists::for_rules`]).
    pub fn read_with(
        files: impl Iterator<Item = (String, String)>,
        lists: &Lists,
    ) -> (Self, Vec<BadRule>) {
        let mut read = Read::default();
        files.for_each(|(file, text)| read.file(file, &text, lists));
        let Read { files, mut singles, several, filters, mut bad, texts } = read;
        singles.truncate(RuleSet::RULES_MAX);
        keep_quiet(&mut singles, &several);
        let names = Names::of(&several, &Around { files: &files, singles: &singles });
        filters::apply(&filters, &mut singles, &names, &files, &mut bad);
        let around = Around { files: &files, singles: &singles };
        let stateful = Stateful::compile(several, &names, &around, &mut bad);
        let rules: Vec<Detection> = singles.into_iter().map(|(_, rule)| rule).collect();
        let compiled = RuleSet::compile(rules.iter().map(|d| &d.sigma));
        let set =
            compiled.or_else(|_| RuleSet::compile([])).expect("few enough rules by the cut above");
        let readers = sources::ALL.iter().map(|s| set.readers(&log_source(s))).collect();
        let fields = sources::ALL.iter().map(|_| KnownFields::default()).collect();
        let (events, modes) = (EventRules::default(), Modes::default());
        let hash = "".into();
        let asks = Asks::of(set.fields(), &rules, &stateful);
        let surroundings = Surroundings::none();
        let all = Self {
            set,
            rules,
            stateful,
            readers,
            fields,
            surroundings,
            asks,
            events,
            modes,
            hash,
            texts,
        };
        (all.hashed(), bad)
    }

    /// The same, with what is known around records.
    pub fn with_surroundings(self, surroundings: Surroundings) -> Self {
        Self { surroundings, ..self }.hashed()
    }

    /// The fields of [`surroundings::FIELDS`] that rules ask for and nothing can answer, for no
    /// database or list is there that could: such rules match as if it were absent.
    pub fn unanswered(&self) -> Vec<&'static str> {
        let asked = self.asks.fields();
        asked.filter(|known| !self.surroundings.answers(known)).map(|known| known.name).collect()
    }

    /// The rules over single events, as they are matched.
    pub(crate) fn rule_set(&self) -> &RuleSet {
        &self.set
    }

    /// What is known around records.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The same, waiting so long for the events of each source.
    pub fn with_lateness(mut self, lateness: &Lateness) -> Self {
        let of = |place: usize| {
            let asked = &self.rules[place].sigma.logsource;
            let read = sources::ALL.iter().filter(|source| asked.reads(&log_source(source)));
            let waits = read.map(|source| lateness.of(source.id));
            waits.max().unwrap_or(lateness.others)
        };
        self.stateful.wait(of);
        self
    }

    /// The same, some of them off or only tried; of entries that fit the same the last counts.
    pub fn with_modes(self, entries: Vec<ModeEntry>) -> Self {
        let modes = Modes::new(entries, self.every());
        Self { modes, ..self }.hashed()
    }

    fn hashed(self) -> Self {
        let mut rules: Vec<String> = self
            .every()
            .map(|known| format!("{} {}\n", known.rule.id, known.rule.version))
            .collect();
        rules.sort();
        let (rules, modes, lists) =
            (rules.concat(), self.modes.text(), self.surroundings.lists_text());
        let all = [rules.as_bytes(), modes.as_bytes(), lists.as_bytes()];
        // Without lists it is what it was before there were any.
        let hash = Sha256::of_parts(if lists.is_empty() { &all[..2] } else { &all });
        Self { hash: hash.short().into(), ..self }
    }

    /// Hash of the whole set of rules, with their modes and the lists that they ask: 16 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Every rule, over one event and over several.
    pub fn every(&self) -> impl Iterator<Item = Known<'_>> {
        let single = self.rules.iter().map(|d| Known {
            file: &d.file,
            rule: &d.rule,
            title: &d.title,
            tags: &d.sigma.tags,
            author: d.sigma.author.as_deref(),
        });
        let several = self.stateful.rules().iter().map(|s| Known {
            file: &s.file,
            rule: &s.rule,
            title: &s.title,
            tags: &s.correlation.about.tags,
            author: s.correlation.about.author.as_deref(),
        });
        single.chain(several)
    }

    /// The text of a file of rules.
    pub fn text_of(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// How a rule runs in an account, and why where somebody said so.
    pub fn mode_of(&self, rule: &str, account: Option<&str>) -> (Mode, Option<&str>) {
        self.modes.of(rule, account)
    }

    /// The modes, as text; empty where every rule is live.
    pub fn modes_text(&self) -> String {
        self.modes.text()
    }

    /// What the modes name that no rule has.
    pub fn dead_modes(&self) -> Vec<String> {
        self.modes.dead(&self.every().collect::<Vec<_>>())
    }

    /// Notes in a sighting which set of rules saw it, and whether its rule is only tried. False: the
    /// rule is off there, and nothing was seen.
    pub fn admits(&self, sighting: &mut Sighting) -> bool {
        sighting.grounds.ruleset = Some(self.hash.clone());
        self.modes.mark(sighting)
    }

    /// The same, and event patterns over what came by EventBridge.
    pub fn with_event_rules(self, rules: Vec<EventRule>) -> Self {
        Self { events: EventRules::new(rules), ..self }
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Detection] {
        &self.rules
    }

    /// The rules over several events.
    pub fn stateful(&self) -> &Stateful {
        &self.stateful
    }

    /// Whether a rule over several events, by its place, looks at records of a source.
    pub fn looks_at(&self, place: usize, source: &Source) -> bool {
        let is = log_source(source);
        let mut open = vec![place];
        while let Some(rule) = open.pop().and_then(|place| self.stateful.rules().get(place)) {
            for target in &rule.refers {
                match target {
                    Target::Single(single) if self.rules[*single].sigma.logsource.reads(&is) => {
                        return true;
                    }
                    Target::Single(_) => {}
                    Target::Several(below) => open.push(*below),
                }
            }
        }
        false
    }

    /// Which rules match a JSON record of a source, in their order, in place of what was there.
    pub fn matches(&self, source: &Source, record: Value<'_>, matching: &mut Vec<usize>) {
        match self.readers(source) {
            Some(readers) if self.asks.of_single_events() => {
                self.set.matches(&self.around(source, None, Some(record)), readers, matching);
            }
            Some(readers) => self.set.matches(&record, readers, matching),
            None => matching.clear(),
        }
    }

    /// Which rules match a row of a text log.
    pub fn matches_row(&self, source: &Source, row: &Row<'_>, matching: &mut Vec<usize>) {
        match self.readers(source) {
            Some(readers) if self.asks.of_single_events() => {
                self.set.matches(&self.around(source, Some(row), None), readers, matching);
            }
            Some(readers) => self.set.matches(&RowRecord::new(row), readers, matching),
            None => matching.clear(),
        }
    }

    fn around<'a>(
        &'a self,
        source: &'a Source,
        row: Option<&'a Row<'a>>,
        record: Option<Value<'a>>,
    ) -> InSurroundings<'a> {
        let by_column = row.map(|row| self.row_record(source, row, record));
        let known = (row, record, by_column);
        InSurroundings::new(&self.surroundings, &self.asks, source, known)
    }

    /// Runs every rule that applies over one event. `matching` is lent.
    pub fn run(
        &self,
        source: &Source,
        row: &Row<'_>,
        record: Option<Value<'_>>,
        matching: &mut Vec<usize>,
        see: &mut dyn FnMut(Sighting),
    ) {
        match self.readers(source) {
            Some(readers) => self.run_for((source, readers), row, record, matching, see),
            None => matching.clear(),
        }
        if let Some(record) = record {
            let mut admit = |mut sighting: Sighting| {
                if self.admits(&mut sighting) {
                    see(sighting);
                }
            };
            self.events.run(row, record, &mut admit);
        }
    }

    /// Runs the rules that read records of a source, and are asked, over one event.
    pub(crate) fn run_for(
        &self,
        (source, readers): (&Source, &Readers),
        row: &Row<'_>,
        record: Option<Value<'_>>,
        matching: &mut Vec<usize>,
        see: &mut dyn FnMut(Sighting),
    ) {
        let (around, by_column);
        let seen: &dyn sigma::Record = if self.asks.of_single_events() {
            around = self.around(source, Some(row), record);
            self.set.matches(&around, readers, matching);
            &around
        } else {
            by_column = self.row_record(source, row, record);
            self.set.matches(&by_column, readers, matching);
            &by_column
        };
        for rule in matching.iter().map(|rule| &self.rules[*rule]).filter(|rule| rule.alerts) {
            let mut sighting = rule.sighting(row, seen);
            if self.admits(&mut sighting) {
                see(sighting);
            }
        }
    }

    /// Marks the event for rules that look at several events. `matching` is what [`Self::run`] left
    /// there for this event; the row has its time.
    pub fn mark(
        &self,
        row: &Row<'_>,
        record: Option<Value<'_>>,
        matching: &[usize],
        at: MarkedRow,
        marks: &mut Marks,
    ) {
        let asked = self.asks.of_several_events(matching);
        if !asked.is_empty() {
            // Marks look at values one by one, in JSON or in columns: what is known around the
            // event comes to them as JSON.
            let source = source_of(row);
            let around = self.around(source, Some(row), record);
            let json = surroundings::as_json(&around, &asked);
            let mut tape = Tape::new();
            let seen = tape.parse(&json).ok().or(record);
            self.stateful.mark(row, seen, matching, at, marks);
        } else if !matching.is_empty() {
            self.stateful.mark(row, record, matching, at, marks);
        }
    }

    /// Who reads records of a source.
    pub(crate) fn readers(&self, source: &Source) -> Option<&Readers> {
        self.readers.get(place_of(source)?)
    }

    /// A row and its record, as rules see them.
    fn row_record<'a>(
        &'a self,
        source: &Source,
        row: &'a Row<'a>,
        record: Option<Value<'a>>,
    ) -> RowRecord<'a> {
        let fields: &[Field] = match record {
            None => {
                self.fields_of(source, |known| &known.columns, |name| Field::of(source.table, name))
            }
            Some(_) if row.as_written => {
                let written = |name: &str| match history::column_of(source, name) {
                    Some(_) => Field::of(source.table, name),
                    None => Field::Nowhere,
                };
                self.fields_of(source, |known| &known.written, written)
            }
            Some(_) => &[],
        };
        RowRecord::knowing(row, fields, record)
    }

    /// Where the fields of rules are in rows of a source; nothing where the source is not known.
    fn fields_of(
        &self,
        source: &Source,
        of: impl Fn(&KnownFields) -> &OnceLock<Vec<Field>>,
        find: impl Fn(&str) -> Field,
    ) -> &[Field] {
        let known = place_of(source).and_then(|place| self.fields.get(place));
        let find = || self.set.fields().iter().map(|path| find(path.as_str())).collect();
        known.map_or(&[], |known| of(known).get_or_init(find))
    }
}

/// The place of a source in the catalogue.
fn place_of(source: &Source) -> Option<usize> {
    sources::ALL.iter().position(|s| std::ptr::eq(*s, source) || s.id == source.id)
}

/// The source of a row's table.
fn source_of(row: &Row<'_>) -> &'static Source {
    let known = sources::ALL.iter().find(|source| std::ptr::eq(source.table, row.table));
    known.copied().unwrap_or(&sources::applog::SOURCE)
}

pub(crate) fn log_source(source: &Source) -> LogSource {
    LogSource {
        product: source.service.map(|_| source.product.to_owned()),
        service: source.service.map(str::to_owned),
        category: None,
    }
}

/// Files of rules, as they are read.
#[derive(Default)]
struct Read {
    files: Vec<String>,
    /// Rules over single events, with the number of their file.
    singles: Vec<(usize, Detection)>,
    several: Vec<stateful::Source>,
    filters: Vec<filters::Source>,
    bad: Vec<BadRule>,
    texts: BTreeMap<String, String>,
}

impl Read {
    fn file(&mut self, file: String, text: &str, lists: &Lists) {
        let mut reading = sigma::read_rules_with(text, lists);
        let version = Sha256::of(text.as_bytes()).short();
        let number = self.files.len();
        let mut refuse = |names: surroundings::Names<'_>| {
            let error = surroundings::unknown_fields(&names);
            let known = error.is_none();
            self.bad.extend(error.map(|error| BadRule { file: file.clone(), error }));
            known
        };
        reading.rules.retain(|rule| refuse(surroundings::Names::Rule(rule)));
        reading.correlations.retain(|rule| refuse(surroundings::Names::Correlation(rule)));
        reading.filters.retain(|filter| refuse(surroundings::Names::Filter(filter)));
        let rules = reading.rules.into_iter();
        self.singles.extend(rules.map(|rule| (number, Detection::of(rule, &file, &version))));
        let correlations = reading.correlations.into_iter();
        self.several.extend(correlations.map(|correlation| stateful::Source {
            file: number,
            version: version.clone(),
            correlation,
        }));
        let filters = reading.filters.into_iter();
        self.filters.extend(filters.map(|filter| {
            let version = version.clone();
            filters::Source { file: number, version, filter }
        }));
        let errors = reading.errors.into_iter();
        self.bad.extend(errors.map(|error| BadRule { file: file.clone(), error }));
        self.texts.insert(file.clone(), text.to_owned());
        self.files.push(file);
    }
}

/// A rule that stands in one file with a correlation that refers to it is a part of that: it tells
/// of nothing by itself, unless some correlation says `generate`.
fn keep_quiet(singles: &mut [(usize, Detection)], several: &[stateful::Source]) {
    let mut generate: BTreeMap<(usize, &str), bool> = BTreeMap::new();
    for source in several {
        for named in &source.correlation.rules {
            *generate.entry((source.file, &named.name)).or_default() |= source.correlation.generate;
        }
    }
    for (file, single) in singles {
        let names = single.sigma.id.iter().chain(&single.sigma.name);
        let asked: Vec<bool> =
            names.filter_map(|name| generate.get(&(*file, name.as_str())).copied()).collect();
        single.alerts = asked.is_empty() || asked.contains(&true);
    }
}

/// A rule, as findings name it.
pub(crate) fn rule_of(id: String, version: &str, tags: &[String]) -> Rule {
    let tag = |prefix: &str| -> Vec<String> {
        tags.iter().filter_map(|t| t.strip_prefix(prefix)).map(str::to_owned).collect()
    };
    let controls = tag("cc").into_iter().map(|point| ["CC", &point].concat()).collect();
    Rule {
        id,
        version: version.to_owned(),
        product: "watchkeeper".to_owned(),
        attack: tag("attack."),
        controls,
    }
}

impl Detection {
    fn of(sigma: sigma::Rule, file: &str, version: &str) -> Self {
        let id = sigma.id.clone().unwrap_or_else(|| sigma.title.clone());
        let rule = rule_of(id, version, &sigma.tags);
        let word = sigma.level.unwrap_or(SeverityWord::Medium);
        Self {
            file: file.to_owned(),
            rule: Arc::new(rule),
            title: sigma.title.as_str().into(),
            severity: sigma.extension.severity.unwrap_or(Severity::of_word(word)),
            window_seconds: sigma.extension.window_seconds.map_or(WINDOW_SECONDS, i64::from),
            alerts: true,
            asked: asked(&sigma),
            sigma,
        }
    }

    /// What the rule says of an event that it matched. The machinery fills in the event's id.
    fn sighting(&self, row: &Row<'_>, seen: &dyn sigma::Record) -> Sighting {
        let time = row.time.unwrap_or_default();
        let resources = self.resources(row, seen);
        let account = row.account.as_deref().unwrap_or_default();
        let actor = row.actor.as_deref().or(row.source_ip.as_deref()).unwrap_or_default();
        let resource = resources.first().map_or("", String::as_str);
        let window = time.floor_to(self.window_seconds);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Sighting {
            finding: FindingId::of_rule(&self.rule.id, account, actor, resource, window),
            rule: self.rule.clone(),
            title: self.title.clone(),
            severity: self.severity,
            account: some(account),
            region: row.region.as_deref().map(str::to_owned),
            actor: some(actor),
            resources,
            event: EventRef { time, table: row.table.name.to_owned(), id: String::new() },
            first_seen: time,
            last_seen: time,
            reported_count: None,
            origin: Origin::BackFill,
            ended: None,
            grounds: self.grounds(row, seen),
        }
    }

    /// What the match rests on: the address, and the fields that the rule asks for.
    fn grounds(&self, row: &Row<'_>, seen: &dyn sigma::Record) -> Grounds {
        let mut matched: Vec<Matched> = Vec::new();
        for path in &self.asked {
            if let Some(value) = shown(&seen.field(path)) {
                matched.push(Matched { field: path.as_str().to_owned(), value });
            }
        }
        let source_ip = row.source_ip.as_deref().map(str::to_owned);
        Grounds { source_ip, matched: matched.into(), ..Grounds::default() }
    }

    /// What was acted on: the fields that the rule names, else what the event names.
    fn resources(&self, row: &Row<'_>, seen: &dyn sigma::Record) -> Vec<String> {
        let mut named = Vec::new();
        for path in &self.sigma.extension.resource {
            texts(&seen.field(path), &mut named);
        }
        if named.is_empty() {
            named.extend(row.resources.iter().map(|r| r.clone().into_owned()));
        }
        named.truncate(wk_model::Finding::RESOURCES_MAX);
        named
    }
}

/// The fields that a rule asks for, each once, in their order.
fn asked(rule: &sigma::Rule) -> Vec<FieldPath> {
    fn of(search: &sigma::Search, found: &mut Vec<FieldPath>) {
        match search {
            sigma::Search::All(all) | sigma::Search::Any(all) => {
                all.iter().for_each(|search| of(search, found));
            }
            sigma::Search::Test(test) => {
                if let Some(field) = &test.field
                    && found.len() < Grounds::MATCHED_MAX
                    && !found.iter().any(|there| there.as_str() == field.as_str())
                {
                    found.push(field.clone());
                }
            }
        }
    }
    let mut found = Vec::new();
    rule.searches.iter().for_each(|(_, search)| of(search, &mut found));
    found
}

/// A field's value as text, cut; nothing where it is absent.
fn shown(value: &FieldValue<'_>) -> Option<String> {
    let text: Cow<'_, str> = match value {
        FieldValue::Absent | FieldValue::Null => return None,
        FieldValue::Text(text) => text.clone(),
        FieldValue::Texts(all) => all.join(", ").into(),
        FieldValue::Json(value) => value.as_str().unwrap_or_else(|| value.compact()),
        FieldValue::Many(values) => {
            let some = values.iter().take(Grounds::MATCHED_MAX);
            some.map(|v| v.as_str().unwrap_or_else(|| v.compact()))
                .collect::<Vec<_>>()
                .join(", ")
                .into()
        }
        FieldValue::Int(n) => n.to_string().into(),
        FieldValue::Float(n) => n.to_string().into(),
        FieldValue::Bool(truth) => truth.to_string().into(),
    };
    let mut letters = text.chars();
    let mut cut: String = letters.by_ref().take(Grounds::VALUE_CHARS).collect();
    if letters.next().is_some() {
        cut.push('…');
    }
    Some(cut)
}

/// The single texts of a field's value.
fn texts(value: &FieldValue<'_>, found: &mut Vec<String>) {
    fn of_json(value: Value<'_>, found: &mut Vec<String>) {
        if let Some(text) = value.as_str() {
            found.push(text.into_owned());
        } else if value.kind() == wk_lang::json::Kind::Array {
            value
                .items()
                .take(wk_model::Finding::RESOURCES_MAX)
                .for_each(|item| of_json(item, found));
        }
    }
    match value {
        FieldValue::Text(text) => found.push(text.clone().into_owned()),
        FieldValue::Texts(all) => found.extend(all.iter().map(|t| t.clone().into_owned())),
        FieldValue::Json(value) => of_json(*value, found),
        FieldValue::Many(values) => values.iter().for_each(|v| of_json(*v, found)),
        FieldValue::Absent
        | FieldValue::Null
        | FieldValue::Int(_)
        | FieldValue::Float(_)
        | FieldValue::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wk_lang::sigma::Expected;

    /// Every rule of the pack that tells of something shows one case that fires and one that stays
    /// quiet; whether they hold is tested where they are run.
    #[test]
    fn every_rule_of_the_pack_fires_and_stays_quiet_as_its_tests_say() {
        let pack = Detections::built_in().unwrap();
        let singles = pack.rules().iter().filter(|rule| rule.alerts);
        let singles = singles.map(|rule| (&rule.title, &rule.sigma.extension));
        let several = pack.stateful().rules().iter().filter(|rule| rule.alerts);
        let several = several.map(|rule| (&rule.title, &rule.correlation.about.extension));
        for (title, extension) in singles.chain(several) {
            for expected in [Expected::Fires, Expected::Quiet] {
                assert!(extension.tests.iter().any(|t| t.expected == expected), "{title}");
            }
        }
        let failed = crate::rehearsal::rehearse(&pack).into_iter().filter(|test| !test.passed);
        let failed: Vec<_> = failed.collect();
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn a_broken_rule_is_told_with_file_and_place() {
        let text = "title: x\nlogsource: {product: aws}\ndetection:\n  a: {b|contans: c}\n  condition: a\n";
        let (_, bad) = Detections::read([("mine.yml".to_owned(), text.to_owned())].into_iter());
        assert_eq!(bad.len(), 1);
        let told = bad[0].to_string();
        assert!(told.starts_with("mine.yml:") && told.contains("contains"), "{told}");
    }
}
