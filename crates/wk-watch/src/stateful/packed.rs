//! Signals as bytes, from the commit to the turn that takes them.

use wk_model::Timestamp;
use wk_model::signal::{Count, Entry, Seen, Signal, Term};

use super::codec::{NotAState, Reader, Writer};
use super::state::{read_sample, write_sample};

/// In the place of a rule's shape: these bytes are no state.
const SHAPE: u64 = u64::from_le_bytes(*b"signals\x01");

/// Packs signals; nothing becomes nothing.
pub fn pack(signals: &[Signal]) -> Vec<u8> {
    if signals.is_empty() {
        return Vec::new();
    }
    let mut writer = Writer::new(SHAPE);
    writer.count(signals.len());
    signals.iter().for_each(|signal| write(&mut writer, signal));
    writer.finish()
}

/// Unpacks what [`pack`] packed; `None` where the bytes are something else.
pub fn unpack(bytes: &[u8]) -> Option<Vec<Signal>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut reader = Reader::new(bytes, SHAPE).ok()?;
    let signals = many(&mut reader, read).ok()?;
    reader.end().ok()?;
    Some(signals)
}

fn write(writer: &mut Writer, signal: &Signal) {
    writer.text(&signal.rule);
    writer.text(&signal.key);
    writer.option(signal.account.as_deref(), Writer::text);
    writer.number(signal.left_out);
    match &signal.seen {
        Seen::Entries(entries) => {
            writer.number(0);
            writer.count(entries.len());
            for Entry { sample, rules, value } in entries {
                writer.signed(sample.event.time.micros());
                write_sample(writer, sample);
                writer.count(rules.len());
                rules.iter().for_each(|rule| writer.number(u64::from(*rule)));
                writer.option(value.as_deref(), Writer::text);
            }
        }
        Seen::Terms(terms) => {
            writer.number(1);
            writer.count(terms.len());
            for Term { term, first } in terms {
                writer.text(term);
                writer.signed(first.event.time.micros());
                write_sample(writer, first);
            }
        }
        Seen::Counts(counts) => {
            writer.number(2);
            writer.count(counts.len());
            for Count { bucket, count, first } in counts {
                writer.signed(*bucket);
                writer.number(*count);
                writer.signed(first.event.time.micros());
                write_sample(writer, first);
            }
        }
    }
}

fn read(reader: &mut Reader<'_>) -> Result<Signal, NotAState> {
    let (rule, key) = (reader.text()?, reader.text()?);
    let account = reader.option(Reader::text)?;
    let left_out = reader.number()?;
    let sample = |reader: &mut Reader<'_>| {
        let time = Timestamp::from_micros(reader.signed()?);
        read_sample(reader, time)
    };
    let rule_place =
        |reader: &mut Reader<'_>| u16::try_from(reader.number()?).map_err(|_| NotAState);
    let seen = match reader.number()? {
        0 => Seen::Entries(many(reader, |reader| {
            let sample = sample(reader)?;
            let rules = many(reader, rule_place)?;
            Ok(Entry { sample, rules, value: reader.option(Reader::text)? })
        })?),
        1 => Seen::Terms(many(reader, |reader| {
            Ok(Term { term: reader.text()?, first: sample(reader)? })
        })?),
        2 => Seen::Counts(many(reader, |reader| {
            let (bucket, count) = (reader.signed()?, reader.number()?);
            Ok(Count { bucket, count, first: sample(reader)? })
        })?),
        _ => return Err(NotAState),
    };
    Ok(Signal { rule, key, account, seen, left_out })
}

fn many<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, NotAState>,
) -> Result<Vec<T>, NotAState> {
    (0..reader.count()?).map(|_| read(reader)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wk_model::finding::{EventRef, Origin};
    use wk_model::signal::{Above, Sample};

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
        let account = (n % 2 == 0).then(|| "1".into());
        Signal { rule: (n % 4).to_string(), key: format!("k{n}"), account, seen, left_out: 2 }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(numbers in proptest::collection::vec(0i64..1_000_000, 0..30)) {
            let signals: Vec<Signal> = numbers.into_iter().map(signal).collect();
            prop_assert_eq!(unpack(&pack(&signals)), Some(signals));
        }

        #[test]
        fn damage_is_told_and_never_panics(
            numbers in proptest::collection::vec(0i64..1_000_000, 1..10), at in 0usize..2_000, by in 1u8..=255,
        ) {
            let signals: Vec<Signal> = numbers.into_iter().map(signal).collect();
            let mut bytes = pack(&signals);
            let at = at % bytes.len();
            bytes[at] ^= by;
            unpack(&bytes);
            prop_assert_eq!(unpack(&bytes[..at]).is_some(), at == 0);
        }
    }
}
