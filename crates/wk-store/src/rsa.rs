//! RSA signatures of others: verified, never made.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

/// Whether a signature (RSA PKCS#1 v1.5 with SHA-256, keys of 2,048 to 8,192 bits) is one of this
/// message by this key, an `RSAPublicKey` of PKCS#1 in DER.
pub fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature).is_ok()
}
