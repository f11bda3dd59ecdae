//! Activities of Google Workspace: sign-ins, what administrators change, tokens, and the other
//! applications of its reports.
//!
//! * Format: <https://developers.google.com/workspace/admin/reports/reference/rest/v1/activities>;
//!   events: <https://developers.google.com/workspace/admin/reports/v1/appendix/activity/login>.
//! * Comes as pages of the reports interface and as lines. An activity may hold several events:
//!   the first names the action, all are in the columns, and rules see each.
//! * Time, qualifier and first event are the identity.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// Activities of Google Workspace.
pub const SOURCE: Source = Source {
    id: "google-workspace",
    title: "Google Workspace activities",
    page: "https://developers.google.com/workspace/admin/reports/reference/rest/v1/activities",
    serves: &["R-273", "R-391"],
    table: &TABLE,
    product: "gcp",
    service: Some("google_workspace"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of activities.
pub static TABLE: Table = Table {
    name: "google_workspace",
    doc: "Sign-ins and changes of a Google Workspace customer.",
    columns: &[
        column("id.applicationName", ColumnType::Text, "login, admin, token, drive, …"),
        column("id.customerId", ColumnType::Text, "customer"),
        column("id.uniqueQualifier", ColumnType::Text, "tells activities of one time apart"),
        column("ownerDomain", ColumnType::Text, "domain that owns what was acted on"),
        column("actor.profileId", ColumnType::Text, "id of the one who acts"),
        column("actor.callerType", ColumnType::Text, "USER, KEY, …"),
        column("events.name", ColumnType::TextList, "names of the events"),
        column("events.type", ColumnType::TextList, "types of the events"),
        column("events", ColumnType::Json, "the events with their parameters"),
        column("networkInfo.regionCode", ColumnType::Text, "country of the address"),
        column("networkInfo.ipAsn", ColumnType::TextList, "networks of the address"),
    ],
    sort: BY_ACTION,
    aliases: &[("id.time", "event_time"), ("actor.email", "actor"), ("ipAddress", "source_ip")],
};

const NAMES: usize = 6;
const TYPES: usize = 7;

/// `kind` of an activity.
pub(crate) const ACTIVITY: &str = "admin#reports#activity";

fn claims(record: Value<'_>) -> bool {
    record.text("kind").as_deref() == Some(ACTIVITY)
        || record.get("events").is_some() && record.at(&["id", "applicationName"]).is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let (Some(time), Some(qualifier)) =
        (fields::text(record, "id.time"), fields::find(record, "id.uniqueQualifier"))
    else {
        return Err(Refusal("the activity has no time or no qualifier".to_owned()));
    };
    let all = |key: &str| -> Vec<Cow<'a, str>> {
        let events = record.get("events").into_iter().flat_map(|events| events.items());
        events.take(256).filter_map(|event| event.text(key)).collect()
    };
    let (names, types) = (all("name"), all("type"));
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.action = names.first().cloned();
    let qualifier = fields::scalar(qualifier).unwrap_or_default();
    let first = row.action.as_deref().unwrap_or_default();
    row.id = EventId::Own(Cow::Owned(format!("{time}/{qualifier}/{first}")));
    fields::fill(&mut row, record);
    (row.cells[NAMES], row.cells[TYPES]) = (Cell::List(names), Cell::List(types));
    row.time = fields::time(&mut row, record, "id.time").or(context.envelope.time);
    row.account =
        fields::text(record, "id.customerId").or(context.envelope.account.map(Cow::Borrowed));
    row.actor = fields::first_text(record, &["actor.email", "actor.key", "actor.profileId"]);
    row.actor_type = fields::text(record, "actor.callerType");
    row.source_ip = fields::text(record, "ipAddress");
    row.outcome = match row.action.as_deref() {
        Some("login_success") => Some(Outcome::Success),
        Some("login_failure") => Some(Outcome::Failure),
        _ => None,
    };
    touched(&mut row, record);
    Ok(row)
}

/// Parameters that name what was acted on.
fn touched<'a>(row: &mut Row<'a>, record: Value<'a>) {
    const NAMED: &[&str] =
        &["USER_EMAIL", "affected_email_address", "GROUP_EMAIL", "APPLICATION_NAME", "ROLE_NAME"];
    let events = record.get("events").into_iter().flat_map(|events| events.items()).take(256);
    for event in events {
        let parameters = event.get("parameters").into_iter().flat_map(|p| p.items()).take(256);
        for parameter in parameters {
            if let (Some(name), Some(value)) = (parameter.text("name"), parameter.text("value"))
                && NAMED.contains(&&*name)
            {
                row.resource(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        assert_eq!(TABLE.index("events.name"), Some(NAMES));
        assert_eq!(TABLE.index("events.type"), Some(TYPES));
    }

    const LOGIN: &str = r#"{"kind":"admin#reports#activity","id":{"time":"2024-02-15T14:23:00.123Z","uniqueQualifier":"-7","applicationName":"login","customerId":"C0"},"actor":{"callerType":"USER","email":"anna@example.com","profileId":"1"},"ipAddress":"198.51.100.7","events":[{"type":"login","name":"login_success","parameters":[{"name":"login_type","value":"google_password"},{"name":"is_suspicious","boolValue":true},{"name":"is_second_factor","boolValue":false}]}]}"#;

    #[test]
    fn a_page_and_lines_give_the_same_activity() {
        let settings = crate::sources::Settings::default();
        let read = |text: &str| crate::record::testing::read(text.as_bytes(), &settings, None);
        let line = read(LOGIN);
        expect![[r#"
            google-workspace event_time=2024-02-15T14:23:00.123Z event_id=2024-02-15T14:23:00.123Z/-7/login_success account=C0 actor=anna@example.com actor_type=USER source_ip=198.51.100.7 action=login_success outcome=success id.applicationName=login id.customerId=C0 id.uniqueQualifier=-7 actor.profileId=1 actor.callerType=USER events.name=login_success events.type=login events=[{"type":"login","name":"login_success","parameters":[{"name":"login_type","value":"google_password"},{"name":"is_suspicious","boolValue":true},{"name":"is_second_factor","boolValue":false}]}]
        "#]].assert_eq(&line);
        let page = format!(r#"{{"kind":"admin#reports#activities","items":[{LOGIN}]}}"#);
        assert_eq!(read(&page), line);
        assert_eq!(read(&format!("{LOGIN}\n{LOGIN}\n")), format!("{line}{line}"));
        assert_eq!(read(&format!("[{LOGIN}]")), line);
    }

    #[test]
    fn an_administrator_gives_a_role() {
        check(
            r#"[{"kind":"admin#reports#activity","id":{"time":"2024-02-15T14:23:00Z","uniqueQualifier":8,"applicationName":"admin","customerId":"C0"},"actor":{"email":"anna@example.com"},"events":[{"type":"DELEGATED_ADMIN_SETTINGS","name":"ASSIGN_ROLE","parameters":[{"name":"ROLE_NAME","value":"_SEED_ADMIN_ROLE"},{"name":"USER_EMAIL","value":"ben@example.com"}]},{"type":"USER_SETTINGS","name":"GRANT_ADMIN_PRIVILEGE"}]}]"#,
            expect![[r#"
                google-workspace event_time=2024-02-15T14:23:00Z event_id=2024-02-15T14:23:00Z/8/ASSIGN_ROLE account=C0 actor=anna@example.com action=ASSIGN_ROLE resource_ids=_SEED_ADMIN_ROLE,ben@example.com id.applicationName=admin id.customerId=C0 id.uniqueQualifier=8 events.name=ASSIGN_ROLE,GRANT_ADMIN_PRIVILEGE events.type=DELEGATED_ADMIN_SETTINGS,USER_SETTINGS events=[{"type":"DELEGATED_ADMIN_SETTINGS","name":"ASSIGN_ROLE","parameters":[{"name":"ROLE_NAME","value":"_SEED_ADMIN_ROLE"},{"name":"USER_EMAIL","value":"ben@example.com"}]},{"type":"USER_SETTINGS","name":"GRANT_ADMIN_PRIVILEGE"}]
            "#]],
        );
    }

    #[test]
    fn an_activity_without_a_qualifier_is_refused() {
        check(
            r#"[{"kind":"admin#reports#activity","id":{"time":"2024-02-15T14:23:00Z"}}]"#,
            expect![[r#"
                refused google-workspace 1 the activity has no time or no qualifier
            "#]],
        );
    }
}
