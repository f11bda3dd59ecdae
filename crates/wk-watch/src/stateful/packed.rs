//! Signals as bytes, from the commit to the turn that takes them.
//!
//! * Texts stand in front, each once; of a signal there are numbers. So the many signals of a commit
//!   are small, and one of them is read without the others.
//! * Packs stand one behind the other; which of them a signal is in does not matter.

use wk_model::finding::{EventRef, Origin};
use wk_model::signal::{Above, Count, Entry, Sample, Seen, Signal, Term};
use wk_model::{Sha256, Timestamp};

use super::codec::{NotAState, Numbers, put_number, put_signed};
use super::key;
use super::texts::Texts;

/// What a pack begins with.
const SHAPE: [u8; 8] = *b"signals\x02";

/// Signals that are being packed.
#[derive(Debug, Default)]
pub struct Pack {
    texts: Texts,
    body: Vec<u8>,
    /// Room for one signal.
    parts: Vec<u8>,
    signals: u64,
}

/// The kinds of what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Entries,
    Terms,
    Counts,
}

impl Pack {
    /// How many signals there are.
    pub fn len(&self) -> u64 {
        self.signals
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.signals == 0
    }

    /// The bytes of all of them; none where there is no signal.
    pub fn finish(self) -> Vec<u8> {
        if self.signals == 0 {
            return Vec::new();
        }
        let (lengths, texts) = self.texts.parts();
        let mut head = Vec::with_capacity(2 * self.texts.len() + texts.len() + self.body.len());
        put_number(&mut head, self.texts.len() as u64);
        lengths.for_each(|length| put_number(&mut head, length as u64));
        head.extend(texts.as_bytes());
        head.extend(&self.body);
        let mut bytes = SHAPE.to_vec();
        put_number(&mut bytes, head.len() as u64);
        // The ledger keeps these bytes and proves nothing about them: damage is told by this.
        bytes.extend(&Sha256::of(&head).0[..8]);
        bytes.extend(head);
        bytes
    }

    /// Adds a signal of so many parts, which are written by `write`.
    pub(super) fn signal(
        &mut self,
        (rule, key): (&str, &str),
        (shown, parts): (Shown, usize),
        left_out: u64,
        write: impl FnOnce(&mut Parts<'_>),
    ) {
        self.signals += 1;
        let (rule, key) = (self.texts.intern(rule), self.texts.intern(key));
        put_number(&mut self.body, rule.into());
        put_number(&mut self.body, key.into());
        let mut bytes = std::mem::take(&mut self.parts);
        bytes.clear();
        put_number(&mut bytes, left_out);
        put_number(&mut bytes, shown as u64);
        put_number(&mut bytes, parts as u64);
        write(&mut Parts { texts: &mut self.texts, bytes: &mut bytes });
        put_number(&mut self.body, bytes.len() as u64);
        self.body.extend(&bytes);
        self.parts = bytes;
    }
}

/// What an event is to a rule above, as it is written.
pub(super) struct AboveText<'a> {
    pub(super) rule: &'a str,
    pub(super) place: u16,
    pub(super) key: &'a str,
    pub(super) value: Option<&'a str>,
}

/// The parts of a signal, as they are written.
pub(super) struct Parts<'a> {
    texts: &'a mut Texts,
    bytes: &'a mut Vec<u8>,
}

impl Parts<'_> {
    pub(super) fn number(&mut self, n: u64) {
        put_number(self.bytes, n);
    }

    pub(super) fn signed(&mut self, n: i64) {
        put_signed(self.bytes, n);
    }

    pub(super) fn text(&mut self, text: &str) {
        let number = self.texts.intern(text);
        self.number(number.into());
    }

    pub(super) fn option(&mut self, text: Option<&str>) {
        match text {
            None => self.number(0),
            Some(text) => {
                let number = self.texts.intern(text);
                self.number(u64::from(number) + 1);
            }
        }
    }

    /// What was written before.
    pub(super) fn again(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The resources of a sample, and what it is to rules above; the event stands before.
    pub(super) fn rest<'t, 'u>(
        &mut self,
        live: bool,
        resources: impl ExactSizeIterator<Item = &'t str>,
        above: impl ExactSizeIterator<Item = AboveText<'u>>,
    ) {
        self.number(u64::from(live));
        self.number(resources.len() as u64);
        resources.for_each(|resource| self.text(resource));
        self.number(above.len() as u64);
        for AboveText { rule, place, key, value } in above {
            self.text(rule);
            self.number(place.into());
            self.text(key);
            self.option(value);
        }
    }
}

/// What every sample says of its event, once for each event.
pub(crate) struct Event<'a> {
    pub(crate) time: Timestamp,
    pub(crate) table: &'a str,
    pub(crate) id: &'a str,
    pub(crate) region: Option<&'a str>,
    pub(crate) actor: Option<&'a str>,
    pub(crate) source_ip: Option<&'a str>,
}

impl Event<'_> {
    /// Writes it behind what is there.
    pub(super) fn write(&self, pack: &mut Pack, bytes: &mut Vec<u8>) {
        let mut parts = Parts { texts: &mut pack.texts, bytes };
        parts.signed(self.time.micros());
        parts.text(self.table);
        parts.text(self.id);
        parts.option(self.region);
        parts.option(self.actor);
        parts.option(self.source_ip);
    }
}

/// A pack, opened.
#[derive(Debug)]
pub struct Packed {
    bytes: Vec<u8>,
    /// Where each text lies.
    texts: Vec<(u32, u32)>,
    /// Where the signals begin.
    body: usize,
}

/// A signal of a pack.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The key.
    pub key: &'a str,
    /// Where in the pack it lies.
    pub at: u32,
}

impl Packed {
    /// Opens all packs in these bytes; `None` where they are something else, or damaged.
    pub fn all(bytes: &[u8]) -> Option<Vec<Self>> {
        let (mut rest, mut packs) = (Numbers(bytes), Vec::new());
        while !rest.0.is_empty() {
            packs.push(Self::next(&mut rest).ok()?);
        }
        Some(packs)
    }

    fn next(rest: &mut Numbers<'_>) -> Result<Self, NotAState> {
        if rest.take(SHAPE.len())? != SHAPE {
            return Err(NotAState);
        }
        let length = rest.count()?;
        let digest = rest.take(8)?;
        let bytes = rest.take(length)?;
        if Sha256::of(bytes).0[..8] != *digest || u32::try_from(bytes.len()).is_err() {
            return Err(NotAState);
        }
        let mut numbers = Numbers(bytes);
        let lengths: Vec<u64> =
            (0..numbers.count()?).map(|_| numbers.number()).collect::<Result<_, _>>()?;
        let mut texts = Vec::with_capacity(lengths.len());
        for length in lengths {
            let from = bytes.len() - numbers.0.len();
            let text = numbers.take(usize::try_from(length).map_err(|_| NotAState)?)?;
            std::str::from_utf8(text).map_err(|_| NotAState)?;
            let number = |n: usize| u32::try_from(n).map_err(|_| NotAState);
            texts.push((number(from)?, number(from + text.len())?));
        }
        let body = bytes.len() - numbers.0.len();
        let packed = Self { bytes: bytes.to_vec(), texts, body };
        packed.places().try_for_each(|place| place.map(drop))?;
        Ok(packed)
    }

    /// Its signals, one after the other.
    fn places(&self) -> impl Iterator<Item = Result<Place<'_>, NotAState>> {
        let mut rest = Numbers(self.bytes.get(self.body..).unwrap_or_default());
        std::iter::from_fn(move || {
            (!rest.0.is_empty()).then(|| {
                let place = self.place(&mut rest);
                if place.is_err() {
                    rest.0 = &[];
                }
                place
            })
        })
    }

    fn place(&self, rest: &mut Numbers<'_>) -> Result<Place<'_>, NotAState> {
        let (rule, key) = (self.text(rest.number()?)?, self.text(rest.number()?)?);
        let length = rest.count()?;
        let at = u32::try_from(self.bytes.len() - rest.0.len()).map_err(|_| NotAState)?;
        rest.take(length)?;
        Ok(Place { rule, key, at })
    }

    /// Its signals, as far as they say whose they are.
    pub fn signals(&self) -> impl Iterator<Item = Place<'_>> {
        self.places().flatten()
    }

    /// What was seen, of the signal at this place; `None` where there is none.
    pub fn read(&self, place: Place<'_>) -> Option<Signal> {
        self.seen(place.at).ok().map(|(seen, left_out)| Signal {
            rule: place.rule.to_owned(),
            account: key::account(place.key).map(str::to_owned),
            key: place.key.to_owned(),
            seen,
            left_out,
        })
    }

    fn seen(&self, at: u32) -> Result<(Seen, u64), NotAState> {
        let mut from = Numbers(self.bytes.get(at as usize..).ok_or(NotAState)?);
        let left_out = from.number()?;
        let (kind, parts) = (from.number()?, from.count()?);
        let seen = match kind {
            0 => {
                let entries = (0..parts).map(|_| self.entry(&mut from));
                Seen::Entries(entries.collect::<Result<_, _>>()?)
            }
            1 => {
                let terms = (0..parts).map(|_| {
                    let term = self.text(from.number()?)?.to_owned();
                    Ok(Term { term, first: self.sample(&mut from)? })
                });
                Seen::Terms(terms.collect::<Result<_, _>>()?)
            }
            2 => {
                let counts = (0..parts).map(|_| {
                    let (bucket, count) = (from.signed()?, from.number()?);
                    Ok(Count { bucket, count, first: self.sample(&mut from)? })
                });
                Seen::Counts(counts.collect::<Result<_, _>>()?)
            }
            _ => return Err(NotAState),
        };
        Ok((seen, left_out))
    }

    fn entry(&self, from: &mut Numbers<'_>) -> Result<Entry, NotAState> {
        let sample = self.sample(from)?;
        let places = (0..from.count()?).map(|_| u16_of(from));
        let rules = places.collect::<Result<_, _>>()?;
        Ok(Entry { sample, rules, value: self.option(from)? })
    }

    fn sample(&self, from: &mut Numbers<'_>) -> Result<Sample, NotAState> {
        let time = Timestamp::from_micros(from.signed()?);
        let (table, id) =
            (self.text(from.number()?)?.to_owned(), self.text(from.number()?)?.to_owned());
        let (region, actor) = (self.option(from)?, self.option(from)?);
        let source_ip = self.option(from)?;
        let origin = if from.number()? == 1 { Origin::Live } else { Origin::BackFill };
        let resources = (0..from.count()?).map(|_| Ok(self.text(from.number()?)?.to_owned()));
        let resources = resources.collect::<Result<_, _>>()?;
        let above = (0..from.count()?).map(|_| {
            let (rule, place) = (self.text(from.number()?)?.to_owned(), u16_of(from)?);
            let key = self.text(from.number()?)?.to_owned();
            Ok(Above { rule, place, key, value: self.option(from)? })
        });
        let above = above.collect::<Result<_, _>>()?;
        let event = EventRef { time, table, id };
        Ok(Sample { event, origin, region, actor, source_ip, resources, above })
    }

    fn text(&self, number: u64) -> Result<&str, NotAState> {
        let place = usize::try_from(number).ok().and_then(|number| self.texts.get(number));
        let (from, to) = *place.ok_or(NotAState)?;
        let bytes = self.bytes.get(from as usize..to as usize).ok_or(NotAState)?;
        std::str::from_utf8(bytes).map_err(|_| NotAState)
    }

    fn option(&self, from: &mut Numbers<'_>) -> Result<Option<String>, NotAState> {
        match from.number()?.checked_sub(1) {
            None => Ok(None),
            Some(number) => self.text(number).map(|text| Some(text.to_owned())),
        }
    }
}

fn u16_of(from: &mut Numbers<'_>) -> Result<u16, NotAState> {
    u16::try_from(from.number()?).map_err(|_| NotAState)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Pack {
        /// Adds a signal as it is.
        fn add(&mut self, signal: &Signal) {
            let shown = match &signal.seen {
                Seen::Entries(_) => Shown::Entries,
                Seen::Terms(_) => Shown::Terms,
                Seen::Counts(_) => Shown::Counts,
            };
            let samples: Vec<Vec<u8>> = match &signal.seen {
                Seen::Entries(all) => all.iter().map(|e| self.event(&e.sample)).collect(),
                Seen::Terms(all) => all.iter().map(|t| self.event(&t.first)).collect(),
                Seen::Counts(all) => all.iter().map(|c| self.event(&c.first)).collect(),
            };
            let of = (signal.rule.as_str(), signal.key.as_str());
            self.signal(of, (shown, signal.parts()), signal.left_out, |parts| {
                let rest = |parts: &mut Parts<'_>, sample: &Sample, event: &[u8]| {
                    parts.again(event);
                    let resources = sample.resources.iter().map(String::as_str);
                    let above = sample.above.iter().map(|above| AboveText {
                        rule: &above.rule,
                        place: above.place,
                        key: &above.key,
                        value: above.value.as_deref(),
                    });
                    parts.rest(sample.origin == Origin::Live, resources, above);
                };
                match &signal.seen {
                    Seen::Entries(all) => all.iter().zip(&samples).for_each(|(entry, event)| {
                        rest(parts, &entry.sample, event);
                        parts.number(entry.rules.len() as u64);
                        entry.rules.iter().for_each(|rule| parts.number((*rule).into()));
                        parts.option(entry.value.as_deref());
                    }),
                    Seen::Terms(all) => all.iter().zip(&samples).for_each(|(term, event)| {
                        parts.text(&term.term);
                        rest(parts, &term.first, event);
                    }),
                    Seen::Counts(all) => all.iter().zip(&samples).for_each(|(count, event)| {
                        parts.signed(count.bucket);
                        parts.number(count.count);
                        rest(parts, &count.first, event);
                    }),
                }
            });
        }

        fn event(&mut self, sample: &Sample) -> Vec<u8> {
            let event = Event {
                time: sample.event.time,
                table: &sample.event.table,
                id: &sample.event.id,
                region: sample.region.as_deref(),
                actor: sample.actor.as_deref(),
                source_ip: sample.source_ip.as_deref(),
            };
            let mut bytes = Vec::new();
            event.write(self, &mut bytes);
            bytes
        }
    }

    fn pack(signals: &[Signal]) -> Vec<u8> {
        let mut pack = Pack::default();
        signals.iter().for_each(|signal| pack.add(signal));
        pack.finish()
    }

    fn unpack(bytes: &[u8]) -> Option<Vec<Signal>> {
        let packs = Packed::all(bytes)?;
        packs.iter().flat_map(|p| p.signals().map(|place| p.read(place))).collect()
    }

    fn sample(n: i64) -> Sample {
        let time = Timestamp::from_seconds(n);
        let above = Above { rule: "up".into(), place: 1, key: format!("k{n}"), value: None };
        Sample {
            event: EventRef { time, table: "cloudtrail".into(), id: n.to_string() },
            origin: if n % 2 == 0 { Origin::Live } else { Origin::BackFill },
            region: Some("eu-west-1".into()),
            actor: (n % 3 == 0).then(|| "a".into()),
            source_ip: None,
            resources: vec!["r".into(); usize::try_from(n.rem_euclid(3)).unwrap()],
            above: if n % 5 == 0 { vec![above] } else { vec![] },
        }
    }

    fn signal(n: i64) -> Signal {
        let seen = match n % 3 {
            0 => Seen::Entries(vec![
                Entry { sample: sample(n), rules: vec![0, 3], value: Some("v".into()) },
                Entry { sample: sample(n + 1), rules: vec![], value: None },
            ]),
            1 => Seen::Terms(vec![Term { term: "t".into(), first: sample(n) }]),
            _ => Seen::Counts(vec![Count { bucket: -n, count: 7, first: sample(n) }]),
        };
        let account = (n % 2 == 0).then(|| "111122223333".to_owned());
        let key = format!("{}\nk{n}", account.as_deref().unwrap_or("\\0"));
        Signal { rule: (n % 4).to_string(), key, account, seen, left_out: 2 }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            one in proptest::collection::vec(0i64..1_000_000, 0..30),
            other in proptest::collection::vec(0i64..1_000_000, 0..30),
        ) {
            let [one, other] = [one, other].map(|n| n.into_iter().map(signal).collect::<Vec<_>>());
            let bytes = [pack(&one), pack(&other)].concat();
            prop_assert_eq!(unpack(&bytes), Some([one, other].concat()));
        }

        #[test]
        fn damage_is_told_and_never_panics(
            numbers in proptest::collection::vec(0i64..1_000_000, 1..10), at in 0usize..2_000, by in 1u8..=255,
        ) {
            let signals: Vec<Signal> = numbers.into_iter().map(signal).collect();
            let mut bytes = pack(&signals);
            let at = at % bytes.len();
            prop_assert_eq!(unpack(&bytes[..at]).is_some(), at == 0);
            bytes[at] ^= by;
            prop_assert_eq!(unpack(&bytes), None);
        }

        #[test]
        fn a_forged_pack_never_panics(body in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut bytes = SHAPE.to_vec();
            put_number(&mut bytes, body.len() as u64);
            bytes.extend(&Sha256::of(&body).0[..8]);
            bytes.extend(body);
            unpack(&bytes);
        }
    }
}
