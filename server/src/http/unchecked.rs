//! A request's query and body as they came.
//!
//! They are a value, not checked before the handler runs, because of the order of judgement: an
//! unknown id (404) and a missing role (403) come before a fault in the body (400), and only the
//! handler can know the first two.

use std::marker::PhantomData;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::facts::Envelope;
use crate::{
    error::ApiError,
    generated::codes::Code,
    wire::{At, Faults, Input, Object, Unknown, parse_json, parse_pairs},
};

/// Where the typed value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyShape {
    /// Nowhere: neither query nor body.
    Nothing,
    /// In the query.
    Query,
    /// In a JSON body.
    Json {
        /// It must be there.
        required: bool,
    },
    /// In a form body.
    Form,
}

/// The untrusted half of a request.
#[derive(Clone, Debug)]
pub struct RawInput {
    /// Behind the question mark.
    pub query: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// Whole; empty when the operation has none.
    pub body: Bytes,
    /// Faults of headers, reported with the others.
    pub faults: Faults,
    /// Which code a fault has.
    pub envelope: Envelope,
}

/// A query or body that still has to be checked.
///
/// `check` must be called even where there is nothing to be had: it also refuses unknown query
/// parameters.
#[must_use = "unknown and invalid input is refused only by `check`"]
pub struct Unchecked<T> {
    raw: RawInput,
    shape: BodyShape,
    read: fn(RawInput, BodyShape) -> Result<T, ApiError>,
    marker: PhantomData<T>,
}

impl Unchecked<()> {
    /// Neither query nor body is expected.
    pub fn nothing(raw: RawInput) -> Self {
        Self {
            raw,
            shape: BodyShape::Nothing,
            read: |raw, _| check_nothing(raw),
            marker: PhantomData,
        }
    }
}

impl<T: Input> Unchecked<T> {
    /// A value of that shape is expected.
    pub fn new(raw: RawInput, shape: BodyShape) -> Self {
        Self {
            raw,
            shape,
            read: check::<T>,
            marker: PhantomData,
        }
    }
}

impl<T> Unchecked<T> {
    /// The value, or a 400 with every fault, or a 415.
    pub fn check(self) -> Result<T, ApiError> {
        (self.read)(self.raw, self.shape)
    }
}

fn check_nothing(mut raw: RawInput) -> Result<(), ApiError> {
    let mut faults = std::mem::take(&mut raw.faults);
    no_query(&raw, &mut faults);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(refuse(raw.envelope, &faults))
    }
}

fn check<T: Input>(mut raw: RawInput, shape: BodyShape) -> Result<T, ApiError> {
    let mut faults = std::mem::take(&mut raw.faults);
    let value = match shape {
        BodyShape::Nothing | BodyShape::Query => query::<T>(&raw, &mut faults),
        BodyShape::Json { required } => {
            no_query(&raw, &mut faults);
            json(&raw, required, &mut faults)?
        }
        BodyShape::Form => {
            no_query(&raw, &mut faults);
            form(&raw, &mut faults)?
        }
    };
    match value {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(refuse(raw.envelope, &faults)),
    }
}

fn refuse(envelope: Envelope, faults: &Faults) -> ApiError {
    let error = ApiError::validation(faults);
    match envelope {
        Envelope::Standard => error,
        Envelope::OAuth => {
            ApiError::new(Code::InvalidRequest).message(error.public_message().to_owned())
        }
    }
}

fn no_query(raw: &RawInput, faults: &mut Faults) {
    pairs(raw.query.as_deref().unwrap_or_default(), "query", faults)
        .map(|pairs| Object::pairs(pairs, &[], Unknown::Refuse, faults));
}

fn query<T: Input>(raw: &RawInput, faults: &mut Faults) -> Option<T> {
    let pairs = pairs(raw.query.as_deref().unwrap_or_default(), "query", faults)?;
    T::read(&mut Object::pairs(
        pairs,
        T::FIELDS,
        Unknown::Refuse,
        faults,
    ))
}

fn pairs(text: &str, what: &str, faults: &mut Faults) -> Option<crate::wire::Pairs> {
    let pairs = parse_pairs(text);
    if pairs.is_none() {
        faults.add(what, "is not properly percent-encoded UTF-8");
    }
    pairs
}

fn json<T: Input>(
    raw: &RawInput,
    required: bool,
    faults: &mut Faults,
) -> Result<Option<T>, ApiError> {
    let map = if raw.body.is_empty() {
        if required {
            faults.add("body", "is required");
            return Ok(None);
        }
        Map::new()
    } else {
        if !is_media(raw.content_type.as_deref(), "application/json") {
            return Err(ApiError::new(Code::UnsupportedMediaType).message("Send application/json."));
        }
        match parse_json(&raw.body) {
            Ok(Value::Object(map)) => map,
            Ok(_) => {
                faults.add("body", "must be a JSON object");
                return Ok(None);
            }
            Err(reason) => {
                faults.add("body", reason);
                return Ok(None);
            }
        }
    };
    Ok(T::read(&mut Object::json(
        map,
        T::FIELDS,
        At::new(faults, ""),
    )))
}

fn form<T: Input>(raw: &RawInput, faults: &mut Faults) -> Result<Option<T>, ApiError> {
    if !is_media(raw.content_type.as_deref(), FORM) {
        return Err(ApiError::new(Code::UnsupportedMediaType)
            .message("Send application/x-www-form-urlencoded."));
    }
    let Ok(text) = std::str::from_utf8(&raw.body) else {
        faults.add("body", "is not UTF-8");
        return Ok(None);
    };
    let Some(pairs) = pairs(text, "body", faults) else {
        return Ok(None);
    };
    Ok(T::read(&mut Object::pairs(
        pairs,
        T::FIELDS,
        Unknown::Ignore,
        faults,
    )))
}

/// The media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Whether the header names that media type, parameters such as a charset aside.
pub fn is_media(content_type: Option<&str>, expected: &str) -> bool {
    content_type.is_some_and(|value| {
        value
            .split(';')
            .next()
            .is_some_and(|media| media.trim().eq_ignore_ascii_case(expected))
    })
}
