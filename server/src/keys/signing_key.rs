//! A private key that signs tokens: parsed once, its JOSE headers encoded once, so that a signature
//! costs only the signature (a library that parses the key each time costs three times as much).

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretSlice;

use super::pem::Pem;
use super::{KeyError, PublicKey, SigningAlgorithm};

/// The smallest RSA modulus that signs, in bits.
pub const RSA_BITS_MIN: usize = 2048;

/// What a token is for, as its header's `typ` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// `at+jwt` (RFC 9068).
    Access,
    /// `JWT`: an OpenID Connect id_token, which opens nothing.
    Id,
}

impl TokenType {
    /// The value of `typ`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Id => "JWT",
        }
    }
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that signs.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    access_header: String,
    id_header: String,
}

impl SigningKey {
    /// A fresh key: RSA of 2048 bits, P-256 or Ed25519. The library draws it from the operating
    /// system's randomness.
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::from_pair(pair.map_err(|_| KeyError::Crypto)?)
    }

    /// Reads `JWT_PRIVATE_KEY`: PKCS#8, PKCS#1 (RSA) or SEC 1 (P-256) in PEM. The key must fit the
    /// algorithm.
    pub fn from_pem(text: &str, algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        let pem = Pem::parse(text)?;
        let der = pem.der();
        let pair = match (pem.label(), algorithm) {
            ("PRIVATE KEY", _) => return Self::from_pkcs8(der, algorithm),
            ("RSA PRIVATE KEY", SigningAlgorithm::Rs256) => {
                RsaKeyPair::from_der(der).map(Pair::Rsa)
            }
            ("EC PRIVATE KEY", SigningAlgorithm::Es256) => {
                EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map(Pair::P256)
            }
            ("RSA PRIVATE KEY" | "EC PRIVATE KEY", _) => {
                return Err(KeyError::Misfit(algorithm));
            }
            ("ENCRYPTED PRIVATE KEY", _) => return Err(KeyError::Encrypted),
            _ => return Err(KeyError::NotPrivate),
        };
        Self::from_pair(pair.map_err(|error| rejected(error, algorithm))?)
    }

    /// Reads PKCS#8, as storage keeps it (encrypted) and as most PEM files have it.
    pub fn from_pkcs8(der: &[u8], algorithm: SigningAlgorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(der).map(Pair::Rsa),
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::P256)
            }
            SigningAlgorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519)
            }
        };
        Self::from_pair(pair.map_err(|error| rejected(error, algorithm))?)
    }

    fn from_pair(pair: Pair) -> Result<Self, KeyError> {
        let public = match &pair {
            Pair::Rsa(pair) => {
                if pair.public_modulus_len() * 8 < RSA_BITS_MIN {
                    return Err(KeyError::TooShort);
                }
                let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                PublicKey::rsa(&parts.n, &parts.e)?
            }
            Pair::P256(pair) => PublicKey::p256(pair.public_key().as_ref())?,
            Pair::Ed25519(pair) => PublicKey::ed25519(pair.public_key().as_ref())?,
        };
        let header = |kind: TokenType| {
            // Neither name has a character that JSON escapes.
            let json = format!(
                r#"{{"alg":"{}","typ":"{}","kid":"{}"}}"#,
                public.algorithm(),
                kind.name(),
                public.kid()
            );
            URL_SAFE_NO_PAD.encode(json)
        };
        Ok(Self {
            access_header: header(TokenType::Access),
            id_header: header(TokenType::Id),
            pair,
            public,
        })
    }

    /// Refuses a `JWT_PUBLIC_KEY` (SPKI in PEM) that is not this key's public half.
    pub fn check_public_pem(&self, text: &str) -> Result<(), KeyError> {
        // Whatever else it is, the fault is not the private key's.
        let pem = Pem::parse(text).map_err(|_| KeyError::OtherPublic)?;
        if pem.label() == "PUBLIC KEY" && self.public_der()? == pem.der() {
            Ok(())
        } else {
            Err(KeyError::OtherPublic)
        }
    }

    /// The public half as SPKI (RFC 5280).
    pub(super) fn public_der(&self) -> Result<Vec<u8>, KeyError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()),
            Pair::P256(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()),
            Pair::Ed25519(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()),
        };
        Ok(der.map_err(|_| KeyError::Crypto)?.as_ref().to_vec())
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The private half as PKCS#8, for encrypted storage.
    pub fn to_pkcs8(&self) -> Result<SecretSlice<u8>, KeyError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec())
            }
            Pair::P256(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        Ok(SecretSlice::from(der.map_err(|_| KeyError::Crypto)?))
    }

    /// A compact JWS (RFC 7515 section 7.1) over `claims`, which is a JSON object.
    pub fn sign(&self, kind: TokenType, claims: &[u8]) -> Result<String, KeyError> {
        let header = match kind {
            TokenType::Access => &self.access_header,
            TokenType::Id => &self.id_header,
        };
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 360);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // The library ignores this argument and uses its own generator.
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
            Pair::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec()),
        }
        .map_err(|_| KeyError::Crypto)
    }
}

/// The library says why only by name.
fn rejected(error: KeyRejected, algorithm: SigningAlgorithm) -> KeyError {
    match error.description_() {
        "TooSmall" => KeyError::TooShort,
        _ => KeyError::Misfit(algorithm),
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.public)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk};
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::*;

    fn oracle(algorithm: SigningAlgorithm) -> Algorithm {
        match algorithm {
            SigningAlgorithm::Rs256 => Algorithm::RS256,
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        }
    }

    #[test]
    fn jsonwebtoken_accepts_what_each_algorithm_signs() {
        for algorithm in SigningAlgorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let claims = json!({"sub": "a", "exp": 4_000_000_000_u64});
            let token = key
                .sign(TokenType::Access, claims.to_string().as_bytes())
                .unwrap();

            let header = decode_header(&token).unwrap();
            assert_eq!(header.typ.as_deref(), Some("at+jwt"));
            assert_eq!(header.kid.as_deref(), Some(key.public().kid()));

            let published = serde_json::to_value(key.public().jwk()).unwrap();
            let jwk: jwk::Jwk = serde_json::from_value(published).unwrap();
            let thumbprint = jwk.thumbprint(jwk::ThumbprintHash::SHA256).unwrap();
            assert_eq!(thumbprint, key.public().kid());
            let decoding = DecodingKey::from_jwk(&jwk).unwrap();
            let decoded =
                decode::<Value>(&token, &decoding, &Validation::new(oracle(algorithm))).unwrap();
            assert_eq!(decoded.claims, claims);
        }
    }

    #[test]
    fn a_stored_key_is_the_same_key() {
        for algorithm in SigningAlgorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let stored = key.to_pkcs8().unwrap();
            let again = SigningKey::from_pkcs8(stored.expose_secret(), algorithm).unwrap();
            assert_eq!(again.public().kid(), key.public().kid());
            let token = again.sign(TokenType::Id, b"{}").unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(key.public().verify(message.as_bytes(), &signature));
        }
    }

    #[test]
    fn a_pem_must_fit_the_algorithm() {
        let stored = |algorithm| {
            let der = SigningKey::generate(algorithm).unwrap().to_pkcs8().unwrap();
            let body = base64::engine::general_purpose::STANDARD.encode(der.expose_secret());
            format!("-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----\\n")
        };
        for made in SigningAlgorithm::ALL {
            let pem = stored(made);
            for asked in SigningAlgorithm::ALL {
                let read = SigningKey::from_pem(&pem, asked);
                assert_eq!(read.is_ok(), made == asked, "{made} read as {asked}");
            }
        }
    }

    #[test]
    fn a_public_an_encrypted_and_no_key_are_told_apart() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAEC\n-----END {label}-----");
        let fault = |text: &str| SigningKey::from_pem(text, SigningAlgorithm::Rs256).unwrap_err();
        assert_eq!(fault(&block("PUBLIC KEY")), KeyError::NotPrivate);
        assert_eq!(fault(&block("ENCRYPTED PRIVATE KEY")), KeyError::Encrypted);
        assert_eq!(fault("hello"), KeyError::NoPem);
        assert_eq!(
            fault(&block("PRIVATE KEY")),
            KeyError::Misfit(SigningAlgorithm::Rs256)
        );
    }

    #[test]
    fn debug_shows_the_name_only() {
        let key = SigningKey::generate(SigningAlgorithm::Es256).unwrap();
        let shown = format!("{key:?}");
        assert_eq!(
            shown,
            format!("SigningKey(PublicKey(ES256 {}))", key.public().kid())
        );
    }
}
