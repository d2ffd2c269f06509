//! What a token's claims have to say (RFC 7519, RFC 9068). Pure: no clock, no network.

use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    fault::{Reason, insufficient_scope, invalid, malformed},
    jwt::Jwt,
    key::Algorithm,
    token::VerifiedToken,
};
use crate::Error;

/// What is asked of every token.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub issuer: String,
    /// One of these.
    pub audiences: Vec<String>,
    pub leeway: Duration,
    /// All of these.
    pub scopes: Vec<String>,
    pub algorithms: Vec<Algorithm>,
}

impl Rules {
    /// Judges the claims of a token whose signature holds; `now` is seconds since 1970.
    pub fn judge(
        &self,
        jwt: Jwt<'_>,
        required_scopes: &[String],
        now: f64,
    ) -> Result<VerifiedToken, Error> {
        let claims = jwt.claims()?;
        let issuer = text(&claims, "iss")?;
        if issuer.as_deref() != Some(self.issuer.as_str()) {
            return Err(invalid(
                Reason::Issuer,
                "the token was issued by somebody else",
            ));
        }
        let audience = audience(&claims)?;
        if !audience.iter().any(|a| self.audiences.contains(a)) {
            return Err(invalid(
                Reason::Audience,
                "the token is meant for another audience",
            ));
        }
        let times = self.times(&claims, now)?;
        let subject = text(&claims, "sub")?
            .filter(|subject| !subject.is_empty())
            .ok_or_else(|| malformed("the token does not say whom it speaks for"))?;
        let scopes: Vec<String> = text(&claims, "scope")?
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect();
        self.check_scopes(&scopes, required_scopes)?;
        Ok(VerifiedToken {
            subject,
            client_id: text(&claims, "client_id")?,
            organization_id: text(&claims, "organization_id")?,
            scopes,
            token_id: text(&claims, "jti")?,
            issuer: self.issuer.clone(),
            audience,
            issued_at: times.issued_at,
            expires_at: times.expires_at,
            key_id: jwt.key_id,
            algorithm: jwt.algorithm,
            claims,
        })
    }

    fn times(&self, claims: &Map<String, Value>, now: f64) -> Result<Times, Error> {
        let leeway = self.leeway.as_secs_f64();
        let expires = seconds(claims, "exp")?
            .ok_or_else(|| malformed("the token does not say when it ends"))?;
        if now >= expires + leeway {
            return Err(invalid(Reason::Expired, "the token has expired"));
        }
        let issued = seconds(claims, "iat")?;
        let begins = [seconds(claims, "nbf")?, issued];
        if begins.into_iter().flatten().any(|at| at > now + leeway) {
            return Err(invalid(Reason::NotYetValid, "the token is not valid yet"));
        }
        Ok(Times {
            issued_at: issued.map(moment).transpose()?,
            expires_at: moment(expires)?,
        })
    }

    fn check_scopes(&self, scopes: &[String], more: &[String]) -> Result<(), Error> {
        let needed = || self.scopes.iter().chain(more);
        if needed().all(|scope| scopes.contains(scope)) {
            return Ok(());
        }
        let mut named: Vec<&str> = Vec::new();
        for scope in needed() {
            if !named.contains(&scope.as_str()) {
                named.push(scope);
            }
        }
        Err(insufficient_scope(&named))
    }
}

struct Times {
    issued_at: Option<OffsetDateTime>,
    expires_at: OffsetDateTime,
}

/// A claim that is a text where it is there at all.
fn text(claims: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed("a claim of the token has a wrong type")),
    }
}

/// A text or a list of texts (RFC 7519 section 4.1.3).
fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, Error> {
    match claims.get("aud") {
        Some(Value::Array(list)) => list
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| malformed("the token's audience is no list of texts")),
        _ => Ok(text(claims, "aud")?.into_iter().collect()),
    }
}

/// A `NumericDate`: seconds, maybe with a fraction.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Error> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_f64()
            .filter(|number| number.is_finite())
            .map(Some)
            .ok_or_else(|| malformed("a time of the token is no number")),
    }
}

fn moment(seconds: f64) -> Result<OffsetDateTime, Error> {
    #[allow(clippy::cast_possible_truncation)] // `as` saturates, and the ends are out of range
    OffsetDateTime::from_unix_timestamp(seconds.floor() as i64)
        .map_err(|_| malformed("a time of the token is out of range"))
}
