//! Instances on one PostgreSQL and one Redis: they share the limits, and the loss of Redis costs nobody anything.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use agentidp_services::Redis;
use futures_util::future::join_all;

use crate::{
    harness::Harness,
    instances::{Fleet, is_refused_in_time},
};

const IN_TIME: Duration = Duration::from_secs(30);
/// What a request may take on a busy machine: far less than anything that waits for Redis would.
const BOUNDED: Duration = Duration::from_secs(3);

/// Two instances that allow so many requests in a thousand hours, so that no test meets the end of a window.
async fn two(redis: &Redis, max_requests: u32, more: &[(&'static str, &str)]) -> [Harness; 2] {
    let mut variables = vec![
        ("REDIS_URL", redis.url()),
        ("RATE_LIMIT_MAX_REQUESTS", max_requests.to_string()),
        ("RATE_LIMIT_WINDOW_MS", "3600000000".to_owned()),
    ];
    variables.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let fleet = Fleet::with(variables).await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    for instance in [&one, &two] {
        cache_becomes(instance, "connected").await;
    }
    [one, two]
}

/// Waits until `/health` says so of the cache; answers its own status.
async fn cache_becomes(instance: &Harness, state: &str) -> (u16, String) {
    let since = Instant::now();
    loop {
        let health = instance.send(instance.request("GET", "/health")).await;
        if health.member("services")["cache"] == state {
            return (health.status, health.text("status"));
        }
        assert!(since.elapsed() < IN_TIME, "never {state}: {health:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn stop(instances: [Harness; 2]) {
    for instance in instances {
        instance.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_share_the_limits_to_the_last_request() {
    let redis = Redis::start().unwrap();
    let instances = two(&redis, 20, &[]).await;
    let [one, two] = &instances;
    let token = one.token(&one.admin, "agents:read").await;
    let path = format!("/api/v1/agents/{}", one.admin.client_id);
    let first = one.get(&path, &token).await;
    assert_eq!(first.header("x-ratelimit-remaining"), "19");
    let second = two.get(&path, &token).await;
    assert_eq!(second.header("x-ratelimit-remaining"), "18");
    // All at once on both: not one too many.
    let calls = (0..30).map(|n| if n % 2 == 0 { one } else { two });
    let answers = join_all(calls.map(|instance| instance.get(&path, &token))).await;
    let granted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(granted, 18);
    for denied in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(denied.code(), "RATE_LIMIT_EXCEEDED");
        assert_eq!(denied.header("x-ratelimit-remaining"), "0");
        let wait: u64 = denied.header("retry-after").parse().unwrap();
        assert!((1..=7_200_000).contains(&wait), "{wait}");
    }
    // Token requests are counted apart, and together on both: one was made already.
    let mut granted = 1;
    loop {
        let instance = &instances[granted % 2];
        let answer = instance.form("/api/v1/token", &one.admin.form()).await;
        if answer.status == 429 {
            break;
        }
        granted += 1;
    }
    assert_eq!(granted, 20);
    // The last was refused by the first.
    let text = one.server.app().metrics().encode();
    let hits = format!(
        "agentidp_rate_limit_hits_total{{client_id=\"{}\"}}",
        one.admin.client_id
    );
    assert!(text.contains(&hits), "{text}");
    stop(instances).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_lost_under_load_and_nobody_notices() {
    let redis = Redis::start().unwrap();
    let instances = two(&redis, 1_000_000, &[]).await;
    let [one, other] = &instances;
    let token = one.admin_token().await;
    let (stopped, asked, slowest) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    let load = async |instance: &Harness| {
        while !stopped.load(Ordering::Relaxed) {
            let began = Instant::now();
            let read = instance.get("/api/v1/agents", &token).await;
            let issued = instance.form("/api/v1/token", &instance.admin.form()).await;
            assert_eq!(
                (read.status, issued.status),
                (200, 200),
                "{read:?} {issued:?}"
            );
            let took = u32::try_from(began.elapsed().as_millis()).unwrap();
            slowest.fetch_max(took, Ordering::Relaxed);
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let more = async || {
        let since = Instant::now();
        let target = asked.load(Ordering::Relaxed) + 20;
        while asked.load(Ordering::Relaxed) < target {
            assert!(since.elapsed() < IN_TIME, "requests hang");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let story = async {
        more().await;
        redis.kill().unwrap();
        for instance in &instances {
            let health = cache_becomes(instance, "disconnected").await;
            assert_eq!(health, (200, "degraded".to_owned()));
            let detailed = instance
                .send(instance.request("GET", "/health/detailed"))
                .await;
            assert_eq!(
                (detailed.status, detailed.text("status").as_str()),
                (207, "degraded")
            );
            assert_eq!(
                detailed.member("services")["cache"]["status"],
                "unreachable"
            );
        }
        more().await;
        // What ends on one ends on the other in time without Redis too.
        let ending = one.token(&one.admin, "agents:read").await;
        assert_eq!(other.get("/api/v1/agents", &ending).await.status, 200);
        let request = one
            .request("POST", "/api/v1/token/revoke")
            .bearer_auth(&token);
        let revoked = one.send(request.form(&[("token", &ending)])).await;
        assert_eq!(revoked.status, 200, "{revoked:?}");
        is_refused_in_time(other, &ending, Instant::now()).await;
        redis.restart().unwrap();
        for instance in &instances {
            let health = cache_becomes(instance, "connected").await;
            assert_eq!(health, (200, "ok".to_owned()));
        }
        more().await;
        // Freezing is worse than dying: the connection stays open.
        pause(&redis).await;
        for instance in &instances {
            cache_becomes(instance, "disconnected").await;
        }
        more().await;
        stopped.store(true, Ordering::Relaxed);
    };
    tokio::join!(load(one), load(one), load(other), story);
    let slowest = Duration::from_millis(slowest.into_inner().into());
    println!(
        "{} pairs of requests, the slowest {slowest:?}",
        asked.into_inner()
    );
    assert!(slowest < BOUNDED, "{slowest:?}");
    stop(instances).await;
}

/// Makes Redis answer nobody for an hour, its connections left open.
async fn pause(redis: &Redis) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", redis.port()))
        .await
        .unwrap();
    stream
        .write_all(b"CLIENT PAUSE 3600000 ALL\r\n")
        .await
        .unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+OK\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_endpoint_is_never_open() {
    let redis = Redis::start().unwrap();
    let instances = two(&redis, 4, &[]).await;
    let [one, other] = &instances;
    let ask = async |instance: &Harness| {
        let answer = instance.form("/api/v1/token", &one.admin.form()).await;
        (answer.status, answer.text("error"))
    };
    let denied = (429, "temporarily_unavailable".to_owned());
    for _ in 0..4 {
        assert_eq!(ask(one).await.0, 200);
    }
    assert_eq!(ask(one).await, denied);
    assert_eq!(ask(other).await, denied);
    redis.kill().unwrap();
    for instance in &instances {
        cache_becomes(instance, "disconnected").await;
    }
    // `one` knows what it let pass. `other` let nothing pass: it allows the limit once, and no more.
    assert_eq!(ask(one).await, denied);
    for _ in 0..4 {
        assert_eq!(ask(other).await.0, 200);
    }
    assert_eq!(ask(other).await, denied);
    stop(instances).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_may_keep_limits_out_of_redis() {
    let redis = Redis::start().unwrap();
    let instances = two(&redis, 2, &[("REDIS_RATE_LIMIT_ENABLED", "false")]).await;
    let token = instances[0].token(&instances[0].admin, "agents:read").await;
    for instance in &instances {
        let statuses = [
            instance.get("/api/v1/agents", &token).await.status,
            instance.get("/api/v1/agents", &token).await.status,
            instance.get("/api/v1/agents", &token).await.status,
        ];
        assert_eq!(statuses, [200, 200, 429]);
    }
    stop(instances).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_without_its_redis_and_finds_it_later() {
    let redis = Redis::start().unwrap();
    redis.kill().unwrap();
    let harness = crate::harness::start_with(&[("REDIS_URL", &redis.url())]).await;
    let health = cache_becomes(&harness, "disconnected").await;
    assert_eq!(health, (200, "degraded".to_owned()));
    harness.admin_token().await;
    redis.restart().unwrap();
    let health = cache_becomes(&harness, "connected").await;
    assert_eq!(health, (200, "ok".to_owned()));
    harness.stop().await;
}
