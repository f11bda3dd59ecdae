//! The way out to people and their systems: HTTP and SMTP. What PagerDuty knows is read here too.
//!
//! * Every call has a limit in time and size; redirects are not followed.
//! * Secrets are read here, at the edge, and are in no `Debug` form, log line or error.
//! * A failure is an outcome: it may go through later, or never as it is.
#![warn(missing_docs)]

mod http;
mod mail;
mod outcome;
mod pagerduty;
mod secret;
mod sign;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wk_seam::Future;
use wk_seam::clock::Clock;
use wk_seam::courier::{Courier, Outcome, Parcel};

pub use http::Unset;
pub use mail::{Protection, Smtp};
pub use pagerduty::PagerDuty;
pub use secret::{SecretError, check as check_secret};

/// Carries parcels of every kind, each by its own way.
pub struct Router {
    http: http::Http,
    mail: Option<mail::Mail>,
    sns: Option<Arc<dyn Courier>>,
}

impl Router {
    /// A router that sends mail by this server, and SNS messages by that courier, where there are
    /// any.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up: the system's certificates cannot be read.
    pub fn new(
        clock: Arc<dyn Clock>,
        smtp: Option<Smtp>,
        sns: Option<Arc<dyn Courier>>,
    ) -> Result<Self, Unset> {
        Ok(Self { http: http::Http::new(clock)?, mail: smtp.map(mail::Mail::new), sns })
    }

    /// Whose clock an answer named last, and how many seconds ours was ahead of it; `None` before the
    /// first answer of another machine.
    pub fn clock_ahead(&self) -> Option<(String, i64)> {
        self.http.ahead()
    }
}

impl Courier for Router {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Future<'a, Outcome> {
        Box::pin(async move {
            match parcel {
                Parcel::Http { .. } => self.http.carry(parcel).await,
                Parcel::Keep => {
                    Outcome::Accepted { receipt: "kept in the record".to_owned(), reference: None }
                }
                Parcel::Mail { .. } => match &self.mail {
                    Some(mail) => mail.carry(parcel).await,
                    None => outcome::refused("no mail server is configured: [smtp] names none"),
                },
                Parcel::Sns { .. } => match &self.sns {
                    Some(sns) => sns.carry(parcel).await,
                    None => outcome::refused("nothing here publishes to SNS"),
                },
            }
        })
    }
}
