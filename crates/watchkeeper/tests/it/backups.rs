//! What the service does at its times: backups that were missed are made up for, old ones go, and
//! `status` says when each was done.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use wk_model::Timestamp;
use wk_seam::bookmarks::Bookmarks as _;
use wk_seam::clock::StandingClock;
use wk_store::bookmarks::SqliteBookmarks;

use crate::notify::secret;
use crate::post::{mail_server, receiver};
use crate::program::Home;
use crate::s3::Moto;
use crate::service::Running;

/// A home whose daily work was done last long ago.
fn overdue(work: &str, config: &str) -> Home {
    let home = Home::new();
    assert_eq!(home.run(["complaints"]).code, Some(0), "the home is made");
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let past = Timestamp::from_seconds(1_700_000_000);
    let bookmarks = SqliteBookmarks::open(&home.path(), Arc::new(StandingClock::at(past))).unwrap();
    let last = [(work.to_owned(), past.micros().to_string())];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(bookmarks.put("schedule", &last)).unwrap();
    home
}

fn watching(folder: &Path, more: &str) -> String {
    format!("[service]\nlisten = '127.0.0.1:0'\n[[folder]]\npath = '{}'\n{more}", folder.display())
}

const WELL: &str = "watchkeeper_scheduled_runs_total{work=\"backup\",ended=\"well\"}";

#[test]
fn slow_the_service_makes_up_for_a_backup_that_was_missed_and_status_says_when() {
    let (folder, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for old in ["watchkeeper-2024-02-15T0200Z", "watchkeeper-2024-02-16T0200Z", "mine"] {
        std::fs::create_dir(to.path().join(old)).unwrap();
        std::fs::write(to.path().join(old).join("backup.json"), "{}").unwrap();
    }
    std::fs::create_dir(to.path().join(".coming-watchkeeper-2024-02-17T0200Z")).unwrap();
    let backup = format!("[backup]\nto = '{}'\nkeep = 2\n", to.path().display());
    let home = overdue("backup", &watching(folder.path(), &backup));
    let mut service = Running::at(&home);
    service.reaches(WELL, 1.0);
    let last = "watchkeeper_scheduled_last_success_timestamp_seconds{work=\"backup\"}";
    service.reaches(last, 1.7e9);
    let mut names: Vec<String> = std::fs::read_dir(to.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "two backups, and what is no backup: {names:?}");
    assert_eq!((names[0].as_str(), names[1].as_str()), ("mine", "watchkeeper-2024-02-16T0200Z"));
    let restored = Home::new();
    let made = to.path().join(&names[2]);
    let ended = restored.run(["restore".as_ref(), made.as_os_str()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // The service says every ten seconds how it is.
    let begun = crate::crash::now();
    let status = loop {
        let status: Value = serde_json::from_str(&home.run(["status", "--json"]).out).unwrap();
        let schedules = status["service"]["schedules"].as_array().cloned().unwrap_or_default();
        let done = |name: &str| {
            schedules.iter().any(|work| work["name"] == name && !work["last_ok"].is_null())
        };
        if done("backup") && done("compact") && done("journal") {
            break status;
        }
        assert!(begun.elapsed().as_secs() < 60, "{status:#}");
    };
    assert_eq!((&status["backups"], &status["outbox"]["dead"]), (&true.into(), &0.into()));
    let text = home.run(["status"]).out;
    assert!(text.contains("service: it runs; as of"), "{text}");
    assert!(text.contains("outbox: 0 notices wait, 0 dead letters"), "{text}");
    assert_eq!(service.stop().0, Some(0));
}

#[test]
fn slow_without_a_place_there_are_no_backups_and_status_says_so() {
    let home = Home::new();
    let text = home.run(["status"]).out;
    assert!(text.contains("makes no backups: [backup] to in config.toml"), "{text}");
    assert!(text.contains("service: it never ran here"), "{text}");
}

#[test]
fn moto_backups_go_to_s3_and_the_oldest_leave() {
    let Some(moto) = Moto::start() else { return };
    let code = "
s3 = boto3.client('s3', endpoint_url=endpoint, **keys)
s3.create_bucket(Bucket='backups', CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})
for day in ('15', '16'):
    for name in ('ledger.sqlite', 'backup.json'):
        s3.put_object(Bucket='backups', Key=f'wk/watchkeeper-2024-02-{day}T0200Z/{name}', Body=b'x')
s3.put_object(Bucket='backups', Key='wk/notes.txt', Body=b'x')
";
    moto.do_in_python(code, &[]);
    let folder = tempfile::tempdir().unwrap();
    let backup = format!(
        "[backup]\nto = 's3://backups/wk'\nkeep = 2\nregion = 'eu-central-1'\nendpoint = '{}'\n",
        moto.endpoint
    );
    let home = overdue("backup", &watching(folder.path(), &backup));
    let mut run = home.command(["run", "--log-format", "json"]);
    run.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let mut service = Running::begin(run);
    service.reaches(WELL, 1.0);
    assert_eq!(service.stop().0, Some(0));
    let code = "
s3 = boto3.client('s3', endpoint_url=endpoint, **keys)
keys = sorted(o['Key'] for o in s3.list_objects_v2(Bucket='backups')['Contents'])
backups = sorted({k.split('/')[1] for k in keys if '/watchkeeper-' in k})
assert len(backups) == 2 and backups[0] == 'watchkeeper-2024-02-16T0200Z', backups
assert f'wk/{backups[1]}/backup.json' in keys and f'wk/{backups[1]}/ledger.sqlite' in keys, keys
assert 'wk/notes.txt' in keys, keys
";
    moto.do_in_python(code, &[]);
}

#[test]
fn moto_the_service_tries_emergency_contacts_every_month_and_keeps_receipts() {
    let Some(moto) = Moto::start() else { return };
    let (pager, pages) = receiver(|_| Some((202, "")));
    let (port, mails) = mail_server(|_| "250 fine");
    let folder = tempfile::tempdir().unwrap();
    let home = overdue("drill contacts", "");
    let key = secret(&home);
    let people = format!(
        "[smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\n[channels.mail]\nkind = 'email'\nfrom = 'w@example.com'\nto = 'team@example.com'\n[channels.phone]\nkind = 'sms'\nto = '+4915112345678'\n[channels.page]\nkind = 'pagerduty'\nrouting_key = 'file:{key}'\nurl = '{pager}/v2/enqueue'\n[people.ada]\nchannels = ['mail', 'phone']\n[drill]\ncontacts = ['ada', 'page']\n"
    );
    let config = watching(folder.path(), &people);
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut run = home.command(["run", "--log-format", "json"]);
    run.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", &moto.endpoint);
    let mut service = Running::begin(run);
    service
        .reaches("watchkeeper_scheduled_runs_total{work=\"drill contacts\",ended=\"well\"}", 1.0);
    // What it opened at the pager is resolved.
    service.reaches("watchkeeper_notices_total{became=\"accepted\"}", 4.0);
    assert_eq!(service.stop().0, Some(0));
    assert_eq!((mails.all().len(), pages.all().len()), (1, 2));
    assert!(mails.all()[0].contains("DRILL"), "{}", mails.all()[0]);
    assert!(pages.all()[0].contains("\"trigger\"") && pages.all()[1].contains("\"resolve\""));
    let held: Value = serde_json::from_str(&home.run(["drill", "list", "--json"]).out).unwrap();
    let contacts = held.as_array().unwrap().iter().find(|d| d["name"] == "contacts").unwrap();
    assert_eq!(contacts["passed"], true, "{contacts:#}");
    let steps: Vec<&str> =
        contacts["steps"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["mail", "phone", "page"]);
    let receipts: Value =
        serde_json::from_str(&home.run(["notify", "receipts", "--json"]).out).unwrap();
    let drills = receipts.as_array().unwrap().iter().filter(|r| r["notice"]["kind"] == "drill");
    assert!(drills.count() >= 3, "{receipts:#}");
}
