//! The operations, by service.

mod logs;
mod organizations;
mod posture;
mod sns;
mod sqs;
mod sts;
mod trails;

use serde_json::{Map, Value};
use wk_model::Timestamp;

use crate::answer::{Refusal, Tongue};
use crate::http::{Request, pairs, plain};
use crate::signature::Signed;
use crate::world::{Here, World};

/// What is asked, by whom, where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) service: String,
    pub(crate) action: String,
    pub(crate) parameters: Value,
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) region: String,
    /// Where the stand-in was reached, for URLs that it gives out.
    pub(crate) host: String,
}

/// The service that a request claims to be for.
pub(crate) fn claimed(request: &Request) -> &str {
    let proof = request.header("authorization");
    let scope = proof.split("Credential=").nth(1).unwrap_or_default();
    scope.split('/').nth(3).unwrap_or_default()
}

/// Reads a verified request.
pub(crate) fn asked(request: &Request, signed: &Signed, world: &World) -> Result<Asked, Refusal> {
    let principal = world
        .principal(&signed.access_key)
        .ok_or_else(|| Refusal::new(403, "InvalidClientTokenId", "nobody has this key"))?;
    let (action, parameters) = match Tongue::of(&signed.service) {
        Tongue::Query | Tongue::Ec2 => form(request),
        Tongue::Json if request.header("x-amz-target").is_empty() => rest(request),
        Tongue::Json => {
            let target = request.header("x-amz-target");
            let action = target.rsplit('.').next().unwrap_or_default().to_owned();
            let parameters = serde_json::from_slice(&request.body)
                .map_err(|e| Refusal::new(400, "SerializationException", e.to_string()))?;
            (action, parameters)
        }
    };
    Ok(Asked {
        service: signed.service.clone(),
        action,
        parameters,
        account: principal.account.clone(),
        arn: principal.arn.clone(),
        region: signed.region.clone(),
        host: request.header("host").to_owned(),
    })
}

fn form(request: &Request) -> (String, Value) {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let mut fields: Map<String, Value> =
        pairs(&body).iter().map(|(name, value)| (plain(name), plain(value).into())).collect();
    let action = fields.shift_remove("Action").and_then(|a| a.as_str().map(str::to_owned));
    (action.unwrap_or_default(), Value::Object(fields))
}

fn rest(request: &Request) -> (String, Value) {
    let mut parameters: Map<String, Value> =
        request.query().iter().map(|(name, value)| (plain(name), plain(value).into())).collect();
    let parts: Vec<&str> = request.path().split('/').skip(1).collect();
    let action = match (request.method.as_str(), &parts[..]) {
        ("GET", ["detector"]) => "ListDetectors",
        ("GET", ["detector", id]) => {
            parameters.insert("DetectorId".into(), plain(id).into());
            "GetDetector"
        }
        ("GET", ["accounts"]) => "DescribeHub",
        _ => "",
    };
    (action.to_owned(), Value::Object(parameters))
}

/// Carries out what is asked.
pub(crate) fn carry_out(
    asked: &Asked,
    world: &mut World,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let done = match asked.service.as_str() {
        "sts" => sts::carry_out(asked, world, now),
        "sqs" => sqs::carry_out(asked, world, now),
        "sns" => sns::carry_out(asked, world),
        "logs" => logs::carry_out(asked, world),
        "organizations" => organizations::carry_out(asked, world),
        "cloudtrail" | "kms" => trails::carry_out(asked, world),
        "ec2" | "guardduty" | "config" | "securityhub" => posture::carry_out(asked, world),
        _ => None,
    };
    done.unwrap_or_else(|| {
        let why = format!("the stand-in knows no {}:{}", asked.service, asked.action);
        Err(Refusal::new(501, "NotImplemented", why))
    })
}

impl Asked {
    /// The IAM action.
    pub(crate) fn permission(&self) -> String {
        format!("{}:{}", self.service, self.action)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)?.as_str()
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::new(400, "ValidationException", format!("{name} is missing")))
    }

    /// What lies in the region; one that is not switched on takes nobody.
    pub(crate) fn here<'a>(&self, world: &'a World) -> Result<&'a Here, Refusal> {
        let account = world.accounts.get(&self.account);
        account.and_then(|account| account.regions.get(&self.region)).ok_or_else(|| {
            Refusal::new(403, "OptInRequired", format!("{} is not switched on", self.region))
        })
    }
}
