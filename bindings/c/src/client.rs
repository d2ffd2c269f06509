//! The client handle: one configuration, or the reason why it is none.

use sentryagent_idp::{Error, bridge::BridgeClient};

use crate::{
    clock::AgentidpClock,
    guard::guard,
    output::{Output, input},
};

/// A configured client, or a configuration error that `agentidp_client_error` tells. Opaque.
pub struct AgentidpClient {
    inner: Result<BridgeClient, Error>,
}

impl AgentidpClient {
    /// The client, when the configuration held.
    pub(crate) fn configured(&self) -> Option<&BridgeClient> {
        self.inner.as_ref().ok()
    }

    /// The client, or what is wrong with its configuration.
    pub(crate) fn result(&self) -> Result<&BridgeClient, &Error> {
        self.inner.as_ref()
    }
}

/// A client from a JSON object, all keys optional: `baseUrl`, `clientId`, `clientSecret`,
/// `scopes` (list), `timeoutMs`, `connectTimeoutMs`, `retries`, `headers` (object),
/// `allowInsecureHttp`, `caBundle`, `clientCertificate`, `clientKey`, `proxy`, `language`, `runtime`.
/// What is absent comes from the `AGENTIDP_*` environment variables. `clock` is null outside of tests.
/// Starts no thread and opens no connection.
///
/// Always a handle: a configuration that does not hold is told by `agentidp_client_error`. Null
/// only after a panic. Free it with `agentidp_client_free`.
///
/// # Safety
/// `config` is null or points to `config_len` readable bytes; `clock` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_new(
    config: *const u8,
    config_len: usize,
    clock: *const AgentidpClock,
) -> *mut AgentidpClient {
    // SAFETY: the caller's promises, passed on.
    let (config, clock) = unsafe { (input(config, config_len), clock.as_ref()) };
    guard(std::ptr::null_mut(), || {
        let config = if config.is_empty() { b"{}" } else { config };
        let inner = BridgeClient::from_json_with(config, clock.map(AgentidpClock::shared));
        Box::into_raw(Box::new(AgentidpClient { inner }))
    })
}

/// Writes the error record (JSON) of a configuration that does not hold; returns its length, 0 when
/// the client is usable.
///
/// # Safety
/// `client` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_error(
    client: *const AgentidpClient,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (client, output) = unsafe { (client.as_ref(), Output::new(buffer, capacity)) };
    guard(0, || match client.map(|c| &c.inner) {
        Some(Err(error)) => output.fill(error.to_json().to_string().as_bytes()),
        _ => 0,
    })
}

/// The number by which log records name this client; 0 when it has a configuration error.
///
/// # Safety
/// `client` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_id(client: *const AgentidpClient) -> u64 {
    // SAFETY: the caller's promise, passed on.
    let client = unsafe { client.as_ref() };
    guard(0, || {
        client
            .and_then(AgentidpClient::configured)
            .map_or(0, BridgeClient::id)
    })
}

/// Writes the cached access token if one is fresh enough to use; returns its length, 0 when there
/// is none. Answered on the calling thread: no task, no queue. The bytes are a secret.
///
/// # Safety
/// As `agentidp_client_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_cached_token(
    client: *const AgentidpClient,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (client, output) = unsafe { (client.as_ref(), Output::new(buffer, capacity)) };
    guard(0, || {
        client
            .and_then(AgentidpClient::configured)
            .and_then(BridgeClient::cached_token)
            .map_or(0, |token| output.fill(token.as_bytes()))
    })
}

/// Forgets the cached access token; the next call asks for a new one.
///
/// # Safety
/// `client` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_clear_token_cache(client: *const AgentidpClient) {
    // SAFETY: the caller's promise, passed on.
    let client = unsafe { client.as_ref() };
    guard((), || {
        if let Some(client) = client.and_then(AgentidpClient::configured) {
            client.clear_token_cache();
        }
    });
}

/// Writes where each value of the configuration came from, as JSON with secrets masked; returns its
/// length, 0 when the configuration does not hold.
///
/// # Safety
/// As `agentidp_client_error`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_explain(
    client: *const AgentidpClient,
    buffer: *mut u8,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promises, passed on.
    let (client, output) = unsafe { (client.as_ref(), Output::new(buffer, capacity)) };
    guard(0, || {
        client.and_then(AgentidpClient::configured).map_or(0, |c| {
            output.fill(c.explain_configuration().to_string().as_bytes())
        })
    })
}

/// Ends the client: later calls fail with the code `CLIENT_CLOSED`. The handle stays valid.
///
/// # Safety
/// `client` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_close(client: *const AgentidpClient) {
    // SAFETY: the caller's promise, passed on.
    let client = unsafe { client.as_ref() };
    guard((), || {
        if let Some(client) = client.and_then(AgentidpClient::configured) {
            client.close();
        }
    });
}

/// Frees the handle. Calls that it started go on.
///
/// # Safety
/// `client` is null or a live handle that no thread uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_client_free(client: *mut AgentidpClient) {
    if client.is_null() {
        return;
    }
    // SAFETY: made by `Box::into_raw` in `agentidp_client_new`, and the caller gives it up.
    let client = unsafe { Box::from_raw(client) };
    guard((), || drop(client));
}
