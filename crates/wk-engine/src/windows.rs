//! The content of an object, window by window.

use std::io::{self, Read};

use wk_seam::Answer;
use wk_seam::objects::Unpacked;

/// How much of a stream is read at a time.
pub(crate) const WINDOW_BYTES: usize = 1 << 20;

/// Why an object was not read to its end.
pub(crate) enum Unread {
    /// The object's own fault: what came before counts.
    Damaged(String),
    /// The way to it failed: nothing of it counts.
    Unreachable(io::Error),
}

/// Shows the content to `look`, which answers how many bytes at the beginning of its window it is
/// done with; the rest is shown again with more behind it. The last window is marked.
pub(crate) fn each(
    unpacked: io::Result<Unpacked>,
    buffer: &mut Vec<u8>,
    window_bytes: usize,
    look: &mut dyn FnMut(&[u8], bool) -> Answer<usize>,
) -> Answer<Result<(), Unread>> {
    match unpacked {
        Ok(Unpacked::InBuffer) => look(buffer, true).map(|_| Ok(())),
        Ok(Unpacked::Whole(bytes)) => look(&bytes, true).map(|_| Ok(())),
        Ok(Unpacked::Stream(stream)) => each_of_stream(stream, buffer, window_bytes.max(1), look),
        Err(error) => Ok(Err(unread(error))),
    }
}

fn each_of_stream(
    mut stream: Box<dyn Read + Send>,
    window: &mut Vec<u8>,
    window_bytes: usize,
    look: &mut dyn FnMut(&[u8], bool) -> Answer<usize>,
) -> Answer<Result<(), Unread>> {
    window.clear();
    loop {
        let kept = window.len();
        window.resize(kept + window_bytes, 0);
        let (filled, ended) = fill(&mut stream, &mut window[kept..]);
        window.truncate(kept + filled);
        let at_end = !matches!(ended, Ok(false));
        let done = look(window, at_end)?;
        window.drain(..done);
        match ended {
            Err(error) => return Ok(Err(unread(error))),
            Ok(true) => return Ok(Ok(())),
            Ok(false) => {}
        }
    }
}

/// Fills the buffer; answers how far, and whether the stream has ended.
fn fill(stream: &mut dyn Read, buffer: &mut [u8]) -> (usize, io::Result<bool>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return (filled, Ok(true)),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return (filled, Err(e)),
        }
    }
    (filled, Ok(false))
}

/// Damage lies in the object; everything else lies on the way to it.
fn unread(error: io::Error) -> Unread {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Unread::Damaged(chain(&error)),
        _ => Unread::Unreachable(error),
    }
}

/// An error with its sources, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = [text, more].join(": ");
        }
        source = inner.source();
    }
    text
}
