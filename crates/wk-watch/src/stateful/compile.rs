//! From documents to rules that can run: who refers to whom, and in which order they are stepped.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wk_lang::nearest::nearest;
use wk_lang::sigma::{Correlation, Kind, Named, Problem, RuleError, Together};
use wk_model::finding::Rule;
use wk_model::{Severity, Sha256};

use super::entries::Reach;
use super::late::Lateness;
use super::looks::Looks;
use crate::detect::{BadRule, Detection};

/// The rules over several events.
#[derive(Debug, Default)]
pub struct Stateful {
    pub(super) rules: Vec<StatefulRule>,
    /// Places of rules by their ids.
    places: BTreeMap<String, usize>,
    pub(super) looks: Looks,
}

/// One rule over several events.
#[derive(Debug)]
pub struct StatefulRule {
    /// The file it is from.
    pub file: String,
    /// Who says so.
    pub rule: Arc<Rule>,
    /// What it finds.
    pub title: Arc<str>,
    /// How bad a match is.
    pub severity: Severity,
    /// How long repeats are one finding; at least the timespan.
    pub window_seconds: i64,
    /// Whether it tells of what it finds, or only lets other rules look at it.
    pub alerts: bool,
    /// How long after its time an event is waited for.
    pub lateness_seconds: i64,
    /// The rule as it was read.
    pub correlation: Correlation,
    /// What the rules that it refers to are, in their order.
    pub refers: Vec<Target>,
    /// The fields that it groups by, in the events of each of the rules that it refers to.
    pub(super) group_by: Vec<Vec<String>>,
    /// The fields whose values it takes, likewise.
    pub(super) values: Vec<Vec<String>>,
    /// Which rules look at what it finds, and at which of their places it stands.
    pub(super) above: Vec<(String, u16)>,
    /// Tells states of this rule from those of any other, or of what it was before a change.
    pub(super) shape: u64,
}

/// The fields that rules ask of the events of a single-event rule: those that refer to it, and those
/// above them.
pub(crate) fn fields_asked_of(single: usize, rules: &Stateful) -> BTreeSet<String> {
    let (mut fields, mut open, mut seen) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for (number, rule) in rules.rules.iter().enumerate() {
        let refers = rule.refers.iter().enumerate();
        let places = refers.filter(|(_, target)| **target == Target::Single(single));
        open.extend(places.map(|(place, _)| (number, place)));
    }
    while let Some((number, place)) = open.pop() {
        let Some(rule) = rules.rules.get(number).filter(|_| seen.insert((number, place))) else {
            continue;
        };
        fields.extend(rule.group_by[place].iter().chain(&rule.values[place]).cloned());
        let resource = rule.correlation.about.extension.resource.iter();
        fields.extend(resource.map(|path| path.as_str().to_owned()));
        let above =
            rule.above.iter().filter_map(|(id, at)| Some((rules.place(id)?, usize::from(*at))));
        open.extend(above);
    }
    fields
}

/// What a reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The single-event rule at this place.
    Single(usize),
    /// The rule over several events at this place.
    Several(usize),
}

/// Repeats within an hour are one finding, unless the rule says otherwise.
const WINDOW_SECONDS: i64 = 3600;
/// How deep rules may look at each other's findings.
const DEPTH_MAX: usize = 8;
/// The highest count that can be asked for; so many events of a key are kept at least.
pub(super) const COUNT_MAX: u64 = 10_000;
/// How many wrong references are compared to all names, to find the nearest.
const NEAREST_MAX: usize = 20;

/// A correlation and the file it is from.
pub(crate) struct Source {
    pub(crate) file: usize,
    /// First digits of the SHA-256 of the file.
    pub(crate) version: String,
    pub(crate) correlation: Correlation,
}

/// A file of rules by its name, and the single-event rules by theirs, as references see them.
pub(crate) struct Around<'a> {
    pub(crate) files: &'a [String],
    /// The single-event rules with the number of their file.
    pub(crate) singles: &'a [(usize, Detection)],
}

impl Stateful {
    /// The rules, each behind those whose findings it looks at.
    pub fn rules(&self) -> &[StatefulRule] {
        &self.rules
    }

    /// The rule with this id.
    pub fn find(&self, id: &str) -> Option<&StatefulRule> {
        self.rules.get(self.place(id)?)
    }

    /// The place of the rule with this id among the rules.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Waits as long for events as is said for each single-event rule, by its place.
    pub(crate) fn wait(&mut self, seconds: impl Fn(usize) -> i64) {
        for rule in &mut self.rules {
            let waits = rule.refers.iter().filter_map(|target| match target {
                Target::Single(single) => Some(seconds(*single)),
                Target::Several(_) => None,
            });
            rule.lateness_seconds = waits.max().unwrap_or_default();
        }
        wait_for_those_below(&mut self.rules);
    }

    /// Compiles correlations; what cannot be compiled is told.
    pub(crate) fn compile(
        sources: Vec<Source>,
        names: &Names,
        around: &Around<'_>,
        bad: &mut Vec<BadRule>,
    ) -> Self {
        let mut refused: Vec<Option<RuleError>> = Vec::new();
        let mut resolved: Vec<Resolved> = Vec::new();
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        for source in &sources {
            let found = check(&source.correlation)
                .and_then(|()| own_id(source, &mut ids, around))
                .and_then(|()| names.resolve_all(source));
            refused.push(found.as_ref().err().cloned());
            resolved.push(found.unwrap_or_default());
        }
        let order = order(&sources, &resolved, &mut refused);
        for (source, error) in sources.iter().zip(&refused) {
            if let Some(error) = error {
                let rule = Some(source.correlation.about.title.clone());
                let file = around.files.get(source.file).cloned().unwrap_or_default();
                bad.push(BadRule { file, error: RuleError { rule, ..error.clone() } });
            }
        }
        Self::of(sources, resolved, &order, around)
    }

    /// Puts the rules into their order.
    fn of(
        sources: Vec<Source>,
        resolved: Vec<Resolved>,
        order: &[usize],
        around: &Around<'_>,
    ) -> Self {
        let places: BTreeMap<usize, usize> =
            order.iter().enumerate().map(|(place, source)| (*source, place)).collect();
        let moved = |target: &Target| match target {
            Target::Single(place) => Target::Single(*place),
            Target::Several(source) => {
                Target::Several(places.get(source).copied().unwrap_or_default())
            }
        };
        let mut parts: BTreeMap<usize, (Source, Resolved)> =
            sources.into_iter().zip(resolved).enumerate().collect();
        let mut rules = Vec::new();
        for place in order {
            let Some((source, mut resolved)) = parts.remove(place) else { continue };
            resolved.refers = resolved.refers.iter().map(moved).collect();
            let file = around.files.get(source.file).cloned().unwrap_or_default();
            rules.push(StatefulRule::of(source, resolved, file));
        }
        connect(&mut rules);
        wait_for_those_below(&mut rules);
        let looks = Looks::of(&rules, around.singles.len());
        let ids = rules.iter().enumerate().map(|(place, rule)| (rule.rule.id.clone(), place));
        Self { places: ids.collect(), rules, looks }
    }
}

/// What a rule below finds only when its windows are closed comes that much later.
fn wait_for_those_below(rules: &mut [StatefulRule]) {
    for place in 0..rules.len() {
        let below = rules[place].refers.iter().filter_map(|target| match target {
            Target::Several(below) => rules.get(*below),
            Target::Single(_) => None,
        });
        let later = below.map(|below| {
            let closes = if below.is_eager() { 0 } else { Reach::of(below).behind };
            below.lateness_seconds + closes
        });
        let later = later.max().unwrap_or_default();
        rules[place].lateness_seconds = rules[place].lateness_seconds.max(later);
    }
}

/// Tells each rule who looks at what it finds; what is only looked at keeps quiet.
fn connect(rules: &mut [StatefulRule]) {
    let mut quiet: Vec<Option<bool>> = vec![None; rules.len()];
    for place in 0..rules.len() {
        let (id, file) = (rules[place].rule.id.clone(), rules[place].file.clone());
        let generate = rules[place].correlation.generate;
        for (at, target) in rules[place].refers.clone().into_iter().enumerate() {
            let Target::Several(below) = target else { continue };
            let Ok(at) = u16::try_from(at) else { continue };
            rules[below].above.push((id.clone(), at));
            if rules[below].file == file {
                quiet[below] = Some(quiet[below].unwrap_or(true) && !generate);
            }
        }
    }
    for (rule, quiet) in rules.iter_mut().zip(quiet) {
        rule.alerts = quiet != Some(true);
    }
}

/// What no correlation may ask.
fn check(correlation: &Correlation) -> Result<(), RuleError> {
    let counted = match &correlation.kind {
        Kind::EventCount(bounds) | Kind::ValueCount(_, bounds) => bounds.largest(),
        Kind::Temporal(Together::Count(bounds)) => bounds.largest(),
        _ => 0,
    };
    if counted > COUNT_MAX {
        let what = "correlation.condition: events that are counted one by one".to_owned();
        let max = usize::try_from(COUNT_MAX).unwrap_or(usize::MAX);
        return Err(Problem::TooMany { what, max }.at(correlation.about.place));
    }
    Ok(())
}

fn own_id(
    source: &Source,
    ids: &mut BTreeMap<String, usize>,
    around: &Around<'_>,
) -> Result<(), RuleError> {
    let about = &source.correlation.about;
    let id = about.id.clone().unwrap_or_else(|| about.title.clone());
    let single = around.singles.iter().find(|(_, single)| single.rule.id == id);
    let other = ids.insert(id.clone(), source.file).or(single.map(|(file, _)| *file));
    match other {
        None => Ok(()),
        Some(other) => {
            let file = around.files.get(other).cloned().unwrap_or_default();
            Err(Problem::SameId { id, file }.at(about.place))
        }
    }
}

/// What the names in a correlation stand for.
#[derive(Default)]
struct Resolved {
    refers: Vec<Target>,
    /// Fields to group by, for each of the rules.
    group_by: Vec<Vec<String>>,
    /// Fields whose values are taken, for each of the rules.
    values: Vec<Vec<String>>,
}

/// Ids and names of all rules.
pub(crate) struct Names {
    ids: BTreeMap<String, Target>,
    names: BTreeMap<String, Vec<(usize, Target)>>,
    /// How many more times the nearest name is looked for.
    nearest_left: Cell<usize>,
}

impl Names {
    pub(crate) fn of(sources: &[Source], around: &Around<'_>) -> Self {
        let (ids, names) = (BTreeMap::new(), BTreeMap::new());
        let mut all = Self { ids, names, nearest_left: Cell::new(NEAREST_MAX) };
        for (place, (file, single)) in around.singles.iter().enumerate() {
            let (id, name) = (single.sigma.id.as_ref(), single.sigma.name.as_ref());
            all.add(id, name, *file, Target::Single(place));
        }
        for (place, source) in sources.iter().enumerate() {
            let about = &source.correlation.about;
            let target = Target::Several(place);
            all.add(about.id.as_ref(), about.name.as_ref(), source.file, target);
        }
        all
    }

    fn add(&mut self, id: Option<&String>, name: Option<&String>, file: usize, target: Target) {
        if let Some(id) = id {
            self.ids.entry(id.clone()).or_insert(target);
        }
        if let Some(name) = name {
            self.names.entry(name.clone()).or_default().push((file, target));
        }
    }

    fn resolve_all(&self, source: &Source) -> Result<Resolved, RuleError> {
        let correlation = &source.correlation;
        let mut refers = Vec::new();
        for named in &correlation.rules {
            refers.push(self.resolve(named, source.file, "correlation.rules")?);
        }
        // What each alias stands for, by the rule.
        let mut aliases: BTreeMap<(&str, Target), &str> = BTreeMap::new();
        for alias in &correlation.aliases {
            for (named, field) in &alias.fields {
                let target = self.resolve(named, source.file, "correlation.aliases")?;
                if !refers.contains(&target) {
                    let known = correlation.rules.iter().map(|named| named.name.as_str());
                    let problem = Problem::unknown("correlation.aliases", &named.name, known);
                    return Err(problem.at(named.place));
                }
                aliases.insert((&alias.name, target), field);
            }
        }
        let fields = |names: &[String]| -> Vec<Vec<String>> {
            let field = |name: &String, target: &Target| {
                aliases.get(&(name.as_str(), *target)).map_or(name.clone(), |f| (*f).to_owned())
            };
            refers.iter().map(|t| names.iter().map(|name| field(name, t)).collect()).collect()
        };
        let (group_by, values) =
            (fields(&correlation.group_by), fields(&correlation.kind.value_fields()));
        Ok(Resolved { refers, group_by, values })
    }

    /// By id; else by name, first in the same file.
    pub(crate) fn resolve(
        &self,
        named: &Named,
        file: usize,
        key: &str,
    ) -> Result<Target, RuleError> {
        let (key, name) = (key.to_owned(), named.name.clone());
        if let Some(target) = self.ids.get(&name) {
            return Ok(*target);
        }
        let there = self.names.get(&name).map(Vec::as_slice).unwrap_or_default();
        let near: Vec<_> = there.iter().filter(|(other, _)| *other == file).collect();
        match (near.as_slice(), there) {
            ([(_, only)], _) | ([], [(_, only)]) => Ok(*only),
            ([], []) => {
                let left = self.nearest_left.get();
                self.nearest_left.set(left.saturating_sub(1));
                let known = self.names.keys().chain(self.ids.keys()).map(String::as_str);
                let nearest = nearest(&name, known.filter(|_| left > 0)).map(str::to_owned);
                Err(Problem::NoSuchRule { key, name, nearest }.at(named.place))
            }
            _ => {
                let count = near.len().max(there.len());
                Err(Problem::SeveralRules { key, name, count }.at(named.place))
            }
        }
    }
}

/// An order in which each stands behind what it refers to. What cannot be ordered is refused.
fn order(
    sources: &[Source],
    resolved: &[Resolved],
    refused: &mut [Option<RuleError>],
) -> Vec<usize> {
    let mut order = Vec::new();
    let mut depth: Vec<Option<usize>> = vec![None; sources.len()];
    // As many rounds as rules may be deep: in each, those whose references all stand already.
    for round in 1..=DEPTH_MAX {
        for place in 0..sources.len() {
            if depth[place].is_some() || refused[place].is_some() {
                continue;
            }
            let stands = |target: &Target| match target {
                Target::Single(_) => true,
                Target::Several(below) => depth[*below].is_some_and(|d| d < round),
            };
            if resolved[place].refers.iter().all(stands) {
                depth[place] = Some(round);
                order.push(place);
            }
        }
    }
    for place in 0..sources.len() {
        if depth[place].is_none() && refused[place].is_none() {
            refused[place] = Some(why_not(place, sources, resolved, &depth));
        }
    }
    order
}

/// Why a rule has no place in the order: it refers to what is refused, to itself, or too deep.
fn why_not(
    place: usize,
    sources: &[Source],
    resolved: &[Resolved],
    depth: &[Option<usize>],
) -> RuleError {
    let below = resolved[place].refers.iter().zip(&sources[place].correlation.rules);
    let stuck = below.filter_map(|(target, named)| match target {
        Target::Several(below) if depth[*below].is_none() => Some((*below, named)),
        _ => None,
    });
    let stuck: Vec<(usize, &Named)> = stuck.collect();
    let key = "correlation.rules".to_owned();
    for (below, named) in &stuck {
        if reaches(*below, place, resolved) {
            let name = named.name.clone();
            return Problem::Circle { key, name }.at(named.place);
        }
    }
    let (value, at) =
        stuck.first().map_or((String::new(), sources[place].correlation.about.place), |(_, n)| {
            (n.name.clone(), n.place)
        });
    let why = format!("was refused, or stands on more than {DEPTH_MAX} correlations");
    Problem::Value { key, value, why }.at(at)
}

/// Whether references lead from one rule to another.
fn reaches(from: usize, to: usize, resolved: &[Resolved]) -> bool {
    let mut seen = vec![false; resolved.len()];
    let mut open = vec![from];
    while let Some(place) = open.pop() {
        if place == to {
            return true;
        }
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        open.extend(resolved[place].refers.iter().filter_map(|target| match target {
            Target::Several(below) => Some(*below),
            Target::Single(_) => None,
        }));
    }
    false
}

impl StatefulRule {
    fn of(source: Source, resolved: Resolved, file: String) -> Self {
        let Source { version, correlation, .. } = source;
        let Resolved { refers, group_by, values } = resolved;
        let about = &correlation.about;
        let id = about.id.clone().unwrap_or_else(|| about.title.clone());
        let window = about.extension.window_seconds.map_or(WINDOW_SECONDS, i64::from);
        let level = about.level.unwrap_or(wk_model::SeverityWord::Medium);
        Self {
            file,
            rule: Arc::new(crate::detect::rule_of(id, &version, &about.tags)),
            title: about.title.as_str().into(),
            severity: about.extension.severity.unwrap_or(Severity::of_word(level)),
            // An event then belongs to at most two findings.
            window_seconds: window.max(correlation.timespan_seconds),
            alerts: true,
            lateness_seconds: Lateness::SECONDS,
            shape: shape(&correlation, window),
            refers,
            group_by,
            values,
            above: Vec::new(),
            correlation,
        }
    }

    /// What it asks, in a line.
    pub fn in_words(&self) -> String {
        let correlation = &self.correlation;
        let by = match correlation.group_by.as_slice() {
            [] => "by account".to_owned(),
            fields => format!("by account, {}", fields.join(", ")),
        };
        match &correlation.kind {
            Kind::FirstSeen(first) => {
                let terms: Vec<&str> = first.terms.iter().map(|field| field.as_str()).collect();
                let (history, learning) = (first.history_days, first.learning_days);
                format!(
                    "the first {} in {history} days, known for {learning} days, {by}",
                    terms.join(", ")
                )
            }
            Kind::Rate(rate) => format!(
                "{} buckets of five minutes with at least {} events and more than the median and {} \
                 median deviations of this hour of the week, over {} weeks, {by}",
                rate.buckets, rate.floor, rate.deviations, rate.history_weeks
            ),
            kind => {
                let seconds = correlation.timespan_seconds;
                let span = match seconds {
                    s if s % 86_400 == 0 => format!("{}d", s / 86_400),
                    s if s % 3_600 == 0 => format!("{}h", s / 3_600),
                    s if s % 60 == 0 => format!("{}m", s / 60),
                    s => format!("{s}s"),
                };
                format!("{} within {span}, {by}", kind.in_words(&correlation.rules))
            }
        }
    }

    /// Whether more events can only make its condition true, so that it is judged at once.
    pub fn is_eager(&self) -> bool {
        use wk_lang::sigma::Measure;
        match &self.correlation.kind {
            Kind::EventCount(bounds)
            | Kind::ValueCount(_, bounds)
            | Kind::Value(Measure::Sum, _, bounds)
            | Kind::Temporal(Together::Count(bounds)) => bounds.only_grow(),
            Kind::Temporal(Together::Condition(condition)) => !condition.negates(),
            Kind::TemporalOrdered | Kind::Travel(_) => true,
            Kind::Sequence(steps) => !steps.iter().any(|step| step.not),
            Kind::Value(Measure::Average | Measure::Percentile(_), _, _)
            | Kind::FirstSeen(_)
            | Kind::Rate(_) => false,
        }
    }
}

/// A number for everything that gives a state its meaning.
fn shape(correlation: &Correlation, window: i64) -> u64 {
    let names: Vec<&str> = correlation.rules.iter().map(|named| named.name.as_str()).collect();
    let aliases: Vec<String> = correlation
        .aliases
        .iter()
        .map(|alias| {
            let fields = alias.fields.iter().map(|(rule, field)| format!("{}={field}", rule.name));
            format!("{}:{}", alias.name, fields.collect::<Vec<_>>().join(","))
        })
        .collect();
    let text = format!(
        "{} {} {} {} {} {window}",
        correlation.kind,
        names.join(" "),
        aliases.join(" "),
        correlation.group_by.join(" "),
        correlation.timespan_seconds,
    );
    let digest = Sha256::of(text.as_bytes()).0;
    digest.iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
}
