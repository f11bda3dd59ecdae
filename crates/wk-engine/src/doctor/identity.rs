//! Who we are, and which accounts let us in.

use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use wk_model::AccountId;
use wk_seam::aws::{AwsRead, AwsResult, Call, Operation, Target, ask};

use super::{Line, Verdict};

const AT_ONCE: usize = 6;

pub(super) struct GetCallerIdentity;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Identity {
    account: String,
    arn: String,
}

impl Call for GetCallerIdentity {
    const OPERATION: &'static Operation =
        &Operation { service: "sts", name: "GetCallerIdentity", ..Operation::READ };
    type Answer = Identity;
    fn parameters(&self) -> Value {
        json!({})
    }
}

/// Our own line, and whether we are somebody.
pub(super) async fn examine(aws: &dyn AwsRead) -> (Vec<Line>, bool) {
    let target = Target::default();
    match whoami(aws, &target).await {
        Ok(me) => {
            let say = format!("account {}", me.account);
            let mut lines = vec![Line::new("identity", me.arn.clone(), &target, Verdict::Ok, say)];
            if me.arn.ends_with(":root") {
                let line = Line::new(
                    "identity",
                    "root user",
                    &target,
                    Verdict::Stale,
                    "nothing limits the root user",
                )
                .to_do("make a role with `watchkeeper init` and use that");
                lines.push(line);
            }
            (lines, true)
        }
        Err(error) => (vec![Line::of_error("identity", "we", &target, &error)], false),
    }
}

/// Whether the role lets us into these accounts.
pub(super) async fn enter(aws: &dyn AwsRead, accounts: &[AccountId]) -> Vec<Line> {
    let entered: Vec<Line> = stream::iter(accounts)
        .map(|account| async move {
            let target = Target { account: Some(account.clone()), region: None };
            let what = "the reader";
            match whoami(aws, &target).await {
                Ok(them) if them.account == account.as_str() => {
                    Line::new("role", what, &target, Verdict::Ok, them.arn)
                }
                Ok(them) => {
                    let say = format!("the role there is one of account {}", them.account);
                    Line::new("role", what, &target, Verdict::Failed, say)
                }
                Err(error) => Line::of_error("role", what, &target, &error).to_do(
                    "roll the reader role of `watchkeeper init` out to it, with the same external id",
                ),
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    entered
}

async fn whoami(aws: &dyn AwsRead, target: &Target) -> AwsResult<Identity> {
    let mut whole = ask(aws, &GetCallerIdentity, target.clone()).await?;
    Ok(whole.pages.swap_remove(0))
}
