//! The only source of chance: splitmix64, one stream for each name.
//!
//! * A stream depends on the seed and its name alone, so a new story or a new kind of noise leaves
//!   every other stream as it was.
//! * No floating point: the same bytes come out on every machine.

/// A stream of numbers that look random.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of this name: parts such as an activity, an account, a region, and a moment.
    pub(crate) fn named(seed: u64, parts: &[&str], moment: i64) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        for part in parts {
            part.bytes().for_each(&mut eat);
            eat(0);
        }
        moment.to_le_bytes().into_iter().for_each(eat);
        let mut rng = Self(hash);
        rng.next();
        rng
    }

    /// The next 64 bits (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// Seconds from `low` to `high`, both included.
    pub(crate) fn seconds(&mut self, low: u64, high: u64) -> i64 {
        i64::try_from(self.range(low, high)).unwrap_or(0)
    }

    /// True this often in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }

    /// One of them; the list is never empty.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// An index below `len`.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.next() % (len.max(1) as u64)).unwrap_or(0)
    }

    /// Puts them into another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// A whole number around a mean given in millionths: half of it to one and a half.
    pub(crate) fn around(&mut self, mean_millionths: u64) -> u64 {
        let drawn = mean_millionths.saturating_mul(self.range(500, 1500)) / 1000;
        drawn / 1_000_000 + u64::from(self.next() % 1_000_000 < drawn % 1_000_000)
    }

    /// Lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.letters(b"0123456789abcdef", digits)
    }

    /// Capital letters and digits, as in AWS's unique ids.
    pub(crate) fn base32(&mut self, digits: usize) -> String {
        self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", digits)
    }

    /// Letters and digits, as in the names of log files.
    pub(crate) fn alnum(&mut self, digits: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.letters(ALPHABET, digits)
    }

    fn letters(&mut self, alphabet: &[u8], digits: usize) -> String {
        let mut out = String::with_capacity(digits);
        let base = alphabet.len() as u64;
        let (mut bits, mut left) = (0, 0);
        for _ in 0..digits {
            if left == 0 {
                (bits, left) = (self.next(), 10);
            }
            out.push(char::from(alphabet[usize::try_from(bits % base).unwrap_or(0)]));
            bits /= base;
            left -= 1;
        }
        out
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let middle = (high & 0xffff_0fff) | 0x4000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            middle >> 16,
            middle & 0xffff,
            (low >> 48 & 0x3fff) | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_apart_and_repeat() {
        let first = |parts: &[&str], at| Rng::named(7, parts, at).next();
        assert_eq!(first(&["a", "b"], 1), first(&["a", "b"], 1));
        assert_ne!(first(&["a", "b"], 1), first(&["ab"], 1));
        assert_ne!(first(&["a"], 1), first(&["a"], 2));
        assert_ne!(Rng::named(7, &["a"], 1).next(), Rng::named(8, &["a"], 1).next());
    }

    #[test]
    fn a_uuid_says_version_four() {
        let id = Rng::named(1, &["uuid"], 0).uuid();
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'));
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }

    #[test]
    fn around_keeps_its_mean() {
        let mut rng = Rng::named(1, &["around"], 0);
        let sum: u64 = (0..20_000).map(|_| rng.around(2_500_000)).sum();
        assert!((49_000..51_000).contains(&sum), "{sum}");
    }
}
