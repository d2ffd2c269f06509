//! Steps 3 to 5 of the pipeline: who calls, how often, and whether the policy and the tier let that caller
//! take this route.

use axum::http::HeaderMap;
use parking_lot::Mutex;

use super::{
    authenticate::{self, Presented},
    facts::{AuthKind, Facts},
    gate::{Gate, Notes, Who, content_type},
};
use crate::{
    call::{Call, Caller},
    error::ApiError,
    generated::codes::Code,
    limits::{OwnLimit, Standing, Subject},
};

impl Gate {
    /// A bearer token becomes a caller, who is then counted.
    pub(super) async fn bearer(
        &self,
        facts: &Facts,
        call: &Call,
        headers: &HeaderMap,
        notes: &Mutex<Notes>,
    ) -> Result<Who, ApiError> {
        let token = authenticate::bearer(headers)?;
        let caller = self.auth.bearer(call, token.expose()).await?;
        let subject = Subject::Client(caller.agent_id);
        let standing = self
            .limits
            .count(subject, own_limit(facts), call.received_at);
        Self::note(standing.await, notes)?;
        Ok(Who {
            caller: Some(caller),
            client: None,
        })
    }

    /// At the OAuth endpoints: a bearer token, or a client that is counted before its secret is
    /// looked at.
    pub(super) async fn client(
        &self,
        facts: &Facts,
        call: &Call,
        headers: &HeaderMap,
        body: &[u8],
        notes: &Mutex<Notes>,
    ) -> Result<Who, ApiError> {
        let media = content_type(headers);
        let presented = authenticate::presented(headers, media.as_deref(), body);
        let named = match &presented {
            Ok(Presented::Client(client)) => client.client_id.as_str(),
            _ => "",
        };
        let by_bearer =
            facts.auth == AuthKind::BearerOrClient && matches!(presented, Ok(Presented::Bearer));
        if !by_bearer {
            let subject = Subject::TokenRequest {
                address: call.ip_address.as_str(),
                client_id: named,
            };
            let standing = self.limits.count(subject, None, call.received_at);
            Self::note(standing.await, notes)?;
        }
        match (facts.auth, presented?) {
            (AuthKind::Client, Presented::Client(client)) => Ok(Who {
                caller: None,
                client: Some(client),
            }),
            (AuthKind::Client, Presented::Bearer) => Err(ApiError::new(Code::InvalidClient)),
            (AuthKind::Client, Presented::Nothing) => Ok(Who::default()),
            (_, Presented::Bearer) => self.bearer(facts, call, headers, notes).await,
            (_, Presented::Client(client)) => {
                authenticate::given_once(media.as_deref(), body)?;
                let caller = self.auth.client(call, &client).await?;
                if let Some(own) = own_limit(facts) {
                    let counted =
                        self.limits
                            .count_operation(caller.agent_id, own, call.received_at);
                    Self::note(counted.await, notes)?;
                }
                Ok(Who {
                    caller: Some(caller),
                    client: None,
                })
            }
            (_, Presented::Nothing) => Err(ApiError::no_token()),
        }
    }

    /// The answer's headers tell of the strictest limit; a limit that denies ends the request.
    fn note(standing: Option<Standing>, notes: &Mutex<Notes>) -> Result<(), ApiError> {
        let Some(standing) = standing else {
            return Ok(());
        };
        let mut notes = notes.lock();
        notes.standing = Some(match notes.standing {
            Some(other) => other.stricter(standing),
            None => standing,
        });
        match standing.retry_after {
            None => Ok(()),
            Some(wait) => Err(ApiError::new(Code::RateLimitExceeded)
                .message(format!(
                    "Too many requests; retry in {} s.",
                    wait.as_millis().div_ceil(1000)
                ))
                .retry_after(wait)),
        }
    }

    /// What the policy lets pass counts against the organization's day.
    pub(super) async fn admit(&self, facts: &Facts, who: &Who) -> Result<(), ApiError> {
        let Some(caller) = &who.caller else {
            return Err(ApiError::no_token());
        };
        self.allow(facts, caller)?;
        self.tiers.count_call(caller).await
    }

    fn allow(&self, facts: &Facts, caller: &Caller) -> Result<(), ApiError> {
        if self.policy.allow(facts.method, facts.route, caller.scopes) {
            return Ok(());
        }
        let needed: Vec<&str> = self
            .policy
            .required(facts.method, facts.route)
            .iter()
            .map(|s| s.as_str())
            .collect();
        let message = match needed.as_slice() {
            [] => "The policy does not allow this call.".to_owned(),
            needed => format!("This call needs the scope {}.", needed.join(" ")),
        };
        Err(ApiError::new(Code::InsufficientScope)
            .message(message)
            .detail("requiredScopes", needed))
    }
}

/// The limit that an operation has beside the general one.
fn own_limit(facts: &Facts) -> Option<OwnLimit> {
    facts.rate_limit_per_minute.map(|max_per_minute| OwnLimit {
        operation: facts.id,
        max_per_minute,
    })
}
