//! Reading a list, and what is told of it.

use std::collections::BTreeMap;

use wk_model::{Sha256, Timestamp};

use super::address::AddressSet;
use super::entry::{Entry, Kind, Value};
use super::rules::{STANDARD, is_name};
use super::spec::{Format, ListSpec};
use super::{BYTES_MAX, ENTRIES_MAX, csv, ip_ranges, misp, plain, stix};

/// A list as it was read, and what is told of it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What rules call it.
    pub name: String,
    /// Where it is from: what the configuration says, else the file.
    pub source: String,
    /// How it is written.
    pub format: Format,
    /// What its entries are.
    pub kind: Kind,
    /// When it was taken: the time of the file.
    pub taken_at: Timestamp,
    /// How old it is.
    pub age_hours: i64,
    /// Whether it may be used.
    pub state: State,
    /// SHA-256 of the file, its first digits.
    pub version: String,
    /// What may match: none if the list is expired.
    pub entries: Vec<Entry>,
    /// The first ones that were left out.
    pub left_out: Vec<LeftOut>,
    /// How many were left out, by why.
    pub left_out_count: BTreeMap<&'static str, u64>,
}

/// Something of a list that is no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {text:?} {reason}")]
pub struct LeftOut {
    /// `line 7`, `object 12`.
    pub place: String,
    /// What stands there, cut.
    pub text: String,
    /// Why it is no entry.
    pub reason: &'static str,
}

/// Whether a list may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Fresh,
    /// It is older than it should be, and used.
    Stale,
    /// Its time is over: it matches nothing.
    Expired,
}

/// A list that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not read the list {name} from {file}: {why}")]
pub struct ListError {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Why not, and what to do about it.
    pub why: String,
}

const EXPIRED: &str = "is expired";
const HOUR_SECONDS: i64 = 3_600;

impl Loaded {
    /// How many are kept with their places.
    pub const LEFT_OUT_MAX: usize = 100;

    /// Its addresses and networks, as a set.
    pub fn addresses(&self) -> AddressSet {
        AddressSet::of(self.entries.iter().filter_map(|entry| match &entry.value {
            Value::Network(network) => Some(network),
            Value::Domain(_) | Value::Text(_) => None,
        }))
    }

    /// In a line: what it holds, and what to look at.
    pub fn say(&self) -> String {
        let head = format!("{}: {} entries from {}", self.name, self.entries.len(), self.source);
        let age = match self.state {
            State::Fresh => format!(", {} h old", self.age_hours),
            State::Stale => format!(", STALE: {} h old; load a newer file", self.age_hours),
            State::Expired => ", EXPIRED: it matches nothing; load a newer file".to_owned(),
        };
        let left_out = self.left_out_count.iter();
        let left_out = left_out.map(|(reason, count)| format!("; {count} left out: {reason}"));
        [head, age].into_iter().chain(left_out).collect()
    }
}

/// Reads a list. `taken_at` is the time of its file.
///
/// # Errors
/// If nothing of it can be read, or it is not said how.
pub fn read(
    spec: &ListSpec,
    bytes: &[u8],
    taken_at: Timestamp,
    now: Timestamp,
) -> Result<Loaded, ListError> {
    let fail = |why: String| {
        let (name, file) = (spec.name.clone(), spec.file.clone());
        ListError { name, file, why }
    };
    if !is_name(&spec.name) {
        return Err(fail("a name has letters, digits and underscores only".to_owned()));
    }
    if bytes.len() > BYTES_MAX {
        return Err(fail(format!("it is larger than {} MiB", BYTES_MAX >> 20)));
    }
    let text = str::from_utf8(bytes)
        .map_err(|error| fail(format!("it is not UTF-8 at byte {}", error.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let standard = STANDARD.iter().find(|standard| standard.name == spec.name);
    let kind = spec.kind.or(standard.map(|standard| standard.kind));
    let mut taking = Taking { kind, now, ..Taking::default() };
    match spec.format {
        Format::Plain => plain::read(text, &mut taking),
        Format::Csv => csv::read(text, spec, &mut taking).map_err(fail)?,
        Format::AwsIpRanges => ip_ranges::read(text, spec, &mut taking).map_err(fail)?,
        Format::Stix | Format::Misp if kind.is_none() => {
            let why = "such a file holds entries of several kinds; say which: kind = \"address\", \
                       \"domain\" or \"text\"";
            return Err(fail(why.to_owned()));
        }
        Format::Lake => return Err(fail("it is put together from the lake".to_owned())),
        Format::Stix => stix::read(text, &mut taking).map_err(fail)?,
        Format::Misp => misp::read(text, &mut taking).map_err(fail)?,
    }
    Ok(taking.finish(spec, bytes, taken_at))
}

/// Entries as they are taken from a file.
#[derive(Debug, Default)]
pub(super) struct Taking {
    /// What the entries are; unknown until all are there, for formats that do not say.
    kind: Option<Kind>,
    now: Timestamp,
    entries: Vec<Entry>,
    left_out: Vec<LeftOut>,
    left_out_count: BTreeMap<&'static str, u64>,
}

/// What else is known of an entry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) reference: Option<&'a str>,
}

impl Taking {
    /// The kind that is wanted, of formats whose entries say what they are.
    pub(super) fn wants(&self, kind: Kind) -> bool {
        self.kind == Some(kind)
    }

    /// Takes an entry, or notes why it is none.
    pub(super) fn take(&mut self, place: &dyn Fn() -> String, text: &str, about: About<'_>) {
        if self.entries.len() >= ENTRIES_MAX {
            return self.leave_out(
                place,
                text,
                "stands behind the last entry that a list may have",
            );
        }
        if about.until.is_some_and(|until| until <= self.now) {
            return self.leave_out(place, text, EXPIRED);
        }
        if about.from.is_some_and(|from| from > self.now) {
            return self.leave_out(place, text, "is not valid yet");
        }
        match Value::read(self.kind.unwrap_or(Kind::Text), text) {
            Ok(value) => {
                let reference = about.reference.map(str::to_owned);
                self.entries.push(Entry { value, expires: about.until, reference });
            }
            Err(reason) => self.leave_out(place, text, reason),
        }
    }

    pub(super) fn leave_out(
        &mut self,
        place: &dyn Fn() -> String,
        text: &str,
        reason: &'static str,
    ) {
        *self.left_out_count.entry(reason).or_default() += 1;
        if self.left_out.len() < Loaded::LEFT_OUT_MAX {
            let text = text.chars().take(80).collect();
            self.left_out.push(LeftOut { place: place(), text, reason });
        }
    }

    fn finish(mut self, spec: &ListSpec, bytes: &[u8], taken_at: Timestamp) -> Loaded {
        let kind = self.kind.unwrap_or_else(|| self.guess());
        self.once();
        let age_hours = (self.now.seconds().saturating_sub(taken_at.seconds())) / HOUR_SECONDS;
        let stale = spec.max_age_hours.is_some_and(|max| age_hours >= i64::from(max));
        let state = match spec.expires {
            Some(until) if until.0 <= self.now => State::Expired,
            _ if stale => State::Stale,
            _ => State::Fresh,
        };
        if state == State::Expired && !self.entries.is_empty() {
            *self.left_out_count.entry("the whole list is expired").or_default() +=
                self.entries.len() as u64;
            self.entries.clear();
        }
        Loaded {
            name: spec.name.clone(),
            source: spec.source.clone().unwrap_or_else(|| spec.file.clone()),
            format: spec.format,
            kind,
            taken_at,
            age_hours,
            state,
            version: Sha256::of(bytes).short(),
            entries: self.entries,
            left_out: self.left_out,
            left_out_count: self.left_out_count,
        }
    }

    /// A list of which nobody says what it holds: addresses if every entry is one, else texts.
    fn guess(&mut self) -> Kind {
        let text = |entry: &Entry| match &entry.value {
            Value::Text(text) => Value::read(Kind::Address, text).ok(),
            Value::Network(_) | Value::Domain(_) => None,
        };
        let addresses: Option<Vec<Value>> = self.entries.iter().map(text).collect();
        match addresses {
            Some(addresses) if !addresses.is_empty() => {
                for (entry, address) in self.entries.iter_mut().zip(addresses) {
                    entry.value = address;
                }
                Kind::Address
            }
            _ => Kind::Text,
        }
    }

    /// Keeps the first of equal entries; the same value twice is nothing to tell of.
    fn once(&mut self) {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        let value = |place: &usize| &self.entries[*place].value;
        order.sort_by(|a, b| value(a).cmp(value(b)).then(a.cmp(b)));
        let mut first = vec![true; order.len()];
        for two in order.windows(2) {
            first[two[1]] = value(&two[0]) != value(&two[1]);
        }
        let mut first = first.into_iter();
        self.entries.retain(|_| first.next() == Some(true));
    }
}
