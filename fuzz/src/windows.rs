//! A stream cut into windows, as a seed says.

/// Sizes of windows in a row that a seed decides; the same seed gives the same row.
pub(crate) struct Sizes(u64);

impl Sizes {
    pub(crate) fn new(seed: u8) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Mostly a few bytes, now and then none or many.
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let n = (self.0 >> 32) as usize;
        match n % 8 {
            0 => n / 8 % 300,
            1 => n / 8 % 3,
            _ => n / 8 % 24,
        }
    }
}

/// Shows all of `bytes` to `look` in windows; it answers how many bytes it is done with.
pub(crate) fn each(bytes: &[u8], seed: u8, look: &mut dyn FnMut(&[u8], bool) -> usize) {
    let mut sizes = Sizes::new(seed);
    let (mut start, mut end) = (0, 0);
    loop {
        end = if seed == 0 { bytes.len() } else { (end + sizes.next()).min(bytes.len()) };
        // The end may be known together with the last bytes, or only behind them.
        let at_end = end == bytes.len() && (seed.is_multiple_of(2) || start == end);
        let at_end = at_end || (end == bytes.len() && sizes.next().is_multiple_of(2));
        let window = &bytes[start..end];
        let done = look(window, at_end);
        assert!(done <= window.len(), "done with more than there is");
        start += done;
        if at_end {
            assert_eq!(start, bytes.len(), "bytes are left at the end");
            return;
        }
    }
}
