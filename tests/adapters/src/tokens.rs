//! The tokens that every adapter is sent: what each is and what must come of it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{
    Result,
    issuer::Issuer,
    mint::{Key, encode, header, keyed, signed, unsigned},
};

pub const AUDIENCE: &str = "https://reports.example.com";
pub const SCOPE: &str = "agents:read";
pub const SUBJECT: &str = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11";

/// What must come of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Admitted,
    Invalid,
    LacksScope,
}

/// A token, why it is as it is, and what must come of it.
pub struct Sent {
    pub name: &'static str,
    pub token: String,
    pub verdict: Verdict,
}

/// Claims of a good token.
pub fn claims(issuer: &Issuer) -> Value {
    let now = now();
    json!({
        "iss": issuer.url(), "sub": SUBJECT, "client_id": SUBJECT, "aud": AUDIENCE,
        "organization_id": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00", "jti": "token-1",
        "scope": "agents:read tokens:read", "iat": now, "exp": now + 600,
    })
}

/// A good token.
pub fn good(issuer: &Issuer) -> Result<String> {
    let key = &issuer.keys()[0];
    signed(&header(key), &claims(issuer), key)
}

/// A token with a key id that nobody has.
pub fn unknown_key(issuer: &Issuer, id: &str) -> Result<String> {
    let key = &issuer.keys()[2];
    signed(&with(header(key), "kid", id), &claims(issuer), key)
}

/// All of them.
pub fn all(issuer: &Issuer) -> Result<Vec<Sent>> {
    let mut list = accepted(issuer)?;
    list.extend(wrong_claims(issuer)?);
    list.extend(wrong_form(issuer)?);
    Ok(list)
}

fn accepted(issuer: &Issuer) -> Result<Vec<Sent>> {
    let [rsa, p256, ed25519] = issuer.keys();
    let good = claims(issuer);
    let list = with(
        good.clone(),
        "aud",
        json!(["https://other.example.com", AUDIENCE]),
    );
    let long_type = with(header(rsa), "typ", "application/at+jwt");
    let just_over = with(good.clone(), "exp", now() - 20);
    let sent = |name, token| Sent {
        name,
        token,
        verdict: Verdict::Admitted,
    };
    Ok(vec![
        sent("good RS256", signed(&header(rsa), &good, rsa)?),
        sent("good ES256", signed(&header(p256), &good, p256)?),
        sent("good EdDSA", signed(&header(ed25519), &good, ed25519)?),
        sent("audience among others", signed(&header(rsa), &list, rsa)?),
        sent("type written in full", signed(&long_type, &good, rsa)?),
        sent(
            "expired within the leeway",
            signed(&header(rsa), &just_over, rsa)?,
        ),
    ])
}

fn wrong_claims(issuer: &Issuer) -> Result<Vec<Sent>> {
    let key = &issuer.keys()[0];
    let now = now();
    let mut list = Vec::new();
    let mut push = |name, claim: &str, value: Value| {
        let token = signed(&header(key), &with(claims(issuer), claim, value), key)?;
        list.push(Sent {
            name,
            token,
            verdict: Verdict::Invalid,
        });
        Ok::<_, String>(())
    };
    push("expired", "exp", json!(now - 3600))?;
    push("without an end", "exp", Value::Null)?;
    push("not valid yet", "nbf", json!(now + 3600))?;
    push("issued in the future", "iat", json!(now + 3600))?;
    push("wrong audience", "aud", json!("https://other.example.com"))?;
    push("wrong issuer", "iss", json!("https://other.example.com"))?;
    for (name, scope) in [
        ("missing scope", json!("tokens:read agents:readonly")),
        ("no scope", Value::Null),
    ] {
        let token = signed(&header(key), &with(claims(issuer), "scope", scope), key)?;
        list.push(Sent {
            name,
            token,
            verdict: Verdict::LacksScope,
        });
    }
    Ok(list)
}

fn wrong_form(issuer: &Issuer) -> Result<Vec<Sent>> {
    let [rsa, p256, _] = issuer.keys();
    let good = claims(issuer);
    let forger = Key::rsa(&rsa.id)?;
    let hs256 = with(header(rsa), "alg", "HS256");
    let public = rsa.jwk().to_string();
    let own_key = with(with(header(rsa), "jwk", forger.jwk()), "kid", "mine");
    let whole = signed(&header(rsa), &good, rsa)?;
    let (start, signature) = whole.rsplit_once('.').ok_or("no signature")?;
    let header_part = start.split('.').next().unwrap_or_default();
    let promoted = with(good.clone(), "scope", "agents:read agents:write");
    let swapped = format!("{header_part}.{}.{signature}", encode(promoted.to_string()));
    let sent = |name, token| Sent {
        name,
        token,
        verdict: Verdict::Invalid,
    };
    Ok(vec![
        sent(
            "forged with another key of the same id",
            signed(&header(rsa), &good, &forger)?,
        ),
        sent("claims swapped under a good signature", swapped),
        sent(
            "alg none",
            unsigned(&with(header(rsa), "alg", "none"), &good),
        ),
        sent(
            "HS256 with the public key",
            keyed(&hs256, &good, public.as_bytes()),
        ),
        sent(
            "algorithm of another key",
            signed(&with(header(p256), "kid", rsa.id.as_str()), &good, p256)?,
        ),
        sent("brings its own key", signed(&own_key, &good, &forger)?),
        sent(
            "wrong type",
            signed(&with(header(rsa), "typ", "JWT"), &good, rsa)?,
        ),
        sent(
            "critical extension",
            signed(&with(header(rsa), "crit", json!(["exp"])), &good, rsa)?,
        ),
        sent("unknown key", unknown_key(issuer, "nobody")?),
        sent("no JWT", "not-a-token".to_owned()),
        sent("signature cut off", format!("{start}.")),
    ])
}

/// The object with one value replaced; null takes it out.
fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    let value = value.into();
    if let Some(map) = object.as_object_mut() {
        if value.is_null() {
            map.remove(name);
        } else {
            map.insert(name.to_owned(), value);
        }
    }
    object
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}
