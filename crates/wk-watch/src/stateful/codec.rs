//! States as bytes: small, versioned, and refused rather than misread.

use super::texts::Texts;

/// The form of states that is written.
const VERSION: u8 = 1;

/// Bytes that are not a state, or not of this rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAState;

/// Writes a number: seven bits a byte, the lowest first.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    bytes.push(n.to_le_bytes()[0]);
}

/// Writes a number that may be below zero.
pub(super) fn put_signed(bytes: &mut Vec<u8>, n: i64) {
    put_number(bytes, (n.cast_unsigned() << 1) ^ (n >> 63).cast_unsigned());
}

/// Writes numbers and texts; each text once.
pub(super) struct Writer {
    bytes: Vec<u8>,
    texts: Texts,
}

impl Writer {
    /// Begins a state of a rule of this shape.
    pub(super) fn new(shape: u64) -> Self {
        let mut bytes = vec![VERSION];
        bytes.extend(shape.to_le_bytes());
        Self { bytes, texts: Texts::default() }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn number(&mut self, n: u64) {
        put_number(&mut self.bytes, n);
    }

    /// A number that may be below zero.
    pub(super) fn signed(&mut self, n: i64) {
        put_signed(&mut self.bytes, n);
    }

    pub(super) fn count(&mut self, n: usize) {
        self.number(n as u64);
    }

    /// A text: the first time itself, then its number.
    pub(super) fn text(&mut self, text: &str) {
        let known = self.texts.len();
        let number = self.texts.intern(text);
        if self.texts.len() == known {
            self.number(u64::from(number) + 1);
        } else {
            self.number(0);
            self.count(text.len());
            self.bytes.extend(text.as_bytes());
        }
    }

    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Reads numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl<'a> Numbers<'a> {
    pub(super) fn number(&mut self) -> Result<u64, NotAState> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(NotAState)?;
            self.0 = rest;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(NotAState)
    }

    pub(super) fn signed(&mut self) -> Result<i64, NotAState> {
        let n = self.number()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// How many items follow; each takes at least a byte, so no number makes it reserve much.
    pub(super) fn count(&mut self) -> Result<usize, NotAState> {
        let n = usize::try_from(self.number()?).map_err(|_| NotAState)?;
        if n <= self.0.len() { Ok(n) } else { Err(NotAState) }
    }

    /// So many bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], NotAState> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NotAState)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Reads what [`Writer`] wrote.
pub(super) struct Reader<'a> {
    rest: Numbers<'a>,
    texts: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Begins to read a state of a rule of this shape.
    pub(super) fn new(bytes: &'a [u8], shape: u64) -> Result<Self, NotAState> {
        let (head, rest) = bytes.split_at_checked(9).ok_or(NotAState)?;
        let fits = head[0] == VERSION && head[1..] == shape.to_le_bytes();
        if fits { Ok(Self { rest: Numbers(rest), texts: Vec::new() }) } else { Err(NotAState) }
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), NotAState> {
        if self.rest.0.is_empty() { Ok(()) } else { Err(NotAState) }
    }

    pub(super) fn number(&mut self) -> Result<u64, NotAState> {
        self.rest.number()
    }

    pub(super) fn signed(&mut self) -> Result<i64, NotAState> {
        self.rest.signed()
    }

    pub(super) fn count(&mut self) -> Result<usize, NotAState> {
        self.rest.count()
    }

    pub(super) fn text(&mut self) -> Result<String, NotAState> {
        let number = usize::try_from(self.number()?).map_err(|_| NotAState)?;
        if let Some(place) = number.checked_sub(1) {
            return self.texts.get(place).map(|text| (*text).to_owned()).ok_or(NotAState);
        }
        let length = self.count()?;
        let text = std::str::from_utf8(self.rest.take(length)?).map_err(|_| NotAState)?;
        self.texts.push(text);
        Ok(text.to_owned())
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, NotAState>,
    ) -> Result<Option<T>, NotAState> {
        match self.number()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(NotAState),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            numbers in proptest::collection::vec(any::<i64>(), 0..20),
            texts in proptest::collection::vec("[a-c]{0,2}", 0..20),
        ) {
            let mut writer = Writer::new(7);
            numbers.iter().for_each(|n| writer.signed(*n));
            texts.iter().for_each(|t| writer.text(t));
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes, 7).unwrap();
            for n in &numbers {
                prop_assert_eq!(reader.signed(), Ok(*n));
            }
            for text in &texts {
                prop_assert_eq!(reader.text(), Ok(text.clone()));
            }
            prop_assert_eq!(reader.end(), Ok(()));
            prop_assert!(Reader::new(&bytes, 8).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut with_head = vec![VERSION];
            with_head.extend(7u64.to_le_bytes());
            with_head.extend(bytes);
            let mut reader = Reader::new(&with_head, 7).unwrap();
            while reader.text().is_ok() && reader.signed().is_ok() && reader.count().is_ok() {}
        }
    }
}
