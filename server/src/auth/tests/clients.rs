//! Client secrets.

use std::time::Duration;

use uuid::Uuid;

use super::world::{TestAgent, World, call};
use crate::call::ClientCredentials;
use crate::generated::codes::Code;
use crate::generated::scopes::Scope;
use crate::generated::types::{AgentRole, AgentStatus};
use crate::storage::{AgentPatch, OrganizationStatus, Reach, RevokeCredential};
use crate::wire::Secret;

async fn outcome(world: &World, presented: &ClientCredentials) -> Result<(), Code> {
    let caller = world.auth.client(&call(), presented).await;
    caller.map(|_| ()).map_err(|error| error.code())
}

fn stranger(client_id: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: client_id.to_owned(),
        client_secret: Secret::new("sk_live_0"),
    }
}

#[tokio::test]
async fn a_right_secret_makes_a_caller() {
    let world = World::new().await;
    let caller = world
        .auth
        .client(&call(), &world.member.presents())
        .await
        .unwrap();
    assert_eq!(caller.agent_id, world.member.id);
    assert_eq!(caller.organization_id, world.member.organization);
    assert_eq!(caller.role, AgentRole::Member);
    assert_eq!(caller.credential_id, world.member.credential);
    assert!(caller.scopes.contains(Scope::TokensRead));
    assert!(!caller.scopes.contains(Scope::AdminOrgs));
    let admin = world
        .auth
        .client(&call(), &world.admin.presents())
        .await
        .unwrap();
    assert!(admin.scopes.contains(Scope::AdminOrgs));
    // An admin, but not of the system organization.
    let outsider = world
        .auth
        .client(&call(), &world.outsider.presents())
        .await
        .unwrap();
    assert!(!outsider.scopes.contains(Scope::AdminOrgs));
}

#[tokio::test]
async fn unknown_and_wrong_are_the_same_answer() {
    let world = World::new().await;
    let wrong = world.member.presents_secret("sk_live_wrong");
    let right_but_upper_case = ClientCredentials {
        client_id: world.member.id.simple().to_string(),
        ..world.member.presents()
    };
    let mut answers = Vec::new();
    for presented in [
        wrong,
        world.member.presents_secret(""),
        stranger(&Uuid::now_v7().to_string()),
        stranger("no id"),
        stranger(""),
        right_but_upper_case,
        world.admin.presents_secret(world.member.secret.expose()),
    ] {
        let error = world.auth.client(&call(), &presented).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidClient);
        answers.push((error.public_message().to_owned(), error.details().clone()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn failures_are_recorded_where_they_belong_and_without_what_was_presented() {
    let world = World::new().await;
    let before = world
        .events(world.admin.organization, "auth.failed")
        .await
        .len();
    outcome(&world, &world.outsider.presents_secret("sk_live_x"))
        .await
        .unwrap_err();
    let theirs = world
        .events(world.outsider.organization, "auth.failed")
        .await;
    assert_eq!(theirs.len(), 1);
    assert_eq!(theirs[0].agent_id, Some(world.outsider.id));
    assert_eq!(theirs[0].metadata, r#"{"error":"invalid_client"}"#);
    outcome(&world, &stranger("sk_live_in_the_wrong_field"))
        .await
        .unwrap_err();
    let system = world.events(world.admin.organization, "auth.failed").await;
    assert_eq!(system.len(), before + 1);
    assert_eq!(system[0].agent_id, None);
    assert!(!system[0].metadata.contains("sk_live"));
}

#[tokio::test]
async fn who_may_not_act_learns_it_only_with_a_right_secret() {
    let world = World::new().await;
    for status in [AgentStatus::Suspended, AgentStatus::Decommissioned] {
        // Remembered or not, the change is seen at once.
        let _ = outcome(&world, &world.member.presents()).await;
        world.set_status(&world.member, status).await;
        let right = outcome(&world, &world.member.presents()).await;
        assert_eq!(right, Err(Code::UnauthorizedClient), "{status:?}");
        let wrong = outcome(&world, &world.member.presents_secret("sk_live_x")).await;
        assert_eq!(wrong, Err(Code::InvalidClient), "{status:?}");
    }
}

#[tokio::test]
async fn an_organization_that_may_not_act_gets_nothing() {
    let world = World::new().await;
    outcome(&world, &world.outsider.presents()).await.unwrap();
    let id = world.outsider.organization;
    let at = crate::clock::Clock::now(world.clock.as_ref());
    let organizations = world.storage.organizations();
    organizations
        .set_status(id, OrganizationStatus::Suspended, at, Vec::new())
        .await
        .unwrap();
    let refused = outcome(&world, &world.outsider.presents()).await;
    assert_eq!(refused, Err(Code::UnauthorizedClient));
    organizations
        .set_status(id, OrganizationStatus::Active, at, Vec::new())
        .await
        .unwrap();
    outcome(&world, &world.outsider.presents()).await.unwrap();
}

async fn revoke(world: &World, agent: &TestAgent) {
    let revocation = RevokeCredential {
        reach: Reach::Everywhere,
        agent: agent.id,
        credential: agent.credential,
        actor: None,
        at: crate::clock::Clock::now(world.clock.as_ref()),
        events: Vec::new(),
    };
    world
        .storage
        .credentials()
        .revoke(revocation)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_revoked_an_expired_and_a_rotated_secret_stop() {
    let world = World::new().await;
    let hour = Duration::from_secs(3600);
    let now = crate::clock::Clock::now(world.clock.as_ref());

    let second = world.credential(&world.member, None, None).await;
    outcome(&world, &second.presents()).await.unwrap();
    revoke(&world, &second).await;
    assert_eq!(
        outcome(&world, &second.presents()).await,
        Err(Code::InvalidClient)
    );

    let mortal = world
        .credential(&world.member, None, Some(now.plus(hour)))
        .await;
    outcome(&world, &mortal.presents()).await.unwrap();
    world.clock.advance(hour);
    assert_eq!(
        outcome(&world, &mortal.presents()).await,
        Err(Code::InvalidClient)
    );

    let rotated = world.rotate(&world.member, None).await;
    assert_eq!(
        outcome(&world, &world.member.presents()).await,
        Err(Code::InvalidClient)
    );
    outcome(&world, &rotated.presents()).await.unwrap();

    let again = world.rotate(&rotated, Some(hour)).await;
    outcome(&world, &rotated.presents()).await.unwrap();
    outcome(&world, &again.presents()).await.unwrap();
    world.clock.advance(hour);
    assert_eq!(
        outcome(&world, &rotated.presents()).await,
        Err(Code::InvalidClient)
    );
    outcome(&world, &again.presents()).await.unwrap();
}

#[tokio::test]
async fn a_secret_made_by_another_instance_is_accepted_at_once() {
    let world = World::new().await;
    let other = world.another().await;
    // Remembered here before the other instance adds one; this instance has not heard of it yet.
    outcome(&world, &world.member.presents()).await.unwrap();
    let made = other.credential(&world.member, None, None).await;
    outcome(&world, &made.presents()).await.unwrap();
}

#[tokio::test]
async fn an_allow_list_limits_and_never_widens() {
    let world = World::new().await;
    let listed = vec!["tokens:read", "admin:orgs", "from:the:future"];
    let member = world
        .credential(&world.member, Some(listed.clone()), None)
        .await;
    let caller = world
        .auth
        .client(&call(), &member.presents())
        .await
        .unwrap();
    assert_eq!(caller.scopes.to_string(), "tokens:read");
    let admin = world.credential(&world.admin, Some(listed), None).await;
    let caller = world.auth.client(&call(), &admin.presents()).await.unwrap();
    assert_eq!(caller.scopes.to_string(), "tokens:read admin:orgs");
}

#[tokio::test]
async fn a_changed_role_is_seen_at_once() {
    let world = World::new().await;
    outcome(&world, &world.member.presents()).await.unwrap();
    let patch = AgentPatch {
        role: Some(AgentRole::Admin),
        ..AgentPatch::default()
    };
    world.patch(&world.member, patch).await;
    let caller = world
        .auth
        .client(&call(), &world.member.presents())
        .await
        .unwrap();
    assert_eq!(caller.role, AgentRole::Admin);
}
