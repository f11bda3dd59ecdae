//! Sign-ins of Microsoft Entra ID: of people, of applications, with and without a screen.
//!
//! * Fields: <https://learn.microsoft.com/graph/api/resources/signin>; through Azure Monitor:
//!   <https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs>.
//! * Comes in two forms: as Azure Monitor writes it, with `category` and the sign-in under
//!   `properties`, and as Graph answers, the sign-in alone. Columns are named by Graph's paths.
//! * The sign-in's id is the identity. Error 0 is success, 53003 and its like were forbidden by
//!   policy, 50074 and its like ask for a second factor and are neither; any other is a failure.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{EventId, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// Sign-ins of Entra ID.
pub const SOURCE: Source = Source {
    id: "entra-signin",
    title: "Microsoft Entra ID sign-in logs",
    page: "https://learn.microsoft.com/entra/identity/monitoring-health/concept-sign-ins",
    serves: &["R-273", "R-391"],
    table: &TABLE,
    product: "azure",
    service: Some("signinlogs"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of sign-ins.
pub static TABLE: Table = Table {
    name: "entra_signin",
    doc: "Sign-ins to Microsoft Entra ID.",
    columns: &[
        column("category", ColumnType::Text, "SignInLogs, NonInteractiveUserSignInLogs, …"),
        column("tenantId", ColumnType::Text, "tenant, where the form says it"),
        column("userId", ColumnType::Text, "id of the user"),
        column("userDisplayName", ColumnType::Text, "name of the user"),
        column("userType", ColumnType::Text, "member or guest"),
        column("appId", ColumnType::Text, "id of the application"),
        column("appDisplayName", ColumnType::Text, "application that was signed in to"),
        column("resourceDisplayName", ColumnType::Text, "what the application asked for"),
        column("servicePrincipalId", ColumnType::Text, "id of the application that signs in"),
        column("clientAppUsed", ColumnType::Text, "Browser, IMAP4, Authenticated SMTP, …"),
        column("status.errorCode", ColumnType::Int, "0 is success"),
        column("status.failureReason", ColumnType::Text, "why it failed"),
        column("conditionalAccessStatus", ColumnType::Text, "success, failure, notApplied"),
        column(
            "authenticationRequirement",
            ColumnType::Text,
            "singleFactorAuthentication or multiFactorAuthentication",
        ),
        column("authenticationProtocol", ColumnType::Text, "deviceCode, ropc, oAuth2, …"),
        column("isInteractive", ColumnType::Bool, "whether a person was asked"),
        column("riskLevelDuringSignIn", ColumnType::Text, "none, low, medium, high, hidden"),
        column("riskLevelAggregated", ColumnType::Text, "risk of the user with all that is known"),
        column("riskState", ColumnType::Text, "atRisk, confirmedCompromised, remediated, …"),
        column("riskEventTypes_v2", ColumnType::TextList, "impossibleTravel, leakedCredentials, …"),
        column("location.city", ColumnType::Text, "city of the address"),
        column("location.countryOrRegion", ColumnType::Text, "country of the address"),
        column("autonomousSystemNumber", ColumnType::Int, "number of the address's network"),
        column("deviceDetail", ColumnType::Json, "the device, and whether it is managed"),
        column("appliedConditionalAccessPolicies", ColumnType::Json, "policies and what they said"),
        column("correlationId", ColumnType::Text, "sign-ins of one attempt have the same"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("id", "event_id"),
        ("createdDateTime", "event_time"),
        ("userPrincipalName", "actor"),
        ("ipAddress", "source_ip"),
        ("userAgent", "user_agent"),
    ],
};

const CATEGORY: usize = 0;
const TENANT: usize = 1;

/// Errors by which a policy of the tenant forbade the sign-in.
const FORBIDDEN: &[i64] =
    &[50_005, 50_097, 53_000, 53_001, 53_002, 53_003, 53_004, 530_002, 500_021];
/// Answers that ask for more and are not the end: a second factor, a proof-up, keep me signed in.
const INTERRUPTED: &[i64] =
    &[50_058, 50_072, 50_074, 50_076, 50_079, 50_140, 50_199, 65_001, 16_000];

fn claims(record: Value<'_>) -> bool {
    let of_monitor = record.text("category").is_some_and(|c| c.ends_with("SignInLogs"))
        && record.get("properties").is_some();
    of_monitor
        || record.get("createdDateTime").is_some()
            && record.get("status").is_some()
            && record.get("appId").is_some()
            && record.get("ipAddress").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let sign_in = record.get("properties").unwrap_or(record);
    let Some(id) = fields::first_text(sign_in, &["id", "originalRequestId"]) else {
        return Err(Refusal("the sign-in has no id".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.delivered = Some(context.delivered());
    row.id = EventId::Own(id);
    fields::fill(&mut row, sign_in);
    for (at, key) in [(CATEGORY, "category"), (TENANT, "tenantId")] {
        if let Some(value) = record.get(key).filter(|v| !v.is_null()) {
            fields::put(&mut row, at, value);
        }
    }
    row.time = fields::time(&mut row, sign_in, "createdDateTime")
        .or_else(|| fields::time(&mut row, record, "time"))
        .or(context.envelope.time);
    row.account = fields::text(record, "tenantId").or(context.envelope.account.map(Cow::Borrowed));
    let actors = ["userPrincipalName", "servicePrincipalName", "servicePrincipalId", "userId"];
    row.actor = fields::first_text(sign_in, &actors);
    row.actor_type = fields::text(sign_in, "userType");
    row.source_ip =
        fields::text(sign_in, "ipAddress").or_else(|| fields::text(record, "callerIpAddress"));
    row.user_agent = fields::text(sign_in, "userAgent");
    row.action = Some(Cow::Borrowed("SignIn"));
    row.outcome = outcome(record, sign_in);
    for path in ["appDisplayName", "appId", "resourceDisplayName"] {
        fields::resources(&mut row, sign_in, path);
    }
    Ok(row)
}

fn outcome(record: Value<'_>, sign_in: Value<'_>) -> Option<Outcome> {
    let code = fields::find(sign_in, "status.errorCode")
        .or_else(|| record.get("resultType"))
        .and_then(fields::as_int)?;
    match code {
        0 => Some(Outcome::Success),
        code if FORBIDDEN.contains(&code) => Some(Outcome::Denied),
        code if INTERRUPTED.contains(&code) => None,
        _ => Some(Outcome::Failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        assert_eq!(TABLE.index("category"), Some(CATEGORY));
        assert_eq!(TABLE.index("tenantId"), Some(TENANT));
    }

    #[test]
    fn a_risky_sign_in_as_azure_monitor_writes_it() {
        check(
            r#"{"records":[{"time":"2024-02-15T14:23:05Z","category":"SignInLogs","operationName":"Sign-in activity","tenantId":"t-1","resultType":"0","callerIpAddress":"198.51.100.7","properties":{"id":"s-1","createdDateTime":"2024-02-15T14:23:00Z","userPrincipalName":"anna@example.com","userId":"u-1","userType":"Member","appId":"a-1","appDisplayName":"Azure Portal","ipAddress":"198.51.100.7","status":{"errorCode":0},"clientAppUsed":"Browser","authenticationRequirement":"singleFactorAuthentication","riskLevelDuringSignIn":"high","riskEventTypes_v2":["impossibleTravel"],"location":{"city":"Ghent","countryOrRegion":"BE"},"isInteractive":true}}]}"#,
            expect![[r#"
                entra-signin event_time=2024-02-15T14:23:00Z event_id=s-1 account=t-1 actor=anna@example.com actor_type=Member source_ip=198.51.100.7 action=SignIn outcome=success resource_ids=Azure Portal,a-1 category=SignInLogs tenantId=t-1 userId=u-1 userType=Member appId=a-1 appDisplayName=Azure Portal clientAppUsed=Browser status.errorCode=0 authenticationRequirement=singleFactorAuthentication isInteractive=true riskLevelDuringSignIn=high riskEventTypes_v2=impossibleTravel location.city=Ghent location.countryOrRegion=BE
            "#]],
        );
    }

    #[test]
    fn a_page_of_graph_tells_failure_refusal_and_interruption_apart() {
        let one = |id: &str, code: &str| {
            format!(
                r#"{{"id":"{id}","createdDateTime":"2024-02-15T14:23:00Z","userPrincipalName":"anna@example.com","appId":"a-1","ipAddress":"198.51.100.7","status":{{"errorCode":{code}}}}}"#
            )
        };
        check(
            &format!(
                r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#auditLogs/signIns","value":[{},{},{}]}}"#,
                one("s-2", "50126"),
                one("s-3", "53003"),
                one("s-4", "50074")
            ),
            expect![[r#"
                entra-signin event_time=2024-02-15T14:23:00Z event_id=s-2 actor=anna@example.com source_ip=198.51.100.7 action=SignIn outcome=failure resource_ids=a-1 appId=a-1 status.errorCode=50126
                entra-signin event_time=2024-02-15T14:23:00Z event_id=s-3 actor=anna@example.com source_ip=198.51.100.7 action=SignIn outcome=denied resource_ids=a-1 appId=a-1 status.errorCode=53003
                entra-signin event_time=2024-02-15T14:23:00Z event_id=s-4 actor=anna@example.com source_ip=198.51.100.7 action=SignIn resource_ids=a-1 appId=a-1 status.errorCode=50074
            "#]],
        );
    }

    #[test]
    fn a_sign_in_without_an_id_is_refused() {
        check(
            r#"{"category":"SignInLogs","properties":{"status":{"errorCode":"x"}}}"#,
            expect![[r#"
                refused entra-signin 0 the sign-in has no id
            "#]],
        );
    }
}
