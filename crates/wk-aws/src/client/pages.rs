//! The pages of an answer, to their end.

use std::collections::BTreeSet;

use serde_json::Value;
use wk_seam::aws::{AwsError, AwsErrorKind, AwsResult, CallName, Paging, ReadCall, Whole};

use super::{Ask, Client};

/// No more is held in memory for one call; where it is reached, the answer says that more remains.
const BYTES_MAX: u64 = 256 << 20;

/// What comes after a page.
enum After {
    Nothing,
    Page(String),
    /// The token has been there before.
    Circle,
}

pub(super) async fn all(client: &Client, call: &ReadCall) -> AwsResult<Whole<Value>> {
    let mut whole = Whole { pages: Vec::new(), next: None, request_ids: Vec::new() };
    let (mut token, mut seen, mut bytes) = (call.from.clone(), BTreeSet::new(), 0u64);
    for page in 1..=call.pages_max.max(1) {
        let parameters = with_token(call, token.as_deref());
        let given = client
            .make(&Ask {
                operation: call.operation,
                parameters: &parameters,
                target: &call.target,
                page,
                wait_seconds: 0,
            })
            .await?;
        bytes = bytes.saturating_add(given.bytes);
        let after = after(call.operation.pages, token.as_deref(), &given.answer, &mut seen);
        whole.pages.push(given.answer);
        whole.request_ids.push(given.request_id.clone());
        match after {
            After::Nothing => return Ok(whole),
            After::Circle => {
                let name = CallName::of(call.operation, &call.target);
                let why = format!("page {page} leads back to an earlier one");
                let error = AwsError::new(name, AwsErrorKind::TokenRepeated, why);
                return Err(error.with_request(&given.request_id));
            }
            After::Page(next) => token = Some(next),
        }
        if bytes >= BYTES_MAX {
            break;
        }
    }
    whole.next = token;
    Ok(whole)
}

fn with_token(call: &ReadCall, token: Option<&str>) -> Value {
    let mut parameters = call.parameters.clone();
    if let (Some((input, _)), Some(token), Value::Object(members)) =
        (call.operation.pages.names(), token, &mut parameters)
    {
        members.insert(input.to_owned(), token.into());
    }
    parameters
}

fn after(paging: Paging, sent: Option<&str>, answer: &Value, seen: &mut BTreeSet<String>) -> After {
    let Some((_, output)) = paging.names() else { return After::Nothing };
    let next = answer.get(output).and_then(Value::as_str).filter(|token| !token.is_empty());
    match (paging, next) {
        (_, None) => After::Nothing,
        (Paging::TokenStands { .. }, Some(next)) if sent == Some(next) => After::Nothing,
        (_, Some(next)) if sent == Some(next) || !seen.insert(next.to_owned()) => After::Circle,
        (_, Some(next)) => After::Page(next.to_owned()),
    }
}
