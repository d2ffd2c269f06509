//! `CallOptions`: what one call may set differently from its client.

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyDict, PyString},
};
use serde_json::{Map, Value};

use crate::trace::Header;

/// Settings of one call; what is left out is the client's.
///
/// Args:
///     timeout: Seconds for the whole call, tries and waits included; above 0. Default 30.
///     connect_timeout: Seconds for making a connection, if one is needed. Default 5.
///     retries: How often a failed try is repeated, 0 to 10. Default 2.
///     headers: More request headers. `Authorization` is sent instead of the client's token; the
///         others that the SDK sets itself cannot be replaced.
///     idempotency_key: 1-255 visible ASCII characters, in place of the SDK's own key.
///     request_id: 1-128 characters `A-Za-z0-9._-`; comes back on the answer and on errors.
///     on_response: Called with the `ResponseInfo` of an answer before the call returns.
///
/// Raises:
///     TypeError, ValueError: When an argument is not as described. What only the core judges
///         (ids, header names, `retries`) is a ValidationError or ConfigurationError of the call.
#[pyclass(frozen, module = "sentryagent_idp")]
pub struct CallOptions {
    fields: Map<String, Value>,
    wire: String,
    on_response: Option<Py<PyAny>>,
}

#[pymethods]
impl CallOptions {
    #[new]
    #[pyo3(signature = (*, timeout=None, connect_timeout=None, retries=None, headers=None, idempotency_key=None, request_id=None, on_response=None))]
    fn new(
        timeout: Option<&Bound<'_, PyAny>>,
        connect_timeout: Option<&Bound<'_, PyAny>>,
        retries: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        idempotency_key: Option<String>,
        request_id: Option<String>,
        on_response: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut wire = Map::new();
        for (name, wire_name, seconds) in [
            ("timeout", "timeoutMs", timeout),
            ("connect_timeout", "connectTimeoutMs", connect_timeout),
        ] {
            if let Some(seconds) = seconds {
                wire.insert(wire_name.into(), milliseconds(name, seconds)?.into());
            }
        }
        if let Some(retries) = retries {
            wire.insert("retries".into(), whole("retries", retries)?.into());
        }
        if let Some(headers) = headers {
            wire.insert("headers".into(), Value::Object(texts(headers)?));
        }
        for (name, value) in [
            ("idempotencyKey", idempotency_key),
            ("requestId", request_id),
        ] {
            if let Some(value) = value {
                wire.insert(name.into(), value.into());
            }
        }
        if on_response.as_ref().is_some_and(|f| !f.is_callable()) {
            return Err(PyTypeError::new_err("on_response must be callable"));
        }
        Ok(Self {
            wire: Value::Object(wire.clone()).to_string(),
            fields: wire,
            on_response: on_response.map(Bound::unbind),
        })
    }

    /// Names only: a header's value may be a secret.
    fn __repr__(&self) -> String {
        let names: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        format!("CallOptions({})", names.join(", "))
    }

    /// An object that keeps options with a method of its own in them is a circle.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.on_response)
    }
}

impl CallOptions {
    /// The `options` of a call's arguments, as JSON.
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// The same with more headers; those that the caller set himself stay.
    pub fn wire_with(given: Option<&Self>, more: Vec<Header>) -> String {
        let mut fields = given.map(|o| o.fields.clone()).unwrap_or_default();
        let headers = fields
            .entry("headers")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(headers) = headers {
            for (name, value) in more {
                if !headers
                    .keys()
                    .any(|given| given.eq_ignore_ascii_case(&name))
                {
                    headers.insert(name, value.into());
                }
            }
        }
        Value::Object(fields).to_string()
    }

    /// Whom to tell of the answer.
    pub fn on_response(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.on_response.as_ref().map(|f| f.clone_ref(py))
    }
}

/// A number of times. Python's own words for one that is none do not say which argument it is.
fn whole(name: &str, value: &Bound<'_, PyAny>) -> PyResult<u32> {
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(value.py()) {
            wrong_type(name, "a whole number", value)
        } else {
            PyValueError::new_err(format!("{name} must be a whole number from 0 to 10"))
        }
    })
}

fn wrong_type(name: &str, wanted: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().name() {
        Ok(kind) => PyTypeError::new_err(format!("{name} must be {wanted}, not {kind}")),
        Err(error) => error,
    }
}

/// Whole milliseconds, rounded up, so that a small timeout does not become none.
fn milliseconds(name: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let seconds = match value.extract::<f64>() {
        Ok(seconds) => seconds,
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => {
            return Err(wrong_type(name, "a number of seconds", value));
        }
        // A whole number that no float holds is too much, too.
        Err(_) => f64::INFINITY,
    };
    let ms = (seconds * 1000.0).ceil();
    if (1.0..=86_400_000.0).contains(&ms) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        return Ok(ms as u64);
    }
    Err(PyValueError::new_err(format!(
        "{name} must be above 0 and at most 86400 seconds"
    )))
}

fn texts(headers: &Bound<'_, PyAny>) -> PyResult<Map<String, Value>> {
    let wrong = || PyTypeError::new_err("headers must map str to str");
    // A text that is none is named, and not shown: the value of a header may be a secret.
    let half = |name: &str| {
        PyValueError::new_err(format!(
            "headers{name}: holds half of a surrogate pair, which is no text"
        ))
    };
    let headers = headers.cast::<PyDict>().map_err(|_| wrong())?;
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.cast::<PyString>().map_err(|_| wrong())?;
            let name = name.to_cow().map_err(|_| half(""))?;
            let value = value.cast::<PyString>().map_err(|_| wrong())?;
            let value = value.to_cow().map_err(|_| half(&format!(".{name}")))?;
            Ok((name.into_owned(), Value::String(value.into_owned())))
        })
        .collect()
}
