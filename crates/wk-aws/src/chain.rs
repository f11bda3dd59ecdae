//! The sources of credentials, in the order in which the AWS CLI asks them.
//!
//! * Environment, profile (keys, SSO, roles, web identity, processes), web identity, container,
//!   instance metadata. A profile that the caller names goes before the environment's keys: they
//!   are not looked at, as with `aws --profile`.
//! * The first that is set up decides: its failure is reported, and nothing after it is asked.
//! * Files are read anew at every attempt, so that what a user repairs counts at once.
//! * Calls of the chain go to the endpoints that environment and profile name.

use std::error::Error as _;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::imds;
use aws_config::meta::region::{ProvideRegion as _, RegionProviderChain};
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use reqwest::Certificate;
use wk_seam::Future;
use wk_seam::credentials::Credentials;

use crate::cache::{Fetch, Fetched};
use crate::clock::timestamp;
use crate::error::{CredentialError, Told, is_transient};
use crate::http::{CALL_LIMIT, CONNECT_LIMIT, Http};
use crate::profiles::{Choice, Profiles};

/// All sources together; long, because a process may ask its user.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(120);
/// Instance metadata answers at once or is not there.
const METADATA_CONNECT_LIMIT: Duration = Duration::from_millis(400);
const METADATA_READ_LIMIT: Duration = Duration::from_millis(600);
const METADATA_LIMIT: Duration = Duration::from_secs(2);
/// Where roles are assumed when nobody names a region: as the CLI, the first one.
const REGION_OF_LAST_RESORT: &str = "us-east-1";

pub(crate) struct Chain {
    choice: Choice,
    clients: Http,
    http: SharedHttpClient,
    /// What environment and profile say of region and endpoints.
    config: SdkConfig,
}

/// A source that may be set up.
struct Source {
    name: String,
    absent: Absent,
    provider: SharedCredentialsProvider,
}

/// When a source that gives nothing counts as not set up.
#[derive(Clone, Copy)]
enum Absent {
    /// When it says so; with the reason that is told.
    If(&'static str),
    /// When it says so without a reason: a profile with one is broken, such as by naming a
    /// `source_profile` that does not exist.
    IfSilent,
    /// Whatever it says, which is told: off EC2 anything may listen at the address of metadata.
    Always,
}

const NO_KEYS: &str = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set";
const NONE: &str = "it names none";
const NO_TOKEN: &str = "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not both set";
const NO_ADDRESS: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI is not set";

impl Chain {
    /// Reads the configuration; asks for no credentials yet.
    pub(crate) async fn read(asked_for: Option<&str>) -> Result<Self, CredentialError> {
        let choice = Choice::new(asked_for, &Env::real());
        let profiles = Profiles::read(&choice, &Env::real(), &Fs::real()).await?;
        let trusted = match profiles.ca_bundle(&Env::real()) {
            Some(path) => certificates(path, &Fs::real()).await?,
            None => Vec::new(),
        };
        let clients = Http::new(&trusted).map_err(|e| CredentialError::Http(Told::of(&e)))?;
        let http = SharedHttpClient::new(clients.clone());
        let region = find_region(&choice, &http).await;
        // Boxed: the loader's future is larger than a stack should hold.
        let config = Box::pin(
            aws_config::defaults(BehaviorVersion::latest())
                .profile_name(&choice.name)
                .http_client(http.clone())
                .timeout_config(timeouts())
                .region(RegionProviderChain::first_try(region))
                .no_credentials()
                .load(),
        );
        Ok(Self { config: config.await, choice, clients, http })
    }

    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The HTTP clients, with the certificates that the user trusts.
    pub(crate) fn clients(&self) -> &Http {
        &self.clients
    }

    pub(crate) fn profile(&self) -> &str {
        &self.choice.name
    }

    async fn ask_all(&self) -> Result<Fetched, CredentialError> {
        let profiles = Profiles::read(&self.choice, &Env::real(), &Fs::real()).await?;
        let mut tried = Vec::new();
        for source in self.sources(&profiles).await {
            match source.provider.provide_credentials().await {
                Ok(given) => return Ok(Fetched { credentials: ours(&given), from: source.name }),
                Err(error) if source.is_absent(&error) => tried.push(source.absent(&error)),
                Err(error) => return Err(explain(source.name, &error, &profiles)),
            }
        }
        Err(CredentialError::NoneFound { tried })
    }

    async fn sources(&self, profiles: &Profiles) -> Vec<Source> {
        let region = self.config.region().cloned();
        let config = provider_config(&self.http)
            .with_region(region.or(Some(Region::from_static(REGION_OF_LAST_RESORT))))
            .with_use_fips(self.config.use_fips())
            .with_use_dual_stack(self.config.use_dual_stack());
        // Web identity takes its endpoints from a profile only if the files have been read.
        ProfileFileRegionProvider::builder().configure(&config).build().region().await;
        let environment = EnvironmentVariableCredentialsProvider::new();
        let metadata = imds::credentials::ImdsCredentialsProvider::builder()
            .configure(&config)
            .imds_client(metadata_client(&config))
            .build();
        let metadata = SharedCredentialsProvider::new(metadata);
        let profile = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(&self.choice.name)
            .with_custom_provider("Ec2InstanceMetadata", metadata.clone())
            .build();
        let web = WebIdentityTokenCredentialsProvider::builder().configure(&config).build();
        let container = EcsCredentialsProvider::builder().configure(&config).build();
        let exists = profiles.chosen_exists();
        let name = format!("profile {:?}", self.choice.name);
        let mut all = vec![
            Source::new("environment", Absent::If(NO_KEYS), environment),
            Source::new(name, if exists { Absent::IfSilent } else { Absent::If(NONE) }, profile),
            Source::new("web identity", Absent::If(NO_TOKEN), web),
            Source::new("container", Absent::If(NO_ADDRESS), container),
            Source::new("instance metadata", Absent::Always, metadata),
        ];
        if self.choice.asked_for {
            all.retain(|source| !matches!(source.absent, Absent::If(NO_KEYS | NO_TOKEN)));
        }
        all
    }
}

impl Fetch for Chain {
    fn fetch(&self) -> Future<'_, Result<Fetched, CredentialError>> {
        Box::pin(async {
            let seconds = ATTEMPT_LIMIT.as_secs();
            let asked = tokio::time::timeout(ATTEMPT_LIMIT, Box::pin(self.ask_all())).await;
            asked.unwrap_or(Err(CredentialError::Slow { seconds }))
        })
    }
}

impl Source {
    fn new(
        name: impl Into<String>,
        absent: Absent,
        provider: impl ProvideCredentials + 'static,
    ) -> Self {
        Self { name: name.into(), absent, provider: SharedCredentialsProvider::new(provider) }
    }

    /// Whether the source is just not set up, so that the next one is asked.
    fn is_absent(&self, error: &CredentialsError) -> bool {
        let not_set_up = matches!(error, CredentialsError::CredentialsNotLoaded(_));
        match self.absent {
            Absent::If(_) => not_set_up,
            Absent::IfSilent => not_set_up && error.source().is_none(),
            Absent::Always => true,
        }
    }

    fn absent(&self, error: &CredentialsError) -> String {
        match self.absent {
            Absent::If(why) => format!("{}: {why}", self.name),
            Absent::IfSilent => format!("{}: {NONE}", self.name),
            Absent::Always => format!("{}: {}", self.name, Told::of(error)),
        }
    }
}

/// The certificates in a PEM file.
async fn certificates(path: String, fs: &Fs) -> Result<Vec<Certificate>, CredentialError> {
    let pem = fs.read_to_end(&path).await.map_err(|e| Told::of(&e));
    let read = pem.and_then(|pem| Certificate::from_pem_bundle(&pem).map_err(|e| Told::of(&e)));
    read.map_err(|why| CredentialError::Certificates { path, why })
}

async fn find_region(choice: &Choice, http: &SharedHttpClient) -> Option<Region> {
    let config = provider_config(http);
    let profile =
        ProfileFileRegionProvider::builder().configure(&config).profile_name(&choice.name).build();
    let metadata = imds::region::ImdsRegionProvider::builder()
        .configure(&config)
        .imds_client(metadata_client(&config))
        .build();
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile)
        .or_else(metadata)
        .region()
        .await
}

fn provider_config(http: &SharedHttpClient) -> ProviderConfig {
    ProviderConfig::without_region()
        .with_http_client(http.clone())
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_retry_config(RetryConfig::standard())
        .with_timeout_config(timeouts())
}

/// Of one operation with its repetitions.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(CALL_LIMIT - CONNECT_LIMIT)
        .operation_timeout(CALL_LIMIT)
        .build()
}

fn metadata_client(config: &ProviderConfig) -> imds::Client {
    imds::Client::builder()
        .configure(config)
        .connect_timeout(METADATA_CONNECT_LIMIT)
        .read_timeout(METADATA_READ_LIMIT)
        .operation_timeout(METADATA_LIMIT)
        .max_attempts(2)
        .build()
}

fn ours(given: &aws_credential_types::Credentials) -> Credentials {
    Credentials {
        access_key: given.access_key_id().to_owned(),
        secret_key: given.secret_access_key().to_owned(),
        session_token: given.session_token().map(str::to_owned),
        expires: given.expiry().map(timestamp),
    }
}

/// What to do about a source that is set up and gave none.
fn explain(from: String, error: &CredentialsError, profiles: &Profiles) -> CredentialError {
    let why = Told::of(error);
    let transient = is_transient(error);
    let of_profile = from.starts_with("profile ") && !transient;
    if of_profile && let Some(profile) = profiles.signs_in_by_console() {
        return CredentialError::ConsoleLogin { profile: profile.to_owned() };
    }
    if of_profile
        && is_signed_out(why.as_ref())
        && let Some(profile) = profiles.signs_in_by_sso()
    {
        return CredentialError::SignIn { profile: profile.to_owned(), why };
    }
    let denied = why.as_ref().contains("AccessDenied");
    if of_profile
        && denied
        && let Some(profile) = profiles.needs_code()
    {
        return CredentialError::Code { profile: profile.to_owned(), why };
    }
    CredentialError::Refused { from, transient, why }
}

/// Whether the token of an SSO session is missing, unreadable, expired or refused.
fn is_signed_out(told: &str) -> bool {
    ["SSO token", "sso/cache", "UnauthorizedException"].iter().any(|mark| told.contains(mark))
}
