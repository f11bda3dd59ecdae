//! Credentials for AWS, as the CLI user on this machine has them.

use std::fmt;

use wk_model::Timestamp;

use crate::{Answer, Future};

/// A set of AWS credentials. Its `Debug` form shows no secret.
#[derive(Clone)]
pub struct Credentials {
    /// Access key id; not a secret.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Session token of temporary credentials.
    pub session_token: Option<String>,
    /// When they end, for temporary credentials.
    pub expires: Option<Timestamp>,
}

/// Gives credentials that are valid now; caches and refreshes them by itself.
pub trait CredentialSource: Send + Sync + fmt::Debug {
    /// Credentials that are valid for at least a minute.
    fn credentials(&self) -> Future<'_, Answer<Credentials>>;
    /// The region that the profile or environment names.
    fn region(&self) -> Option<String>;
    /// The endpoint that the profile or environment names for S3, if any
    /// (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`).
    fn s3_endpoint(&self) -> Option<String>;
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let credentials = Credentials {
            access_key: "AKIAEXAMPLE".into(),
            secret_key: "very-secret".into(),
            session_token: Some("also-secret".into()),
            expires: None,
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKIAEXAMPLE") && !shown.contains("secret"), "{shown}");
    }
}
