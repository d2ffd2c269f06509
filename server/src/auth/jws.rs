//! Reading and checking a compact JWS (RFC 7515) that one of our own keys must have signed.
//!
//! Refuses every algorithm but the key's own, every type but the one asked for, critical header
//! members, padding, and anything that is not exactly three parts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::TokenFault;
use crate::keys::{KeySet, TokenType};

/// Longer than any token of ours; nothing longer is even looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    crit: Option<serde_json::Value>,
}

/// The payload of `token`, when one of `keys` signed it as a token of that type.
pub(super) fn open(token: &str, kind: TokenType, keys: &KeySet) -> Result<Vec<u8>, TokenFault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| TokenFault::Malformed)
    };
    // A fourth part would leave a dot in the payload, which is no base64url.
    let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let header: Header = serde_json::from_slice(&header).map_err(|_| TokenFault::Malformed)?;
    if header.typ != kind.name() {
        return Err(TokenFault::Type);
    }
    if header.crit.is_some() {
        return Err(TokenFault::Malformed);
    }
    let key = keys.verifying(&header.kid).ok_or(TokenFault::UnknownKey)?;
    if header.alg != key.algorithm().name() {
        return Err(TokenFault::Algorithm);
    }
    if !key.verify(message.as_bytes(), &signature) {
        return Err(TokenFault::Signature);
    }
    Ok(payload)
}
