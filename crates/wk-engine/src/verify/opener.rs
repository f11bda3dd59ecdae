//! Opens objects, unpacks them within limits, and says what they hash to.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use wk_model::Sha256;
use wk_model::digest::Sha256Writer;
use wk_seam::objects::{Body, Object, Objects, Opened, Unpack, Unpacked};

/// Objects up to this size are taken whole; larger ones are streamed.
const WHOLE_MAX: u64 = 8 << 20;
/// A digest of an hour has some kilobytes; one of these many bytes is none.
const DIGEST_BYTES_MAX: u64 = 64 << 20;
/// What is hashed of a stream at a time.
const BLOCK: usize = 256 << 10;
/// What a gzip file begins with (RFC 1952).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Unpackers with their buffers, lent to one object at a time.
pub(super) struct Opener {
    make: fn() -> Box<dyn Unpack>,
    /// Whether files may lie there unpacked: in a copy they may.
    plain: bool,
    idle: Mutex<Vec<Bench>>,
}

struct Bench {
    unpack: Box<dyn Unpack>,
    buffer: Vec<u8>,
}

/// Why an object brought nothing.
#[derive(Debug)]
pub(super) enum NotRead {
    /// It is not there.
    Missing,
    /// It is there, and not what it should be.
    Damaged(String),
    /// Nobody knows: it could not be read.
    Failed(String),
}

/// An object's content.
#[derive(Debug)]
pub(super) struct Content<T> {
    /// What was asked for of it.
    pub(super) of: T,
    /// What makes it the same object, as ingest knows it.
    pub(super) identity: Sha256,
    /// Metadata that came with it.
    pub(super) metadata: Vec<(String, String)>,
}

impl Opener {
    pub(super) fn new(make: fn() -> Box<dyn Unpack>, plain: bool) -> Self {
        Self { make, plain, idle: Mutex::default() }
    }

    /// The content of a digest, whole.
    pub(super) async fn digest(
        self: &Arc<Self>,
        place: &dyn Objects,
        object: &Object,
    ) -> Result<Content<Vec<u8>>, NotRead> {
        self.read(place, object, |unpacked, buffer| match unpacked {
            Unpacked::InBuffer => Ok(std::mem::take(buffer)),
            Unpacked::Whole(bytes) => Ok(bytes),
            Unpacked::Stream(stream) => {
                let mut bytes = Vec::new();
                stream.take(DIGEST_BYTES_MAX + 1).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        })
        .await
        .and_then(|content| match content.of.len() as u64 {
            0..=DIGEST_BYTES_MAX => Ok(content),
            _ => Err(NotRead::Damaged(format!("it unpacks to more than {DIGEST_BYTES_MAX} bytes"))),
        })
    }

    /// The hash of a log's uncompressed content, and its length.
    pub(super) async fn hash(
        self: &Arc<Self>,
        place: &dyn Objects,
        object: &Object,
    ) -> Result<Content<(Sha256, u64)>, NotRead> {
        self.read(place, object, |unpacked, buffer| match unpacked {
            Unpacked::InBuffer => Ok((Sha256::of(buffer), buffer.len() as u64)),
            Unpacked::Whole(bytes) => Ok((Sha256::of(&bytes), bytes.len() as u64)),
            Unpacked::Stream(stream) => hash(stream),
        })
        .await
    }

    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        place: &dyn Objects,
        object: &Object,
        take: impl FnOnce(Unpacked, &mut Vec<u8>) -> io::Result<T> + Send + 'static,
    ) -> Result<Content<T>, NotRead> {
        let opened = place.open(object, WHOLE_MAX).await.map_err(|failure| {
            if failure.is_missing() { NotRead::Missing } else { NotRead::Failed(failure.chain()) }
        })?;
        let Opened { identity, body, metadata } = opened;
        let opener = self.clone();
        // Unpacking takes long, and a stream blocks.
        let work = tokio::task::spawn_blocking(move || opener.unpacked(body, take));
        match work.await {
            Ok(Ok(of)) => Ok(Content { of, identity, metadata }),
            Ok(Err(e)) if is_damage(&e) => Err(NotRead::Damaged(e.to_string())),
            Ok(Err(e)) => Err(NotRead::Failed(e.to_string())),
            Err(e) => Err(NotRead::Failed(e.to_string())),
        }
    }

    fn unpacked<T>(
        &self,
        body: Body,
        take: impl FnOnce(Unpacked, &mut Vec<u8>) -> io::Result<T>,
    ) -> io::Result<T> {
        let (body, trailer) = match body {
            // What is not packed counts as it lies there, whatever else it looks like.
            Body::Whole(bytes) if !bytes.starts_with(GZIP) => {
                if !self.plain {
                    let why = "it is no gzip file";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
                return take(Unpacked::Whole(bytes), &mut Vec::new());
            }
            Body::Whole(bytes) => {
                let trailer = bytes.last_chunk::<4>().map(|size| u32::from_le_bytes(*size));
                (Body::Whole(bytes), trailer)
            }
            stream @ Body::Stream(_) => (stream, None),
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bench = idle.unwrap_or_else(|| Bench { unpack: (self.make)(), buffer: Vec::new() });
        let unpacked = bench.unpack.unpack(body, &mut bench.buffer);
        let taken = unpacked.and_then(|unpacked| match (unpacked, trailer) {
            (Unpacked::Stream(stream), Some(trailer)) => {
                let counted = Counted { stream, bytes: 0, trailer };
                take(Unpacked::Stream(Box::new(counted)), &mut bench.buffer)
            }
            (unpacked, _) => take(unpacked, &mut bench.buffer),
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(bench);
        taken
    }
}

/// A gzip file of one member says at its end how long it is. Where something else follows the
/// member, that is said of something else.
struct Counted {
    stream: Box<dyn Read + Send>,
    bytes: u64,
    trailer: u32,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buf)?;
        self.bytes += n as u64;
        if n == 0 && !buf.is_empty() && self.bytes % (1 << 32) != u64::from(self.trailer) {
            let why = "something follows the end of its gzip stream";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(n)
    }
}

fn hash(mut stream: Box<dyn Read + Send>) -> io::Result<(Sha256, u64)> {
    let (mut writer, mut bytes, mut block) = (Sha256Writer::default(), 0, vec![0u8; BLOCK]);
    loop {
        match stream.read(&mut block)? {
            0 => return Ok((writer.finish(), bytes)),
            n => {
                writer.write(&block[..n]);
                bytes += n as u64;
            }
        }
    }
}

/// Whether the bytes are wrong, and not the way to them.
fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}
