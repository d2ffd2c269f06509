//! The cache of an issuer's keys: single flight, refresh, unknown ids, an issuer that is away.

use futures_util::future::join_all;
use sentryagent_idp::{ErrorKind, TokenVerifier, policy::TIME_MAX};

use super::issuer::{Fixture, RSA, ed25519, header, signed, with};
use crate::support::{seconds, until};

#[tokio::test]
async fn a_thousand_cold_callers_make_one_fetch() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let token = f.token(&key);
    assert!(f.verifier.verify_now(&token, &[]).is_none());
    let all = join_all((0..1_000).map(|_| f.verifier.verify(&token))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(
        (f.fetches().await, f.requests_to("well-known").await),
        (1, 1)
    );
}

#[tokio::test]
async fn with_the_key_at_hand_nothing_is_entered() {
    let f = Fixture::new(&RSA).await;
    let token = f.token(&RSA);
    f.verifier.verify(&token).await.expect("it holds");
    let verifier = f.verifier.clone();
    // A plain thread has no runtime to enter.
    let told = std::thread::spawn(move || {
        let claims = token.find('.').expect("a dot") + 1;
        let forged = format!(
            "{}{}",
            &token[..claims],
            token[claims..].replacen('e', "f", 1)
        );
        let good = verifier.verify_now(&token, &[]);
        (good, verifier.verify_now(&forged, &[]))
    });
    let (good, forged) = told.join().expect("a thread");
    assert!(good.expect("at once").is_ok());
    assert!(forged.expect("at once").is_err());
    assert_eq!(f.fetches().await, 1);
}

#[tokio::test]
async fn a_flood_of_made_up_ids_makes_one_fetch_a_minute() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let good = f.token(&key);
    f.verifier.verify(&good).await.expect("it holds");
    let random = |n: usize| {
        let head = with(header(&key), "kid", format!("random-{n}"));
        signed(&head, &f.claims(), &key)
    };
    let tokens: Vec<String> = (0..1_000).map(random).collect();
    let mut flood = Box::pin(join_all(
        tokens.iter().map(|token| f.verifier.verify(token)),
    ));
    // The flood has begun and waits for its one fetch; known keys go on inline.
    assert!(futures_util::poll!(&mut flood).is_pending());
    assert!(f.verifier.verify_now(&good, &[]).expect("at once").is_ok());
    let unknown =
        |error: sentryagent_idp::Error| error.details().expect("details")["reason"].clone();
    for outcome in flood.await {
        assert_eq!(unknown(outcome.expect_err("refused")), "unknown_key");
    }
    assert_eq!(f.fetches().await, 2);
    // Within the minute nothing is asked and nothing waited for.
    f.clock.advance(seconds(59));
    for token in &tokens {
        let told = f.verifier.verify_now(token, &[]).expect("at once");
        assert_eq!(unknown(told.expect_err("refused")), "unknown_key");
    }
    assert_eq!(f.fetches().await, 2);
    f.clock.advance(seconds(1));
    assert!(
        join_all(tokens.iter().map(|t| f.verifier.verify(t)))
            .await
            .iter()
            .all(Result::is_err)
    );
    assert_eq!(f.fetches().await, 3);
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let (old, new) = (ed25519("old"), ed25519("new"));
    let f = Fixture::new(&old).await;
    f.verifier.verify(&f.token(&old)).await.expect("it holds");
    f.change(|mood| mood.keys = vec![new.jwk.clone()]);
    f.verifier.verify(&f.token(&new)).await.expect("it holds");
    assert_eq!(f.fetches().await, 2);
    // What the issuer no longer publishes no longer verifies.
    let error = f.verifier.verify(&f.token(&old)).await.expect_err("gone");
    assert_eq!(error.details().expect("details")["reason"], "unknown_key");
    assert_eq!(f.fetches().await, 2);
}

#[tokio::test]
async fn keys_are_kept_while_the_issuer_is_away() {
    let key = ed25519("ed-1");
    // The clock runs while fetches are on their way: they have a day.
    let f = Fixture::with(&[&key], |b| b.timeout(TIME_MAX)).await;
    let token = signed(
        &header(&key),
        &with(f.claims(), "exp", 4_000_000_000_u64),
        &key,
    );
    f.verifier.verify(&token).await.expect("it holds");
    f.change(|mood| mood.status = 500);
    f.clock.advance(seconds(7_200));
    assert!(f.verifier.verify_now(&token, &[]).expect("at once").is_ok());
    until(async || f.fetches().await == 2).await;
    // The failed refresh wiped nothing, and is not repeated at every token.
    for _ in 0..100 {
        assert!(f.verifier.verify(&token).await.is_ok());
    }
    assert_eq!(f.fetches().await, 2);
    // A day later, still away: as good.
    f.clock.advance(seconds(72_000));
    until(async || {
        assert!(f.verifier.verify(&token).await.is_ok());
        f.clock.advance(seconds(1));
        f.requests_to("well-known").await >= 2
    })
    .await;
    // Neither does garbage or an empty set wipe anything.
    f.change(|mood| (mood.status, mood.keys) = (200, Vec::new()));
    until(async || {
        assert!(f.verifier.verify(&token).await.is_ok());
        f.clock.advance(seconds(1));
        f.fetches().await >= 4
    })
    .await;
}

#[tokio::test]
async fn an_unknown_id_with_the_issuer_away_is_no_verdict() {
    let (old, new) = (ed25519("old"), ed25519("new"));
    let f = Fixture::new(&old).await;
    f.verifier.verify(&f.token(&old)).await.expect("it holds");
    f.change(|mood| mood.status = 500);
    // The key may be a new one: nobody can tell, now and for the rest of the minute.
    for _ in 0..2 {
        let error = f
            .verifier
            .verify(&f.token(&new))
            .await
            .expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(error.is_retryable());
    }
    assert_eq!(f.fetches().await, 2);
    f.change(|mood| (mood.status, mood.keys) = (200, vec![new.jwk.clone()]));
    f.clock.advance(seconds(60));
    assert!(f.verifier.verify(&f.token(&new)).await.is_ok());
}

#[tokio::test]
async fn without_any_key_callers_share_the_error() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    f.change(|mood| mood.status = 500);
    let token = f.token(&key);
    let all = join_all((0..1_000).map(|_| f.verifier.verify(&token))).await;
    for outcome in all {
        let error = outcome.expect_err("no keys");
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(error.cause().expect("a cause").contains("503"), "{error:?}");
    }
    assert_eq!(f.requests_to("well-known").await, 1);
    f.change(|mood| mood.status = 200);
    f.clock.advance(seconds(1));
    assert!(f.verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn the_issuer_says_how_long_its_keys_are_fresh() {
    for (says, before, after) in [
        (None, 3_599, 3_600),
        (Some("max-age=120"), 119, 120),
        (Some("no-store"), 59, 60),
        (Some("max-age=31536000"), 86_399, 86_400),
    ] {
        let key = ed25519("ed-1");
        let f = Fixture::new(&key).await;
        f.change(|mood| mood.cache_control = says);
        let token = signed(
            &header(&key),
            &with(f.claims(), "exp", 4_000_000_000_u64),
            &key,
        );
        f.verifier.verify(&token).await.expect("it holds");
        f.clock.advance(seconds(before));
        f.verifier.verify(&token).await.expect("it holds");
        tokio::task::yield_now().await;
        assert_eq!(f.fetches().await, 1, "{says:?}");
        f.clock.advance(seconds(after - before));
        f.verifier.verify(&token).await.expect("it holds");
        until(async || f.fetches().await == 2).await;
    }
}

#[tokio::test]
async fn a_machine_that_slept_refreshes_too() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let token = f.token(&key);
    f.verifier.verify(&token).await.expect("it holds");
    // Only the wall clock has moved.
    f.clock.set_wall(seconds(super::issuer::NOW + 7_200));
    f.verifier.verify(&token).await.expect("it holds");
    until(async || f.fetches().await == 2).await;
}

#[tokio::test]
async fn a_caller_that_gives_up_disturbs_nobody() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let token = f.token(&key);
    let mut first = Box::pin(f.verifier.verify(&token));
    let mut second = Box::pin(f.verifier.verify(&token));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    assert!(second.await.is_ok());
    assert_eq!(f.fetches().await, 1);
}

#[test]
fn a_runtime_that_went_away_takes_its_fetch_with_it() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    };
    let key = ed25519("ed-1");
    let servers = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("one");
    let f = servers.block_on(Fixture::new(&key));
    let token = f.token(&key);
    let gone = runtime();
    gone.block_on(async {
        let mut begun = Box::pin(f.verifier.verify(&token));
        assert!(futures_util::poll!(&mut begun).is_pending());
    });
    drop(gone);
    assert!(runtime().block_on(f.verifier.verify(&token)).is_ok());
}

/// Begins to verify on a runtime that is then no longer driven.
fn begun_elsewhere(verifier: &TokenVerifier, token: &str) -> (tokio::runtime::Runtime, bool) {
    let (verifier, token) = (verifier.clone(), token.to_owned());
    let elsewhere = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let begun =
            runtime.block_on(async { futures_util::poll!(Box::pin(verifier.verify(&token))) });
        (runtime, begun.is_ready())
    });
    elsewhere.join().expect("no panic")
}

#[tokio::test]
async fn a_fetch_on_a_runtime_that_nobody_drives_is_not_waited_for() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let (token, verifier) = (f.token(&key), f.verifier.clone());
    let (runtime, verified) = begun_elsewhere(&verifier, &token);
    assert!(!verified);
    let waiting = tokio::spawn(async move { verifier.verify(&token).await });
    f.clock.sleeping(seconds(5)).await;
    assert!(!waiting.is_finished());
    f.clock.advance(seconds(5));
    waiting.await.expect("no panic").expect("it holds");
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_refresh_on_a_runtime_that_nobody_drives_is_begun_anew() {
    let (old, new) = (ed25519("old"), ed25519("new"));
    let f = Fixture::new(&old).await;
    let token = f.token(&old);
    f.verifier.verify(&token).await.expect("it holds");
    f.clock.advance(seconds(3600));
    let (runtime, verified) = begun_elsewhere(&f.verifier, &token);
    assert!(verified);
    f.change(|mood| mood.keys = vec![new.jwk.clone()]);
    // A fetch has ten seconds.
    f.clock.advance(seconds(16));
    f.verifier.verify(&token).await.expect("for the last time");
    until(async || f.verifier.verify(&token).await.is_err()).await;
    runtime.shutdown_background();
}
