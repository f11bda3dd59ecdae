//! The fields that there are.

use wk_lang::sigma::{Correlation, FieldPath, Filter, Problem, Rule, RuleError, Search, Want};
use wk_lang::yaml::Place;

/// What every such field begins with.
pub const PREFIX: &str = "wk.";

/// A field, for dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
    pub(crate) asked: Asked,
}

/// A field, as it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    DomainEntropy,
    DomainLabelBytes,
    DomainLists,
    DomainName,
    DomainRegistered,
    PolicyAdmin,
    SessionHome,
    SessionInstance,
    SessionName,
    SessionRole,
    SourceAsName,
    SourceAsn,
    SourceCountry,
    SourceLists,
    SourcePosition,
    SourcePrivate,
    SourceService,
}

/// Every field, in order.
pub const FIELDS: &[Known] = &[
    known(
        Asked::DomainEntropy,
        "wk.domain.entropy",
        "bits a letter of what stands before the registered domain",
    ),
    known(
        Asked::DomainLabelBytes,
        "wk.domain.label_bytes",
        "bytes of what stands before the registered domain, without dots",
    ),
    known(Asked::DomainLists, "wk.domain.lists", "the lists that the name, or one above it, is on"),
    known(
        Asked::DomainName,
        "wk.domain.name",
        "the name that was asked for, in lower case, without its final dot",
    ),
    known(
        Asked::DomainRegistered,
        "wk.domain.registered",
        "the registered domain, by a rule of thumb",
    ),
    known(
        Asked::PolicyAdmin,
        "wk.policy.admin",
        "whether a policy in the request allows every action on every resource",
    ),
    known(
        Asked::SessionHome,
        "wk.session.home",
        "whose the source address is, seen from the session's instance: own, ours or foreign",
    ),
    known(
        Asked::SessionInstance,
        "wk.session.instance",
        "the instance, i-…, whose role was assumed for it",
    ),
    known(Asked::SessionName, "wk.session.name", "the session of an assumed role"),
    known(Asked::SessionRole, "wk.session.role", "the name of the assumed role"),
    known(Asked::SourceAsName, "wk.source.as_name", "who runs the network of the source address"),
    known(Asked::SourceAsn, "wk.source.asn", "the number of that network"),
    known(
        Asked::SourceCountry,
        "wk.source.country",
        "the country of the source address: two letters",
    ),
    known(Asked::SourceLists, "wk.source.lists", "the lists that the source address is on"),
    known(
        Asked::SourcePosition,
        "wk.source.position",
        "where the source address is: country, continent, degrees north and east, km it may be off",
    ),
    known(
        Asked::SourcePrivate,
        "wk.source.private",
        "whether the source address is none of the internet",
    ),
    known(
        Asked::SourceService,
        "wk.source.service",
        "whether an AWS service stands where the address would",
    ),
];

const fn known(asked: Asked, name: &'static str, doc: &'static str) -> Known {
    Known { name, doc, asked }
}

impl Asked {
    /// The field of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let known = name.starts_with(PREFIX).then(|| FIELDS.iter().find(|k| k.name == name))?;
        known.map(|known| known.asked)
    }
}

/// Whether a name is kept for such fields and there is none of it.
pub fn is_unknown(name: &str) -> bool {
    name.starts_with(PREFIX) && Asked::of(name).is_none()
}

/// Whether a name is kept for such fields.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Something that names fields.
pub(crate) enum Names<'a> {
    Rule(&'a Rule),
    Correlation(&'a Correlation),
    Filter(&'a Filter),
}

/// Why a rule cannot be used: it asks for a field of ours that there is not.
pub(crate) fn unknown_fields(of: &Names<'_>) -> Option<RuleError> {
    let (place, title, names): (Place, &str, Vec<String>) = match of {
        Names::Rule(rule) => {
            let searches = rule.searches.iter().map(|(_, search)| search);
            (rule.place, &rule.title, of_searches(searches, &rule.extension.resource))
        }
        Names::Correlation(correlation) => {
            (correlation.about.place, &correlation.about.title, of_correlation(correlation))
        }
        Names::Filter(filter) => {
            let searches = filter.searches.iter().map(|(_, search)| search);
            (filter.about.place, &filter.about.title, of_searches(searches, &[]))
        }
    };
    let name = names.into_iter().find(|name| is_unknown(name))?;
    let problem = Problem::unknown("field", &name, FIELDS.iter().map(|known| known.name));
    Some(RuleError { rule: Some(title.to_owned()), ..problem.at(place) })
}

/// Every field that a correlation names.
pub(crate) fn of_correlation(correlation: &Correlation) -> Vec<String> {
    let mut names = correlation.group_by.clone();
    names.extend(correlation.kind.value_fields());
    let aliases = correlation.aliases.iter().flat_map(|alias| &alias.fields);
    names.extend(aliases.map(|(_, field)| field.clone()));
    let resource = correlation.about.extension.resource.iter();
    names.extend(resource.map(|path| path.as_str().to_owned()));
    names
}

fn of_searches<'s>(
    searches: impl Iterator<Item = &'s Search>,
    resource: &[FieldPath],
) -> Vec<String> {
    let mut names: Vec<String> = resource.iter().map(|path| path.as_str().to_owned()).collect();
    let mut open: Vec<&Search> = searches.collect();
    while let Some(search) = open.pop() {
        match search {
            Search::All(all) | Search::Any(all) => open.extend(all),
            Search::Test(test) => {
                names.extend(test.field.iter().map(|field| field.as_str().to_owned()));
                for want in &test.wants {
                    if let Want::Field(reference) = want {
                        names.push(reference.field.as_str().to_owned());
                    }
                }
            }
        }
    }
    names
}
