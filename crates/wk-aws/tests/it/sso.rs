//! IAM Identity Center: the cache that `aws sso login` leaves behind.

use crate::asker::{Asker, SECRET};
use crate::stub::Stub;

/// SHA-1 of the session's name `main`, by which the CLI names the file.
const CACHE: &str = ".aws/sso/cache/b28b7af69320201d1cf206ebf28373980add1451.json";
/// The same of the address, for profiles of the older form.
const CACHE_OF_ADDRESS: &str = ".aws/sso/cache/e8be5486177c5b5392bd9aa76563515b29358e6e.json";

const CONFIG: &str = "\
[sso-session main]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
[profile people]
sso_session = main
sso_account_id = 111122223333
sso_role_name = Audit
region = eu-west-1
[profile older]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = Audit
[profile audit]
role_arn = arn:aws:iam::444455556666:role/audit
source_profile = people
";

fn token(expires: &str) -> String {
    format!(r#"{{"accessToken":"{SECRET}","expiresAt":"{expires}","region":"eu-west-1"}}"#)
}

fn asker(stub: &Stub) -> Asker {
    Asker::new().config(CONFIG).var("AWS_ENDPOINT_URL", stub.url.clone())
}

#[test]
fn slow_a_signed_in_user_gets_the_credentials_of_the_role() {
    let role = format!(
        r#"{{"roleCredentials":{{"accessKeyId":"ASIASSO","secretAccessKey":"{SECRET}","sessionToken":"{SECRET}","expiration":4070908800000}}}}"#
    );
    let stub = Stub::start(vec![("GET /federation/credentials?", 200, role)]);
    let said = asker(&stub).file(CACHE, &token("2099-01-01T00:00:00Z")).profile("people").ask();
    assert_eq!((said.get("key"), said.get("expires")), ("ASIASSO", "2099-01-01T00:00:00Z"));
    let asked = stub.asked();
    assert!(asked[0].contains("account_id=111122223333"), "{asked:?}");
}

#[test]
fn slow_an_expired_sign_in_says_how_to_sign_in() {
    let stub = Stub::start(Vec::new());
    let said = asker(&stub).file(CACHE, &token("2020-01-01T00:00:00Z")).profile("people").ask();
    let error = said.error();
    assert!(error.contains("run `aws sso login --profile people`"), "{error}");
    assert!(error.contains("has expired"), "{error}");
    assert_eq!((said.get("transient"), stub.asked().len()), ("false", 0));
}

#[test]
fn slow_a_role_on_top_of_a_missing_sign_in_names_the_profile_below() {
    let said = asker(&Stub::start(Vec::new())).profile("audit").ask();
    assert!(said.error().contains("run `aws sso login --profile people`"), "{said:?}");
}

#[test]
fn slow_a_sign_in_that_the_portal_refuses_says_so_too() {
    let refused = r#"{"message":"Session token not found or invalid"}"#.to_owned();
    let stub = Stub::start(vec![(
        "GET /federation/credentials?",
        401,
        refused.replacen('{', r#"{"__type":"UnauthorizedException","#, 1),
    )]);
    let said =
        asker(&stub).file(CACHE_OF_ADDRESS, &token("2099-01-01T00:00:00Z")).profile("older").ask();
    assert!(said.error().contains("run `aws sso login --profile older`"), "{said:?}");
}

#[test]
fn slow_a_role_that_is_not_assigned_is_no_matter_of_signing_in() {
    let refused = r#"{"__type":"ForbiddenException","message":"No access"}"#.to_owned();
    let stub = Stub::start(vec![("GET /federation/credentials?", 403, refused)]);
    let said = asker(&stub).file(CACHE, &token("2099-01-01T00:00:00Z")).profile("people").ask();
    let error = said.error();
    assert!(error.contains("No access") && !error.contains("aws sso login"), "{error}");
}
