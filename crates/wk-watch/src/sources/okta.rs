//! Okta's System Log: who signed in, who changed whose rights, what the sign-in policies say now.
//!
//! * Format: <https://developer.okta.com/docs/reference/api/system-log/>; comes as lists from the
//!   API, as lines from log streaming, and on EventBridge as `SystemLog`.
//! * `uuid` is the identity. The actor is named as people sign in (`alternateId`).
//! * Columns are named by their path. `outcome` is Okta's own word in the column `outcome.result`.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// Okta's System Log.
pub const SOURCE: Source = Source {
    id: "okta",
    title: "Okta System Log",
    page: "https://developer.okta.com/docs/reference/api/system-log/",
    serves: &["R-273", "R-391"],
    table: &TABLE,
    product: "okta",
    service: Some("okta"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of Okta's System Log.
pub static TABLE: Table = Table {
    name: "okta",
    doc: "Sign-ins, changes and policy decisions of an Okta organisation.",
    columns: &[
        column("legacyEventType", ColumnType::Text, "name of the event in the older API"),
        column("displayMessage", ColumnType::Text, "the event in words"),
        column("severity", ColumnType::Text, "DEBUG, INFO, WARN or ERROR"),
        column("outcome.result", ColumnType::Text, "SUCCESS, FAILURE, ALLOW, DENY, CHALLENGE, …"),
        column("outcome.reason", ColumnType::Text, "why: INVALID_CREDENTIALS, …"),
        column("actor.id", ColumnType::Text, "id of the one who acts"),
        column("actor.displayName", ColumnType::Text, "name of the one who acts"),
        column("client.device", ColumnType::Text, "kind of device"),
        column("client.zone", ColumnType::Text, "network zone of the client"),
        column("client.geographicalContext.city", ColumnType::Text, "city of the address"),
        column("client.geographicalContext.country", ColumnType::Text, "country of the address"),
        column("securityContext.asNumber", ColumnType::Int, "number of the address's network"),
        column("securityContext.asOrg", ColumnType::Text, "holder of the address's network"),
        column("securityContext.isProxy", ColumnType::Bool, "whether the address is a known proxy"),
        column("transaction.id", ColumnType::Text, "events of one request have the same"),
        column("authenticationContext.externalSessionId", ColumnType::Text, "session of the user"),
        column("authenticationContext.credentialType", ColumnType::Text, "PASSWORD, OTP, …"),
        column("debugContext", ColumnType::Json, "what Okta adds for debugging: risk, behaviours"),
        column("target", ColumnType::Json, "what was acted on"),
        column("request", ColumnType::Json, "addresses that the request passed"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("uuid", "event_id"),
        ("published", "event_time"),
        ("eventType", "action"),
        ("actor.alternateId", "actor"),
        ("actor.type", "actor_type"),
        ("client.ipAddress", "source_ip"),
        ("client.userAgent.rawUserAgent", "user_agent"),
    ],
};

fn claims(record: Value<'_>) -> bool {
    record.get("eventType").is_some()
        && record.get("published").is_some()
        && record.get("uuid").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let Some(id) = fields::text(record, "uuid") else {
        return Err(Refusal("the event has no uuid".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = EventId::Own(id);
    fields::fill(&mut row, record);
    row.time = fields::time(&mut row, record, "published").or(context.envelope.time);
    row.account = context.envelope.account.map(Cow::Borrowed);
    row.region = context.envelope.region.map(Cow::Borrowed);
    row.action = fields::text(record, "eventType");
    row.actor = fields::first_text(record, &["actor.alternateId", "actor.id"]);
    row.actor_type = fields::text(record, "actor.type");
    row.source_ip = fields::text(record, "client.ipAddress");
    row.user_agent = fields::text(record, "client.userAgent.rawUserAgent");
    row.outcome = match fields::text(record, "outcome.result").as_deref() {
        Some("SUCCESS" | "ALLOW" | "ANSWERED") => Some(Outcome::Success),
        Some("DENY" | "RATE_LIMIT" | "SCHEDULED_DENY") => Some(Outcome::Denied),
        Some("FAILURE" | "ABANDONED") => Some(Outcome::Failure),
        _ => None,
    };
    fields::resources(&mut row, record, "target.alternateId");
    fields::resources(&mut row, record, "target.id");
    row.resources.retain(|resource| resource != "unknown");
    Ok(row)
}

#[cfg(test)]
mod tests {
    use crate::record::testing::check;
    use expect_test::expect;

    const ROLE: &str = r#"{"uuid":"e-1","published":"2024-02-15T14:23:00.123Z","eventType":"user.account.privilege.grant","version":"0","severity":"INFO","displayMessage":"Grant user privilege","actor":{"id":"00u1","type":"User","alternateId":"anna@example.com","displayName":"Anna"},"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0","os":"Linux","browser":"FIREFOX"},"device":"Computer","ipAddress":"198.51.100.7","geographicalContext":{"city":"Ghent","country":"Belgium"}},"outcome":{"result":"SUCCESS"},"target":[{"id":"00u2","type":"User","alternateId":"ben@example.com"}],"transaction":{"type":"WEB","id":"t-1"},"securityContext":{"asNumber":64496,"isProxy":false}}"#;

    const SEEN: &str = "event_time=2024-02-15T14:23:00.123Z event_id=e-1";

    #[test]
    fn a_role_is_granted() {
        check(
            ROLE,
            expect![[r#"
                okta event_time=2024-02-15T14:23:00.123Z event_id=e-1 actor=anna@example.com actor_type=User source_ip=198.51.100.7 user_agent=Mozilla/5.0 action=user.account.privilege.grant outcome=success resource_ids=ben@example.com,00u2 displayMessage=Grant user privilege severity=INFO outcome.result=SUCCESS actor.id=00u1 actor.displayName=Anna client.device=Computer client.geographicalContext.city=Ghent client.geographicalContext.country=Belgium securityContext.asNumber=64496 securityContext.isProxy=false transaction.id=t-1 target=[{"id":"00u2","type":"User","alternateId":"ben@example.com"}]
            "#]],
        );
    }

    #[test]
    fn a_list_lines_and_an_event_on_eventbridge_are_the_same_event() {
        let on_bridge = format!(
            r#"{{"version":"0","id":"b-1","detail-type":"SystemLog","source":"aws.partner/okta.com/example/log","account":"111122223333","time":"2024-02-15T14:23:05Z","region":"eu-west-1","resources":[],"detail":{ROLE}}}"#
        );
        for text in [format!("[{ROLE},{ROLE}]"), format!("{ROLE}\n{ROLE}\n"), on_bridge] {
            let settings = crate::sources::Settings::default();
            let seen = crate::record::testing::read(text.as_bytes(), &settings, None);
            assert!(seen.lines().all(|line| line.starts_with("okta ") && line.contains(SEEN)));
            assert!(seen.contains("action=user.account.privilege.grant"), "{seen}");
        }
    }

    #[test]
    fn a_failed_sign_in_with_broken_fields_is_kept_and_flagged() {
        check(
            r#"{"uuid":"e-2","published":"yesterday","eventType":"user.session.start","actor":{"id":"unknown","type":"User","alternateId":"anna@example.com"},"client":null,"outcome":{"result":"FAILURE","reason":"INVALID_CREDENTIALS"},"target":null,"securityContext":{"asNumber":"many"}}"#,
            expect![[r#"
                okta event_id=e-2 actor=anna@example.com actor_type=User action=user.session.start outcome=failure outcome.result=FAILURE outcome.reason=INVALID_CREDENTIALS actor.id=unknown flags=securityContext.asNumber=is not a whole number: "many"; published=is no time: "yesterday"
            "#]],
        );
    }

    #[test]
    fn an_event_without_an_id_is_refused() {
        check(
            r#"{"uuid":"","published":"2024-02-15T14:23:00Z","eventType":"x"}"#,
            expect![[r#"
                refused okta 0 the event has no uuid
            "#]],
        );
    }
}
