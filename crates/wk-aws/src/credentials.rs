//! The credentials of the AWS CLI's user, as a source for everything that calls AWS.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use wk_seam::credentials::{CredentialSource, Credentials};
use wk_seam::{Answer, Failure, Future};

use crate::cache::Cache;
use crate::chain::Chain;
use crate::clock::SystemClock;
use crate::error::CredentialError;
use crate::http::Http;

/// Credentials that the AWS CLI would use here and now, kept and renewed.
///
/// Environment, profile, SSO, roles, web identity, processes, container, instance metadata.
pub struct CliCredentials {
    cache: Cache<Chain>,
    profile: String,
    region: Option<String>,
    s3_endpoint: Option<String>,
    config: SdkConfig,
    http: Http,
}

impl CliCredentials {
    /// Reads environment and shared files, for the profile named or the one that the environment
    /// names. Credentials themselves are fetched when they are first asked for. Without a region in
    /// environment or profile, instance metadata is asked for it, for about a second.
    ///
    /// # Errors
    /// If the profile does not exist or the files are malformed.
    pub async fn load(profile: Option<&str>) -> Answer<Self> {
        let chain = Box::pin(Chain::read(profile)).await;
        let chain = chain.map_err(|e| failure("read the AWS configuration", e))?;
        let config = chain.config();
        Ok(Self {
            profile: chain.profile().to_owned(),
            region: config.region().map(ToString::to_string),
            s3_endpoint: s3_endpoint(config),
            config: config.clone(),
            http: chain.clients().clone(),
            cache: Cache::new(chain, Arc::new(SystemClock)),
        })
    }

    /// What environment and profile say of region and endpoints.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The HTTP clients, with the certificates that the user trusts.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    async fn get(&self) -> Answer<Credentials> {
        let doing = || format!("get AWS credentials (profile {:?})", self.profile);
        self.cache.get().await.map_err(|e| failure(doing(), e))
    }
}

impl CredentialSource for CliCredentials {
    fn credentials(&self) -> Future<'_, Answer<Credentials>> {
        Box::pin(self.get())
    }

    fn region(&self) -> Option<String> {
        self.region.clone()
    }

    fn s3_endpoint(&self) -> Option<String> {
        self.s3_endpoint.clone()
    }
}

impl fmt::Debug for CliCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CliCredentials")
            .field("profile", &self.profile)
            .field("region", &self.region)
            .field("s3_endpoint", &self.s3_endpoint)
            .finish_non_exhaustive()
    }
}

/// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's `services` section, its `endpoint_url`:
/// the first of these, unless the user says that such settings are to be ignored.
fn s3_endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("s3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let found = config.service_config()?.load_config(key.ok()?)?;
    if found.trim().is_empty() { None } else { Some(found) }
}

fn failure(doing: impl Into<String>, error: CredentialError) -> Failure {
    let transient = error.is_transient();
    let failure = Failure::new(doing, error);
    if transient { failure.transient() } else { failure }
}
