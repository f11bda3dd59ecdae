//! PagerDuty's REST API as it pages, stalls and limits, on this machine.

use serde_json::{Value, json};

use crate::notify::{home, json, secret};
use crate::post::{Said, api, receiver};
use crate::program::Home;

/// Everything goes to whoever is on call.
const ROUTES: &str = "
- name: all
  pattern: {source: [watchkeeper]}
  notify: {channels: [oncall], group_by: [finding]}
";

/// A home with one High finding, whose people are Ada, whom PagerDuty knows, and Ben.
fn watched(api: &str, ada: &str, ben: &str) -> Home {
    let home = home("", 1);
    let token = secret(&home);
    let config = format!(
        "[channels.ada]\nkind = 'webhook'\nurl = '{ada}/ada'\n[channels.ben]\nkind = 'webhook'\nurl = '{ben}/ben'\n[people.ada]\nchannels = ['ada']\npagerduty = 'Ada@Example.com'\n[people.ben]\nchannels = ['ben']\n[oncall.pagerduty]\ntoken = 'file:{token}'\nschedules = ['PSCHED1']\nurl = '{api}'\n[[oncall.layer]]\nname = 'own'\npeople = ['ben']\nstart = '2026-01-05'\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    std::fs::write(home.path().join("routes/all.yaml"), ROUTES).unwrap();
    home
}

fn entry(id: &str, mail: &str) -> Value {
    json!({"user": {"id": id, "summary": id, "email": mail}, "schedule": {"id": "PSCHED1"},
        "escalation_level": 1, "start": "2026-01-01T09:00:00+01:00", "end": null})
}

/// Somebody else on the first page, Ada on the second.
fn in_pages(request: &str) -> Said {
    let first = request.contains("offset=0");
    let one = if first { entry("P7", "eve@example.com") } else { entry("P1", "ada@example.com") };
    Some((200, "", json!({"oncalls": [one], "more": first}).to_string()))
}

#[test]
fn slow_whoever_pagerduty_has_on_call_is_told() {
    let (address, asked) = api(in_pages);
    let ((ada, to_ada), (ben, to_ben)) = (receiver(|_| Some((200, ""))), receiver(|_| None));
    let home = watched(&address, &ada, &ben);
    let once = home.run(["notify", "run", "--once", "--json"]);
    assert_eq!((once.code, &json(&once)["on_call_doubts"]), (Some(0), &1.into()), "{once:?}");
    assert_eq!((to_ada.all().len(), to_ben.all().len()), (1, 0));
    assert!(
        to_ada.all()[0].contains("P7 (P7) on call, whom no [people.NAME]"),
        "a stranger is said"
    );
    let asked = asked.all();
    assert_eq!(asked.len(), 2, "page by page, once");
    for request in &asked {
        assert!(request.starts_with("GET /oncalls?since="), "{request}");
        assert!(request.contains("schedule_ids%5B%5D=PSCHED1"), "{request}");
        assert!(request.contains("authorization: Token token=s3cret\r\n"), "{request}");
        assert!(request.contains("accept: application/vnd.pagerduty+json;version=2"), "{request}");
    }
    let who = home.run(["oncall", "who"]);
    assert_eq!(who.code, Some(0), "{who:?}");
    assert!(who.out.contains("PagerDuty: P1 (P1)\n") && who.out.ends_with("told by ada\n"));
}

#[test]
fn slow_a_pagerduty_that_stalls_limits_or_lies_leaves_it_to_the_own_rota_and_says_so() {
    let stalls = |_: &str| None;
    let limits = |_: &str| Some((429, "ratelimit-reset: 30\r\n", "slow down, s3cret".to_owned()));
    let lies = |_: &str| Some((200, "", "<html>".to_owned()));
    let endless = |_: &str| Some((200, "", json!({"oncalls": [], "more": true}).to_string()));
    let apis = [
        (api(stalls).0, "no answer in time from 127.0.0.1"),
        (api(limits).0, "127.0.0.1 answered 429 Too Many Requests: slow down, (secret)"),
        (api(lies).0, "the answer of 127.0.0.1 is no JSON"),
        (api(endless).0, "tells of more than 1000 oncalls"),
    ];
    for (address, why) in apis {
        let ((ada, to_ada), (ben, to_ben)) = (receiver(|_| None), receiver(|_| Some((200, ""))));
        let home = watched(&address, &ada, &ben);
        let once = home.run(["notify", "run", "--once", "--json"]);
        assert_eq!(once.code, Some(0), "{once:?}");
        assert_eq!(json(&once)["on_call_doubts"], 1);
        assert_eq!((to_ada.all().len(), to_ben.all().len()), (0, 1), "{why}");
        let told = &to_ben.all()[0];
        assert!(told.contains(why), "{told}");
        assert!(told.contains("ben is asked, as the own rota says"), "{told}");
        assert!(!told.contains("s3cret") && !format!("{once:?}").contains("s3cret"));
    }
}

#[test]
fn slow_what_somebody_took_in_pagerduty_is_taken_here() {
    let (events, pages) = receiver(|_| Some((202, "")));
    let (address, asked) = api(|request| {
        let incident = match request.contains("incident_key=") {
            true => json!({"id": "Q1", "status": "acknowledged",
                "acknowledgements": [{"acknowledger": {"summary": "Ada L."}}]}),
            false => Value::Null,
        };
        Some((200, "", json!({"incidents": [incident], "more": false}).to_string()))
    });
    let home = home("", 1);
    let key = secret(&home);
    let config = format!(
        "[channels.team]\nkind = 'pagerduty'\nrouting_key = 'file:{key}'\nurl = '{events}/v2/enqueue'\n[oncall.pagerduty]\ntoken = 'file:{key}'\nurl = '{address}'\n"
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    assert_eq!(home.run(["notify", "run", "--once"]).code, Some(0));
    assert_eq!(asked.all(), [""; 0], "no alarm was open, and no schedule is to be asked");
    let page: Value =
        serde_json::from_str(pages.all()[0].split_once("\r\n\r\n").unwrap().1).unwrap();
    let dedup_key = page["dedup_key"].as_str().unwrap();
    let once = home.run(["notify", "run", "--once"]);
    assert!(once.out.contains("1 alarms were taken in PagerDuty, 0 ended there"), "{once:?}");
    assert!(asked.all()[0].contains(&format!("incident_key={dedup_key}&")), "{:?}", asked.all());
    let alarms = json(&home.run(["notify", "alarms", "--json"]));
    assert_eq!(
        (&alarms[0]["alarm"], &alarms[0]["taken_by"]),
        (&dedup_key.into(), &"Ada L.".into())
    );
    assert_eq!(pages.all().len(), 1, "PagerDuty does not hear its own words");
}
