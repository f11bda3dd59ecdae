//! What follows from a finding or an event.

use serde::Serialize;
use wk_model::Timestamp;

use super::route::{Request, Route, Tell};

/// What follows. A finding may have several, or none where no route matches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// Somebody is told.
    Notify {
        /// The route that says so.
        route: String,
        /// Channels by name, and how findings are grouped.
        #[serde(flatten)]
        tell: Tell,
    },
    /// Nobody is told, and the finding is counted as suppressed.
    Suppress {
        /// The route that says so.
        route: String,
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// Until when.
        until: Timestamp,
    },
    /// Something is asked for; kept as a request.
    Request {
        /// The route that says so.
        route: String,
        /// What.
        request: Request,
    },
    /// Nothing now; it goes into a digest.
    Quiet {
        /// Why it is quiet.
        reason: QuietReason,
        /// What would have been.
        instead_of: Box<Outcome>,
    },
}

/// Why nothing follows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuietReason {
    /// It came later than the limit for live events: history, not news.
    BackFill,
    /// It is an exercise.
    Drill,
}

impl Outcome {
    /// The route that says so.
    pub fn route(&self) -> &str {
        match self {
            Self::Notify { route, .. } | Self::Suppress { route, .. } => route,
            Self::Request { route, .. } => route,
            Self::Quiet { instead_of, .. } => instead_of.route(),
        }
    }

    /// What a route that matches leads to.
    pub(super) fn of(route: &Route) -> Vec<Self> {
        let name = || route.name.clone();
        if let Some(it) = &route.suppress {
            return vec![Self::Suppress {
                route: name(),
                reason: it.reason.clone(),
                owner: it.owner.clone(),
                until: it.until,
            }];
        }
        let tell = route.notify.clone().map(|tell| Self::Notify { route: name(), tell });
        let ask = |request: &Request| Self::Request { route: name(), request: request.clone() };
        tell.into_iter().chain(route.requests.iter().map(ask)).collect()
    }

    /// The same for what must not page or act. That nobody is told is quiet already.
    pub(super) fn quietly(self, reason: QuietReason) -> Self {
        match self {
            Self::Suppress { .. } | Self::Quiet { .. } => self,
            Self::Notify { .. } | Self::Request { .. } => {
                Self::Quiet { reason, instead_of: Box::new(self) }
            }
        }
    }
}

impl QuietReason {
    /// The word in commands and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackFill => "back-fill",
            Self::Drill => "drill",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Notify { tell, .. } => {
                write!(f, "notify {}", tell.channels.join(", "))?;
                write!(f, " (grouped by {})", tell.group_by.join(", "))
            }
            Self::Suppress { reason, owner, until, .. } => {
                write!(f, "suppress until {until}: {reason} ({owner})")
            }
            Self::Request { request, .. } => write!(f, "request {request}"),
            Self::Quiet { reason, instead_of } => {
                write!(f, "quiet ({}), else {instead_of}", reason.as_str())
            }
        }
    }
}
