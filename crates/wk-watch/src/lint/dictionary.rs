//! The fields that records have, by source: what a rule may ask for.
//!
//! CloudTrail: members of a record as AWS documents them,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
//! and, for `userIdentity`,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>.
//! Other sources: the columns of their tables, which are named by their paths.

use wk_model::ColumnType;

use crate::shared_fields;
use crate::sources::Source;
use crate::surroundings;

/// What a source says of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A single value.
    Value,
    /// An object, or a list of them.
    Object,
    /// Something below what each API fills as it likes.
    Free,
    /// Records may have it: the source does not say all that they hold.
    Maybe,
    /// Records never have it.
    Never,
}

/// Members of a CloudTrail record with a single value or a list of them.
const CLOUDTRAIL: &[&str] = &[
    "eventVersion",
    "userIdentity.type",
    "userIdentity.userName",
    "userIdentity.principalId",
    "userIdentity.arn",
    "userIdentity.accountId",
    "userIdentity.accessKeyId",
    "userIdentity.invokedBy",
    "userIdentity.identityProvider",
    "userIdentity.credentialId",
    "userIdentity.sessionContext.sessionIssuer.type",
    "userIdentity.sessionContext.sessionIssuer.principalId",
    "userIdentity.sessionContext.sessionIssuer.arn",
    "userIdentity.sessionContext.sessionIssuer.accountId",
    "userIdentity.sessionContext.sessionIssuer.userName",
    "userIdentity.sessionContext.webIdFederationData.federatedProvider",
    "userIdentity.sessionContext.attributes.creationDate",
    "userIdentity.sessionContext.attributes.mfaAuthenticated",
    "userIdentity.sessionContext.sourceIdentity",
    "userIdentity.sessionContext.ec2RoleDelivery",
    "userIdentity.sessionContext.assumedRoot",
    "userIdentity.onBehalfOf.userId",
    "userIdentity.onBehalfOf.identityStoreArn",
    "userIdentity.inScopeOf.sourceArn",
    "userIdentity.inScopeOf.sourceAccount",
    "userIdentity.inScopeOf.issuerType",
    "userIdentity.inScopeOf.credentialsIssuedTo",
    "userIdentity.invokedByDelegate.accountId",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestID",
    "eventID",
    "eventType",
    "apiVersion",
    "managementEvent",
    "readOnly",
    "resources.ARN",
    "resources.arn",
    "resources.accountId",
    "resources.type",
    "resources.ARNPrefix",
    "recipientAccountId",
    "sharedEventID",
    "annotation",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "eventCategory",
    "addendum.reason",
    "addendum.updatedFields",
    "addendum.originalRequestID",
    "addendum.originalEventID",
    "sessionCredentialFromConsole",
    "tlsDetails.tlsVersion",
    "tlsDetails.cipherSuite",
    "tlsDetails.clientProvidedHostHeader",
    "tlsDetails.keyExchange",
];

/// Members of a CloudTrail record that each API fills as it likes.
const CLOUDTRAIL_FREE: &[&str] = &[
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "serviceEventDetails",
    "edgeDeviceDetails",
    "insightDetails",
    "eventContext",
    "userIdentity.sessionContext.webIdFederationData.attributes",
];

/// What a source says of a field.
pub(super) fn field(source: &Source, path: &str) -> Known {
    // What is known around a record is there whatever its source.
    if surroundings::FIELDS.iter().any(|known| known.name == path) {
        return Known::Value;
    }
    if source.service == Some("cloudtrail") {
        return cloudtrail(path);
    }
    let names = || source.table.columns.iter().map(|c| (c.name, c.kind));
    let alias = source.table.aliases.iter().find(|(alias, _)| *alias == path);
    if let Some((_, kind)) = names().find(|(name, _)| *name == path) {
        return if kind == ColumnType::Json { Known::Object } else { Known::Value };
    }
    if alias.is_some() {
        return Known::Value;
    }
    let below = |object: &str| path.strip_prefix(object).is_some_and(|r| r.starts_with('.'));
    if names().any(|(name, kind)| kind == ColumnType::Json && below(name)) {
        return Known::Free;
    }
    let above = |name: &str| name.strip_prefix(path).is_some_and(|r| r.starts_with('.'));
    match source.json {
        Some(_) if names().any(|(name, _)| above(name)) => Known::Object,
        // The record holds more than its table names.
        Some(_) => Known::Maybe,
        None if of_row().any(|name| name == path) => Known::Value,
        None => Known::Never,
    }
}

fn cloudtrail(path: &str) -> Known {
    let below = |object: &str| path.strip_prefix(object).is_some_and(|r| r.starts_with('.'));
    let above = |name: &str| name.strip_prefix(path).is_some_and(|r| r.starts_with('.'));
    match () {
        () if CLOUDTRAIL.contains(&path) => Known::Value,
        () if CLOUDTRAIL_FREE.contains(&path) => Known::Object,
        () if CLOUDTRAIL_FREE.iter().any(|free| below(free)) => Known::Free,
        () if CLOUDTRAIL.iter().chain(CLOUDTRAIL_FREE).any(|name| above(name)) => Known::Object,
        () => Known::Never,
    }
}

/// The names that a source has, to find the one that was meant.
pub(super) fn names(source: &Source) -> Vec<&'static str> {
    if source.service == Some("cloudtrail") {
        return CLOUDTRAIL.iter().chain(CLOUDTRAIL_FREE).copied().collect();
    }
    let columns = source.table.columns.iter().map(|column| column.name);
    let row = of_row().filter(|_| source.json.is_none());
    columns.chain(row).collect()
}

/// What rules over text logs may ask of a row, beside its columns.
fn of_row() -> impl Iterator<Item = &'static str> {
    shared_fields::NAMES.into_iter().chain(shared_fields::OF_TEXT_LOGS)
}
