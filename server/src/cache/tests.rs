//! A real Redis that is killed, frozen and restarted.

use std::{sync::Arc, time::Duration};

use agentidp_services::Redis;
use tokio::time::{Instant, sleep};

use super::{Address, COMMAND_TIME_MAX, Cache, CacheError, Script};
use crate::metrics::Metrics;

const IN_TIME: Duration = Duration::from_secs(20);
const COUNT: &str =
    "local n = redis.call('INCR', KEYS[1]) redis.call('SET', KEYS[2], ARGV[1]) return {n, ARGV[1]}";

async fn cache(redis: &Redis) -> Arc<Cache> {
    let address = Address::parse(&redis.url()).unwrap();
    let cache = Cache::start(address, Arc::new(Metrics::default())).await;
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

#[tokio::test]
async fn a_script_is_one_step_and_known_again_after_a_restart() {
    let redis = Redis::start().unwrap();
    let cache = cache(&redis).await;
    let script = Script::new(COUNT);
    for count in 1..=2 {
        let answer: Result<(u32, String), _> = cache
            .run_script(&script, &["counter", "other"], &["x"])
            .await;
        assert_eq!(answer, Ok((count, "x".to_owned())));
    }
    redis.kill().unwrap();
    until(|| !cache.is_connected()).await;
    redis.restart().unwrap();
    until(|| cache.is_connected()).await;
    let answer: Result<(u32, String), _> = cache
        .run_script(&script, &["counter", "other"], &["y"])
        .await;
    assert_eq!(answer, Ok((1, "y".to_owned())));
    let text = cache.metrics.encode();
    assert!(
        text.contains("redis_command_duration_seconds_count{command=\"evalsha\"} 3"),
        "{text}"
    );
    cache.stop().await;
    assert_eq!(cache.check().await, Err(CacheError::Disconnected));
}

#[tokio::test]
async fn a_dead_redis_costs_nothing() {
    let redis = Redis::start().unwrap();
    let cache = cache(&redis).await;
    redis.kill().unwrap();
    until(|| !cache.is_connected()).await;
    let began = Instant::now();
    for _ in 0..1000 {
        assert_eq!(cache.check().await, Err(CacheError::Disconnected));
    }
    assert!(began.elapsed() < COMMAND_TIME_MAX, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_frozen_redis_costs_a_command_its_time_and_later_ones_nothing() {
    let redis = Redis::start().unwrap();
    let cache = cache(&redis).await;
    let mut pause = redis::cmd("CLIENT");
    pause.arg("PAUSE").arg(3_600_000).arg("ALL");
    cache.run::<()>("client", &pause).await.unwrap();
    let began = Instant::now();
    let answer = cache.check().await;
    assert!(matches!(answer, Err(CacheError::Lost(_))), "{answer:?}");
    assert!(began.elapsed() >= COMMAND_TIME_MAX);
    assert!(!cache.is_connected());
    assert_eq!(cache.check().await, Err(CacheError::Disconnected));
    redis.kill().unwrap();
    redis.restart().unwrap();
    until(|| cache.is_connected()).await;
}

#[tokio::test]
async fn starts_without_redis_and_finds_it_later() {
    let redis = Redis::start().unwrap();
    redis.kill().unwrap();
    let address = Address::parse(&redis.url()).unwrap();
    let cache = Cache::start(address, Arc::new(Metrics::default())).await;
    assert_eq!(cache.check().await, Err(CacheError::Disconnected));
    redis.restart().unwrap();
    until(|| cache.is_connected()).await;
    assert_eq!(cache.check().await, Ok(()));
}

#[tokio::test]
async fn what_redis_refuses_is_said_and_the_connection_stays() {
    let redis = Redis::start().unwrap();
    let cache = cache(&redis).await;
    let answer = cache.run::<()>("nonsense", &redis::cmd("NONSENSE")).await;
    assert!(matches!(answer, Err(CacheError::Refused(_))), "{answer:?}");
    assert!(cache.is_connected());
}
