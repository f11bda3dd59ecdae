//! The shared config and credentials files: which profile, and what advice it gives.
//!
//! * A profile is chosen as the AWS CLI does it: the one asked for, else `AWS_DEFAULT_PROFILE`,
//!   else `AWS_PROFILE`, else `default`.
//! * A profile that is named and does not exist is an error, not a reason to look elsewhere.

use aws_config::profile::{Profile, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use crate::error::{CredentialError, Told};

/// The longest row of `source_profile` that is followed.
const SOURCES_MAX: usize = 16;

/// The profile whose credentials are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) name: String,
    /// Named by the caller: then keys in the environment do not count, as with the CLI.
    pub(crate) asked_for: bool,
}

/// The shared files as they are now.
pub(crate) struct Profiles {
    set: ProfileSet,
    name: String,
}

impl Choice {
    pub(crate) fn new(asked_for: Option<&str>, env: &Env) -> Self {
        if let Some(name) = asked_for {
            return Self { name: name.to_owned(), asked_for: true };
        }
        let named = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"]
            .into_iter()
            .filter_map(|variable| env.get(variable).ok())
            .find(|name| !name.trim().is_empty());
        Self { name: named.unwrap_or_else(|| "default".to_owned()), asked_for: false }
    }
}

impl Profiles {
    pub(crate) async fn read(choice: &Choice, env: &Env, fs: &Fs) -> Result<Self, CredentialError> {
        let name = choice.name.clone();
        let files = Default::default();
        let set = aws_config::profile::load(fs, env, &files, Some(name.clone().into()))
            .await
            .map_err(|e| CredentialError::Files(Told::of(&e)))?;
        if set.get_profile(&name).is_none() && name != "default" {
            let mut known: Vec<String> = set.profiles().map(str::to_owned).collect();
            known.sort();
            return Err(CredentialError::NoSuchProfile { profile: name, known });
        }
        Ok(Self { set, name })
    }

    /// Whether there is such a section; `default` may be missing.
    pub(crate) fn chosen_exists(&self) -> bool {
        self.set.get_profile(&self.name).is_some()
    }

    /// The file of certificates that environment or profile name, if any.
    pub(crate) fn ca_bundle(&self, env: &Env) -> Option<String> {
        let named = env.get("AWS_CA_BUNDLE").ok();
        let of_profile = || self.set.get_profile(&self.name)?.get("ca_bundle").map(str::to_owned);
        named.filter(|path| !path.is_empty()).or_else(of_profile)
    }

    /// The profile to sign in with by `aws sso login`, if the chosen one rests on one.
    pub(crate) fn signs_in_by_sso(&self) -> Option<&str> {
        self.resting_on(|profile| {
            profile.get("sso_session").or(profile.get("sso_start_url")).is_some()
        })
    }

    /// The profile that `aws login` signs in, if the chosen one rests on one.
    pub(crate) fn signs_in_by_console(&self) -> Option<&str> {
        self.resting_on(|profile| profile.get("login_session").is_some())
    }

    /// The profile whose role needs a code, if the chosen one rests on one.
    pub(crate) fn needs_code(&self) -> Option<&str> {
        self.resting_on(|profile| profile.get("mfa_serial").is_some())
    }

    /// The first with such a property among the chosen profile and those it rests on.
    fn resting_on(&self, has: impl Fn(&Profile) -> bool) -> Option<&str> {
        let chosen = self.set.get_profile(&self.name);
        std::iter::successors(chosen, |profile| {
            self.set.get_profile(profile.get("source_profile")?)
        })
        .take(SOURCES_MAX)
        .find(|profile| has(profile))
        .map(Profile::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_chosen_as_the_cli_does_it() {
        let env = |vars: &[(&'static str, &'static str)]| Env::from_slice(vars);
        let name = |asked_for, vars: &[(&'static str, &'static str)]| {
            Choice::new(asked_for, &env(vars)).name
        };
        assert_eq!(name(None, &[]), "default");
        assert_eq!(name(None, &[("AWS_PROFILE", "dev")]), "dev");
        assert_eq!(name(None, &[("AWS_PROFILE", " ")]), "default");
        let both = [("AWS_PROFILE", "dev"), ("AWS_DEFAULT_PROFILE", "ops")];
        assert_eq!(name(None, &both), "ops");
        assert_eq!(name(Some("prod"), &both), "prod");
    }

    const CONFIG: &str = "
        [profile audit]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = hub
        [profile hub]\nrole_arn = arn:aws:iam::111122223333:role/h\nsource_profile = people
        mfa_serial = arn:aws:iam::111122223333:mfa/x
        [profile people]\nsso_session = main\nsso_account_id = 111122223333\nsso_role_name = r
        [profile loop]\nrole_arn = arn:aws:iam::111122223333:role/l\nsource_profile = loop
        [profile console]\nlogin_session = arn:aws:iam::111122223333:user/u";

    async fn read(name: &str) -> Result<Profiles, CredentialError> {
        // Indented lines would continue the property above them.
        let config: Vec<&str> = CONFIG.lines().map(str::trim).collect();
        let fs = Fs::from_slice(&[("/config", &config.join("\n"))]);
        let env = Env::from_slice(&[
            ("HOME", "/"),
            ("AWS_CONFIG_FILE", "/config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/config"),
        ]);
        Profiles::read(&Choice { name: name.into(), asked_for: true }, &env, &fs).await
    }

    #[tokio::test]
    async fn advice_comes_from_the_profile_at_the_end_of_the_row() {
        let audit = read("audit").await.unwrap();
        assert_eq!(audit.signs_in_by_sso(), Some("people"));
        assert_eq!(audit.needs_code(), Some("hub"));
        assert_eq!(audit.signs_in_by_console(), None);
        assert_eq!(read("console").await.unwrap().signs_in_by_console(), Some("console"));
    }

    #[tokio::test]
    async fn a_row_without_end_is_followed_no_further() {
        assert_eq!(read("loop").await.unwrap().signs_in_by_sso(), None);
    }

    #[tokio::test]
    async fn a_profile_that_does_not_exist_is_named_with_those_that_do() {
        let error = read("prod").await.err().unwrap().to_string();
        assert!(error.contains("\"prod\"") && error.contains("audit, console, hub"), "{error}");
        assert!(read("default").await.is_ok());
    }
}
