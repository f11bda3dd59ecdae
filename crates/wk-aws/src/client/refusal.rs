//! What a service says when it refuses: code, message, and what kind of failure that is.

use serde_json::Value;
use wk_seam::aws::AwsErrorKind;

use super::services::Protocol;
use super::xml;

/// A refusal as the service put it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
}

/// Reads a refusal; what cannot be read leaves the status to speak for itself.
pub(crate) fn read(
    protocol: Protocol,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
) -> Refusal {
    match protocol {
        Protocol::Json { .. } | Protocol::RestJson => of_json(header, body),
        Protocol::Query { .. } | Protocol::Ec2 { .. } | Protocol::RestXml => of_xml(body),
    }
}

fn of_json(header: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Refusal {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |names: [&str; 3]| {
        names.iter().find_map(|name| body.get(*name)?.as_str()).map(str::to_owned)
    };
    // Services that once spoke query keep their old codes in a header of their own.
    let old =
        header("x-amzn-query-error").and_then(|both| both.split(';').next().map(str::to_owned));
    let new = header("x-amzn-errortype").or_else(|| text(["__type", "code", "Code"]));
    let code = old.filter(|code| !code.is_empty()).or(new);
    Refusal {
        code: code.as_deref().map(bare),
        message: text(["message", "Message", "errorMessage"]).unwrap_or_default(),
        request_id: None,
    }
}

fn of_xml(body: &[u8]) -> Refusal {
    let Ok(document) = xml::read(body) else { return Refusal::default() };
    // S3's refusal is the error itself.
    let itself = (document.root == "Error").then_some(&document.content);
    let inside = || ["/Error", "/Errors/Error"].iter().find_map(|at| document.content.pointer(at));
    let error = itself.or_else(inside);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let of_error = |name: &str| text(error.and_then(|error| error.get(name)));
    let request = ["RequestId", "RequestID"].iter().find_map(|name| document.content.get(*name));
    Refusal {
        code: of_error("Code"),
        message: of_error("Message").unwrap_or_default(),
        request_id: text(request),
    }
}

/// The code without the name space before it and the address behind it.
fn bare(code: &str) -> String {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim().to_owned()
}

/// What kind of failure a code and a status are.
pub(crate) fn kind(status: u16, code: &str) -> AwsErrorKind {
    let ends = |ends: &[&str]| ends.iter().any(|end| code.ends_with(end));
    let is = |codes: &[&str]| codes.contains(&code);
    if is(THROTTLED) || status == 429 {
        AwsErrorKind::Throttled
    } else if is(CLOCK) {
        AwsErrorKind::Skewed
    } else if is(CREDENTIALS) {
        AwsErrorKind::Credentials
    } else if is(NOT_ENABLED) {
        AwsErrorKind::NotEnabled
    } else if is(DENIED)
        || ends(&["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
    {
        AwsErrorKind::Denied
    } else if ends(&["NotFound", "NotFoundException", "DoesNotExist", "NonExistentQueue"])
        || code.starts_with("NoSuch")
    {
        AwsErrorKind::NotFound
    } else if status >= 500 || is(OF_THE_SERVICE) {
        AwsErrorKind::Service
    } else if status == 403 {
        AwsErrorKind::Denied
    } else {
        AwsErrorKind::Invalid
    }
}

const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "Throttled",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "SlowDown",
    "EC2ThrottledException",
    "KMSThrottledException",
    "AWS.SimpleQueueService.RequestThrottled",
];
const CLOCK: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"];
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "InvalidSignature",
    "InvalidAccessKeyId",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
];
const NOT_ENABLED: &[&str] = &[
    "OptInRequired",
    "SubscriptionRequiredException",
    "AWSOrganizationsNotInUseException",
    // Security Hub's word for an account that has not switched it on.
    "InvalidAccessException",
];
const DENIED: &[&str] = &["AuthorizationError", "AuthorizationErrorException", "NotAuthorized"];
const OF_THE_SERVICE: &[&str] = &[
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "InternalServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "RequestTimeout",
    "RequestTimeoutException",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(protocol: Protocol, headers: &[(&str, &str)], body: &str) -> Refusal {
        let header = |name: &str| {
            headers.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        read(protocol, &header, body.as_bytes())
    }

    fn refusal(code: &str, message: &str, request_id: Option<&str>) -> Refusal {
        Refusal {
            code: Some(code.into()),
            message: message.into(),
            request_id: request_id.map(str::to_owned),
        }
    }

    #[test]
    fn every_protocol_has_its_own_way_to_say_no() {
        let json = Protocol::Json { version: "1.1", target: "T" };
        let said =
            read_with(json, &[], r#"{"__type":"com.amazon#AccessDeniedException","Message":"no"}"#);
        assert_eq!(said, refusal("AccessDeniedException", "no", None));
        let old = [("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")];
        let said = read_with(
            json,
            &old,
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}"#,
        );
        assert_eq!(said, refusal("AWS.SimpleQueueService.NonExistentQueue", "gone", None));
        let typed = [("x-amzn-errortype", "BadRequestException:http://internal/")];
        let said = read_with(Protocol::RestJson, &typed, r#"{"message":"bad"}"#);
        assert_eq!(said, refusal("BadRequestException", "bad", None));
        let query = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        let said = read_with(Protocol::Query { version: "1" }, &[], query);
        assert_eq!(said, refusal("AccessDenied", "no", Some("r")));
        let ec2 = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>";
        let said = read_with(Protocol::Ec2 { version: "1" }, &[], ec2);
        assert_eq!(said, refusal("UnauthorizedOperation", "no", Some("r")));
        let s3 = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucketPolicy</Code><Message>no</Message><RequestId>r</RequestId></Error>";
        let said = read_with(Protocol::RestXml, &[], s3);
        assert_eq!(said, refusal("NoSuchBucketPolicy", "no", Some("r")));
    }

    #[test]
    fn a_page_of_a_proxy_is_no_refusal_of_the_service() {
        for protocol in [Protocol::RestJson, Protocol::Query { version: "1" }] {
            assert_eq!(read_with(protocol, &[], "<html>502</html>"), Refusal::default());
        }
    }

    #[test]
    fn a_denial_is_never_taken_for_absence() {
        use AwsErrorKind::*;
        let cases = [
            (403, "AccessDenied", Denied),
            (400, "AccessDeniedException", Denied),
            (403, "UnauthorizedOperation", Denied),
            (403, "", Denied),
            (400, "ThrottlingException", Throttled),
            (503, "SlowDown", Throttled),
            (503, "", Service),
            (400, "InternalFailure", Service),
            (403, "ExpiredToken", Credentials),
            (403, "RequestTimeTooSkewed", Skewed),
            (400, "TrailNotFoundException", NotFound),
            (400, "AWS.SimpleQueueService.NonExistentQueue", NotFound),
            (404, "InvalidVpcID.NotFound", NotFound),
            (400, "AWSOrganizationsNotInUseException", NotEnabled),
            (400, "ValidationException", Invalid),
            (404, "", Invalid),
        ];
        for (status, code, expected) in cases {
            assert_eq!(kind(status, code), expected, "{status} {code}");
        }
    }
}
