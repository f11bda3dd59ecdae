//! Calls to AWS: written down, signed, sent, repeated, read and recorded.
//!
//! * Every call names its operation (`wk_seam::aws::Operation`); how it travels follows from the
//!   service's protocol (`services.rs`, one file for each protocol).
//! * Pages are followed to their end, within limits that show in the answer.
//! * A call to another account is made by the role that the client is set up with there.
//! * Every request leaves a record, whatever came of it.

mod endpoints;
mod exchange;
mod json;
mod pages;
mod query;
mod refusal;
mod rest;
mod retry;
mod roles;
mod services;
mod sign;
mod skew;
mod throttle;
mod wire;
mod xml;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use wk_model::AccountId;
use wk_seam::aws::{
    AwsError, AwsErrorKind, AwsRead, AwsResult, Call, CallName, Effect, Operation, ReadCall,
    Recorder, Target, Whole, without_nulls,
};
use wk_seam::clock::Clock;
use wk_seam::credentials::CredentialSource;
use wk_seam::{Answer, Failure, Future};

use crate::clock::{Pause, SystemClock, SystemPause};
use crate::credentials::CliCredentials;
use crate::http::Http;
use endpoints::Endpoints;
pub(crate) use endpoints::{Partition, is_region};
use exchange::Exchange;
pub(crate) use exchange::{Ask, Given};
pub use roles::RoleHop;
use roles::Roles;

/// How AWS is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Profile of the AWS CLI; none is the one that the environment names.
    pub profile: Option<String>,
    /// Region where a call names none; none is the one that environment or profile name.
    pub region: Option<String>,
    /// Endpoint of every service; none is what environment or profile name, else AWS's own.
    pub endpoint: Option<String>,
    /// The role by which other accounts are entered.
    pub role: Option<RoleHop>,
}

/// What a client is made of where not everything comes from this machine.
pub struct Parts {
    /// Who calls.
    pub credentials: Arc<dyn CredentialSource>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How it waits.
    pub pause: Arc<dyn Pause>,
    /// Who takes the records of calls.
    pub recorder: Arc<dyn Recorder>,
}

/// Makes calls to AWS. One is enough for a process: quotas and roles are shared by its users.
#[derive(Clone)]
pub struct Client {
    exchange: Arc<Exchange>,
    credentials: Arc<dyn CredentialSource>,
    roles: Arc<Roles>,
}

impl Client {
    /// A client with the credentials that the AWS CLI would use. Nothing is asked of AWS yet.
    ///
    /// # Errors
    /// If the profile does not exist or its files are malformed.
    pub async fn load(settings: &Settings, recorder: Arc<dyn Recorder>) -> Answer<Self> {
        let credentials = CliCredentials::load(settings.profile.as_deref()).await?;
        let (config, http) = (credentials.config().clone(), credentials.http().clone());
        let parts = Parts {
            credentials: Arc::new(credentials),
            clock: Arc::new(SystemClock),
            pause: Arc::new(SystemPause),
            recorder,
        };
        Ok(Self::over(parts, settings, Some(config), http))
    }

    /// A client of other parts: tests bring their own credentials, clock and waiting.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn with(parts: Parts, settings: &Settings) -> Answer<Self> {
        let http = Http::new(&[]).map_err(|e| Failure::new("set up the HTTP client", e))?;
        Ok(Self::over(parts, settings, None, http))
    }

    fn over(
        parts: Parts,
        settings: &Settings,
        config: Option<aws_config::SdkConfig>,
        http: Http,
    ) -> Self {
        let region = settings.region.clone().or_else(|| parts.credentials.region());
        let endpoints = Endpoints { fixed: settings.endpoint.clone(), config };
        let exchange = Arc::new(Exchange::new(
            http,
            endpoints,
            region,
            parts.clock.clone(),
            parts.pause,
            parts.recorder,
        ));
        let roles = Roles::new(
            settings.role.clone(),
            exchange.clone(),
            parts.credentials.clone(),
            parts.clock,
        );
        Self { exchange, credentials: parts.credentials, roles: Arc::new(roles) }
    }

    /// The region of calls that name none.
    pub fn region(&self) -> Option<&str> {
        self.exchange.region()
    }

    /// How many seconds AWS's clock was ahead of ours at the last answer; none before the first.
    pub fn clock_ahead_seconds(&self) -> Option<i64> {
        self.exchange.clock_ahead_seconds()
    }

    /// The credentials that calls to an account are signed with: our own, or those of the role
    /// there.
    ///
    /// # Errors
    /// If no role is set up by which other accounts are entered.
    pub fn credentials_of(&self, account: Option<&AccountId>) -> Answer<Arc<dyn CredentialSource>> {
        match account {
            None => Ok(self.credentials.clone()),
            Some(account) => self
                .roles
                .of(account)
                .ok_or_else(|| Failure::new(format!("enter account {account}"), roles::NO_ROLE)),
        }
    }

    /// A typed call of one page, of any effect; only adapters of this crate make those that change
    /// something.
    pub(crate) async fn one<C: Call>(
        &self,
        call: &C,
        target: &Target,
        wait_seconds: u64,
    ) -> AwsResult<C::Answer> {
        let parameters = without_nulls(call.parameters());
        let ask =
            Ask { operation: C::OPERATION, parameters: &parameters, target, page: 1, wait_seconds };
        let given = self.make(&ask).await?;
        serde_json::from_value(given.answer).map_err(|error| {
            let name = CallName::of(C::OPERATION, target);
            AwsError::malformed(name, error.to_string()).with_request(&given.request_id)
        })
    }

    /// One request of any effect; only adapters of this crate make those that change something.
    async fn make(&self, ask: &Ask<'_>) -> AwsResult<Given> {
        let who = self.credentials_of(ask.target.account.as_ref()).map_err(|failure| {
            let name = CallName::of(ask.operation, ask.target);
            AwsError::new(name, AwsErrorKind::Credentials, failure.source.to_string())
        })?;
        self.exchange.make(ask, who.as_ref()).await
    }
}

impl AwsRead for Client {
    fn read<'a>(&'a self, call: &'a ReadCall) -> Future<'a, AwsResult<Whole<Value>>> {
        Box::pin(async {
            refuse_changes(call.operation, &call.target)?;
            pages::all(self, call).await
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("region", &self.region()).finish_non_exhaustive()
    }
}

/// Whoever was given the way to read cannot change anything by it.
fn refuse_changes(operation: &'static Operation, target: &Target) -> AwsResult<()> {
    if operation.effect == Effect::Read {
        return Ok(());
    }
    let why = "it changes something, and this is the way to read; it was not sent";
    Err(AwsError::new(CallName::of(operation, target), AwsErrorKind::Invalid, why))
}
