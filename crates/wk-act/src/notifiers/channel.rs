//! A channel: a notifier with what the user's configuration tells it, checked once.

use std::collections::BTreeMap;

use wk_seam::courier::{SecretName, Secretive};

use super::{ALL, Notifier, find};

/// A key of a channel's section.
pub struct Need {
    /// The key.
    pub key: &'static str,
    /// Whether the channel is none without it.
    pub required: bool,
    /// What it must look like.
    pub shape: Shape,
    /// What it means.
    pub doc: &'static str,
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text of one line.
    Line,
    /// `https://…`, or `http://…` on this machine or where the user accepts it in the clear.
    Url,
    /// `env:NAME` or `file:PATH`.
    Secret,
    /// Several of those.
    Secrets,
    /// `https://…`, or where it lies.
    SecretUrl,
    /// Mail addresses.
    Mails,
    /// A mail address, with or without a name before it.
    Mail,
    /// A telephone number in E.164.
    Phone,
    /// The ARN of an SNS topic.
    Topic,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Lines.
    Lines,
}

/// A notifier with its settings.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: String,
    /// What kind it is.
    pub notifier: &'static Notifier,
    settings: BTreeMap<String, Vec<String>>,
}

/// A channel's section cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadChannel {
    /// No notifier has this name.
    #[error("[channels.{channel}] kind {kind:?} is unknown; there are: {known}")]
    Kind {
        /// The channel.
        channel: String,
        /// The word after `kind =`.
        kind: String,
        /// The kinds that there are.
        known: String,
    },
    /// The notifier knows no such key.
    #[error("[channels.{channel}] has no key {key:?}; a channel of kind {kind} has: {known}")]
    Key {
        /// The channel.
        channel: String,
        /// Its kind.
        kind: &'static str,
        /// The key.
        key: String,
        /// The keys that there are.
        known: String,
    },
    /// A key is missing.
    #[error("[channels.{channel}] needs {key}: {doc}")]
    Missing {
        /// The channel.
        channel: String,
        /// The key.
        key: &'static str,
        /// What it means.
        doc: &'static str,
    },
    /// A value is not of its form. The value is not repeated: it may be a secret.
    #[error("[channels.{channel}] {key} {want}")]
    Value {
        /// The channel.
        channel: String,
        /// The key.
        key: &'static str,
        /// What it must be.
        want: String,
    },
}

impl Channel {
    /// A channel of this kind with these settings.
    ///
    /// # Errors
    /// If the kind or a key is unknown, a key is missing, or a value is not of its form.
    pub fn new(
        name: &str,
        kind: &str,
        settings: BTreeMap<String, Vec<String>>,
    ) -> Result<Self, BadChannel> {
        let channel = || name.to_owned();
        let notifier = find(kind).ok_or_else(|| BadChannel::Kind {
            channel: channel(),
            kind: kind.chars().take(60).collect(),
            known: ALL.iter().map(|n| n.name).collect::<Vec<_>>().join(", "),
        })?;
        for key in settings.keys() {
            if !notifier.needs.iter().any(|need| need.key == key) {
                let known: Vec<&str> = notifier.needs.iter().map(|need| need.key).collect();
                return Err(BadChannel::Key {
                    channel: channel(),
                    kind: notifier.name,
                    key: key.chars().take(60).collect(),
                    known: known.join(", "),
                });
            }
        }
        for need in notifier.needs {
            match settings.get(need.key) {
                None if need.required => {
                    let (key, doc) = (need.key, need.doc);
                    return Err(BadChannel::Missing { channel: channel(), key, doc });
                }
                None => {}
                Some(values) => need.shape.check(values).map_err(|want| BadChannel::Value {
                    channel: channel(),
                    key: need.key,
                    want,
                })?,
            }
        }
        Ok(Self { name: name.to_owned(), notifier, settings })
    }

    /// The value of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.list(key).first().map(String::as_str)
    }
    /// The values of a key.
    pub fn list(&self, key: &str) -> &[String] {
        self.settings.get(key).map_or(&[], Vec::as_slice)
    }
    /// Where the secret of a key lies.
    pub fn secret(&self, key: &str) -> Option<SecretName> {
        self.text(key).map(|name| SecretName(name.to_owned()))
    }
    /// An address, which may be a secret.
    pub fn address(&self, key: &str) -> Secretive {
        match self.text(key) {
            Some(name) if is_secret(name) => Secretive::Secret(SecretName(name.to_owned())),
            url => Secretive::Plain(url.unwrap_or_default().to_owned()),
        }
    }
    /// An address below the one of a key.
    pub fn below(&self, key: &str, path: &str) -> Secretive {
        let base = self.text(key).unwrap_or_default().trim_end_matches('/');
        Secretive::Plain(format!("{base}{path}"))
    }
}

impl Shape {
    /// Whether the values are of this form; else what they must be.
    fn check(self, values: &[String]) -> Result<(), String> {
        let many = matches!(self, Self::Secrets | Self::Mails | Self::Lines);
        if values.is_empty() || (!many && values.len() > 1) {
            return Err(if many { "must not be empty" } else { "must be one value" }.to_owned());
        }
        if values.iter().any(|value| value.trim().is_empty() || value.contains(char::is_control)) {
            return Err("must be text of one line".to_owned());
        }
        let all = |fits: fn(&str) -> bool| values.iter().all(|value| fits(value));
        let (fits, want) = match self {
            Self::Line | Self::Lines => (true, ""),
            Self::Url => (all(is_url), "must be an address that begins with https:// or http://"),
            Self::Secret | Self::Secrets => {
                (all(is_secret), "must say where the secret lies: env:NAME or file:PATH")
            }
            Self::SecretUrl => (
                all(|value| is_url(value) || is_secret(value)),
                "must be an address, or say where it lies: env:NAME or file:PATH",
            ),
            Self::Mails | Self::Mail => (all(is_mail), "must be a mail address"),
            Self::Phone => (all(is_phone), "must be a telephone number such as +4915112345678"),
            Self::Topic => (all(is_topic), "must be the ARN of an SNS topic"),
            Self::Word(words) => {
                let fits = values.iter().all(|value| words.contains(&value.as_str()));
                let want = format!("must be one of: {}", words.join(", "));
                return if fits { Ok(()) } else { Err(want) };
            }
        };
        if fits { Ok(()) } else { Err(want.to_owned()) }
    }
}

fn is_secret(value: &str) -> bool {
    ["env:", "file:"].iter().any(|form| value.strip_prefix(form).is_some_and(|n| !n.is_empty()))
}

fn is_url(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let clean = |rest: &str| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A password in an address would be in every log of every proxy.
        !host.is_empty() && !host.contains('@') && !rest.contains(char::is_whitespace)
    };
    rest.is_some_and(clean)
}

/// `name@host` or `Name <name@host>`.
fn is_mail(value: &str) -> bool {
    let bare = match value.rsplit_once('<') {
        Some((_, rest)) => match rest.strip_suffix('>') {
            Some(bare) => bare,
            None => return false,
        },
        None => value,
    };
    let Some((user, host)) = bare.split_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || "<>@,;:\\\"()".contains(c))
    };
    plain(user) && plain(host)
}

fn is_phone(value: &str) -> bool {
    let digits = value.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_topic(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    matches!(parts.as_slice(), ["arn", _, "sns", region, account, name]
        if !region.is_empty() && wk_model::AccountId::fits(account) && !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(kind: &str, settings: &[(&str, &str)]) -> Result<Channel, String> {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in settings {
            map.entry((*key).to_owned()).or_default().push((*value).to_owned());
        }
        Channel::new("team", kind, map).map_err(|e| e.to_string())
    }

    #[test]
    fn a_channel_that_cannot_work_is_refused_by_key() {
        let topic = "arn:aws:sns:eu-west-1:111122223333:alarms";
        assert!(channel("sns", &[("topic", topic)]).is_ok());
        for (kind, settings, named) in [
            ("smoke", &[][..], "kind \"smoke\" is unknown"),
            ("sns", &[], "needs topic"),
            ("sns", &[("topic", "arn:aws:sqs:eu-west-1:111122223333:q")], "ARN of an SNS topic"),
            ("sns", &[("topic", topic), ("subject", "x")], "no key \"subject\""),
            ("sns", &[("topic", topic), ("form", "xml")], "one of: text, json"),
            ("pagerduty", &[("routing_key", "hunter2")], "env:NAME or file:PATH"),
            ("slack", &[("url", "https://u:p@hooks.example/x")], "must be an address"),
            ("email", &[("from", "a@b"), ("to", "a@b\r\nBcc: c@d")], "text of one line"),
            ("email", &[("from", "a@b"), ("to", "a@b,c@d")], "must be a mail address"),
            ("sms", &[("to", "0151")], "telephone number"),
        ] {
            let error = channel(kind, settings).unwrap_err();
            assert!(error.contains(named), "{kind}: {error}");
            assert!(!error.contains("hunter2"), "a secret that was put there is not repeated");
        }
    }
}
