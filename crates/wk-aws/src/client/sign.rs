//! Signature version 4: the official signer, always over the digest of the body.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign as official,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use wk_model::Timestamp;
use wk_seam::credentials::Credentials;

/// What is signed.
pub(crate) struct ToSign<'a> {
    pub(crate) method: &'a str,
    /// The whole address, as it will be sent.
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) body: &'a [u8],
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    /// The time that the signature names.
    pub(crate) at: Timestamp,
}

/// The headers that prove who sends the request. They hold the session token.
pub(crate) fn sign(
    request: &ToSign<'_>,
    credentials: &Credentials,
) -> Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    // The digest of the body is in the signature in any case; only S3 wants it as a header too, and
    // takes paths as they are.
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    if request.service == "s3" {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let identity = identity(credentials);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(request.region)
        .name(request.service)
        .time(system_time(request.at))
        .settings(settings)
        .build()?
        .into();
    let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let body = SignableBody::Bytes(request.body);
    let signable = SignableRequest::new(request.method, request.url, headers, body)?;
    let (instructions, _) = official(signable, &params)?.into_parts();
    let added = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(added.collect())
}

fn identity(credentials: &Credentials) -> Identity {
    aws_credential_types::Credentials::new(
        credentials.access_key.clone(),
        credentials.secret_key.clone(),
        credentials.session_token.clone(),
        None,
        "watchkeeper",
    )
    .into()
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The session token of AWS's own examples.
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    /// The signature of a request to `example.amazonaws.com`, with the key, time, region and service
    /// of AWS's published test suite for signature version 4.
    fn signature(method: &str, path: &str, body: &str, token: Option<&str>) -> String {
        let headers: &[(&'static str, String)] = if body.is_empty() {
            &[]
        } else {
            &[
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ("content-length", body.len().to_string()),
                // The suite signs it as a header too, as S3 does.
                ("x-amz-content-sha256", wk_model::Sha256::of(body.as_bytes()).to_string()),
            ]
        };
        let request = ToSign {
            method,
            url: &format!("https://example.amazonaws.com{path}"),
            headers,
            body: body.as_bytes(),
            service: "service",
            region: "us-east-1",
            at: Timestamp::parse("2015-08-30T12:36:00Z").unwrap(),
        };
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: token.map(str::to_owned),
            expires: None,
        };
        let added = sign(&request, &credentials).unwrap();
        let proof = added.iter().find(|(name, _)| name == "authorization").unwrap();
        assert!(
            proof.1.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
            ),
            "{}",
            proof.1
        );
        proof.1.split_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn signatures_are_those_that_aws_published() {
        let cases = [
            (
                "GET",
                "/",
                "",
                None,
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                "",
                None,
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "POST",
                "/?Param1=value1",
                "",
                None,
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
            ),
            (
                "GET",
                "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                "",
                None,
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "POST",
                "/",
                "Param1=value1",
                None,
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
            (
                "POST",
                "/",
                "",
                Some(TOKEN),
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
        ];
        for (method, path, body, token, expected) in cases {
            assert_eq!(signature(method, path, body, token), expected, "{method} {path}");
        }
    }

    #[test]
    fn another_body_is_another_signature() {
        let signed = |body| signature("POST", "/", body, None);
        assert_ne!(signed("Param1=value1"), signed("Param1=value2"));
    }
}
