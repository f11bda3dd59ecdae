//! What a check over a period is, and how it is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wk_model::capture::GLOBAL;
use wk_model::check::{CheckResult, Verdict};
use wk_model::{SeverityWord, Timestamp};

use super::timeline::{State, Stretch, Witness, stretches};
use crate::checks::{About, Method, Test};
use crate::posture::members::{text, word};
use crate::posture::{Blind, Posture, View};

/// Outages that a verdict names; of further ones it says how many there are.
const OUTAGES_MAX: usize = 20;
/// Events and captures that a verdict names.
const EVIDENCE_MAX: usize = 200;

/// Something that should have been on.
pub struct PeriodCheck {
    /// Its name.
    pub id: &'static str,
    /// What should have been so.
    pub title: &'static str,
    /// How bad it is where it was not.
    pub severity: SeverityWord,
    /// Points of SOC 2 that it serves.
    pub points: &'static [&'static str],
    /// Controls of NIST SP 800-53 revision 5.
    pub nist: &'static [&'static str],
    /// The promises that it serves.
    pub serves: &'static [&'static str],
    /// The service whose calls switch it, as CloudTrail spells it.
    pub source: &'static str,
    /// The calls that switch it.
    pub calls: &'static [&'static str],
    /// The call that makes a new one, which is judged from then on; none where there is always one.
    pub makes: Option<&'static str>,
    /// The questions of the inventory that show it.
    pub reads: &'static [&'static str],
    /// What a call switches, and whether on.
    pub switched: fn(&Call<'_>) -> Option<(String, bool)>,
    /// What a walk saw of a region.
    pub shown: fn(&View<'_>) -> Result<Shown, Blind>,
    /// Why it matters.
    pub why: &'static str,
    /// What to do where it was not so.
    pub remedy: &'static str,
}

/// What a walk saw of a region: each thing, and whether it was on. What is not named was not there.
pub type Shown = Vec<(String, bool)>;

/// A call, as CloudTrail tells it.
pub struct Call<'a> {
    /// The account that was called.
    pub account: &'a str,
    /// The region.
    pub region: &'a str,
    /// The operation.
    pub name: &'a str,
    /// The whole record.
    pub record: &'a Value,
}

impl PeriodCheck {
    /// What it says of itself.
    pub fn about(&self) -> About {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        About {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            points: texts(self.points),
            nist: texts(self.nist),
            cis: Vec::new(),
            serves: texts(self.serves),
            test: Test::Operation,
            method: Method::Automated,
            kind: "period",
            parameters: BTreeMap::new(),
            remedy: self.remedy.to_owned(),
        }
    }
}

/// Account, region and thing.
type Subject = (String, String, String);

/// Judges a period: by the records of calls and by the walks, each by itself, in any order.
pub fn judge(
    check: &PeriodCheck,
    (since, until): (Timestamp, Timestamp),
    calls: &[Value],
    walks: &[Posture],
    gap_seconds: i64,
) -> Vec<CheckResult> {
    let mut seen: BTreeMap<Subject, Vec<Witness>> = BTreeMap::new();
    for record in calls {
        if let Some((subject, witness)) = by_call(check, record) {
            seen.entry(subject).or_default().push(witness);
        }
    }
    let (looks, blind) = looks(check, walks);
    for look in &looks {
        for (thing, _) in &look.shown {
            let subject = (look.account.clone(), look.region.clone(), thing.clone());
            seen.entry(subject).or_default();
        }
    }
    for look in &looks {
        for ((account, region, thing), witnesses) in &mut seen {
            if *account != look.account || *region != look.region {
                continue;
            }
            let shown = look.shown.iter().find(|(name, _)| name == thing);
            // What was not there yet is no outage of it.
            let there = shown.is_some() || witnesses.iter().any(|w| w.at <= look.at);
            if there {
                let on = shown.is_some_and(|(_, on)| *on);
                let (at, evidence) = (look.at, look.evidence.clone());
                witnesses.push(Witness { at, changed: false, on, evidence, told: String::new() });
            }
        }
    }
    let mut rows = Vec::new();
    let mut told: BTreeSet<(String, String)> = looks.iter().map(Look::place).collect();
    for (subject, witnesses) in seen {
        if witnesses.iter().any(|w| w.at < until) {
            told.insert((subject.0.clone(), subject.1.clone()));
            let begun = begun(check, &witnesses, since);
            rows.push(row(check, &subject, &stretches(begun, until, &witnesses, gap_seconds)));
        }
    }
    for ((account, region), why) in blind {
        if !told.contains(&(account.clone(), region.clone())) {
            rows.push(unseen(check, &account, &region, why));
        }
    }
    if rows.is_empty() && looks.is_empty() {
        let why = "neither a walk nor a call of the period is in the lake".to_owned();
        rows.push(unseen(check, "", GLOBAL, why));
    }
    rows
}

/// Nothing was seen there.
fn unseen(check: &PeriodCheck, account: &str, region: &str, why: String) -> CheckResult {
    CheckResult {
        check: check.id.to_owned(),
        resource: if account.is_empty() { "the period".to_owned() } else { account.to_owned() },
        account: account.to_owned(),
        region: region.to_owned(),
        verdict: Verdict::NoData,
        why,
        evidence: Vec::new(),
    }
}

/// From when on something is judged: what was made within the period is judged from then on.
fn begun(check: &PeriodCheck, witnesses: &[Witness], since: Timestamp) -> Timestamp {
    let made = |first: &&Witness| check.makes.is_some_and(|name| first.told.starts_with(name));
    witnesses.iter().min().filter(made).map_or(since, |first| first.at.max(since))
}

/// What a walk saw of one region.
struct Look {
    account: String,
    region: String,
    at: Timestamp,
    shown: Shown,
    evidence: String,
}

impl Look {
    fn place(&self) -> (String, String) {
        (self.account.clone(), self.region.clone())
    }
}

/// Why a region of an account could not be seen.
type Unseen = BTreeMap<(String, String), String>;

/// What walks saw, region by region, in order of time; and where one could not see, and why.
fn looks(check: &PeriodCheck, walks: &[Posture]) -> (Vec<Look>, Unseen) {
    let (mut looks, mut blind) = (Vec::new(), Unseen::new());
    for walk in walks {
        for account in walk.accounts() {
            for region in walk.regions(account) {
                match look(check, walk, account, region) {
                    Ok(look) => looks.extend(look),
                    Err(why) => {
                        blind.insert((account.to_owned(), region.to_owned()), why.why);
                    }
                }
            }
        }
    }
    looks.sort_by_key(|look| look.at);
    (looks, blind)
}

fn look(
    check: &PeriodCheck,
    walk: &Posture,
    account: &str,
    region: &str,
) -> Result<Option<Look>, Blind> {
    let view = walk.view(account, region);
    let shown = (check.shown)(&view)?;
    let seen = view.good("", "").evidence;
    let used = walk.captures().iter().filter(|capture| seen.contains(&capture.id));
    let last = used.max_by_key(|capture| capture.at.clone());
    Ok(last.and_then(|last| {
        let at = Timestamp::parse(&last.at).ok()?;
        let (account, region) = (account.to_owned(), region.to_owned());
        Some(Look { account, region, at, shown, evidence: last.id.clone() })
    }))
}

fn by_call(check: &PeriodCheck, record: &Value) -> Option<(Subject, Witness)> {
    let name = text(record, "eventName")?;
    let ours = word(record, "eventSource") == check.source && check.calls.contains(&name);
    if !ours || text(record, "errorCode").is_some() {
        return None;
    }
    let account =
        text(record, "recipientAccountId").or_else(|| text(record, "userIdentity.accountId"))?;
    let region = text(record, "awsRegion")?;
    let at = Timestamp::parse(text(record, "eventTime")?).ok()?;
    let (thing, on) = (check.switched)(&Call { account, region, name, record })?;
    let who = text(record, "userIdentity.arn").or_else(|| text(record, "userIdentity.invokedBy"));
    let told = who.map_or_else(|| name.to_owned(), |who| format!("{name} by {who}"));
    let evidence = word(record, "eventID").to_owned();
    let subject = (account.to_owned(), region.to_owned(), thing);
    Some((subject, Witness { at, changed: true, on, evidence, told }))
}

fn row(check: &PeriodCheck, subject: &Subject, line: &[Stretch]) -> CheckResult {
    let of = |state| line.iter().filter(move |stretch| stretch.state == state);
    let seconds = |state| of(state).map(length).sum::<i64>();
    let (off, unknown) = (seconds(State::Off), seconds(State::Unknown));
    let whole: i64 = line.iter().map(length).sum();
    let told = |state| of(state).take(OUTAGES_MAX).map(outage).collect::<Vec<_>>().join("; ");
    let more = of(State::Off).count().saturating_sub(OUTAGES_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let blind = if unknown > 0 {
        let told = told(State::Unknown);
        format!("not known for {} of {}: {told}", span(unknown), span(whole))
    } else {
        String::new()
    };
    let (verdict, why) = match (off > 0, unknown > 0) {
        (true, _) => {
            let tail = if blind.is_empty() { blind } else { format!("; {blind}") };
            let say = format!("off for {} of {}: ", span(off), span(whole));
            (Verdict::NonCompliant, format!("{say}{}{more}{tail}", told(State::Off)))
        }
        (false, true) => (Verdict::NoData, blind),
        (false, false) => (Verdict::Compliant, format!("on for all of {}", span(whole))),
    };
    let bad = line.iter().filter(|s| (s.state == State::On) == (verdict == Verdict::Compliant));
    let evidence: BTreeSet<&String> = bad.flat_map(|stretch| &stretch.evidence).collect();
    let (account, region, resource) = subject.clone();
    CheckResult {
        check: check.id.to_owned(),
        resource,
        account,
        region,
        verdict,
        why,
        evidence: evidence.into_iter().take(EVIDENCE_MAX).cloned().collect(),
    }
}

fn length(stretch: &Stretch) -> i64 {
    stretch.until.seconds() - stretch.since.seconds()
}

fn outage(stretch: &Stretch) -> String {
    let by = stretch.told.join(", ");
    let by = if by.is_empty() { by } else { format!(" ({by})") };
    format!("{} to {}{by}", stretch.since, stretch.until)
}

/// A length of time in hours and minutes, a begun minute as a whole one.
fn span(seconds: i64) -> String {
    let minutes = seconds.saturating_add(59) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
