//! A record with what is known around it.

use core::net::IpAddr;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use wk_lang::json::Value;
use wk_lang::sigma::{FieldPath, FieldValue, Record};
use wk_model::{Cell, Row, Timestamp};

use super::Surroundings;
use super::asks::Asks;
use super::field::{Asked, PREFIX};
use super::names::{Domain, Session, allows_everything, is_private, is_service};
use crate::places::Place;
use crate::row_record::RowRecord;
use crate::sources::{Context, Envelope, Source};

/// A record, as its source wrote it, and around it what is known.
pub(crate) struct InSurroundings<'a> {
    surroundings: &'a Surroundings,
    asks: &'a Asks,
    record: Option<Value<'a>>,
    row: OnceCell<Option<Cow<'a, Row<'a>>>>,
    by_column: Option<RowRecord<'a>>,
    source: &'a Source,
    address: OnceCell<Option<IpAddr>>,
    place: OnceCell<Option<Arc<Place>>>,
    lists: OnceCell<Vec<Cow<'a, str>>>,
    domain: OnceCell<Option<Domain>>,
    domain_lists: OnceCell<Vec<Cow<'a, str>>>,
}

/// What is at hand of an event: its row, its record, and both as rules see them.
pub(crate) type Known<'a> = (Option<&'a Row<'a>>, Option<Value<'a>>, Option<RowRecord<'a>>);

impl<'a> InSurroundings<'a> {
    /// Without a row one is read from the record, if something of it is asked.
    pub(crate) fn new(
        surroundings: &'a Surroundings,
        asks: &'a Asks,
        source: &'a Source,
        (row, record, by_column): Known<'a>,
    ) -> Self {
        let known = OnceCell::new();
        if let Some(row) = row {
            known.get_or_init(|| Some(Cow::Borrowed(row)));
        }
        Self {
            surroundings,
            asks,
            record,
            row: known,
            by_column,
            source,
            address: OnceCell::new(),
            place: OnceCell::new(),
            lists: OnceCell::new(),
            domain: OnceCell::new(),
            domain_lists: OnceCell::new(),
        }
    }

    fn row(&self) -> Option<&Row<'a>> {
        let read = || {
            let context = Context {
                uri: "",
                modified: Timestamp::default(),
                settings: &self.surroundings.settings,
                metadata: &[],
                envelope: Envelope::default(),
            };
            let record = self.record?;
            let row = (self.source.json.as_ref()?.read)(record, &context).ok()?;
            Some(Cow::Owned(row))
        };
        self.row.get_or_init(read).as_deref()
    }

    fn source_ip(&self) -> Option<Cow<'_, str>> {
        match self.row().and_then(|row| row.source_ip.as_deref()) {
            Some(address) => Some(Cow::Borrowed(address)),
            None => self.by_alias("source_ip"),
        }
    }

    /// A column's text from a record of which no row could be read: a test shows no more of an event
    /// than its rule asks for.
    fn by_alias(&self, column: &str) -> Option<Cow<'a, str>> {
        let record = self.record?;
        let aliases = self.source.table.aliases.iter().filter(|(_, of)| *of == column);
        let mut names = aliases.map(|(alias, _)| *alias).chain([column]);
        names.find_map(|name| {
            let parts: Vec<&str> = name.split('.').collect();
            record.at(&parts)?.as_str()
        })
    }

    fn address(&self) -> Option<IpAddr> {
        *self.address.get_or_init(|| self.source_ip()?.trim().parse().ok())
    }

    fn place(&self) -> Option<&Place> {
        let place = || self.address().map(|address| self.surroundings.place(address));
        self.place.get_or_init(place).as_deref()
    }

    fn lists(&self) -> &[Cow<'a, str>] {
        self.lists.get_or_init(|| match self.address() {
            Some(address) => named(self.surroundings.lists_of_address(address)),
            None => Vec::new(),
        })
    }

    fn domain(&self) -> Option<&Domain> {
        let name = || {
            let column = |row: &Row<'_>| match row.cells.get(row.table.index("query_name")?)? {
                Cell::Text(name) => Domain::of(name),
                _ => None,
            };
            let by_alias = || Domain::of(&self.by_alias("query_name")?);
            self.row().and_then(column).or_else(by_alias)
        };
        self.domain.get_or_init(name).as_ref()
    }

    fn domain_lists(&self) -> &[Cow<'a, str>] {
        self.domain_lists.get_or_init(|| match self.domain() {
            Some(domain) => named(self.surroundings.lists_of_domain(&domain.name)),
            None => Vec::new(),
        })
    }

    /// The ARN of who did it.
    fn actor(&self) -> Option<Cow<'_, str>> {
        match self.row().and_then(|row| row.actor.as_deref()) {
            Some(actor) => Some(Cow::Borrowed(actor)),
            None => self.record?.at(&["userIdentity", "arn"])?.as_str(),
        }
    }

    fn of_session(&self, part: fn(Session<'_>) -> Option<&str>) -> Option<String> {
        let actor = self.actor()?;
        part(Session::of(&actor)?).map(str::to_owned)
    }

    /// Whose the source address is, seen from the session's instance.
    fn home(&self) -> Option<String> {
        let actor = self.actor()?;
        let host = Session::of(&actor)?.instance()?;
        // What a test shows of an event may have no time.
        let at = self.row().and_then(|row| row.time);
        let home = self.surroundings.home(host, self.address()?, at)?;
        Some(home.as_str().to_owned())
    }

    fn value(&self, asked: Asked) -> FieldValue<'_> {
        let text = |text: Option<&'_ str>| -> Option<String> { text.map(str::to_owned) };
        let answer = match asked {
            Asked::DomainEntropy => {
                return self.domain().map_or(FieldValue::Absent, |d| FieldValue::Float(d.entropy));
            }
            Asked::DomainLabelBytes => {
                let bytes = self.domain().and_then(|d| i64::try_from(d.label_bytes).ok());
                return bytes.map_or(FieldValue::Absent, FieldValue::Int);
            }
            Asked::DomainLists => return several(self.domain_lists()),
            Asked::SourceLists => return several(self.lists()),
            Asked::SourceAsn => {
                let asn = self.place().and_then(|place| place.asn);
                return asn.map_or(FieldValue::Absent, |asn| FieldValue::Int(asn.into()));
            }
            Asked::PolicyAdmin => return truth(self.record.and_then(allows_everything)),
            Asked::SourcePrivate => return truth(self.address().map(is_private)),
            Asked::SourceService => {
                return truth(self.source_ip().map(|source| is_service(&source)));
            }
            Asked::DomainName => text(self.domain().map(|domain| domain.name.as_str())),
            Asked::DomainRegistered => text(self.domain().map(Domain::registered)),
            Asked::SessionHome => self.home(),
            Asked::SessionInstance => self.of_session(|session| session.instance()),
            Asked::SessionName => self.of_session(|session| Some(session.name)),
            Asked::SessionRole => self.of_session(|session| Some(session.role)),
            Asked::SourceAsName => text(self.place().and_then(|place| place.as_name.as_deref())),
            Asked::SourcePosition => self.place().and_then(Place::position),
            Asked::SourceCountry => text(self.place().and_then(|place| place.country.as_deref())),
        };
        answer.map_or(FieldValue::Absent, |answer| FieldValue::Text(Cow::Owned(answer)))
    }
}

fn named<'a>(names: Vec<&str>) -> Vec<Cow<'a, str>> {
    names.into_iter().map(|name| Cow::Owned(name.to_owned())).collect()
}

fn several<'a>(names: &'a [Cow<'a, str>]) -> FieldValue<'a> {
    if names.is_empty() { FieldValue::Absent } else { FieldValue::Texts(names) }
}

fn truth(truth: Option<bool>) -> FieldValue<'static> {
    truth.map_or(FieldValue::Absent, FieldValue::Bool)
}

impl Record for InSurroundings<'_> {
    fn field(&self, path: &FieldPath) -> FieldValue<'_> {
        let ours = self.asks.ours(path);
        match (ours, &self.by_column, &self.record) {
            (Some(asked), _, _) => self.value(asked),
            (None, Some(row), _) => row.field(path),
            (None, None, Some(record)) => record.field(path),
            (None, None, None) => FieldValue::Absent,
        }
    }

    fn any_text(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        match (&self.by_column, &self.record) {
            (Some(row), _) => row.any_text(look),
            (None, Some(record)) => record.any_text(look),
            (None, None) => false,
        }
    }
}

/// Some fields of a record as a JSON object of texts, each under its whole name: for those who take
/// only JSON, and look at values one by one.
pub(crate) fn as_json(record: &dyn Record, names: &[FieldPath]) -> String {
    let mut members = Vec::new();
    for path in names {
        let mut texts = Vec::new();
        record.field(path).each_text(&mut |text| texts.push(quoted(text)));
        // A field of ours is there even if it is not known: then no other is taken for it.
        if !texts.is_empty() || path.as_str().starts_with(PREFIX) {
            members.push([&quoted(path.as_str()), ":[", &texts.join(","), "]"].concat());
        }
    }
    ["{", &members.join(","), "}"].concat()
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\0'..='\u{1f}' => {
                let escape = format!("\\u{:04x}", u32::from(letter));
                quoted.push_str(&escape);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
