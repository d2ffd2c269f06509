//! Counting by the day, alone and shared, with a real Redis that is killed.

use std::time::Duration;

use agentidp_services::Redis;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::*;
use crate::{auth::tests::world::World, cache::Address, storage::Usage};

const IN_TIME: Duration = Duration::from_secs(20);

/// An instance over the world's store.
fn instance(world: &World, cache: Option<&Arc<Cache>>) -> Arc<Tiers> {
    Tiers::start(Parts {
        enforced: true,
        storage: Arc::clone(&world.storage),
        cache: cache.cloned(),
        metrics: Arc::default(),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
    })
}

async fn connected(redis: &Redis) -> Arc<Cache> {
    let address = Address::parse(&redis.url()).unwrap();
    let cache = Cache::start(address, Arc::default()).await;
    until(|| cache.is_connected()).await;
    cache
}

async fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + IN_TIME;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time");
        sleep(Duration::from_millis(5)).await;
    }
}

fn tenant(world: &World, tier: Tier) -> Tenant {
    Tenant {
        organization: world.member.organization,
        tier,
    }
}

/// How many of that many tokens were counted, asked for one after the other.
async fn counted(tiers: &Tiers, tenant: Tenant, number: usize) -> usize {
    let mut counted = 0;
    for _ in 0..number {
        counted += usize::from(tiers.count_token(tenant).await.is_ok());
    }
    counted
}

async fn stored(world: &World, tenant: Tenant) -> Usage {
    let today = day::day(world.clock.now());
    let usage = world.storage.usage();
    usage.get(tenant.organization, today).await.unwrap()
}

#[tokio::test]
async fn a_tier_has_its_number_a_day() {
    let world = World::new().await;
    let tiers = instance(&world, None);
    let free = tenant(&world, Tier::Free);
    assert_eq!(counted(&tiers, free, 1_001).await, 1_000);
    let refused = tiers.count_token(free).await.unwrap_err();
    assert_eq!(refused.code(), Code::TierLimitExceeded);
    assert_eq!(refused.wait(), Some(day::rest(world.clock.now())));
    assert_eq!(
        refused.public_message(),
        "The free tier allows 1000 tokens a day; the day ends at midnight UTC."
    );

    // Another tier allows more at once, and the next day all again.
    let pro = tenant(&world, Tier::Pro);
    assert_eq!(counted(&tiers, pro, 10).await, 10);
    assert_eq!(counted(&tiers, free, 1).await, 0);
    world.clock.advance(day::rest(world.clock.now()));
    assert_eq!(counted(&tiers, free, 2).await, 2);
    let enterprise = tenant(&world, Tier::Enterprise);
    assert_eq!(counted(&tiers, enterprise, 1_500).await, 1_500);
    tiers.stop().await;
    assert_eq!(stored(&world, free).await.tokens, 1_502);
}

#[tokio::test]
async fn nothing_is_lost_at_the_end() {
    let world = World::new().await;
    let tenant = tenant(&world, Tier::Free);
    for round in 1..=3 {
        let tiers = instance(&world, None);
        assert_eq!(counted(&tiers, tenant, 7).await, 7);
        tiers.stop().await;
        assert_eq!(stored(&world, tenant).await.tokens, 7 * round);
    }
}

#[tokio::test]
async fn a_token_that_was_not_issued_is_not_used() {
    let world = World::new().await;
    let tiers = instance(&world, None);
    let tenant = tenant(&world, Tier::Free);
    assert_eq!(counted(&tiers, tenant, 999).await, 999);
    let last = tiers.count_token(tenant).await.unwrap();
    assert!(tiers.count_token(tenant).await.is_err());
    tiers.writing.write().await;
    tiers.give_back(last).await;
    assert_eq!(counted(&tiers, tenant, 2).await, 1);
    tiers.stop().await;
    assert_eq!(stored(&world, tenant).await.tokens, 1_000);
}

#[tokio::test]
async fn no_token_when_the_store_cannot_say_how_many_there_were() {
    let world = World::new().await;
    let tiers = instance(&world, None);
    let tenant = tenant(&world, Tier::Free);
    world.storage.close().await;
    let refused = tiers.count_token(tenant).await.unwrap_err();
    assert_eq!(refused.code(), Code::ServiceUnavailable);
    // Calls are judged by what was counted here, and counted all the same.
    let mut passed = 0;
    for _ in 0..1_001 {
        passed += usize::from(tiers.count(tenant, Daily::Calls).await.is_ok());
    }
    assert_eq!(passed, 1_000);
    assert!(!tiers.writing.write().await, "it is kept for the next time");
    assert!(!tiers.writing.write().await, "and the time after that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_instances_share_one_exact_counter() {
    let redis = Redis::start().unwrap();
    let cache = connected(&redis).await;
    let world = World::new().await;
    let instances = [
        instance(&world, Some(&cache)),
        instance(&world, Some(&cache)),
    ];
    let tenant = tenant(&world, Tier::Free);
    let asked = (0..1_100).map(|number| instances[number % 2].count_token(tenant));
    let granted = join_all(asked).await;
    let granted = granted.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(granted, 1_000);
    for instance in &instances {
        instance.stop().await;
    }
    assert_eq!(stored(&world, tenant).await.tokens, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_loses_is_not_forgotten() {
    let redis = Redis::start().unwrap();
    let cache = connected(&redis).await;
    let world = World::new().await;
    let (one, two) = (
        instance(&world, Some(&cache)),
        instance(&world, Some(&cache)),
    );
    let tenant = tenant(&world, Tier::Free);
    assert_eq!(counted(&one, tenant, 600).await, 600);
    one.writing.write().await;

    // Gone: the database and what was counted since go on.
    redis.kill().unwrap();
    until(|| !cache.is_connected()).await;
    assert_eq!(counted(&two, tenant, 300).await, 300);
    two.writing.write().await;

    // Back, and empty: what instances know is brought along.
    redis.restart().unwrap();
    until(|| cache.is_connected()).await;
    assert_eq!(counted(&two, tenant, 200).await, 100);
    two.writing.write().await;
    assert_eq!(counted(&one, tenant, 5).await, 0);
    for instance in [one, two] {
        instance.stop().await;
    }
    assert_eq!(stored(&world, tenant).await.tokens, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_not_issued_is_given_back_in_redis_too() {
    let redis = Redis::start().unwrap();
    let cache = connected(&redis).await;
    let world = World::new().await;
    let (one, two) = (
        instance(&world, Some(&cache)),
        instance(&world, Some(&cache)),
    );
    let tenant = tenant(&world, Tier::Free);
    assert_eq!(counted(&one, tenant, 999).await, 999);
    let last = one.count_token(tenant).await.unwrap();
    assert!(two.count_token(tenant).await.is_err());
    one.give_back(last).await;
    assert_eq!(counted(&two, tenant, 2).await, 1);
    for instance in [one, two] {
        instance.stop().await;
    }
}
