//! Asking the issuer whether a token is still live (RFC 7662). Which operation that is, the table says.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::{Reason, invalid};
use crate::{
    Error,
    call::{
        describe,
        engine::execute,
        request::{Options, Payload, Request},
    },
    client::Core,
    generated::operations,
};

#[derive(Deserialize)]
struct Introspected {
    active: bool,
}

/// Fails when the token is no longer live, or when that cannot be found out.
pub(super) async fn check(core: &Arc<Core>, token: &str) -> Result<(), Error> {
    let introspection = operations::INTROSPECTION
        .ok_or_else(|| Error::configuration("the contract has no introspection endpoint"))?;
    let mut fields = Map::new();
    fields.insert("token".into(), Value::from(token));
    let mut request = Request::new(introspection);
    request.body = Payload::Fields(fields);
    let answered = execute(core, &request, &Options::default())
        .await
        .map_err(no_verdict)?;
    let said: Introspected =
        serde_json::from_slice(&answered.body).map_err(|e| describe(&answered, &e))?;
    if said.active {
        Ok(())
    } else {
        Err(invalid(
            Reason::Revoked,
            "the token is no longer live: its issuer has ended it",
        ))
    }
}

/// The issuer refuses the client that asks, not the token: by its kind the error would pass for the
/// verdict, and every caller be told that its good token is none.
fn no_verdict(error: Error) -> Error {
    if error.is_authentication() || error.is_permission() {
        error.into_configuration(
            "the issuer does not let the verifier's client introspect tokens: check its secret and \
             its scopes, among which must be tokens:read",
        )
    } else {
        error
    }
}
