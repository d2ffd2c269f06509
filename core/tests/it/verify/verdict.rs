//! Which tokens hold, and what is said of those that do not.

use jsonwebtoken::{DecodingKey, Validation, jwk::Jwk};
use sentryagent_idp::{Algorithm, Error, ErrorKind, TokenVerifier, codes};
use serde_json::{Value, json};

use super::issuer::{
    AGENT, AUDIENCE, Fixture, Key, NOW, RSA, ed25519, encode, header, p256, rsa, signed,
    signed_text, with,
};
use crate::support::seconds;

fn reason(error: &Error) -> &str {
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.code(), codes::INVALID_TOKEN);
    assert_eq!(error.oauth_error(), Some("invalid_token"));
    assert!(!error.is_retryable());
    let details = error.details().expect("details");
    details["reason"].as_str().expect("a reason")
}

/// The reason of a refusal, which must not repeat any part of the token.
async fn refused(verifier: &TokenVerifier, token: &str) -> String {
    let error = verifier.verify(token).await.expect_err("refused");
    let shown = format!("{error} {error:?} {}", error.to_json());
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!shown.contains(part), "{shown}");
    }
    reason(&error).to_owned()
}

#[tokio::test]
async fn every_algorithm_holds() {
    let (p256, ed25519) = (p256("p256-1"), ed25519("ed-1"));
    let f = Fixture::with(&[&RSA, &p256, &ed25519], |b| b).await;
    for (key, algorithm) in [
        (&*RSA, Algorithm::Rs256),
        (&p256, Algorithm::Es256),
        (&ed25519, Algorithm::EdDsa),
    ] {
        let token = f.verifier.verify(&f.token(key)).await.expect("it holds");
        assert_eq!((token.algorithm, &token.key_id), (algorithm, &key.id));
    }
    assert_eq!(f.fetches().await, 1);
}

/// RFC 7517 section 4.5 allows it for keys of different kinds; of one kind the first counts.
#[tokio::test]
async fn one_id_may_stand_for_a_key_of_each_kind() {
    let keys = [ed25519("1"), p256("1"), ed25519("1")];
    let f = Fixture::with(&keys.each_ref(), |b| b).await;
    for (key, algorithm) in keys.iter().zip([Algorithm::EdDsa, Algorithm::Es256]) {
        let token = f.verifier.verify(&f.token(key)).await.expect("it holds");
        assert_eq!(token.algorithm, algorithm);
    }
    assert_eq!(refused(&f.verifier, &f.token(&keys[2])).await, "signature");
    let rs256 = signed(&with(header(&RSA), "kid", "1"), &f.claims(), &RSA);
    assert_eq!(refused(&f.verifier, &rs256).await, "algorithm");
    assert_eq!(f.fetches().await, 1);
}

#[tokio::test]
async fn a_verified_token_says_everything() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let token = f.verifier.verify(&f.token(&key)).await.expect("it holds");
    assert!(token.has_scope("tokens:read") && !token.has_scope("tokens"));
    assert_eq!(token.expires_at.unix_timestamp() as u64, NOW + 86_400);
    assert_eq!(
        token.to_json(),
        json!({
            "subject": AGENT, "clientId": AGENT,
            "organizationId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00",
            "scopes": ["agents:read", "tokens:read"], "tokenId": "token-1", "issuer": f.server.uri(),
            "audience": [AUDIENCE], "issuedAt": NOW, "expiresAt": NOW + 86_400,
            "keyId": "ed-1", "algorithm": "EdDSA", "claims": f.claims(),
        })
    );
}

#[tokio::test]
async fn a_token_needs_little() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let mut least = json!({
        "iss": f.server.uri(), "sub": "s", "aud": [AUDIENCE], "exp": NOW as f64 + 0.5,
    });
    let token = signed(&header(&key), &least, &key);
    let token = f.verifier.verify(&token).await.expect("it holds");
    let json = token.to_json();
    assert_eq!(json["expiresAt"], NOW);
    for absent in ["clientId", "organizationId", "tokenId", "issuedAt"] {
        assert_eq!(json[absent], Value::Null, "{absent}");
    }
    assert!(token.scopes.is_empty());
    // But for somebody it has to speak.
    for nobody in [Value::Null, json!("")] {
        least["sub"] = nobody;
        let token = signed(&header(&key), &least, &key);
        let error = f.verifier.verify(&token).await.expect_err("for nobody");
        assert_eq!(error.details().expect("details")["reason"], "malformed");
    }
}

#[tokio::test]
async fn wrong_claims_are_told_apart() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    for (claim, value, expected) in [
        ("iss", json!("https://other.example.com"), "issuer"),
        ("iss", json!(f.server.uri() + "/"), "issuer"),
        ("iss", Value::Null, "issuer"),
        ("aud", json!("https://api.example.com/"), "audience"),
        ("aud", json!(["a", "b"]), "audience"),
        ("aud", json!([]), "audience"),
        ("aud", Value::Null, "audience"),
        ("aud", json!([AUDIENCE, 1]), "malformed"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", json!(0), "expired"),
        ("exp", json!("soon"), "malformed"),
        ("exp", Value::Null, "malformed"),
        ("exp", json!(1e300), "malformed"),
        ("nbf", json!(NOW + 61), "not_yet_valid"),
        ("iat", json!(NOW + 61), "not_yet_valid"),
        ("scope", json!(["agents:read"]), "malformed"),
        ("sub", json!(1), "malformed"),
    ] {
        let token = signed(&header(&key), &with(f.claims(), claim, value.clone()), &key);
        assert_eq!(
            refused(&f.verifier, &token).await,
            expected,
            "{claim} {value}"
        );
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let strict = Fixture::with(&[&key], |b| b.leeway(seconds(0))).await;
    for (claim, at) in [("exp", NOW - 59), ("nbf", NOW + 60), ("iat", NOW + 60)] {
        let token = |f: &Fixture| signed(&header(&key), &with(f.claims(), claim, at), &key);
        assert!(f.verifier.verify(&token(&f)).await.is_ok(), "{claim}");
        assert!(
            strict.verifier.verify(&token(&strict)).await.is_err(),
            "{claim}"
        );
    }
    // Time is the injected clock's, and the wall clock's alone.
    let token = f.token(&key);
    f.clock.set_wall(seconds(NOW + 86_459));
    assert!(f.verifier.verify(&token).await.is_ok());
    f.clock.set_wall(seconds(NOW + 86_460));
    assert_eq!(refused(&f.verifier, &token).await, "expired");
}

#[tokio::test]
async fn wrong_forms_are_malformed() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let good = f.token(&key);
    let parts: Vec<&str> = good.split('.').collect();
    let claims = f.claims().to_string();
    let head = header(&key).to_string();
    let twice = |text: &str, name: &str, value: &str| {
        format!("{}, \"{name}\": {value}}}", &text[..text.len() - 1])
    };
    for token in [
        String::new(),
        "a.b".to_owned(),
        format!("{good}.x"),
        format!(" {good}"),
        format!("{good}="),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]).replace('.', ".."),
        good.replace('.', ". "),
        format!("{}.{}.{}", encode("null"), parts[1], parts[2]),
        format!("{}.{}.{}", encode("{}"), parts[1], parts[2]),
        "x".repeat(20_000),
        signed_text(
            &format!(r#"["EdDSA","{}","at+jwt"]"#, key.id),
            &claims,
            &key,
        ),
        signed_text(&twice(&head, "alg", "\"EdDSA\""), &claims, &key),
        signed_text(&twice(&head, "crit", "[]"), &claims, &key),
        signed_text(&twice(&head, "crit", "null"), &claims, &key),
        signed_text(
            &twice(&head, "x", &format!("{:?}", "y".repeat(3000))),
            &claims,
            &key,
        ),
        signed_text(&head, &twice(&claims, "sub", "\"somebody else\""), &key),
        signed_text(&head, "[]", &key),
        signed_text(&head, "nonsense", &key),
    ] {
        assert_eq!(
            refused(&f.verifier, &token).await,
            "malformed",
            "{token:.80}"
        );
    }
}

#[tokio::test]
async fn algorithm_type_and_key_are_pinned() {
    let (p256, forger) = (p256("p256-1"), rsa("rsa-1"));
    let f = Fixture::with(&[&RSA, &p256], |b| b).await;
    let head = || header(&RSA);
    let claims = f.claims();
    let unsigned = |alg: &str| {
        let start = encode(with(head(), "alg", alg).to_string());
        format!("{start}.{}.", encode(claims.to_string()))
    };
    let hmac = jsonwebtoken::EncodingKey::from_secret(RSA.jwk.to_string().as_bytes());
    let start = unsigned("HS256");
    let start = start.trim_end_matches('.');
    let mac = jsonwebtoken::crypto::sign(start.as_bytes(), &hmac, jsonwebtoken::Algorithm::HS256);
    let other = |name: &str, value: Value| signed(&with(head(), name, value), &claims, &RSA);
    for (token, expected) in [
        (unsigned("none"), "algorithm"),
        (unsigned("None"), "algorithm"),
        (unsigned("RS256"), "signature"),
        (format!("{start}.{}", mac.expect("a mac")), "algorithm"),
        (other("alg", json!("RS384")), "algorithm"),
        (other("alg", json!("rs256")), "algorithm"),
        (other("alg", json!("ES256")), "algorithm"),
        (other("typ", json!("JWT")), "type"),
        (other("typ", json!("application/jwt")), "type"),
        (other("typ", Value::Null), "type"),
        (other("kid", Value::Null), "unknown_key"),
        (other("kid", json!("p256-1")), "algorithm"),
        (signed(&head(), &claims, &forger), "signature"),
        (
            signed(&with(head(), "jwk", forger.jwk.clone()), &claims, &forger),
            "signature",
        ),
    ] {
        assert_eq!(refused(&f.verifier, &token).await, expected);
    }
    for typ in ["AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(
            f.verifier.verify(&other("typ", json!(typ))).await.is_ok(),
            "{typ}"
        );
    }
    // Narrower still.
    let only = Fixture::with(&[&RSA, &p256], |b| b.algorithms([Algorithm::Es256])).await;
    assert!(only.verifier.verify(&only.token(&p256)).await.is_ok());
    assert_eq!(
        refused(&only.verifier, &only.token(&RSA)).await,
        "algorithm"
    );
}

#[tokio::test]
async fn scopes_are_asked_of_the_token() {
    let key = ed25519("ed-1");
    let f = Fixture::with(&[&key], |b| b.required_scopes(["agents:read"])).await;
    let token = f.token(&key);
    assert!(f.verifier.verify(&token).await.is_ok());
    let more = ["agents:write".to_owned(), "agents:read".to_owned()];
    let error = f
        .verifier
        .verify_scopes(&token, &more)
        .await
        .expect_err("lacks one");
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert_eq!(error.code(), codes::INSUFFICIENT_SCOPE);
    assert_eq!(error.oauth_error(), Some("insufficient_scope"));
    let needed = json!({"requiredScopes": ["agents:read", "agents:write"]});
    assert_eq!(error.details(), Some(&needed));
}

/// Ours and `jsonwebtoken` agree on every single changed bit of signature and claims.
#[tokio::test]
async fn another_implementation_agrees() {
    let key: Key = p256("p256-1");
    let f = Fixture::new(&key).await;
    let jwk: Jwk = serde_json::from_value(key.jwk.clone()).expect("a JWK");
    let theirs = DecodingKey::from_jwk(&jwk).expect("a key");
    let mut rules = Validation::new(key.algorithm);
    rules.set_audience(&[AUDIENCE]);
    rules.validate_exp = false;
    let good = f.token(&key);
    let start = good.find('.').expect("a dot") + 1;
    let mut agreed = 0;
    for place in (start..good.len())
        .step_by(3)
        .filter(|p| good.as_bytes()[*p] != b'.')
    {
        let mut bytes = good.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(bytes).expect("text");
        let ours = f.verifier.verify(&token).await.is_ok();
        let there = jsonwebtoken::decode::<Value>(&token, &theirs, &rules).is_ok();
        assert_eq!(ours, there, "byte {place}");
        agreed += u32::from(!ours);
    }
    assert!(agreed > 50);
    assert!(jsonwebtoken::decode::<Value>(&good, &theirs, &rules).is_ok());
    assert!(f.verifier.verify(&good).await.is_ok());
}
