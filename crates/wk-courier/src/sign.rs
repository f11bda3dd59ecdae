//! Signatures of webhooks, as standard-webhooks describes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::secret::Secret;

/// How a secret begins whose rest is base64.
const PREFIX: &str = "whsec_";

/// The value of `webhook-signature`: one signature for each key, in their order. A key that is not
/// written as `whsec_BASE64` counts as its own bytes.
pub(crate) fn signatures(id: &str, timestamp: i64, body: &[u8], keys: &[Secret]) -> String {
    let of_key = |key: &Secret| {
        let decoded = key.expose().strip_prefix(PREFIX).and_then(|b| STANDARD.decode(b).ok());
        let bytes = decoded.unwrap_or_else(|| key.expose().as_bytes().to_vec());
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    };
    keys.iter().map(of_key).collect::<Vec<_>>().join(" ")
}
