mod redis;

use std::time::Duration;

use futures_util::FutureExt;

use super::*;

const CLIENT: Subject<'static> = Subject::Client(Uuid::nil());

fn limits(max: u32) -> Limits {
    Limits::new(a_minute(max), None, Arc::new(Known(vec![])), Arc::default())
}

/// The clients that there are.
struct Known(Vec<Uuid>);

impl KnownClients for Known {
    fn knows(&self, client: Uuid) -> bool {
        self.0.contains(&client)
    }
}

fn a_minute(max_requests: u32) -> RateLimit {
    RateLimit {
        window: Duration::from_secs(60),
        max_requests,
    }
}

/// In this process: nothing is waited for.
fn count(limits: &Limits, subject: Subject<'_>, now: Timestamp) -> Option<Standing> {
    limits.count(subject, None, now).now_or_never().unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_040_000 + ms)
}

#[test]
fn zero_is_off() {
    assert_eq!(count(&limits(0), CLIENT, at(0)), None);
}

#[test]
fn allows_the_limit_and_then_says_how_long_to_wait() {
    let limits = limits(3);
    let remaining: Vec<u32> = (0..3)
        .map(|_| count(&limits, CLIENT, at(1000)).unwrap().remaining)
        .collect();
    assert_eq!(remaining, [2, 1, 0]);
    let denied = count(&limits, CLIENT, at(1000)).unwrap();
    let wait = denied.retry_after.unwrap();
    assert!(wait >= Duration::from_secs(59), "{wait:?}");
    let wait = i64::try_from(wait.as_millis()).unwrap();
    assert_eq!(
        count(&limits, CLIENT, at(1000 + wait)).unwrap().retry_after,
        None
    );
    assert!(denied.reset_at * 1000 >= at(1000).ms());
}

#[test]
fn a_client_has_one_limit_however_its_id_is_spelt() {
    let limits = limits(3);
    let id = "0192f8c4-abcd-7000-8000-00000000000f";
    let spellings = [
        id.to_owned(),
        id.to_uppercase(),
        id.replace('a', "A"),
        id.replace('f', "F"),
    ];
    let admitted = spellings.iter().filter(|spelling| {
        let subject = Subject::TokenRequest {
            address: "192.0.2.1",
            client_id: spelling,
        };
        let standing = count(&limits, subject, at(0)).unwrap();
        standing.retry_after.is_none()
    });
    assert_eq!(admitted.count(), 3);
}

#[test]
fn the_window_slides() {
    let limits = limits(10);
    for _ in 0..10 {
        count(&limits, CLIENT, at(59_000));
    }
    // Half of the next window later, half of the ten still count.
    let allowed = (0..10)
        .filter(|_| {
            count(&limits, CLIENT, at(90_000))
                .unwrap()
                .retry_after
                .is_none()
        })
        .count();
    assert_eq!(allowed, 5);
    assert_eq!(count(&limits, CLIENT, at(300_000)).unwrap().remaining, 9);
}

#[test]
fn the_wait_is_long_enough_and_no_longer_whatever_came_before() {
    for (max, before, now) in [
        (10, 10, 0),
        (10, 10, 5),
        (10, 7, 4),
        (10, 3, 9),
        (10, 10, 10),
        (10, 0, 10),
        (1, 0, 1),
        (1, 1, 1),
        (3, 3, 0),
    ] {
        let limits = limits(max);
        for _ in 0..before {
            count(&limits, CLIENT, at(30_000));
        }
        for _ in 0..now {
            count(&limits, CLIENT, at(70_000));
        }
        let ms = 75_000;
        while count(&limits, CLIENT, at(ms))
            .unwrap()
            .retry_after
            .is_none()
        {}
        let denied = |ms| count(&limits, CLIENT, at(ms)).unwrap().retry_after;
        let wait = denied(ms).unwrap();
        let end = ms + i64::try_from(wait.as_millis()).unwrap();
        assert!(denied(end - 1).is_some(), "{max} {before} {now} {wait:?}");
        assert_eq!(denied(end), None, "{max} {before} {now} {wait:?}");
    }
}

#[test]
fn nobody_is_counted_for_another() {
    let limits = limits(1);
    let from = |address| Subject::TokenRequest {
        address,
        client_id: "a",
    };
    assert_eq!(
        count(&limits, from("192.0.2.1"), at(0))
            .unwrap()
            .retry_after,
        None
    );
    assert!(
        count(&limits, from("192.0.2.1"), at(0))
            .unwrap()
            .retry_after
            .is_some()
    );
    assert_eq!(
        count(&limits, from("192.0.2.2"), at(0))
            .unwrap()
            .retry_after,
        None
    );
    assert_eq!(count(&limits, CLIENT, at(0)).unwrap().retry_after, None);
}

#[test]
fn a_flood_of_made_up_names_stops_nobody_elsewhere() {
    let mut limits = limits(2);
    limits.token_requests = Windows::with_room(60_000, 1);
    let denied = |address, name: u32| {
        let client_id = &name.to_string();
        let subject = Subject::TokenRequest { address, client_id };
        count(&limits, subject, at(0))
            .unwrap()
            .retry_after
            .is_some()
    };
    let refused = (0..1000).filter(|name| denied("192.0.2.1", *name)).count();
    assert!(refused > 900, "there is no end of names: {refused}");
    // Who comes from elsewhere meets the flood only where hashes collide.
    let addresses: Vec<String> = (0..100).map(|nth| format!("198.51.100.{nth}")).collect();
    let stopped = addresses.iter().filter(|address| denied(address, 7));
    assert!(stopped.count() < 50);
    assert_eq!(count(&limits, CLIENT, at(0)).unwrap().remaining, 1);
}

#[test]
fn an_operation_has_its_own_minute_for_each_client() {
    let limits = limits(1);
    let denied = |client, operation, ms| {
        let standing = limits
            .count_operation(client, own(operation), at(ms))
            .now_or_never();
        standing.unwrap().unwrap().retry_after.is_some()
    };
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let asked = [
        denied(a, "x", 0),
        denied(a, "x", 0),
        denied(a, "x", 0),
        denied(a, "y", 0),
        denied(b, "x", 0),
        denied(a, "x", 120_000),
    ];
    assert_eq!(asked, [false, false, true, false, false, false]);
    assert_eq!(
        count(&limits, Subject::Client(a), at(0))
            .unwrap()
            .retry_after,
        None
    );
    let off = self::limits(0);
    assert_eq!(
        off.count_operation(a, own("x"), at(0)).now_or_never(),
        Some(None)
    );
}

#[test]
fn the_stricter_of_two_limits_denies_or_leaves_less() {
    let standing = |limit, remaining, wait: Option<u64>| Standing {
        limit,
        remaining,
        reset_at: 0,
        retry_after: wait.map(Duration::from_secs),
    };
    let wide = standing(100, 90, None);
    let narrow = standing(30, 29, None);
    let stopped = standing(30, 0, Some(5));
    let spent = standing(100, 0, None);
    let longer = standing(100, 0, Some(9));
    for (one, other, strict) in [
        (wide, narrow, narrow),
        (spent, narrow, spent),
        (spent, stopped, stopped),
        (stopped, longer, longer),
    ] {
        assert_eq!(one.stricter(other), strict);
        assert_eq!(other.stricter(one), strict);
    }
}

fn own(operation: &'static str) -> OwnLimit {
    OwnLimit {
        operation,
        max_per_minute: 2,
    }
}

#[test]
fn one_request_counts_in_both_of_its_windows() {
    let limits = limits(5);
    let client = Uuid::from_u128(1);
    let call = |ms| {
        let counted = limits.count(Subject::Client(client), Some(own("x")), at(ms));
        counted.now_or_never().unwrap().unwrap()
    };
    assert_eq!(
        [call(0), call(0)].map(|s| (s.limit, s.remaining)),
        [(2, 1), (2, 0)]
    );
    // A call that only the narrow limit denies still counts as a request.
    for _ in 0..2 {
        assert!(call(0).retry_after.is_some());
    }
    assert_eq!(
        count(&limits, Subject::Client(client), at(0))
            .unwrap()
            .remaining,
        0
    );
    // One that the general limit denies does not count as a call.
    assert_eq!(call(0).limit, 5);
    let text = limits.metrics.encode();
    let hits = format!("rate_limit_hits_total{{client_id=\"{client}\"}} 3");
    assert!(text.contains(&hits), "{text}");
}

#[test]
fn a_key_in_redis_is_bounded_and_one_for_each_subject() {
    let key = |address, client_id: &str| {
        let subject = Subject::TokenRequest { address, client_id };
        let key = Key::General(subject);
        Counted {
            key,
            max: 1,
            window_ms: 1,
        }
        .shared_key()
    };
    assert!(key("a", &"x".repeat(100_000)).len() < 100);
    assert_ne!(key("ab", "c"), key("a", "bc"));
}

#[test]
fn a_flood_of_made_up_names_takes_no_clients_place_in_the_metrics() {
    let known = Uuid::from_u128(1);
    let clients = Arc::new(Known(vec![known]));
    let limits = Limits::new(a_minute(1), None, clients, Arc::default());
    let refused = |subject: Subject<'_>| {
        count(&limits, subject, at(0));
        assert!(
            count(&limits, subject, at(0))
                .unwrap()
                .retry_after
                .is_some()
        );
    };
    let by_name = |client_id: &str| {
        refused(Subject::TokenRequest {
            address: "192.0.2.1",
            client_id,
        });
    };
    for number in 1000..2000 {
        by_name(&Uuid::from_u128(number).to_string());
    }
    by_name("nonsense");
    by_name(&known.to_string());
    // Authenticated: a client whatever else is known of it.
    let caller = Uuid::from_u128(2);
    refused(Subject::Client(caller));
    let text = limits.metrics.encode();
    let mut hits: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("agentidp_rate_limit_hits_total{client_id="))
        .collect();
    hits.sort_unstable();
    let expected = [known, caller].map(|client| format!("\"{client}\"}} 1"));
    assert_eq!(hits, [&expected[0], &expected[1], "\"unknown\"} 1001"]);
}
