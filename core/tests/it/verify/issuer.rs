//! An issuer on loopback whose keys and mood the test decides, and tokens of every kind. Tokens are
//! signed by `jsonwebtoken`, an implementation that is not ours.

use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use sentryagent_idp::{TokenVerifier, TokenVerifierBuilder, clock::ManualClock};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

use crate::support::mock_server;

pub const AUDIENCE: &str = "https://api.example.com";
pub const AGENT: &str = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11";
/// Where `ManualClock` stands at first.
pub const NOW: u64 = 1_767_225_600;

/// A key pair: its private half for the oracle, its public half as a JWK.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub algorithm: Algorithm,
    pub private: EncodingKey,
    pub jwk: Value,
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pem(pkcs8: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").into_bytes()
}

/// RSA keys take a while to find: one for all tests.
pub static RSA: LazyLock<Key> = LazyLock::new(|| rsa("rsa-1"));

pub fn rsa(id: &str) -> Key {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let public = pair.public_key();
    let n = encode(public.modulus().big_endian_without_leading_zero());
    let e = encode(public.exponent().big_endian_without_leading_zero());
    let private = pair.as_der().expect("PKCS #8");
    Key {
        id: id.to_owned(),
        algorithm: Algorithm::RS256,
        private: EncodingKey::from_rsa_pem(&pem(private.as_ref())).expect("a key"),
        jwk: json!({"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": n, "e": e}),
    }
}

pub fn p256(id: &str) -> Key {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = pair.public_key().as_ref();
    let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
    let private = pair.to_pkcs8v1().expect("PKCS #8");
    Key {
        id: id.to_owned(),
        algorithm: Algorithm::ES256,
        private: EncodingKey::from_ec_pem(&pem(private.as_ref())).expect("a key"),
        jwk: json!({"kty": "EC", "kid": id, "alg": "ES256", "crv": "P-256", "x": x, "y": y}),
    }
}

pub fn ed25519(id: &str) -> Key {
    let pair = Ed25519KeyPair::generate().expect("a key");
    let x = encode(pair.public_key().as_ref());
    let private = pair.to_pkcs8v1().expect("PKCS #8");
    Key {
        id: id.to_owned(),
        algorithm: Algorithm::EdDSA,
        private: EncodingKey::from_ed_pem(&pem(private.as_ref())).expect("a key"),
        jwk: json!({"kty": "OKP", "kid": id, "key_ops": ["verify"], "crv": "Ed25519", "x": x}),
    }
}

pub fn header(key: &Key) -> Value {
    let algorithm = format!("{:?}", key.algorithm);
    json!({"alg": algorithm, "typ": "at+jwt", "kid": key.id})
}

/// Any two texts as header and claims, honestly signed.
pub fn signed_text(header: &str, claims: &str, key: &Key) -> String {
    let start = format!("{}.{}", encode(header), encode(claims));
    let signature =
        crypto::sign(start.as_bytes(), &key.private, key.algorithm).expect("a signature");
    format!("{start}.{signature}")
}

pub fn signed(header: &Value, claims: &Value, key: &Key) -> String {
    signed_text(&header.to_string(), &claims.to_string(), key)
}

/// The object with one value replaced; null takes it out.
pub fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    let (map, value) = (object.as_object_mut().expect("an object"), value.into());
    if value.is_null() {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), value);
    }
    object
}

/// What the issuer says now.
pub struct Mood {
    pub keys: Vec<Value>,
    pub status: u16,
    pub cache_control: Option<&'static str>,
    /// Instead of `{"issuer", "jwks_uri"}`.
    pub discovery: Option<Value>,
}

/// An issuer, a clock and a verifier.
pub struct Fixture {
    pub server: MockServer,
    pub clock: ManualClock,
    pub verifier: TokenVerifier,
    mood: Arc<Mutex<Mood>>,
}

impl Fixture {
    /// Its only key is an Ed25519 one.
    pub async fn new(key: &Key) -> Self {
        Self::with(&[key], |builder| builder).await
    }

    pub async fn with(
        keys: &[&Key],
        change: impl FnOnce(TokenVerifierBuilder) -> TokenVerifierBuilder,
    ) -> Self {
        let server = mock_server().await;
        let clock = ManualClock::new();
        let mood = Arc::new(Mutex::new(Mood {
            keys: keys.iter().map(|key| key.jwk.clone()).collect(),
            status: 200,
            cache_control: None,
            discovery: None,
        }));
        discovery(&server, mood.clone()).await;
        let shared = mood.clone();
        Mock::given(path("/keys"))
            .respond_with(move |_: &Request| {
                let mood = shared.lock().expect("a lock");
                let answer = ResponseTemplate::new(mood.status);
                let answer = answer.set_body_json(json!({"keys": mood.keys}));
                match mood.cache_control {
                    Some(value) => answer.insert_header("cache-control", value),
                    None => answer,
                }
            })
            .mount(&server)
            .await;
        let builder = TokenVerifier::builder(server.uri(), AUDIENCE).clock(clock.clone());
        let verifier = change(builder).build().expect("a verifier");
        Self {
            server,
            clock,
            verifier,
            mood,
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.mood.lock().expect("a lock"));
    }

    /// Claims of a good token at the clock's start.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.server.uri(), "sub": AGENT, "client_id": AGENT, "aud": AUDIENCE,
            "organization_id": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00", "jti": "token-1",
            "scope": "agents:read tokens:read", "iat": NOW, "exp": NOW + 86_400,
        })
    }

    pub fn token(&self, key: &Key) -> String {
        signed(&header(key), &self.claims(), key)
    }

    pub async fn requests_to(&self, part: &str) -> usize {
        let all = self.server.received_requests().await.unwrap_or_default();
        all.iter().filter(|r| r.url.path().contains(part)).count()
    }

    /// How often its keys were fetched.
    pub async fn fetches(&self) -> usize {
        self.requests_to("/keys").await
    }
}

async fn discovery(server: &MockServer, mood: Arc<Mutex<Mood>>) {
    let uri = server.uri();
    Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(move |_: &Request| {
            let mood = mood.lock().expect("a lock");
            let usual = json!({"issuer": uri, "jwks_uri": format!("{uri}/keys")});
            let status = if mood.status == 200 { 200 } else { 503 };
            ResponseTemplate::new(status).set_body_json(mood.discovery.as_ref().unwrap_or(&usual))
        })
        .mount(server)
        .await;
}
