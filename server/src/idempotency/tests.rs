//! Keys, and what a process leaves behind that dies while it answers.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;

use super::*;
use crate::{
    auth::tests::world::World,
    http::{AuthKind, Envelope, Reply},
    storage::{CredentialRecord, Reach, RevokeCredential, StorageResult},
};

static FACTS: Facts = Facts {
    id: "revokeAndTell",
    method: "POST",
    path: "/",
    aliases: &[],
    route: "/",
    auth: AuthKind::Bearer,
    envelope: Envelope::Standard,
    has_body: true,
    idempotency_key: true,
    sensitive: false,
    rate_limit_per_minute: None,
    success: 202,
};

struct Nobody;

#[async_trait]
impl ReplayGuard for Nobody {
    async fn is_active(&self, _: Uuid, _: Uuid) -> Result<bool, ApiError> {
        Ok(false)
    }
}

/// The layer over a world's store, and the request that both tests make.
fn layer(world: &World) -> (Arc<Idempotency>, Key, Request<'static>) {
    let mut idempotency = Idempotency::new(
        Arc::clone(&world.storage),
        world.secrets.clone(),
        Arc::clone(&world.clock) as Arc<dyn Clock>,
        Arc::new(Nobody),
    );
    idempotency.wait = Duration::from_millis(50);
    let request = Request {
        client: world.admin.id,
        organization: world.admin.organization,
        facts: &FACTS,
        path: "/",
        query: "",
        body: b"{}",
    };
    (Arc::new(idempotency), Key::parse("k").unwrap(), request)
}

/// A change.
async fn revoke(world: &World) -> StorageResult<CredentialRecord> {
    let revoke = RevokeCredential {
        reach: Reach::Everywhere,
        agent: world.admin.id,
        credential: world.admin.credential,
        actor: None,
        at: world.clock.now(),
        events: Vec::new(),
    };
    world.storage.credentials().revoke(revoke).await
}

/// What a process leaves that dies after its change was committed and before its answer was kept.
#[tokio::test]
async fn a_change_whose_answer_was_lost_is_not_made_again() {
    let world = Arc::new(World::new().await);
    let (idempotency, key, request) = layer(&world);
    let dying = {
        let world = Arc::clone(&world);
        async move {
            revoke(&world).await.unwrap();
            panic!("the process dies here")
        }
    };
    let died = idempotency.once(&key, request, dying).await;
    assert!(died.is_err());
    world.clock.advance(LEASE * 2);
    let again = idempotency.once(&key, request, async { unreachable!("not again") });
    let refused = again.await.unwrap_err();
    assert_eq!(refused.code(), Code::IdempotencyConflict);
    world.clock.advance(KEPT);
    let later = idempotency.once(&key, request, async { Answer::new(StatusCode::OK, None) });
    assert!(!later.await.unwrap().replayed);
}

/// The same death, behind a change that was made with its answer.
#[tokio::test]
async fn a_change_made_with_its_answer_is_answered_after_a_crash() {
    let world = Arc::new(World::new().await);
    let (idempotency, key, request) = layer(&world);
    let dying = {
        let world = Arc::clone(&world);
        async move {
            let told = |credential: CredentialRecord| {
                let body = vec![credential.credential_id, credential.agent_id];
                Reply::new(body).header("location", "/there")
            };
            let made = with_answer(revoke(&world), told).await.unwrap();
            assert_eq!(made.body()[0], world.admin.credential);
            panic!("the process dies here")
        }
    };
    let died = idempotency.once(&key, request, dying).await;
    assert!(died.is_err());
    let mut replays = Vec::new();
    for wait in [Duration::ZERO, LEASE * 2] {
        world.clock.advance(wait);
        let again = idempotency.once(&key, request, async { unreachable!("not again") });
        replays.push(again.await.unwrap());
    }
    let ids = [world.admin.credential, world.admin.id];
    for Outcome { answer, replayed } in replays {
        assert!(replayed);
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(answer.headers["location"], "/there");
        let body: Vec<Uuid> = serde_json::from_slice(&answer.body.unwrap()).unwrap();
        assert_eq!(body, ids);
    }
}

/// The clock goes on for longer than a claim holds by itself.
#[tokio::test]
async fn a_request_that_takes_long_keeps_its_claim() {
    let world = Arc::new(World::new().await);
    let (mut idempotency, key, request) = layer(&world);
    Arc::get_mut(&mut idempotency).unwrap().renewal = Duration::ZERO;
    let (working, meanwhile) = (Arc::clone(&idempotency), key.clone());
    let clock = Arc::clone(&world.clock);
    let long = async move {
        for _ in 0..4 {
            clock.advance(LEASE / 2);
            let holds = clock.now().plus(LEASE).ms();
            while working.renewed_until.load(Ordering::Acquire) < holds {
                tokio::task::yield_now().await;
            }
        }
        let again = working.once(&meanwhile, request, async { unreachable!("not twice") });
        assert_eq!(again.await.unwrap_err().code(), Code::IdempotencyConflict);
        Answer::new(StatusCode::ACCEPTED, None)
    };
    let made = idempotency.once(&key, request, long);
    let made = tokio::time::timeout(Duration::from_secs(60), made).await;
    assert!(!made.expect("it is renewed").unwrap().replayed);
    let again = idempotency.once(&key, request, async { unreachable!("not again") });
    assert!(again.await.unwrap().replayed);
}

/// What a change did not come to is the layer's to keep.
#[tokio::test]
async fn a_refused_change_keeps_its_refusal() {
    let world = Arc::new(World::new().await);
    let (idempotency, key, request) = layer(&world);
    revoke(&world).await.unwrap();
    let refused = {
        let world = Arc::clone(&world);
        async move {
            let made = with_answer(revoke(&world), |_| Reply::empty()).await;
            assert_eq!(made.unwrap_err(), StorageError::CredentialAlreadyRevoked);
            Answer::new(StatusCode::CONFLICT, None)
        }
    };
    let first = idempotency.once(&key, request, refused).await.unwrap();
    assert!(!first.replayed);
    let again = idempotency.once(&key, request, async { unreachable!("not again") });
    let again = again.await.unwrap();
    assert_eq!(
        (again.answer.status, again.replayed),
        (StatusCode::CONFLICT, true)
    );
}

#[test]
fn keys_are_visible_ascii() {
    for good in ["a", "order-7", "!~", &"x".repeat(255)] {
        assert!(Key::parse(good).is_some(), "{good}");
    }
    for bad in ["", "a b", "ä", "a\t", &"x".repeat(256)] {
        assert!(Key::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn failures_that_ask_for_another_try_are_not_kept() {
    let kept: Vec<u16> = [200, 201, 204, 400, 401, 403, 404, 409, 415, 429, 500, 503]
        .into_iter()
        .filter(|s| is_kept(*s))
        .collect();
    assert_eq!(kept, [200, 201, 204, 400, 403, 404, 409, 415]);
}

#[test]
fn no_two_requests_share_a_hash() {
    assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    assert_eq!(hash(&[b"ab", b"c"]), hash(&[b"ab", b"c"]));
}
