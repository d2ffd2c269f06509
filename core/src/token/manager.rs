//! Tokens for callers who make their own requests.

use std::{fmt, sync::Arc, time::Duration};

use crate::{AgentIdPClient, Error, Secret, client::Core};

/// Access tokens, cached and renewed, for requests that the caller makes.
///
/// ```no_run
/// # async fn f() -> Result<(), sentryagent_idp::Error> {
/// use sentryagent_idp::TokenManager;
/// let tokens = TokenManager::new("https://idp.example.com", "client-id", "secret", "agents:read")?;
/// let token = tokens.get_token().await?;
/// // `Authorization: Bearer {token.expose_secret()}`
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenManager {
    core: Arc<Core>,
}

impl TokenManager {
    /// A manager that needs no client. `scope` is a list separated by spaces. Clients and managers of the
    /// same server, client, secret and scopes share one token.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when an argument is wrong.
    pub fn new(
        base_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
        scope: &str,
    ) -> Result<Self, Error> {
        AgentIdPClient::builder()
            .base_url(base_url)
            .client_id(client_id)
            .client_secret(client_secret)
            .scopes(scope.split_whitespace())
            .build()
            .map(|client| client.token_manager())
    }

    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A token that is valid now. A cached one is answered without a wait.
    ///
    /// # Errors
    /// What the token endpoint answered; callers that waited for the same request share its error.
    pub async fn get_token(&self) -> Result<Secret, Error> {
        Ok(self.core.token(Duration::MAX).await?.access.clone())
    }

    /// The cached token, if one can be had without waiting.
    #[must_use]
    pub fn cached_token(&self) -> Option<Secret> {
        self.core.cached_token().map(|token| token.access.clone())
    }

    /// Forgets the token, for all that share it; the next call fetches a new one.
    pub fn clear_token_cache(&self) {
        self.core.clear_token_cache();
    }
}

impl fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManager")
            .field("base_url", &self.core.config.base())
            .field("client_id", &self.core.config.client_id.value)
            .finish_non_exhaustive()
    }
}
