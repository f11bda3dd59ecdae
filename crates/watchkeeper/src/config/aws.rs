//! `[aws]`: how AWS is reached, and by which role other accounts are entered.

use anyhow::bail;
use serde::Deserialize;

/// `[aws]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Aws {
    /// Profile of the AWS CLI; else the one that the environment names.
    pub(crate) profile: Option<String>,
    /// Region of calls that name none; else that of the profile.
    pub(crate) region: Option<String>,
    /// Endpoint of a stand-in for AWS.
    pub(crate) endpoint: Option<String>,
    /// Name of the role by which other accounts are entered, as `watchkeeper init` makes it.
    pub(crate) role: Option<String>,
    /// The external id that the role's trust asks for.
    pub(crate) external_id: Option<String>,
    /// What CloudTrail shows as the name of our sessions.
    pub(crate) session_name: Option<String>,
}

impl Aws {
    /// The same as the client wants it.
    ///
    /// # Errors
    /// If a name cannot be one.
    pub(crate) fn settings(&self) -> anyhow::Result<wk_aws::Settings> {
        let role = match &self.role {
            None if self.external_id.is_some() => {
                bail!("[aws] external_id is for the role in other accounts, and no `role` is named")
            }
            None => None,
            Some(name) => Some(wk_aws::RoleHop {
                name: checked("role", name, 512, "+=,.@_-/")?,
                external_id: match &self.external_id {
                    None => None,
                    Some(id) => Some(checked("external_id", id, 1224, "+=,.@:/-_")?),
                },
                session_name: checked(
                    "session_name",
                    self.session_name.as_deref().unwrap_or("watchkeeper"),
                    64,
                    "+=,.@_-",
                )?,
            }),
        };
        Ok(wk_aws::Settings {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            role,
        })
    }
}

/// A text of letters, digits and these signs, as IAM allows it.
fn checked(key: &str, text: &str, chars_max: usize, signs: &str) -> anyhow::Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    let length = text.chars().count();
    if !(2..=chars_max).contains(&length) || !text.chars().all(fits) {
        bail!("[aws] {key} = {text:?} is none: 2 to {chars_max} letters, digits and {signs}");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<wk_aws::Settings, String> {
        toml::from_str::<Aws>(text).unwrap().settings().map_err(|e| e.to_string())
    }

    #[test]
    fn a_role_has_a_session_and_perhaps_an_external_id() {
        let hop =
            settings("role = 'watchkeeper-reader'\nexternal_id = 'abc'").unwrap().role.unwrap();
        assert_eq!(
            (hop.session_name.as_str(), hop.external_id.as_deref()),
            ("watchkeeper", Some("abc"))
        );
        assert!(settings("").unwrap().role.is_none());
    }

    #[test]
    fn what_iam_would_refuse_is_refused_by_the_key_s_name() {
        assert!(settings("external_id = 'abc'").unwrap_err().contains("[aws] external_id"));
        assert!(settings("role = 'a b'").unwrap_err().contains("[aws] role"));
        let long = format!("role = 'reader'\nsession_name = '{}'", "x".repeat(65));
        assert!(settings(&long).unwrap_err().contains("[aws] session_name"));
    }
}
