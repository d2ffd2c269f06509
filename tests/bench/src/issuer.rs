//! The issuer of the contests that verify tokens: two keys, their public halves as a set, and one
//! token of each algorithm, as long as the server's own are.

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::Result;

/// For whom the tokens are.
pub const AUDIENCE: &str = "https://api.example.com";
/// Where the keys are.
pub const KEYS: &str = "/keys";
/// Where the tokens are: `{"rs256": …, "es256": …}`.
pub const TOKENS: &str = "/tokens";

/// What the server answers.
pub struct Issuer {
    pub keys: Bytes,
    pub tokens: Bytes,
}

impl Issuer {
    /// New keys, and tokens that say they come from there.
    pub fn new(url: &str) -> Result<Self> {
        let (rsa, rsa_public) = rsa()?;
        let (p256, p256_public) = p256()?;
        let tokens = json!({
            "rs256": token(Algorithm::RS256, "rsa", &rsa, url)?,
            "es256": token(Algorithm::ES256, "p256", &p256, url)?,
        });
        Ok(Self {
            keys: json!({"keys": [rsa_public, p256_public]})
                .to_string()
                .into(),
            tokens: tokens.to_string().into(),
        })
    }
}

fn token(algorithm: Algorithm, kid: &str, key: &EncodingKey, issuer: &str) -> Result<String> {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(kid.to_owned());
    let agent = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11";
    let claims = json!({
        "iss": issuer, "sub": agent, "client_id": agent, "aud": AUDIENCE,
        "organization_id": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00", "jti": agent,
        "scope": "agents:read agents:write tokens:read audit:read",
        "iat": 1_700_000_000_u64, "exp": 4_000_000_000_u64,
    });
    Ok(encode(&header, &claims, key)?)
}

fn pem(pkcs8: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").into_bytes()
}

fn rsa() -> Result<(EncodingKey, Value)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let public = pair.public_key();
    let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let key = EncodingKey::from_rsa_pem(&pem(pair.as_der()?.as_ref()))?;
    let public = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "n": n, "e": e});
    Ok((key, public))
}

fn p256() -> Result<(EncodingKey, Value)> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let point = pair.public_key().as_ref();
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..]),
    );
    let key = EncodingKey::from_ec_pem(&pem(pair.to_pkcs8v1()?.as_ref()))?;
    let public = json!({
        "kty": "EC", "use": "sig", "alg": "ES256", "kid": "p256", "crv": "P-256", "x": x, "y": y,
    });
    Ok((key, public))
}
