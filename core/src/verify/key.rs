//! Public keys (RFC 7517, 7518, 8037): from JSON to something that verifies.
//!
//! Owns: which algorithms there are and which key fits which. A key is parsed once, here.
//! Refuses: RSA below 2048 bits, symmetric keys, curves other than P-256 and Ed25519; asking a token
//! which kind of key it wants.

use std::{collections::HashMap, fmt};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// Keys of a set that are looked at.
const KEYS_MAX: usize = 100;
const P256_COORDINATE_BYTES: usize = 32;

/// A signature algorithm that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA PKCS #1 v1.5 with SHA-256, keys from 2048 to 8192 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them, the default.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// `RS256`: the name in a token's header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name in a token's header; names are case-sensitive.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The keys of an issuer, by id. One id may stand for keys of several kinds (RFC 7517 section 4.5), but for one
/// of each kind only: the first.
#[derive(Debug)]
pub(super) struct KeySet(HashMap<String, Vec<Key>>);

#[derive(Debug)]
pub(super) struct Key {
    pub algorithm: Algorithm,
    public: ParsedPublicKey,
}

impl Key {
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys that cannot verify tokens are passed over; a set without a single
    /// usable one is a fault, so that it never replaces a good one.
    pub fn read(json: &[u8]) -> Result<Self, &'static str> {
        let set: Set = serde_json::from_slice(json).map_err(|_| "it is no JSON Web Key Set")?;
        let mut keys = HashMap::new();
        for jwk in set.keys.into_iter().take(KEYS_MAX) {
            // One that does not fit the form is passed over like one of an unknown kind.
            let Ok(jwk) = serde_json::from_value::<Jwk>(jwk) else {
                continue;
            };
            if let Some((id, key)) = jwk.key() {
                let same: &mut Vec<Key> = keys.entry(id).or_default();
                if same.iter().all(|other| other.algorithm != key.algorithm) {
                    same.push(key);
                }
            }
        }
        if keys.is_empty() {
            return Err("it holds no key that can verify a token");
        }
        Ok(Self(keys))
    }

    pub fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The key of that id which is for this algorithm.
    pub fn get(&self, id: &str, algorithm: Algorithm) -> Option<&Key> {
        self.0
            .get(id)?
            .iter()
            .find(|key| key.algorithm == algorithm)
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// The key and its id, when it is one that verifies tokens.
    fn key(self) -> Option<(String, Key)> {
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self
                .key_ops
                .as_ref()
                .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let id = self.kid.clone().filter(|_| signs)?;
        let (algorithm, public) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => (Algorithm::Rs256, self.rsa()?),
            ("EC", Some("P-256")) => (Algorithm::Es256, self.p256()?),
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, self.ed25519()?),
            _ => return None,
        };
        let fits = match self.alg.as_deref() {
            None => true,
            // RFC 9864 renamed it.
            Some("Ed25519") => algorithm == Algorithm::EdDsa,
            Some(name) => name == algorithm.as_str(),
        };
        fits.then_some((id, Key { algorithm, public }))
    }

    fn rsa(&self) -> Option<ParsedPublicKey> {
        let (n, e) = (number(self.n.as_ref()?)?, number(self.e.as_ref()?)?);
        // Its verification refuses moduli below 2048 bits, but only later.
        if n.len() < 256 || (n.len() == 256 && n[0] < 0x80) {
            return None;
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .ok()
    }

    fn p256(&self) -> Option<ParsedPublicKey> {
        let (x, y) = (bytes(self.x.as_ref()?)?, bytes(self.y.as_ref()?)?);
        if x.len() != P256_COORDINATE_BYTES || y.len() != P256_COORDINATE_BYTES {
            return None;
        }
        // SEC 1 section 2.3.3: an uncompressed point.
        let point = [&[4_u8][..], &x, &y].concat();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
    }

    fn ed25519(&self) -> Option<ParsedPublicKey> {
        ParsedPublicKey::new(&ED25519, bytes(self.x.as_ref()?)?).ok()
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A big-endian number without leading zeros, which some issuers write.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let start = bytes.iter().position(|b| *b != 0)?;
    Some(bytes[start..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    /// The JWS verifies with the key, and with one byte more no longer.
    fn holds(mut jwk: Value, message: &str, signature: &str) {
        jwk["kid"] = json!("k");
        let set = json!({"keys": [jwk]}).to_string();
        let set = KeySet::read(set.as_bytes()).expect("a usable key");
        let (key, signature) = (set.0["k"].first().expect("the key"), bytes(signature));
        let signature = signature.expect("base64url");
        assert!(key.verifies(message.as_bytes(), &signature));
        assert!(!key.verifies(format!("{message}A").as_bytes(), &signature));
    }

    #[test]
    fn rfc_7515_a_2_rs256() {
        let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt\
            0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rex\
            MdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-D\
            WNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5\
            YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt\
            QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9Q\
            OYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let jwk = json!({"kty": "RSA", "n": n, "e": "AQAB"});
        holds(jwk, &format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}"), signature);
    }

    #[test]
    fn rfc_7515_a_3_es256() {
        let jwk = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K\
            g6NU1Q";
        holds(jwk, &format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}"), signature);
    }

    #[test]
    fn rfc_8037_a_4_ed25519() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_Mu\
            M0KAg";
        holds(jwk, message, signature);
    }
}
