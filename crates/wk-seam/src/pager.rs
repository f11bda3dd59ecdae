//! What a product that pages people knows itself: who is on call there, and what people did with an
//! incident that we asked it to open. It is only read.

use wk_model::Timestamp;

use crate::Future;

/// Somebody who is on call for a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnCall {
    /// The product's own id of the person.
    pub id: String,
    /// The person's mail address, where the product tells it.
    pub mail: Option<String>,
    /// The person's name.
    pub name: String,
    /// From when; `None`: always.
    pub from: Option<Timestamp>,
    /// Until when; `None`: for ever.
    pub until: Option<Timestamp>,
}

/// What became of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// Nobody took it yet.
    Open,
    /// A person took it.
    Taken {
        /// Who, as the product names them.
        by: String,
    },
    /// A person said that it is over.
    Over {
        /// Who, as the product names them.
        by: String,
    },
}

/// Why the product did not say it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unheard {
    /// Why, without secrets.
    pub reason: String,
    /// What it asked for before the next call, in seconds.
    pub after_seconds: Option<u64>,
}

/// A product that pages people.
pub trait Pager: Send + Sync {
    /// Everybody who is on call at some moment from one time to another.
    fn on_call(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Future<'_, Result<Vec<OnCall>, Unheard>>;
    /// What became of the incident with this key; `None`: there is none.
    fn incident<'a>(&'a self, key: &'a str) -> Future<'a, Result<Option<Incident>, Unheard>>;
}

impl OnCall {
    /// Whether the person is on call at a time.
    pub fn is_on_call(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// The names by which a configuration may know the person: id, and mail address in small letters.
    pub fn names(&self) -> impl Iterator<Item = String> {
        [Some(self.id.clone()), self.mail.as_ref().map(|mail| mail.to_lowercase())]
            .into_iter()
            .flatten()
    }
}
