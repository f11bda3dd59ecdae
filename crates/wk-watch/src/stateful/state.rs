//! What is kept of a rule and key between steps, and its form as bytes.

use wk_model::Timestamp;
use wk_model::finding::{EventRef, Origin};
use wk_model::signal::{Above, Entry, Sample};

use super::codec::{NotAState, Reader, Writer};

/// Entries of events that windows are made of, in order of time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entries {
    /// The account of the key.
    pub(super) account: Option<String>,
    /// Windows that end up to here are judged; only for rules that wait for windows to close.
    pub(super) judged_to: Option<Timestamp>,
    /// The latest event that was let go.
    pub(super) forgotten_to: Option<Timestamp>,
    pub(super) held: Vec<Held>,
}

/// An entry that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) entry: Entry,
    /// When it came, in seconds.
    pub(super) came: i64,
    /// What was told of it already.
    pub(super) told: Told,
}

/// What was told of an entry, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told(u8);

impl Told {
    /// In the finding of the event's own bucket of time.
    pub(super) const SAME: Self = Self(1);
    /// In the finding of the bucket behind it.
    pub(super) const NEXT: Self = Self(2);
    /// To the rules above: a window that ends with it holds.
    pub(super) const ABOVE: Self = Self(4);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Held {
    pub(super) fn time(&self) -> Timestamp {
        self.entry.sample.event.time
    }
}

impl Entries {
    pub(super) fn decode(bytes: &[u8], shape: u64) -> Result<Self, NotAState> {
        let mut reader = Reader::new(bytes, shape)?;
        let time = |reader: &mut Reader<'_>| reader.signed().map(Timestamp::from_micros);
        let mut state = Self {
            account: reader.option(Reader::text)?,
            judged_to: reader.option(time)?,
            forgotten_to: reader.option(time)?,
            held: Vec::new(),
        };
        let (mut before, mut came) = (0i64, 0i64);
        for _ in 0..reader.count()? {
            before = before.wrapping_add(reader.signed()?);
            came = came.wrapping_add(reader.signed()?);
            let told = Told(u8::try_from(reader.number()?).map_err(|_| NotAState)?);
            let sample = read_sample(&mut reader, Timestamp::from_micros(before))?;
            let mut rules = Vec::new();
            for _ in 0..reader.count()? {
                rules.push(u16::try_from(reader.number()?).map_err(|_| NotAState)?);
            }
            let value = reader.option(Reader::text)?;
            state.held.push(Held { entry: Entry { sample, rules, value }, came, told });
        }
        reader.end()?;
        Ok(state)
    }

    pub(super) fn encode(&self, shape: u64) -> Vec<u8> {
        let mut writer = Writer::new(shape);
        let time = |writer: &mut Writer, time: Timestamp| writer.signed(time.micros());
        writer.option(self.account.as_deref(), Writer::text);
        writer.option(self.judged_to, time);
        writer.option(self.forgotten_to, time);
        writer.count(self.held.len());
        let (mut before, mut came) = (0i64, 0i64);
        for held in &self.held {
            let micros = held.time().micros();
            writer.signed(micros.wrapping_sub(before));
            writer.signed(held.came.wrapping_sub(came));
            (before, came) = (micros, held.came);
            writer.number(u64::from(held.told.0));
            write_sample(&mut writer, &held.entry.sample);
            writer.count(held.entry.rules.len());
            held.entry.rules.iter().for_each(|rule| writer.number(u64::from(*rule)));
            writer.option(held.entry.value.as_deref(), Writer::text);
        }
        writer.finish()
    }
}

/// A sample without its time.
pub(super) fn write_sample(writer: &mut Writer, sample: &Sample) {
    writer.text(&sample.event.table);
    writer.text(&sample.event.id);
    writer.number(u64::from(sample.origin == Origin::Live));
    writer.option(sample.region.as_deref(), Writer::text);
    writer.option(sample.actor.as_deref(), Writer::text);
    writer.option(sample.source_ip.as_deref(), Writer::text);
    writer.count(sample.resources.len());
    sample.resources.iter().for_each(|resource| writer.text(resource));
    writer.count(sample.above.len());
    for above in &sample.above {
        writer.text(&above.rule);
        writer.number(u64::from(above.place));
        writer.text(&above.key);
        writer.option(above.value.as_deref(), Writer::text);
    }
}

pub(super) fn read_sample(reader: &mut Reader<'_>, time: Timestamp) -> Result<Sample, NotAState> {
    let event = EventRef { time, table: reader.text()?, id: reader.text()? };
    let origin = if reader.number()? == 1 { Origin::Live } else { Origin::BackFill };
    let (region, actor) = (reader.option(Reader::text)?, reader.option(Reader::text)?);
    let source_ip = reader.option(Reader::text)?;
    let mut resources = Vec::new();
    for _ in 0..reader.count()? {
        resources.push(reader.text()?);
    }
    let mut above = Vec::new();
    for _ in 0..reader.count()? {
        let rule = reader.text()?;
        let place = u16::try_from(reader.number()?).map_err(|_| NotAState)?;
        let (key, value) = (reader.text()?, reader.option(Reader::text)?);
        above.push(Above { rule, place, key, value });
    }
    Ok(Sample { event, origin, region, actor, source_ip, resources, above })
}
