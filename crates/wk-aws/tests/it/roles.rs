//! Roles: moto's STS gives them, a stub refuses them.

use std::process::Command;

use crate::asker::Asker;
use crate::metadata::refusal;
use crate::moto::{Moto, python};
use crate::stub::Stub;

const CONFIG: &str = "\
[profile base]
aws_access_key_id = AKIABASE
aws_secret_access_key = SeCrEt-base
region = eu-central-1
[profile hub]
role_arn = arn:aws:iam::111122223333:role/hub
source_profile = base
role_session_name = watchkeeper
[profile audit]
role_arn = arn:aws:iam::444455556666:role/audit
source_profile = hub
external_id = an-outside-id
region = eu-central-1
[profile from-env]
role_arn = arn:aws:iam::111122223333:role/hub
credential_source = Environment
[profile code]
role_arn = arn:aws:iam::111122223333:role/hub
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/someone
";

#[test]
fn moto_a_row_of_roles_is_assumed_once_for_twenty_callers() {
    let Some(moto) = Moto::start() else { return };
    let asker = Asker::new().config(CONFIG).var("AWS_ENDPOINT_URL_STS", moto.url.clone());
    let said = asker.profile("audit").ask();
    assert!(said.get("key").starts_with("ASIA"), "{said:?}");
    assert_eq!((said.get("session"), said.get("region")), ("true", "eu-central-1"));
    // moto makes new keys at every call, so equal ones come from one call.
    assert_eq!(said.get("alike"), "true");
    assert!(!said.get("expires").is_empty() && said.get("s3_endpoint").is_empty());
}

#[test]
fn moto_a_role_rests_on_keys_of_the_environment() {
    let Some(moto) = Moto::start() else { return };
    let asker = Asker::new().config(CONFIG).var("AWS_ENDPOINT_URL", moto.url.clone());
    let said = asker
        .var("AWS_ACCESS_KEY_ID", "AKIAENV")
        .var("AWS_SECRET_ACCESS_KEY", "SeCrEt-env")
        .profile("from-env")
        .ask();
    // No region is named: STS is asked in the first one, and none is claimed.
    assert!(said.get("key").starts_with("ASIA"), "{said:?}");
    assert_eq!((said.get("region"), said.get("s3_endpoint")), ("", moto.url.as_str()));
}

#[test]
fn moto_a_web_identity_is_exchanged_for_a_role() {
    let Some(moto) = Moto::start() else { return };
    let asker = Asker::new()
        .file("token", "a.b.c")
        .config(&format!("[default]\nendpoint_url = {}\nregion = eu-west-1\n", moto.url));
    let token = asker.path("token");
    let said = asker
        .var("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .var("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pod")
        .ask();
    assert!(said.get("key").starts_with("ASIA"), "{said:?}");
}

/// Writes an authority, and a certificate of it for this machine, into a folder.
const CERTIFY: &str = r#"
import datetime as d, ipaddress, os, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
os.chdir(sys.argv[1])
def name(text): return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
def make(who, key, issuer_key, authority):
    now = d.datetime.now(d.timezone.utc)
    at = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return (x509.CertificateBuilder().subject_name(name(who)).issuer_name(name("authority"))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - d.timedelta(days=1)).not_valid_after(now + d.timedelta(days=1))
        .add_extension(x509.BasicConstraints(authority, None), True).add_extension(at, False)
        .sign(issuer_key, hashes.SHA256()).public_bytes(s.Encoding.PEM))
top, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
open("authority.pem", "wb").write(make("authority", top, top, True))
open("server.pem", "wb").write(make("server", key, top, False))
open("server.key", "wb").write(
    key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
"#;

#[test]
fn moto_a_company_s_own_certificates_are_trusted_when_named_and_only_then() {
    let Some(python) = python() else { return };
    let asker = Asker::new().config(CONFIG);
    let made = Command::new(python).args(["-c", CERTIFY, &asker.path("")]).status().unwrap();
    assert!(made.success());
    let (cert, key) = (asker.path("server.pem"), asker.path("server.key"));
    let Some(moto) = Moto::start_with(&["-c", &cert, "-k", &key]) else { return };
    assert!(moto.url.starts_with("https://"), "{}", moto.url);
    let asker = asker.var("AWS_ENDPOINT_URL", moto.url.clone()).profile("hub");
    let said = asker.ask();
    assert!(said.error().contains("certificate"), "{said:?}");
    let authority = asker.path("authority.pem");
    let said = asker.var("AWS_CA_BUNDLE", authority).ask();
    assert!(said.get("key").starts_with("ASIA"), "{said:?}");
}

#[test]
fn slow_the_external_id_and_the_session_name_reach_the_service_that_a_section_names() {
    let stub = Stub::start(vec![("POST /", 403, refusal())]);
    let own = format!("endpoint_url = {}\n", stub.url);
    let config = format!(
        "{CONFIG}[profile outside]\nrole_arn = arn:aws:iam::444455556666:role/o\nexternal_id = an-outside-id\n\
         role_session_name = here\nsource_profile = base\nservices = local\nregion = eu-west-1\n\
         [services local]\nsts =\n  {own}"
    );
    let said = Asker::new().config(&config).profile("outside").ask();
    let error = said.error();
    assert!(error.contains("AccessDenied: not you (request r-7)"), "{error}");
    let asked = stub.asked();
    assert_eq!(asked.len(), 1, "a refusal is not repeated, and twenty callers share it");
    let wanted = ["ExternalId=an-outside-id", "RoleSessionName=here", "AKIABASE", "eu-west-1/sts"];
    assert!(wanted.iter().all(|part| asked[0].contains(part)), "{asked:?}");
}

#[test]
fn slow_a_refused_role_that_needs_a_code_says_so() {
    let stub = Stub::start(vec![("POST /", 403, refusal())]);
    let asker = Asker::new().config(CONFIG).var("AWS_ENDPOINT_URL_STS", stub.url.clone());
    let said = asker.profile("code").ask();
    assert!(said.error().contains("profile \"code\" has an mfa_serial"), "{said:?}");
}

#[test]
fn slow_a_service_that_is_not_reached_may_be_later() {
    // Port 9 of loopback: nothing listens there.
    let asker = Asker::new().config(CONFIG).var("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");
    let said = asker.profile("hub").ask();
    let error = said.error();
    assert!(error.contains("no answer from 127.0.0.1"), "{error}");
    assert_eq!(said.get("transient"), "true");
}
