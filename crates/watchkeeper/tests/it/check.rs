//! `config check` names everything that keeps the service from doing what the configuration says.

use serde_json::Value;

use crate::post::{api, mail_server};
use crate::program::Home;

/// What `config check` says, by key.
fn checked(
    home: &Home,
    config: &str,
    more: &[&str],
) -> (Option<i32>, Vec<(String, String, String)>) {
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let ended = home.run(["config", "check", "--json"].iter().chain(more));
    let said: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    let text = |looked: &Value, name: &str| looked[name].as_str().unwrap().to_owned();
    let all = said["looked_at"].as_array().unwrap().iter();
    let all = all.map(|l| (text(l, "key"), text(l, "state"), text(l, "say"))).collect();
    (ended.code, all)
}

#[test]
fn slow_config_check_names_what_is_wrong_and_ends_with_2() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let good = format!("[[folder]]\npath = '{}'\n", folder.path().display());
    let (code, said) = checked(&home, &good, &["--offline"]);
    assert_eq!(code, Some(0), "{said:?}");
    let own = format!("[[folder]]\npath = '{}'\n", home.path().display());
    for (config, key, told) in [
        ("[service]\nlisten = '0.0.0.0:1'\n", "[service] listen", "other machines"),
        ("[service]\ngather_seconds = 60\n", "[service] gather_seconds", "between 0 and 5"),
        ("[servise]\n", "config.toml", "servise"),
        ("[[folder]]\npath = '/no/such/folder'\n", "[[folder]] path", "No such file"),
        (own.as_str(), "[[folder]] path", "its own files"),
        ("[[listing]]\nlocation = 'bucket'\n", "[[listing]] location", "s3://"),
        ("[[queue]]\nurl = 'q'\n[[queue]]\nurl = 'q'\n", "[[queue]] url", "twice"),
        ("[retention]\npreset = 'sox'\n", "[retention]", "sox"),
        ("[log_groups]\n'/a' = 'flows'\n", "[log_groups]", "flows"),
    ] {
        let (code, said) = checked(&home, config, &["--offline"]);
        let found = said.iter().find(|(k, state, _)| k == key && state == "error");
        let Some((_, _, say)) = found else { panic!("{config}: {said:?}") };
        assert!(code == Some(2) && say.contains(told), "{config}: {code:?} {say}");
    }
    let (code, said) = checked(&home, "", &["--offline"]);
    assert!(code == Some(0) && said.iter().any(|(_, state, _)| state == "warning"), "{said:?}");
}

/// Channels, people, routes, schedules: everything is well.
const PEOPLE: &str = "
[channels.team]
kind = 'slack'
url = 'https://hooks.example/x'
[channels.mail]
kind = 'email'
from = 'watch@example.com'
to = 'team@example.com'
[channels.switch]
kind = 'heartbeat'
url = 'https://switch.example/'
[smtp]
host = '127.0.0.1'
port = 1
security = 'none'
[time_intervals.nights]
times = ['00:00-06:00']
[people.ada]
channels = ['team']
[escalation]
steps = ['oncall', 'mail']
[[oncall.layer]]
name = 'first'
people = ['ada']
start = '2026-01-05'
[notify]
heartbeat = 'switch'
digest = ['mail']
[drill]
channel = 'team'
[backup]
to = '/somewhere/else'
";

#[test]
fn slow_config_check_looks_at_everything_that_tells_people() {
    let home = Home::new();
    let (code, said) = checked(&home, PEOPLE, &["--offline"]);
    assert_eq!(code, Some(0), "{said:?}");
    assert!(said.iter().any(|(key, state, say)| {
        key == "[channels]" && state == "ok" && say.contains("mail (email)")
    }));
    for (from, to, key, told) in [
        ("'slack'", "'slakc'", "[channels.team]", "kind \"slakc\" is unknown"),
        (
            "https://hooks.example/x",
            "file:/no/such/secret",
            "[channels.team] url",
            "cannot be read",
        ),
        ("security = 'none'", "security = 'ssl'", "[smtp]", "starttls, tls, none"),
        ("00:00-06:00", "noon", "[time_intervals.nights]", "noon"),
        ("steps = ['oncall', 'mail']", "steps = ['onkall']", "[escalation] steps", "onkall"),
        ("people = ['ada']", "people = ['eve']", "[oncall]", "[people.eve]"),
        ("2026-01-05", "2026-13-05", "[[oncall.layer]] \"first\"", "2026-13-05"),
        (
            "heartbeat = 'switch'",
            "heartbeat = 'team'",
            "[notify] heartbeat",
            "carries no heartbeat",
        ),
        ("digest = ['mail']", "digest = ['post']", "[notify] digest", "post"),
        ("[drill]\nchannel = 'team'", "[drill]\nchannel = 'them'", "[drill] channel", "them"),
        ("/somewhere/else", "relative", "[backup] to", "whole path"),
        (
            "[[oncall.layer]]\nname = 'first'\npeople = ['ada']\nstart = '2026-01-05'",
            "",
            "[escalation] steps",
            "no rota",
        ),
    ] {
        let broken = PEOPLE.replace(from, to);
        assert_ne!(broken, PEOPLE, "{from}");
        let (code, said) = checked(&home, &broken, &["--offline"]);
        let found = said.iter().find(|(k, state, _)| k == key && state == "error");
        let Some((_, _, say)) = found else { panic!("{to}: {said:?}") };
        assert!(code == Some(2) && say.contains(told), "{to}: {code:?} {say}");
    }
    // Two mistakes are two lines.
    let broken = PEOPLE.replace("'slack'", "'slakc'").replace("00:00-06:00", "noon");
    let (_, said) = checked(&home, &broken, &["--offline"]);
    assert!(said.iter().filter(|(_, state, _)| state == "error").count() >= 2, "{said:?}");
}

#[test]
fn slow_config_check_names_file_and_line_of_routes_and_rules() {
    let home = Home::new();
    for folder in ["routes", "rules"] {
        std::fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    let routes = "- name: a\n  pattern: {source: [watchkeeper]}\n  notify: {channels: [fax]}\n- name: b\n  patern: {}\n";
    std::fs::write(home.path().join("routes/own.yaml"), routes).unwrap();
    std::fs::write(home.path().join("rules/own.yml"), "title: x\ndetection: 7\n").unwrap();
    std::fs::write(home.path().join("config.toml"), PEOPLE).unwrap();
    let ended = home.run(["config", "check", "--offline", "--json"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    let find = |key: &str, state: &str, told: &str| -> String {
        let all = said["looked_at"].as_array().unwrap().iter();
        let mut fits = all.filter(|l| {
            l["key"] == key && l["state"] == state && l["say"].as_str().unwrap().contains(told)
        });
        let found = fits.next().unwrap_or_else(|| panic!("{key} {told}: {said:#}"));
        found["file"].as_str().unwrap().to_owned()
    };
    let broken = find("routes", "error", "patern");
    assert!(broken.contains("routes/own.yaml, line 5"), "{broken}");
    let unknown = find("route a", "warning", "fax");
    assert!(unknown.contains("routes/own.yaml, line 1"), "{unknown}");
    assert!(find("rules", "warning", "left out").ends_with("rules/own.yml"));
}

#[test]
fn slow_config_check_asks_the_mail_server_and_pagerduty() {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (pagerduty, _) = api(|request| match request.contains("Token token=s3cret") {
        true => Some((200, "", r#"{"oncalls":[],"more":false}"#.to_owned())),
        false => Some((401, "", String::new())),
    });
    let (port, mails) = mail_server(|_| "250 fine");
    let with = |port: u16, token: &str| {
        let people = PEOPLE.replace("port = 1", &format!("port = {port}"));
        let ada = "channels = ['team']\npagerduty = 'P1'\n";
        let people =
            people.replace("[people.ada]\nchannels = ['team']\n", &format!("[people.ada]\n{ada}"));
        format!(
            "{people}[oncall.pagerduty]\ntoken = 'file:{token}'\nschedules = ['PS']\nurl = '{pagerduty}'\n"
        )
    };
    let state = |said: &[(String, String, String)], key: &str| -> Vec<String> {
        let of = said.iter().filter(|(k, ..)| k == key);
        of.map(|(_, state, say)| format!("{state}: {say}")).collect()
    };
    let (code, said) = checked(&home, &with(port, &token.display().to_string()), &[]);
    assert_eq!(code, Some(0), "{said:?}");
    assert_eq!(state(&said, "[smtp]"), ["ok: 127.0.0.1 takes our mail"]);
    assert_eq!(
        state(&said, "[oncall.pagerduty]"),
        ["warning: it answers, and has nobody on call now"]
    );
    assert_eq!(mails.all(), [""; 0], "no mail was sent");
    std::fs::write(&token, "other").unwrap();
    let (code, said) = checked(&home, &with(1, &token.display().to_string()), &[]);
    assert_eq!(code, Some(2), "{said:?}");
    assert!(state(&said, "[smtp]")[0].starts_with("error: 127.0.0.1:"), "{said:?}");
    assert!(state(&said, "[oncall.pagerduty]")[0].contains("401"), "{said:?}");
}
