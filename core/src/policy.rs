//! When a request is repeated, how long a call may take, and when a token is renewed.
//!
//! # Retries
//! A try is repeated when no answer came, or when it was 408, 429, 500, 502, 503 or 504 - unless the
//! contract calls that status a value (health answers 503) - and when the operation may be repeated:
//! by its method, by its `Idempotency-Key` (the same on each try), or because the contract says so. A
//! connection that was never made is safe to repeat whatever the operation. Between two tries lies
//! a random time from zero to 0.5 s, 1 s, 2 s, … 8 s ("full jitter"), or what `Retry-After` asks for.
//! 2 retries by default.
//!
//! # Time
//! A call's deadline covers everything: waiting for a token, all tries, all waits. A wait that would
//! pass the deadline is not begun: the call fails at once with the error it has, which says how
//! long the server asked to wait. Connecting may take 5 s of a call's 30 s. Either may be up to 24 hours.
//!
//! # Tokens
//! From min(300 s, a third of its life) before its end - up to a tenth of that later, at random - a
//! token is renewed in the background while it still serves. Under 60 s callers wait for the new
//! one - for at most 5 s and half of their own time, after which the old one serves. While the old
//! one lives, a failing token endpoint is a log line and a pause of 1 s to 30 s. Without one, all callers
//! that wait share the error, and so do those that come within the next second: a thousand tasks that
//! start together are not all waiting yet when the answer arrives.
//!
//! Clients that are built apart share one token where they would ask for the same one: same server,
//! client id, secret and scopes, over the same network settings. The request has the timeout and the
//! retries of the client that starts it; a client with more of either takes an error that may pass
//! for its own only after trying itself. A client with a clock of its own (a test's) shares with its clones only.
//!
//! # Keys of issuers
//! A verifier keeps an issuer's keys for as long as the issuer says (`Cache-Control: max-age`, an hour
//! without it, never under a minute or over a day), up to a tenth less, at random; then they are
//! fetched again in the background while they still serve. A failed fetch drops nothing: a log line
//! and the same pause of 1 s to 30 s. A token that names an unknown key fetches at most once a minute,
//! whatever the number of such tokens; those in between are refused at once.
//!
//! Owns: these numbers and the pure functions over them. Refuses: clocks, input and output.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// A call in all.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// Making a connection.
pub const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// Largest time that can be configured, for a call, a connection or a fetch.
pub const TIME_MAX: Duration = Duration::from_secs(86_400);
/// Repetitions after the first try.
pub const RETRIES_DEFAULT: u32 = 2;
/// Largest number of repetitions that can be configured.
pub const RETRIES_MAX: u32 = 10;
/// Largest answer that is read, after decompression.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest answer with a status from 400 whose body is read, after decompression; beyond it the error has
/// what its status and headers say.
pub const ERROR_BYTES_MAX: usize = 1024 * 1024;

const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(8);
const RENEWAL_WINDOW_MAX: Duration = Duration::from_secs(300);
/// Callers that come this soon after a failed token request share its error.
pub(crate) const FAILURE_SHARED: Duration = Duration::from_secs(1);
const RENEWAL_PAUSE_FIRST: Duration = Duration::from_secs(1);
const RENEWAL_PAUSE_MAX: Duration = Duration::from_secs(30);
/// So long a caller waits for a successor while the present token could still serve.
pub(crate) const RENEWAL_WAIT_MAX: Duration = Duration::from_secs(5);
/// So long a caller relies on a token request that runs on another runtime than its own.
pub(crate) const FOREIGN_FLIGHT_MAX: Duration = Duration::from_secs(5);
/// Below this rest of its life callers wait for a token's successor.
pub(crate) const RENEWAL_WAIT_BELOW: Duration = Duration::from_secs(60);

/// How long an issuer's keys count as fresh when it does not say, and what it can say.
pub(crate) const KEYS_AGE_DEFAULT: Duration = Duration::from_secs(3600);
pub(crate) const KEYS_AGE_MIN: Duration = Duration::from_secs(60);
pub(crate) const KEYS_AGE_MAX: Duration = Duration::from_secs(86_400);
/// Between two fetches that tokens with unknown keys cause.
pub(crate) const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(60);
/// Fetching an issuer's keys, in all.
pub(crate) const KEYS_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// How far clocks may differ when a token's times are judged.
pub const LEEWAY_DEFAULT: Duration = Duration::from_secs(60);
/// How far a webhook's time may be from the present, either way.
pub const WEBHOOK_TOLERANCE_DEFAULT: Duration = Duration::from_secs(300);

/// The server may answer otherwise a little later.
pub(crate) fn retryable_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// The wait before retry number `retry` (from 1); `random` is in 0..1.
pub(crate) fn backoff(retry: u32, random: f64) -> Duration {
    let doublings = retry.saturating_sub(1).min(16);
    BACKOFF_FIRST
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MAX)
        .mul_f64(random.clamp(0.0, 1.0))
}

/// How long before its end a token of that life is renewed.
pub(crate) fn renewal_window(life: Duration, random: f64) -> Duration {
    let window = RENEWAL_WINDOW_MAX.min(life / 3);
    window.mul_f64(1.0 - 0.1 * random.clamp(0.0, 1.0))
}

/// The pause after `failures` failed renewals in a row (from 1); `random` is in 0..1.
pub(crate) fn renewal_pause(failures: u32, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = RENEWAL_PAUSE_FIRST
        .saturating_mul(1 << doublings)
        .min(RENEWAL_PAUSE_MAX);
    whole.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date as seen at `now`.
pub(crate) fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a u64 has are a very long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX / 2)));
    }
    let date = value.replace("GMT", "+0000");
    let at = OffsetDateTime::parse(&date, &Rfc2822).ok()?;
    Some(Duration::try_from(at - now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_wait_doubles_to_its_limit() {
        let waits: Vec<u64> = (1..=6)
            .map(|n| u64::try_from(backoff(n, 1.0).as_millis()).unwrap())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(u32::MAX, 1.0), BACKOFF_MAX);
    }

    #[test]
    fn a_token_is_renewed_in_the_last_third_or_five_minutes() {
        let window = |life, random| renewal_window(Duration::from_secs(life), random).as_secs();
        assert_eq!(window(3600, 0.0), 300);
        assert_eq!(window(3600, 1.0), 270);
        assert_eq!(window(60, 0.0), 20);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = datetime!(2026-03-28 09:00:00 UTC);
        let read = |value| retry_after(value, now);
        assert_eq!(read("12"), Some(Duration::from_secs(12)));
        assert_eq!(
            read("Sat, 28 Mar 2026 09:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(read("Sat, 28 Mar 2026 08:00:00 GMT"), Some(Duration::ZERO));
        assert!(read("99999999999999999999999").is_some_and(|d| d > Duration::from_secs(1 << 40)));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-3"), None);
        assert_eq!(read(""), None);
    }
}
