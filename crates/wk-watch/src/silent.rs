//! Rules that cannot tell anything here: what they ask for is on an empty list, or in a database that is
//! not there.

use wk_lang::sigma::Kind;

use crate::detect::Detections;
use crate::stateful::{StatefulRule, Target};

/// A rule that is silent, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// The rule's id.
    pub rule: String,
    /// What it would find.
    pub title: String,
    /// The file it is from.
    pub file: String,
    /// Why, and what to do about it.
    pub why: &'static str,
}

const NO_LIST: &str =
    "it asks for entries of lists that are empty; keep them as [[list]] in the configuration";
const NO_PLACES: &str = "it asks where addresses are and nothing knows; mount a database under [places] in \
                         the configuration";

impl Detections {
    /// The rules that cannot tell anything here, in their order.
    pub fn silent(&self) -> Vec<Silent> {
        let singles = self.rules().iter().filter(|rule| rule.alerts && !rule.sigma.can_match());
        let mut silent: Vec<Silent> = singles
            .map(|rule| Silent {
                rule: rule.rule.id.clone(),
                title: rule.title.to_string(),
                file: rule.file.clone(),
                why: NO_LIST,
            })
            .collect();
        let several = self.stateful().rules().iter();
        silent.extend(several.filter_map(|rule| {
            Some(Silent {
                rule: rule.rule.id.clone(),
                title: rule.title.to_string(),
                file: rule.file.clone(),
                why: self.why_silent(rule)?,
            })
        }));
        silent
    }

    fn why_silent(&self, rule: &StatefulRule) -> Option<&'static str> {
        if matches!(rule.correlation.kind, Kind::Travel(_))
            && self.surroundings().places().is_empty()
        {
            return Some(NO_PLACES);
        }
        let silent = |target: &Target| match target {
            Target::Single(place) => {
                self.rules().get(*place).is_some_and(|single| !single.sigma.can_match())
            }
            Target::Several(place) => {
                let below = self.stateful().rules().get(*place);
                below.is_some_and(|below| self.why_silent(below).is_some())
            }
        };
        rule.refers.iter().all(silent).then_some(NO_LIST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::{self, Format, ListSpec};
    use crate::places::{Place, Places};
    use crate::surroundings::Surroundings;
    use wk_model::Timestamp;

    #[test]
    fn what_needs_a_list_or_a_database_is_silent_without_and_speaks_with_it() {
        let bare = Detections::built_in().unwrap();
        let told: Vec<String> = bare.silent().into_iter().map(|silent| silent.title).collect();
        assert!(told.iter().any(|title| title.contains("nobody can travel between")), "{told:?}");
        assert!(told.iter().any(|title| title.contains("known to be bad")), "{told:?}");
        let now = Timestamp::from_seconds(1_700_000_000);
        let spec = ListSpec::new("bad_addresses", "f", Format::Plain);
        let list = lists::read(&spec, b"198.51.100.7\n", now, now).unwrap();
        let (for_rules, _) = lists::for_rules(std::slice::from_ref(&list));
        let mut places = Places::none();
        places.suppose("198.51.100.7".parse().unwrap(), Place::at("DE EU").unwrap());
        let (rich, _) = Detections::built_in_and_with(std::iter::empty(), &for_rules);
        let rich = rich.with_surroundings(Surroundings::new(places, &[list]));
        assert_eq!(rich.silent(), [], "all that the pack asks for is there");
    }
}
