//! Secrets, read where the configuration says that they lie, each time one is needed: so a changed
//! one counts at once.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use wk_seam::courier::SecretName;

/// A secret is shorter than this.
const BYTES_MAX: u64 = 64 * 1024;

/// A secret. It has no `Debug` form that tells it.
#[derive(Clone)]
pub(crate) struct Secret(String);

/// Why a secret cannot be had. Names the place, never what lies there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The place is of no known form.
    #[error("a secret must be named as env:NAME or file:PATH")]
    Form,
    /// The variable is not set, or is empty.
    #[error("the environment variable {name} is not set")]
    Unset {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("the secret in {path} cannot be read: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("the secret in {path} may be read by others: chmod 600 {path}")]
    Open {
        /// Its path.
        path: String,
    },
    /// It is no text, too long or empty.
    #[error("what lies in {place} is no secret: it is {what}")]
    Strange {
        /// The place.
        place: String,
        /// What it is.
        what: &'static str,
    },
}

impl Secret {
    pub(crate) fn read(name: &SecretName) -> Result<Self, SecretError> {
        match (name.0.strip_prefix("env:"), name.0.strip_prefix("file:")) {
            (Some(variable), _) => of_environment(variable),
            (None, Some(path)) => of_file(path),
            (None, None) => Err(SecretError::Form),
        }
    }
    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether the secret can be had, for a check of the configuration.
///
/// # Errors
/// Why not.
pub fn check(name: &SecretName) -> Result<(), SecretError> {
    Secret::read(name).map(drop)
}

#[expect(clippy::disallowed_methods, reason = "the configuration names the variable")]
fn of_environment(variable: &str) -> Result<Secret, SecretError> {
    let unset = || SecretError::Unset { name: variable.to_owned() };
    // A name that the system refuses would be a panic of the standard library.
    if variable.is_empty() || variable.contains(['=', '\0']) {
        return Err(unset());
    }
    let text = std::env::var(variable).map_err(|_| unset())?;
    clean(&text, &format!("env:{variable}"))
}

fn of_file(path: &str) -> Result<Secret, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let strange = |what| SecretError::Strange { place: path.to_owned(), what };
    let about = std::fs::metadata(Path::new(path)).map_err(unreadable)?;
    if !about.is_file() {
        return Err(strange("no file"));
    }
    if about.permissions().mode() & 0o077 != 0 {
        return Err(SecretError::Open { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 == BYTES_MAX {
        return Err(strange("too long"));
    }
    let text = String::from_utf8(bytes).map_err(|_| strange("no text"))?;
    clean(&text, path)
}

/// Without the line end that editors add. What is left must fit into a header.
fn clean(text: &str, place: &str) -> Result<Secret, SecretError> {
    let strange = |what| SecretError::Strange { place: place.to_owned(), what };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(strange("empty"));
    }
    if text.contains(char::is_control) {
        return Err(strange("more than one line"));
    }
    Ok(Secret(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_a_file_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let name = SecretName(format!("file:{}", path.display()));
        assert!(matches!(Secret::read(&name), Err(SecretError::Unreadable { .. })));
        let write = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("s3cret\n", 0o644);
        let error = Secret::read(&name).err().unwrap().to_string();
        assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
        write("s3cret\n", 0o600);
        assert_eq!(Secret::read(&name).ok().unwrap().expose(), "s3cret");
        write("a\nb", 0o600);
        assert!(check(&name).is_err(), "two lines would be two headers");
        write("", 0o600);
        assert!(check(&name).is_err());
    }

    #[test]
    fn a_place_that_is_none_is_refused_without_repeating_a_secret() {
        let said = |name: &str| check(&SecretName(name.to_owned())).unwrap_err().to_string();
        assert!(!said("hunter2").contains("hunter2"));
        assert!(said("env:WATCHKEEPER_NO_SUCH_VARIABLE").contains("NO_SUCH_VARIABLE"));
        assert!(said("env:").contains("not set"));
        assert!(said("file:/").contains("no file"));
    }
}
