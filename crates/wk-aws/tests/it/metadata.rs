//! Container and instance metadata, and what is said when nothing is there.

use std::time::Duration;

use crate::asker::{Asker, SECRET};
use crate::stub::Stub;

fn credentials(key: &str) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{key}","SecretAccessKey":"{SECRET}","Token":"{SECRET}","Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn slow_a_container_gives_credentials_for_its_token() {
    let stub = Stub::start(vec![("GET /creds", 200, credentials("ASIATASK"))]);
    let said = Asker::new()
        .var("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/creds", stub.url))
        .var("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic token")
        // A proxy of the environment must not see it.
        .var("HTTP_PROXY", "http://127.0.0.1:9")
        .ask();
    assert_eq!((said.get("key"), said.get("expires")), ("ASIATASK", "2099-01-01T00:00:00Z"));
    let asked = stub.asked();
    assert_eq!(asked.len(), 1, "twenty callers share one call");
    assert!(asked[0].to_lowercase().contains("authorization: basic token"), "{asked:?}");
}

#[test]
fn slow_an_instance_gives_credentials_and_region() {
    let role = "GET /latest/meta-data/iam/security-credentials/";
    let stub = Stub::start(vec![
        ("PUT /latest/api/token", 200, "a-token".into()),
        ("GET /latest/meta-data/placement/region", 200, "eu-north-1".into()),
        ("GET /latest/meta-data/iam/security-credentials/watch ", 200, credentials("ASIAROLE")),
        (role, 200, "watch".into()),
    ]);
    let said = Asker::new()
        .var("AWS_EC2_METADATA_DISABLED", "false")
        .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", stub.url.clone())
        .ask();
    assert_eq!((said.get("key"), said.get("region")), ("ASIAROLE", "eu-north-1"));
    let asked = stub.asked();
    let without_token = |r: &&String| r.starts_with("GET") && !r.contains("a-token");
    assert_eq!(asked.iter().find(without_token), None, "IMDSv2 only");
}

#[test]
fn slow_metadata_serves_a_profile_that_names_it() {
    let stub = Stub::start(vec![
        ("PUT /latest/api/token", 200, "a-token".into()),
        ("GET /latest/meta-data/iam/security-credentials/watch ", 200, credentials("ASIAROLE")),
        ("GET /latest/meta-data/iam/security-credentials/", 200, "watch".into()),
        ("POST /", 403, refusal()),
    ]);
    let said = Asker::new()
        .config("[profile hop]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Ec2InstanceMetadata\nregion = eu-west-1\n")
        .var("AWS_EC2_METADATA_DISABLED", "false")
        .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", stub.url.clone())
        .var("AWS_ENDPOINT_URL", stub.url.clone())
        .profile("hop")
        .ask();
    assert!(said.error().contains("AccessDenied: not you (request r-7)"), "{said:?}");
    assert!(stub.asked().iter().any(|r| r.starts_with("POST") && r.contains("ASIAROLE")));
}

/// As STS writes it.
pub(crate) fn refusal() -> String {
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message>\
     </Error><RequestId>r-7</RequestId></ErrorResponse>"
        .into()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn slow_off_ec2_everything_tried_is_told_within_seconds() {
    let (_listener, silent) = Stub::silent();
    let started = std::time::Instant::now();
    let said = Asker::new()
        .var("AWS_EC2_METADATA_DISABLED", "false")
        .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent)
        .ask();
    let error = said.error();
    let tried = [
        "environment: ",
        "profile \"default\": ",
        "web identity: ",
        "container: ",
        "instance metadata: ",
    ];
    assert!(tried.iter().all(|source| error.contains(source)), "{error}");
    assert!(error.contains("no credentials found") && error.contains("aws sso login"), "{error}");
    // A second for the region and one for credentials; the rest is slack for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
