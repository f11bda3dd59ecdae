//! Gzip: both ways of inflating say the same, within their limits, and what is packed comes back.

use std::io::{ErrorKind, Read};

use flate2::{Crc, read::DeflateDecoder};

use crate::inflate::{Capped, Limits, OneShot, gzip, small};

/// What the one shot may fill.
const ONE_SHOT_MAX: usize = 1 << 16;

/// The first byte says what the others are: gzip, or what one or two members of gzip hold.
pub fn check(data: &[u8]) {
    let [kind, rest @ ..] = data else { return };
    match kind % 3 {
        0 => {
            both_ways(rest);
        }
        1 => {
            let members = [member(rest), member(&rest[rest.len() / 2..])];
            both_ways(&members[0]);
            both_ways(&members.concat());
        }
        _ => {
            let packed = gzip(rest).expect("packing into memory");
            assert_eq!(both_ways(&packed).as_deref(), Some(rest));
        }
    }
    if let Some(out) = small(rest) {
        assert!(out.len() <= 16 << 20);
    }
}

/// Inflates in one shot and by the stream, whole and in small pieces. Answers what came out of
/// gzip that is whole.
fn both_ways(gz: &[u8]) -> Option<Vec<u8>> {
    let limits = Limits { free_bytes: 4096, ratio_max: 20 };
    let by_stream = stream(gz, limits, 8192);
    let in_pieces = stream(gz, limits, 7);
    assert_eq!(in_pieces.0.is_none(), by_stream.0.is_none(), "the size of the pieces shows");
    assert!(in_pieces.1.starts_with(&by_stream.1) || by_stream.1.starts_with(&in_pieces.1));
    let allowed = limits.free_bytes + gz.len() as u64 * limits.ratio_max;
    assert!(by_stream.1.len() as u64 <= allowed);
    let unlimited = stream(gz, Limits { free_bytes: 1 << 30, ratio_max: 1032 }, 8192);
    assert!(unlimited.1.starts_with(&by_stream.1) || by_stream.1.starts_with(&unlimited.1));
    if by_stream.0.is_none() {
        assert_eq!(unlimited, by_stream);
    }
    let mut out = vec![1, 2, 3];
    if OneShot::default().inflate(gz, ONE_SHOT_MAX, &mut out) {
        assert_eq!(unlimited, (None, out), "one shot and stream differ");
    }
    unlimited.0.is_none().then_some(unlimited.1)
}

/// How a stream ended, and what came of it.
fn stream(gz: &[u8], limits: Limits, piece: usize) -> (Option<String>, Vec<u8>) {
    let mut capped = Capped::new(gz, limits);
    let (mut out, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match capped.read(&mut buffer) {
            Ok(0) => return (None, out),
            Ok(n) => out.extend_from_slice(&buffer[..n]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
                return (Some(error.to_string()), out);
            }
        }
    }
}

/// A member around any bytes, with the trailer of what they inflate to.
fn member(deflated: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // What is damaged ends with an error; what came before is enough for a trailer.
    let ended = DeflateDecoder::new(deflated).take(1 << 20).read_to_end(&mut out);
    let mut crc = Crc::new();
    crc.update(if ended.is_ok() { &out } else { b"" });
    let mut gz = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gz.extend_from_slice(deflated);
    gz.extend_from_slice(&crc.sum().to_le_bytes());
    gz.extend_from_slice(&(out.len() as u32).to_le_bytes());
    gz
}
