//! Kinds of correlations that Sigma lacks: first seen, rates against a baseline, sequences.

use super::bounds::Amount;
use super::correlation::{FIELDS_MAX, Named};
use super::error::{Problem, RuleError};
use super::extension::seconds;
use super::field::FieldPath;
use super::reader::Reader;
use crate::yaml::Node;

/// `first_seen`: something is there for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSeen {
    /// The fields whose values, together, are looked at.
    pub terms: Vec<FieldPath>,
    /// How long a value is remembered, in days.
    pub history_days: u32,
    /// How long whoever does it must be known before anything is told, in days.
    pub learning_days: u32,
}

/// `rate`: more in five minutes than is usual at this hour of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// How far back the usual is taken from, in weeks.
    pub history_weeks: u32,
    /// How long there must have been events before anything is told, in days; at least seven.
    pub learning_days: u32,
    /// How many times the median absolute deviation lies between the median and what is told.
    pub deviations: Amount,
    /// What is not told if there are fewer.
    pub floor: u64,
    /// How many buckets one after the other must be so.
    pub buckets: u32,
}

/// `impossible_travel`: one and the same was in two places between which nobody travels so fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Travel {
    /// The speed that nobody has, in kilometres an hour.
    pub speed_kmh: u32,
    /// Nearer places are never told, in kilometres.
    pub distance_km: u32,
}

/// A step of a `sequence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceStep {
    /// Place of its rule among those that the correlation refers to.
    pub rule: usize,
    /// Whether it must not come.
    pub not: bool,
    /// How long after the step before it may come, in seconds; of the first that must not come, how
    /// long before the step behind it.
    pub within_seconds: Option<i64>,
}

const STEPS_MAX: usize = 16;
const DAY: u32 = 86_400;

/// A time in whole days; `0d` is none.
fn days(
    reader: &Reader<'_>,
    key: &str,
    default: u32,
    allowed: std::ops::RangeInclusive<u32>,
) -> Result<u32, RuleError> {
    let Some(text) = reader.text(key)? else { return Ok(default) };
    let days = match text.as_str() {
        "0d" => Some(0),
        _ => seconds(&text).filter(|seconds| seconds % DAY == 0).map(|seconds| seconds / DAY),
    };
    days.filter(|days| allowed.contains(days)).ok_or_else(|| {
        let why =
            format!("is not {} to {} whole days, such as 14d", allowed.start(), allowed.end());
        let problem = Problem::Value { key: format!("{}{key}", reader.path), value: text, why };
        problem.at(reader.place(key))
    })
}

fn whole(
    reader: &Reader<'_>,
    key: &str,
    default: u64,
    allowed: std::ops::RangeInclusive<u64>,
) -> Result<u64, RuleError> {
    let Some(text) = reader.text(key)? else { return Ok(default) };
    text.parse().ok().filter(|n| allowed.contains(n)).ok_or_else(|| {
        let why = format!("is not a whole number from {} to {}", allowed.start(), allowed.end());
        let problem = Problem::Value { key: format!("{}{key}", reader.path), value: text, why };
        problem.at(reader.place(key))
    })
}

impl FirstSeen {
    pub(super) const KEYS: [&'static str; 3] = ["terms", "history", "learning"];

    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, RuleError> {
        let terms = reader.texts("terms")?;
        if terms.is_empty() {
            let problem = Problem::Missing("terms (a list of fields) under correlation");
            return Err(problem.at(reader.node.place));
        }
        if terms.len() > FIELDS_MAX {
            let what = "correlation.terms".to_owned();
            return Err(Problem::TooMany { what, max: FIELDS_MAX }.at(reader.place("terms")));
        }
        Ok(Self {
            terms: terms.iter().map(|field| FieldPath::new(field)).collect(),
            history_days: days(reader, "history", 30, 1..=366)?,
            learning_days: days(reader, "learning", 14, 0..=366)?,
        })
    }
}

impl Travel {
    pub(super) const KEYS: [&'static str; 2] = ["speed", "distance"];
    /// Who knows where an event came from says it in this field.
    pub const POSITION: &'static str = "wk.source.position";

    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, RuleError> {
        let number = |key, default| -> Result<u32, RuleError> {
            let number = whole(reader, key, default, 1..=20_000)?;
            Ok(u32::try_from(number).unwrap_or(u32::MAX))
        };
        Ok(Self { speed_kmh: number("speed", 900)?, distance_km: number("distance", 500)? })
    }
}

impl Rate {
    /// How long a bucket is.
    pub const BUCKET_SECONDS: i64 = 300;
    pub(super) const KEYS: [&'static str; 5] =
        ["history", "learning", "deviations", "floor", "buckets"];

    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, RuleError> {
        let history = days(reader, "history", 28, 7..=35)?;
        let deviations = match reader.text("deviations")? {
            None => Amount::whole(6),
            Some(text) => match Amount::read(&text).filter(|n| n.millionths() >= 0) {
                Some(deviations) => deviations,
                None => {
                    let key = "correlation.deviations".to_owned();
                    let why = "is not a number from 0 on".to_owned();
                    let problem = Problem::Value { key, value: text, why };
                    return Err(problem.at(reader.place("deviations")));
                }
            },
        };
        Ok(Self {
            history_weeks: history / 7,
            learning_days: days(reader, "learning", 7, 7..=366)?,
            deviations,
            floor: whole(reader, "floor", 20, 1..=1_000_000_000)?,
            buckets: u32::try_from(whole(reader, "buckets", 2, 1..=12)?).unwrap_or(2),
        })
    }
}

/// Reads the steps of a sequence, and the rules that they name.
pub(super) fn read_steps(
    reader: &Reader<'_>,
) -> Result<(Vec<SequenceStep>, Vec<Named>), RuleError> {
    let Some(node) = reader.node.get("steps") else {
        return Err(Problem::Missing("steps under correlation").at(reader.node.place));
    };
    if node.items().len() > STEPS_MAX {
        let what = "correlation.steps".to_owned();
        return Err(Problem::TooMany { what, max: STEPS_MAX }.at(node.place));
    }
    let (mut steps, mut rules) = (Vec::new(), Vec::new());
    for item in node.items() {
        steps.push(read_step(item, &mut rules)?);
    }
    check_steps(node, &steps)?;
    Ok((steps, rules))
}

fn read_step(node: &Node, rules: &mut Vec<Named>) -> Result<SequenceStep, RuleError> {
    const KEYS: [&str; 3] = ["rule", "not", "within"];
    let reader = Reader { node, path: "correlation.steps." };
    let members = node.members().unwrap_or_default();
    if let Some((key, _)) = members.iter().find(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        return Err(Problem::unknown("correlation.steps", &key.text, KEYS).at(key.place));
    }
    let (name, not, key) = match (reader.text("rule")?, reader.text("not")?) {
        (Some(name), None) => (name, false, "rule"),
        (None, Some(name)) => (name, true, "not"),
        _ => return Err(reader.kind(node, "rule", "one rule, under rule or under not")),
    };
    let within_seconds = match reader.text("within")? {
        None => None,
        Some(text) => match seconds(&text) {
            Some(seconds) => Some(i64::from(seconds)),
            None => {
                let key = "correlation.steps.within".to_owned();
                let why = "is not a time such as 30s, 15m or 1h".to_owned();
                return Err(Problem::Value { key, value: text, why }.at(reader.place("within")));
            }
        },
    };
    let known = rules.iter().position(|named| named.name == name);
    let rule = known.unwrap_or_else(|| {
        rules.push(Named { name, place: reader.place(key) });
        rules.len() - 1
    });
    Ok(SequenceStep { rule, not, within_seconds })
}

/// What no sequence can mean.
fn check_steps(node: &Node, steps: &[SequenceStep]) -> Result<(), RuleError> {
    let refuse = |value: &str, why: &str| {
        let key = "correlation.steps".to_owned();
        let problem = Problem::Value { key, value: value.to_owned(), why: why.to_owned() };
        Err(problem.at(node.place))
    };
    let Some(last) = steps.iter().rposition(|step| !step.not) else {
        return refuse("not", "is all there is; a step must come before one that must not");
    };
    let first = steps.iter().position(|step| !step.not).unwrap_or(last);
    let between = &steps[first..last];
    if between.iter().any(|step| step.not && step.within_seconds.is_some()) {
        let why = "has no meaning between two steps: what must not come between them must not come \
                   at all";
        return refuse("within", why);
    }
    if steps[first].within_seconds.is_some() {
        return refuse("within", "has no meaning at the first step: nothing comes before it");
    }
    Ok(())
}

impl std::fmt::Display for SequenceStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let not = if self.not { "not " } else { "" };
        write!(f, "{not}{} {}", self.rule, self.within_seconds.unwrap_or_default())
    }
}
