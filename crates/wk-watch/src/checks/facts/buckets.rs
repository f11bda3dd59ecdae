//! Buckets of an account, and who may reach them.

use serde_json::Value;

use super::policy;
use crate::posture::members::{first_list, is, list, member, text, word};
use crate::posture::{Blind, View};

/// The names of the account's buckets.
pub(in crate::checks) fn all<'a>(view: &View<'a>) -> Result<Vec<&'a str>, Blind> {
    let buckets = view.list("s3:ListBuckets", &["Buckets.Bucket"])?;
    Ok(buckets.into_iter().filter_map(|bucket| text(bucket, "Name")).collect())
}

/// What of a bucket is open to everybody, and by what.
pub(in crate::checks) struct Access {
    /// Statements of the policy that let everybody in; their names or places.
    pub(in crate::checks) policy: Vec<String>,
    /// Permissions that the ACL gives to everybody.
    pub(in crate::checks) acl: Vec<String>,
    /// Whether policies that let everybody in count for nothing.
    pub(in crate::checks) restricts_policies: bool,
    /// Whether ACLs that let everybody in count for nothing.
    pub(in crate::checks) ignores_acls: bool,
}

/// Who may do these actions, or has these permissions. The block of the account is not looked at:
/// AWS's rules speak of the bucket's own.
pub(in crate::checks) fn access(
    view: &View<'_>,
    bucket: &str,
    actions: &[&str],
    permissions: &[&str],
) -> Result<Access, Blind> {
    let block = view.one_of("s3:GetPublicAccessBlock", bucket)?;
    let blocks = |name: &str| {
        block.is_some_and(|page| {
            let inner = member(page, "PublicAccessBlockConfiguration").unwrap_or(page);
            is(inner, name)
        })
    };
    let policy = view.one_of("s3:GetBucketPolicy", bucket)?;
    let acl = view.one_of("s3:GetBucketAcl", bucket)?;
    Ok(Access {
        policy: policy.map(|page| open_statements(page, actions)).unwrap_or_default(),
        acl: acl.map(|page| open_grants(page, permissions)).unwrap_or_default(),
        restricts_policies: blocks("RestrictPublicBuckets"),
        ignores_acls: blocks("IgnorePublicAcls"),
    })
}

fn open_statements(page: &Value, actions: &[&str]) -> Vec<String> {
    let text = text(page, "Policy").unwrap_or_default();
    let Some(document) = policy::document(text) else { return Vec::new() };
    let open = policy::public(&document, actions);
    open.into_iter()
        .map(|s| match word(s, "Sid") {
            "" => "a statement without a Sid".to_owned(),
            sid => format!("statement {sid}"),
        })
        .collect()
}

fn open_grants(page: &Value, permissions: &[&str]) -> Vec<String> {
    let grants = first_list(page, &["AccessControlList.Grant", "Grants"]);
    let open = grants.into_iter().filter_map(|grant| {
        let group = text(grant, "Grantee.URI")?.rsplit('/').next()?;
        let permission = word(grant, "Permission");
        let everybody = matches!(group, "AllUsers" | "AuthenticatedUsers");
        (everybody && permissions.contains(&permission)).then(|| format!("{permission} to {group}"))
    });
    open.collect()
}

impl Access {
    /// Whether everybody is kept out, and why or why not.
    pub(in crate::checks) fn verdict(&self, what: &str) -> (bool, String) {
        let by_policy = !self.restricts_policies && !self.policy.is_empty();
        let by_acl = !self.ignores_acls && !self.acl.is_empty();
        let mut said = Vec::new();
        if by_policy {
            said.push(format!("its policy lets everybody {what}: {}", self.policy.join(", ")));
        }
        if by_acl {
            said.push(format!("its ACL lets everybody {what}: {}", self.acl.join(", ")));
        }
        if !by_policy && !by_acl {
            said.push(format!("neither policy nor ACL lets everybody {what}"));
            if !self.policy.is_empty() || !self.acl.is_empty() {
                said.push("what would is stopped by the bucket's public access block".into());
            }
        }
        (!by_policy && !by_acl, said.join("; "))
    }
}

/// The default encryption: algorithm and key, where there is one.
pub(in crate::checks) fn encryption<'a>(
    view: &View<'a>,
    bucket: &str,
) -> Result<Option<(&'a str, &'a str)>, Blind> {
    let Some(page) = view.one_of("s3:GetBucketEncryption", bucket)? else { return Ok(None) };
    let inner = member(page, "ServerSideEncryptionConfiguration").unwrap_or(page);
    let rule = first_list(inner, &["Rules", "Rule"]).into_iter().find_map(|rule| {
        let by = member(rule, "ApplyServerSideEncryptionByDefault")?;
        Some((word(by, "SSEAlgorithm"), word(by, "KMSMasterKeyID")))
    });
    Ok(rule)
}

/// Whether every version is kept.
pub(in crate::checks) fn versioned(view: &View<'_>, bucket: &str) -> Result<bool, Blind> {
    let page = view.one_of("s3:GetBucketVersioning", bucket)?;
    Ok(page.is_some_and(|page| word(page, "Status") == "Enabled"))
}

/// The rules of the lifecycle that count.
pub(in crate::checks) fn lifecycle<'a>(
    view: &View<'a>,
    bucket: &str,
) -> Result<Vec<&'a Value>, Blind> {
    let Some(page) = view.one_of("s3:GetBucketLifecycleConfiguration", bucket)? else {
        return Ok(Vec::new());
    };
    let rules = first_list(page, &["Rules", "Rule"]);
    Ok(rules.into_iter().filter(|rule| word(rule, "Status") == "Enabled").collect())
}

/// Transitions of a rule: age in days and class.
pub(in crate::checks) fn transitions(rule: &Value) -> Vec<(i64, &str)> {
    let all = first_list(rule, &["Transitions", "Transition"]).into_iter();
    let mut read: Vec<(i64, &str)> = all
        .into_iter()
        .filter_map(|t| Some((crate::posture::members::whole(t, "Days")?, word(t, "StorageClass"))))
        .collect();
    read.sort_unstable();
    read
}

/// Whether a rule is for every object: without prefix, tag or size.
pub(in crate::checks) fn for_all(rule: &Value, prefix: &str) -> bool {
    let filter = member(rule, "Filter").unwrap_or(rule);
    let narrow = ["Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"];
    let of = word(filter, "Prefix");
    narrow.iter().all(|name| list(filter, name).is_empty()) && prefix.starts_with(of)
}

#[cfg(test)]
pub(in crate::checks) mod made {
    use crate::checks::testing::Made;
    use serde_json::{Value, json};

    pub(in crate::checks) fn bucket(name: &str) -> Made {
        Made::global("s3:ListBuckets", json!({"Buckets": {"Bucket": {"Name": name}}}))
    }

    pub(in crate::checks) fn of(key: &'static str, bucket: &str, page: Option<Value>) -> Made {
        let made = match page {
            Some(page) => Made::answer("eu-west-1", key, page),
            None => Made::absent("eu-west-1", key),
        };
        made.with("Bucket", bucket)
    }
}
