//! The way out to people and their systems: one parcel to one address, and what came of it.

use crate::Future;

/// What is carried. The courier adds what is secret: keys, passwords, signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parcel {
    /// An HTTP request.
    Http {
        /// `POST`, `PUT` or `GET`.
        method: &'static str,
        /// The address, as the channel's configuration has it, and what the notifier adds to it.
        url: Secretive,
        /// Headers without secrets.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Vec<u8>,
        /// How the courier proves who sends it.
        proof: Proof,
        /// Where the answer holds the other side's key of what it made, as a JSON pointer
        /// (RFC 6901): `/key`. It becomes [`Outcome::Accepted`]'s reference.
        reference: Option<&'static str>,
    },
    /// Nothing is sent: the notice is kept in the record, and that is its receipt.
    Keep,
    /// A mail over SMTP.
    Mail {
        /// `From`.
        from: String,
        /// `To`.
        to: Vec<String>,
        /// `Subject`, one line.
        subject: String,
        /// Plain text.
        text: String,
        /// `Message-ID` without brackets; the same when it is sent again.
        message_id: String,
    },
    /// `sns:Publish`.
    Sns {
        /// The topic's ARN, or a telephone number in E.164 for a text message.
        to: SnsTarget,
        /// At most 100 printable ASCII characters; none for text messages.
        subject: Option<String>,
        /// At most 256 KiB.
        message: String,
        /// Message attributes of type String, for filter policies.
        attributes: Vec<(String, String)>,
    },
}

/// Where SNS publishes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnsTarget {
    /// A topic, by its ARN.
    Topic(String),
    /// A telephone, in E.164.
    Phone(String),
}

/// How the courier proves who sends a request. Names say where the secret lies; the courier reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Not at all, or the address itself is the secret.
    None,
    /// `Authorization: Bearer …` or another scheme word.
    Bearer {
        /// `Bearer`, `Token`, `GenieKey`, …
        scheme: &'static str,
        /// Where the secret lies.
        secret: SecretName,
    },
    /// HTTP basic authentication (RFC 7617).
    Basic {
        /// User.
        user: String,
        /// Where the password lies.
        secret: SecretName,
    },
    /// standard-webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature` over the body.
    StandardWebhook {
        /// `webhook-id`; the same when it is sent again.
        id: String,
        /// Where the signing keys lie, one or several while they are changed.
        secrets: Vec<SecretName>,
    },
    /// The member of a JSON body that holds the secret: PagerDuty's `routing_key`.
    BodyMember {
        /// The member's name.
        member: &'static str,
        /// Where the secret lies.
        secret: SecretName,
    },
}

/// Where a secret lies: `env:NAME` or `file:PATH`. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName(pub String);

/// An address that may be a secret itself (a Slack webhook): `Debug` shows only its host.
#[derive(Clone, PartialEq, Eq)]
pub enum Secretive {
    /// Plain.
    Plain(String),
    /// It lies where this says.
    Secret(SecretName),
}

/// What came of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took it.
    Accepted {
        /// What it said: status and its own id, at most 300 characters, without secrets.
        receipt: String,
        /// Its own key of what it made (a ticket's key), where the notifier asked for one.
        reference: Option<String>,
    },
    /// It may go through later.
    Later {
        /// Why.
        reason: String,
        /// What the other side asked for (`Retry-After`), in seconds.
        after_seconds: Option<u32>,
    },
    /// It will never go through as it is.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Carries parcels.
pub trait Courier: Send + Sync {
    /// Carries one parcel, within 30 seconds. A failure is an outcome.
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Future<'a, Outcome>;
}

impl std::fmt::Debug for Secretive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(url) => {
                let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
                write!(f, "{:?}", host.unwrap_or_default())
            }
            Self::Secret(name) => write!(f, "{name:?}"),
        }
    }
}
