//! CloudTrail digest files: what AWS signs about the log files it delivered.
//!
//! * Format: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>.
//! * Kept for verification, not read as logs: the raw column has the file's exact text, because
//!   the next digest and the signature are about its very bytes.
//! * The signature lies in the object's metadata, not in the file; an object that came without
//!   metadata has none.
//! * Verifies nothing: that needs the log files, the public key and the chain.

use std::borrow::Cow;

use wk_lang::json::{Kind, Value};
use wk_model::event::{Cell, EventId};
use wk_model::table::{BY_TIME, ColumnType, column};
use wk_model::{Row, Table};

use super::{Context, JsonForm, Refusal, Source};
use crate::record::fields;

/// CloudTrail digest files.
pub const SOURCE: Source = Source {
    id: "cloudtrail-digest",
    title: "CloudTrail digest files",
    page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html",
    serves: &["R-011", "R-028", "R-189"],
    table: &TABLE,
    product: "aws",
    service: None,
    json: Some(JsonForm { claims, read }),
    lines: None,
};

/// The table of digest files.
pub static TABLE: Table = Table {
    name: "cloudtrail_digest",
    doc: "Digest files of CloudTrail's log file validation, as delivered.",
    columns: &[
        column("digestStartTime", ColumnType::Time, "start of the period it covers"),
        column("digestEndTime", ColumnType::Time, "end of the period it covers"),
        column("digestS3Bucket", ColumnType::Text, "bucket it was delivered to"),
        column("digestS3Object", ColumnType::Text, "key it was delivered under"),
        column("digestPublicKeyFingerprint", ColumnType::Text, "key that signed it"),
        column("digestSignatureAlgorithm", ColumnType::Text, "algorithm of its signature"),
        column("newestEventTime", ColumnType::Time, "latest event in its log files"),
        column("oldestEventTime", ColumnType::Time, "earliest event in its log files"),
        column("previousDigestS3Bucket", ColumnType::Text, "bucket of the digest before it"),
        column("previousDigestS3Object", ColumnType::Text, "key of the digest before it"),
        column(
            "previousDigestHashValue",
            ColumnType::Text,
            "hash of the digest before it, in hexadecimal",
        ),
        column("previousDigestHashAlgorithm", ColumnType::Text, "algorithm of that hash"),
        column("previousDigestSignature", ColumnType::Text, "signature of the digest before it"),
        column("log_file_count", ColumnType::Int, "how many log files it lists"),
        column("signature", ColumnType::Text, "its own signature, from the object's metadata"),
    ],
    sort: BY_TIME,
    aliases: &[("awsAccountId", "account")],
};

fn claims(record: Value<'_>) -> bool {
    record.get("digestS3Object").is_some()
        && record.get("digestStartTime").is_some()
        && record.get("awsAccountId").is_some()
}

fn read<'a>(record: Value<'a>, context: &Context<'a>) -> Result<Row<'a>, Refusal> {
    let (Some(bucket), Some(object)) =
        (fields::text(record, "digestS3Bucket"), fields::text(record, "digestS3Object"))
    else {
        return Err(Refusal("the digest does not say which object it is".to_owned()));
    };
    let mut row = Row::new(&TABLE, record.raw());
    row.delivered = Some(context.delivered());
    fields::fill(&mut row, record);
    let files = record.get("logFiles").filter(|f| f.kind() == Kind::Array);
    match files.map(|f| i64::try_from(f.items().count())) {
        Some(Ok(count)) => row.cells[place("log_file_count")] = Cell::Int(count),
        _ => row.flag("log_file_count", "there is no list of log files", ""),
    }
    if let Some(signature) = signature(context.metadata) {
        row.text(place("signature"), signature);
    }
    row.account = fields::text(record, "awsAccountId");
    row.region = region_of_key(&object).map(|region| Cow::Owned(region.to_owned()));
    row.time = fields::time(&mut row, record, "digestEndTime");
    row.actor = Some(Cow::Borrowed("cloudtrail.amazonaws.com"));
    row.action = Some(Cow::Borrowed("cloudtrail:DeliverDigest"));
    row.resource(object.clone());
    row.id = EventId::Own(Cow::Owned(format!("{bucket}/{object}")));
    Ok(row)
}

fn place(column: &str) -> usize {
    TABLE.index(column).expect("the column is in the table")
}

/// Tools spell the same metadata with and without S3's prefix, in any letter case.
fn signature(metadata: &[(String, String)]) -> Option<&str> {
    let is_it = |key: &str| {
        key.eq_ignore_ascii_case("signature") || key.eq_ignore_ascii_case("x-amz-meta-signature")
    };
    metadata.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.as_str())
}

/// `…/CloudTrail-Digest/eu-west-1/2024/…` is of `eu-west-1`.
fn region_of_key(key: &str) -> Option<&str> {
    key.split('/').skip_while(|part| *part != "CloudTrail-Digest").nth(1)
}

#[cfg(test)]
mod tests {
    use super::signature;
    use crate::record::testing::check;
    use expect_test::expect;

    #[test]
    fn a_digest_is_kept_with_what_its_verification_needs() {
        check(
            r#"{"awsAccountId":"111122223333","digestStartTime":"2024-02-15T13:00:00Z","digestEndTime":"2024-02-15T14:00:00Z","digestS3Bucket":"trail","digestS3Object":"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/15/d.json.gz","digestPublicKeyFingerprint":"00ff","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":"2024-02-15T13:59:00Z","oldestEventTime":"2024-02-15T13:01:00Z","previousDigestS3Bucket":"trail","previousDigestS3Object":"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/15/c.json.gz","previousDigestHashValue":"aa","previousDigestHashAlgorithm":"SHA-256","previousDigestSignature":"bb","logFiles":[{"s3Bucket":"trail","s3Object":"a.json.gz","hashValue":"cc","hashAlgorithm":"SHA-256"}]}"#,
            expect![[r#"
                cloudtrail-digest event_time=2024-02-15T14:00:00Z event_id=trail/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/15/d.json.gz account=111122223333 region=eu-west-1 actor=cloudtrail.amazonaws.com action=cloudtrail:DeliverDigest resource_ids=AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/15/d.json.gz digestStartTime=2024-02-15T13:00:00Z digestEndTime=2024-02-15T14:00:00Z digestS3Bucket=trail digestS3Object=AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/15/d.json.gz digestPublicKeyFingerprint=00ff digestSignatureAlgorithm=SHA256withRSA newestEventTime=2024-02-15T13:59:00Z oldestEventTime=2024-02-15T13:01:00Z previousDigestS3Bucket=trail previousDigestS3Object=AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/15/c.json.gz previousDigestHashValue=aa previousDigestHashAlgorithm=SHA-256 previousDigestSignature=bb log_file_count=1
            "#]],
        );
    }

    #[test]
    fn the_first_digest_of_a_chain_has_none_before_it() {
        check(
            r#"{"awsAccountId":"111122223333","digestStartTime":"2024-02-15T13:00:00Z","digestEndTime":"2024-02-15T14:00:00Z","digestS3Bucket":"trail","digestS3Object":"k","newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"previousDigestS3Object":null,"logFiles":[]}"#,
            expect![[r#"
                cloudtrail-digest event_time=2024-02-15T14:00:00Z event_id=trail/k account=111122223333 actor=cloudtrail.amazonaws.com action=cloudtrail:DeliverDigest resource_ids=k digestStartTime=2024-02-15T13:00:00Z digestEndTime=2024-02-15T14:00:00Z digestS3Bucket=trail digestS3Object=k log_file_count=0
            "#]],
        );
    }

    #[test]
    fn a_digest_that_does_not_name_its_object_is_refused() {
        check(
            r#"{"awsAccountId":"111122223333","digestStartTime":"2024-02-15T13:00:00Z","digestS3Object":""}"#,
            expect![[r#"
                refused cloudtrail-digest 0 the digest does not say which object it is
            "#]],
        );
    }

    #[test]
    fn the_signature_is_found_however_the_metadata_is_spelt() {
        let metadata = |key: &str| {
            vec![("Content-Type".to_owned(), "x".to_owned()), (key.to_owned(), "ab12".to_owned())]
        };
        for key in ["signature", "Signature", "x-amz-meta-signature"] {
            assert_eq!(signature(&metadata(key)), Some("ab12"));
        }
        assert_eq!(signature(&metadata("signature-algorithm")), None);
    }
}
