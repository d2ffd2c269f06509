//! The scripted issuer: keys made when the host starts, a JWKS, and tokens good and bad.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{case::Result, verbs::TokenSpec};

/// The audience of good tokens.
pub const AUDIENCE: &str = "https://api.example.com";
/// The keys of a JWKS that says nothing else.
pub const PUBLISHED: [&str; 3] = ["rsa", "ec", "ed"];

static KEYS: LazyLock<std::result::Result<Keys, String>> = LazyLock::new(Keys::make);
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// Every key, by the name that cases use.
pub struct Keys {
    rsa: RsaKeyPair,
    other: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    new: EcdsaKeyPair,
}

impl Keys {
    fn make() -> std::result::Result<Self, String> {
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).map_err(|e| e.to_string());
        let ec =
            || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|e| e.to_string());
        Ok(Self {
            rsa: rsa()?,
            other: rsa()?,
            ec: ec()?,
            ed: Ed25519KeyPair::generate().map_err(|e| e.to_string())?,
            new: ec()?,
        })
    }

    /// The process's keys.
    pub fn get() -> Result<&'static Self> {
        KEYS.as_ref().map_err(Clone::clone)
    }

    /// The JWKS with these keys.
    pub fn jwks(&self, names: &[String]) -> Result<Value> {
        let keys: Vec<Value> = names.iter().map(|n| self.jwk(n)).collect::<Result<_>>()?;
        Ok(json!({"keys": keys}))
    }

    fn jwk(&self, name: &str) -> Result<Value> {
        let point = |key: &EcdsaKeyPair, kid: &str| {
            let public = key.public_key().as_ref();
            json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
                   "x": b64(&public[1..33]), "y": b64(&public[33..65])})
        };
        Ok(match name {
            "rsa" => {
                let public = self.rsa.public_key();
                json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "rsa-1",
                       "n": b64(public.modulus().big_endian_without_leading_zero()),
                       "e": b64(public.exponent().big_endian_without_leading_zero())})
            }
            "ec" => point(&self.ec, "ec-1"),
            "new" => point(&self.new, "new-1"),
            "ed" => json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                           "kid": "ed-1", "x": b64(self.ed.public_key().as_ref())}),
            // What an SDK must skip without losing the others.
            "unknown" => json!({"kty": "ML-DSA", "kid": "pq-1", "pub": "AAAA"}),
            other => return Err(format!("`{other}` is no key of the scripted issuer")),
        })
    }

    /// A token of that issuer.
    pub fn mint(&self, spec: &TokenSpec, issuer: &str) -> Result<String> {
        let name = spec.key.as_deref().unwrap_or("rsa");
        let (alg, kid) = match name {
            "rsa" | "other" => ("RS256", "rsa-1"),
            "ec" => ("ES256", "ec-1"),
            "ed" => ("EdDSA", "ed-1"),
            "new" => ("ES256", "new-1"),
            other => return Err(format!("`{other}` is no key of the scripted issuer")),
        };
        let alg = match spec.sign.as_deref() {
            None | Some("key") => alg,
            Some("none") => "none",
            Some("hmac") => "HS256",
            Some(other) => return Err(format!("`{other}` is no way to sign")),
        };
        let header = merged(
            json!({"alg": alg, "kid": kid, "typ": "at+jwt"}),
            &spec.header,
        );
        let input = format!(
            "{}.{}",
            b64(header.to_string().as_bytes()),
            b64(claims(spec, issuer).to_string().as_bytes())
        );
        let signature = match alg {
            "none" => Vec::new(),
            "HS256" => self.hmac(input.as_bytes()),
            _ => self.sign(name, input.as_bytes())?,
        };
        let input = if spec.tampered {
            let mut claims = claims(spec, issuer);
            claims["scope"] = "admin:orgs".into();
            format!(
                "{}.{}",
                b64(header.to_string().as_bytes()),
                b64(claims.to_string().as_bytes())
            )
        } else {
            input
        };
        Ok(format!("{input}.{}", b64(&signature)))
    }

    /// The confusion of algorithms: what everybody knows of the key as a shared secret.
    fn hmac(&self, input: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.rsa.public_key().as_ref());
        hmac::sign(&key, input).as_ref().to_vec()
    }

    fn sign(&self, name: &str, input: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        let rsa = |key: &RsaKeyPair| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)
                .map_err(|e| e.to_string())?;
            Ok(signature)
        };
        let ec = |key: &EcdsaKeyPair| {
            let signature = key.sign(&random, input).map_err(|e| e.to_string())?;
            Ok(signature.as_ref().to_vec())
        };
        match name {
            "rsa" => rsa(&self.rsa),
            "other" => rsa(&self.other),
            "ec" => ec(&self.ec),
            "new" => ec(&self.new),
            _ => Ok(self.ed.sign(input).as_ref().to_vec()),
        }
    }
}

fn claims(spec: &TokenSpec, issuer: &str) -> Value {
    let now = now_seconds();
    let mut claims = json!({
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11",
        "client_id": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11",
        "organization_id": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00",
        "scope": "agents:read audit:read",
        "jti": format!("jti-{}", SERIAL.fetch_add(1, Ordering::Relaxed)),
        "iat": now,
        "exp": now + spec.expires_in.unwrap_or(3600),
    });
    if let Some(later) = spec.not_before_in {
        claims["nbf"] = (now + later).into();
    }
    merged(claims, &spec.claims)
}

fn merged(mut base: Value, over: &Map<String, Value>) -> Value {
    for (name, value) in over {
        if let Some(base) = base.as_object_mut() {
            if value.is_null() {
                base.remove(name);
            } else {
                base.insert(name.clone(), value.clone());
            }
        }
    }
    base
}

/// Unix seconds.
pub fn now_seconds() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    fn parts(spec: TokenSpec) -> (Value, Value, bool) {
        let keys = Keys::get().unwrap();
        let token = keys.mint(&spec, "http://issuer").unwrap();
        let mut split = token.rsplitn(2, '.');
        let signature = URL_SAFE_NO_PAD.decode(split.next().unwrap()).unwrap();
        let input = split.next().unwrap();
        let read = |text: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        let (header, payload) = input.split_once('.').unwrap();
        let public = keys.rsa.public_key().as_ref();
        let holds = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(input.as_bytes(), &signature)
            .is_ok();
        (read(header), read(payload), holds)
    }

    #[test]
    fn a_good_token_is_good_and_bad_ones_are_not() {
        let (header, claims, holds) = parts(TokenSpec::default());
        assert!(holds);
        assert_eq!(
            (&header["kid"], &claims["aud"]),
            (&json!("rsa-1"), &json!(AUDIENCE))
        );
        let spec = |text: &str| serde_json::from_str(text).unwrap();
        assert!(!parts(spec(r#"{"key":"other"}"#)).2);
        assert!(!parts(spec(r#"{"tampered":true}"#)).2);
        let (header, claims, holds) =
            parts(spec(r#"{"sign":"none","claims":{"sub":null,"aud":"b"}}"#));
        assert_eq!(
            (&header["alg"], &claims["aud"]),
            (&json!("none"), &json!("b"))
        );
        assert!(!holds && claims.get("sub").is_none());
    }
}
