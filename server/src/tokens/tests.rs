//! Issuing, introspection and revocation over a real embedded store.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::*;
use crate::auth::tests::world::{ISSUER, TestAgent, World, call};
use crate::generated::codes::Code;
use crate::generated::types::AgentStatus;
use crate::keys::SigningAlgorithm;

fn form(scope: &str) -> IssueTokenRequest {
    IssueTokenRequest {
        grant_type: "client_credentials".to_owned(),
        client_id: None,
        client_secret: None,
        scope: scope.to_owned(),
        resource: None,
        nonce: None,
    }
}

async fn issue(
    world: &World,
    agent: &TestAgent,
    form: IssueTokenRequest,
) -> Result<TokenResponse, ApiError> {
    world
        .tokens
        .issue(&call(), Some(agent.presents()), form)
        .await
}

async fn token(world: &World, agent: &TestAgent) -> String {
    let answer = issue(world, agent, form("")).await.unwrap();
    answer.access_token.expose().to_owned()
}

async fn refusal(world: &World, agent: &TestAgent, form: IssueTokenRequest) -> Code {
    issue(world, agent, form).await.unwrap_err().code()
}

/// The claims, read with the published key by a library that shares no code with us.
fn oracle(world: &World, token: &str, algorithm: Algorithm, audience: &str) -> Value {
    let published = serde_json::to_value(world.keys.current().jwks()).unwrap();
    let kid = decode_header(token).unwrap().kid;
    let jwk = published
        .as_array()
        .unwrap()
        .iter()
        .find(|jwk| jwk["kid"].as_str() == kid.as_deref())
        .unwrap();
    let jwk = serde_json::from_value(jwk.clone()).unwrap();
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    // The clock of the tests stands still in a past that is over.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    decode::<Value>(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn a_token_says_what_the_contract_says_in_every_algorithm() {
    for (algorithm, oracle_algorithm) in [
        (SigningAlgorithm::Rs256, Algorithm::RS256),
        (SigningAlgorithm::Es256, Algorithm::ES256),
        (SigningAlgorithm::EdDsa, Algorithm::EdDSA),
    ] {
        let world = World::signing(algorithm).await;
        let answer = issue(&world, &world.member, form("tokens:read agents:read"))
            .await
            .unwrap();
        assert_eq!(answer.token_type, "Bearer");
        assert_eq!(answer.expires_in, 3600);
        assert_eq!(answer.scope, "agents:read tokens:read");
        assert!(answer.id_token.is_none());
        let token = answer.access_token.expose();
        let header = decode_header(token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(header.alg, oracle_algorithm);
        let claims = oracle(&world, token, oracle_algorithm, ISSUER);
        let id = world.member.id.to_string();
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["aud"], ISSUER);
        assert_eq!(claims["sub"], id.as_str());
        assert_eq!(claims["client_id"], id.as_str());
        assert_eq!(
            claims["organization_id"],
            world.member.organization.to_string()
        );
        assert_eq!(claims["scope"], "agents:read tokens:read");
        assert_eq!(
            claims["exp"].as_i64(),
            claims["iat"].as_i64().map(|iat| iat + 3600)
        );
        assert_eq!(claims["dep"]["cid"], world.member.credential.to_string());
    }
}

#[tokio::test]
async fn two_tokens_have_two_ids() {
    let world = World::new().await;
    let jti = |token: &str| oracle(&world, token, Algorithm::ES256, ISSUER)["jti"].clone();
    let (one, two) = (
        token(&world, &world.member).await,
        token(&world, &world.member).await,
    );
    assert_ne!(jti(&one), jti(&two));
}

#[tokio::test]
async fn only_admins_of_the_system_organization_get_admin_orgs() {
    let world = World::new().await;
    assert!(
        issue(&world, &world.admin, form("admin:orgs"))
            .await
            .is_ok()
    );
    for agent in [&world.member, &world.outsider] {
        assert_eq!(
            refusal(&world, agent, form("agents:read admin:orgs")).await,
            Code::InvalidScope
        );
    }
    let limited = world
        .credential(&world.member, Some(vec!["tokens:read"]), None)
        .await;
    assert!(issue(&world, &limited, form("tokens:read")).await.is_ok());
    // The default is a scope like any other.
    assert_eq!(
        refusal(&world, &limited, form("")).await,
        Code::InvalidScope
    );
}

#[tokio::test]
async fn a_resource_becomes_the_audience_and_our_api_refuses_it() {
    let world = World::new().await;
    let elsewhere = IssueTokenRequest {
        resource: Some("https://api.example.com".to_owned()),
        ..form("")
    };
    let answer = issue(&world, &world.member, elsewhere).await.unwrap();
    let token = answer.access_token.expose();
    let claims = oracle(&world, token, Algorithm::ES256, "https://api.example.com");
    assert_eq!(claims["aud"], "https://api.example.com");
    let refused = world.auth.bearer(&call(), token).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthorized);
    let broken = IssueTokenRequest {
        resource: Some("https://a#b".to_owned()),
        ..form("")
    };
    assert_eq!(
        refusal(&world, &world.member, broken).await,
        Code::InvalidTarget
    );
}

#[tokio::test]
async fn openid_adds_an_id_token_that_opens_nothing() {
    let world = World::new().await;
    let asked = IssueTokenRequest {
        nonce: Some("n-1".to_owned()),
        ..form("openid agents:read")
    };
    let answer = issue(&world, &world.member, asked).await.unwrap();
    let id_token = answer.id_token.unwrap();
    let id = world.member.id.to_string();
    let claims = oracle(&world, id_token.expose(), Algorithm::ES256, &id);
    assert_eq!(claims["sub"], id.as_str());
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["email"], "member@example.com");
    assert_eq!(claims["agent_type"], "custom");
    for name in id_token::AGENT_CLAIMS {
        assert!(claims.get(name).is_some(), "{name}");
    }
    let refused = world
        .auth
        .bearer(&call(), id_token.expose())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthorized);
    let seen = introspect(&world, &world.member, id_token.expose()).await;
    assert!(seen.is_none());
}

#[tokio::test]
async fn who_may_not_act_gets_no_token() {
    let world = World::new().await;
    world
        .set_status(&world.member, AgentStatus::Suspended)
        .await;
    assert_eq!(
        refusal(&world, &world.member, form("")).await,
        Code::UnauthorizedClient
    );
    let nobody = world
        .tokens
        .issue(&call(), None, form(""))
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), Code::InvalidClient);
}

#[tokio::test]
async fn an_issued_token_is_recorded_before_it_is_answered() {
    let world = World::new().await;
    let token = token(&world, &world.member).await;
    let events = world
        .events(world.member.organization, "token.issued")
        .await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].agent_id, Some(world.member.id));
    let claims = oracle(&world, &token, Algorithm::ES256, ISSUER);
    let metadata: Value = serde_json::from_str(&events[0].metadata).unwrap();
    assert_eq!(metadata["jti"], claims["jti"]);
    assert_eq!(metadata["scope"], "agents:read");
    assert_eq!(
        metadata["credentialId"],
        world.member.credential.to_string()
    );
    assert!(!events[0].metadata.contains(&token));
    assert!(!events[0].metadata.contains("sk_live"));
}

#[tokio::test]
async fn nothing_is_answered_that_could_not_be_recorded() {
    let world = World::new().await;
    token(&world, &world.member).await;
    world.storage.close().await;
    assert_eq!(
        refusal(&world, &world.member, form("")).await,
        Code::ServiceUnavailable
    );
}

async fn introspect(
    world: &World,
    agent: &TestAgent,
    token: &str,
) -> Option<Arc<crate::auth::VerifiedToken>> {
    let caller = world.auth.client(&call(), &agent.presents()).await.unwrap();
    world
        .tokens
        .introspect(&call(), &caller, token)
        .await
        .unwrap()
}

#[tokio::test]
async fn introspection_shows_live_tokens_of_ones_organization_and_nothing_else() {
    let world = World::new().await;
    let mine = token(&world, &world.member).await;
    let theirs = token(&world, &world.outsider).await;
    let elsewhere = IssueTokenRequest {
        resource: Some("https://api.example.com".to_owned()),
        ..form("")
    };
    let elsewhere = issue(&world, &world.member, elsewhere).await.unwrap();

    let seen = introspect(&world, &world.member, &mine).await.unwrap();
    assert_eq!(seen.claims.sub, world.member.id);
    assert!(
        introspect(&world, &world.member, elsewhere.access_token.expose())
            .await
            .is_some()
    );
    assert!(introspect(&world, &world.member, &theirs).await.is_none());
    assert!(introspect(&world, &world.outsider, &mine).await.is_none());
    assert!(introspect(&world, &world.member, "garbage").await.is_none());
    // admin:orgs reaches over the wall.
    assert!(introspect(&world, &world.admin, &theirs).await.is_some());

    world.rotate(&world.outsider, None).await;
    assert!(introspect(&world, &world.admin, &theirs).await.is_none());
}

async fn revoke(world: &World, agent: &TestAgent, token: &str) -> Result<(), Code> {
    let own = super::tests::token(world, agent).await;
    let caller = world.auth.bearer(&call(), &own).await.unwrap();
    let outcome = world.tokens.revoke(&call(), &caller, token).await;
    outcome.map_err(|error| error.code())
}

#[tokio::test]
async fn ones_own_token_and_as_admin_those_of_the_organization_can_be_revoked() {
    let world = World::new().await;
    let live = |token: &str| world.auth.verifier().verify(token).is_ok();
    let mine = token(&world, &world.member).await;
    let admins = token(&world, &world.admin).await;
    let theirs = token(&world, &world.outsider).await;

    assert_eq!(
        revoke(&world, &world.member, &admins).await,
        Err(Code::Forbidden)
    );
    assert_eq!(
        revoke(&world, &world.member, &theirs).await,
        Err(Code::Forbidden)
    );
    assert_eq!(
        revoke(&world, &world.outsider, &mine).await,
        Err(Code::Forbidden)
    );
    // The admin's token has no admin:orgs.
    assert_eq!(
        revoke(&world, &world.admin, &theirs).await,
        Err(Code::Forbidden)
    );
    assert!(live(&mine) && live(&admins) && live(&theirs));

    assert_eq!(revoke(&world, &world.member, &mine).await, Ok(()));
    assert!(!live(&mine));
    let second = token(&world, &world.member).await;
    assert_eq!(revoke(&world, &world.admin, &second).await, Ok(()));
    assert!(!live(&second) && live(&admins));
    // Again, unknown, garbage: nothing to do is no error.
    assert_eq!(revoke(&world, &world.member, &mine).await, Ok(()));
    assert_eq!(revoke(&world, &world.member, "garbage").await, Ok(()));

    let events = world
        .events(world.member.organization, "token.revoked")
        .await;
    assert_eq!(events.len(), 2);
    let admin_id = world.admin.id.to_string();
    assert!(events[0].metadata.contains(&admin_id), "who did it");
    assert!(!events[1].metadata.contains("actorId"), "one's own");
}
