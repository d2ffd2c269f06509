//! Bearer tokens. The forged ones are made with jsonwebtoken, which shares no code with us.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::world::{ISSUER, World, call};
use crate::auth::TokenFault;
use crate::generated::codes::Code;
use crate::generated::types::{AgentRole, AgentStatus, IssueTokenRequest};
use crate::keys::{SigningAlgorithm, SigningKey};
use crate::revocation::{FOLLOW_INTERVAL, FRESH_FOR};
use crate::storage::AgentPatch;

/// The header and claims of a good token, to be spoilt one by one.
struct Forge {
    header: Header,
    claims: Value,
    key: EncodingKey,
}

impl Forge {
    /// Signs with the server's own key.
    fn new(world: &World) -> Self {
        let signing = std::sync::Arc::clone(world.keys.current().signing());
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(signing.public().kid().to_owned());
        let now = crate::clock::Clock::now(world.clock.as_ref()).seconds();
        let member = &world.member;
        let claims = json!({
            "iss": ISSUER, "aud": ISSUER, "sub": member.id, "client_id": member.id,
            "organization_id": member.organization, "scope": "agents:read", "jti": "j-1",
            "iat": now, "exp": now + 3600,
            "dep": {"cid": member.credential, "gen": [1, 1, 1]},
        });
        Self {
            header,
            claims,
            key: EncodingKey::from_ec_der(signing.to_pkcs8().unwrap().expose_secret()),
        }
    }

    fn token(&self) -> String {
        encode(&self.header, &self.claims, &self.key).unwrap()
    }
}

async fn issued(world: &World) -> String {
    let request = IssueTokenRequest {
        grant_type: "client_credentials".to_owned(),
        client_id: None,
        client_secret: None,
        scope: "agents:read".to_owned(),
        resource: None,
        nonce: None,
    };
    let client = Some(world.member.presents());
    let answer = world.tokens.issue(&call(), client, request).await.unwrap();
    answer.access_token.expose().to_owned()
}

fn fault(world: &World, token: &str) -> Option<TokenFault> {
    world.auth.verifier().verify_for_us(token).err()
}

async fn accepted(world: &World, token: &str) -> Result<(), Code> {
    let caller = world.auth.bearer(&call(), token).await;
    caller.map(|_| ()).map_err(|error| error.code())
}

#[tokio::test]
async fn an_issued_token_makes_its_agent_a_caller() {
    let world = World::new().await;
    let token = issued(&world).await;
    for _ in 0..2 {
        let caller = world.auth.bearer(&call(), &token).await.unwrap();
        assert_eq!(caller.agent_id, world.member.id);
        assert_eq!(caller.organization_id, world.member.organization);
        assert_eq!(caller.role, AgentRole::Member);
        assert_eq!(caller.scopes.to_string(), "agents:read");
        assert_eq!(caller.credential_id, world.member.credential);
        assert!(caller.jti.is_some());
    }
}

#[tokio::test]
async fn a_forged_header_or_claim_is_refused() {
    let world = World::new().await;
    // The starting point is good, so that what follows is refused for its own fault.
    assert_eq!(fault(&world, &Forge::new(&world).token()), None);

    let header = |spoil: fn(&mut Header)| {
        let mut forge = Forge::new(&world);
        spoil(&mut forge.header);
        fault(&world, &forge.token())
    };
    assert_eq!(
        header(|h| h.typ = Some("JWT".to_owned())),
        Some(TokenFault::Type)
    );
    assert_eq!(
        header(|h| h.typ = Some("AT+JWT".to_owned())),
        Some(TokenFault::Type)
    );
    assert_eq!(header(|h| h.typ = None), Some(TokenFault::Malformed));
    assert_eq!(header(|h| h.kid = None), Some(TokenFault::Malformed));
    assert_eq!(
        header(|h| h.kid = Some("other".to_owned())),
        Some(TokenFault::UnknownKey)
    );

    let claim = |name: &str, value: Value| {
        let mut forge = Forge::new(&world);
        forge.claims[name] = value;
        fault(&world, &forge.token())
    };
    assert_eq!(
        claim("iss", json!("https://evil.example")),
        Some(TokenFault::Issuer)
    );
    assert_eq!(
        claim("iss", json!(format!("{ISSUER}/"))),
        Some(TokenFault::Issuer)
    );
    assert_eq!(
        claim("aud", json!("https://api.example")),
        Some(TokenFault::Audience)
    );
    assert_eq!(
        claim("scope", json!("agents:fly")),
        Some(TokenFault::Malformed)
    );
    for required in ["iss", "aud", "sub", "scope", "jti", "iat", "exp", "dep"] {
        assert_eq!(
            claim(required, Value::Null),
            Some(TokenFault::Malformed),
            "{required}"
        );
    }
}

#[tokio::test]
async fn another_key_algorithm_or_no_signature_is_refused() {
    let world = World::new().await;
    let good = Forge::new(&world);

    let stranger = SigningKey::generate(SigningAlgorithm::Es256).unwrap();
    let mut forge = Forge::new(&world);
    forge.key = EncodingKey::from_ec_der(stranger.to_pkcs8().unwrap().expose_secret());
    assert_eq!(fault(&world, &forge.token()), Some(TokenFault::Signature));

    // The public key as an HMAC secret: the classic confusion.
    let public = serde_json::to_vec(world.keys.current().signing().public().jwk()).unwrap();
    let mut forge = Forge::new(&world);
    forge.header.alg = Algorithm::HS256;
    forge.key = EncodingKey::from_secret(&public);
    assert_eq!(fault(&world, &forge.token()), Some(TokenFault::Algorithm));

    let unsigned = |alg: &str, signature: &str| {
        use base64::Engine as _;
        let encode =
            |v: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(v.to_string());
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": good.header.kid});
        format!("{}.{}.{signature}", encode(&header), encode(&good.claims))
    };
    for alg in ["none", "None", "NONE", ""] {
        assert_eq!(
            fault(&world, &unsigned(alg, "")),
            Some(TokenFault::Algorithm),
            "{alg}"
        );
    }
    assert_eq!(
        fault(&world, &unsigned("ES256", "")),
        Some(TokenFault::Signature)
    );
}

#[tokio::test]
async fn every_changed_character_and_every_garbled_form_is_refused() {
    let world = World::new().await;
    let token = issued(&world).await;
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(fault(&world, &changed).is_some(), "character {index}");
    }
    let (message, signature) = token.rsplit_once('.').unwrap();
    for garbled in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{token}."),
        format!("{token}="),
        format!(" {token}"),
        format!("{message}.{signature}.{signature}"),
        "x".repeat(10_000),
    ] {
        assert!(fault(&world, &garbled).is_some(), "{garbled:.40}");
    }
}

#[tokio::test]
async fn it_expires_without_leeway() {
    let world = World::new().await;
    let token = issued(&world).await;
    // Issued at 09:00:00.500, so `exp` is 10:00:00.
    world.clock.advance(Duration::from_millis(3_599_499));
    assert_eq!(fault(&world, &token), None);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(fault(&world, &token), Some(TokenFault::Expired));
    assert_eq!(accepted(&world, &token).await, Err(Code::Unauthorized));
}

#[tokio::test]
async fn suspension_ends_tokens_for_good() {
    let world = World::new().await;
    let token = issued(&world).await;
    assert_eq!(fault(&world, &token), None);
    world
        .set_status(&world.member, AgentStatus::Suspended)
        .await;
    assert_eq!(fault(&world, &token), Some(TokenFault::Revoked));
    world.set_status(&world.member, AgentStatus::Active).await;
    assert_eq!(fault(&world, &token), Some(TokenFault::Revoked));
    let new = issued(&world).await;
    assert_eq!(accepted(&world, &new).await, Ok(()));
}

#[tokio::test]
async fn rotation_ends_tokens_at_once_or_after_the_grace_period() {
    let mut world = World::new().await;
    let first = issued(&world).await;
    let minute = Duration::from_secs(60);
    let rotated = world.rotate(&world.member, Some(minute)).await;
    assert_eq!(fault(&world, &first), None);
    world.clock.advance(minute);
    assert_eq!(fault(&world, &first), Some(TokenFault::Revoked));

    world.member = rotated;
    let second = issued(&world).await;
    assert_eq!(fault(&world, &second), None);
    world.rotate(&world.member, None).await;
    assert_eq!(fault(&world, &second), Some(TokenFault::Revoked));
}

#[tokio::test]
async fn what_was_revoked_stays_revoked_after_a_restart() {
    let world = World::new().await;
    let (suspended, single) = (issued(&world).await, issued(&world).await);
    let caller = world.auth.bearer(&call(), &single).await.unwrap();
    world
        .tokens
        .revoke(&call(), &caller, &single)
        .await
        .unwrap();
    let restarted = world.another().await;
    assert_eq!(fault(&restarted, &single), Some(TokenFault::Revoked));
    assert_eq!(fault(&restarted, &suspended), None);
    world
        .set_status(&world.member, AgentStatus::Suspended)
        .await;
    let restarted = world.another().await;
    assert_eq!(fault(&restarted, &suspended), Some(TokenFault::Revoked));
}

#[tokio::test]
async fn another_instance_follows() {
    let world = World::new().await;
    let token = issued(&world).await;
    let other = world.another().await;
    // Only the last observer of a store hears: the first instance has to follow.
    assert_eq!(accepted(&world, &token).await, Ok(()));
    other
        .set_status(&world.member, AgentStatus::Suspended)
        .await;
    world.revocation.refresh().await.unwrap();
    assert_eq!(fault(&world, &token), Some(TokenFault::Revoked));
}

#[tokio::test]
async fn knowledge_that_is_too_old_answers_nothing() {
    let world = World::new().await;
    let token = issued(&world).await;
    assert_eq!(accepted(&world, &token).await, Ok(()));
    world.revocation.stop().await;
    world.revocation.refresh().await.unwrap();
    assert_eq!(accepted(&world, &token).await, Ok(()));

    tokio::time::pause();
    tokio::time::advance(FRESH_FOR).await;
    tokio::time::resume();
    assert_eq!(
        accepted(&world, &token).await,
        Err(Code::ServiceUnavailable)
    );
    let client = world.auth.client(&call(), &world.member.presents()).await;
    assert_eq!(client.unwrap_err().code(), Code::ServiceUnavailable);

    world.revocation.refresh().await.unwrap();
    assert_eq!(accepted(&world, &token).await, Ok(()));
}

/// The task, not the test, reads what another instance wrote.
#[tokio::test]
async fn the_follower_follows_by_itself() {
    let world = World::new().await;
    let token = issued(&world).await;
    let other = world.another().await;
    other
        .set_status(&world.member, AgentStatus::Suspended)
        .await;
    let heard = async {
        while fault(&world, &token).is_none() {
            tokio::time::sleep(FOLLOW_INTERVAL / 20).await;
        }
    };
    tokio::time::timeout(FRESH_FOR * 10, heard).await.unwrap();
    assert_eq!(fault(&world, &token), Some(TokenFault::Revoked));
}

#[tokio::test]
async fn a_demoted_admin_loses_what_its_token_says() {
    let world = World::new().await;
    let mut forge = Forge::new(&world);
    forge.claims["scope"] = json!("agents:read admin:orgs");
    let caller = world.auth.bearer(&call(), &forge.token()).await.unwrap();
    assert_eq!(caller.scopes.to_string(), "agents:read");
    let promoted = AgentPatch {
        role: Some(AgentRole::Admin),
        ..AgentPatch::default()
    };
    world.patch(&world.member, promoted).await;
    let caller = world.auth.bearer(&call(), &forge.token()).await.unwrap();
    assert_eq!(caller.scopes.to_string(), "agents:read admin:orgs");
}

#[tokio::test]
async fn a_rotated_key_still_verifies_and_a_revoked_one_does_not() {
    let world = World::new().await;
    let token = issued(&world).await;
    let old = world.keys.current().signing().public().kid().to_owned();
    // Another algorithm at the next start is published, and signs when it is told to.
    let settings = crate::keys::KeySettings {
        algorithm: SigningAlgorithm::EdDsa,
        ..crate::keys::KeySettings::default()
    };
    let clock = std::sync::Arc::clone(&world.clock);
    let storage = std::sync::Arc::clone(&world.storage);
    let next = crate::keys::Keys::load(settings, storage, world.secrets.clone(), clock)
        .await
        .unwrap();
    assert_eq!(next.current().signing().public().kid(), old);
    assert_eq!(next.current().jwks().len(), 2);
    next.steward().rotate(true).await.unwrap();

    world.revocation.refresh().await.unwrap();
    assert_eq!(
        world.keys.current().signing().public().algorithm(),
        SigningAlgorithm::EdDsa
    );
    assert_eq!(fault(&world, &token), None);
    assert_eq!(accepted(&world, &issued(&world).await).await, Ok(()));

    next.steward().revoke(&old).await.unwrap();
    world.revocation.refresh().await.unwrap();
    assert_eq!(fault(&world, &token), Some(TokenFault::UnknownKey));
}
