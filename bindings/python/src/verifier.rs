//! Local verification: tokens, webhooks and audit events, as the Python package uses it. The rules
//! are the core's.

use std::time::{Duration, SystemTime};

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};
use sentryagent_idp::bridge::{self, BridgeVerifier};

use crate::{
    call::{Wanted, outcome},
    client::{NativeClient, configuration},
    clock::NativeClock,
    errors,
    hidden::Hidden,
    json, logs, sync,
};

/// The core's verifier. Not part of the public surface.
#[pyclass(frozen, module = "sentryagent_idp._native")]
pub struct NativeVerifier {
    verifier: BridgeVerifier,
}

#[pymethods]
impl NativeVerifier {
    #[new]
    fn new(
        config: &Bound<'_, PyDict>,
        hidden: &Bound<'_, Hidden>,
        client: Option<&Bound<'_, NativeClient>>,
        clock: Option<&Bound<'_, NativeClock>>,
    ) -> PyResult<Self> {
        let py = config.py();
        logs::refresh(py)?;
        let text = configuration(config, hidden)?;
        let made = BridgeVerifier::from_json(
            text.as_bytes(),
            clock.map(|c| c.get().inner()),
            client.map(|c| c.get().inner()),
        );
        let verifier = made.map_err(|error| errors::exception(py, &error))?;
        Ok(Self { verifier })
    }

    /// The claims, when they can be told at once; None when a key or an introspection is needed.
    fn verify_now(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Hidden>,
        scopes: Vec<String>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let token = text(token)?;
        logs::refresh(py)?;
        let found = self.verifier.verify_now(&token, &scopes);
        logs::deliver(py);
        match found {
            None => Ok(None),
            Some(Ok(found)) => json::parse(py, &found).map(Some),
            Some(Err(error)) => Err(errors::exception(py, &error)),
        }
    }

    /// The claims; waits with the GIL released.
    fn verify(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Hidden>,
        scopes: Vec<String>,
    ) -> PyResult<Py<PyAny>> {
        let token = text(token)?;
        let completion = sync::run(py, |channel, id| {
            channel.start_verify(&self.verifier, id, &token, &scopes);
        })?;
        outcome(py, completion, &Wanted::Body, None)
    }
}

impl NativeVerifier {
    /// The core's verifier.
    pub fn inner(&self) -> &BridgeVerifier {
        &self.verifier
    }
}

/// The token inside. Text that is no Unicode is no token, but the core's to refuse.
pub fn text(token: &Bound<'_, Hidden>) -> PyResult<String> {
    let value = token.get().value(token.py());
    let text = value.cast::<PyString>().map_err(|_| {
        PyTypeError::new_err(format!("token must be str, not {}", json::kind(value)))
    })?;
    Ok(text.to_string_lossy().into_owned())
}

/// Checks a webhook's signature and age; `now` is Unix seconds.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // what pyo3 extracts is owned
pub fn _verify_webhook(
    py: Python<'_>,
    payload: &[u8],
    headers: Vec<(String, String)>,
    secrets: &Bound<'_, Hidden>,
    tolerance: f64,
    now: Option<f64>,
) -> PyResult<()> {
    let secrets: Vec<String> = secrets.get().value(py).extract()?;
    let tolerance = Duration::try_from_secs_f64(tolerance)
        .map_err(|_| PyValueError::new_err("tolerance must be seconds, not negative"))?;
    let now = match now {
        None => None,
        Some(seconds) => Some(instant(seconds)?),
    };
    bridge::verify_webhook(payload, &headers, &secrets, tolerance, now)
        .map_err(|error| errors::exception(py, &error))
}

fn instant(seconds: f64) -> PyResult<SystemTime> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
        .ok_or_else(|| PyValueError::new_err("now must lie after 1970"))
}

/// Checks a run of audit events (a JSON array as text); the outcome is JSON.
#[pyfunction]
pub fn _verify_audit_events<'py>(py: Python<'py>, events: &str) -> PyResult<Bound<'py, PyBytes>> {
    let found = py.detach(|| bridge::verify_audit_events(events.as_bytes()));
    found
        .map(|json| PyBytes::new(py, &json))
        .map_err(|error| errors::exception(py, &error))
}
