//! Filters: what they leave out of the matches of other rules.

use std::sync::Arc;

use wk_lang::sigma::{Filter, Problem, RuleError};
use wk_model::Sha256;

use crate::detect::{BadRule, Detection};
use crate::stateful::{Names, Target};

/// How often filters may be applied in all; each time copies their searches into a rule.
const APPLIED_MAX: usize = 100_000;

/// A filter and the file it is from.
pub(crate) struct Source {
    pub(crate) file: usize,
    /// First digits of the SHA-256 of the file.
    pub(crate) version: String,
    pub(crate) filter: Filter,
}

/// Applies filters to the rules that they are for; what cannot be applied is told.
pub(crate) fn apply(
    filters: &[Source],
    singles: &mut [(usize, Detection)],
    names: &Names,
    files: &[String],
    bad: &mut Vec<BadRule>,
) {
    let mut left = APPLIED_MAX;
    for source in filters {
        if let Err(error) = apply_one(source, singles, names, &mut left) {
            let rule = Some(source.filter.about.title.clone());
            let file = files.get(source.file).cloned().unwrap_or_default();
            bad.push(BadRule { file, error: RuleError { rule, ..error } });
        }
    }
}

fn apply_one(
    source: &Source,
    singles: &mut [(usize, Detection)],
    names: &Names,
    left: &mut usize,
) -> Result<(), RuleError> {
    let places = places_of(source, singles, names)?;
    if places.len() > *left {
        let what = "filter.rules: filters applied to rules".to_owned();
        return Err(Problem::TooMany { what, max: APPLIED_MAX }.at(source.filter.about.place));
    }
    *left -= places.len();
    for place in places {
        let (_, detection) = &mut singles[place];
        detection.sigma.leave_out(&source.filter);
        // What a rule says is no longer what its file alone says.
        let both = [detection.rule.version.as_bytes(), source.version.as_bytes()];
        Arc::make_mut(&mut detection.rule).version = Sha256::of_parts(&both).short();
    }
    Ok(())
}

/// The rules that a filter is for, each once.
fn places_of(
    source: &Source,
    singles: &[(usize, Detection)],
    names: &Names,
) -> Result<Vec<usize>, RuleError> {
    let filter = &source.filter;
    let reads = |place: &usize| {
        singles.get(*place).is_some_and(|(_, d)| filter.logsource.reads(&d.sigma.logsource))
    };
    if filter.rules.is_empty() {
        return Ok((0..singles.len()).filter(reads).collect());
    }
    let mut places = Vec::new();
    for named in &filter.rules {
        let refuse = |why: &str| {
            let (key, value) = ("filter.rules".to_owned(), named.name.clone());
            Problem::Value { key, value, why: why.to_owned() }.at(named.place)
        };
        match names.resolve(named, source.file, "filter.rules")? {
            Target::Several(_) => {
                return Err(refuse("is a correlation; name the rules that it refers to"));
            }
            Target::Single(place) if reads(&place) => places.push(place),
            Target::Single(_) => {
                return Err(refuse("reads other records than the filter's log source"));
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}
