//! Asking the token endpoint (RFC 6749 section 4.4). Which operation that is, the table says.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Moment, Token};
use crate::{
    Error, Secret,
    call::{
        describe,
        engine::perform,
        request::{Options, Payload, Request},
    },
    client::Core,
    generated::operations,
    policy,
};

/// The answer of RFC 6749 section 5.1, as far as the cache needs it.
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    token_type: String,
    expires_in: u64,
    #[serde(default)]
    scope: Option<String>,
}

/// Fetches a token. Boxed: the token endpoint is called by the same path that needs tokens. The client
/// may be closed meanwhile: callers of other clients wait for this token too.
pub(super) fn fetch(core: Arc<Core>) -> Pin<Box<dyn Future<Output = Result<Token, Error>> + Send>> {
    Box::pin(async move {
        let operation = operations::TOKEN
            .ok_or_else(|| Error::configuration("the contract has no token endpoint"))?;
        let mut fields = Map::new();
        let scopes = core.config.scopes.value.join(" ");
        if !scopes.is_empty() {
            fields.insert("scope".into(), Value::from(scopes.as_str()));
        }
        let mut request = Request::new(operation);
        request.body = Payload::Fields(fields);
        let answered = perform(&core, &request, &Options::default()).await?;
        let granted: Granted =
            serde_json::from_slice(&answered.body).map_err(|e| describe(&answered, &e))?;
        token(&core, granted, scopes, answered.asked).map_err(|error| answered.blame(error))
    })
}

fn token(
    core: &Core,
    granted: Granted,
    asked_scopes: String,
    asked: Moment,
) -> Result<Token, Error> {
    if !granted.token_type.eq_ignore_ascii_case("bearer") {
        return Err(Error::decoding(
            "the token endpoint answered a token that is no bearer token",
        ));
    }
    let text = granted.access_token.expose_secret();
    // RFC 6750 section 2.1; an empty one would pass for no token at all.
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let mut header = Some(format!("Bearer {text}"))
        .filter(|_| fits)
        .and_then(|text| HeaderValue::try_from(text).ok())
        .ok_or_else(|| {
            Error::decoding("the token endpoint answered a token that no header can carry")
        })?;
    header.set_sensitive(true);
    let life = Duration::from_secs(granted.expires_in);
    Ok(Token {
        access: granted.access_token,
        token_type: granted.token_type,
        scope: granted.scope.unwrap_or(asked_scopes),
        header,
        life,
        window: policy::renewal_window(life, core.clock.random()),
        asked,
    })
}
