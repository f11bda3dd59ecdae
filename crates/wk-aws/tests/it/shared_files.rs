//! Environment, config and credentials files, processes.

use crate::asker::{Asker, SECRET};

const KEYS: &str = "aws_access_key_id = AKIAPROFILE\naws_secret_access_key = SeCrEt-profile\n";

fn with_env_keys(asker: Asker) -> Asker {
    asker.var("AWS_ACCESS_KEY_ID", "AKIAENV").var("AWS_SECRET_ACCESS_KEY", "SeCrEt-env")
}

#[test]
fn slow_keys_come_from_the_environment() {
    let asker = with_env_keys(Asker::new()).var("AWS_REGION", "eu-west-1");
    let said = asker.var("AWS_SESSION_TOKEN", "SeCrEt-token").ask();
    assert_eq!((said.get("key"), said.get("secret")), ("AKIAENV", "SeCrEt-env"));
    assert_eq!((said.get("session"), said.get("region")), ("true", "eu-west-1"));
    assert_eq!((said.get("s3_endpoint"), said.get("alike")), ("", "true"));
}

#[test]
fn slow_a_profile_asked_for_goes_before_the_keys_of_the_environment() {
    let asker = || with_env_keys(Asker::new()).config(&format!("[profile dev]\n{KEYS}"));
    assert_eq!(asker().profile("dev").ask().get("key"), "AKIAPROFILE");
    // The environment's own choice of profile does not, as with the CLI.
    assert_eq!(asker().var("AWS_PROFILE", "dev").ask().get("key"), "AKIAENV");
}

#[test]
fn slow_config_and_credentials_files_are_one() {
    let said = Asker::new()
        .config("[profile dev]\nregion = ap-south-1\n")
        .file(".aws/credentials", &format!("[dev]\n{KEYS}"))
        .var("AWS_PROFILE", "dev")
        .ask();
    assert_eq!((said.get("key"), said.get("region")), ("AKIAPROFILE", "ap-south-1"));
}

#[test]
fn slow_the_endpoint_of_s3_comes_from_where_the_cli_takes_it() {
    let config = format!(
        "[default]\n{KEYS}endpoint_url = http://profile\nservices = local\n\
         [services local]\ns3 =\n  endpoint_url = http://service\n\
         [profile plain]\n{KEYS}endpoint_url = http://profile\n"
    );
    let asker = || Asker::new().config(&config).var("AWS_REGION", "us-east-1");
    let endpoint = |asker: Asker| asker.ask().get("s3_endpoint").to_owned();
    assert_eq!(endpoint(asker()), "http://service");
    assert_eq!(endpoint(asker().profile("plain")), "http://profile");
    let global = || asker().var("AWS_ENDPOINT_URL", "http://global");
    assert_eq!(endpoint(global()), "http://global");
    assert_eq!(endpoint(global().var("AWS_ENDPOINT_URL_S3", "http://s3")), "http://s3");
    assert_eq!(endpoint(asker().var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")), "");
}

#[test]
fn slow_a_profile_that_does_not_exist_is_an_error_before_anything_is_asked() {
    let said = with_env_keys(Asker::new()).config("[profile dev]\n").profile("prod").ask();
    let told = "there is no profile \"prod\" in the AWS config or credentials file; there are dev";
    assert!(said.error().contains(told), "{said:?}");
    assert_eq!(said.get("transient"), "false");
}

#[test]
fn slow_a_role_on_a_profile_that_does_not_exist_is_an_error() {
    let role = "role_arn = arn:aws:iam::111122223333:role/r\nsource_profile = gone\n";
    let said = Asker::new().config(&format!("[profile dev]\n{role}")).profile("dev").ask();
    let error = said.error();
    assert!(error.contains("profile \"dev\" gave no credentials"), "{error}");
    assert!(error.contains("gone"), "{error}");
}

#[test]
fn slow_a_malformed_file_is_named_with_its_line() {
    let said = Asker::new().config("[profile dev\n").profile("dev").ask();
    let error = said.error();
    assert!(error.contains("config") && error.contains("line 1"), "{error}");
}

#[test]
fn slow_a_process_gives_credentials_with_their_end() {
    let json = format!(
        r#"{{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"{SECRET}","SessionToken":"{SECRET}","Expiration":"2099-01-01T00:00:00Z"}}"#
    );
    let asker = Asker::new().file("answer.json", &json);
    let command = format!("[default]\ncredential_process = cat {}\n", asker.path("answer.json"));
    let said = asker.config(&command).ask();
    assert_eq!((said.get("key"), said.get("secret")), ("ASIAPROCESS", SECRET));
    assert_eq!(said.get("expires"), "2099-01-01T00:00:00Z");
}

#[test]
fn slow_what_a_failing_process_says_is_told() {
    let process = "[default]\ncredential_process = sh -c 'echo no vault >&2; exit 3'\n";
    let said = Asker::new().config(process).ask();
    let error = said.error();
    assert!(error.contains("profile \"default\" gave no credentials"), "{error}");
    assert!(error.contains("no vault"), "{error}");
}

#[test]
fn slow_a_process_that_prints_nonsense_shows_no_secret() {
    let said = Asker::new()
        .config("[default]\ncredential_process = echo '{\"SecretAccessKey\": \"SeCrEt\", x'\n")
        .ask();
    assert!(said.error().contains("could not parse response"), "{said:?}");
}

#[test]
fn slow_credentials_that_have_ended_are_not_given_out() {
    let process = r#"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"b","SessionToken":"c","Expiration":"2020-01-01T00:00:00Z"}'"#;
    let said = Asker::new().config(&format!("[default]\ncredential_process = {process}\n")).ask();
    assert!(said.error().contains("2020-01-01T00:00:00Z and it gives no newer ones"), "{said:?}");
    assert_eq!(said.get("transient"), "true");
}

#[test]
fn slow_a_console_login_is_answered_with_the_way_around() {
    let said = Asker::new()
        .config("[profile me]\nlogin_session = arn:aws:iam::111122223333:user/me\n")
        .profile("me")
        .ask();
    assert!(said.error().contains("aws configure export-credentials --profile me"), "{said:?}");
}

#[test]
fn slow_certificates_that_cannot_be_read_are_an_error() {
    let said = Asker::new().var("AWS_CA_BUNDLE", "/nowhere/ca.pem").ask();
    assert!(said.error().contains("\"/nowhere/ca.pem\" (AWS_CA_BUNDLE"), "{said:?}");
}
