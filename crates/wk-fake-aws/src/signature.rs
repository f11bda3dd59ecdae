//! Signature version 4, verified with arithmetic of our own: the client's signer must not be its
//! own judge.

use wk_model::{Sha256, Timestamp};

use crate::answer::Refusal;
use crate::http::Request;
use crate::world::World;

/// AWS takes signatures within so many seconds of its own time.
const TOLERANCE_SECONDS: i64 = 300;

/// Who signed a request, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// Verifies the signature, the time and the token of a request.
pub(crate) fn verify(request: &Request, world: &World, now: Timestamp) -> Result<Signed, Refusal> {
    let refuse = |code: &'static str, why: String| Err(Refusal::new(403, code, why));
    let proof = request.header("authorization");
    let Some(parts) = parts(proof) else {
        return refuse("MissingAuthenticationToken", format!("no signature in {proof:?}"));
    };
    let [access_key, day, region, service, "aws4_request"] =
        parts.scope.split('/').collect::<Vec<_>>()[..]
    else {
        return refuse("IncompleteSignature", "the scope is none".into());
    };
    let Some(principal) = world.principal(access_key) else {
        return refuse(
            "InvalidClientTokenId",
            "the security token in the request is invalid".into(),
        );
    };
    let date = request.header("x-amz-date");
    if let Some(at) = time(date) {
        if (at.seconds() - now.seconds()).abs() > TOLERANCE_SECONDS {
            return refuse(
                "InvalidSignatureException",
                format!("Signature expired: {date} is not within 5 minutes of {now}"),
            );
        }
    } else {
        return refuse("IncompleteSignature", format!("{date:?} is no time"));
    }
    let token = principal.token.as_deref().unwrap_or_default();
    if request.header("x-amz-security-token") != token {
        return refuse(
            "InvalidClientTokenId",
            "the security token in the request is invalid".into(),
        );
    }
    if principal.ends.is_some_and(|end| end < now) {
        return refuse(
            "ExpiredToken",
            "the security token included in the request is expired".into(),
        );
    }
    for must in ["host", "x-amz-date"] {
        if !parts.headers.contains(&must) {
            return refuse("SignatureDoesNotMatch", format!("{must} must be signed"));
        }
    }
    let wanted = expected(request, &parts, &principal.secret, day, date);
    if !date.starts_with(day) || wanted != parts.signature {
        return refuse("SignatureDoesNotMatch", "the signature is not that of this request".into());
    }
    Ok(Signed {
        access_key: access_key.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

struct Parts<'a> {
    scope: &'a str,
    headers: Vec<&'a str>,
    signature: &'a str,
}

fn parts(proof: &str) -> Option<Parts<'_>> {
    let rest = proof.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| {
        rest.split(',').map(str::trim).find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    Some(Parts {
        scope: field("Credential")?,
        headers: field("SignedHeaders")?.split(';').collect(),
        signature: field("Signature")?,
    })
}

fn expected(request: &Request, parts: &Parts<'_>, secret: &str, day: &str, date: &str) -> String {
    let mut query = request.query();
    query.sort_unstable();
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: String = parts
        .headers
        .iter()
        .map(|name| {
            let value = request.header(name).split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{name}:{value}\n")
        })
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        request.method,
        twice(request.path()),
        query.join("&"),
        parts.headers.join(";"),
        Sha256::of(&request.body),
    );
    let scope = parts.scope.split_once('/').map_or("", |(_, scope)| scope);
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", Sha256::of(canonical.as_bytes()));
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), day.as_bytes());
    for part in scope.split('/').skip(1) {
        key = hmac(&key.0, part.as_bytes());
    }
    hmac(&key.0, to_sign.as_bytes()).to_string()
}

/// Every service but S3 signs the path as it is sent, written by number once more.
fn twice(path: &str) -> String {
    let mut written = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written = format!("{written}%{byte:02X}");
        }
    }
    written
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Sha256 {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::of(key).0);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::of(&[&padded(0x36)[..], message].concat());
    Sha256::of(&[&padded(0x5c)[..], &inner.0[..]].concat())
}

/// `20150830T123600Z`
fn time(date: &str) -> Option<Timestamp> {
    let b = date.as_bytes();
    if b.len() != 16 || b[8] != b'T' || b[15] != b'Z' || !date.is_ascii() {
        return None;
    }
    let part = |from: usize, to: usize| date.get(from..to).unwrap_or_default();
    Timestamp::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2 and 6.
    #[test]
    fn hmac_is_that_of_the_standard() {
        let first = hmac(&[0x0b; 20], b"Hi There").to_string();
        assert_eq!(first, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        let second = hmac(b"Jefe", b"what do ya want for nothing?").to_string();
        assert_eq!(second, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(
            long.to_string(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn times_of_signatures_are_read() {
        let read = time("20150830T123600Z");
        assert_eq!(read, Timestamp::parse("2015-08-30T12:36:00Z").ok());
        assert_eq!(time("2015-08-30T12:36"), None);
    }
}
