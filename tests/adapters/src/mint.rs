//! Keys and tokens, good and bad.
//!
//! Owns: signing JWTs of any content. Refuses: being careful; tokens that no issuer should make are its
//! purpose.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::Result;

/// A key pair with its id.
pub struct Key {
    pub id: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    pub fn rsa(id: &str) -> Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|e| format!("RSA key: {e}"))?;
        Ok(Self::of(id, Pair::Rsa(pair)))
    }

    pub fn p256(id: &str) -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|e| format!("P-256 key: {e}"))?;
        Ok(Self::of(id, Pair::P256(pair)))
    }

    pub fn ed25519(id: &str) -> Result<Self> {
        let pair = Ed25519KeyPair::generate().map_err(|e| format!("Ed25519 key: {e}"))?;
        Ok(Self::of(id, Pair::Ed25519(pair)))
    }

    fn of(id: &str, pair: Pair) -> Self {
        Self {
            id: id.to_owned(),
            pair,
        }
    }

    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The public half as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        let (kid, alg) = (&self.id, self.algorithm());
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = encode(public.modulus().big_endian_without_leading_zero());
                let e = encode(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "kid": kid, "use": "sig", "alg": alg, "n": n, "e": e})
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..65]));
                json!({"kty": "EC", "kid": kid, "use": "sig", "alg": alg, "crv": "P-256", "x": x, "y": y})
            }
            Pair::Ed25519(pair) => {
                let x = encode(pair.public_key().as_ref());
                json!({"kty": "OKP", "kid": kid, "use": "sig", "alg": alg, "crv": "Ed25519", "x": x})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|e| format!("signing: {e}"))?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair
                .sign(&random, message)
                .map_err(|e| format!("signing: {e}"))?
                .as_ref()
                .to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// A header that names the key as an honest issuer does.
pub fn header(key: &Key) -> Value {
    json!({"alg": key.algorithm(), "typ": "at+jwt", "kid": key.id})
}

/// A token with this header and these claims, signed with this key.
pub fn signed(header: &Value, claims: &Value, key: &Key) -> Result<String> {
    let start = start(header, claims);
    let signature = key.sign(start.as_bytes())?;
    Ok(format!("{start}.{}", encode(signature)))
}

/// A token without a signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.", start(header, claims))
}

/// A token "signed" with HMAC and a secret that everybody knows: the public key's text.
pub fn keyed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let start = start(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("{start}.{}", encode(hmac::sign(&key, start.as_bytes())))
}

fn start(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}
