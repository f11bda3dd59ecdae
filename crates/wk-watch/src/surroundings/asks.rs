//! Which rules ask for what is known around a record; who does not ask pays nothing.

use std::collections::BTreeSet;

use wk_lang::sigma::FieldPath;

use super::field::{Asked, FIELDS, Known, of_correlation};
use crate::detect::Detection;
use crate::stateful::{Stateful, StatefulRule, Target};

/// What rules ask for.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    /// Which fields of the set of rules are ours, by their places.
    ours: Vec<Option<Asked>>,
    /// Whether a rule over single events asks for one.
    single: bool,
    /// By rule over single events: what rules over several events ask of what it matches, if one of
    /// ours is among that.
    several: Vec<Vec<FieldPath>>,
    /// By rule over single events, whether one of ours is among that: asked for every event.
    ours_of_several: Vec<bool>,
}

impl Asks {
    pub(crate) fn of(fields: &[FieldPath], rules: &[Detection], stateful: &Stateful) -> Self {
        let ours: Vec<_> = fields.iter().map(|path| Asked::of(path.as_str())).collect();
        let mut resources = rules.iter().flat_map(|rule| &rule.sigma.extension.resource);
        let single = ours.iter().any(Option::is_some)
            || resources.any(|path| Asked::of(path.as_str()).is_some());
        let asks = |rule: &StatefulRule| {
            of_correlation(&rule.correlation).iter().any(|name| Asked::of(name).is_some())
        };
        let several = match stateful.rules().iter().any(asks) {
            true => (0..rules.len()).map(|place| asked_of(place, stateful)).collect(),
            false => Vec::new(),
        };
        let is_ours = |path: &FieldPath| Asked::of(path.as_str()).is_some();
        let ours_of_several = several.iter().map(|asked| asked.iter().any(is_ours)).collect();
        Self { ours, single, several, ours_of_several }
    }

    /// The fields of ours that rules ask for, each once.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'static Known> {
        let several = self.several.iter().flatten().filter_map(|path| Asked::of(path.as_str()));
        let asked: Vec<Asked> = self.ours.iter().flatten().copied().chain(several).collect();
        FIELDS.iter().filter(move |known| asked.contains(&known.asked))
    }

    /// Whether a rule over single events asks for anything.
    #[inline]
    pub(crate) fn of_single_events(&self) -> bool {
        self.single
    }

    /// What rules over several events ask of an event that these rules match; nothing if they ask for
    /// none of ours.
    pub(crate) fn of_several_events(&self, matching: &[usize]) -> Vec<FieldPath> {
        if !matching.iter().any(|place| self.ours_of_several.get(*place) == Some(&true)) {
            return Vec::new();
        }
        let of = |place: &usize| self.several.get(*place).map(Vec::as_slice).unwrap_or_default();
        let all: BTreeSet<&FieldPath> = matching.iter().flat_map(of).collect();
        all.into_iter().cloned().collect()
    }

    /// Which of ours a path is.
    pub(super) fn ours(&self, path: &FieldPath) -> Option<Asked> {
        match path.index() {
            Some(place) => self.ours.get(place).copied().flatten(),
            None => Asked::of(path.as_str()),
        }
    }
}

/// What the rules that look at a rule over single events ask of its events, and those above them.
fn asked_of(single: usize, stateful: &Stateful) -> Vec<FieldPath> {
    let mut looks: BTreeSet<Target> = BTreeSet::from([Target::Single(single)]);
    let mut names = BTreeSet::new();
    // Each rule stands behind those whose findings it looks at.
    for (place, rule) in stateful.rules().iter().enumerate() {
        if rule.refers.iter().any(|target| looks.contains(target)) {
            looks.insert(Target::Several(place));
            names.extend(of_correlation(&rule.correlation));
        }
    }
    names.iter().map(|name| FieldPath::new(name)).collect()
}
