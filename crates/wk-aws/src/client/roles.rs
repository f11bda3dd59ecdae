//! Roles in other accounts: assumed once, kept, renewed before they end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use wk_model::{AccountId, Timestamp};
use wk_seam::aws::{Operation, Target, time, without_nulls};
use wk_seam::clock::Clock;
use wk_seam::credentials::{CredentialSource, Credentials};
use wk_seam::{Answer, Failure, Future};

use super::Partition;
use super::exchange::{Ask, Exchange};
use crate::cache::{Cache, Fetch, Fetched};
use crate::error::{CredentialError, Told};

/// A role assumed by a role lives an hour at most, whatever it allows.
const LIFE_SECONDS: u32 = 3600;

pub(super) const NO_ROLE: &str =
    "no role is set up for other accounts; name one by `role` in [aws] of config.toml";

const ASSUME_ROLE: Operation = Operation {
    service: "sts",
    name: "AssumeRole",
    permission: "sts:AssumeRole",
    masked: &["ExternalId"],
    ..Operation::READ
};

/// The role by which other accounts are entered: the same in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleHop {
    /// Name, with its path if it has one: `watchkeeper-reader`.
    pub name: String,
    /// The external id that the role's trust asks for.
    pub external_id: Option<String>,
    /// What CloudTrail will show as the name of the session.
    pub session_name: String,
}

/// The roles of all accounts that were entered.
pub(super) struct Roles {
    hop: Option<RoleHop>,
    exchange: Arc<Exchange>,
    base: Arc<dyn CredentialSource>,
    clock: Arc<dyn Clock>,
    entered: Mutex<BTreeMap<AccountId, Arc<Entered>>>,
}

/// The credentials in one account.
struct Entered {
    account: AccountId,
    cache: Cache<Assumed>,
    base: Arc<dyn CredentialSource>,
}

struct Assumed {
    account: AccountId,
    hop: RoleHop,
    exchange: Arc<Exchange>,
    base: Arc<dyn CredentialSource>,
}

impl Roles {
    pub(super) fn new(
        hop: Option<RoleHop>,
        exchange: Arc<Exchange>,
        base: Arc<dyn CredentialSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { hop, exchange, base, clock, entered: Mutex::default() }
    }

    /// The credentials of the role in an account, where a role is set up.
    pub(super) fn of(&self, account: &AccountId) -> Option<Arc<dyn CredentialSource>> {
        let hop = self.hop.clone()?;
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        let one = entered.entry(account.clone()).or_insert_with(|| {
            let assumed = Assumed {
                account: account.clone(),
                hop,
                exchange: self.exchange.clone(),
                base: self.base.clone(),
            };
            Arc::new(Entered {
                account: account.clone(),
                cache: Cache::new(assumed, self.clock.clone()),
                base: self.base.clone(),
            })
        });
        Some(one.clone())
    }
}

impl Assumed {
    fn arn(&self) -> String {
        let partition = Partition::of(self.exchange.region().unwrap_or_default()).name();
        format!("arn:{partition}:iam::{}:role/{}", self.account, self.hop.name)
    }

    async fn assume(&self) -> Result<Fetched, CredentialError> {
        let from = format!("role {}", self.arn());
        let parameters = without_nulls(json!({
            "RoleArn": self.arn(),
            "RoleSessionName": self.hop.session_name,
            "DurationSeconds": LIFE_SECONDS,
            "ExternalId": self.hop.external_id,
        }));
        let ask = Ask {
            operation: &ASSUME_ROLE,
            parameters: &parameters,
            target: &Target::default(),
            page: 1,
            wait_seconds: 0,
        };
        let refused =
            |transient, why| CredentialError::Refused { from: from.clone(), transient, why };
        let given = self.exchange.make(&ask, self.base.as_ref()).await;
        let given = given.map_err(|error| refused(error.is_transient(), Told::of(&error)))?;
        match read(given.answer) {
            Ok(credentials) => Ok(Fetched { credentials, from }),
            // The error would repeat the answer, and with it secrets.
            Err(_) => Err(refused(false, Told::plain("the answer of STS holds no credentials"))),
        }
    }
}

impl Fetch for Assumed {
    fn fetch(&self) -> Future<'_, Result<Fetched, CredentialError>> {
        Box::pin(self.assume())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    #[serde(deserialize_with = "time")]
    expiration: Option<Timestamp>,
}

fn read(mut answer: Value) -> Result<Credentials, serde_json::Error> {
    let held = answer.get_mut("Credentials").map(Value::take).unwrap_or_default();
    let answered: Answered = serde_json::from_value(held)?;
    Ok(Credentials {
        access_key: answered.access_key_id,
        secret_key: answered.secret_access_key,
        session_token: Some(answered.session_token),
        expires: answered.expiration,
    })
}

impl CredentialSource for Entered {
    fn credentials(&self) -> Future<'_, Answer<Credentials>> {
        Box::pin(async {
            self.cache.get().await.map_err(|error| {
                let transient = error.is_transient();
                let failure = Failure::new(format!("enter account {}", self.account), error);
                if transient { failure.transient() } else { failure }
            })
        })
    }

    fn region(&self) -> Option<String> {
        self.base.region()
    }

    fn s3_endpoint(&self) -> Option<String> {
        self.base.s3_endpoint()
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").field("account", &self.account).finish_non_exhaustive()
    }
}
