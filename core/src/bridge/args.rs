//! A call's arguments as JSON: `{"path": {…}, "query": {…}, "body": {…}, "options": {…}}`.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{config::duration, place};
use crate::{
    Error,
    call::request::{Options, Payload, Request},
    operation::{BodyKind, Operation, Segment},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Envelope<'a> {
    path: BTreeMap<String, String>,
    query: Option<Map<String, Value>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    options: Option<Given>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Given {
    timeout_ms: Option<f64>,
    connect_timeout_ms: Option<f64>,
    retries: Option<u32>,
    headers: Option<BTreeMap<String, String>>,
    idempotency_key: Option<String>,
    request_id: Option<String>,
}

/// Reads the arguments of an operation.
pub(super) fn read(
    operation: &'static Operation,
    args: &[u8],
) -> Result<(Request, Options), Error> {
    let mut envelope: Envelope<'_> = if args.is_empty() {
        Envelope::default()
    } else {
        serde_json::from_slice(args).map_err(|e| unreadable(args, &e))?
    };
    let mut request = Request::new(operation);
    for segment in operation.segments {
        if let Segment::Param(name) = segment {
            // A missing one is refused with the empty ones.
            request
                .path
                .push(envelope.path.remove(*name).unwrap_or_default());
        }
    }
    if let Some(name) = envelope.path.keys().next() {
        return Err(Error::argument(
            name,
            "is no path parameter of this operation",
        ));
    }
    let query = envelope.query.unwrap_or_default();
    if !query.is_empty() && !operation.takes_query {
        return Err(Error::argument("query", "this operation takes no query"));
    }
    request.query = query;
    request.query.retain(|_, value| !value.is_null());
    request.body = body(operation, envelope.body)?;
    Ok((request, options(envelope.options.unwrap_or_default())?))
}

fn body(operation: &Operation, given: Option<&RawValue>) -> Result<Payload, Error> {
    let Some(raw) = given.filter(|raw| raw.get() != "null") else {
        return Ok(Payload::None);
    };
    let Some(wanted) = &operation.body else {
        return Err(Error::argument("body", "this operation takes no body"));
    };
    if wanted.kind == BodyKind::Json && wanted.defaults.is_empty() {
        whole(raw.get())?;
        return Ok(Payload::Json(raw.get().as_bytes().to_vec()));
    }
    serde_json::from_str(raw.get())
        .map(Payload::Fields)
        .map_err(|e| unreadable_body(raw.get(), &e))
}

/// Refuses half of a surrogate pair in a body that is sent as it was written. Only a text with an escape that may be one
/// is read for it.
fn whole(json: &str) -> Result<(), Error> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Ok(());
    }
    match serde_json::from_str::<Value>(json) {
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable_body(json, &error)),
    }
}

fn unreadable_body(json: &str, error: &serde_json::Error) -> Error {
    let (path, what) = place::fault(json.as_bytes(), error);
    Error::argument(if path.is_empty() { "body" } else { &path }, &what)
}

fn options(given: Given) -> Result<Options, Error> {
    Ok(Options {
        timeout: milliseconds("timeoutMs", given.timeout_ms)?,
        connect_timeout: milliseconds("connectTimeoutMs", given.connect_timeout_ms)?,
        retries: given.retries,
        headers: given.headers.unwrap_or_default().into_iter().collect(),
        idempotency_key: given.idempotency_key,
        request_id: given.request_id,
    })
}

fn milliseconds(name: &str, given: Option<f64>) -> Result<Option<Duration>, Error> {
    let Some(ms) = given else { return Ok(None) };
    match duration(ms) {
        Some(time) => Ok(Some(time)),
        None => Err(Error::argument(
            name,
            "must be a number of milliseconds above zero",
        )),
    }
}

/// What is wrong, by the caller's own name of the field: the envelope's parts are the bindings'.
fn unreadable(args: &[u8], error: &serde_json::Error) -> Error {
    let (path, what) = place::fault(args, error);
    let name = match path.split_once('.') {
        Some((_, field)) => field,
        None => &path,
    };
    Error::argument(if name.is_empty() { "args" } else { name }, &what)
}
