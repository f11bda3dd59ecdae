//! `[smtp]`: the server that takes mail.

use anyhow::{bail, ensure};
use serde::Deserialize;
use wk_courier::{Protection, Smtp};
use wk_seam::courier::SecretName;

use super::Config;

/// `[smtp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmtpText {
    host: String,
    port: Option<u16>,
    /// starttls (default), tls or none; none to this machine only.
    security: Option<String>,
    user: Option<String>,
    password: Option<String>,
}

impl Config {
    /// The server that takes mail.
    pub(crate) fn smtp(&self) -> anyhow::Result<Option<Smtp>> {
        let Some(text) = &self.smtp else {
            let mails = self.channels.iter().find(|(_, channel)| channel.kind == "email");
            if let Some((name, _)) = mails {
                bail!("[channels.{name}] sends mail, and [smtp] names no server");
            }
            return Ok(None);
        };
        let protection = match text.security.as_deref() {
            None | Some("starttls") => Protection::StartTls,
            Some("tls") => Protection::Tls,
            Some("none") => Protection::None,
            Some(other) => bail!("[smtp] security {other:?} is not one of: starttls, tls, none"),
        };
        let login = match (&text.user, &text.password) {
            (Some(user), Some(name)) => {
                let secret = name.starts_with("env:") || name.starts_with("file:");
                ensure!(secret, "[smtp] password must say where it lies: env:NAME or file:PATH");
                Some((user.clone(), SecretName(name.clone())))
            }
            (None, None) => None,
            _ => bail!("[smtp] needs both user and password, or neither"),
        };
        Ok(Some(Smtp { host: text.host.clone(), port: text.port, protection, login }))
    }
}
