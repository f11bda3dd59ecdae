//! Jira: an issue for each alarm, comments for what comes later.
//!
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/>; v2 for Jira
//! Data Center, where text is wiki markup instead of a document.

use serde_json::{Value, json};
use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::{Parcel, Proof};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, words};

/// Characters of an issue's summary.
const SUMMARY_CHARS: usize = 250;
/// An issue's description or a comment; Jira takes 32,767 characters.
const TEXT_BYTES: usize = 30_000;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "jira",
    title: "Jira issues",
    doc: "Opens one issue for each alarm and keeps its key with the receipt; later notices of the same alarm become comments on it. The label watchkeeper-KEY finds the issue by the alarm's key. Jira Cloud: `user` and an API token. Data Center: `api = \"2\"` and a personal access token without `user`.",
    limits: "summary: 250 characters; description and comments: 30,000 bytes.",
    needs: &[
        Need {
            key: "api",
            required: false,
            shape: Shape::Word(&["2", "3"]),
            doc: "3 (default) for Jira Cloud, 2 for Data Center",
        },
        Need {
            key: "issue_type",
            required: false,
            shape: Shape::Line,
            doc: "type of the issues; default: Task",
        },
        Need {
            key: "labels",
            required: false,
            shape: Shape::Lines,
            doc: "more labels for every issue, without blanks",
        },
        Need {
            key: "priorities",
            required: false,
            shape: Shape::Lines,
            doc: "names of priorities, such as critical=Highest; unset: the project's default",
        },
        Need { key: "project", required: true, shape: Shape::Line, doc: "the project's key" },
        Need {
            key: "token",
            required: true,
            shape: Shape::Secret,
            doc: "where the API token or personal access token lies",
        },
        Need {
            key: "url",
            required: true,
            shape: Shape::Url,
            doc: "https://SITE.atlassian.net or the server's address",
        },
        Need {
            key: "user",
            required: false,
            shape: Shape::Line,
            doc: "the token's owner, for Jira Cloud",
        },
    ],
    keeps_open: true,
    follows: true,
    per_minute: 60,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, issue: Option<&str>) -> Option<Parcel> {
    let api = channel.text("api").unwrap_or("3");
    if notice.kind == NoticeKind::Heartbeat {
        return None;
    }
    let opens = matches!(notice.kind, NoticeKind::Trigger | NoticeKind::Update | NoticeKind::Test)
        || matches!(notice.kind, NoticeKind::Drill | NoticeKind::Digest);
    let (path, body, reference) = match issue.filter(|key| is_key(key)) {
        Some(key) => (
            format!("/rest/api/{api}/issue/{key}/comment"),
            json!({"body": text(&words::text(notice), api)}),
            None,
        ),
        None if opens => {
            (format!("/rest/api/{api}/issue"), new_issue(notice, channel, api), Some("/key"))
        }
        None => return None,
    };
    let secret = channel.secret("token")?;
    let proof = match channel.text("user") {
        Some(user) => Proof::Basic { user: user.to_owned(), secret },
        None => Proof::Bearer { scheme: "Bearer", secret },
    };
    Some(Parcel::Http {
        method: "POST",
        url: channel.below("url", &path),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
        ],
        body: body.to_string().into_bytes(),
        proof,
        reference,
    })
}

fn new_issue(notice: &Notice, channel: &Channel, api: &str) -> Value {
    let mut labels = vec![format!("watchkeeper-{}", words::short(&notice.key))];
    labels.extend(channel.list("labels").iter().map(|label| label.replace(' ', "-")));
    let mut fields = json!({
        "project": {"key": channel.text("project")},
        "issuetype": {"name": channel.text("issue_type").unwrap_or("Task")},
        "summary": words::subject(notice, SUMMARY_CHARS),
        "description": text(&words::text(notice), api),
        "labels": labels,
    });
    let word = notice.severity.word().as_str();
    let named = channel.list("priorities").iter().filter_map(|pair| pair.split_once('='));
    if let Some((_, name)) = named.into_iter().find(|(severity, _)| severity.trim() == word) {
        fields["priority"] = json!({"name": name.trim()});
    }
    json!({"fields": fields})
}

/// Text as the API wants it. Neither form reads markup in it: a document of version 3 holds text
/// nodes, and in wiki markup of version 2 it stands in a noformat block.
fn text(said: &str, api: &str) -> Value {
    let said = words::bytes(said, TEXT_BYTES);
    if api == "2" {
        let held = said.replace("{noformat}", "{ noformat }");
        return format!("{{noformat}}\n{held}\n{{noformat}}").into();
    }
    let paragraph = |line: &str| match line {
        "" => json!({"type": "paragraph", "content": []}),
        line => json!({"type": "paragraph", "content": [{"type": "text", "text": line}]}),
    };
    let content: Vec<Value> = said.lines().map(paragraph).collect();
    json!({"type": "doc", "version": 1, "content": content})
}

/// Whether it is an issue's key, and so cannot change the path it stands in.
fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, json_body, notice, url};
    use super::*;

    const SETTINGS: [(&str, &str); 5] = [
        ("url", "https://team.atlassian.net/"),
        ("project", "SEC"),
        ("user", "watch@example.com"),
        ("token", "env:JIRA"),
        ("priorities", "high=Highest"),
    ];

    #[test]
    fn the_first_notice_opens_an_issue_and_the_next_one_comments_on_it() {
        let channel = channel("jira", &SETTINGS);
        let opened = parcel(&notice(), &channel, None).unwrap();
        assert_eq!(url(&opened), "https://team.atlassian.net/rest/api/3/issue");
        let fields = &json_body(&opened)["fields"];
        assert_eq!(fields["project"]["key"], "SEC");
        assert_eq!(fields["priority"]["name"], "Highest");
        assert_eq!(fields["labels"][0], "watchkeeper-0f1e2d3c");
        assert_eq!(fields["description"]["type"], "doc");
        let Parcel::Http { reference, .. } = &opened else { panic!("{opened:?}") };
        assert_eq!(*reference, Some("/key"), "the issue's key is kept");

        let update = Notice { kind: NoticeKind::Update, ..notice() };
        let commented = parcel(&update, &channel, Some("SEC-17")).unwrap();
        let path = "https://team.atlassian.net/rest/api/3/issue/SEC-17/comment";
        assert_eq!(url(&commented), path);
        assert!(json_body(&commented).to_string().contains("Severity: high"));
    }

    #[test]
    fn what_was_never_opened_is_not_closed_and_a_strange_key_opens_anew() {
        let channel = channel("jira", &SETTINGS);
        let over = Notice { kind: NoticeKind::Resolve, ..notice() };
        assert_eq!(parcel(&over, &channel, None), None);
        let opened = parcel(&notice(), &channel, Some("../../user")).unwrap();
        assert!(url(&opened).ends_with("/issue"));
    }

    #[test]
    fn markup_stays_text_in_data_center() {
        let mut settings = SETTINGS.to_vec();
        settings.push(("api", "2"));
        let channel = channel("jira", &settings);
        let title = "{noformat}!https://evil.example/x.png! [~admin]".to_owned();
        let body = json_body(&parcel(&Notice { title, ..notice() }, &channel, None).unwrap());
        let said = body["fields"]["description"].as_str().unwrap();
        assert_eq!(said.matches("{noformat}").count(), 2, "{said}");
    }
}
