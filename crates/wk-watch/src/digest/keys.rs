//! The public keys by which digests are verified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use wk_model::Timestamp;
use wk_seam::aws::time;

/// A digest is signed some time after it ends: AWS's own tool looks two hours further for its key.
const SIGNED_LATER_SECONDS: i64 = 2 * 3600;

/// A public key of CloudTrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Region that it is of; none where nobody says.
    pub region: Option<String>,
    /// Its fingerprint, by which digests name it.
    pub fingerprint: String,
    /// The key as PKCS#1 in DER.
    pub der: Vec<u8>,
    /// From when it signs; none where nobody says.
    pub from: Option<Timestamp>,
    /// Until when it signs.
    pub until: Option<Timestamp>,
}

/// The keys that are known.
#[derive(Debug, Clone, Default)]
pub struct Keyring(Vec<Key>);

/// The key of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichKey<'a> {
    /// This one.
    This(&'a Key),
    /// There is one of that fingerprint, which was not valid then.
    NotThen,
    /// There is none of that fingerprint in this region.
    Unknown,
}

impl Keyring {
    /// Adds keys.
    pub fn add(&mut self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            if !self.0.contains(&key) {
                self.0.push(key);
            }
        }
    }

    /// Adds all of another one.
    pub fn add_all(&mut self, other: Self) {
        self.add(other.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key by which a digest of this region and time was signed.
    pub fn find(
        &self,
        region: &str,
        fingerprint: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> WhichKey<'_> {
        let until = until.plus_seconds(SIGNED_LATER_SECONDS);
        let here = |key: &&Key| {
            key.fingerprint.eq_ignore_ascii_case(fingerprint)
                && key.region.as_deref().is_none_or(|r| r == region)
        };
        let then = |key: &&Key| {
            key.from.is_none_or(|start| start <= until) && key.until.is_none_or(|end| end >= from)
        };
        match self.0.iter().filter(here).find(then) {
            Some(key) => WhichKey::This(key),
            None if self.0.iter().any(|key| here(&key)) => WhichKey::NotThen,
            None => WhichKey::Unknown,
        }
    }
}

/// A key as `ListPublicKeys` answers it.
///
/// # Errors
/// If it is not of that form; says why.
pub fn key_of(value: &Value, region: Option<&str>) -> Result<Key, String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let fingerprint = text("Fingerprint").ok_or("a key has no Fingerprint")?;
    let encoded = text("Value").ok_or_else(|| format!("the key {fingerprint:?} has no Value"))?;
    let der = STANDARD
        .decode(encoded)
        .map_err(|e| format!("the Value of the key {fingerprint:?} is no base64: {e}"))?;
    let at = |name: &str| match value.get(name) {
        None => Ok(None),
        Some(given) => {
            time(given.clone()).map_err(|e| format!("{name} of the key {fingerprint:?}: {e}"))
        }
    };
    Ok(Key {
        region: region.map(str::to_owned),
        fingerprint: fingerprint.to_owned(),
        der,
        from: at("ValidityStartTime")?,
        until: at("ValidityEndTime")?,
    })
}

impl Keyring {
    /// Keys from the text of a file: answers of `ListPublicKeys`, one after the other, each with a
    /// `Region` beside its list where somebody wrote one.
    ///
    /// # Errors
    /// If it is something else; says why.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut ring = Self::default();
        for answer in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            let answer = answer.map_err(|e| e.to_string())?;
            let list = answer.get("PublicKeyList").and_then(Value::as_array);
            let list = list.ok_or("it has no PublicKeyList, which ListPublicKeys answers")?;
            let region = answer.get("Region").and_then(Value::as_str);
            for key in list {
                ring.add([key_of(key, region)?]);
            }
        }
        Ok(ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_seconds(1_767_225_600 + hour * 3600) // 2026-01-01
    }

    #[test]
    fn a_key_counts_in_its_region_and_its_time() {
        let file = r#"{"PublicKeyList":[{"Value":"AQID","Fingerprint":"ab","ValidityStartTime":"2026-01-01T00:00:00+00:00","ValidityEndTime":"2026-01-02T00:00:00+00:00"}],"Region":"eu-west-1"}
{"PublicKeyList":[{"Value":"BAU=","Fingerprint":"cd"}]}"#;
        let ring = Keyring::read(file).unwrap();
        let found = |region, print, from| ring.find(region, print, at(from), at(from + 1));
        assert!(matches!(found("eu-west-1", "AB", 1), WhichKey::This(key) if key.der == [1, 2, 3]));
        assert_eq!(found("eu-west-2", "ab", 1), WhichKey::Unknown);
        assert_eq!(found("eu-west-1", "ab", 25), WhichKey::NotThen);
        assert!(matches!(found("eu-west-1", "ab", -2), WhichKey::This(_)), "two hours later");
        assert_eq!(found("eu-west-1", "ab", -4), WhichKey::NotThen);
        assert!(matches!(found("any", "cd", 0), WhichKey::This(_)));
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused_with_the_reason() {
        for (text, why) in [
            ("{}", "PublicKeyList"),
            ("[", "EOF"),
            (r#"{"PublicKeyList":[{}]}"#, "Fingerprint"),
            (r#"{"PublicKeyList":[{"Fingerprint":"a","Value":"?"}]}"#, "base64"),
        ] {
            let error = Keyring::read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
