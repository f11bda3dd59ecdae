//! The client against a service that pages, throttles, fails, hangs up and lies.

use serde_json::{Value, json};
use wk_model::AccountId;
use wk_seam::aws::{AwsErrorKind, AwsRead as _, ReadCall, Target, ask};

use crate::calls::{DescribeVpcs, GetDetector, ListAccounts, StopLogging};
use crate::service::{Asked, Reply, Service, client, client_at, wait_for};

fn json_reply(status: u16, body: &Value) -> Reply {
    (status, vec![("x-amzn-RequestId", "r-1".into())], body.to_string())
}

fn ok(body: &Value) -> Reply {
    json_reply(200, body)
}

fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

#[test]
fn paging_does_not_stop_at_page_one() {
    let service = Service::start(|before, asked| {
        let from = body(asked)["NextToken"].as_str().map_or(0, |t| t.parse::<usize>().unwrap());
        assert_eq!(from, before);
        let next = if before < 11 { json!((before + 1).to_string()) } else { Value::Null };
        // A page may be empty in the middle.
        let accounts = if before == 3 { json!([]) } else { json!([{"Id": before}]) };
        ok(&json!({"Accounts": accounts, "NextToken": next}))
    });
    let (client, notes) = client(&service.url);
    let read = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap();
    assert!(read.is_whole());
    assert_eq!(read.pages.iter().map(|p| p.accounts.len()).sum::<usize>(), 11);
    let pages: Vec<u32> = notes.records().iter().map(|r| r.page).collect();
    assert_eq!(pages, (1..=12).collect::<Vec<_>>());
    assert_eq!(read.request_ids.len(), 12);
}

#[test]
fn a_limit_on_pages_shows_in_the_answer_and_reading_goes_on_from_there() {
    let service =
        Service::start(|before, _| ok(&json!({"Accounts": [], "NextToken": format!("t{before}")})));
    let (client, _) = client(&service.url);
    let mut call = ReadCall::of(&ListAccounts, Target::default());
    call.pages_max = 3;
    let read = wait_for(client.read(&call)).unwrap();
    assert_eq!((read.pages.len(), read.next.as_deref(), read.is_whole()), (3, Some("t2"), false));
    call.from = read.next;
    call.pages_max = 1;
    assert_eq!(wait_for(client.read(&call)).unwrap().pages.len(), 1);
    assert_eq!(body(&service.asked()[3])["NextToken"], "t2");
}

#[test]
fn a_token_that_comes_again_is_an_error_and_not_an_endless_list() {
    let service = Service::start(|before, _| {
        ok(&json!({"Accounts": [], "NextToken": format!("t{}", before % 4)}))
    });
    let (client, _) = client(&service.url);
    let error = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::TokenRepeated);
    assert!(error.to_string().contains("page 5 leads back"), "{error}");
}

#[test]
fn ec2_pages_by_another_spelling_and_speaks_xml() {
    let service = Service::start(|before, _| {
        let token = if before == 0 { "<nextToken>more</nextToken>" } else { "<nextToken/>" };
        let xml = format!(
            "<DescribeVpcsResponse xmlns=\"urn:x\"><requestId>r-{before}</requestId><vpcSet><item><vpcId>vpc-{before}</vpcId></item></vpcSet>{token}</DescribeVpcsResponse>"
        );
        (200, Vec::new(), xml)
    });
    let (client, _) = client(&service.url);
    let read = wait_for(ask(&client, &DescribeVpcs, Target::default())).unwrap();
    let vpcs: Vec<&str> =
        read.pages.iter().flat_map(|p| &p.vpcs).filter_map(|v| v["vpcId"].as_str()).collect();
    assert_eq!(vpcs, ["vpc-0", "vpc-1"]);
    assert_eq!(read.request_ids, ["r-0", "r-1"]);
    assert!(service.asked()[1].body.ends_with("&NextToken=more"), "{:?}", service.asked());
}

#[test]
fn a_throttled_read_waits_and_comes_through() {
    let service = Service::start(|before, _| match before {
        0 => json_reply(400, &json!({"__type": "ThrottlingException", "message": "slow"})),
        1 => (503, Vec::new(), "<html>later</html>".into()),
        2 => (0, Vec::new(), String::new()),
        _ => ok(&json!({"Accounts": []})),
    });
    let (client, notes) = client(&service.url);
    let read = wait_for(ask(&client, &ListAccounts, Target::default()));
    assert!(read.is_ok(), "{read:?}");
    let records = notes.records();
    assert_eq!((records.len(), records[0].retries, records[0].status), (1, 3, Some(200)));
    // Three waits with jitter, and turns at the rate that was halved.
    assert!(notes.pauses.lock().unwrap().len() >= 3);
}

#[test]
fn a_service_that_stays_ill_is_left_alone_after_five_attempts() {
    let service = Service::start(|_, _| json_reply(500, &json!({"message": "oh"})));
    let (client, notes) = client(&service.url);
    let error = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap_err();
    assert_eq!((error.kind, error.status), (AwsErrorKind::Service, Some(500)));
    assert!(error.is_transient() && error.to_string().contains("tried 5 times"), "{error}");
    assert_eq!(service.asked().len(), 5);
    assert_eq!(notes.records()[0].error.as_deref(), Some("oh"));
}

#[test]
fn a_denial_is_told_at_once_with_the_permission_that_is_missing() {
    let service = Service::start(|_, _| {
        json_reply(400, &json!({"__type": "AccessDeniedException", "Message": "no\u{1b}[31m"}))
    });
    let (client, notes) = client(&service.url);
    let error = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap_err();
    let said = error.to_string();
    assert_eq!(error.kind, AwsErrorKind::Denied);
    assert!(said.contains("allow organizations:ListAccounts") && said.contains("r-1"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert_eq!(service.asked().len(), 1);
    assert_eq!(notes.records()[0].error.as_deref(), Some("AccessDeniedException"));
}

#[test]
fn an_answer_that_is_none_is_told_and_never_taken_for_an_empty_one() {
    for rubbish in ["<html>sign in to the network</html>", "{\"Accounts\":", "{\"Accounts\": 7}"] {
        let service = Service::start(|_, _| (200, Vec::new(), rubbish.into()));
        let (client, _) = client(&service.url);
        let error = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap_err();
        assert_eq!(error.kind, AwsErrorKind::Malformed, "{rubbish}");
    }
}

#[test]
fn a_wrong_clock_is_corrected_by_the_service_s() {
    let service = Service::start(|_, asked| {
        let date = ("Date", "Sun, 30 Aug 2015 13:06:00 GMT".to_owned());
        if asked.header("x-amz-date") == "20150830T130600Z" {
            return (200, vec![date], json!({"Accounts": []}).to_string());
        }
        let no = json!({"__type": "InvalidSignatureException", "message": "Signature expired"});
        (403, vec![date], no.to_string())
    });
    let (client, notes) = client(&service.url);
    assert!(wait_for(ask(&client, &ListAccounts, Target::default())).is_ok());
    assert_eq!(client.clock_ahead_seconds(), Some(1800));
    // The next call is right at once.
    assert!(wait_for(ask(&client, &ListAccounts, Target::default())).is_ok());
    let dates: Vec<String> =
        service.asked().iter().map(|a| a.header("x-amz-date").to_owned()).collect();
    assert_eq!(dates, ["20150830T123600Z", "20150830T130600Z", "20150830T130600Z"]);
    assert_eq!(notes.records().len(), 2);
}

#[test]
fn wrong_keys_are_not_taken_for_a_wrong_clock() {
    let service = Service::start(|_, _| {
        let date = ("Date", "Sun, 30 Aug 2015 12:36:30 GMT".to_owned());
        (403, vec![date], json!({"__type": "UnrecognizedClientException"}).to_string())
    });
    let (client, _) = client(&service.url);
    let error = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap_err();
    assert_eq!((error.kind, service.asked().len()), (AwsErrorKind::Credentials, 1));
}

#[test]
fn a_change_is_refused_on_the_way_to_read_and_never_sent() {
    let service = Service::start(|_, _| ok(&json!({})));
    let (client, _) = client(&service.url);
    let error = wait_for(ask(&client, &StopLogging, Target::default())).unwrap_err();
    assert!(error.to_string().contains("was not sent"), "{error}");
    assert!(service.asked().is_empty());
}

const CREDENTIALS: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>SeCrEt-2</SecretAccessKey><SessionToken>SeCrEt-token</SessionToken><Expiration>2015-08-30T13:36:00Z</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r-sts</RequestId></ResponseMetadata></AssumeRoleResponse>";

#[test]
fn another_account_is_entered_once_by_its_role_with_the_external_id() {
    let service = Service::start(|_, asked| {
        if asked.body.starts_with("Action=AssumeRole") {
            return (200, Vec::new(), CREDENTIALS.into());
        }
        ok(&json!({"Status": "ENABLED"}))
    });
    let (client, notes) = client(&service.url);
    let other = AccountId::try_from("444455556666".to_owned()).unwrap();
    let target = Target { account: Some(other), region: Some("eu-west-1".into()) };
    for _ in 0..3 {
        let read = wait_for(ask(&client, &GetDetector("d1"), target.clone())).unwrap();
        assert_eq!(read.pages[0]["Status"], "ENABLED");
    }
    let asked = service.asked();
    assert_eq!(asked.len(), 4, "the role is assumed once");
    let wanted = [
        "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Fwatchkeeper-reader",
        "RoleSessionName=watchkeeper",
        "ExternalId=an-outside-id",
    ];
    assert!(wanted.iter().all(|part| asked[0].body.contains(part)), "{:?}", asked[0]);
    assert_eq!((asked[1].method.as_str(), asked[1].path.as_str()), ("GET", "/detector/d1"));
    assert_eq!(asked[1].header("x-amz-security-token"), "SeCrEt-token");
    assert!(asked[1].header("authorization").contains("ASIAOTHER/20150830/eu-west-1/guardduty"));
    let records = notes.records();
    assert_eq!(records[0].parameters["ExternalId"], "***");
    let principals: Vec<&str> = records.iter().map(|r| r.principal.as_str()).collect();
    assert_eq!(principals[..2], ["AKIAEXAMPLE", "ASIAOTHER"]);
    assert_eq!(records[1].account.as_deref(), Some("444455556666"));
    assert!(!format!("{records:?}").contains("SeCrEt"), "{records:?}");
}

#[test]
fn a_role_that_is_refused_says_which_and_why() {
    let service = Service::start(|_, _| {
        let no = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error><RequestId>r-9</RequestId></ErrorResponse>";
        (403, Vec::new(), no.into())
    });
    let (client, _) = client(&service.url);
    let other = AccountId::try_from("444455556666".to_owned()).unwrap();
    let target = Target { account: Some(other.clone()), region: None };
    let error = wait_for(ask(&client, &GetDetector("d1"), target.clone())).unwrap_err();
    let said = error.to_string();
    assert_eq!(error.kind, AwsErrorKind::Credentials);
    for part in
        ["arn:aws:iam::444455556666:role/watchkeeper-reader", "AccessDenied", "not you", "r-9"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (roleless, _) = client_at(&service.url, None, crate::service::NOW);
    let error = wait_for(ask(&roleless, &GetDetector("d1"), target)).unwrap_err();
    assert!(error.to_string().contains("no role is set up"), "{error}");
}

#[test]
fn no_answer_is_told_with_the_host_and_what_to_look_at() {
    // Port 9 of loopback: nothing listens there.
    let (client, notes) = client("http://127.0.0.1:9");
    let error = wait_for(ask(&client, &ListAccounts, Target::default())).unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::Unreachable);
    assert!(error.to_string().contains("127.0.0.1") && error.is_transient(), "{error}");
    assert_eq!((notes.records()[0].retries, notes.records()[0].status), (4, None));
}
