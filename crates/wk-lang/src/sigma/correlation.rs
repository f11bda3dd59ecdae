//! Rules over several events: Sigma 2.1 correlations, and kinds of our own in the same style.

use wk_model::SeverityWord;

use super::bounds::{Bounds, Operator};
use super::condition::{self, Condition};
use super::error::{Problem, RuleError};
use super::extension::{Extension, read_extension, seconds};
use super::field::FieldPath;
use super::own::{FirstSeen, Rate, SequenceStep, Travel, read_steps};
use super::reader::Reader;
use super::rule::Status;
use crate::yaml::{Content, Node, Place};

/// A rule that looks at what other rules match.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// What it says of itself.
    pub about: About,
    /// What it asks of the events together.
    pub kind: Kind,
    /// The rules whose events it looks at.
    pub rules: Vec<Named>,
    /// Names for fields that differ from rule to rule.
    pub aliases: Vec<Alias>,
    /// Fields or aliases; events that have the same values there belong together.
    pub group_by: Vec<String>,
    /// How long events belong together.
    pub timespan_seconds: i64,
    /// Whether the rules that it refers to also tell of their events themselves.
    pub generate: bool,
}

/// What every rule says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Its identity, a UUID.
    pub id: Option<String>,
    /// What correlations call it.
    pub name: Option<String>,
    /// Where it begins in its file.
    pub place: Place,
    /// What it detects, in a line.
    pub title: String,
    /// How far it has been proved.
    pub status: Option<Status>,
    /// Why it is there.
    pub description: Option<String>,
    /// How bad a match is.
    pub level: Option<SeverityWord>,
    /// `attack.t1098`, `cc7.2`, …
    pub tags: Vec<String>,
    /// Who does the same for good reasons.
    pub falsepositives: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where it was taken from, what explains it.
    pub references: Vec<String>,
    /// What only Watchkeeper needs.
    pub extension: Extension,
}

/// A rule by id or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Id or name.
    pub name: String,
    /// Where it is named.
    pub place: Place,
}

/// One name for fields that are called differently in the events of different rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The alias.
    pub name: String,
    /// The field in the events of each rule.
    pub fields: Vec<(Named, String)>,
}

/// What a correlation asks of the events that belong together.
#[derive(Debug, Clone)]
pub enum Kind {
    /// How many there are.
    EventCount(Bounds),
    /// How many different values these fields have, taken together.
    ValueCount(Vec<FieldPath>, Bounds),
    /// A figure over the numbers in a field.
    Value(Measure, FieldPath, Bounds),
    /// Which of the rules matched, in any order.
    Temporal(Together),
    /// All of the rules matched, one after the other as they are listed.
    TemporalOrdered,
    /// Something is there for the first time.
    FirstSeen(FirstSeen),
    /// There is more than is usual at this hour of the week.
    Rate(Rate),
    /// One event after the other, and some not.
    Sequence(Vec<SequenceStep>),
    /// Two events in places that are too far apart.
    Travel(Travel),
}

/// A figure over numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Their sum; numbers below zero count as zero.
    Sum,
    /// Their mean.
    Average,
    /// The number that so many percent do not exceed (nearest rank).
    Percentile(u8),
}

/// Which of the rules must have matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Together {
    /// So many different ones.
    Count(Bounds),
    /// As the condition says.
    Condition(Condition),
}

impl Kind {
    /// The fields whose values are taken.
    pub fn value_fields(&self) -> Vec<String> {
        let names = |fields: &[FieldPath]| fields.iter().map(|f| f.as_str().to_owned()).collect();
        match self {
            Self::ValueCount(fields, _) => names(fields),
            Self::Value(_, field, _) => names(std::slice::from_ref(field)),
            Self::FirstSeen(first) => names(&first.terms),
            Self::Travel(_) => vec![Travel::POSITION.to_owned()],
            Self::EventCount(_)
            | Self::Temporal(_)
            | Self::TemporalOrdered
            | Self::Rate(_)
            | Self::Sequence(_) => Vec::new(),
        }
    }
}

impl Kind {
    /// What it asks, with the names of the rules that it refers to.
    pub fn in_words(&self, rules: &[Named]) -> String {
        let names: Vec<&str> = rules.iter().map(|named| named.name.as_str()).collect();
        match self {
            Self::EventCount(bounds) => format!("events: {bounds}"),
            Self::ValueCount(..) => {
                self.to_string().replacen("value_count", "different values of", 1)
            }
            Self::Temporal(Together::Count(bounds)) => {
                format!("different ones of {}: {bounds}", names.join(", "))
            }
            Self::Temporal(Together::Condition(condition)) => condition.in_words(&names),
            Self::TemporalOrdered => names.join(", then "),
            Self::Sequence(steps) => {
                let name = |step: &SequenceStep| names.get(step.rule).copied().unwrap_or_default();
                let not = |step: &SequenceStep| if step.not { "not " } else { "" };
                let steps = steps.iter().map(|step| [not(step), name(step)].concat());
                steps.collect::<Vec<_>>().join(", then ")
            }
            Self::Travel(Travel { speed_kmh, distance_km }) => format!(
                "two of them more than {distance_km} km apart and faster than {speed_kmh} km/h"
            ),
            Self::Value(..) | Self::FirstSeen(_) | Self::Rate(_) => self.to_string(),
        }
    }
}

impl std::fmt::Display for Kind {
    /// Everything that it asks, in a form that stays the same.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields = self.value_fields().join(",");
        match self {
            Self::EventCount(bounds) => write!(f, "event_count {bounds}"),
            Self::ValueCount(_, bounds) => write!(f, "value_count {fields} {bounds}"),
            Self::Value(Measure::Sum, _, bounds) => write!(f, "value_sum {fields} {bounds}"),
            Self::Value(Measure::Average, _, bounds) => write!(f, "value_avg {fields} {bounds}"),
            Self::Value(Measure::Percentile(percent), _, bounds) => {
                write!(f, "value_percentile {percent} {fields} {bounds}")
            }
            Self::Temporal(Together::Count(bounds)) => write!(f, "temporal {bounds}"),
            Self::Temporal(Together::Condition(condition)) => write!(f, "temporal {condition}"),
            Self::TemporalOrdered => f.write_str("temporal_ordered"),
            Self::FirstSeen(first) => {
                let FirstSeen { terms: _, history_days, learning_days } = first;
                write!(f, "first_seen {fields} {history_days} {learning_days}")
            }
            Self::Rate(rate) => {
                let Rate { history_weeks, learning_days, deviations, floor, buckets } = rate;
                write!(f, "rate {history_weeks} {learning_days} {deviations} {floor} {buckets}")
            }
            Self::Sequence(steps) => {
                let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
                write!(f, "sequence {}", steps.join(", "))
            }
            Self::Travel(Travel { speed_kmh, distance_km }) => {
                write!(f, "impossible_travel {speed_kmh} {distance_km}")
            }
        }
    }
}

/// How many rules one correlation may refer to.
const RULES_MAX: usize = 1_000;
/// How many fields it may group by, and count together.
pub(super) const FIELDS_MAX: usize = 16;
/// The longest timespan, in seconds.
const TIMESPAN_MAX: u32 = 31 * 86_400;

const TYPES: [&str; 12] = [
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
    "first_seen",
    "rate",
    "sequence",
    "impossible_travel",
];

/// Reads a document that has a `correlation`.
pub(super) fn read_correlation(document: &Node, node: &Node) -> Result<Correlation, RuleError> {
    let about = read_about(document)?;
    let reader = Reader { node, path: "correlation." };
    let Some(members) = node.members() else {
        return Err(Reader { node, path: "" }.kind(node, "correlation", "a mapping"));
    };
    let missing = Problem::Missing("type under correlation").at(node.place);
    let word = reader.text("type")?.ok_or(missing)?;
    let known = keys_of(&word, &reader)?;
    if let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.text.as_str())) {
        return Err(Problem::unknown("correlation", &key.text, known).at(key.place));
    }
    let (kind, rules) = match word.as_str() {
        "sequence" => {
            let (steps, rules) = read_steps(&reader)?;
            (Kind::Sequence(steps), rules)
        }
        _ => {
            let rules = read_rule_names(&reader)?;
            (read_kind(&word, &reader, &rules)?, rules)
        }
    };
    let generate =
        reader.flag("generate")? || Reader { node: document, path: "" }.flag("generate")?;
    Ok(Correlation {
        about,
        timespan_seconds: read_timespan(&reader, &kind)?,
        kind,
        aliases: read_aliases(&reader)?,
        group_by: read_group_by(&reader)?,
        generate,
        rules,
    })
}

/// The keys that a correlation of a type has.
fn keys_of(word: &str, reader: &Reader<'_>) -> Result<Vec<&'static str>, RuleError> {
    let mut keys = vec!["type", "aliases", "group-by", "generate"];
    match word {
        "first_seen" => {
            keys.extend(["rules", "entity"]);
            keys.extend(FirstSeen::KEYS);
        }
        "rate" => {
            keys.extend(["rules", "entity"]);
            keys.extend(Rate::KEYS);
        }
        "sequence" => keys.extend(["steps", "timespan"]),
        "impossible_travel" => {
            keys.extend(["rules", "entity", "timespan"]);
            keys.extend(Travel::KEYS);
        }
        _ if TYPES.contains(&word) => keys.extend(["rules", "timespan", "condition"]),
        _ => {
            return Err(Problem::unknown("correlation.type", word, TYPES).at(reader.place("type")));
        }
    }
    Ok(keys)
}

fn read_rule_names(reader: &Reader<'_>) -> Result<Vec<Named>, RuleError> {
    let mut rules = read_named(reader, "rules", RULES_MAX)?;
    if rules.is_empty() {
        rules = named_in_condition(reader.node);
    }
    if rules.is_empty() {
        return Err(Problem::Missing("rules under correlation").at(reader.node.place));
    }
    Ok(rules)
}

/// Of kinds that know somebody over a long time, the fields may be called the entity.
fn read_group_by(reader: &Reader<'_>) -> Result<Vec<String>, RuleError> {
    let (group_by, entity) = (read_fields(reader, "group-by")?, read_fields(reader, "entity")?);
    if !group_by.is_empty() && !entity.is_empty() {
        let (key, first, second) =
            ("correlation".to_owned(), "group-by".to_owned(), "entity".to_owned());
        return Err(Problem::Conflict { key, first, second }.at(reader.place("entity")));
    }
    Ok(if group_by.is_empty() { entity } else { group_by })
}

pub(super) fn read_about(document: &Node) -> Result<About, RuleError> {
    let reader = Reader { node: document, path: "" };
    let name = reader.text("name")?;
    let title = reader.text("title")?.or_else(|| name.clone());
    Ok(About {
        id: reader.text("id")?,
        name,
        place: document.place,
        title: title.ok_or(Problem::Missing("title").at(document.place))?,
        status: reader.status()?,
        description: reader.text("description")?,
        level: reader.level()?,
        tags: reader.texts("tags")?,
        falsepositives: reader.texts("falsepositives")?,
        author: reader.text("author")?,
        references: reader.texts("references")?,
        extension: read_extension(document)?,
    })
}

/// References to rules, each once.
pub(super) fn read_named(
    reader: &Reader<'_>,
    key: &str,
    max: usize,
) -> Result<Vec<Named>, RuleError> {
    let items = reader.node.get(key).map(Node::items).unwrap_or_default();
    if items.len() > max {
        let what = format!("{}{key}", reader.path);
        return Err(Problem::TooMany { what, max }.at(reader.place(key)));
    }
    let mut named: Vec<Named> = Vec::new();
    for item in items {
        let text =
            item.scalar().ok_or_else(|| reader.kind(item, key, "the id or name of a rule"))?;
        if named.iter().any(|known| known.name == text) {
            let (key, value) = (format!("{}{key}", reader.path), text.to_owned());
            return Err(Problem::Value { key, value, why: "is named twice".into() }.at(item.place));
        }
        named.push(Named { name: text.to_owned(), place: item.place });
    }
    Ok(named)
}

/// Where a condition in words names the rules, they need not be listed.
fn named_in_condition(node: &Node) -> Vec<Named> {
    let Some(condition) = node.get("condition") else { return Vec::new() };
    let names = condition.scalar().map(condition::names).unwrap_or_default();
    let mut named: Vec<Named> = Vec::new();
    for name in names.into_iter().take(RULES_MAX) {
        if !named.iter().any(|known| known.name == name) {
            named.push(Named { name: name.to_owned(), place: condition.place });
        }
    }
    named
}

fn read_fields(reader: &Reader<'_>, key: &str) -> Result<Vec<String>, RuleError> {
    let fields = reader.texts(key)?;
    if fields.len() > FIELDS_MAX {
        let what = format!("{}{key}", reader.path);
        return Err(Problem::TooMany { what, max: FIELDS_MAX }.at(reader.place(key)));
    }
    Ok(fields)
}

/// How long events belong together; of kinds that compare with history, how long a bucket is.
fn read_timespan(reader: &Reader<'_>, kind: &Kind) -> Result<i64, RuleError> {
    match kind {
        Kind::FirstSeen(_) => return Ok(0),
        Kind::Rate(_) => return Ok(Rate::BUCKET_SECONDS),
        _ => {}
    }
    let missing = Problem::Missing("timespan under correlation").at(reader.node.place);
    let text = reader.text("timespan")?.ok_or(missing)?;
    let refuse = |why: &str| {
        let (key, value) = ("correlation.timespan".to_owned(), text.clone());
        Problem::Value { key, value, why: why.to_owned() }.at(reader.place("timespan"))
    };
    let seconds =
        seconds(&text).ok_or_else(|| refuse("is not a time such as 30s, 15m, 1h, 7d or 2w"))?;
    if seconds > TIMESPAN_MAX {
        return Err(refuse("is longer than 31 days, for which events are not kept together"));
    }
    Ok(i64::from(seconds))
}

fn read_aliases(reader: &Reader<'_>) -> Result<Vec<Alias>, RuleError> {
    let Some(node) = reader.node.get("aliases") else { return Ok(Vec::new()) };
    let wanted = "a mapping of aliases, each to a field per rule";
    let members = node.members().ok_or_else(|| reader.kind(node, "aliases", wanted))?;
    if members.len() > FIELDS_MAX {
        let what = "correlation.aliases".to_owned();
        return Err(Problem::TooMany { what, max: FIELDS_MAX }.at(node.place));
    }
    let mut aliases = Vec::new();
    for (key, value) in members {
        let rules = value.members().ok_or_else(|| reader.kind(value, "aliases", wanted))?;
        let mut fields = Vec::new();
        for (rule, field) in rules {
            let text = field.scalar().ok_or_else(|| reader.kind(field, "aliases", "a field"))?;
            let named = Named { name: rule.text.clone(), place: rule.place };
            fields.push((named, text.to_owned()));
        }
        aliases.push(Alias { name: key.text.clone(), fields });
    }
    Ok(aliases)
}

fn read_kind(word: &str, reader: &Reader<'_>, rules: &[Named]) -> Result<Kind, RuleError> {
    let condition = reader.node.get("condition");
    let bounds = |others: &[&str]| match condition {
        Some(node) => Bounds::read(node, others),
        None => Err(Problem::Missing("condition under correlation").at(reader.node.place)),
    };
    Ok(match word {
        "event_count" => Kind::EventCount(bounds(&[])?),
        "value_count" => Kind::ValueCount(value_fields(reader)?, bounds(&["field"])?),
        "value_sum" => Kind::Value(Measure::Sum, value_field(reader)?, bounds(&["field"])?),
        "value_avg" => Kind::Value(Measure::Average, value_field(reader)?, bounds(&["field"])?),
        "value_median" => {
            Kind::Value(Measure::Percentile(50), value_field(reader)?, bounds(&["field"])?)
        }
        "value_percentile" => {
            let measure = Measure::Percentile(percentile(reader)?);
            Kind::Value(measure, value_field(reader)?, bounds(&["field", "percentile"])?)
        }
        "temporal" => Kind::Temporal(together(condition, rules)?),
        "temporal_ordered" => {
            ordered(condition, rules)?;
            Kind::TemporalOrdered
        }
        "first_seen" => Kind::FirstSeen(FirstSeen::read(reader)?),
        "rate" => Kind::Rate(Rate::read(reader)?),
        "impossible_travel" => Kind::Travel(Travel::read(reader)?),
        _ => return Err(Problem::unknown("correlation.type", word, TYPES).at(reader.place("type"))),
    })
}

fn value_fields(reader: &Reader<'_>) -> Result<Vec<FieldPath>, RuleError> {
    let Some(condition) = reader.node.get("condition") else {
        return Err(Problem::Missing("condition under correlation").at(reader.node.place));
    };
    let inner = Reader { node: condition, path: "correlation.condition." };
    let fields = read_fields(&inner, "field")?;
    if fields.is_empty() {
        return Err(Problem::Missing("field under correlation.condition").at(condition.place));
    }
    Ok(fields.iter().map(|field| FieldPath::new(field)).collect())
}

fn value_field(reader: &Reader<'_>) -> Result<FieldPath, RuleError> {
    let mut fields = value_fields(reader)?;
    match (fields.pop(), fields.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Problem::TooMany { what: "correlation.condition.field".into(), max: 1 }
            .at(reader.place("condition"))),
    }
}

fn percentile(reader: &Reader<'_>) -> Result<u8, RuleError> {
    let place = reader.place("condition");
    let condition = reader.node.get("condition").unwrap_or(reader.node);
    let inner = Reader { node: condition, path: "correlation.condition." };
    let missing = Problem::Missing("percentile (1 to 99) under correlation.condition").at(place);
    let text = inner.text("percentile")?.ok_or(missing)?;
    match text.parse() {
        Ok(percent @ 1..=99) => Ok(percent),
        _ => {
            let (key, why) = ("correlation.condition.percentile".into(), "is not 1 to 99".into());
            Err(Problem::Value { key, value: text, why }.at(inner.place("percentile")))
        }
    }
}

/// What `temporal` asks: by default that all of the rules matched.
fn together(condition: Option<&Node>, rules: &[Named]) -> Result<Together, RuleError> {
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let all = || Condition::All((0..rules.len()).map(Condition::Search).collect());
    Ok(match condition {
        None => Together::Condition(all()),
        Some(node) if matches!(node.content, Content::Map(_)) => {
            Together::Count(Bounds::read(node, &[])?)
        }
        Some(node) => {
            let reader = Reader { node, path: "correlation." };
            let text = node
                .scalar()
                .ok_or_else(|| reader.kind(node, "condition", "a text or a mapping"))?;
            let read = condition::read_over(text, &names, "correlation.condition");
            Together::Condition(read.map_err(|problem| problem.at(node.place))?)
        }
    })
}

/// `temporal_ordered` asks for all of the rules; a condition may say so once more.
fn ordered(condition: Option<&Node>, rules: &[Named]) -> Result<(), RuleError> {
    let Some(node) = condition else { return Ok(()) };
    let fits = match together(condition, rules)? {
        Together::Condition(Condition::Search(_)) => rules.len() == 1,
        Together::Condition(Condition::All(parts)) => {
            let named = |place| parts.contains(&Condition::Search(place));
            (0..rules.len()).all(named)
        }
        Together::Condition(_) => false,
        Together::Count(bounds) => {
            let all = super::bounds::Amount::whole(rules.len() as u64);
            matches!(bounds.all(), [(Operator::GreaterOrEqual | Operator::Equal, n)] if *n == all)
        }
    };
    if fits {
        return Ok(());
    }
    let why = "temporal_ordered asks for all of its rules in their order; for anything else \
               write type temporal or sequence";
    let (key, value) = ("correlation.condition".to_owned(), node.to_json());
    Err(Problem::Value { key, value, why: why.to_owned() }.at(node.place))
}
