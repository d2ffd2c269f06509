//! A public key: its JWK (RFC 7517, 8037), its name (the RFC 7638 thumbprint) and verification with
//! it. The algorithm is part of the key; nothing that a token says can change it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{KeyError, SigningAlgorithm};

/// Bytes of a P-256 coordinate and of an Ed25519 key.
const COORDINATE_BYTES: usize = 32;
/// First byte of an uncompressed elliptic-curve point (SEC 1).
const UNCOMPRESSED: u8 = 4;

/// A JSON Web Key with public members only: there is no field for a private one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The one algorithm.
    pub alg: String,
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// Curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// RSA modulus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// First coordinate, or the whole key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
}

impl Jwk {
    /// The empty shape that the constructors fill in.
    fn bare(kty: &str, algorithm: SigningAlgorithm) -> Self {
        Self {
            kty: kty.to_owned(),
            usage: "sig".to_owned(),
            alg: algorithm.name().to_owned(),
            kid: String::new(),
            crv: None,
            n: None,
            e: None,
            x: None,
            y: None,
        }
    }

    /// Required members in lexicographic order, without blanks (RFC 7638 section 3).
    fn thumbprint(&self) -> String {
        let kty = self.kty.as_str();
        let members: Vec<(&str, &str)> = [
            ("crv", self.crv.as_deref()),
            ("e", self.e.as_deref()),
            ("kty", Some(kty)),
            ("n", self.n.as_deref()),
            ("x", self.x.as_deref()),
            ("y", self.y.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        let text: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":\"{value}\""))
            .collect();
        let canonical = format!("{{{}}}", text.join(","));
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }
}

/// A key that verifies.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: SigningAlgorithm,
    jwk: Jwk,
    parsed: ParsedPublicKey,
}

impl PublicKey {
    /// An RSA key from its big-endian modulus and exponent.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let mut jwk = Jwk::bare("RSA", SigningAlgorithm::Rs256);
        jwk.n = Some(URL_SAFE_NO_PAD.encode(n));
        jwk.e = Some(URL_SAFE_NO_PAD.encode(e));
        let parsed = PublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self::named(SigningAlgorithm::Rs256, jwk, parsed))
    }

    /// A P-256 key from its uncompressed point.
    pub(super) fn p256(point: &[u8]) -> Result<Self, KeyError> {
        let coordinates = match point {
            [UNCOMPRESSED, rest @ ..] if rest.len() == 2 * COORDINATE_BYTES => rest,
            _ => return Err(KeyError::Malformed),
        };
        let (x, y) = coordinates.split_at(COORDINATE_BYTES);
        let mut jwk = Jwk::bare("EC", SigningAlgorithm::Es256);
        jwk.crv = Some("P-256".to_owned());
        jwk.x = Some(URL_SAFE_NO_PAD.encode(x));
        jwk.y = Some(URL_SAFE_NO_PAD.encode(y));
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self::named(SigningAlgorithm::Es256, jwk, parsed))
    }

    /// An Ed25519 key from its 32 bytes.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != COORDINATE_BYTES {
            return Err(KeyError::Malformed);
        }
        let mut jwk = Jwk::bare("OKP", SigningAlgorithm::EdDsa);
        jwk.crv = Some("Ed25519".to_owned());
        jwk.x = Some(URL_SAFE_NO_PAD.encode(bytes));
        let parsed = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| KeyError::Malformed)?;
        Ok(Self::named(SigningAlgorithm::EdDsa, jwk, parsed))
    }

    /// Reads the JWK that storage keeps. Its name is computed again, never believed.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyError::Malformed)?;
        let bytes = |member: &Option<String>| {
            member
                .as_deref()
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
                .ok_or(KeyError::Malformed)
        };
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => Self::rsa(&bytes(&jwk.n)?, &bytes(&jwk.e)?),
            ("EC", Some("P-256")) => {
                let point = [vec![UNCOMPRESSED], bytes(&jwk.x)?, bytes(&jwk.y)?].concat();
                Self::p256(&point)
            }
            ("OKP", Some("Ed25519")) => Self::ed25519(&bytes(&jwk.x)?),
            _ => Err(KeyError::Malformed),
        }
    }

    fn named(algorithm: SigningAlgorithm, mut jwk: Jwk, parsed: ParsedPublicKey) -> Self {
        jwk.kid = jwk.thumbprint();
        Self {
            algorithm,
            jwk,
            parsed,
        }
    }

    /// The RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.jwk.kid
    }

    /// The one algorithm that this key verifies.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The key as the JWKS document shows it.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// True when `signature` over `message` was made with the private half.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.algorithm, self.kid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 section 3.1.
    const RFC7638_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn rsa_from(n: &str) -> PublicKey {
        let json =
            format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"x","n":"{n}","e":"AQAB"}}"#);
        PublicKey::from_jwk(&json).unwrap()
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key = rsa_from(RFC7638_N);
        assert_eq!(key.kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_okp_thumbprint_is_that_of_rfc_8037() {
        // RFC 8037 appendix A.2 and A.3.
        let key = PublicKey::from_jwk(
            r#"{"kty":"OKP","use":"sig","alg":"EdDSA","kid":"","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        )
        .unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        // Appendix A.4: the signature over the header {"alg":"EdDSA"} and its payload.
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = URL_SAFE_NO_PAD
            .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap();
        assert!(key.verify(message, &signature));
        assert!(!key.verify(b"another message", &signature));
    }

    #[test]
    fn rfc_7515_example_signatures_verify() {
        // Appendix A.3 (ES256).
        let key = PublicKey::from_jwk(
            r#"{"kty":"EC","use":"sig","alg":"ES256","kid":"","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        )
        .unwrap();
        let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        assert!(key.verify(message, &signature));
        signature[0] ^= 1;
        assert!(!key.verify(message, &signature));
    }

    #[test]
    fn the_document_has_no_private_member() {
        let json = serde_json::to_value(rsa_from(RFC7638_N).jwk()).unwrap();
        let mut names: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
    }

    #[test]
    fn other_kinds_of_keys_are_refused() {
        for json in [
            "{}",
            r#"{"kty":"oct","use":"sig","alg":"HS256","kid":"","k":"AAAA"}"#,
            r#"{"kty":"EC","use":"sig","alg":"ES256","kid":"","crv":"P-521","x":"AA","y":"AA"}"#,
            r#"{"kty":"EC","use":"sig","alg":"ES256","kid":"","crv":"P-256","x":"AA","y":"AA"}"#,
            r#"{"kty":"OKP","use":"sig","alg":"EdDSA","kid":"","crv":"Ed25519"}"#,
        ] {
            assert!(PublicKey::from_jwk(json).is_err(), "{json}");
        }
    }
}
