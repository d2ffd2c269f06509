//! The Rust verifiers: the project's, and jsonwebtoken with keys that were parsed once.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, JwkSet},
};
use sentryagent_idp::TokenVerifier;
use serde::Deserialize;

use crate::{Result, issuer, protocol::Operation};

/// A verifier that has its keys, and the tokens that it is given.
pub struct Verifier {
    verify: Verify,
    tokens: Arc<Tokens>,
}

enum Verify {
    Project(TokenVerifier),
    Peer(Box<Peer>),
}

#[derive(Deserialize)]
struct Tokens {
    rs256: String,
    es256: String,
}

struct Peer {
    keys: HashMap<String, DecodingKey>,
    rules: HashMap<Algorithm, Validation>,
}

/// What is read of a token.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
}

impl Verifier {
    pub async fn new(project: bool, base_url: &str) -> Result<Self> {
        let http = reqwest::Client::new();
        let get = async |path: &str| -> Result<bytes::Bytes> {
            let answer = http.get(format!("{base_url}{path}")).send().await?;
            Ok(answer.error_for_status()?.bytes().await?)
        };
        let tokens: Tokens = serde_json::from_slice(&get(issuer::TOKENS).await?)?;
        let verify = if project {
            let verifier = TokenVerifier::builder(base_url, issuer::AUDIENCE)
                .jwks_uri(format!("{base_url}{}", issuer::KEYS))
                .build()?;
            verifier.verify(&tokens.rs256).await?;
            Verify::Project(verifier)
        } else {
            let set: JwkSet = serde_json::from_slice(&get(issuer::KEYS).await?)?;
            Verify::Peer(Box::new(Peer::new(&set.keys, base_url)?))
        };
        let tokens = Arc::new(tokens);
        Ok(Self { verify, tokens })
    }

    /// Verifies the token of that algorithm, and looks at what it says.
    pub async fn call(&self, operation: Operation) -> Result<()> {
        let token = match operation {
            Operation::Rs256 => &self.tokens.rs256,
            Operation::Es256 => &self.tokens.es256,
            Operation::Get | Operation::List => return Err("a verifier calls nothing".into()),
        };
        let right = match &self.verify {
            Verify::Project(verifier) => {
                let told = verifier.verify(token).await?;
                told.has_scope("agents:read") && told.subject.len() == 36
            }
            Verify::Peer(peer) => {
                let told = peer.verify(token)?;
                told.scope.split(' ').any(|s| s == "agents:read") && told.sub.len() == 36
            }
        };
        if right {
            Ok(())
        } else {
            Err("the token does not say what it was made with".into())
        }
    }
}

impl Peer {
    fn new(keys: &[Jwk], base_url: &str) -> Result<Self> {
        let rule = |algorithm| {
            let mut rule = Validation::new(algorithm);
            rule.set_issuer(&[base_url]);
            rule.set_audience(&[issuer::AUDIENCE]);
            rule.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            (algorithm, rule)
        };
        Ok(Self {
            keys: keys
                .iter()
                .map(|jwk| {
                    let kid = jwk.common.key_id.clone().unwrap_or_default();
                    Ok((kid, DecodingKey::from_jwk(jwk)?))
                })
                .collect::<Result<_>>()?,
            rules: [Algorithm::RS256, Algorithm::ES256].map(rule).into(),
        })
    }

    fn verify(&self, token: &str) -> Result<Claims> {
        let header = decode_header(token)?;
        let kid = header.kid.ok_or("no kid")?;
        let key = self.keys.get(&kid).ok_or("an unknown kid")?;
        let rule = self.rules.get(&header.alg).ok_or("an unknown algorithm")?;
        Ok(decode(token, key, rule)?.claims)
    }
}
