//! The same counters in a real Redis.

use std::time::Duration;

use agentidp_services::Redis;

use super::{super::*, CLIENT, Known, a_minute, at, own};
use crate::cache::Address;

async fn connected(redis: &Redis) -> Arc<Cache> {
    let address = Address::parse(&redis.url()).unwrap();
    let cache = Cache::start(address, Arc::default()).await;
    while !cache.is_connected() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cache
}

#[tokio::test]
async fn redis_counts_as_this_process_does() {
    let redis = Redis::start().unwrap();
    let shared = Shared::new(connected(&redis).await);
    let windows = Windows::new(1000);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % limit
    };
    let mut now = at(0);
    let mut denied = 0;
    for step in 0..1000 {
        let client = Uuid::from_u128(u128::from(below(3)));
        let max = 5 + u32::try_from(below(20)).unwrap();
        // Mostly forward, sometimes far, sometimes back.
        let move_ms = match below(20) {
            0 => -i64::try_from(below(1500)).unwrap(),
            1 => i64::try_from(below(3000)).unwrap(),
            _ => i64::try_from(below(60)).unwrap(),
        };
        now = Timestamp::from_ms(now.ms() + move_ms);
        let counted = Counted {
            key: Key::General(Subject::Client(client)),
            max,
            window_ms: 1000,
        };
        let there = shared.count_at(&[counted], Some(now.ms())).await.unwrap();
        let here = windows.count(counted.key, counted.key, max, now);
        assert_eq!(there, [here], "step {step}");
        denied += u32::from(here.retry_after.is_some());
    }
    assert!((50..900).contains(&denied), "{denied}");
}

#[tokio::test]
async fn redis_counts_both_windows_in_one_round_trip() {
    let redis = Redis::start().unwrap();
    let metrics = Arc::new(Metrics::default());
    let address = Address::parse(&redis.url()).unwrap();
    let cache = Cache::start(address, Arc::clone(&metrics)).await;
    let shared = Shared::new(cache);
    let client = Uuid::from_u128(1);
    let general = Counted {
        key: Key::General(Subject::Client(client)),
        max: 3,
        window_ms: MINUTE_MS,
    };
    let both = [general, Counted::own(client, own("x"))];
    let now = Some(at(0).ms());
    let mut remaining = Vec::new();
    for _ in 0..4 {
        let standings = shared.count_at(&both, now).await.unwrap();
        remaining.push(
            standings
                .iter()
                .map(|s| (s.remaining, s.retry_after.is_some()))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(
        remaining,
        [
            vec![(2, false), (1, false)],
            vec![(1, false), (0, false)],
            vec![(0, false), (0, true)],
            vec![(0, true)],
        ]
    );
    let text = metrics.encode();
    assert!(
        text.contains("redis_command_duration_seconds_count{command=\"evalsha\"} 4"),
        "{text}"
    );
}

#[tokio::test]
async fn counters_in_redis_end_by_themselves() {
    let redis = Redis::start().unwrap();
    let cache = connected(&redis).await;
    let limits = Limits::new(
        a_minute(5),
        Some(Arc::clone(&cache)),
        Arc::new(Known(vec![])),
        Arc::default(),
    );
    limits.count(CLIENT, Some(own("x")), at(0)).await.unwrap();
    let keys: Vec<String> = cache
        .run("keys", redis::cmd("KEYS").arg("*"))
        .await
        .unwrap();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        let lives: i64 = cache
            .run("pttl", redis::cmd("PTTL").arg(&key))
            .await
            .unwrap();
        assert!((1..=120_000).contains(&lives), "{key}: {lives}");
    }
}

#[tokio::test]
async fn instances_share_and_go_on_with_what_they_saw_when_redis_is_lost() {
    let redis = Redis::start().unwrap();
    // An hour: no window may end meanwhile.
    let hour = RateLimit {
        window: Duration::from_secs(3600),
        max_requests: 6,
    };
    let caches = [connected(&redis).await, connected(&redis).await];
    let [one, two] = caches
        .clone()
        .map(|cache| Limits::new(hour, Some(cache), Arc::new(Known(vec![])), Arc::default()));
    // Clocks of instances differ: they do not matter.
    let (early, late) = (at(0), at(3_600_000_000));
    let remaining = |standing: Option<Standing>| standing.unwrap().remaining;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(remaining(one.count(CLIENT, None, early).await));
        seen.push(remaining(two.count(CLIENT, None, late).await));
    }
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    assert_eq!(seen.last(), Some(&2));
    redis.kill().unwrap();
    // Two of the six were asked of each: four more fit into what each of them saw.
    for (limits, now) in [(&one, early), (&two, late)] {
        let mut granted = 0;
        while limits
            .count(CLIENT, None, now)
            .await
            .unwrap()
            .retry_after
            .is_none()
        {
            granted += 1;
        }
        assert_eq!(granted, 4);
    }
    redis.restart().unwrap();
    for cache in &caches {
        while !cache.is_connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(remaining(one.count(CLIENT, None, early).await), 5);
    assert_eq!(remaining(two.count(CLIENT, None, late).await), 4);
}

#[tokio::test]
async fn a_redis_that_refuses_to_count_opens_nothing() {
    let redis = Redis::start().unwrap();
    let cache = connected(&redis).await;
    let limits = Limits::new(
        a_minute(3),
        Some(Arc::clone(&cache)),
        Arc::new(Known(vec![])),
        Arc::default(),
    );
    limits.count(CLIENT, None, at(0)).await.unwrap();
    let mut full = redis::cmd("CONFIG");
    full.arg("SET").arg("maxmemory").arg(1);
    cache.run::<()>("config", &full).await.unwrap();
    let mut granted = 1;
    while limits
        .count(CLIENT, None, at(0))
        .await
        .unwrap()
        .retry_after
        .is_none()
    {
        granted += 1;
    }
    assert_eq!(granted, 3);
    assert!(cache.is_connected(), "it is there, only full");
}
