//! The audit log of Microsoft Entra ID: changes of users, roles, applications and policies.
//!
//! * Fields: <https://learn.microsoft.com/graph/api/resources/directoryaudit>; through Azure
//!   Monitor: <https://learn.microsoft.com/azure/azure-monitor/reference/tables/auditlogs>.
//! * Comes in two forms: as Azure Monitor writes it, with the change under `properties`, and as
//!   Graph answers, the change alone. Columns are named by Graph's paths.
//! * The change's id is the identity; the activity is the action.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// The audit log of Entra ID.
pub const SOURCE: Source = Source {
    id: "entra-audit",
    title: "Microsoft Entra ID audit logs",
    page: "https://learn.microsoft.com/entra/identity/monitoring-health/concept-audit-logs",
    serves: &["R-273"],
    table: &TABLE,
    product: "azure",
    service: Some("auditlogs"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of changes.
pub static TABLE: Table = Table {
    name: "entra_audit",
    doc: "Changes in a tenant of Microsoft Entra ID.",
    columns: &[
        column("category", ColumnType::Text, "RoleManagement, UserManagement, Policy, …"),
        column("tenantId", ColumnType::Text, "tenant, where the form says it"),
        column("loggedByService", ColumnType::Text, "part of the directory that wrote it"),
        column("operationType", ColumnType::Text, "Add, Update, Delete, Assign, …"),
        column("result", ColumnType::Text, "success, failure, timeout"),
        column("resultReason", ColumnType::Text, "why it failed"),
        column("initiatedBy.user.id", ColumnType::Text, "id of the user who did it"),
        column("initiatedBy.app.displayName", ColumnType::Text, "application that did it"),
        column("targetResources", ColumnType::Json, "what was changed, from what to what"),
        column("targetResources.displayName", ColumnType::TextList, "names of what was changed"),
        column("additionalDetails", ColumnType::Json, "what the service adds"),
        column("correlationId", ColumnType::Text, "changes of one request have the same"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("id", "event_id"),
        ("activityDateTime", "event_time"),
        ("activityDisplayName", "action"),
        ("initiatedBy.user.userPrincipalName", "actor"),
        ("initiatedBy.user.ipAddress", "source_ip"),
    ],
};

const TENANT: usize = 1;
const NAMES: usize = 9;

fn claims(record: Value<'_>) -> bool {
    let of_monitor = record.text("category").as_deref() == Some("AuditLogs")
        && record.get("properties").is_some();
    of_monitor
        || record.get("activityDateTime").is_some() && record.get("activityDisplayName").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let change = record.get("properties").unwrap_or(record);
    let Some(id) = fields::text(change, "id") else {
        return Err(Refusal("the change has no id".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = EventId::Own(id);
    fields::fill(&mut row, change);
    if let Some(tenant) = record.get("tenantId").filter(|v| !v.is_null()) {
        fields::put(&mut row, TENANT, tenant);
    }
    let targets = || change.get("targetResources").into_iter().flat_map(|t| t.items()).take(256);
    let names: Vec<Cow<'_, str>> = targets().filter_map(|t| t.text("displayName")).collect();
    if !names.is_empty() {
        row.cells[NAMES] = wk_model::event::Cell::List(names);
    }
    row.time = fields::time(&mut row, change, "activityDateTime")
        .or_else(|| fields::time(&mut row, record, "time"))
        .or(context.envelope.time);
    row.account = fields::text(record, "tenantId").or(context.envelope.account.map(Cow::Borrowed));
    row.action = fields::text(change, "activityDisplayName")
        .or_else(|| fields::text(record, "operationName"));
    let by_user =
        fields::first_text(change, &["initiatedBy.user.userPrincipalName", "initiatedBy.user.id"]);
    row.actor_type = Some(Cow::Borrowed(if by_user.is_some() { "user" } else { "app" }));
    row.actor = by_user.or_else(|| {
        let app = ["initiatedBy.app.displayName", "initiatedBy.app.servicePrincipalId"];
        fields::first_text(change, &app).or_else(|| fields::text(record, "identity"))
    });
    row.source_ip = fields::first_text(change, &["initiatedBy.user.ipAddress"])
        .or_else(|| fields::text(record, "callerIpAddress"));
    row.outcome = match fields::text(change, "result").as_deref() {
        Some("success") => Some(Outcome::Success),
        Some("failure" | "timeout") => Some(Outcome::Failure),
        _ => None,
    };
    for path in ["targetResources.userPrincipalName", "targetResources.displayName"] {
        fields::resources(&mut row, change, path);
    }
    fields::resources(&mut row, change, "targetResources.id");
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        assert_eq!(TABLE.index("tenantId"), Some(TENANT));
        assert_eq!(TABLE.index("targetResources.displayName"), Some(NAMES));
    }

    #[test]
    fn a_role_is_given_as_azure_monitor_writes_it() {
        check(
            r#"{"time":"2024-02-15T14:23:05Z","category":"AuditLogs","operationName":"Add member to role","tenantId":"t-1","properties":{"id":"d-1","category":"RoleManagement","result":"success","activityDisplayName":"Add member to role","activityDateTime":"2024-02-15T14:23:00Z","loggedByService":"Core Directory","operationType":"Assign","initiatedBy":{"user":{"id":"u-1","userPrincipalName":"anna@example.com","ipAddress":"198.51.100.7"}},"targetResources":[{"id":"u-2","displayName":"Ben","type":"User","userPrincipalName":"ben@example.com","modifiedProperties":[{"displayName":"Role.DisplayName","oldValue":null,"newValue":"\"Global Administrator\""}]}]}}"#,
            expect![[r#"
                entra-audit event_time=2024-02-15T14:23:00Z event_id=d-1 account=t-1 actor=anna@example.com actor_type=user source_ip=198.51.100.7 action=Add member to role outcome=success resource_ids=ben@example.com,Ben,u-2 category=RoleManagement tenantId=t-1 loggedByService=Core Directory operationType=Assign result=success initiatedBy.user.id=u-1 targetResources=[{"id":"u-2","displayName":"Ben","type":"User","userPrincipalName":"ben@example.com","modifiedProperties":[{"displayName":"Role.DisplayName","oldValue":null,"newValue":"\"Global Administrator\""}]}] targetResources.displayName=Ben
            "#]],
        );
    }

    #[test]
    fn an_application_changes_something_as_graph_answers() {
        check(
            r#"{"value":[{"id":"d-2","category":"Policy","result":"failure","resultReason":"no right","activityDisplayName":"Update conditional access policy","activityDateTime":"soon","initiatedBy":{"user":null,"app":{"displayName":"setup","servicePrincipalId":"p-1"}},"targetResources":[]}],"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits"}"#,
            expect![[r#"
                entra-audit event_id=d-2 actor=setup actor_type=app action=Update conditional access policy outcome=failure category=Policy result=failure resultReason=no right initiatedBy.app.displayName=setup targetResources=[] flags=activityDateTime=is no time: "soon"
            "#]],
        );
    }

    #[test]
    fn a_change_without_an_id_is_refused() {
        check(
            r#"{"category":"AuditLogs","properties":{"activityDisplayName":"x"}}"#,
            expect![[r#"
                refused entra-audit 0 the change has no id
            "#]],
        );
    }
}
