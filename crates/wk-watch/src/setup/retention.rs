//! How long log groups are to keep what they hold, and what has to be set for it.
//!
//! * A rule says how it meets names: by the beginning, a part, the whole, a glob or a regex. Of those
//!   that meet, the longest term counts; the default counts where none does.
//! * CloudWatch Logs takes 22 terms: others are rounded up to the next, never down.
//! * A term is never made shorter unless that was asked for, and then what dies by it is told.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::checks::{LOG_GROUP_TERMS, log_group_term};
use crate::posture::members::{list, text, whole, word};

/// Bytes that one regex may take.
const REGEX_BYTES_MAX: usize = 256 << 10;

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// So many days.
    Days(u32),
    /// For ever.
    Forever,
}

/// How a rule meets names. Letter case counts.
#[derive(Debug, Clone)]
pub enum Match {
    /// The name begins so.
    Prefix(String),
    /// It stands somewhere in the name.
    Contains(String),
    /// It is the name.
    Exact(String),
    /// It is the name, with `*` for any text and `?` for one character.
    Glob(String, Regex),
    /// It is found in the name.
    Regex(Regex),
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Which groups it meets.
    pub meets: Match,
    /// How long they keep, as it was asked for.
    pub keep: Keep,
}

/// All rules.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules.
    pub rules: Vec<Rule>,
    /// What groups keep that no rule meets.
    pub default: Keep,
    /// The age in days at which groups are exported; nothing where they are streamed as they come.
    pub archive_after_days: Option<u32>,
}

/// What a group is to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// As CloudWatch Logs takes it.
    pub keep: Keep,
    /// As it was asked for.
    pub asked: Keep,
    /// The rules that meet the group, the longest first; none: the default.
    pub rules: Vec<String>,
}

/// A log group as it is, and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it keeps now.
    pub has: Keep,
    /// Bytes that it holds.
    pub bytes: Option<i64>,
    /// What it is to keep.
    pub wanted: Wanted,
    /// What is to be done.
    pub fate: Fate,
}

/// What is to be done with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Nothing: it is as it should be.
    Good,
    /// Its term is made longer.
    Lengthen,
    /// It keeps longer than is asked for, and that is left as it is.
    KeptLonger,
    /// Its term would be made shorter: what is older dies.
    Shorten,
    /// Its class has a term of its own, which nobody can set.
    Fixed,
}

/// The next term that CloudWatch Logs takes, not shorter than asked for.
pub fn next_term(days: u32) -> Option<u32> {
    log_group_term(i64::from(days)).and_then(|term| u32::try_from(term).ok())
}

/// Whether this is a number of years that forgets their leap days: 730, 1095, … 2555.
pub fn years_without_leap_days(days: u32) -> bool {
    days >= 730 && days.is_multiple_of(365) && !LOG_GROUP_TERMS.contains(&i64::from(days))
}

impl Keep {
    /// As CloudWatch Logs takes it; what is longer than its longest term is for ever.
    fn legal(self) -> Self {
        match self {
            Self::Days(days) => next_term(days).map_or(Self::Forever, Self::Days),
            Self::Forever => Self::Forever,
        }
    }

    /// The days, if it ends.
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days),
            Self::Forever => None,
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days} days"),
            Self::Forever => f.write_str("for ever"),
        }
    }
}

impl Match {
    /// Reads a rule's kind and text.
    ///
    /// # Errors
    /// If a regex cannot be read or grows too large.
    pub fn read(kind: &str, text: &str) -> Result<Self, String> {
        let compiled = |pattern: &str| {
            let built = RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build();
            built.map_err(|e| format!("the regex cannot be used: {e}"))
        };
        Ok(match kind {
            "prefix" => Self::Prefix(text.to_owned()),
            "contains" => Self::Contains(text.to_owned()),
            "exact" => Self::Exact(text.to_owned()),
            "glob" => {
                let pattern = regex::escape(text).replace("\\*", ".*").replace("\\?", ".");
                Self::Glob(text.to_owned(), compiled(&format!("(?s)^{pattern}$"))?)
            }
            "regex" => Self::Regex(compiled(text)?),
            other => return Err(format!("{other:?} is no way to meet names")),
        })
    }

    /// The ways.
    pub const KINDS: [&'static str; 5] = ["prefix", "contains", "exact", "glob", "regex"];

    fn meets(&self, name: &str) -> bool {
        match self {
            Self::Prefix(text) => name.starts_with(text.as_str()),
            Self::Contains(text) => name.contains(text.as_str()),
            Self::Exact(text) => name == text,
            Self::Glob(_, regex) | Self::Regex(regex) => regex.is_match(name),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(text) => write!(f, "prefix {text}"),
            Self::Contains(text) => write!(f, "contains {text}"),
            Self::Exact(text) => write!(f, "exact {text}"),
            Self::Glob(text, _) => write!(f, "glob {text}"),
            Self::Regex(regex) => write!(f, "regex {regex}"),
        }
    }
}

impl Policy {
    /// What a group of this name is to keep.
    pub fn wanted(&self, name: &str) -> Wanted {
        let mut met: Vec<&Rule> = self.rules.iter().filter(|rule| rule.meets.meets(name)).collect();
        // Stable: of rules with the same term the first one of the file is named first.
        met.sort_by_key(|rule| std::cmp::Reverse(rule.keep));
        let asked = met.first().map_or(self.default, |rule| rule.keep);
        let rules = met.iter().map(|rule| rule.meets.to_string()).collect();
        Wanted { keep: asked.legal(), asked, rules }
    }

    /// Rules whose groups have lost what is to be exported: the age at which that is done is not below
    /// their term.
    pub fn archived_too_late(&self) -> Vec<String> {
        let Some(age) = self.archive_after_days else { return Vec::new() };
        let late = |keep: Keep| keep.days().is_some_and(|days| days <= age);
        let rules = self.rules.iter().filter(|rule| late(rule.keep));
        let mut said: Vec<String> = rules.map(|r| format!("{} ({})", r.meets, r.keep)).collect();
        if late(self.default) {
            said.push(format!("default ({})", self.default));
        }
        said
    }

    /// What is to become of a group, as DescribeLogGroups tells it; nothing if it has no name.
    pub fn judge(&self, group: &Value, shorten: bool) -> Option<Group> {
        let name = text(group, "logGroupName")?;
        let has = match whole(group, "retentionInDays") {
            Some(days) => Keep::Days(u32::try_from(days).ok()?),
            None => Keep::Forever,
        };
        let wanted = self.wanted(name);
        let fate = if word(group, "logGroupClass") == "DELIVERY" {
            Fate::Fixed
        } else {
            match wanted.keep.cmp(&has) {
                std::cmp::Ordering::Equal => Fate::Good,
                std::cmp::Ordering::Greater => Fate::Lengthen,
                std::cmp::Ordering::Less if shorten => Fate::Shorten,
                std::cmp::Ordering::Less => Fate::KeptLonger,
            }
        };
        Some(Group { name: name.to_owned(), has, bytes: whole(group, "storedBytes"), wanted, fate })
    }

    /// All groups of the pages of DescribeLogGroups, by name.
    pub fn judge_all(&self, pages: &[&Value], shorten: bool) -> Vec<Group> {
        let groups = pages.iter().flat_map(|page| list(page, "logGroups"));
        let mut all: Vec<Group> = groups.filter_map(|group| self.judge(group, shorten)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

impl Wanted {
    /// Which rules say so, and what was rounded.
    pub fn why(&self) -> String {
        let by = match self.rules.split_first() {
            None => "default".to_owned(),
            Some((first, [])) => first.clone(),
            Some((first, others)) => format!("{first} (also met: {})", others.join(", ")),
        };
        if self.keep == self.asked {
            return by;
        }
        format!("{by}; of {}, which is no term of CloudWatch Logs, the next longer one", self.asked)
    }
}

impl Fate {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Lengthen => "lengthen",
            Self::KeptLonger => "kept longer",
            Self::Shorten => "shorten",
            Self::Fixed => "fixed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// The table of the mission's document, with seven years as AWS counts them.
    fn policy() -> Policy {
        let rule = |kind: &str, text: &str, days: u32| Rule {
            meets: Match::read(kind, text).unwrap(),
            keep: Keep::Days(days),
        };
        let rules = vec![
            rule("prefix", "/aws/lambda/", 90),
            rule("prefix", "/aws/rds/", 90),
            rule("prefix", "/aws/ecs/", 60),
            rule("prefix", "/aws/eks/", 90),
            rule("prefix", "/aws/cloudtrail/", 2557),
            rule("contains", "security", 2557),
            rule("contains", "audit", 2557),
            rule("glob", "/app/*/debug", 7),
            rule("exact", "/app/pay", 1095),
            rule("regex", "^/lab/[0-9]+$", 14),
        ];
        Policy { rules, default: Keep::Days(30), archive_after_days: None }
    }

    fn days(name: &str) -> Option<u32> {
        policy().wanted(name).keep.days()
    }

    #[test]
    fn each_way_to_meet_names_is_its_own_and_the_longest_term_counts() {
        for (name, wanted) in [
            ("/aws/lambda/shop", 90),
            ("/x/aws/lambda/shop", 30),
            ("/aws/ecs/shop", 60),
            ("/aws/lambda/security-audit", 2557),
            ("/aws/rds/prod/audit", 2557),
            ("prod-audit-tmp", 2557),
            ("/aws/cloudtrail/org", 2557),
            ("/app/shop/debug", 7),
            ("/app/shop/debug/more", 30),
            ("/app/pay", 1096),
            ("/app/pay2", 30),
            ("/lab/12", 14),
            ("/lab/12a", 30),
            ("/AWS/lambda/shop", 30),
        ] {
            assert_eq!(days(name), Some(wanted), "{name}");
        }
        let both = policy().wanted("/aws/lambda/security-audit");
        assert_eq!(both.rules, ["contains security", "contains audit", "prefix /aws/lambda/"]);
        assert!(policy().wanted("/app/pay").why().contains("of 1095 days, which is no term"));
    }

    #[test]
    fn terms_are_rounded_up_and_never_down() {
        assert_eq!(next_term(2555), Some(2557));
        assert_eq!(next_term(2557), Some(2557));
        assert_eq!((next_term(0), next_term(2)), (Some(1), Some(3)));
        assert_eq!((next_term(3653), next_term(3654)), (Some(3653), None));
        assert_eq!(Keep::Days(9999).legal(), Keep::Forever);
        for days in [730, 1095, 1825, 2190, 2555, 2920, 3285, 3650] {
            assert!(years_without_leap_days(days), "{days}");
        }
        assert!(![365, 90, 2557, 731].into_iter().any(years_without_leap_days));
    }

    /// 120 groups on three pages: every legal term, no term, each kind of rule.
    fn pages() -> Vec<Value> {
        let names = ["/aws/lambda/f", "/aws/ecs/s", "/aws/cloudtrail/t", "app-audit-", "/other/"];
        let groups: Vec<Value> = (0..120_usize)
            .map(|n| {
                let name = format!("{}{n:03}", names[n % names.len()]);
                match LOG_GROUP_TERMS.get(n % 23) {
                    Some(days) => json!({"logGroupName": name, "retentionInDays": days}),
                    None => json!({"logGroupName": name}),
                }
            })
            .collect();
        groups.chunks(50).map(|page| json!({"logGroups": page})).collect()
    }

    #[test]
    fn the_plan_of_120_groups_over_three_pages_is_exact() {
        let pages = pages();
        assert_eq!(pages.len(), 3);
        let pages: Vec<&Value> = pages.iter().collect();
        let plan = policy().judge_all(&pages, false);
        assert_eq!(plan.len(), 120);
        // Told once more, in the plainest words, and compared group by group.
        for n in 0..120_usize {
            let (name, wanted) = match n % 5 {
                0 => (format!("/aws/lambda/f{n:03}"), 90),
                1 => (format!("/aws/ecs/s{n:03}"), 60),
                2 => (format!("/aws/cloudtrail/t{n:03}"), 2557),
                3 => (format!("app-audit-{n:03}"), 2557),
                _ => (format!("/other/{n:03}"), 30),
            };
            let group = plan.iter().find(|g| g.name == name).unwrap();
            assert_eq!(group.wanted.keep, Keep::Days(wanted), "{name}");
            let expected = match LOG_GROUP_TERMS.get(n % 23).copied() {
                None => Fate::KeptLonger,
                Some(has) if has < i64::from(wanted) => Fate::Lengthen,
                Some(has) if has == i64::from(wanted) => Fate::Good,
                Some(_) => Fate::KeptLonger,
            };
            assert_eq!(group.fate, expected, "{name}");
        }
        let count = |fate| plan.iter().filter(|g| g.fate == fate).count();
        let counts = [Fate::Good, Fate::Lengthen, Fate::KeptLonger, Fate::Shorten].map(count);
        assert_eq!((counts.iter().sum::<usize>(), counts[3]), (120, 0));
        let with = policy().judge_all(&pages, true);
        let shortened = with.iter().filter(|g| g.fate == Fate::Shorten).count();
        assert_eq!(shortened, counts[2], "only where it was asked for");
    }

    #[test]
    fn a_group_without_a_term_keeps_for_ever_and_one_of_delivery_cannot_be_set() {
        let judge = |group: Value| policy().judge(&group, false).unwrap();
        assert_eq!(judge(json!({"logGroupName": "a"})).fate, Fate::KeptLonger);
        let delivery =
            json!({"logGroupName": "a", "logGroupClass": "DELIVERY", "retentionInDays": 2});
        assert_eq!(judge(delivery).fate, Fate::Fixed);
        let infrequent = json!({"logGroupName": "a", "logGroupClass": "INFREQUENT_ACCESS", "retentionInDays": 7});
        assert_eq!(judge(infrequent).fate, Fate::Lengthen);
    }

    #[test]
    fn an_export_must_come_before_the_first_group_forgets() {
        let late = |age| Policy { archive_after_days: age, ..policy() }.archived_too_late();
        assert!(late(None).is_empty());
        let said = late(Some(30)).join(" ");
        assert!(said.contains("default (30 days)") && said.contains("glob /app/*/debug (7 days)"));
        assert!(late(Some(90)).join(" ").contains("prefix /aws/ecs/ (60 days)"));
        assert_eq!(late(Some(6)), [""; 0]);
    }

    #[test]
    fn a_regex_that_grows_too_large_or_is_broken_is_refused() {
        assert!(Match::read("regex", "(").is_err());
        assert!(
            Match::read("regex", "(?:[0-9a-f]{500}){500}").unwrap_err().contains("cannot be used")
        );
        assert!(Match::read("substring", "x").is_err());
    }

    proptest! {
        #[test]
        fn no_group_is_ever_set_shorter_unasked(name in ".{0,40}", has in proptest::option::of(1_u32..4000)) {
            let mut group = json!({"logGroupName": format!("g{name}")});
            if let Some(days) = has {
                group["retentionInDays"] = days.into();
            }
            let judged = policy().judge(&group, false).unwrap();
            let is = judged.has;
            let becomes = if judged.fate == Fate::Lengthen { judged.wanted.keep } else { is };
            prop_assert!(becomes >= is && judged.fate != Fate::Shorten);
            prop_assert!(judged.wanted.keep >= judged.wanted.asked);
        }
    }
}
