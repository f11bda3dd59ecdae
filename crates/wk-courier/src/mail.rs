//! Mail over SMTP, with TLS.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use wk_seam::courier::{Outcome, Parcel, SecretName};

use crate::http::is_this_machine;
use crate::outcome::{accepted, later, refused, said};
use crate::secret::Secret;

/// One step of the conversation.
const STEP_LIMIT: Duration = Duration::from_secs(15);
/// The whole of it.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// The server that takes our mail.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port; else the usual one for the protection.
    pub port: Option<u16>,
    /// How what is said is protected.
    pub protection: Protection,
    /// Who sends, and where the password lies.
    pub login: Option<(String, SecretName)>,
}

/// How a conversation with the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS after STARTTLS, or no mail. Port 587.
    StartTls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// Not at all: for a server on this machine only. Port 25.
    None,
}

impl Smtp {
    /// Talks with the server as far as it goes without a mail: TLS, its certificate, the login.
    ///
    /// # Errors
    /// Why not, in words without secrets.
    pub async fn try_out(&self) -> Result<String, String> {
        let (transport, secrets) = match Mail::new(self.clone()).transport() {
            Ok(ready) => ready,
            Err(Outcome::Later { reason, .. } | Outcome::Refused { reason }) => return Err(reason),
            Err(Outcome::Accepted { receipt, .. }) => return Ok(receipt),
        };
        let host = &self.host;
        match tokio::time::timeout(CALL_LIMIT, transport.test_connection()).await {
            Err(_) => Err(format!("no answer in time from {host}")),
            Ok(Ok(true)) => Ok(format!("{host} takes our mail")),
            Ok(Ok(false)) => Err(format!("{host} ended the conversation")),
            Ok(Err(e)) => Err(format!("{host}: {}", said(causes(&e).as_bytes(), &secrets))),
        }
    }
}

pub(crate) struct Mail {
    smtp: Smtp,
}

impl Mail {
    pub(crate) fn new(smtp: Smtp) -> Self {
        Self { smtp }
    }

    pub(crate) async fn carry(&self, parcel: &Parcel) -> Outcome {
        let message = match message(parcel) {
            Ok(message) => message,
            Err(why) => return refused(why),
        };
        let (transport, secrets) = match self.transport() {
            Ok(ready) => ready,
            Err(outcome) => return outcome,
        };
        let host = &self.smtp.host;
        match tokio::time::timeout(CALL_LIMIT, transport.send(message)).await {
            Err(_) => later(format!("no answer in time from {host}"), None),
            Ok(Ok(answer)) => {
                let line = said(answer.first_line().unwrap_or_default().as_bytes(), &secrets);
                accepted(format!("{host} answered {}: {line}", answer.code()), None)
            }
            Ok(Err(e)) => {
                let why = said(causes(&e).as_bytes(), &secrets);
                match e.is_permanent() {
                    true => refused(format!("{host} refused: {why}")),
                    false => later(format!("{host}: {why}"), None),
                }
            }
        }
    }

    fn transport(&self) -> Result<(AsyncSmtpTransport<Tokio1Executor>, Vec<Secret>), Outcome> {
        let Smtp { host, port, protection, login } = &self.smtp;
        let tls = || {
            TlsParameters::new(host.clone()).map_err(|e| {
                later(format!("TLS for {host} cannot be set up: {}", causes(&e)), None)
            })
        };
        let (tls, usual) = match protection {
            Protection::StartTls => (Tls::Required(tls()?), 587),
            Protection::Tls => (Tls::Wrapper(tls()?), 465),
            Protection::None if is_this_machine(host) => (Tls::None, 25),
            Protection::None => {
                let why = format!("mail to {host} would go in the clear: use starttls or tls");
                return Err(refused(why));
            }
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
            .port(port.unwrap_or(usual))
            .tls(tls)
            .timeout(Some(STEP_LIMIT));
        let mut secrets = Vec::new();
        if let Some((user, name)) = login {
            let password = Secret::read(name).map_err(|e| later(e.to_string(), None))?;
            let pair = (user.clone(), password.expose().to_owned());
            builder = builder.credentials(Credentials::new(pair.0, pair.1));
            secrets.push(password);
        }
        Ok((builder.build(), secrets))
    }
}

/// The parcel as a message. The library encodes every header; none can hold a line end.
fn message(parcel: &Parcel) -> Result<Message, String> {
    let Parcel::Mail { from, to, subject, text, message_id } = parcel else {
        return Err("this is no mail".to_owned());
    };
    let mailbox = |text: &String| {
        text.parse::<Mailbox>().map_err(|_| format!("{:?} is no mail address", text))
    };
    let one_line = |text: &str| -> String {
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    let mut builder = Message::builder()
        .from(mailbox(from)?)
        .subject(one_line(subject))
        .message_id(Some(format!("<{}>", one_line(message_id))))
        .header(ContentType::TEXT_PLAIN);
    for address in to {
        builder = builder.to(mailbox(address)?);
    }
    builder.body(text.clone()).map_err(|e| format!("the mail cannot be made: {e}"))
}

/// What an error and its causes say.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause.filter(|_| words.len() < 5) {
        let said = inner.to_string();
        if !words.iter().any(|word| word.contains(&said)) {
            words.push(said);
        }
        cause = inner.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, text: &str) -> Parcel {
        Parcel::Mail {
            from: "Watch <watch@example.com>".to_owned(),
            to: vec!["team@example.com".to_owned()],
            subject: subject.to_owned(),
            text: text.to_owned(),
            message_id: "abc@example.com".to_owned(),
        }
    }

    #[test]
    fn no_subject_adds_a_header_and_no_text_ends_the_mail() {
        let parcel = mail("x\r\nBcc: evil@example.com\r\n\r\nbody", "one\n.\nQUIT\r\n.\r\ntwo");
        let made = message(&parcel).unwrap().formatted();
        let text = String::from_utf8(made).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert!(head.contains("Message-ID: <abc@example.com>"), "{head}");
        assert!(body.contains("two"), "{body}");
    }

    #[test]
    fn mail_goes_in_the_clear_to_this_machine_only() {
        let smtp = |host: &str| Smtp {
            host: host.to_owned(),
            port: None,
            protection: Protection::None,
            login: None,
        };
        let away = Mail::new(smtp("mail.example.com"));
        assert!(matches!(away.transport(), Err(Outcome::Refused { .. })));
        assert!(Mail::new(smtp("127.0.0.1")).transport().is_ok());
    }
}
