//! Local verification of access tokens, and the two checks that need no server at all.

use std::time::{Duration, UNIX_EPOCH};

use sentryagent_idp::{
    Error,
    bridge::{BridgeVerifier, verify_audit_events, verify_webhook},
};
use serde::Deserialize;

use crate::{
    client::AgentidpClient,
    clock::AgentidpClock,
    guard::guard,
    output::{Output, input},
    queue::{
        AGENTIDP_COMPLETION_ANSWER, AGENTIDP_COMPLETION_ERROR, AGENTIDP_START_MISUSE,
        AGENTIDP_START_OK, AGENTIDP_START_UNCONFIGURED, AgentidpQueue,
    },
};

/// A configured verifier, or a configuration error that `agentidp_verifier_error` tells. Opaque.
pub struct AgentidpVerifier {
    inner: Result<BridgeVerifier, Error>,
}

/// A verifier from a JSON object: `issuer` and `audience` (text or list) must be given; `leewayMs`,
/// `requiredScopes` (list), `jwksUri`, `timeoutMs`, `connectTimeoutMs`, `allowInsecureHttp`,
/// `caBundle`, `proxy`, `clientCertificate`, `clientKey`, `language`, `runtime` may be. With a client,
/// each token that verified is introspected, too. Starts no thread and opens no connection.
///
/// Always a handle: a configuration that does not hold is told by `agentidp_verifier_error`. Null
/// only after a panic. Free it with `agentidp_verifier_free`.
///
/// # Safety
/// `config` is null or points to `config_len` readable bytes; `clock` and `client` are null or live
/// handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_verifier_new(
    config: *const u8,
    config_len: usize,
    clock: *const AgentidpClock,
    client: *const AgentidpClient,
) -> *mut AgentidpVerifier {
    // SAFETY: the caller's promises, passed on.
    let (config, clock, client) =
        unsafe { (input(config, config_len), clock.as_ref(), client.as_ref()) };
    guard(std::ptr::null_mut(), || {
        let inner = match client.map(AgentidpClient::result).transpose() {
            Ok(client) => {
                BridgeVerifier::from_json(config, clock.map(AgentidpClock::shared), client)
            }
            Err(error) => Err(Error::clone(error)),
        };
        Box::into_raw(Box::new(AgentidpVerifier { inner }))
    })
}

/// Writes the error record (JSON) of a configuration that does not hold; returns its length, 0 when
/// the verifier is usable.
///
/// # Safety
/// `verifier` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_verifier_error(
    verifier: *const AgentidpVerifier,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (verifier, output) = unsafe { (verifier.as_ref(), Output::new(buffer, capacity)) };
    guard(0, || match verifier.map(|v| &v.inner) {
        Some(Err(error)) => output.fill(error.to_json().to_string().as_bytes()),
        _ => 0,
    })
}

/// Verifies a token on the calling thread, where that is possible: its key is cached and nothing has
/// to be asked. Writes a result - `u32 kind` (`AGENTIDP_COMPLETION_…`, little endian), then the
/// verified token or the error record as JSON - and returns its length; when that is more than the
/// capacity nothing was written. 0: use `agentidp_verify_start`.
///
/// `scopes` are what the token must have besides the verifier's own, separated by spaces.
///
/// # Safety
/// `verifier` is null or a live handle; `token` and `scopes` are null or point to so many readable
/// bytes; `buffer` is null or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_verify_now(
    verifier: *const AgentidpVerifier,
    token: *const u8,
    token_len: usize,
    scopes: *const u8,
    scopes_len: usize,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (verifier, token, scopes, output) = unsafe {
        (
            verifier.as_ref(),
            input(token, token_len),
            input(scopes, scopes_len),
            Output::new(buffer, capacity),
        )
    };
    guard(0, || {
        verifier
            .and_then(|v| v.inner.as_ref().ok())
            .and_then(|v| v.verify_now(&String::from_utf8_lossy(token), &words(scopes)))
            .map_or(0, |result| result_to(output, result))
    })
}

/// Starts verifying a token, fetching keys or asking about it where that is needed. The completion's
/// body is the verified token.
///
/// # Safety
/// `queue` and `verifier` are null or live handles; `token` and `scopes` are null or point to so many
/// readable bytes (copied before this returns).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_verify_start(
    queue: *const AgentidpQueue,
    verifier: *const AgentidpVerifier,
    id: u64,
    token: *const u8,
    token_len: usize,
    scopes: *const u8,
    scopes_len: usize,
) -> i32 {
    // SAFETY: the caller's promises, passed on.
    let (queue, verifier, token, scopes) = unsafe {
        (
            queue.as_ref(),
            verifier.as_ref(),
            input(token, token_len),
            input(scopes, scopes_len),
        )
    };
    guard(AGENTIDP_START_MISUSE, || {
        let (Some(queue), Some(verifier)) = (queue, verifier) else {
            return AGENTIDP_START_MISUSE;
        };
        let Ok(verifier) = &verifier.inner else {
            return AGENTIDP_START_UNCONFIGURED;
        };
        let token = String::from_utf8_lossy(token);
        queue
            .channel()
            .start_verify(verifier, id, &token, &words(scopes));
        AGENTIDP_START_OK
    })
}

/// Frees the handle. Verifications that it started go on.
///
/// # Safety
/// `verifier` is null or a live handle that no thread uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_verifier_free(verifier: *mut AgentidpVerifier) {
    if verifier.is_null() {
        return;
    }
    // SAFETY: made by `Box::into_raw` in `agentidp_verifier_new`, and the caller gives it up.
    let verifier = unsafe { Box::from_raw(verifier) };
    guard((), || drop(verifier));
}

/// Checks a webhook (Standard Webhooks, v1). `check` is a JSON object: `headers` (list of
/// `[name, value]`), `secrets` (list of `whsec_…`), and optionally `toleranceMs` (5 minutes) and
/// `nowMs` (milliseconds since 1970 UTC; else the system's clock). Writes the error record of a
/// webhook that is not to be trusted; returns its length, 0 when all is well.
///
/// # Safety
/// `payload` and `check` are null or point to so many readable bytes; `buffer` is null or points to
/// `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_webhook_verify(
    payload: *const u8,
    payload_len: usize,
    check: *const u8,
    check_len: usize,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (payload, check, output) = unsafe {
        (
            input(payload, payload_len),
            input(check, check_len),
            Output::new(buffer, capacity),
        )
    };
    // A panic must not read as "all is well".
    let fault = guard(Some(NOT_CHECKED.to_owned()), || {
        let Ok(check) = serde_json::from_slice::<WebhookCheck>(check) else {
            return Some(NOT_CHECKED.to_owned());
        };
        let error = webhook(payload, &check).err()?;
        Some(error.to_json().to_string())
    });
    fault.map_or(0, |fault| output.fill(fault.as_bytes()))
}

/// Checks the hash chain of audit events, a JSON list of one organization's without gaps. Writes a
/// result as `agentidp_verify_now` does; its JSON is `{"verified","checkedCount","brokenAtEventId"}`.
/// 0 only after a panic.
///
/// # Safety
/// `events` is null or points to `events_len` readable bytes; `buffer` is null or points to
/// `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_audit_verify(
    events: *const u8,
    events_len: usize,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (events, output) = unsafe { (input(events, events_len), Output::new(buffer, capacity)) };
    guard(0, || result_to(output, verify_audit_events(events)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WebhookCheck {
    headers: Vec<(String, String)>,
    secrets: Vec<String>,
    tolerance_ms: Option<u64>,
    now_ms: Option<u64>,
}

/// How far a webhook's time may be from ours, both ways, unless the host says otherwise.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The error of a check that is not what the ABI wants. Its text is not repeated: it holds the secret.
const NOT_CHECKED: &str = r#"{"kind":"configuration","code":"CONFIGURATION_ERROR","message":"the webhook's headers, secrets and times cannot be read","httpStatus":null,"requestId":null,"retryable":false,"retryAfter":null,"details":null,"oauthError":null,"retryCount":0,"cause":null}"#;

fn webhook(payload: &[u8], check: &WebhookCheck) -> Result<(), Error> {
    verify_webhook(
        payload,
        &check.headers,
        &check.secrets,
        check.tolerance_ms.map_or(TOLERANCE, Duration::from_millis),
        check
            .now_ms
            .map(|ms| UNIX_EPOCH + Duration::from_millis(ms)),
    )
}

fn words(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    text.split_whitespace().map(str::to_owned).collect()
}

fn result_to(output: Output, result: Result<Vec<u8>, Error>) -> usize {
    let (kind, body) = match result {
        Ok(body) => (AGENTIDP_COMPLETION_ANSWER, body),
        Err(error) => (
            AGENTIDP_COMPLETION_ERROR,
            error.to_json().to_string().into_bytes(),
        ),
    };
    output.fill(&[&kind.to_le_bytes(), body.as_slice()].concat())
}
