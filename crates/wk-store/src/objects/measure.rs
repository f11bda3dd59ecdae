//! The size of a prefix before anybody pulls it, within a limit on requests.

use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use wk_model::Timestamp;
use wk_seam::Answer;

use super::s3::{S3Place, explain};

/// What a prefix holds, as far as it was listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// Objects that hold something.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The newest of them.
    pub newest: Option<Timestamp>,
    /// Whether these are all.
    pub whole: bool,
    /// Why the first one could not be read, if it could not; nothing where there is none.
    pub unreadable: Option<String>,
}

impl S3Place {
    /// Lists at most so many objects of the prefix, and reads a byte of the first one.
    ///
    /// # Errors
    /// If the prefix cannot be listed.
    pub async fn size(&self, objects_max: u64) -> Answer<Size> {
        let failed = |e| explain(format!("list s3://{}/{}", self.bucket, self.prefix), e);
        let folder = self.prefix.trim_end_matches('/');
        let under = (!folder.is_empty()).then(|| Key::from(folder));
        let mut listed = self.store.list(under.as_ref());
        let (mut size, mut first) = (Size { whole: true, ..Size::default() }, None);
        while let Some(meta) = listed.try_next().await.map_err(failed)? {
            if meta.size == 0 {
                continue;
            }
            if size.objects == objects_max {
                size.whole = false;
                break;
            }
            size.objects += 1;
            size.bytes += meta.size;
            let written = Timestamp::from_micros(meta.last_modified.timestamp_micros());
            size.newest = size.newest.max(Some(written));
            first.get_or_insert(meta.location);
        }
        if let Some(key) = first
            && let Err(error) = self.store.get_range(&key, 0..1).await
        {
            let failure = explain(format!("read s3://{}/{key}", self.bucket), error);
            size.unreadable = Some(format!("{failure}: {}", failure.source));
        }
        Ok(size)
    }
}
