//! Sixty-four bytes at a time: where a byte class occurs, as the bits of one number.
//!
//! Bit *n* of a mask speaks of byte *n* of the block.

use wide::u8x16;

/// Bytes in a block.
pub(super) const BLOCK: usize = 64;

/// Sixty-four bytes in four vectors.
#[derive(Clone, Copy)]
pub(super) struct Block([u8x16; 4]);

impl Block {
    #[inline(always)]
    pub(super) fn new(bytes: &[u8; BLOCK]) -> Self {
        let (parts, _) = bytes.as_chunks::<16>();
        Self([
            u8x16::new(parts[0]),
            u8x16::new(parts[1]),
            u8x16::new(parts[2]),
            u8x16::new(parts[3]),
        ])
    }

    /// The last bytes of a text, fewer than a block; spaces fill it up.
    pub(super) fn padded(bytes: &[u8]) -> Self {
        let mut full = [b' '; BLOCK];
        for (to, from) in full.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self::new(&full)
    }

    #[inline(always)]
    pub(super) fn equal_to(&self, byte: u8) -> u64 {
        let wanted = u8x16::splat(byte);
        mask(self.0.map(|v| v.simd_eq(wanted)))
    }

    /// `{` and `[`.
    #[inline(always)]
    pub(super) fn openers(&self) -> u64 {
        self.equal_to_either_case(b'{')
    }

    /// `}` and `]`.
    #[inline(always)]
    pub(super) fn closers(&self) -> u64 {
        self.equal_to_either_case(b'}')
    }

    /// Bytes that equal this one once bit 5 is set; brackets differ from braces in that bit only.
    #[inline(always)]
    fn equal_to_either_case(&self, byte: u8) -> u64 {
        let (wanted, bit) = (u8x16::splat(byte), u8x16::splat(0x20));
        mask(self.0.map(|v| (v | bit).simd_eq(wanted)))
    }

    /// Backslashes and control characters: what a string cannot hold as it stands.
    #[inline(always)]
    pub(super) fn specials(&self) -> Specials {
        let (backslash, last_control) = (u8x16::splat(b'\\'), u8x16::splat(0x1f));
        let backslashes = self.0.map(|v| v.simd_eq(backslash));
        let controls = self.0.map(|v| v.max(last_control).simd_eq(last_control));
        Specials { backslashes, controls }
    }
}

/// The answer of [`Block::specials`], not yet turned into bits, because mostly there are none.
pub(super) struct Specials {
    backslashes: [u8x16; 4],
    controls: [u8x16; 4],
}

impl Specials {
    #[inline(always)]
    pub(super) fn any(&self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.backslashes, self.controls);
        (((a | b) | (c | d)) | ((e | f) | (g | h))).to_bitmask() != 0
    }
    pub(super) fn backslashes(&self) -> u64 {
        mask(self.backslashes)
    }
    pub(super) fn controls(&self) -> u64 {
        mask(self.controls)
    }
}

#[inline(always)]
fn mask([a, b, c, d]: [u8x16; 4]) -> u64 {
    u64::from(a.to_bitmask())
        | u64::from(b.to_bitmask()) << 16
        | u64::from(c.to_bitmask()) << 32
        | u64::from(d.to_bitmask()) << 48
}

/// Which bytes a backslash takes the meaning from, carried from block to block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Escapes {
    /// 1 if the first byte of the next block is escaped.
    carry: u64,
}

impl Escapes {
    /// The escaped bytes of a block whose backslashes these are.
    ///
    /// In a run of backslashes every second one is escaped; adding the bit where an odd run starts
    /// to the run carries to the bit behind its end.
    #[inline(always)]
    pub(super) fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let starts = backslashes & !self.carry;
        let follows = starts << 1 | self.carry;
        let odd_starts = starts & !EVEN & !follows;
        let (runs, overflow) = odd_starts.overflowing_add(starts);
        self.carry = u64::from(overflow);
        (EVEN ^ (runs << 1)) & follows
    }
}

/// Which bytes lie in a string (its opening quote included, its closing quote not), carried from
/// block to block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Strings {
    /// All ones if the next block begins inside a string.
    carry: u64,
}

impl Strings {
    /// Bit *n* of the answer is the parity of the quotes up to and with *n*.
    #[inline(always)]
    pub(super) fn inside(&mut self, quotes: u64) -> u64 {
        let mut parity = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            parity ^= parity << shift;
        }
        let inside = parity ^ self.carry;
        self.carry = (inside.cast_signed() >> 63).cast_unsigned();
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by walking: (quotes that count, bytes inside strings, openers, closers, controls).
    fn walk(text: &[u8]) -> Vec<[bool; 5]> {
        let (mut inside, mut escaped) = (false, false);
        let mut out = Vec::new();
        for b in text {
            let quote = *b == b'"' && !escaped;
            inside ^= quote;
            escaped = *b == b'\\' && !escaped;
            out.push([
                quote,
                inside,
                matches!(b, b'{' | b'['),
                matches!(b, b'}' | b']'),
                *b < 0x20,
            ]);
        }
        out
    }

    proptest! {
        #[test]
        fn masks_say_what_a_walk_says(
            text in proptest::collection::vec(
                prop_oneof![Just(b'\\'), Just(b'"'), Just(b'{'), Just(b']'), any::<u8>()],
                0..400,
            )
        ) {
            let (mut escapes, mut strings) = (Escapes::default(), Strings::default());
            let mut seen = Vec::new();
            for part in text.chunks(BLOCK) {
                let block = Block::padded(part);
                let specials = block.specials();
                let escaped = escapes.escaped(specials.backslashes());
                let quotes = block.equal_to(b'"') & !escaped;
                let inside = strings.inside(quotes);
                let masks = [quotes, inside, block.openers(), block.closers(), specials.controls()];
                seen.extend((0..part.len()).map(|n| masks.map(|m| m >> n & 1 == 1)));
            }
            prop_assert_eq!(seen, walk(&text));
        }
    }
}
