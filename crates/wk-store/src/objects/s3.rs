//! Objects of an S3-compatible store: prefixes to read from, and lakes to write to.
//!
//! * An object's identity is the digest of bucket, key and ETag; what is read is pinned to that
//!   ETag, so that an object replaced meanwhile is a failure and is read as a new one next time.
//! * Credentials come from a [`CredentialSource`]; none are kept here.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, Checksum};
use object_store::path::Path as Key;
use object_store::{Attribute, ClientOptions, GetOptions, ObjectMeta, ObjectStore, RetryConfig};
use wk_model::{Sha256, Timestamp};
use wk_seam::credentials::CredentialSource;
use wk_seam::objects::{Body, Bucket, Level, Listing, Object, Objects, Opened};
use wk_seam::{Answer, Failure, Future};

use super::listing::Sorter;
use crate::files::{Files, store_failure};

/// A bucket and prefix of a store.
pub struct S3Place {
    pub(super) store: Arc<AmazonS3>,
    pub(super) bucket: String,
    pub(super) prefix: String,
}

/// Objects that may lie side by side where a bucket is looked through level by level: some hundred
/// megabytes of memory.
const LEVEL_MAX: usize = 200_000;

/// What a store needs besides credentials.
#[derive(Debug, Clone, Default)]
pub struct S3Settings {
    /// Region; else the credentials' own, else `us-east-1`.
    pub region: Option<String>,
    /// Endpoint of an S3-compatible store; else AWS's.
    pub endpoint: Option<String>,
    /// KMS key (id or ARN) under which written objects are encrypted.
    pub sse_kms_key: Option<String>,
}

/// An `s3://` address that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// No bucket.
    #[error("{0:?} is not of the form s3://bucket/prefix")]
    Address(String),
}

impl S3Place {
    /// The place that an `s3://bucket/prefix` address names.
    ///
    /// # Errors
    /// If the address names no bucket or the settings do not make a client.
    pub fn open(
        address: &str,
        settings: &S3Settings,
        source: Arc<dyn CredentialSource>,
    ) -> Answer<Self> {
        Self::build(address, settings, source, None)
    }

    /// The same, and what is written carries its SHA-256: a bucket with object lock takes nothing
    /// without.
    ///
    /// # Errors
    /// As [`S3Place::open`].
    pub fn open_with_checksums(
        address: &str,
        settings: &S3Settings,
        source: Arc<dyn CredentialSource>,
    ) -> Answer<Self> {
        Self::build(address, settings, source, Some(Checksum::SHA256))
    }

    fn build(
        address: &str,
        settings: &S3Settings,
        source: Arc<dyn CredentialSource>,
        checksum: Option<Checksum>,
    ) -> Answer<Self> {
        let doing = || format!("open {address}");
        let rest = address.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Failure::new(doing(), S3Error::Address(address.to_owned())));
        }
        let region = settings.region.clone().or_else(|| source.region());
        let endpoint = settings.endpoint.clone().or_else(|| source.s3_endpoint());
        let mut client = ClientOptions::new()
            .with_timeout(Duration::from_secs(300))
            .with_connect_timeout(Duration::from_secs(10));
        if checksum.is_some() {
            // The store signs it like every other header.
            let name = ("x-amz-sdk-checksum-algorithm".parse(), "SHA256".parse());
            if let (Ok(name), Ok(value)) = name {
                client = client.with_default_headers([(name, value)].into_iter().collect());
            }
        }
        let retry = RetryConfig {
            max_retries: 5,
            retry_timeout: Duration::from_secs(60),
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(region.unwrap_or_else(|| "us-east-1".to_owned()))
            .with_credentials(Arc::new(Provider(source)))
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = endpoint {
            let plain = endpoint.starts_with("http://");
            builder = builder.with_endpoint(endpoint).with_allow_http(plain);
        }
        if let Some(checksum) = checksum {
            builder = builder.with_checksum_algorithm(checksum);
        }
        if let Some(key) = &settings.sse_kms_key {
            builder = builder.with_sse_kms_encryption(key);
        }
        let store = builder.build().map_err(|e| Failure::new(doing(), e))?;
        Ok(Self { store: Arc::new(store), bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The place as files of a lake.
    pub fn into_files(self) -> Files {
        Files::Store(self.store, Key::from(self.prefix))
    }

    fn object(&self, meta: &ObjectMeta) -> Object {
        let key = meta.location.as_ref();
        let tag = meta.e_tag.as_deref().unwrap_or_default();
        let identity =
            Sha256::of_parts(&[b"s3", self.bucket.as_bytes(), key.as_bytes(), tag.as_bytes()]);
        Object {
            uri: format!("s3://{}/{key}", self.bucket),
            size: meta.size,
            modified: Timestamp::from_micros(meta.last_modified.timestamp_micros()),
            identity: meta.e_tag.as_ref().map(|_| identity),
        }
    }

    async fn level_of(&self, prefix: &str) -> Answer<Level> {
        let failed = |e| explain(format!("list s3://{}/{prefix}", self.bucket), e);
        let key = Key::parse(prefix.trim_end_matches('/'))
            .map_err(|e| Failure::new(format!("list s3://{}/{prefix}", self.bucket), e))?;
        let under = (!prefix.is_empty()).then_some(&key);
        let listed = self.store.list_with_delimiter(under).await.map_err(failed)?;
        if listed.objects.len() > LEVEL_MAX {
            let why = format!("more than {LEVEL_MAX} objects lie side by side; ingest reads such");
            return Err(Failure::new(format!("list s3://{}/{prefix}", self.bucket), why));
        }
        let full = listed.objects.iter().filter(|meta| meta.size > 0);
        let objects = full.map(|meta| self.object(meta)).collect();
        let mut folders: Vec<String> =
            listed.common_prefixes.iter().map(|key| format!("{key}/")).collect();
        folders.sort_unstable();
        Ok(Level { folders, objects })
    }

    async fn list_all(&self) -> Answer<Listing> {
        let failed = |e| explain(format!("list s3://{}/{}", self.bucket, self.prefix), e);
        // The store lists whole path segments; a prefix may end within one.
        let folder = self.prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let under = (!folder.is_empty()).then(|| Key::from(folder));
        let mut listed = self.store.list(under.as_ref());
        let mut found = Sorter::default();
        while let Some(meta) = listed.try_next().await.map_err(failed)? {
            let key = meta.location.as_ref();
            if !key.starts_with(&self.prefix) || meta.size == 0 {
                continue;
            }
            found.add(self.object(&meta))?;
        }
        found.finish()
    }

    async fn open_one(&self, object: &Object, whole_max: u64) -> Answer<Opened> {
        let failed = |e| explain(format!("read {}", object.uri), e);
        let key = object.uri.strip_prefix(&format!("s3://{}/", self.bucket)).unwrap_or(&object.uri);
        let path = Key::parse(key).map_err(|e| Failure::new(format!("read {}", object.uri), e))?;
        let got = self.store.get_opts(&path, GetOptions::default()).await.map_err(failed)?;
        let tag = got.meta.e_tag.clone().unwrap_or_default();
        let identity =
            Sha256::of_parts(&[b"s3", self.bucket.as_bytes(), key.as_bytes(), tag.as_bytes()]);
        if object.identity.is_some_and(|listed| listed != identity) {
            let why = "it was replaced after it was listed; the next run reads it";
            return Err(Failure::new(format!("read {}", object.uri), why).transient());
        }
        let metadata = got
            .attributes
            .iter()
            .filter_map(|(name, value)| match name {
                Attribute::Metadata(name) => Some((name.to_string(), value.as_ref().to_owned())),
                _ => None,
            })
            .collect();
        let size = got.meta.size;
        let body = if size <= whole_max {
            let bytes = got.bytes().await.map_err(failed)?;
            if bytes.len() as u64 != size {
                let why = format!("it has {size} bytes and {} came", bytes.len());
                return Err(Failure::new(format!("read {}", object.uri), why).transient());
            }
            Body::Whole(bytes.to_vec())
        } else {
            let chunks = got.into_stream().map_err(io::Error::other).boxed();
            let runtime = tokio::runtime::Handle::current();
            Body::Stream(Box::new(ChunkReader {
                runtime,
                chunks,
                current: Default::default(),
                left: size,
            }))
        };
        Ok(Opened { identity, body, metadata })
    }
}

impl Objects for S3Place {
    fn list(&self) -> Future<'_, Answer<Listing>> {
        Box::pin(self.list_all())
    }
    fn open<'a>(&'a self, object: &'a Object, whole_max: u64) -> Future<'a, Answer<Opened>> {
        Box::pin(self.open_one(object, whole_max))
    }
}

impl Bucket for S3Place {
    fn under(&self, prefix: &str) -> Arc<dyn Objects> {
        let (store, bucket) = (self.store.clone(), self.bucket.clone());
        Arc::new(Self { store, bucket, prefix: prefix.to_owned() })
    }

    fn level<'a>(&'a self, prefix: &'a str) -> Future<'a, Answer<Level>> {
        Box::pin(self.level_of(prefix))
    }
}

/// A stream of chunks as a blocking reader, for threads that may block. An end before the object's
/// size is an error.
struct ChunkReader {
    runtime: tokio::runtime::Handle,
    chunks: futures::stream::BoxStream<'static, io::Result<bytes::Bytes>>,
    current: bytes::Bytes,
    left: u64,
}

impl Read for ChunkReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.runtime.block_on(self.chunks.next()) {
                Some(chunk) => self.current = chunk?,
                None if self.left == 0 => return Ok(0),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let n = self.current.len().min(buf.len());
        buf[..n].copy_from_slice(&self.current.split_to(n));
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

/// Credentials of ours as the store wants them.
#[derive(Debug)]
struct Provider(Arc<dyn CredentialSource>);

impl object_store::CredentialProvider for Provider {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(
        &'a self,
    ) -> std::pin::Pin<
        Box<dyn std::future::Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'b>,
    >
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let credentials = self
                .0
                .credentials()
                .await
                .map_err(|e| object_store::Error::Generic { store: "S3", source: e.into() })?;
            Ok(Arc::new(AwsCredential {
                key_id: credentials.access_key,
                secret_key: credentials.secret_key,
                token: credentials.session_token,
            }))
        })
    }
}

/// Says what a user can do about the refusals that AWS words badly.
pub(super) fn explain(doing: String, error: object_store::Error) -> Failure {
    let text = error.to_string();
    let denied = matches!(error, object_store::Error::PermissionDenied { .. })
        || text.contains("AccessDenied");
    if denied && (text.contains("kms:") || text.contains("KMS")) {
        let doing = format!(
            "{doing}: kms:Decrypt is denied on the key that encrypts it; allow it to the reader's role in the key policy"
        );
        return Failure::new(doing, error);
    }
    // Only the store's own word on the key: a 404 of a wrong endpoint says nothing of the object.
    if matches!(error, object_store::Error::NotFound { .. }) && text.contains("NoSuchKey") {
        return Failure::new(doing, io::Error::new(io::ErrorKind::NotFound, error));
    }
    store_failure(doing, error)
}
