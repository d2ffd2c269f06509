//! What verifying a token costs once the key is cached: `cargo run --release -p sentryagent-idp --example verification`.
//!
//! Prints the median of several rounds, in microseconds, inline on one thread: parsing, signature, claims.

use std::time::{Duration, Instant};

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
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use sentryagent_idp::TokenVerifier;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

const AUDIENCE: &str = "https://api.example.com";
const ROUNDS: usize = 15;
const TOKENS_A_ROUND: u32 = 2_000;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let server = MockServer::start().await;
    let keys = [rsa()?, p256()?, ed25519()?];
    let set: Vec<&Value> = keys.iter().map(|(_, _, jwk)| jwk).collect();
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "keys": set }));
    Mock::given(path("/keys"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let verifier = TokenVerifier::builder(server.uri(), AUDIENCE)
        .jwks_uri(format!("{}/keys", server.uri()))
        .build()?;
    for (algorithm, key, jwk) in &keys {
        let token = token(*algorithm, key, jwk, &server.uri())?;
        verifier.verify(&token).await?;
        let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round(&verifier, &token)).collect();
        rounds.sort();
        let each = rounds[ROUNDS / 2].as_secs_f64() * 1e6 / f64::from(TOKENS_A_ROUND);
        println!("{algorithm:?}: {each:.1} microseconds a token");
    }
    Ok(())
}

fn round(verifier: &TokenVerifier, token: &str) -> Duration {
    let since = Instant::now();
    for _ in 0..TOKENS_A_ROUND {
        let told = verifier.verify_now(token, &[]);
        assert!(told.is_some_and(|verdict| verdict.is_ok()));
    }
    since.elapsed()
}

fn token(
    algorithm: Algorithm,
    key: &EncodingKey,
    jwk: &Value,
    issuer: &str,
) -> Result<String, Failure> {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = jwk["kid"].as_str().map(str::to_owned);
    let agent = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11";
    let claims = json!({
        "iss": issuer, "sub": agent, "client_id": agent, "aud": AUDIENCE,
        "organization_id": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00", "jti": agent,
        "scope": "agents:read agents:write tokens:read audit:read", "exp": 4_000_000_000_u64,
    });
    Ok(encode(&header, &claims, key)?)
}

type Key = (Algorithm, EncodingKey, Value);

fn pem(pkcs8: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").into_bytes()
}

fn rsa() -> Result<Key, Failure> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let public = pair.public_key();
    let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let key = EncodingKey::from_rsa_pem(&pem(pair.as_der()?.as_ref()))?;
    let jwk = json!({"kty": "RSA", "kid": "rsa", "n": n, "e": e});
    Ok((Algorithm::RS256, key, jwk))
}

fn p256() -> Result<Key, Failure> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let point = pair.public_key().as_ref();
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..]),
    );
    let key = EncodingKey::from_ec_pem(&pem(pair.to_pkcs8v1()?.as_ref()))?;
    let jwk = json!({"kty": "EC", "kid": "p256", "crv": "P-256", "x": x, "y": y});
    Ok((Algorithm::ES256, key, jwk))
}

fn ed25519() -> Result<Key, Failure> {
    let pair = Ed25519KeyPair::generate()?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let key = EncodingKey::from_ed_pem(&pem(pair.to_pkcs8v1()?.as_ref()))?;
    let jwk = json!({"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": x});
    Ok((Algorithm::EdDSA, key, jwk))
}
