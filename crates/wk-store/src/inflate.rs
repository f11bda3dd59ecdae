//! Decompression with limits: log files are compressed input from outside.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// How far a gzip stream may expand before it is taken for a bomb.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of output that are always allowed.
    pub free_bytes: u64,
    /// Beyond them: bytes of output per byte of input. DEFLATE cannot exceed 1,032.
    pub ratio_max: u64,
}

impl Default for Limits {
    /// 64 MiB are free; beyond them 200 to 1. CloudTrail reaches about 20, repetitive text 100.
    fn default() -> Self {
        Self { free_bytes: 64 << 20, ratio_max: 200 }
    }
}

/// Why bytes could not be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// The stream is cut short or damaged.
    #[error("the gzip stream is cut short or damaged")]
    Damaged,
    /// It expands beyond the limits.
    #[error("the gzip stream expands beyond the limits")]
    Bomb,
}

/// Whether the bytes begin as gzip does (RFC 1952).
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Inflates small gzip files in one shot; reuses its state from file to file.
pub struct OneShot(libdeflater::Decompressor);

impl Default for OneShot {
    fn default() -> Self {
        Self(libdeflater::Decompressor::new())
    }
}

impl OneShot {
    /// Inflates a whole file of one gzip member into `out`, if it is one and expands to at most
    /// `max` bytes. Answers `false` where the streaming way has to decide: several members,
    /// damage, a trailer that does not tell the truth, or a larger output.
    pub fn inflate(&mut self, gz: &[u8], max: usize, out: &mut Vec<u8>) -> bool {
        // The trailer says the size modulo 2^32 (RFC 1952, ISIZE): a hint that is checked.
        let Some(trailer) = gz.last_chunk::<4>() else { return false };
        let size = u32::from_le_bytes(*trailer) as usize;
        if size > max || size / 1100 > gz.len() || may_go_on(gz) {
            return false;
        }
        out.clear();
        out.resize(size, 0);
        match self.0.gzip_decompress(gz, out) {
            Ok(written) => written == size,
            Err(_) => false,
        }
    }
}

/// Whether a second member may begin somewhere: the one-shot decoder stops after the first without
/// a word, and where the last one is as long as the first, no length tells. In other bytes its three
/// marks come by chance once in 16 million.
fn may_go_on(gz: &[u8]) -> bool {
    const MEMBER: &[u8] = &[0x1f, 0x8b, 8]; // RFC 1952: ID1, ID2, CM = deflate
    gz.get(MEMBER.len()..).is_some_and(|rest| memchr::memmem::find(rest, MEMBER).is_some())
}

/// A gzip stream of any number of members that stops at its limits.
pub struct Capped<R> {
    inner: MultiGzDecoder<Counted<R>>,
    limits: Limits,
    out: u64,
}

struct Counted<R> {
    inner: R,
    bytes: u64,
    /// Whether `inner` itself failed: then the stream is not to blame.
    failed: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf);
        self.failed |= read.as_ref().is_err_and(|e| e.kind() != io::ErrorKind::Interrupted);
        let n = read?;
        self.bytes += n as u64;
        Ok(n)
    }
}

impl<R: Read> Capped<R> {
    /// Inflates what `inner` gives.
    #[expect(clippy::disallowed_methods, reason = "this is the size-capped reader")]
    pub fn new(inner: R, limits: Limits) -> Self {
        Self {
            inner: MultiGzDecoder::new(Counted { inner, bytes: 0, failed: false }),
            limits,
            out: 0,
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = match self.inner.read(buf) {
            Ok(n) => n,
            // What ends too early here is an object that is cut short, not a way that broke off.
            Err(e) if is_damage(e.kind()) && !self.inner.get_ref().failed => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, InflateError::Damaged));
            }
            Err(e) => return Err(e),
        };
        self.out += n as u64;
        let allowed = self.limits.free_bytes + self.inner.get_ref().bytes * self.limits.ratio_max;
        if self.out > allowed {
            return Err(io::Error::new(io::ErrorKind::InvalidData, InflateError::Bomb));
        }
        Ok(n)
    }
}

fn is_damage(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(kind, UnexpectedEof | InvalidInput | InvalidData)
}

/// Inflates a small gzip stream, or gives other bytes back: for data inside envelopes.
pub fn small(bytes: &[u8]) -> Option<Vec<u8>> {
    const MAX: u64 = 16 << 20;
    if !is_gzip(bytes) {
        return Some(bytes.to_vec());
    }
    let limits = Limits { free_bytes: MAX, ratio_max: 0 };
    let mut out = Vec::new();
    Capped::new(bytes, limits).read_to_end(&mut out).ok().map(|_| out)
}

/// The bytes as one gzip member without name and time: the same bytes give the same file.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    io::Write::write_all(&mut encoder, bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_stopped() {
        let bomb = gz(&vec![0u8; 1 << 20]).repeat(17);
        let limits = Limits { free_bytes: 1 << 20, ratio_max: 200 };
        let error = Capped::new(&bomb[..], limits).read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), InflateError::Bomb.to_string());
        assert_eq!(small(&bomb), None);
    }

    #[test]
    fn a_cut_object_is_damaged_and_a_cut_way_is_not() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let whole = gz(b"one line and another");
        let cut = &whole[..whole.len() - 9];
        let end = |inner: Box<dyn Read>| {
            let mut capped = Capped::new(inner, Limits::default());
            capped.read_to_end(&mut Vec::new()).unwrap_err().kind()
        };
        assert_eq!(end(Box::new(cut)), io::ErrorKind::InvalidData);
        assert_eq!(end(Box::new(cut.chain(Broken))), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn members_of_equal_length_are_all_read() {
        let both = [gz(b"one\n"), gz(b"two\n")].concat();
        assert!(!OneShot::default().inflate(&both, 100, &mut Vec::new()));
        assert_eq!(small(&both).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn one_shot_leaves_to_the_stream_what_it_cannot_know() {
        let (one, two) = (gz(b"hello"), gz(b" world"));
        let mut out = Vec::new();
        assert!(OneShot::default().inflate(&one, 100, &mut out));
        assert_eq!(out, b"hello");
        let both = [one.clone(), two].concat();
        assert!(!OneShot::default().inflate(&both, 100, &mut out));
        assert_eq!(small(&both).unwrap(), b"hello world");
        assert!(!OneShot::default().inflate(&one[..one.len() - 3], 100, &mut out));
        assert_eq!(small(&one[..one.len() - 3]), None);
        let mut lying = one;
        let end = lying.len() - 1;
        lying[end] = 0xff;
        assert!(!OneShot::default().inflate(&lying, usize::MAX, &mut out));
    }
}
