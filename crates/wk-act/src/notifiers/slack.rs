//! Slack, through an incoming webhook, in Block Kit.
//!
//! <https://docs.slack.dev/messaging/formatting-message-text/>, limits:
//! <https://docs.slack.dev/reference/block-kit/blocks/section-block/>

use serde_json::{Value, json};
use wk_model::Notice;
use wk_model::notice::NoticeKind;
use wk_seam::courier::{Parcel, Proof};

use super::channel::{Channel, Need, Shape};
use super::{Notifier, words};

/// Characters of a header block.
const HEADER_CHARS: usize = 150;
/// Characters of a section's text, after escaping.
const SECTION_CHARS: usize = 3_000;
/// Characters of a field.
const FIELD_CHARS: usize = 300;
/// Findings that a message shows; the rest is counted.
const FINDINGS_MAX: usize = 10;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "slack",
    title: "Slack, through an incoming webhook",
    doc: "Posts one message in Block Kit. Text from logs is escaped: it cannot mention anybody, hide a link or format itself. Slack's Retry-After is honoured.",
    limits: "header: 150 characters; a section: 3,000; 10 findings, the rest is counted.",
    needs: &[Need {
        key: "url",
        required: true,
        shape: Shape::SecretUrl,
        doc: "the webhook's address; it is a secret, so better where it lies: env:NAME or file:PATH",
    }],
    keeps_open: false,
    follows: true,
    per_minute: 50,
    parcel,
};

fn parcel(notice: &Notice, channel: &Channel, _: Option<&str>) -> Option<Parcel> {
    if notice.kind == NoticeKind::Heartbeat {
        return None;
    }
    let subject = words::subject(notice, HEADER_CHARS);
    let mut blocks = vec![json!({"type": "header",
        "text": {"type": "plain_text", "text": subject, "emoji": false}})];
    blocks.push(json!({"type": "section", "fields": fields(notice)}));
    let mut push = |text: &str| {
        if !text.is_empty() {
            blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
                "text": escape(text, SECTION_CHARS)}}));
        }
    };
    push(&paragraphs(&notice.analysis));
    push(&findings(notice));
    push(&actions(notice));
    let taken = format!("Take it: watchkeeper notify ack {} --by NAME", notice.key);
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "verbatim": true,
        "text": escape(&taken, FIELD_CHARS)}]}));
    let body = json!({"text": escape(&subject, SECTION_CHARS), "blocks": blocks,
        "unfurl_links": false, "unfurl_media": false});
    Some(Parcel::Http {
        method: "POST",
        url: channel.address("url"),
        headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
        body: body.to_string().into_bytes(),
        proof: Proof::None,
        reference: None,
    })
}

fn fields(notice: &Notice) -> Vec<Value> {
    let severity = format!("{} ({})", notice.severity.word(), notice.severity);
    let all = [
        ("Severity", Some(severity)),
        ("Account", notice.account.clone()),
        ("Region", notice.region.clone()),
        (
            "Resources",
            notice.resources.first().map(|first| {
                let rest = notice.resources.len() as u64 - 1 + notice.resources_more;
                words::and_more(&words::line(first, 200), rest)
            }),
        ),
        ("Runbook", notice.runbook.clone()),
    ];
    let said = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
    said.map(|(name, value)| {
        let text = format!("*{name}*\n{}", escape(&words::line(&value, FIELD_CHARS), FIELD_CHARS));
        json!({"type": "mrkdwn", "verbatim": true, "text": text})
    })
    .collect()
}

fn paragraphs(text: &str) -> String {
    text.lines().map(|l| words::line(l, Notice::TEXT_CHARS)).collect::<Vec<_>>().join("\n")
}

fn findings(notice: &Notice) -> String {
    let mut lines: Vec<String> = notice
        .findings
        .iter()
        .take(FINDINGS_MAX)
        .map(|finding| format!("• {}", words::of_finding(finding)))
        .collect();
    let more = notice.count() - lines.len() as u64;
    if more > 0 {
        lines.push(format!("• and {more} more"));
    }
    lines.join("\n")
}

fn actions(notice: &Notice) -> String {
    let numbered = notice.actions.iter().enumerate();
    let lines: Vec<String> = numbered
        .map(|(place, action)| format!("{}. {}", place + 1, words::line(action, 300)))
        .collect();
    lines.join("\n")
}

/// Text that Slack shows as it is: `&`, `<` and `>` are escaped, and the characters that format are
/// kept from pairing by a mark that has no width of its own. Cut at `chars_max` between characters,
/// never within an escape.
fn escape(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut chars = 0;
    for c in text.chars() {
        let said = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '*' | '_' | '~' | '`' => &format!("{c}\u{2060}"),
            c => &c.to_string(),
        };
        let length = said.chars().count();
        if chars + length + 1 > chars_max {
            out.push('…');
            break;
        }
        out.push_str(said);
        chars += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{channel, json_body, notice};
    use super::*;

    fn message(notice: &Notice) -> Value {
        let channel = channel("slack", &[("url", "env:SLACK_URL")]);
        json_body(&parcel(notice, &channel, None).unwrap())
    }

    #[test]
    fn text_of_a_log_can_neither_mention_nor_link_nor_format() {
        let title = "<!channel> <https://evil.example|look> *bold* & `x`".to_owned();
        let body = message(&Notice { title, ..notice() })["text"].clone();
        let shown = "[HIGH] &lt;!channel&gt; &lt;https://evil.example|look&gt; *bold* &amp; `x`";
        let held = shown.replace('*', "*\u{2060}").replace('`', "`\u{2060}");
        assert!(body.as_str().unwrap().starts_with(&held), "{body}");
    }

    #[test]
    fn every_block_is_within_its_limits() {
        let mut long = notice();
        long.title = "<".repeat(10_000);
        long.analysis = "&".repeat(Notice::TEXT_CHARS);
        long.findings = vec![long.findings[0].clone(); 20];
        long.actions = vec!["<".repeat(300); 10];
        let body = message(&long);
        let blocks = body["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        for block in blocks {
            if let Some(text) = block["text"]["text"].as_str() {
                let max = if block["type"] == "header" { HEADER_CHARS } else { SECTION_CHARS };
                assert!(text.chars().count() <= max, "{} in {}", text.chars().count(), block);
                assert!(!text.ends_with('&') && !text.ends_with("&a"), "an escape is whole");
            }
            for field in block["fields"].as_array().into_iter().flatten() {
                assert!(field["text"].as_str().unwrap().chars().count() <= 2_000);
            }
        }
        assert!(body.to_string().contains("and 10 more"), "what is not shown is counted");
    }
}
