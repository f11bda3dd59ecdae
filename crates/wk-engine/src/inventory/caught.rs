//! One question, and what came of it.

use serde_json::Value;
use wk_model::Sha256;
use wk_model::capture::{Masked, Outcome};
use wk_seam::aws::{AwsError, AwsErrorKind, ReadCall, Target};
use wk_watch::inventory::{Item, masked};

use super::Walk;

/// The answer to a question, masked.
pub(super) struct Said {
    pub(super) at: String,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    pub(super) request_ids: Vec<String>,
    pub(super) answer_sha256: Sha256,
    pub(super) masked: Vec<Masked>,
    pub(super) pages: Vec<Value>,
}

pub(super) async fn ask(
    walk: &Walk,
    item: &'static Item,
    parameters: &Value,
    target: &Target,
) -> Said {
    let call = ReadCall {
        operation: &item.operation,
        parameters: parameters.clone(),
        target: target.clone(),
        pages_max: item.pages_max,
        from: None,
    };
    let at = walk.clock.now().to_string();
    match walk.aws.read(&call).await {
        Ok(whole) => {
            let part = !whole.is_whole();
            let mut pages = whole.pages;
            let answer_sha256 = digest(&pages);
            let hidden = masked(&mut pages, item.masks);
            Said {
                at,
                outcome: if part { Outcome::Partial } else { Outcome::Answered },
                reason: part.then(|| format!("only the first {} pages were read", pages.len())),
                request_ids: whole.request_ids,
                answer_sha256,
                masked: hidden,
                pages,
            }
        }
        Err(error) => Said {
            at,
            outcome: outcome(item, &error),
            reason: Some(error.to_string()),
            request_ids: error.request_id.iter().cloned().collect(),
            answer_sha256: digest(&[]),
            masked: Vec::new(),
            pages: Vec::new(),
        },
    }
}

/// The digest of the pages, as compact JSON one after another.
fn digest(pages: &[Value]) -> Sha256 {
    let mut writer = wk_model::digest::Sha256Writer::default();
    pages.iter().for_each(|page| writer.write(page.to_string().as_bytes()));
    writer.finish()
}

fn outcome(item: &Item, error: &AwsError) -> Outcome {
    let code = error.code.as_deref().unwrap_or_default();
    if item.absent.contains(&code) {
        return Outcome::Absent;
    }
    match error.kind {
        AwsErrorKind::NotFound | AwsErrorKind::NotEnabled => Outcome::Absent,
        AwsErrorKind::Denied => Outcome::Denied,
        _ => Outcome::Failed,
    }
}
