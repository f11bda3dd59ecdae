//! What a check is, and how it is run over a posture.

use std::collections::BTreeMap;

use wk_model::capture::GLOBAL;
use wk_model::check::{CheckResult, Verdict};
use wk_model::{Severity, SeverityWord};

use crate::posture::{Blind, Posture, View};

/// Something that should be so, and how it is told.
pub struct Check {
    /// Its name. In capitals it stands for the AWS Config rule of this identifier and has its logic
    /// and parameters.
    pub id: &'static str,
    /// What should be so, as a short statement.
    pub title: &'static str,
    /// How bad it is where it is not.
    pub severity: SeverityWord,
    /// Points of SOC 2 that it serves.
    pub points: &'static [&'static str],
    /// Controls of NIST SP 800-53 revision 5.
    pub nist: &'static [&'static str],
    /// Recommendations of the CIS AWS Foundations Benchmark (3.0 where not said otherwise).
    pub cis: &'static [&'static str],
    /// The promises that it serves.
    pub serves: &'static [&'static str],
    /// How often it is asked.
    pub scope: Scope,
    /// Whether it looks at how things are set up, or at how they went.
    pub test: Test,
    /// How much of the matter a program can tell.
    pub method: Method,
    /// How it is told.
    pub kind: Kind,
    /// The questions of the inventory whose answers it reads.
    pub reads: &'static [&'static str],
    /// What the user may set.
    pub parameters: &'static [Parameter],
    /// Why it matters.
    pub why: &'static str,
    /// What to do where it is not so.
    pub remedy: &'static str,
}

/// How often a check is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// For every region of every account.
    Region,
    /// Once for every account.
    Account,
    /// Once, from the account that knows the organisation.
    Organization,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// How it is set up now.
    Design,
    /// How it went.
    Operation,
}

/// How much of the matter a program can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// All of it.
    Automated,
    /// A part; a person tells the rest.
    Partly,
    /// Nothing; a person tells it.
    Attested,
}

/// How a check is told. Rules of CloudFormation Guard and questions in SQL will stand beside.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// By a function of ours.
    Native(Judge),
}

/// Judges what a view shows.
pub type Judge = for<'a> fn(&View<'a>, &Parameters) -> Result<Vec<CheckResult>, Blind>;

/// What a check says of itself, wherever it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub id: String,
    /// What should be so.
    pub title: String,
    /// How bad it is where it is not.
    pub severity: SeverityWord,
    /// Points of SOC 2 that it serves.
    pub points: Vec<String>,
    /// Controls of NIST SP 800-53 revision 5.
    pub nist: Vec<String>,
    /// Recommendations of the CIS AWS Foundations Benchmark.
    pub cis: Vec<String>,
    /// The promises that it serves.
    pub serves: Vec<String>,
    /// What it looks at.
    pub test: Test,
    /// How much of the matter a program can tell.
    pub method: Method,
    /// How it is told, in a word.
    pub kind: &'static str,
    /// What it is asked with.
    pub parameters: BTreeMap<String, String>,
    /// What to do where it is not so.
    pub remedy: String,
}

impl About {
    /// How bad it is, as a number.
    pub fn severity(&self) -> Severity {
        Severity::of_word(self.severity)
    }
}

/// Something that the user may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, as AWS spells it where the check stands for a rule of AWS.
    pub name: &'static str,
    /// Its value where the user says nothing; empty is none.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// What is set for one check.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<&'static str, String>);

/// What a user sets: check, parameter, value.
pub type Overrides = BTreeMap<(String, String), String>;

impl Check {
    /// An empty check, to be completed: `Check { id, …, ..Check::NATIVE }`.
    pub const NATIVE: Self = Self {
        id: "",
        title: "",
        severity: SeverityWord::Medium,
        points: &["CC7.1"],
        nist: &[],
        cis: &[],
        serves: &[],
        scope: Scope::Region,
        test: Test::Design,
        method: Method::Automated,
        kind: Kind::Native(|_, _| Ok(Vec::new())),
        reads: &[],
        parameters: &[],
        why: "",
        remedy: "",
    };

    /// What it says of itself.
    pub fn about(&self, overrides: &Overrides) -> About {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let parameters = Parameters::of(self, overrides);
        About {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            points: texts(self.points),
            nist: texts(self.nist),
            cis: texts(self.cis),
            serves: texts(self.serves),
            test: self.test,
            method: self.method,
            kind: "native",
            parameters: parameters.all().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            remedy: self.remedy.to_owned(),
        }
    }

    /// Whether it reads answers of one of these services.
    pub fn reads_of(&self, services: &[&str]) -> bool {
        let service = |key: &&str| key.split_once(':').is_some_and(|(s, _)| services.contains(&s));
        self.reads.iter().any(service)
    }

    /// Whether it stands for a rule of AWS Config.
    pub fn is_aws_rule(&self) -> bool {
        self.id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    }

    /// Judges a posture: the rows of every account and region, in order. There is a row for every
    /// account, also where nothing is to be judged.
    pub fn run(&self, posture: &Posture, overrides: &Overrides) -> Vec<CheckResult> {
        let parameters = Parameters::of(self, overrides);
        let mut rows = match self.scope {
            Scope::Organization => match posture.management() {
                Some(account) => self.judge(&posture.view(account, GLOBAL), &parameters),
                None => self.without_management(posture),
            },
            Scope::Account | Scope::Region => {
                posture.accounts().flat_map(|a| self.of_account(posture, a, &parameters)).collect()
            }
        };
        rows.iter_mut().for_each(|row| self.id.clone_into(&mut row.check));
        rows.sort_by(|a, b| {
            (&a.account, &a.region, &a.resource).cmp(&(&b.account, &b.region, &b.resource))
        });
        rows
    }

    fn of_account(
        &self,
        posture: &Posture,
        account: &str,
        parameters: &Parameters,
    ) -> Vec<CheckResult> {
        let mut regions: Vec<&str> = posture.regions(account).collect();
        if self.scope == Scope::Account || regions.is_empty() {
            regions = vec![GLOBAL];
        }
        let mut rows = Vec::new();
        for region in regions {
            rows.extend(self.judge(&posture.view(account, region), parameters));
        }
        if rows.is_empty() {
            let view = posture.view(account, GLOBAL);
            rows.push(view.beside(account, "there is nothing of the kind to judge"));
        }
        rows
    }

    fn judge(&self, view: &View<'_>, parameters: &Parameters) -> Vec<CheckResult> {
        let Kind::Native(judge) = self.kind;
        judge(view, parameters).unwrap_or_else(|blind| vec![view.blind(view.account(), &blind)])
    }

    /// Nobody knows the organisation, or there is none: one row, of the first account.
    fn without_management(&self, posture: &Posture) -> Vec<CheckResult> {
        let Some(account) = posture.accounts().next() else { return Vec::new() };
        let view = posture.view(account, GLOBAL);
        match view.ask("organizations:ListAccounts") {
            Ok(_) => vec![view.beside(account, "the account is in no organization")],
            Err(blind) => vec![view.blind(account, &blind)],
        }
    }
}

impl Parameters {
    /// What counts for a check: the user's word, else its own.
    pub fn of(check: &Check, overrides: &Overrides) -> Self {
        let value = |p: &Parameter| {
            let own = overrides.get(&(check.id.to_owned(), p.name.to_owned()));
            (p.name, own.map_or_else(|| p.default.to_owned(), Clone::clone))
        };
        Self(check.parameters.iter().map(value).collect())
    }

    /// A value; nothing where it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    /// A number; nothing where it is none.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Whether a value is `true`, spelt exactly so: AWS Config takes any other spelling for false.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The parts between commas.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let parts = self.text(name).unwrap_or_default().split(',');
        parts.map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    /// The values by name.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl Scope {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Account => "account",
            Self::Organization => "organization",
        }
    }
}

impl Test {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Operation => "operation",
        }
    }
}

impl Method {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Partly => "partly automated",
            Self::Attested => "attested",
        }
    }
}

/// How many rows have each verdict, in the order of [`Verdict::ALL`].
pub fn counted(rows: &[CheckResult]) -> [(Verdict, usize); 4] {
    Verdict::ALL.map(|verdict| (verdict, rows.iter().filter(|r| r.verdict == verdict).count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Made, verdicts, world};
    use serde_json::json;

    const REGIONAL: Check = Check {
        id: "regional",
        kind: Kind::Native(|view, _| {
            let things = view.list("ec2:DescribeVpcs", &["Vpcs"])?;
            Ok(view.each(things, |_| "v".into(), |view, name, _| Ok(view.good(name, "seen"))))
        }),
        ..Check::NATIVE
    };

    #[test]
    fn a_denied_region_has_no_data_and_hides_no_other() {
        let made = [
            Made::answer("eu-west-1", "ec2:DescribeVpcs", json!({"Vpcs": [{}]})),
            Made::denied("us-east-1", "ec2:DescribeVpcs"),
        ];
        assert_eq!(verdicts(&REGIONAL, &made), "COMPLIANT v, NO_DATA 111122223333");
        let rows = REGIONAL.run(&world(&made), &Overrides::new());
        assert_eq!((rows[1].region.as_str(), rows[1].evidence.len()), ("us-east-1", 1));
    }

    #[test]
    fn nothing_to_judge_is_a_row_too() {
        let made = [Made::answer("eu-west-1", "ec2:DescribeVpcs", json!({"Vpcs": []}))];
        assert_eq!(verdicts(&REGIONAL, &made), "NOT_APPLICABLE 111122223333");
    }

    #[test]
    fn an_account_that_was_not_entered_has_no_data() {
        let made = [Made::denied(GLOBAL, "sts:GetCallerIdentity")];
        assert_eq!(verdicts(&REGIONAL, &made), "NO_DATA 111122223333");
    }
}
