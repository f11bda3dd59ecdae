//! Kubernetes audit events of EKS control planes.
//!
//! * Format: <https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>; on EKS:
//!   <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>.
//! * One request has an event for each stage: audit id and stage together are the identity.
//! * The actor is the IAM principal where EKS names it, else the Kubernetes user.
//! * 401 and 403 are denied. The other logs of a control plane are plain text: see `applog`.

use std::borrow::Cow;

use wk_lang::json::Value;
use wk_model::event::{Cell, EventId, Outcome};
use wk_model::table::{BY_ACTION, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::{fields, spaced};

/// EKS audit logs.
pub const SOURCE: Source = Source {
    id: "eks",
    title: "Kubernetes audit events (EKS)",
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    serves: &["R-180"],
    table: &TABLE,
    product: "aws",
    service: Some("eks"),
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of Kubernetes audit events.
pub static TABLE: Table = Table {
    name: "eks_audit",
    doc: "Requests to the API servers of EKS clusters.",
    columns: &[
        column("level", ColumnType::Text, "Metadata, Request or RequestResponse"),
        column(
            "stage",
            ColumnType::Text,
            "RequestReceived, ResponseStarted, ResponseComplete, Panic",
        ),
        column("requestURI", ColumnType::Text, "path that was asked for"),
        column("requestReceivedTimestamp", ColumnType::Time, "when the request arrived"),
        column("user.username", ColumnType::Text, "Kubernetes user"),
        column("user.uid", ColumnType::Text, "unique id of the user"),
        column("user.groups", ColumnType::TextList, "groups of the user"),
        column("impersonatedUser.username", ColumnType::Text, "user that the caller acted as"),
        column("sourceIPs", ColumnType::TextList, "addresses, the client's first"),
        column("objectRef.resource", ColumnType::Text, "kind of object: pods, secrets"),
        column("objectRef.subresource", ColumnType::Text, "exec, log, status, …"),
        column("objectRef.namespace", ColumnType::Text, "namespace of the object"),
        column("objectRef.name", ColumnType::Text, "name of the object"),
        column("objectRef.apiGroup", ColumnType::Text, "group of its API"),
        column("objectRef.apiVersion", ColumnType::Text, "version of its API"),
        column("responseStatus.code", ColumnType::Int, "HTTP status"),
        column("responseStatus.reason", ColumnType::Text, "why it failed, in a word"),
        column("responseStatus.message", ColumnType::Text, "why it failed"),
        column("annotations", ColumnType::Json, "notes of authorisation and admission"),
        column(
            "authorization.decision",
            ColumnType::Text,
            "annotation authorization.k8s.io/decision",
        ),
        column("authorization.reason", ColumnType::Text, "annotation authorization.k8s.io/reason"),
        column("requestObject", ColumnType::Json, "object that was sent"),
        column("responseObject", ColumnType::Json, "object that was answered"),
        column("log_group", ColumnType::Text, "log group, which names the cluster"),
    ],
    sort: BY_ACTION,
    aliases: &[
        ("auditID", "event_id"),
        ("verb", "action"),
        ("userAgent", "user_agent"),
        ("stageTimestamp", "event_time"),
    ],
};

// Places of the columns that the code names; a test compares them with the table.
const SOURCE_IPS: usize = 8;
const STATUS_CODE: usize = 15;
const DECISION: usize = 19;
const REASON: usize = 20;
const LOG_GROUP: usize = 23;

fn claims(record: Value<'_>) -> bool {
    record.text("kind").as_deref() == Some("Event")
        && record.text("apiVersion").is_some_and(|v| v.starts_with("audit.k8s.io/"))
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let (Some(id), Some(stage)) = (record.text("auditID"), record.text("stage")) else {
        return Err(Refusal("an audit event without auditID or stage".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.compact());
    row.id = EventId::Versioned(id, stage);
    row.delivered = Some(context.delivered());
    fields::fill(&mut row, record);
    row.time = fields::time(&mut row, record, "stageTimestamp")
        .or_else(|| fields::time(&mut row, record, "requestReceivedTimestamp"));
    row.action = fields::text(record, "verb");
    row.user_agent = fields::text(record, "userAgent");
    row.source_ip = match &row.cells[SOURCE_IPS] {
        Cell::List(ips) => ips.first().cloned(),
        _ => None,
    };
    who(&mut row, record);
    annotations(&mut row, record);
    row.account = row.account.take().or(context.envelope.account.map(Cow::Borrowed));
    row.region = context.envelope.region.map(Cow::Borrowed);
    context.envelope.log_group.into_iter().for_each(|group| row.text(LOG_GROUP, group));
    if let Some(object) = object(record) {
        row.resource(object);
    }
    row.outcome = match row.cells[STATUS_CODE] {
        Cell::Int(code) => spaced::outcome_of_status(&code.to_string()),
        _ => forbidden(&row),
    };
    Ok(row)
}

/// The caller; EKS puts the IAM principal among the user's extras.
fn who<'a>(row: &mut Row<'a>, record: Value<'a>) {
    let extra = |key| record.at(&["user", "extra", key])?.items().next()?.as_str();
    let arn = extra("arn");
    row.account = arn
        .as_deref()
        .and_then(|arn| spaced::place_of_arn(arn).0)
        .map(|account| Cow::Owned(account.to_owned()));
    row.actor = arn.or_else(|| fields::text(record, "user.username"));
    row.session_issuer = extra("canonicalArn").filter(|issuer| Some(issuer) != row.actor.as_ref());
    row.access_key = extra("accessKeyId");
}

/// Keys of annotations have dots themselves, so no path reaches them.
fn annotations<'a>(row: &mut Row<'a>, record: Value<'a>) {
    let Some(notes) = record.get("annotations") else { return };
    for (key, at) in
        [("authorization.k8s.io/decision", DECISION), ("authorization.k8s.io/reason", REASON)]
    {
        if let Some(text) = notes.text(key) {
            row.text(at, text);
        }
    }
}

/// A request that has no status yet may have been forbidden all the same.
fn forbidden(row: &Row<'_>) -> Option<Outcome> {
    (spaced::cell_text(row, DECISION) == Some("forbid")).then_some(Outcome::Denied)
}

/// `prod/pods/shop-1/exec`, `nodes/ip-10-0-0-7`
fn object(record: Value<'_>) -> Option<String> {
    let reference = record.get("objectRef")?;
    let parts = ["namespace", "resource", "name", "subresource"].map(|key| reference.text(key));
    let path: Vec<&str> = parts.iter().flatten().map(|part| &**part).collect();
    (!path.is_empty()).then(|| path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn the_places_of_the_columns_are_those_of_the_table() {
        for (name, at) in [
            ("sourceIPs", SOURCE_IPS),
            ("responseStatus.code", STATUS_CODE),
            ("authorization.decision", DECISION),
            ("authorization.reason", REASON),
            ("log_group", LOG_GROUP),
        ] {
            assert_eq!(TABLE.index(name), Some(at), "{name}");
        }
    }

    #[test]
    fn a_role_that_may_not_read_secrets() {
        check(
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"f47c68f2-d3ac-4f96-b2f4-5d497bf79b64","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/prod/secrets","verb":"list","user":{"username":"dev","uid":"u","groups":["devs","system:authenticated"],"extra":{"accessKeyId":["ASIAEXAMPLE"],"arn":["arn:aws:sts::111122223333:assumed-role/dev/bob"],"canonicalArn":["arn:aws:iam::111122223333:role/dev"]}},"sourceIPs":["198.51.100.7","10.0.0.1"],"userAgent":"kubectl/v1.29","objectRef":{"resource":"secrets","namespace":"prod","apiVersion":"v1"},"responseStatus":{"metadata":{},"status":"Failure","reason":"Forbidden","code":403},"requestReceivedTimestamp":"2024-02-15T14:23:00.502680Z","stageTimestamp":"2024-02-15T14:23:00.642854Z","annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""}}"#,
            expect![[r#"
                eks event_time=2024-02-15T14:23:00.642854Z event_id=f47c68f2-d3ac-4f96-b2f4-5d497bf79b64@ResponseComplete account=111122223333 actor=arn:aws:sts::111122223333:assumed-role/dev/bob access_key=ASIAEXAMPLE session_issuer=arn:aws:iam::111122223333:role/dev source_ip=198.51.100.7 user_agent=kubectl/v1.29 action=list outcome=denied resource_ids=prod/secrets level=Metadata stage=ResponseComplete requestURI=/api/v1/namespaces/prod/secrets requestReceivedTimestamp=2024-02-15T14:23:00.502680Z user.username=dev user.uid=u user.groups=devs,system:authenticated sourceIPs=198.51.100.7,10.0.0.1 objectRef.resource=secrets objectRef.namespace=prod objectRef.apiVersion=v1 responseStatus.code=403 responseStatus.reason=Forbidden annotations={"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""} authorization.decision=forbid authorization.reason=
            "#]],
        );
    }

    #[test]
    fn the_stages_of_a_request_are_two_events() {
        check(
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"RequestReceived","verb":"create","user":{"username":"system:anonymous"},"objectRef":{"resource":"pods","namespace":"prod","name":"shop-1","subresource":"exec"},"stageTimestamp":"2024-02-15T14:23:00Z"}
{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","verb":"create","user":{"username":"system:anonymous"},"responseStatus":{"code":101},"stageTimestamp":"now"}"#,
            expect![[r#"
                eks event_time=2024-02-15T14:23:00Z event_id=a@RequestReceived actor=system:anonymous action=create resource_ids=prod/pods/shop-1/exec stage=RequestReceived user.username=system:anonymous objectRef.resource=pods objectRef.subresource=exec objectRef.namespace=prod objectRef.name=shop-1
                eks event_id=a@ResponseComplete actor=system:anonymous action=create outcome=success stage=ResponseComplete user.username=system:anonymous responseStatus.code=101 flags=stageTimestamp=is no time: "now"
            "#]],
        );
    }

    #[test]
    fn an_event_without_an_id_and_another_kind_of_event_are_refused() {
        check(
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get"}
{"kind":"Event","apiVersion":"v1","reason":"Started"}"#,
            expect![[r#"
                refused eks 0 an audit event without auditID or stage
                refused eks 61 no source knows a record of this form
            "#]],
        );
    }
}
